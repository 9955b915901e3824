"""What an expression may ask of a matter beside its facts: the law, days, people, what was done, meetings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from sqlalchemy import func, select

from engine import clock, expressions, law
from engine.db import tables
from engine.errors import ProcessFault
from engine.instance import presence
from engine.instance.union_law import rulebook
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.commands.run import Run
    from engine.instance.union_law import Common

SUPERIOR = ("superior_officer", "superior_leader")  # who acts for a superior union


class Asker(Protocol):
    """Whoever asks for the law: a command on a matter, or a trial of a decision table."""

    measured: list[tuple[law.Ruling, int, int]]

    @property
    def around(self) -> Common: ...
    @property
    def decisive_on(self) -> date: ...


def functions(run: Run) -> dict[str, Callable[..., Any]]:
    """The functions by name; see docs/architecture.md."""
    return {
        **of_law(run),
        "day": lambda moment: day(run, moment),
        "members": lambda unit=None: members(run, unit),
        "holders": lambda kind, unit=None: holders(run, kind, unit),
        "meeting": lambda task, what: presence.standing(run, task).get(what),
        "matters": lambda process, holds, since=None: matters(run, process, holds, since),
        "at": lambda element: _last(run, element)[0],
        "by": lambda element: _last(run, element)[1],
    }


def of_law(asker: Asker) -> dict[str, Callable[..., Any]]:
    """The functions that need no matter: they ask the rulebook only."""
    return {
        "rule": lambda rule: rule_value(asker, rule),
        "reaches": lambda rule, n, total: reaches(asker, rule, n, total),
        "satisfies": lambda rule, n: satisfies(asker, rule, n),
        "needed": lambda rule, total: needed(asker, rule, total),
        "in_force": lambda rule, on=None: bool(_entries(asker, rule, on)),
        "article": lambda rule, on=None: article(asker, rule, on),
    }


def names(run: Run, expression: str) -> dict[str, Any]:
    """The names that cost a look into the database, for the expressions that say them."""
    if "superior" not in expression:
        return {}
    unit = tables.unit.c
    above = run.session.execute(
        select(unit.managing_id).where(unit.id == run.row["union_id"])
    ).scalar()
    here = above is not None and any(
        organisation.holders(run.session, k, [above], clock.today()) for k in SUPERIOR
    )
    return {"superior": str(above) if above else None, "superior_here": here}


def rule_value(asker: Asker, rule_id: str) -> int:
    """The number that a rule gives."""
    ruling = asker.around.ruling(str(rule_id), asker.decisive_on)
    if ruling.value is None:
        raise ProcessFault(f"规则 {rule_id} 不是整数。", element=str(rule_id))
    return ruling.value


def needed(asker: Asker, rule_id: str, total: int) -> int:
    """The number out of total that decides by a rule of a share: the smallest that reaches it, the largest allowed."""
    ruling = asker.around.ruling(str(rule_id), asker.decisive_on)
    if ruling.share is None:
        raise ProcessFault(f"规则 {rule_id} 不是比例。", element=str(rule_id))
    return law.needed(ruling, int(total or 0))


def _entries(asker: Asker, rule_id: str, on: date | str | None) -> tuple[law.Rule, ...]:
    """The entries of a rule in force on a day; without a day, on the decisive one."""
    day = asker.decisive_on if on is None else date.fromisoformat(str(on)[:10])
    return rulebook().in_force(str(rule_id), day, asker.around.jurisdictions)


def article(asker: Asker, rule_id: str, on: date | str | None) -> str | None:
    """The article that governs on a day, or null where none does or no day is given. ProcessFault if several differ."""
    if on is None:
        return None
    found = {entry.article for entry in _entries(asker, rule_id, on)}
    if len(found) > 1:
        raise ProcessFault(f"规则 {rule_id} 在 {on} 有几个条文。", element=str(rule_id))
    return found.pop() if found else None


def reaches(run: Asker, rule_id: str, n: int, total: int) -> bool:
    """Does n of total reach the rule's share, by the rule's own operator? Integers only; less than nothing is nothing."""
    ruling = run.around.ruling(str(rule_id), run.decisive_on)
    if ruling.share is None:
        raise ProcessFault(f"规则 {rule_id} 不是比例。", element=str(rule_id))
    reached, base = max(0, int(n or 0)), max(0, int(total or 0))
    run.measured.append((ruling, reached, base))
    return law.compare(ruling.op, ruling, reached, base)


def satisfies(run: Asker, rule_id: str, n: int) -> bool:
    """Does n satisfy the rule's number, by the rule's own operator?"""
    ruling = run.around.ruling(str(rule_id), run.decisive_on)
    if ruling.value is None or ruling.share is not None:
        raise ProcessFault(f"规则 {rule_id} 不是整数。", element=str(rule_id))
    return law.compare(ruling.op, ruling, max(0, int(n or 0)))


def day(run: Run, moment: datetime | date | str | None) -> str | None:
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
        due = run.due_at(moment)
        return (due.day if due else clock.day_of(moment)).isoformat()
    return moment.isoformat()


def members(run: Run, unit: str | None) -> list[str]:
    """The active members of the union, or of one of its units."""
    member = tables.member.c
    query = (
        select(member.id)
        .where(member.union_id == run.row["union_id"], member.active)
        .order_by(member.id)
    )
    if unit:
        query = query.where(member.unit_id == UUID(str(unit)))
    return [str(key) for key in run.session.execute(query).scalars()]


def holders(run: Run, kind: str, unit: str | None) -> list[str]:
    """Who holds a post today: in the whole union, or in one unit."""
    if unit:
        return [
            str(m)
            for m in organisation.holders(run.session, kind, [UUID(str(unit))], clock.today())
        ]
    return [
        str(m) for m in organisation.in_union(run.session, kind, run.row["union_id"], clock.today())
    ]


def matters(run: Run, process: str, holds: str, since: str | None) -> int:
    """How many matters of a process this union has for whose facts, `state` and `outcome` the expression holds.

    `since` names a process: only what was launched after its latest matter had ended.
    """
    instance = tables.instance.c
    query = select(instance.facts, instance.state, instance.outcome).where(
        instance.union_id == run.row["union_id"], instance.process_id == process
    )
    if since:
        ended = select(func.max(instance.ended_at)).where(
            instance.union_id == run.row["union_id"],
            instance.process_id == since,
            instance.id != run.row["id"],
        )
        query = query.where(
            instance.started_at
            > func.coalesce(ended.scalar_subquery(), datetime.min.replace(tzinfo=UTC))
        )
    counted = 0
    for row in run.session.execute(query.execution_options(yield_per=500)):
        facts = {**row.facts, "state": row.state, "outcome": row.outcome or None}
        known = {name: facts.get(name.partition(".")[0]) for name in expressions.names_in(holds)}
        counted += bool(expressions.evaluate(holds, {**known, **facts}, {}))
    return counted


def _last(run: Run, element: str) -> tuple[datetime | None, str | None]:
    """When a task, a message or the launch was last done, and by whom."""
    task = tables.task.c
    row = run.session.execute(
        select(task.closed_at, task.closed_by)
        .where(task.instance_id == run.row["id"], task.element == element, task.state == "done")
        .order_by(task.closed_at.desc(), task.id.desc())
        .limit(1)
    ).first()
    return (row.closed_at, str(row.closed_by) if row.closed_by else None) if row else (None, None)
