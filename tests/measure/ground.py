"""The ground of the page measures: a union on a database of its own, played by the product's own stories up to a point.

`errand` is the toy process; `motion` is a congress motion in its rating, and another one that its last signature will
bring there. `rows` is the length of every list: of the inbox, the roll, the answers, the events, the matters.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from tests.measure.names import module

START = datetime.fromisoformat("2026-03-02T09:00:00+08:00")
STORY = "congress_motion/scenarios/101_filed_answered_satisfied.toml"
UNITS = {
    "union": ("university_union", "校工会"),
    "info": ("college_union", "信息学院"),
    "math": ("college_union", "数学学院"),
    "library": ("department", "图书馆"),
    "logistics": ("department", "后勤处"),
}
DESKS = {"秘书": ["union_secretary@union"], "审计": ["auditor@union"]}
MOVER, SECRETARY, AUDITOR, SIGNER = "张敏", "秘书", "审计", "许志远"
Page = tuple[str, str, dict[str, str]]  # who, path, form ({}: a GET)


@dataclass(frozen=True)
class Ground:
    """Where the pages are: the moment at which they are asked for, and by name who asks for which."""

    at: datetime
    members: dict[str, UUID]
    pages: dict[str, Page]


def errand(engine: Any, checkout: Path, rows: int) -> Ground:
    """`rows` errands before the secretary, one of them returned and mended as often, and one rated by a roll of `rows`."""
    delegates = [MOVER, *(f"代表{n}" for n in range(1, rows))]
    members, units = union_of(
        engine, {**DESKS, **{name: ["formal_delegate@info"] for name in delegates}}
    )
    publish(engine, checkout / "tests" / "processes" / "errand")
    launch = {"who": MOVER, "does": "launch"}

    def play(steps: list[dict[str, Any]]) -> None:
        perform_steps(engine, "errand", steps, START, members, units)

    play([{**launch, "alias": f"a{n}", "with": {"subject": f"修缮{n}"}} for n in range(1, rows)])
    returned = [
        {"who": SECRETARY, "does": "complete", "task": "check",
         "with": {"decision": "return", "reason": "请写明地点"}},
        {"who": MOVER, "does": "complete", "task": "mend", "with": {"note": "三号楼"}},
    ]  # fmt: skip  # a step a line
    play([{**launch, "with": {"subject": "绿化"}}, *(returned * min(rows, 15))])
    matter, task = newest(engine, "check")
    rated = [
        {"who": SECRETARY, "does": "complete", "task": "check", "with": {"decision": "pass"}},
        {"who": SECRETARY, "does": "complete", "task": "do", "with": {"note": "已修缮"}},
        *(
            {
                "who": name,
                "does": "respond",
                "task": "rate",
                "with": {"choice": "bad", "comment": "慢"},
            }
            for name in delegates[1 : (rows + 1) // 2]
        ),
    ]
    play([{**launch, "with": {"subject": "会议室"}}, *rated])
    pages = {
        "inbox": (SECRETARY, "/", {}),
        "task": (SECRETARY, f"/tasks/{task}", {}),
        "matter": (SECRETARY, f"/matters/{matter}", {}),
        "audit": (AUDITOR, f"/audit/{matter}", {}),
        "poll": (MOVER, f"/polls/{_newest_poll(engine)}", {}),
        "submit": (
            SECRETARY,
            f"/tasks/{task}",
            {"f.decision": "pass"},
        ),  # last: it changes the others
    }
    return Ground(START + timedelta(hours=1), members, pages)


def motion(engine: Any, checkout: Path, rows: int) -> Ground:
    """A motion in its rating, seconded by max(3, `rows`) delegates; one before its signature; `rows` to be seconded."""
    processes = checkout / "processes"
    story = tomllib.loads((processes / STORY).read_text("utf-8"))
    more = [f"代表{n}" for n in range(rows - 3)]
    cast = {**DESKS, **story["cast"], **{name: ["formal_delegate@math"] for name in more}}
    members, units = union_of(engine, cast)
    publish(engine, processes / "congress_motion")
    steps = [dict(step) for step in story["step"]]
    for step in steps:
        step.pop("expect", None)
    seconded = next(n for n, step in enumerate(steps) if step["does"] == "close_poll")
    seconds = [{**steps[seconded - 1], "who": name} for name in more]
    steps[seconded:seconded] = seconds
    before = {name: _first(steps, name) for name in ("sign", "rate")}
    began = START

    def play(played: list[dict[str, Any]]) -> None:
        perform_steps(engine, "congress_motion", played, began, members, units)

    play(steps[: before["sign"]])
    _, task = newest(engine, "sign")
    play(steps[: before["rate"]])
    matter, _ = newest(engine, "rate")
    poll = _newest_poll(engine)
    at = _latest(engine) + timedelta(minutes=1)
    began = at
    launch = {**steps[0], "who": steps[1]["who"]}
    play([{**launch, "alias": f"a{n}"} for n in range(rows)])
    pages = {
        "inbox": (MOVER, "/", {}),
        "task": (SIGNER, f"/tasks/{task}", {}),
        "matter": (MOVER, f"/matters/{matter}", {}),
        "audit": (AUDITOR, f"/audit/{matter}", {}),
        "poll": (MOVER, f"/polls/{poll}", {}),
        "submit": (SIGNER, f"/tasks/{task}", {"f.decision": "sign"}),  # last: it changes the others
    }
    return Ground(at + timedelta(minutes=1), members, pages)


GROUNDS = {"errand": errand, "motion": motion}


def union_of(engine: Any, cast: dict[str, list[str]]) -> tuple[dict[str, UUID], dict[str, str]]:
    """The union and its people with posts ("kind@unit"): ids of the members by name, of the units by code (as text)."""
    tables, new_id = module("tables"), module("tables").new_id
    units = {code: new_id() for code in UNITS}
    members = {name: new_id() for name in cast}
    held = [(name, *post.split("@")) for name, posts in cast.items() for post in posts]
    home = {name: unit for name, _, unit in held}
    union = {"union_id": units["union"]}
    with module("db").transaction(engine) as session:
        for code, (kind, name) in UNITS.items():
            row = {"id": units[code], "code": code, "kind": kind, "name": name, **union}
            session.execute(insert(tables.unit).values(**row))
        for number, (name, key) in enumerate(members.items()):
            row = {"id": key, "username": f"p{number}", "name": name, "created_at": START, **union}
            session.execute(insert(tables.member).values(**row, unit_id=units[home[name]]))
        for name, kind, unit in held:
            row = {"id": new_id(), "member_id": members[name], "kind": kind, "unit_id": units[unit]}
            session.execute(insert(tables.post).values(**row, from_on=date(2020, 1, 1)))
    return members, {code: str(key) for code, key in units.items()}


def publish(engine: Any, folder: Path) -> None:
    with module("db").transaction(engine) as session:
        module("definitions").publish_shipped(session, module("catalogue").read(folder))


def perform_steps(
    engine: Any,
    process: str,
    steps: list[dict[str, Any]],
    began: datetime,
    members: dict[str, UUID],
    units: dict[str, str],
) -> None:
    if steps:
        perform = module("scenarios").perform
        perform(engine, process, steps, began=began, union="union", members=members, units=units)


def _first(steps: list[dict[str, Any]], task: str) -> int:
    return next(n for n, step in enumerate(steps) if step.get("task") == task)


def newest(engine: Any, element: str) -> tuple[UUID, UUID]:
    """Instance and id of the open task of this element that was opened last."""
    query = "SELECT instance_id, id FROM task WHERE element = :e AND state = 'open' ORDER BY id DESC LIMIT 1"
    with engine.connect() as connection:
        row = connection.execute(text(query), {"e": element}).one()
        return row.instance_id, row.id


def _newest_poll(engine: Any) -> UUID:
    with engine.connect() as connection:
        return connection.execute(text("SELECT id FROM poll ORDER BY id DESC LIMIT 1")).scalar_one()


def _latest(engine: Any) -> datetime:
    with engine.connect() as connection:
        return connection.execute(text("SELECT max(at) FROM event")).scalar_one()
