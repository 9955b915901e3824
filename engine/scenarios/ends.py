"""Compares what a story tells with what is there, and says the difference in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.commands import unit_of_work
from engine.db import tables
from engine.instance.view import dotted
from engine.scenarios import words
from engine.scenarios.scene import Otherwise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from engine.scenarios.scene import Scene
    from engine.scenarios.story import Ends, Story

_instance, _document, _event = tables.instance.c, tables.document.c, tables.event.c
STANDING = ("running", "suspended")


def check_open(scene: Scene, wanted: tuple[str, ...], happened: str) -> None:
    """Exactly these tasks are open in the current instance. Raises Otherwise."""
    found = scene.open_now(scene.instance())
    if found != wanted:
        row = scene.session.execute(
            select(_instance.state, _instance.outcome).where(_instance.id == scene.instance())
        ).one()
        state = unit_of_work.STATES.get(row.state, row.state)
        ended = f"，结束于 {words.titled(scene.process, row.outcome)}" if row.outcome else ""
        there = f"之后应当打开的是 {words.listed(scene.process, wanted)}，实际是 {words.listed(scene.process, found)}。"
        raise Otherwise(f"{there}此件{state}{ended}；这一步里：{happened or '什么也没有发生'}。")


def check(scene: Scene, story: Story) -> None:
    """How each instance stands at the end. Raises Otherwise with everything that is otherwise."""
    wrong: list[str] = []
    for alias, ends in story.ends.items():
        if not scene.instances or (alias and alias not in scene.instances):
            wrong.append(f"没有{f'叫 {alias} 的' if alias else '任何一'}件。")
            continue
        key = scene.instances[alias] if alias else next(iter(scene.instances.values()))
        wrong += [
            f"{alias + '：' if alias else ''}{each}" for each in _differences(scene, key, ends)
        ]
    if not any("incident_noted" in ends.events for ends in story.ends.values()):
        wrong += _incidents(scene)
    if wrong:
        raise Otherwise("结束时：" + " ".join(wrong))


def _differences(scene: Scene, key: UUID, ends: Ends) -> Iterator[str]:
    row = scene.session.execute(select(tables.instance).where(_instance.id == key)).one()
    process = scene.process_of(key)
    at = "open" if row.state in STANDING else row.outcome or row.state
    if ends.at and ends.at not in (at, row.state):
        wanted = "还开着" if ends.at == "open" else f"结束于 {words.titled(process, ends.at)}"
        still = f"还开着：{words.listed(process, scene.open_now(key))}"
        yield f"应当{wanted}，实际{still if at == 'open' else f'结束于 {words.titled(process, at)}'}。"
    if ends.outcome and ends.outcome not in (row.outcome, row.state):
        yield f"结果应当是 {ends.outcome}，实际是 {row.outcome or row.state}。"
    if ends.issued is not None:
        kinds = select(_document.kind).where(_document.instance_id == key).order_by(_document.id)
        issued = tuple(scene.session.execute(kinds).scalars())
        if issued != ends.issued:
            yield f"应当出具的文书是 {'、'.join(ends.issued) or '（没有）'}，实际是 {'、'.join(issued) or '（没有）'}。"
    happened = set(
        scene.session.execute(select(_event.kind).where(_event.instance_id == key)).scalars()
    )
    if missing := [kind for kind in ends.events if kind not in happened]:
        yield f"历史里没有 {'、'.join(missing)}；有的是 {'、'.join(sorted(happened))}。"
    for path, value in ends.facts.items():
        found = dotted(row.facts, path)
        if found != scene.meant(value):
            yield f"事实 {path} 应当是 {value!r}，实际是 {scene.by_name(found)!r}。"


def _incidents(scene: Scene) -> Iterator[str]:
    """What broke."""
    incident = tables.incident.c
    rows = scene.session.execute(
        select(incident.message).where(incident.instance_id.in_(scene.instances.values()))
    )
    for message in rows.scalars():
        yield f"出现异常：{message}"
