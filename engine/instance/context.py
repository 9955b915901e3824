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
from engine.instance import functions, presence
from engine.instance.view import InstanceView
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from sqlalchemy import RowMapping

    from engine import calendar
    from engine.db import Session, rows
    from engine.people.organisation import Actor


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

        return {**functions.functions(self), "meeting": meeting}

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
    query = select(tables.instance).where(tables.instance.c.id == instance_id)
    return _context(session, actor, session.execute(query).mappings().one())


def visible_context(session: Session, actor: Actor, instance_id: UUID) -> Context:
    """The same, of an instance that the actor may see. Raises NotFound."""
    instance = tables.instance
    query = select(instance).where(instance.c.id == instance_id, access.visible(actor))
    row = access.must_see(session.execute(query).mappings().first())
    return _context(session, actor, row)


def _context(session: Session, actor: Actor | None, found: RowMapping) -> Context:
    row = cast("rows.Instance", dict(found))
    return Context(session, actor, row, process_of(session, row["version"]))
