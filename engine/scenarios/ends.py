"""Compares what a story tells with what is there, and says the difference in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.commands import unit_of_work
from engine.db import tables
from engine.instance.view import dotted
from engine.messages import Listed, _
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
        ended = (
            _("，结束于 {titled}", titled=words.titled(scene.process, row.outcome))
            if row.outcome
            else ""
        )
        there = _(
            "之后应当打开的是 {listed}，实际是 {listed_2}。",
            listed=words.listed(scene.process, wanted),
            listed_2=words.listed(scene.process, found),
        )
        raise Otherwise(
            _(
                "{there}此件{state}{ended}；这一步里：{happened}。",
                there=there,
                state=state,
                ended=ended,
                happened=happened or _("什么也没有发生"),
            )
        )


def check(scene: Scene, story: Story) -> None:
    """How each instance stands at the end. Raises Otherwise with everything that is otherwise."""
    wrong: list[str] = []
    for alias, ends in story.ends.items():
        if not scene.instances or (alias and alias not in scene.instances):
            wrong.append(
                _(
                    "没有{value}件。",
                    value=_("叫 {alias} 的", alias=alias) if alias else _("任何一"),
                )
            )
            continue
        key = scene.instances[alias] if alias else next(iter(scene.instances.values()))
        wrong += [
            f"{alias + '：' if alias else ''}{each}" for each in _differences(scene, key, ends)
        ]
    if not any("incident_noted" in ends.events for ends in story.ends.values()):
        wrong += _incidents(scene)
    if wrong:
        raise Otherwise(_("结束时：") + " ".join(wrong))


def _differences(scene: Scene, key: UUID, ends: Ends) -> Iterator[str]:
    row = scene.session.execute(select(tables.instance).where(_instance.id == key)).one()
    process = scene.process_of(key)
    at = "open" if row.state in STANDING else row.outcome or row.state
    if ends.at and ends.at not in (at, row.state):
        wanted = (
            _("还开着")
            if ends.at == "open"
            else _("结束于 {titled}", titled=words.titled(process, ends.at))
        )
        still = _("还开着：{listed}", listed=words.listed(process, scene.open_now(key)))
        yield _(
            "应当{wanted}，实际{value}。",
            wanted=wanted,
            value=still if at == "open" else _("结束于 {titled}", titled=words.titled(process, at)),
        )
    if ends.outcome and ends.outcome not in (row.outcome, row.state):
        yield _(
            "结果应当是 {outcome}，实际是 {outcome_2}。",
            outcome=ends.outcome,
            outcome_2=row.outcome or row.state,
        )
    if ends.issued is not None:
        kinds = select(_document.kind).where(_document.instance_id == key).order_by(_document.id)
        issued = tuple(scene.session.execute(kinds).scalars())
        if issued != ends.issued:
            yield _(
                "应当出具的文书是 {issued}，实际是 {issued_2}。",
                issued=Listed(ends.issued) or _("（没有）"),
                issued_2=Listed(issued) or _("（没有）"),
            )
    happened = set(
        scene.session.execute(select(_event.kind).where(_event.instance_id == key)).scalars()
    )
    if missing := [kind for kind in ends.events if kind not in happened]:
        yield _(
            "历史里没有 {missing}；有的是 {happened}。",
            missing=Listed(missing),
            happened=Listed(sorted(happened)),
        )
    for path, value in ends.facts.items():
        found = dotted(row.facts, path)
        if found != scene.meant(value):
            yield _(
                "事实 {path} 应当是 {value}，实际是 {by_name}。",
                path=path,
                value=repr(value),
                by_name=repr(scene.by_name(found)),
            )


def _incidents(scene: Scene) -> Iterator[str]:
    """What broke."""
    incident = tables.incident.c
    rows = scene.session.execute(
        select(incident.message).where(incident.instance_id.in_(scene.instances.values()))
    )
    for message in rows.scalars():
        yield _("出现异常：{message}", message=message)
