"""Acts that say when they happened, done on that day and entered later: how a matter stands then."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock, definitions, scenarios
from engine.db import tables
from engine.forms import hiding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions import Process
    from engine.definitions.process import TaskRule
    from engine.scenarios.progress import Progress
    from engine.scenarios.steps import Step

ERRAND = Path(__file__).parent.parent / "processes" / "errand"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ENTERS = frozenset({"complete", "launch", "message"})
_RANDOM = frozenset({"roll_hash"})  # of ids, which differ each time
_NOTES = frozenset({"set_fact", "mark"})  # actions whose moment is that of the fact


def files(**bounds: str) -> dict[str, str]:
    """The errand, whose check happened on a day that its form asks for."""
    return dated(definitions.read(ERRAND), "check", "tasks", "met_on", **bounds)


def dated(
    found: Mapping[str, str], element: str, section: str, key: str, **bounds: str
) -> dict[str, str]:
    """A process in which this element asks on which day it happened. `section`: tasks, messages; "" of the launch."""
    path = f"forms/{element}.json"
    empty = {"type": "default", "id": element, "components": []}
    form = json.loads(found[path]) if path in found else empty
    day = {"type": "datetime", "subtype": "date", "key": key, "dateLabel": "发生日期"}
    day |= {"properties": {"label_en": "Happened on", **bounds}, "validate": {"required": True}}
    form["components"].append(day)
    toml, says = found["process.toml"], f'happened = "{key}"\n'
    head = f"[{section}.{element}]\n"
    assert not section or head in toml
    toml = toml.replace(head, head + says) if section else says + toml
    return {**found, path: json.dumps(form), "process.toml": toml}


@dataclass(frozen=True)
class Entry:
    """A step of a story that says on which day what it enters happened. `first`: how many steps come before.
    `given`: its answers.
    """

    path: Path
    first: int
    element: str
    given: Mapping[str, object] = field(default_factory=dict, compare=False)

    @property
    def names(self) -> Iterator[str]:
        """As what it may be named: by its element, its story, or one of its answers."""
        yield self.element
        yield f"{self.element} in {self.path.stem}"
        yield from (f"{self.element} {key}={value}" for key, value in self.given.items())

    def __str__(self) -> str:
        return f"{self.path.parent.parent.name}/{self.element} in {self.path.stem}"


def entries(path: Path, process: Process) -> Iterator[Entry]:
    """Those of a story that succeed."""
    for number, step in enumerate(scenarios.read(path).steps):
        element = "launch" if step.does == "launch" else step.task
        rule = process.tasks.get(element)
        enters = step.does in _ENTERS and not step.refused and len(step.who) == 1
        if enters and rule and _says_when(rule, step):
            yield Entry(path, number, element, step.given)


def _says_when(rule: TaskRule, step: Step) -> bool:
    """Does its form ask for the day of the fact, after these answers?"""
    return bool(
        rule.happened
        and rule.form
        and rule.happened not in hiding.hidden(rule.form, step.given, {})
    )


def waiting(step: Step, after: str = "") -> Step:
    """The same step, of which only the waiting is left."""
    return replace(
        step,
        does="wait",
        after=after or step.after,
        given={},
        refused="",
        expect=None,
        due={},
        who=(),
    )


def stands(
    player: scenarios.Player, entry: Entry, files: Mapping[str, str], late: int
) -> dict[str, Any]:
    """How the matter stands `late` days after the day of the fact, where it was entered at the end of them.

    Negative: entered on the day itself, and as many days waited then.
    """
    step = scenarios.read(entry.path).steps[entry.first]
    with player.begun(entry.path, files, entry.first) as progress:
        if step.after:
            scenarios.play_step(progress, waiting(step))
        told = _told(progress, step, entry.element)
        if late > 0:
            scenarios.play_step(progress, waiting(step, f"{late} days"))
        scenarios.play_step(progress, told)
        if late < 0:
            scenarios.play_step(progress, waiting(step, f"{-late} days"))
        return _snapshot(progress)


def told_late(progress: Progress, entry: Entry, late: int) -> None:
    """Enter what happened on the day of the story so many days later, in a story played as far as it."""
    step = scenarios.read(entry.path).steps[entry.first]
    if step.after:
        scenarios.play_step(progress, waiting(step))
    told = _told(progress, step, entry.element)
    scenarios.play_step(progress, waiting(step, f"{late} days"))
    scenarios.play_step(progress, told)


def _told(progress: Progress, step: Step, element: str) -> Step:
    """The step with its answers as they are meant now, and nothing expected."""
    process = progress.process if element != "launch" else progress.world.process
    happened = process.tasks[element].happened
    with clock.set_to(progress.now):
        given = {key: _now(progress, value) for key, value in step.given.items()}
        given.setdefault(happened, clock.today().isoformat())
    return replace(step, after="", expect=None, due={}, given=given)


def _now(progress: Progress, value: object) -> object:
    """Days from now are meant from the day of the fact."""
    return progress.meant(value) if isinstance(value, str) and value.startswith("day:") else value


def _snapshot(progress: Progress) -> dict[str, Any]:
    """What may not depend on the day of the entry: where it stands, its limits, its facts, what its papers say."""
    found: dict[str, Any] = {}
    for alias, key in progress.instances.items():
        process = progress.process_of(key)
        row = progress.session.execute(
            select(tables.instance).where(tables.instance.c.id == key)
        ).one()
        task = tables.task.c
        opened = select(task.element, task.due).where(task.instance_id == key, task.state == "open")
        papers = select(tables.document.c.kind, tables.document.c.data).where(
            tables.document.c.instance_id == key
        )
        found[alias] = {
            "state": [row.state, row.outcome],
            "open": sorted(
                [t.element, (t.due or {}).get("on")] for t in progress.session.execute(opened)
            ),
            "facts": _facts(process, row.facts),
            "papers": sorted(
                json.dumps(
                    [p.kind, _facts(process, p.data["facts"])], ensure_ascii=False, sort_keys=True
                )
                for p in progress.session.execute(papers)
            ),
        }
    return found


def _facts(process: Process, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as a reader compares them: without ids, moments as days, and without when papers went out."""
    entered = {key for key, args in process.actions.items() if args.get("do") not in _NOTES}
    return {key: _plain(value) for key, value in facts.items() if key not in entered}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if any(map(_ID.fullmatch, value)):  # by member: in whatever order
            return sorted(json.dumps(_plain(each), sort_keys=True) for each in value.values())
        return {key: _plain(each) for key, each in value.items() if key not in _RANDOM}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, str):
        return value
    if _MOMENT.fullmatch(value):
        return clock.day_of(datetime.fromisoformat(value)).isoformat()
    return "id" if _ID.fullmatch(value) else value


def differences(one: Any, other: Any, place: str = "") -> list[str]:
    """Where two snapshots differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [
            found
            for key in keys
            for found in differences(one.get(key), other.get(key), f"{place}.{key}")
        ]
    return [] if one == other else [f"{place}: {one} != {other}"]
