"""Many at once: the same request twenty times, all voters, all launches, several workers and sealers."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine import clock, db, jobs
from engine.commands import definitions, edge, imports, instances, numbers, polls, tasks
from engine.errors import Conflict
from engine.history import event_log, keys, seals
from tests.conftest import fresh
from tests.hostile.sound import sound
from tests.races.latches import attempt, together
from tests.races.union import Union, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from tests.races.arena import Arena

KEY = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
SWEEPER = """
import sys
from datetime import datetime
from engine import clock, db, jobs
with clock.set_to(datetime.fromisoformat(sys.argv[2])):
    print(jobs.sweep(db.connect(sys.argv[1], size=2)))
"""


@pytest.fixture
def union(server: str) -> Iterator[Union]:
    """Two unions on a database of their own, with room for a crowd."""
    with fresh(server) as url:
        engine = db.connect(url, size=24)
        yield Union.built(engine)
        db.release(url)


def counted(union: Union, kind: str) -> int:
    found: int = union.one("SELECT count(*) FROM event WHERE kind = :k", k=kind)
    return found


# --- the same request many times -------------------------------------------------------------------------------------
def request(
    union: Union, actor: Any, key: str, body: bytes, work: Callable[[Any], object]
) -> Callable[[], edge.Reply]:
    def post() -> edge.Reply:
        def inside(session: db.Session) -> edge.Reply:
            made = lambda: edge.Reply(201, str(work(session)))  # noqa: E731
            return edge.once(session, actor, key, edge.request_hash("POST", "/x", body), made)

        found: edge.Reply = union.timed(lambda: edge.carry_out(union.engine, actor, inside))
        return found

    return post


def test_the_same_request_twenty_times_at_once_has_one_effect_and_twenty_equal_replies(
    arena: Arena, rounds: int
) -> None:
    actor, union = arena.actors["d1"], arena.union
    for number in range(max(2, rounds // 8)):
        subject = f"一次 {number}"
        post = request(
            union,
            actor,
            f"key {number}",
            b"{}",
            lambda s, t=subject: instances.launch(s, actor, "errand", {"subject": t}),
        )
        found = together(*[post] * 20)
        assert [f.code for f in found] == [""] * 20
        assert len({f.value for f in found}) == 1
        assert union.one("SELECT count(*) FROM instance WHERE title = :t", t=subject) == 1


def test_of_twenty_requests_with_one_key_and_two_bodies_only_one_body_is_carried_out(
    arena: Arena, rounds: int
) -> None:
    actor, union = arena.actors["d2"], arena.union
    for number in range(max(2, rounds // 8)):
        posts = [
            request(
                union,
                actor,
                f"two {number}",
                body.encode(),
                lambda s, t=body: instances.launch(s, actor, "errand", {"subject": t}),
            )
            for body in (f"甲 {number}", f"乙 {number}")
        ]
        found = together(*posts * 10)
        assert Counter(f.code for f in found) == {"": 10, "invalid": 10}
        assert (
            union.one(
                "SELECT count(*) FROM instance WHERE title IN (:a, :b)",
                a=f"甲 {number}",
                b=f"乙 {number}",
            )
            == 1
        )


def test_of_twenty_equal_requests_of_which_the_first_fail_one_still_gets_through(
    arena: Arena,
) -> None:
    actor, union, left = arena.actors["d3"], arena.union, [5]

    def work(session: Any) -> object:
        if left[0] > 0:
            left[0] -= 1
            raise Conflict("先败")
        return instances.launch(session, actor, "errand", {"subject": "先败后成"})

    found = together(*[request(union, actor, "late", b"{}", work)] * 20)
    assert Counter(f.code for f in found) == {"": 15, "conflict": 5}
    assert union.one("SELECT count(*) FROM instance WHERE title = '先败后成'") == 1


# --- numbers, chains -------------------------------------------------------------------------------------------------
def test_a_number_series_has_no_doubles_and_no_gaps_under_eight_threads(union: Union) -> None:
    actors = [union.actor(name) for name in ("d0", "d1", "d2", "far.d0")] * 2

    def launch(actor: Any) -> None:
        for n in range(12):
            union.do(actor, instances.launch, "errand", {"subject": f"第 {n} 件"})

    assert [f.code for f in together(*[lambda a=a: launch(a) for a in actors])] == [""] * 8
    for code, many in (("union", 72), ("far", 24)):
        numbers_ = [
            r[0]
            for r in union.ask(
                "SELECT number FROM instance WHERE union_id = :u ORDER BY 1", u=union.units[code]
            )
        ]
        assert numbers_ == [f"办〔2026〕{n:03}" for n in range(1, many + 1)]
    union.whole()


def test_numbers_of_several_series_taken_in_any_order_are_dense(union: Union) -> None:
    """Rivals that need two series in opposite orders meet in a deadlock; the whole command is done again."""
    home = union.units["union"]

    def take(order: list[str]) -> None:
        def both(session: db.Session) -> None:
            for key in order:
                numbers.next_number(session, home, key, "{n}")

        for _ in range(2):  # the database takes a second to see a deadlock
            union.timed(lambda: db.again(union.engine, both, tries=30))

    found = together(*[lambda o=o: take(o) for o in (["a", "b"], ["b", "a"]) * 2])
    assert [f.code for f in found] == [""] * 4
    assert union.ask("SELECT key, last FROM counter ORDER BY key") == [("a", 8), ("b", 8)]


def test_the_chain_of_a_union_takes_notes_of_eight_threads(union: Union) -> None:
    actor, home = union.actor("secretary"), union.units["union"]

    def note() -> None:
        for n in range(15):
            union.timed(
                lambda: db.again(
                    union.engine, lambda s: event_log.note(s, home, "noted", actor, n=n)
                )
            )

    assert [f.code for f in together(*[note] * 8)] == [""] * 8
    assert len(union.events(home)) == 120
    union.whole()


# --- polls -----------------------------------------------------------------------------------------------------------
def test_all_voters_at_once_close_a_poll_once_and_what_is_acknowledged_is_tallied(
    union: Union, rounds: int
) -> None:
    actors = {name: union.actor(name) for name in ("d0", "d1", "d2", "d3", "d4")}
    for number in range(max(3, rounds // 4)):
        key = union.to("rate")
        poll, dice = union.poll(key), random.Random(number)
        acts = [
            lambda a=actor, c=dice.choice(["good", "bad"]): union.do(a, polls.respond, poll, c)
            for actor in actors.values()
            for _ in range(3)
        ]
        found = together(*acts)
        assert {f.code for f in found} <= {"", "answered", "closed", "not_running"}
        outcome = union.row(key).facts["rate"]
        assert outcome["answered"] == sum(f.ok for f in found)
        assert union.events(key).count("poll_closed") == 1
    union.whole()


# --- timers ----------------------------------------------------------------------------------------------------------
def due_timers(union: Union, many: int) -> None:
    keys_ = [union.launch() for _ in range(many)]
    for key in keys_:
        union.complete("secretary", key, "check", decision="pass")
    union.at = union.one("SELECT max(due_at) FROM timer") + timedelta(hours=1)


def sweepers(union: Union, many: int) -> list[subprocess.Popen[str]]:
    assert union.at is not None
    url = union.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    command = [sys.executable, "-c", SWEEPER, url, union.at.isoformat()]
    return [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(many)]


def test_a_hundred_timers_swept_by_threads_and_processes_fire_once_each(union: Union) -> None:
    due_timers(union, 100)
    workers = sweepers(union, 2)
    fired = []
    try:
        found = together(*[lambda: union.timed(lambda: jobs.sweep(union.engine))] * 3)
        fired = [f.value for f in found] + [int(w.communicate(timeout=90)[0]) for w in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(10)
    fired.append(union.timed(lambda: jobs.sweep(union.engine)))
    assert sum(fired) == 100, fired
    assert (counted(union, "timer_fired"), counted(union, "reminder_sent")) == (100, 100)
    assert union.ask("SELECT state, count(*) FROM timer GROUP BY 1") == [("fired", 100)]
    assert union.counted()["incident"] == 0
    union.whole()


def test_a_sweep_beside_people_at_work_loses_no_timer(union: Union) -> None:
    due_timers(union, 40)
    work = [r[0] for r in union.ask("SELECT id FROM task WHERE element = 'do' AND state = 'open'")]
    secretary = union.actor("secretary")

    def complete() -> None:
        for task in work[::2]:
            union.do(secretary, tasks.complete, task, {"note": "办了"})

    sweep = lambda: union.timed(lambda: jobs.sweep(union.engine))  # noqa: E731
    found = together(complete, sweep, sweep)
    assert [f.code for f in found] == [""] * 3
    union.timed(lambda: jobs.sweep(union.engine))
    left = dict(
        tuple(r) for r in union.ask("SELECT state, count(*) FROM timer WHERE ref >= 0 GROUP BY 1")
    )
    assert sum(left.values()) == 40
    assert set(left) <= {"fired", "cancelled"}
    assert counted(union, "timer_fired") == left["fired"]
    union.whole()


# --- seals -----------------------------------------------------------------------------------------------------------
def test_sealers_beside_writers_leave_no_event_out_and_number_none_twice(union: Union) -> None:
    over = threading.Event()
    actors = [union.actor(name) for name in ("d0", "d1", "far.d0")]

    def write(actor: Any) -> None:
        for n in range(20):
            union.do(actor, instances.launch, "trio", {"subject": f"第 {n} 件"})

    def seal() -> int:
        done, until = 0, time.monotonic() + 60
        while not over.is_set() and time.monotonic() < until:
            done += union.timed(lambda: db.again(union.engine, lambda s: seals.seal(s, KEY)))
        return done

    sealers = [threading.Thread(target=lambda: sealed.append(attempt(seal))) for _ in range(2)]
    sealed: list[Any] = []
    for thread in sealers:
        thread.start()
    written = together(*[lambda a=a: write(a) for a in actors])
    over.set()
    for thread in sealers:
        thread.join(60)
    assert [f.code for f in [*written, *sealed]] == [""] * 5
    rest = union.timed(lambda: db.again(union.engine, lambda s: seals.seal(s, KEY)))
    many = union.counted()["event"]
    assert sum(f.value for f in sealed) + rest == many
    with db.transaction(union.engine) as session:
        verdict = seals.verify(session, KEY.public)
    assert (verdict.fault, verdict.unsealed, verdict.leaves) == ("", 0, many)
    union.whole()


# --- definitions and imports -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("answers", [(True, True), (True, False)])
def test_two_decide_on_one_definition_and_one_of_them_has_decided(
    union: Union, answers: tuple[bool, bool]
) -> None:
    digest = union.propose("far.admin", sound())
    people = [union.actor("admin"), union.actor("admin2")]  # both answer for the installation
    acts = [
        lambda a=a, yes=yes: union.do(a, definitions.decide, digest, yes)
        for a, yes in zip(people, answers, strict=True)
    ]
    found = together(*acts)
    assert sorted(f.code for f in found) == ["", "decided"]
    won = 0 if found[0].ok else 1
    assert (
        union.one("SELECT approver_id FROM definition WHERE hash = :h", h=digest) == people[won].id
    )
    assert union.one("SELECT state FROM definition WHERE hash = :h", h=digest) == (
        "published" if answers[won] else "refused"
    )
    union.whole()


def test_launches_beside_a_publication_have_either_version_and_keep_it(union: Union) -> None:
    first = union.one("SELECT hash FROM definition WHERE process_id = 'trio'")
    actors = [union.actor(name) for name in ("d0", "d1", "d2")]
    second = changed("trio", ('title = "三步单"', 'title = "三步单（修订）"'))
    launch = lambda a: [union.do(a, instances.launch, "trio", {"subject": "事"}) for _ in range(10)]  # noqa: E731
    found = together(
        *[lambda a=a: launch(a) for a in actors],
        lambda: union.do(None, definitions.publish_shipped, second),
    )
    assert [f.code for f in found] == [""] * 4
    versions = {r[0] for r in union.ask("SELECT DISTINCT version FROM instance")}
    assert versions <= {first, found[3].value}
    query = "SELECT 1 FROM instance i JOIN event e ON e.instance_id = i.id AND e.seq = 1 WHERE e.body::jsonb->>'version' <> i.version"
    assert union.ask(query) == []
    union.whole()


def previewed(union: Union, names: list[str]) -> UUID:
    import io

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["工号/用户名", "姓名", "单位编码", "手机", "邮箱"])
    for name in names:
        sheet.append([name, f"姓{name}", "college", "", ""])
    stream = io.BytesIO()
    book.save(stream)
    batch = union.do("admin", imports.preview, "people", "名单.xlsx", stream.getvalue())
    assert batch.clean, batch.rows
    found: UUID = batch.id
    return found


def test_an_import_confirmed_twice_at_once_is_done_once(union: Union) -> None:
    batch = previewed(union, ["p1", "p2", "p3"])
    actor = union.actor("admin")
    before = union.counted()["member"]
    found = together(*[lambda: union.do(actor, imports.confirm, batch)] * 4)
    assert [f.ok for f in found].count(True) == 1, [f.code for f in found]
    assert all(isinstance(f.error, Conflict) for f in found if not f.ok)
    assert union.counted()["member"] == before + 3
    union.whole()


def test_two_imports_of_the_same_people_make_nobody_twice(union: Union) -> None:
    batches = [previewed(union, ["p1", "p2"]), previewed(union, ["p1", "p2"])]
    actors = [union.actor(name) for name in ("admin", "admin")]
    before = union.counted()["member"]
    found = together(
        *[
            lambda a=a, b=b: union.do(a, imports.confirm, b)
            for a, b in zip(actors, batches, strict=True)
        ]
    )
    assert any(f.ok for f in found)
    assert all(hasattr(f.error, "status") for f in found if not f.ok), found
    assert union.counted()["member"] == before + 2
    union.whole()


def test_what_the_crowds_left_is_whole(arena: Arena) -> None:
    assert clock.now() is not None
    arena.union.whole()
