"""What is measured. Each measure gives rows: (what, figure, unit, target or "")."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine import clock, db, settings
from engine.commands import instances, people, polls, tasks
from engine.db import embedded, migrate
from engine.history import keys, seals, verification
from engine.people import organisation
from engine.queries import inbox
from engine.queries import instances as found
from tests.bench import honest, life, plans
from tests.bench.ground import median, statements, times

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.ground import Ground

Rows = list[tuple[str, float, str, str]]
GROWING = 10_000  # rows of a table that no page may read from end to end


def _open(ground: Ground, element: str) -> list[Any]:
    return [
        r[0]
        for r in ground.ask(
            "SELECT id FROM task WHERE element = :e AND state = 'open' ORDER BY id", e=element
        )
    ]


def completion(ground: Ground, runs: int = 300) -> Rows:
    """Completing a task through the commands, against a raw transaction doing the same kind of writes, in turn."""
    mover, secretary = ground.actor("d0"), ground.actor("secretary")
    ground.run(
        "CREATE TABLE floor_a (a int, b text); CREATE TABLE floor_b (a int PRIMARY KEY, b text); INSERT INTO floor_b VALUES (1, '')"
    )
    for n in range(runs + 40):
        ground.do(instances.launch, mover, "errand", {"subject": f"第 {n} 件事"})
    raw, raw_update = (
        text("INSERT INTO floor_a VALUES (:a, :b)"),
        text("UPDATE floor_b SET b = :b WHERE a = 1"),
    )

    def floor(_: int) -> None:
        with db.transaction(ground.engine) as session:
            for n in range(3):
                session.execute(raw, {"a": n, "b": "x" * 200})
            session.execute(raw_update, {"b": "y" * 200})

    rows: Rows = []
    steps = (
        ("check", secretary, {"decision": "return", "reason": "请补充"}, "to a person's own task"),
        ("mend", mover, {"note": "已补充"}, "to a seat's task with a deadline"),
        ("check", secretary, {"decision": "pass"}, "to a task with a deadline and a timer"),
    )
    for element, actor, answers, words in steps:
        waiting = _open(ground, element)
        for key in waiting[:20]:
            ground.do(tasks.complete, actor, key, answers)
        waiting = waiting[20:]
        sent = statements(
            ground.engine,
            lambda k=waiting[0], a=actor, g=answers: ground.do(tasks.complete, a, k, g),
        )
        ours, base = [], []
        for key in waiting[1:runs]:  # in turn, so that a slow moment of the machine hits both
            base += times(floor, 1)
            ours += times(
                lambda _, k=key, a=actor, g=answers: ground.do(tasks.complete, a, k, g), 1
            )
        rows += [
            ("floor: 3 inserts and 1 update", median(base), "ms", ""),
            (f"complete, {words}", median(ours), "ms", ""),
            ("  against the floor", median(ours) / median(base), "x", "<= 2.8"),
            ("  SQL statements", sent, "", "<= 10"),
        ]
    return rows


def peer(ground: Ground, runs: int = 300) -> Rows:
    """django-viewflow completing a task on the same server, in an environment of its own, which is made here from the
    package index. CalledProcessError when that cannot be had.
    """
    own, script = ground.home / "peer", Path(__file__).parent
    python = own / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", own], check=True)
    wanted = ["django-viewflow", "psycopg[binary]"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    url = embedded.start(ground.home, "peer")
    told = subprocess.run(
        [python, "-m", "peer", url, str(runs)], cwd=script, check=True, capture_output=True
    )
    found = json.loads(told.stdout)
    return [
        (f"django-viewflow {found['version']}: complete a task", found["complete"], "ms", ""),
        ("  its floor: 3 inserts and 1 update", found["floor"], "ms", ""),
        ("  against its floor", found["complete"] / found["floor"], "x", ""),
    ]


def through_api(ground: Ground, runs: int = 200) -> Rows:
    """The same through HTTP and JSON, inside one process."""
    from webui import create_app

    own = settings.load({"YIXING_HOME": str(ground.home), "YIXING_DATABASE_URL": ground.url})
    client = create_app(own).test_client()
    token = ground.do(people.create_token, None, ground.people["secretary"], "bench")
    secret = (
        token if isinstance(token, str) else token[1] if isinstance(token, tuple) else token.secret
    )
    mover = ground.actor("d0")
    for n in range(runs + 20):
        ground.do(instances.launch, mover, "errand", {"subject": f"接口第 {n} 件"})
    waiting = _open(ground, "check")

    def complete(n: int) -> None:
        reply = client.post(
            f"/api/v1/tasks/{waiting[n]}/complete",
            json={"answers": {"decision": "pass"}},
            headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": secrets.token_hex(8)},
        )
        assert reply.status_code == 200, reply.get_data(as_text=True)

    times(complete, 15)
    offset = waiting[15:]
    waiting = offset
    return [
        ("complete through the API", median(times(complete, min(runs, len(waiting)))), "ms", "<= 8")
    ]


def _fill(ground: Ground, many: int) -> None:
    """Many open tasks on many seats, 200 of them the secretary's, by the tables: only the reading is measured."""
    version = ground.ask("SELECT hash FROM definition WHERE process_id = 'errand'")[0][0]
    ground.run(
        """
      INSERT INTO instance (id, process_id, version, union_id, unit_id, starter_id, number, title, grams, state, stage, facts,
                            seq, head, started_at, changed_at)
      SELECT gen_random_uuid(), 'errand', :version, :union, :unit, :starter, 'B' || :many || '-' || n, t, ARRAY(
               SELECT DISTINCT substr(t, i, 2) FROM generate_series(1, length(t) - 1) i), 'running', '{check}', '{}', 0,
             '\\x00', now() - n * interval '1 second', now()
        FROM (SELECT n, (ARRAY['食堂','班车','职称','体检','实验室','图书馆','公寓','停车'])[n % 8 + 1]
                     || (ARRAY['延长','调整','公开','优化','改造','增加','统一'])[n % 7 + 1]
                     || (ARRAY['规则','时间','流程','名额','标准','布局'])[n % 6 + 1] || chr(19968 + n % 8000) || chr(19968 + n / 8000) AS t
                FROM generate_series(1, :many) n) s
    """,
        version=version,
        union=ground.union,
        unit=ground.unit,
        starter=ground.people["d1"],
        many=many,
    )
    ground.run(
        """
      INSERT INTO task (id, instance_id, element, ref, seat, state, opened_at, due_at)
      SELECT gen_random_uuid(), id, 'check', 5,
             CASE WHEN r <= 200 THEN 'union_secretary@' || :union ELSE 'other@' || md5((r % 5000)::text) END,
             'open', now(), now() + (r % 60) * interval '1 day'
        FROM (SELECT id, row_number() OVER () AS r FROM instance WHERE number LIKE 'B' || :many || '-%') s
    """,
        union=ground.union,
        many=many,
    )
    ground.run("ANALYZE")


