"""What an expression may ask of other instances of the union."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select

from engine import expressions
from engine.db import tables
from engine.db.states import InstanceState
from engine.instance.view import dotted

if TYPE_CHECKING:
    from sqlalchemy import Row

    from engine.instance.view import InstanceView


def matters(
    view: InstanceView,
    process: str,
    holds: str,
    since: str | None = None,
    which: str = "true",
    at: str = "",
) -> int:
    """How many instances of a process this union has for whose facts, `state` and `outcome` the
    expression holds.

    `since` names a process: only what was launched after its latest other instance had ended, or
    after the moment of the fact `at` in it, where it has one; of those instances, `which` says
    which count.
    """
    instance = tables.instance.c
    query = select(instance.facts, instance.state, instance.outcome).where(
        instance.union_id == view.row["union_id"], instance.process_id == process
    )
    if since:
        query = query.where(instance.started_at > _latest(view, since, which, at))
    found = view.session.execute(query.execution_options(yield_per=500))
    return sum(_fits(row.facts, row.state, row.outcome, holds) for row in found)


def linked(view: InstanceView, kind: str) -> int:
    """How many instances that still run are linked to this one as this kind."""
    link, instance = tables.link.c, tables.instance.c
    others = (
        select(func.count())
        .select_from(tables.link)
        .join(tables.instance, instance.id == link.from_id)
        .where(link.to_id == view.row["id"], link.kind == kind)
        .where(instance.state == InstanceState.RUNNING)
    )
    return int(view.session.execute(others).scalar_one())


def matter_fits(view: InstanceView, instance_id: str | None, holds: str) -> bool:
    """Whether the expression holds for the facts, `state` and `outcome` of this other instance of
    the union; False when there is none.
    """
    found = _other(view, instance_id)
    return found is not None and _fits(found.facts, found.state, found.outcome, holds)


def fact_of(view: InstanceView, instance_id: str | None, path: str) -> Any:
    """A dotted fact of this other instance of the union; None when there is none."""
    found = _other(view, instance_id)
    return dotted(found.facts, path) if found else None


def _other(view: InstanceView, instance_id: str | None) -> Row[Any, Any, Any] | None:
    """Facts, state and outcome of another instance of the union."""
    if not instance_id:
        return None
    instance = tables.instance.c
    query = select(instance.facts, instance.state, instance.outcome).where(
        instance.id == UUID(str(instance_id)), instance.union_id == view.row["union_id"]
    )
    return view.session.execute(query).first()


def facts_of(view: InstanceView, process: str, holds: str, path: str) -> list[Any]:
    """A dotted fact of every other instance of a process in this union for whose facts, `state`
    and `outcome` the expression holds, where it is known. `own` are there the facts of this one.
    """
    instance = tables.instance.c
    query = (
        select(instance.facts, instance.state, instance.outcome)
        .where(
            instance.union_id == view.row["union_id"],
            instance.process_id == process,
            instance.id != view.row["id"],
        )
        .order_by(instance.id)
    )
    found = view.session.execute(query.execution_options(yield_per=500))
    fitting = [
        row.facts for row in found if _fits(_beside(view, row), row.state, row.outcome, holds)
    ]
    known = (dotted(facts, path) for facts in fitting)
    return [fact for fact in known if fact is not None]


def gathered(view: InstanceView, process: str, holds: str, path: str) -> list[Any]:
    """What stands in the lists of which `facts_of` tells, each once."""
    lists = (fact for fact in facts_of(view, process, holds, path) if isinstance(fact, list))
    return list(dict.fromkeys(each for fact in lists for each in fact))


def _beside(view: InstanceView, other: Row[Any, Any, Any]) -> dict[str, Any]:
    """The facts of another instance, beside which those of this one stand as `own`."""
    return {"own": view.facts, **other.facts}


def _latest(view: InstanceView, process: str, which: str, at: str) -> datetime:
    """The latest moment of the fact `at` in other instances of a process in this union, else of
    their end; long ago when there is none.
    """
    instance = tables.instance.c
    query = select(instance.facts, instance.state, instance.outcome, instance.ended_at).where(
        instance.union_id == view.row["union_id"],
        instance.process_id == process,
        instance.id != view.row["id"],
    )
    moments = (
        datetime.fromisoformat(told) if (told := dotted(row.facts, at)) else row.ended_at
        for row in view.session.execute(query)
        if _fits(row.facts, row.state, row.outcome, which)
    )
    return max((each for each in moments if each), default=datetime.min.replace(tzinfo=UTC))


def _fits(facts: dict[str, Any], state: str, outcome: str | None, holds: str) -> bool:
    """Whether the expression holds for an instance's facts, `state` and `outcome`."""
    wanted = {name.partition(".")[0]: None for name in expressions.names_in(holds)}
    known = {**wanted, **facts, "state": state, "outcome": outcome or None}
    return bool(expressions.evaluate(holds, known, {}))
