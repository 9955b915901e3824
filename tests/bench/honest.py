"""Copies of matters that hold: every row and event of a matter that was played, under ids of their own, with each digest made anew.

What `life` copies by the tables is quick to make and to read; these can be verified.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from engine import db
from engine.db import canonical, tables
from engine.history import keys, seals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from tests.bench.life import Life

TABLES = ("instance", "task", "timer", "document", "poll", "roll", "teller", "share", "event")
_OWN = ("instance", "task", "timer", "document", "poll")  # whose ids are made anew
_OF_POLL = ("roll", "teller")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}")
# per thousand matters; a meeting's ledger has numbers of the whole table, so it is not copied
PER_MILLE = {
    "withdrawn": 816,
    "errand": 50,
    "motion": 107,
    "rating": 4,
    "motion in rating": 10,
    "checked": 10,
}

Row = dict[str, Any]


def multiply(engine: Engine, life: Life, matters: int, key: keys.SigningKey) -> int:
    """So many copies of the matters that a union's life was played with, sealed; gives how many."""
    made = 0
    for kind, per_mille in PER_MILLE.items():
        with db.transaction(engine) as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(text("SET LOCAL session_replication_role = replica"))
            rows = _rows(session, life.played[kind])
            for number in range(matters * per_mille // 1000):
                for table, copied in _copy(rows, number).items():
                    _insert(session, table, copied)
                made += 1
    sealed = seals.BATCH
    while sealed == seals.BATCH:
        with db.transaction(engine) as session:
            sealed = seals.seal(session, key)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return made


def _rows(session: db.Session, instance: UUID) -> dict[str, list[Row]]:
    found = {}
    for table in TABLES:
        column = "id" if table == "instance" else "instance_id"
        where = f"{column} = :key"
        if table in _OF_POLL:
            where = "poll_id IN (SELECT id FROM poll WHERE instance_id = :key)"
        query = text(f"SELECT to_jsonb(t) FROM {table} t WHERE {where}")
        found[table] = list(session.execute(query, {"key": instance}).scalars())
    found["event"].sort(key=lambda row: row["seq"])
    return found


def _insert(session: db.Session, table: str, rows: list[Row]) -> None:
    columns = [c for c in rows[0] if (table, c) != ("event", "id")] if rows else []
    names = ", ".join(f'"{c}"' for c in columns)
    query = f"INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, :rows)"
    if rows:
        session.execute(text(query), {"rows": json.dumps(rows)})


def _copy(rows: dict[str, list[Row]], number: int) -> dict[str, list[Row]]:
    """The rows under other ids; digests of what holds an id follow."""
    instance = rows["instance"][0]
    own = sorted({row["id"] for table in _OWN for row in rows[table]})  # ties go by id
    names = dict(zip(own, sorted(str(tables.new_id()) for _ in own), strict=True))
    number_now = {instance["number"]: f"{instance['number']}-{number}"}
    salt = bytes.fromhex(instance["salt"][2:])
    for name, value in instance["facts"].items():
        fact = {name: value}
        _follow(names, canonical.salted(fact, salt), canonical.salted(_put(fact, names), salt))
    for row in rows["task"]:
        if row["salt"]:
            seed = bytes.fromhex(row["salt"][2:])
            new = canonical.salted(_put(row["answers"], names), seed)
            _follow(names, canonical.salted(row["answers"], seed), new)
    for row in rows["document"]:
        data = _put(row["data"], {**names, **number_now})
        _follow(names, row["data_sha256"], canonical.digest(canonical.dumps(data)).hex())
    made = {table: _put(copied, {**names, **number_now}) for table, copied in rows.items()}
    made["instance"][0]["head"] = "\\x" + _chain(made["event"]).hex()
    return made


def _follow(names: dict[str, str], old: str, new: str) -> None:
    if old != new:
        names[old] = new


def _chain(events: list[Row]) -> bytes:
    """The events hashed again, not sealed; the last hash."""
    head = canonical.genesis(UUID(events[0]["instance_id"]))
    for event in events:
        body = canonical.dumps(json.loads(event["body"]))
        head = canonical.event_hash(head, body)
        event |= {"body": body.decode(), "hash": "\\x" + head.hex(), "leaf_no": None}
    return head


def _put(value: Any, names: Mapping[str, str]) -> Any:
    """A value with each of these ids and digests replaced, inside its texts too."""
    if isinstance(value, dict):
        return {key: _put(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_put(each, names) for each in value]
    if not isinstance(value, str):
        return value
    found = _UUID.sub(lambda each: names.get(each[0], each[0]), value)
    for old, new in names.items():
        if len(old) < 30 and old in found:
            found = found.replace(old, new)
    return found