def large(ground: Ground, many: int = 1_000_000) -> Rows:
    """The inbox of a person with 200 open tasks among a thousand and among a million, and the search over a million."""
    secretary, rows = ground.actor("secretary"), []
    ground.run(
        "UPDATE instance SET state = 'ended'; DELETE FROM timer; UPDATE task SET state = 'done'"
    )
    medians = []
    for size in (1000, many):
        if size == many:
            ground.run("UPDATE task SET state = 'done' WHERE state = 'open'")
        _fill(ground, size)

        def first(_: int) -> None:
            with db.transaction(ground.engine) as session:
                page = inbox.inbox(session, secretary)
                assert page.total == 200, page.total

        times(first, 20)
        medians.append(median(times(first, 100)))
        rows.append(
            (
                f"inbox, first page and counts, 200 of {size:,}",
                medians[-1],
                "ms",
                "<= 5" if size == many else "",
            )
        )
    rows.append(("  against its time at 1,000", medians[1] / medians[0], "x", "<= 2"))
    for words in ("食堂延长", "图书馆优化", "B1000000-777777", "停车 标准"):

        def look(_: int, words: str = words) -> None:
            with db.transaction(ground.engine) as session:
                found.instances(session, secretary, found.Wanted(words=words), limit=20)

        times(look, 5)
        rows.append((f"search “{words}” among {many:,}", median(times(look, 30)), "ms", "<= 10"))
    return rows


