"""A process instance as expressions see it: facts, names and functions become values.

Read only: nothing here writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select

from engine import expressions
from engine.db import tables
from engine.definitions.store import process_of
from engine.errors import ProcessFault
from engine.instance import functions, planning, presence
from engine.instance.union_law import OF_INSTANCE
from engine.instance.view import InstanceView
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from engine import calendar
    from engine.db import Session, rows
    from engine.people.organisation import Actor


COLUMNS = (*tables.instance.c, OF_INSTANCE)  # an instance with the law of its union, in one read
_NAMES = tuple(column.name for column in COLUMNS)


class Context(InstanceView):
    """An instance whose expressions can be evaluated."""

    def value(self, expression: str, more: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression over facts, names and functions."""
        known = self.names(**functions.names(self, expression), **(more or {}))
        return expressions.evaluate(expression, known, self.functions())

    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """The functions that an expression may use; see docs/architecture.md."""

        def meeting(task: str, what: str) -> Any:
            return presence.standing(self, task).named(what)

        def roll_of(key: str) -> Any:
            members = self.process.rolls[key].members
            known = self.names(**functions.names(self, members))
            return expressions.evaluate(members, known, of_rolls)

        of_rolls = {**functions.functions(self), "meeting": meeting}  # no roll names another

        def planned(step: str) -> str | None:
            return planning.days(self, known_without_plan)[step]

        known_without_plan: dict[str, Callable[..., Any]] = {**of_rolls, "roll_of": roll_of}
        return {**known_without_plan, "planned": planned}

    def moment(self, expression: str, more: Mapping[str, Any] | None = None) -> calendar.Due | None:
        """The end of a time limit that a `due` or timer expression gives, with its computation.

        None when it gives none; ProcessFault when it gives something else.
        """
        found = self.value(expression, more)
        if found is None:
            return None
        due = self.due_at(found)
        if due is None:
            raise ProcessFault(
                _("“{expression}”没有给出期限。", expression=expression),
                file="process.toml",
                advice=_('写成 due("规则编号") 这样的形式。'),
            )
        return due


def context_of(session: Session, actor: Actor | None, instance_id: UUID) -> Context:
    """The context of an instance that is not locked.

    The caller has made sure that the actor may see it.
    """
    query = select(*COLUMNS).where(tables.instance.c.id == instance_id)
    return context_from(session, actor, tuple(session.execute(query).one()))


def context_from(session: Session, actor: Actor | None, values: Sequence[Any]) -> Context:
    """The context of an instance that a statement of the caller has read: the values of COLUMNS, in
    their order.
    """
    row = row_of(values)
    return Context(session, actor, row, process_of(session, row["version"]))


def row_of(values: Sequence[Any]) -> rows.Instance:
    """The values of COLUMNS as a row."""
    return cast("rows.Instance", dict(zip(_NAMES, values, strict=True)))
