"""Compares what a story says with what is there, and puts the difference in words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import select

from engine import clock
from engine.commands import unit_of_work
from engine.db import aside, tables
from engine.db.states import ALIVE
from engine.instance.view import dotted
from engine.messages import Listed, Message, _
from engine.queries.telling import recalled
from engine.scenarios import prints, words
from engine.scenarios.progress import Unexpected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date
    from uuid import UUID

    from engine.db import rows
    from engine.definitions import Process
    from engine.scenarios.progress import Progress
    from engine.scenarios.story import Ends, Story

_instance, _document, _event = tables.instance.c, tables.document.c, tables.event.c


def check_open(progress: Progress, expected: tuple[str, ...], happened: str) -> None:
    """Exactly these tasks are open in the current instance. Raises Unexpected, with what `happened`
    in the step.
    """
    key, process = progress.instance(), progress.process
    found = progress.open_now(key)
    if found == expected:
        return
    row = progress.session.execute(
        select(_instance.state, _instance.outcome).where(_instance.id == key)
    ).one()
    ended = _("，结束于 {element}", element=words.titled(process, row.outcome))
    difference = _(
        "之后应当打开的是 {expected}，实际是 {found}。此件{state}{ended}；这一步里：{happened}。",
        expected=words.listed(process, expected),
        found=words.listed(process, found),
        state=unit_of_work.STATES.get(row.state, row.state),
        ended=ended if row.outcome else "",
        happened=happened or _("什么也没有发生"),
    )
    raise Unexpected(difference)


def check_due(progress: Progress, expected: Mapping[str, date]) -> None:
    """These tasks of the current instance end on these days. Raises Unexpected."""
    for element, last in expected.items():
        ends = progress.ends(element)
        found = clock.day_of(ends - timedelta(microseconds=1)) if ends else None
        if found != last:
            title = words.titled(progress.process, element)
            raise Unexpected(
                _(
                    "“{title}”的最后一天应是 {expected}，实际是 {found}。",
                    title=title,
                    expected=last,
                    found=found or _("没有期限"),
                )
            )


def check(progress: Progress, story: Story) -> None:
    """How each instance stands at the end. Raises Unexpected with everything that is otherwise."""
    wrong: list[str] = []
    for alias, ends in story.ends.items():
        wrong += _differences_of(progress, alias, ends)
    if not any("incident_noted" in ends.events for ends in story.ends.values()):
        wrong += _incidents(progress)
    for key in progress.instances.values():
        wrong += prints.faults(progress, key)
    if wrong:
        raise Unexpected(_("结束时：{differences}", differences=Listed(wrong, "")))


def _differences_of(progress: Progress, alias: str, ends: Ends) -> Iterator[Message]:
    """What is otherwise in the instance called so; "" is the first one."""
    instances = progress.instances
    if not alias:
        if instances:
            yield from _differences(progress, next(iter(instances.values())), ends)
        else:
            yield _("没有任何一件。")
    elif alias not in instances:
        yield _("没有叫 {alias} 的件。", alias=alias)
    else:
        for difference in _differences(progress, instances[alias], ends):
            yield _("{alias}：{difference}", alias=alias, difference=difference)


def _differences(progress: Progress, key: UUID, ends: Ends) -> Iterator[Message]:
    query = select(tables.instance).where(_instance.id == key)
    instance = cast("rows.Instance", progress.session.execute(query).mappings().one())
    yield from _where(progress, instance, ends.at)
    result = instance["outcome"] or instance["state"]
    if ends.outcome and ends.outcome not in (result, instance["state"]):
        yield _("结果应当是 {expected}，实际是 {found}。", expected=ends.outcome, found=result)
    if ends.issued is not None:
        yield from _documents(progress, key, ends.issued)
    yield from _events(progress, key, ends.events)
    for path, expected in ends.facts.items():
        found = dotted(instance["facts"], progress.path_meant(path))
        if found != progress.meant(expected):
            yield _(
                "事实 {path} 应当是 {expected}，实际是 {found}。",
                path=path,
                expected=repr(expected),
                found=repr(progress.by_name(found)),
            )


def _ended(process: Process, at: str) -> Message:
    return _("结束于 {element}", element=words.titled(process, at))


def _where(progress: Progress, instance: rows.Instance, expected: str) -> Iterator[Message]:
    """`expected` is "open", a state, or the end at which it ended; "" is anything."""
    process = progress.process_of(instance["id"])
    at = "open" if instance["state"] in ALIVE else instance["outcome"] or instance["state"]
    if not expected or expected in (at, instance["state"]):
        return
    tasks = words.listed(process, progress.open_now(instance["id"]))
    wanted = _("还开着") if expected == "open" else _ended(process, expected)
    found = _("还开着：{tasks}", tasks=tasks) if at == "open" else _ended(process, at)
    yield _("应当{expected}，实际{found}。", expected=wanted, found=found)


def _documents(progress: Progress, key: UUID, expected: tuple[str, ...]) -> Iterator[Message]:
    query = select(_document.kind).where(_document.instance_id == key).order_by(_document.id)
    issued = tuple(progress.session.execute(query).scalars())
    if issued != expected:
        yield _(
            "应当出具的文书是 {expected}，实际是 {issued}。",
            expected=listed(expected),
            issued=listed(issued),
        )


def _events(progress: Progress, key: UUID, expected: tuple[str, ...]) -> Iterator[Message]:
    query = select(_event.kind).where(_event.instance_id == key).distinct()
    happened = set(progress.session.execute(query).scalars())
    if missing := [kind for kind in expected if kind not in happened]:
        yield _(
            "历史里没有 {missing}；有的是 {happened}。",
            missing=Listed(missing),
            happened=Listed(sorted(happened)),
        )


def listed(names: Collection[str]) -> Message:
    """The names; "nothing" when there are none."""
    return Listed(names) if names else _("（没有）")


def _incidents(progress: Progress) -> Iterator[Message]:
    """What broke."""
    incident = tables.incident.c
    ours = incident.instance_id.in_(progress.instances.values())
    for message in progress.session.execute(select(incident.message).where(ours)).scalars():
        yield _("出现异常：{message}", message=message)
    faulty = _event.instance_id.in_(progress.instances.values()), _event.kind == "document_faulty"
    for body, said in progress.session.execute(select(_event.body, _event.words).where(*faulty)):
        yield _("出现异常：{message}", message=recalled(aside.told(body, said)["fault"]))