def responses(ground: Ground) -> Rows:
    """One answer to a poll, by the size of its roll."""
    rows: Rows = []
    for size in (20, 5000):
        _grow(ground, size)
        poll_id = _poll(ground, size)
        voters = ground.ask(
            "SELECT member_id FROM roll WHERE poll_id = :p ORDER BY member_id LIMIT 60", p=poll_id
        )
        actors = []
        for row in voters[: 9 if size == 20 else 60]:
            with db.transaction(ground.engine) as session:
                actors.append(organisation.actor(session, row[0]))

        def answer(n: int, who: list[Any] = actors, key: Any = poll_id) -> None:
            ground.do(polls.respond, who[n], key, "good")

        taken = times(answer, len(actors))
        rows.append((f"one answer on a roll of {size:,}", median(taken[2:]), "ms", "flat"))
    return rows


def _grow(ground: Ground, size: int) -> None:
    ground.run(
        """
      WITH m AS (INSERT INTO member (id, username, name, unit_id, union_id, created_at)
                 SELECT gen_random_uuid(), 'v' || :size || '-' || n, 'v' || n, :unit, :union, now()
                   FROM generate_series(1, :size - (SELECT count(*) FROM post WHERE kind = 'formal_delegate')) n RETURNING id)
      INSERT INTO post (id, member_id, kind, unit_id, from_on) SELECT gen_random_uuid(), id, 'formal_delegate', :unit, '2020-01-01' FROM m
    """,
        size=size,
        unit=ground.unit,
        union=ground.union,
    )


def _poll(ground: Ground, size: int) -> Any:
    mover, secretary = ground.actor("d0"), ground.actor("secretary")
    key = ground.do(instances.launch, mover, "errand", {"subject": f"表决 {size}"})
    for element, answers in (("check", {"decision": "pass"}), ("do", {"note": "办了"})):
        task = ground.ask(
            "SELECT id FROM task WHERE instance_id = :i AND element = :e AND state = 'open'",
            i=key,
            e=element,
        )[0][0]
        ground.do(tasks.complete, secretary, task, answers)
    return ground.ask("SELECT id FROM poll WHERE instance_id = :i", i=key)[0][0]


WORKER = "import sys; from engine import db, jobs; print(jobs.sweep(db.connect(sys.argv[1])))"


def timers(ground: Ground, many: int = 10_000) -> Rows:
    """Many due timers, drained by two workers."""
    mover, secretary = ground.actor("d0"), ground.actor("secretary")
    with clock.set_to(clock.now() - timedelta(days=120)):
        for n in range(many):
            ground.do(instances.launch, mover, "errand", {"subject": f"到期 {n}"})
        for key in _open(ground, "check")[-many:]:
            ground.do(tasks.complete, secretary, key, {"decision": "pass"})
    waiting = ground.ask("SELECT count(*) FROM timer WHERE state = 'waiting' AND due_at <= now()")[
        0
    ][0]
    began = time.perf_counter()
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, ground.url], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    fired = sum(int(w.communicate()[0]) for w in workers)
    taken = time.perf_counter() - began
    assert fired == waiting == many, (fired, waiting)
    return [(f"{many:,} due timers, two workers", taken, "s", f"<= {60 * many / 10_000:g}")]


def _trios(ground: Ground, many: int) -> None:
    mover, secretary = ground.actor("d0"), ground.actor("secretary")
    for n in range(many):
        key = ground.do(instances.launch, mover, "trio", {"subject": f"称量第 {n} 件事的大小"})
        for element in ("first", "middle", "last"):
            task = ground.ask(
                "SELECT id FROM task WHERE instance_id = :i AND element = :e AND state = 'open'",
                i=key,
                e=element,
            )[0][0]
            ground.do(tasks.complete, secretary, task, {"note": "情况属实，同意办理。"})


