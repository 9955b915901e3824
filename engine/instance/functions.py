"""What an expression may ask of an instance beside its facts: days, people, what was done, meetings, other instances."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select

from engine import calendar, clock, expressions, law
from engine.db import tables
from engine.instance import numbers
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.instance.view import InstanceView

SUPERIOR = ("superior_officer", "superior_leader")  # who acts for a superior union


def functions(view: InstanceView) -> dict[str, Callable[..., Any]]:
    """The functions by name, all but `meeting`, which asks for a quorum by such an expression; see docs/architecture.md."""
    return {
        **numbers.of_law(view),
        "due": lambda rule, start=None: due(view, rule, start),
        "before": lambda moment, rule: before(view, moment, rule),
        "after": lambda moment, rule: None if moment is None else due(view, rule, moment),
        "day": lambda moment: day(view, moment),
        "round": lambda task: view.rounds.get(task, 0),
        "members": lambda unit=None: members(view, unit),
        "holders": lambda kind, unit=None: holders(view, kind, unit),
        "holds": lambda member, kind: bool(member) and str(member) in holders(view, kind, None),
        "delegates": lambda kind: holders(view, f"{kind}_delegate", None),
        "heads": lambda member, unit: (
            bool(member and unit) and str(member) in heads_of(view, [str(unit)])
        ),
        "heads_of": lambda units: heads_of(view, units),
        "movers_of": lambda instance: movers_of(view, instance),
        "matters": lambda process, holds, since=None: matters(view, process, holds, since),
        "at": lambda element: _last(view, element)[0],
        "by": lambda element: _last(view, element)[1],
    }


def names(view: InstanceView, expression: str) -> dict[str, Any]:
    """The names that cost a look into the database, for the expressions that say them."""
    if "superior" not in expression:
        return {}
    unit = tables.unit.c
    managed_by = select(unit.managing_id).where(unit.id == view.row["union_id"])
    superior = view.session.execute(managed_by).scalar()
    found: dict[str, Any] = {"superior": str(superior) if superior else None}
    if "superior_here" in expression:
        found["superior_here"] = superior is not None and any(
            organisation.holders(view.session, kind, [superior], clock.today()) for kind in SUPERIOR
        )
    return found


def due(view: InstanceView, rule_id: str, start: datetime | str | None = None) -> datetime:
    """The end of a rule's time limit, from now or from a moment (facts keep moments as ISO texts)."""
    ruling = view.law.ruling(rule_id, view.decisive_on)
    begin = clock.now() if start is None else _when(view, start)
    return view.remember(law.deadline(ruling, begin, view.law.calendar))


def before(view: InstanceView, moment: datetime | str | None, rule_id: str) -> datetime | None:
    """A rule's length before the end of a time limit, for warnings."""
    if moment is None:
        return None
    ruling = view.law.ruling(rule_id, view.decisive_on)
    return view.remember(law.before(ruling, _when(view, moment), view.law.calendar))


def _when(view: InstanceView, start: datetime | str) -> calendar.When:
    """A moment or a day as facts and forms keep them (ISO texts), or a time limit computed before."""
    if isinstance(start, str):
        if len(start) == len("2026-05-20"):
            return date.fromisoformat(start)
        start = datetime.fromisoformat(start)
    return view.due_at(start) or start


def heads_of(view: InstanceView, units: list[str] | None) -> list[str]:
    """Who heads these units today."""
    ids = [UUID(str(unit)) for unit in units or [] if unit]
    if not ids:
        return []
    heads = organisation.holders(view.session, "unit_head", ids, clock.today())
    return [str(member) for member in heads]


def movers_of(view: InstanceView, instance_id: str | None) -> list[str]:
    """The mover of another instance of this union."""
    if not instance_id:
        return []
    instance = tables.instance.c
    query = select(instance.facts).where(
        instance.id == UUID(str(instance_id)), instance.union_id == view.row["union_id"]
    )
    facts = view.session.execute(query).scalar()
    return [str(facts["launch"]["mover"])] if facts else []


def day(view: InstanceView, moment: datetime | date | str | None) -> str | None:
    """The day in China of a moment, as ISO text; of the end of a time limit, its last day."""
    if moment is None:
        return None
    if isinstance(moment, str):
        return (
            moment[:10]
            if len(moment) == len("2026-05-20")
            else clock.day_of(datetime.fromisoformat(moment)).isoformat()
        )
    if isinstance(moment, datetime):
        due = view.due_at(moment)
        return (due.day if due else clock.day_of(moment)).isoformat()
    return moment.isoformat()


def members(view: InstanceView, unit: str | None) -> list[str]:
    """The active members of the union, or of one of its units."""
    member = tables.member.c
    query = (
        select(member.id)
        .where(member.union_id == view.row["union_id"], member.active)
        .order_by(member.id)
    )
    if unit:
        query = query.where(member.unit_id == UUID(str(unit)))
    return [str(key) for key in view.session.execute(query).scalars()]


def holders(view: InstanceView, kind: str, unit: str | None) -> list[str]:
    """Who holds a post today: in the whole union, or in one unit."""
    if unit:
        return [
            str(m)
            for m in organisation.holders(view.session, kind, [UUID(str(unit))], clock.today())
        ]
    return [
        str(m)
        for m in organisation.in_union(view.session, kind, view.row["union_id"], clock.today())
    ]


def matters(view: InstanceView, process: str, holds: str, since: str | None) -> int:
    """How many matters of a process this union has for whose facts, `state` and `outcome` the expression holds.

    `since` names a process: only what was launched after its latest matter had ended.
    """
    instance = tables.instance.c
    query = select(instance.facts, instance.state, instance.outcome).where(
        instance.union_id == view.row["union_id"], instance.process_id == process
    )
    if since:
        ended = select(func.max(instance.ended_at)).where(
            instance.union_id == view.row["union_id"],
            instance.process_id == since,
            instance.id != view.row["id"],
        )
        query = query.where(
            instance.started_at
            > func.coalesce(ended.scalar_subquery(), datetime.min.replace(tzinfo=UTC))
        )
    counted = 0
    for row in view.session.execute(query.execution_options(yield_per=500)):
        facts = {**row.facts, "state": row.state, "outcome": row.outcome or None}
        known = {name: facts.get(name.partition(".")[0]) for name in expressions.names_in(holds)}
        counted += bool(expressions.evaluate(holds, {**known, **facts}, {}))
    return counted


def _last(view: InstanceView, element: str) -> tuple[datetime | None, str | None]:
    """When a task, a message or the launch was last done, and by whom."""
    task = tables.task.c
    row = view.session.execute(
        select(task.closed_at, task.closed_by)
        .where(task.instance_id == view.row["id"], task.element == element, task.state == "done")
        .order_by(task.closed_at.desc(), task.id.desc())
        .limit(1)
    ).first()
    return (row.closed_at, str(row.closed_by) if row.closed_by else None) if row else (None, None)
