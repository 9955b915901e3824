"""One union after years of use: a few matters played by the product itself, and copies of them by the tables.

A copy has every row of its matter under ids, numbers, titles and moments of its own. What stands inside facts and event
bodies still names the matter that was played, so pages may be read, and chains not verified.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, Table, select, text

from engine import db
from engine.db import tables
from engine.settings import ROOT
from tests.measure import ground

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

ROLL = 213
EVENTS = 15  # of a copy; a poll's answers would make most of a matter's events
STAFF = 6000  # of a large university; a search for a name looks through them
CHAIR, ADMINISTRATOR, MOVER, TELLER = "主持", "管理员", "代表1", "代表2"
COPIED = (
    tables.instance,
    tables.task,
    tables.timer,
    tables.document,
    tables.poll,
    tables.roll,
    tables.teller,
    tables.meeting,
    tables.attendance,
    tables.presence,
    tables.share,
    tables.event,
)
OWN = {t.name for t in COPIED} - {"event", "presence"}  # whose ids are made anew
SERIAL = {("event", "id"), ("presence", "no")}

_HELPERS = """
CREATE FUNCTION pg_temp.copy_id(of uuid, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex(('x' || left(replace(of::text, '-', ''), 12))::bit(48)::bigint - n::bigint * 1500000), 12, '0')
          || substr(md5(of::text || n), 13, 20))::uuid
