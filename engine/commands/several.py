"""Several instances launched by one act (one order that moves several people): each stays a matter
of its own, and knows the others of its group. All are launched, or none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine import db
from engine.commands.instances import Entered, begin_opened
from engine.db import tables
from engine.definitions.process import ROWS as TABLE
from engine.errors import Invalid, NotFound
from engine.forms import Field, Form, Limits
from engine.instance import launching
from engine.instance.context import context_of
from engine.messages import Message, _, worded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.several import SeveralRule
    from engine.people.organisation import Actor

LEAST, MOST = 2, 20  # by one act
ROWS = "matters"  # the table of a form for several: a row for each


def form_of(process: Process) -> Form:
    """The form that launches several: what is said once, then a row for each. Raises NotFound where
    the process launches one at a time.
    """
    rule = rule_of(process)
    own = tuple(field for field in process.launch_form.fields if field.key in rule.each)
    once = [field for field in process.launch_form.fields if field.key not in rule.each]
    limits = Limits(minimum=LEAST, maximum=MOST)
    rows = Field(ROWS, "dynamiclist", TABLE.zh, TABLE.en, required=True, fields=own, limits=limits)
    return replace(process.launch_form, fields=(*once, rows))


def rule_of(process: Process) -> SeveralRule:
    """How a process launches several. Raises NotFound where it does not."""
    if process.several is None:
        raise NotFound
    return process.several


def launch(
    session: Session,
    actor: Actor,
    process_id: str,
    answers: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
) -> tuple[UUID, ...]:
    """Launch one for each row, with what is said of all beside it; gives their ids in that order.

    Raises NotFound, Refused; Invalid by field, of a row as `matters.<row>.<field>`, the first being
    0, with the faults of all rows. Then nothing is launched.
    """
    opened = launching.check(session, actor, process_id)
    rule = rule_of(opened.process)
    if not LEAST <= len(rows) <= MOST:
        wrong = _("一次提出 {least} 至 {most} 件。", least=LEAST, most=MOST)
        raise Invalid({ROWS: [wrong]})
    group, made, faults = str(tables.new_id()), list[UUID](), dict[str, list[str]]()
    for at, row in enumerate(rows):
        place = {"id": group, "at": at + 1, "of": len(rows)}
        said = {**answers, **{key: row[key] for key in rule.each if key in row}}
        try:
            with db.savepoint(session):
                work = begin_opened(session, actor, opened, Entered(said, group=place))
                made.append(work.row["id"])
        except Invalid as fault:
            _add(faults, fault, rule, at)
    if not faults:
        _pass_gates(session, actor, rule, made, faults)
    if faults:
        raise Invalid(faults)
    return tuple(made)


def _add(faults: dict[str, list[str]], fault: Invalid, rule: SeveralRule, at: int) -> None:
    """What is wrong with one of them: in its row, or once with what is said of all."""
    for key, words in fault.fields.items():
        if key in rule.each:
            faults[f"{ROWS}.{at}.{key}"] = words
        elif key == "_":
            faults.setdefault(ROWS, []).extend(_of_row(at, text) for text in words)
        else:
            faults[key] = words


def _of_row(at: int, text: str) -> Message:
    return _("第 {row} 行：{text}", row=at + 1, text=text)


def _pass_gates(
    session: Session,
    actor: Actor,
    rule: SeveralRule,
    made: Sequence[UUID],
    faults: dict[str, list[str]],
) -> None:
    """What must hold in each once all of them are there."""
    for at, key in enumerate(made):
        context = context_of(session, actor, key)
        broken = [text for holds, text in rule.gates if not context.value(holds)]
        for text in broken:
            faults.setdefault(ROWS, []).append(_of_row(at, worded(text)))
