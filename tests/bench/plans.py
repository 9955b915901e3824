"""Every page and every list, asked by everybody: how the database carries out each statement, and how long it takes.

The address of each page comes from the application's own map, so a new page is asked too, or `pages` raises.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import event, text

from engine import clock, db, settings
from engine.commands.people import tokens
from engine.settings import ROOT
from tests.bench import life as lives
from tests.measure.ground import AUDITOR, SECRETARY
from webui import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from sqlalchemy import Engine

    from tests.bench.life import Life

WHO = (lives.MOVER, lives.TELLER, lives.CHAIR, SECRETARY, AUDITOR, lives.ADMINISTRATOR)
WORDS = ("食堂延长", "图书馆优化", "停车 标准", "会", "绿化-7", "没有这样的事")
ONE_THING = re.compile("[0-9a-f]{8}")  # in its path: an id or a hash
LEFT_OUT = {  # nothing of what grows is read there
    "/static/<path:filename>",
    "/login",
    "/healthz",
    "/api/v1/openapi.json",
}
NOWHERE = UUID(int=7)


@dataclass(frozen=True)
class Scan:
    """A table that was read from its first row to its last. `rows`: as many as the planner believes it has."""

    table: str
    rows: int


@dataclass
class Sent:
    """A statement of a page. `ms`: the times of its repetitions."""

    sql: str
    scans: list[Scan]
    ms: list[float]

    def median(self) -> float:
        """Milliseconds; 0 when nothing was timed."""
        return median(self.ms or [0.0])


@dataclass
class Asked:
    """A page asked by a person, and its statements in order."""

    who: str
    path: str
    status: int
    sent: list[Sent]

    def name(self) -> str:
        """For a line of the report."""
        return f"{self.who} {self.path} ({self.status})"


def pages(app: Any, engine: Engine, life: Life) -> list[str]:
    """The paths of all GET routes, each with things of the played matters. Raises KeyError for a route with a new argument."""
    things = _things(engine, life)
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.rule in LEFT_OUT:
            continue
        for values in _products([(name, things[name]) for name in sorted(rule.arguments)]):
            with app.test_request_context():
                found.append(app.url_map.bind("localhost").build(rule.endpoint, values))
    return sorted({*found, *_searches(life)})


def _products(arguments: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    """As many as the longest list of values; one page needs not every pair of things."""
    length = max((len(values) for _, values in arguments), default=1)
    return [{name: values[n % len(values)] for name, values in arguments} for n in range(length)]


def _things(engine: Engine, life: Life) -> dict[str, list[Any]]:
    played = [str(key) for key in life.played.values()]
    ids = f"IN ({', '.join(repr(key) for key in played)})"

    def ask(query: str) -> list[Any]:
        with db.transaction(engine) as session:
            return [row[0] for row in session.execute(text(query)).all()]

    polls = ask(f"SELECT id FROM poll WHERE instance_id {ids}")
    hashes = ask("SELECT hash FROM definition ORDER BY process_id")
    return {
        "instance_id": played,
        "task_id": ask(f"SELECT DISTINCT ON (element) id FROM task WHERE instance_id {ids}"),
        "poll_id": polls,
        "meeting_id": ask(f"SELECT id FROM meeting WHERE instance_id {ids}"),
        "document_id": ask(f"SELECT id FROM document WHERE instance_id {ids} LIMIT 1"),
        "attachment_id": [NOWHERE],
        "batch_id": [NOWHERE],
        "start_id": [NOWHERE],
        "operation_id": [NOWHERE],
        "comment_id": [NOWHERE],
        "copy_id": [NOWHERE],
        "decision": [NOWHERE],
        "no": ["1"],
        "ask_id": [NOWHERE],
        "deputy_id": [NOWHERE],
        "verification_id": [NOWHERE],
        "publication_id": [NOWHERE],
        "pack_id": [NOWHERE],
        "sending_id": [NOWHERE],
        "secret": ["nobodys"],
        "member_id": [life.members[lives.MOVER]],
        "unit_id": [life.union],
        "union_id": [life.union],
        "own_id": [NOWHERE],
        "process_id": ["errand", "congress_motion"],
        "key": ["congress_motion"],
        "digest": hashes[:1],
        "old": hashes[:1],
        "new": hashes[:1],
        "rule_id": ["MO-REVIEW"],
        "table_id": [sorted((ROOT / "processes" / "decisions").glob("*.dmn"))[0].stem],
        "key_id": ["0" * 16],
        "kind": ["people"],
        "token": ["nobody"],
        "name": ["withdraw"],
        "of": ["errand.check", "congress_motion.review"],
        "size": [1],
        "what": ["tally"],
        "form": ["pdf"],
    }


def _searches(life: Life) -> list[str]:
    """The lists with what narrows them."""
    lists = ("/matters?", "/matters?part=1&", "/audit?", "/api/v1/process-instances?")
    found = [f"{each}words={words}" for each in lists for words in WORDS]
    found += [f"{each}state={state}" for each in lists for state in ("running", "terminated")]
    for each in lists[2:]:
        found += [f"{each}process=errand", f"{each}process=hall", f"{each}overdue=true"]
        found += [f"{each}since=2026-02-01&until=2026-02-03"]
    found += [f"/?words={words}" for words in WORDS] + ["/?bucket=overdue", "/?process=errand"]
    found += ["/?part=look", "/?of=errand.check", "/done", "/copies"] + [
        f"/done?words={w}" for w in WORDS
    ]
    found += [f"/api/v1/search?q={words}" for words in WORDS]
    found += [f"/people?q={q}" for q in ("代表", "staff77", "没有")] + ["/people?post=auditor"]
    found += [f"/launch/{p}/alike?title=食堂延长规则" for p in ("errand", "congress_motion")]
    found += ["/matters?part=1", "/audit?format=csv&process=hall", "/audit/log?of=installation"]
    found += ["/api/v1/process-instances/alike?process=errand&title=食堂延长规则"]
    found += [f"/api/v1/{each}?limit=200" for each in ("members", "polls", "meetings", "tasks")]
    return found


def measured(
    engine: Engine,
    life: Life,
    home: Path,
    rounds: int = 0,
    who: tuple[str, ...] = WHO,
    *,
    lists: bool = False,
) -> Iterator[Asked]:
    """Each page by each person once with plans, and `rounds` times with a clock; with `lists`, all
    of them ask for lists only, and for a page of one thing the first who may see it.
    """
    own = settings.Settings(
        home=home, database_url=engine.url.render_as_string(False), processes=ROOT / "processes"
    )
    app = create_app(own)
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True, WTF_CSRF_ENABLED=False)
    app.extensions["engine"] = engine
    rows = lives.counts(engine)
    with clock.set_to(life.at):
        asking = {name: _client(app, engine, life, name) for name in who}
        for path in pages(app, engine, life):
            for name, (client, headers) in asking.items():
                asked = _asked(engine, rows, client, headers, name, path, rounds)
                yield asked
                if lists and asked.status == 200 and ONE_THING.search(path):
                    break


def _client(app: Any, engine: Engine, life: Life, name: str) -> tuple[FlaskClient, dict[str, str]]:
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["key"] = lives.login(engine, life, name)
    with db.transaction(engine) as session:
        token = tokens.create_token(session, None, life.members[name], "bench")
    return client, {"Authorization": f"Bearer {token}"}


def _asked(
    engine: Engine,
    rows: dict[str, int],
    client: FlaskClient,
    headers: dict[str, str],
    who: str,
    path: str,
    rounds: int,
) -> Asked:
    with explained(engine, rows) as sent:
        answer = client.get(path, headers=headers)
    if answer.status_code >= 500 and path != "/readyz":  # 503: no worker runs here
        raise RuntimeError(f"{who} {path}: {answer.status_code}")
    for _ in range(rounds):
        with _timed(engine) as taken:
            client.get(path, headers=headers)
        for one, ms in zip(sent, taken, strict=False):
            one.ms.append(ms)
    return Asked(who, path, answer.status_code, sent)


@contextmanager
def explained(engine: Engine, rows: dict[str, int]) -> Iterator[list[Sent]]:
    """The statements sent inside, each with the plan that it had at its place in its transaction."""
    seen: list[Sent] = []

    def before(_c: Any, cursor: Any, sql: str, values: Any, _x: Any, many: bool) -> None:
        scans: list[Scan] = []
        if sql.lstrip(" (\n").split(None, 1)[0].upper() in (
            "SELECT",
            "WITH",
            "INSERT",
            "UPDATE",
            "DELETE",
        ):
            with cursor.connection.cursor() as asking:
                asking.execute(f"EXPLAIN (FORMAT JSON) {sql}", values[0] if many else values)
                plan = asking.fetchone()[0][0]["Plan"]
            scans = [Scan(table, rows[table]) for table in _scanned(plan) if table in rows]
        seen.append(Sent(sql, scans, []))

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", before)


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for inner in node.get("Plans", ()):
        yield from _scanned(inner)


@contextmanager
def _timed(engine: Engine) -> Iterator[list[float]]:
    """The milliseconds of each statement sent inside."""
    taken: list[float] = []
    began = 0.0

    def before(*_: Any) -> None:
        nonlocal began
        began = time.perf_counter()

    def after(*_: Any) -> None:
        taken.append((time.perf_counter() - began) * 1000)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield taken
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)