$$;
CREATE FUNCTION pg_temp.copy_title(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (ARRAY['食堂','班车','职称','体检','实验室','图书馆','公寓','停车'])[n % 8 + 1]
      || (ARRAY['延长','调整','公开','优化','改造','增加','统一'])[n % 7 + 1]
      || (ARRAY['规则','时间','流程','名额','标准','布局'])[n % 6 + 1] || chr(19968 + n % 8000) || chr(19968 + n / 8000)
$$;
SET session_replication_role = replica;
"""


@dataclass
class Life:
    """A grown union. `played` gives by a short name the instance of each matter that was played; its copies look like it."""

    at: datetime
    union: UUID
    members: dict[str, UUID]
    played: dict[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A matter to play and how many copies of it a thousand matters hold."""

    name: str
    process: str
    steps: list[dict[str, Any]]
    per_mille: int


def grow(engine: Engine, matters: int, roll: int = ROLL) -> Life:
    """Fill a migrated, empty database: `matters` instances, 15 times as many events, and a sixth as many polls with `roll`
    formal delegates on each roll."""
    story = tomllib.loads((ROOT / "processes" / ground.STORY).read_text("utf-8"))
    delegates = tuple(f"代表{n}" for n in range(1, roll + 1 - _formal(story["cast"])))
    cast = {
        **ground.DESKS,
        **story["cast"],
        ADMINISTRATOR: ["administrator@union"],
        CHAIR: ["presidium_chair@union"],
        **{name: ["formal_delegate@info"] for name in delegates},
    }
    members, units = ground.union_of(engine, cast)
    folders = (
        ROOT / "processes" / "congress_motion",
        *(ROOT / "tests" / "processes" / name for name in ("errand", "hall")),
    )
    for folder in folders:
        ground.publish(engine, folder)
    life = Life(ground.START, _union(engine), members)
    for kind in _kinds(story, delegates, roll):
        ground.perform_steps(engine, kind.process, kind.steps, life.at, members, units)
        life.played[kind.name] = _last_instance(engine)
        life.at = max(life.at, _last_moment(engine)) + timedelta(minutes=1)
        _copy(engine, life, kind, delegates, matters * kind.per_mille // 1000)
    _surroundings(engine, life, matters)
    _settle(engine)
    return life


def _formal(cast: dict[str, list[str]]) -> int:
    return sum(any(p.startswith("formal_delegate@") for p in posts) for posts in cast.values())


def _kinds(story: dict[str, Any], delegates: tuple[str, ...], roll: int) -> list[Kind]:
    """Most matters are over, a few wait for the secretary, a few for the delegates; now and then there is a meeting."""
    steps = [{k: v for k, v in step.items() if k != "expect"} for step in story["step"]]
    rate = next(n for n, step in enumerate(steps) if step.get("task") == "rate")
    launch = {"who": MOVER, "does": "launch"}
    done: dict[str, Any] = {"who": ground.SECRETARY, "does": "complete"}
    returned = [
        {**done, "task": "check", "with": {"decision": "return", "reason": "请写明地点"}},
        {"who": MOVER, "does": "complete", "task": "mend", "with": {"note": "三号楼"}},
    ]
    passed = [
        {**done, "task": "check", "with": {"decision": "pass"}},
        {**done, "task": "do", "with": {"note": "已修缮"}},
    ]
    rated = {
        "who": list(delegates[: len(delegates) // 4]),
        "does": "respond",
        "task": "rate",
        "with": {"choice": "good"},
    }
    more = {**rated, "who": list(delegates[len(delegates) // 4 : roll // 2 + 1])}
    back = {"who": MOVER, "does": "withdraw", "with": {"reason": "已经解决"}}

    def errand(subject: str, *after: dict[str, Any]) -> list[dict[str, Any]]:
        return [{**launch, "with": {"subject": subject}}, *after]

    return [
        Kind("withdrawn", "errand", errand("绿化", *returned * 6, back), 816),
        Kind("errand", "errand", errand("会议室", *passed, rated, more), 50),
        Kind("motion", "congress_motion", steps, 107),
        Kind("hall", "hall", _hall(delegates), 3),
        Kind("rating", "errand", errand("走廊", *passed, rated), 4),
        Kind("motion in rating", "congress_motion", steps[:rate], 10),
        Kind("checked", "errand", errand("修缮", *returned), 10),
    ]


def _hall(delegates: tuple[str, ...]) -> list[dict[str, Any]]:
    """A meeting that is open, with a vote that was taken and an election whose tellers have to sign."""
    here = list(delegates[: len(delegates) * 9 // 10])
    chair = {"who": CHAIR, "task": "vote"}
    candidates = [f"member:{name}" for name in delegates[:2]]
    return [
        {"who": CHAIR, "does": "launch", "with": {"subject": "第八届二次"}},
        {"who": here, "does": "arrive", "task": "session"},
        {**chair, "does": "open_meeting", "task": "session"},
        {
            **chair,
            "does": "complete",
            "task": "put",
            "with": {
                "candidates": candidates,
                "tellers": [f"member:{name}" for name in delegates[1:3]],
            },
        },
        {"who": here, "does": "respond", "task": "vote", "with": {"choice": "yes"}},
        {**chair, "does": "close_poll"},
    ]


# --- copies -----------------------------------------------------------------------------------------------------------
def _copy(engine: Engine, life: Life, kind: Kind, delegates: tuple[str, ...], copies: int) -> None:
    values = {
        "instance": life.played[kind.name],
        "copies": copies,
        "starter": life.members[MOVER],
        "delegates": [life.members[name] for name in delegates],
    }
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.connection.cursor().execute(_HELPERS)
        for table in COPIED:
            connection.execute(text(_copying(table)), values)
        connection.exec_driver_sql(
            "DROP FUNCTION pg_temp.copy_id; DROP FUNCTION pg_temp.copy_title; RESET session_replication_role"
        )
        connection.commit()


def _copying(table: Table) -> str:
    columns = [c for c in table.columns if (table.name, c.name) not in SERIAL]
    names = ", ".join(f'"{c.name}"' for c in columns)
    given = ", ".join(_value(table, c) for c in columns)
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {given} FROM {table.name} o, generate_series(1, :copies) n "
        f"WHERE {_of_instance(table)} ORDER BY n"
    )


def _value(table: Table, column: Any) -> str:
    own = f'o."{column.name}"'
    special = {
        ("instance", "number"): "o.number || '-' || n",
        ("instance", "title"): "pg_temp.copy_title(n)",
        ("instance", "grams"): "ARRAY(SELECT DISTINCT substr(t, i, 2) FROM "
        "(SELECT pg_temp.copy_title(n) AS t) s, generate_series(1, length(t) - 1) i)",
        ("meeting", "code"): "o.code || '-' || n",
        ("event", "leaf_no"): "1000000 + row_number() OVER ()",
        ("event", "instance_id"): f"pg_temp.copy_id({own}, n)",
    }
    refers = {key.column.table.name for key in column.foreign_keys}
    if (table.name, column.name) in special:
        return special[table.name, column.name]
    if refers & OWN or (column.name == "id" and table.name in OWN):
        return f"pg_temp.copy_id({own}, n)"
    if ("member" in refers and table.name in ("instance", "task")) or column.name in (
        "key",
        "actor_id",
    ):
        return f"CASE WHEN {own} = :starter THEN (CAST(:delegates AS uuid[]))[n % cardinality(:delegates) + 1] ELSE {own} END"
    return f"{own} - n * interval '25 minutes'" if isinstance(column.type, DateTime) else own


def _of_instance(table: Table) -> str:
    by = {
        "instance": "o.id = :instance",
        **dict.fromkeys(
            ("roll", "teller"), "o.poll_id IN (SELECT id FROM poll WHERE instance_id = :instance)"
        ),
        **dict.fromkeys(
            ("attendance", "presence"),
            "o.meeting_id IN (SELECT id FROM meeting WHERE instance_id = :instance)",
        ),
        "event": f"o.instance_id = :instance AND o.seq <= {EVENTS}",
    }
    return by.get(table.name, "o.instance_id = :instance")


def _surroundings(engine: Engine, life: Life, matters: int) -> None:
    """Staff who hold no post, logins, tokens, kept replies and attempts, and a union's own chain."""
    values = {
        "union": life.union,
        "matters": matters,
        "staff": matters * STAFF // 20_000,
        "at": life.at,
    }
    statements = (
        """INSERT INTO member (id, username, name, unit_id, union_id, created_at)
           SELECT gen_random_uuid(), 'staff' || n, chr(19968 + n % 700) || chr(20968 + n % 97), :union, :union, :at
             FROM generate_series(1, :staff) n""",
        """INSERT INTO login (id, member_id, created_at, seen_at)
           SELECT md5(n::text), m.id, :at, :at FROM generate_series(1, :matters) n
             JOIN (SELECT id, row_number() OVER () AS r FROM member) m ON m.r = n % 500 + 1""",
        """INSERT INTO reply (member_id, key, request, status, body, at)
           SELECT m.id, md5(n::text), '', 200, '', :at FROM generate_series(1, :matters) n
             JOIN (SELECT id, row_number() OVER () AS r FROM member) m ON m.r = n % 500 + 1""",
        """INSERT INTO attempt (key, at) SELECT 'from:10.0.' || n % 250 || '.' || n % 200, CAST(:at AS timestamptz) - n * interval '1 hour'
             FROM generate_series(1, :matters) n""",
        """INSERT INTO event (leaf_no, at, instance_id, actor_id, seq, kind, hash, body)
           SELECT 9000000 + n, o.at, o.instance_id, o.actor_id, o.seq + n, o.kind, o.hash, o.body
             FROM (SELECT * FROM event WHERE instance_id = :union ORDER BY seq DESC LIMIT 1) o, generate_series(1, :matters) n""",
    )
    with db.transaction(engine) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in statements:
            session.execute(text(statement), values)


def _settle(engine: Engine) -> None:
    """What autovacuum would have done by now."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("RESET statement_timeout"))


# --- what is where ----------------------------------------------------------------------------------------------------
def _union(engine: Engine) -> Any:
    with db.transaction(engine) as session:
        return session.execute(
            select(tables.unit.c.id).where(tables.unit.c.code == "union")
        ).scalar_one()


def _last_instance(engine: Engine) -> Any:
    with db.transaction(engine) as session:
        return session.execute(
            text("SELECT id FROM instance ORDER BY id DESC LIMIT 1")
        ).scalar_one()


def _last_moment(engine: Engine) -> datetime:
    with db.transaction(engine) as session:
        found: datetime = session.execute(text("SELECT max(at) FROM event")).scalar_one()
        return found


def login(engine: Engine, life: Life, name: str) -> str:
    """The secret of a new login of this person, to stand in a cookie."""
    from engine.commands.people import logins

    with db.transaction(engine) as session:
        return logins.open_login(session, life.members[name])


def counts(engine: Engine) -> dict[str, int]:
    """Rows of each table, as the planner believes."""
    with db.transaction(engine) as session:
        rows = session.execute(
            text(
                "SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        ).all()
        return {r.relname: int(r.reltuples) for r in rows}
