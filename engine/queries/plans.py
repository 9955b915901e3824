"""What a process counts back from a day: before it is launched, by what is written so far, and of
those under way, for the office.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock, expressions, forms
from engine.db import tables
from engine.db.states import InstanceState
from engine.definitions.plans import KEPT
from engine.errors import EngineError, Invalid
from engine.instance import launching, planning
from engine.instance.choices import choices
from engine.instance.context import COLUMNS, Context, context_from
from engine.instance.union_law import rulebook
from engine.instance.view import dotted
from engine.queries import foresight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.definitions.plans import PlanStep
    from engine.instance.launching import Opened
    from engine.people.organisation import Actor
    from engine.queries.ruled import Ruled

FARTHEST = 2 * 366  # days ahead among which the earliest possible one is looked for
MOST = 5  # plans under way that the office sees
_instance = tables.instance.c


@dataclass(frozen=True)
class Step:
    """`last`: its last day; `chosen`: the day that somebody set for it. `state`: "done"; "open";
    "next", the first that is open; "past", which passed by itself; "overdue", which was not taken;
    "late", which can be kept no more. `instead`: what else one may do then.
    """

    title: str
    last: date
    chosen: date | None
    state: str
    instead: str
    rules: tuple[Ruled, ...]


@dataclass(frozen=True)
class Plan:
    """The steps before `on`, earliest first; `day`: what that day is called. `earliest`: the first
    day that leaves time for all; None when there is none, or nobody asked.
    """

    title: str
    day: str
    on: date
    steps: tuple[Step, ...]
    earliest: date | None

    @property
    def overdue(self) -> tuple[Step, ...]:
        """The steps that were not taken in time."""
        return tuple(step for step in self.steps if step.state == "overdue")

    @property
    def late(self) -> tuple[Step, ...]:
        """The steps for which it is too late."""
        return tuple(step for step in self.steps if step.state == "late")


@dataclass(frozen=True)
class Coming:
    """A matter under way with its plan."""

    id: UUID
    number: str
    subject: str
    plan: Plan


# --- before the launch ----------------------------------------------------------------------------
def preview(
    session: Session, actor: Actor, process_id: str, answers: Mapping[str, Any], lang: str = "zh"
) -> Plan | None:
    """The plan of a launch by what is written so far; None while it gives no day, and of a process
    that plans nothing. Raises NotFound, and Refused for who may not launch it.
    """
    way = launching.check(session, actor, process_id)
    if way.process.plan is None:
        return None
    context = _before_launch(session, actor, way, answers)
    found = _plan(context, lang, begun=False)
    if found is None or not found.steps:
        return found
    return replace(found, earliest=_earliest(context))


def _before_launch(
    session: Session, actor: Actor, way: Opened, answers: Mapping[str, Any]
) -> Context:
    """An instance as it would be launched now; nothing of it is written."""
    process, held = way.process, way.held
    assert held.union_id is not None
    row: Any = {
        "id": None,
        "facts": {},
        "rounds": {},
        "union_id": held.union_id,
        "unit_id": held.unit_id,
        "starter_id": actor.id,
        "number": "",
        "title": "",
        "started_at": clock.now(),
    }
    context = Context(session, actor, row, process)
    offered = choices(session, held.union_id, actor=actor)
    try:
        clean = forms.clean(process.launch_form, answers, context.names(), offered)
    except Invalid as fault:
        clean = dict(fault.sound)
    context.facts["launch"] = clean
    return context


def _earliest(context: Context) -> date | None:
    """The first day from which on all steps can be kept: a later day never makes a step earlier."""
    today = clock.today()
    first, last = 0, FARTHEST
    while first < last:
        middle = (first + last) // 2
        if _fits(context, today + timedelta(days=middle)):
            last = middle
        else:
            first = middle + 1
    found = today + timedelta(days=first)
    return found if _fits(context, found) else None


def _fits(context: Context, on: date) -> bool:
    plan = context.process.plan
    assert plan is not None
    *path, key = plan.of[-1].split(".")
    facts = dict(context.facts)
    context.facts = facts | {path[0]: {**facts.get(path[0], {}), key: on.isoformat()}}
    try:
        found = _days(context)
    except EngineError:
        return False
    finally:
        context.facts = facts
    today = clock.today()
    chosen = {step.key: _chosen(context, step) for step in plan.steps}
    return all(last >= max(today, chosen[key] or today) for key, last in found.items())


# --- under way ------------------------------------------------------------------------------------
def under_way(session: Session, actor: Actor, unions: Iterable[UUID], lang: str) -> list[Coming]:
    """The plans of what runs in these unions and is not confidential, the soonest first."""
    query = (
        select(*COLUMNS)
        .where(
            _instance.union_id.in_(list(unions)),
            _instance.state == InstanceState.RUNNING,
            ~_instance.confidential,
            _instance.facts.has_key(KEPT),
        )
        .order_by(_instance.id.desc())
        .limit(MOST)
    )
    found = []
    for values in session.execute(query):
        context = context_from(session, actor, tuple(values))
        row: rows.Instance = context.row
        plan = _plan(context, lang) if context.process.plan else None
        if plan and plan.on >= clock.today() and plan.steps:
            found.append(Coming(row["id"], row["number"], row["title"], plan))
    return sorted(found, key=lambda each: each.plan.on)


# --- both -----------------------------------------------------------------------------------------
def _plan(context: Context, lang: str, *, begun: bool = True) -> Plan | None:
    """The plan as it stands; before a launch a day that is over can be kept no more."""
    day, plan = planning.planned_for(context), context.process.plan
    if day is None or plan is None:
        return None
    try:
        found = _days(context)
    except EngineError:  # a rule that says nothing of this day, or here: a launch tells
        return None
    steps: list[Step] = []
    for rule in sorted((s for s in plan.steps if s.key in found), key=lambda s: found[s.key]):
        known = {step.state for step in steps}
        state = _state(context, rule, found[rule.key], begun=begun)
        shown = "next" if state == "open" and "next" not in known else state
        steps.append(_step(context, rule, found[rule.key], shown, lang))
    return Plan(
        plan.title.in_(lang), plan.day.in_(lang), date.fromisoformat(day), tuple(steps), None
    )


def _step(context: Context, rule: PlanStep, last: date, state: str, lang: str) -> Step:
    return Step(
        title=rule.title.in_(lang),
        last=last,
        chosen=_chosen(context, rule),
        state=state,
        instead=rule.instead.in_(lang) if state == "late" else "",
        rules=foresight.cited(context, _rules(rule.last), lang),
    )


def _days(context: Context) -> dict[str, date]:
    """The last days of the steps that this instance has."""
    found = planning.days(context, context.functions())
    return {key: date.fromisoformat(day) for key, day in found.items() if day}


def _state(context: Context, rule: PlanStep, last: date, *, begun: bool) -> str:
    if rule.done and _done(context, rule.done):
        return "done"
    chosen, today = _chosen(context, rule), clock.today()
    if chosen and chosen > last:
        return "late"
    if last >= today:
        return "open"
    if not begun:
        return "late"
    return "overdue" if rule.done else "past"


def _done(context: Context, condition: str) -> bool:
    try:
        return bool(expressions.evaluate(condition, context.names(), {}))
    except EngineError:
        return False


def _chosen(context: Context, rule: PlanStep) -> date | None:
    said = dotted(context.facts, rule.chosen) if rule.chosen else None
    return date.fromisoformat(said[:10]) if isinstance(said, str) and said else None


def _rules(expression: str) -> list[str]:
    """The rules of law that an expression names."""
    given = (text for _name, texts in expressions.texts_in(expression) for text in texts if text)
    return [text for text in given if text in rulebook().ids]