def stored(ground: Ground, many: int = 1000) -> Rows:
    """Bytes on disk for a finished instance of three tasks with its whole history."""
    relations = ("instance", "task", "event", "share", "timer", "poll", "roll")
    size = " + ".join(f"pg_total_relation_size('{r}')" for r in relations)

    def weigh() -> int:
        with ground.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            for relation in relations:
                connection.execute(text(f"VACUUM FULL {relation}"))
        return int(ground.ask(f"SELECT {size}")[0][0])

    def sealed() -> None:
        with db.transaction(ground.engine) as session:
            seals.seal(session, keys.load_or_create(ground.home / "keys"))

    sealed()
    before = weigh()
    _trios(ground, many)
    sealed()
    return [
        (
            "stored per finished instance of three tasks",
            (weigh() - before) / many / 1000,
            "kB",
            "<= 5",
        )
    ]


def pages(ground: Ground, matters: int = 20_000) -> Rows:
    """Every page and list of a union after some years, asked by six people: the slowest statements, and whole tables read."""
    url = embedded.start(
        ground.home, "life"
    )  # a database of its own: the union there has other people
    migrate.migrate(url)
    engine = db.connect(url)
    union = life.grow(engine, matters)
    rows = [(f"{t}, rows", n, "", "") for t, n in life.counts(engine).items() if n > GROWING]
    slowest: dict[str, tuple[float, str]] = {}
    scans: set[tuple[str, str]] = set()
    for asked in plans.measured(engine, union, ground.home, rounds=5):
        for sent in asked.sent:
            scans |= {(s.table, asked.name()) for s in sent.scans if s.rows > GROWING}
            slowest[sent.sql] = max(slowest.get(sent.sql, (0.0, "")), (sent.median(), asked.name()))
    db.release(url)
    rows += [
        (f"  statement of {where}", ms, "ms", "<= 20")
        for ms, where in sorted(slowest.values(), reverse=True)[:12]
    ]
    rows += [(f"  reads all of {table}: {where}", 1, "", "<= 0") for table, where in sorted(scans)]
    return [*rows, ("tables of more than 10,000 rows read whole", len(scans), "", "<= 0")]


def verified(ground: Ground, matters: int = 4000) -> Rows:
    """Events verified in a second on a grown union, whose every copy holds: chains, leaves and columns alone, then all
    rows against what the events say, in one process and in two; beside the plain reading of the events."""
    url = embedded.start(ground.home, "honest")
    migrate.migrate(url)
    engine, key = db.connect(url), keys.load_or_create(ground.home / "keys")
    honest.multiply(engine, life.grow(engine, 0), matters, key)
    moment = engine.execution_options(isolation_level="REPEATABLE READ")
    query = text("SELECT instance_id, seq, kind, actor_id, at, body, hash FROM event ORDER BY 1, 2")

    def proven(session: db.Session) -> None:
        assert verification.Chains(session).finish() is None
        assert not seals._check_tree(session, key.public, [])[-1]

    def whole(url: str) -> Callable[[db.Session], None]:
        def check(session: db.Session) -> None:
            verdict = seals.verify(session, key.public, url=url)
            assert verdict.broken is None and not verdict.fault, verdict

        return check

    rows: Rows = []
    for words, work, target in (
        ("read the events", lambda s: s.execute(query).all(), ""),
        ("verify chains, leaves and columns", proven, "80,000"),
        ("verify every comparison, one process", whole(""), ""),
        ("verify every comparison, two processes", whole(url), "20,000"),
    ):
        with db.transaction(moment) as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            count = session.execute(text("SELECT count(*) FROM event")).scalar_one()
            began = time.perf_counter()
            work(session)
            taken = time.perf_counter() - began
        rows.append((f"{words}, of {count:,}", count / taken, "events/s", target))
    db.release(url)
    return rows
