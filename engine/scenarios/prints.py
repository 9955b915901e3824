"""Reads the printed papers of a story: what must stand in them, what must not, and what no paper
may say at all.
"""

from __future__ import annotations

import copy
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.documents import pdf, reading
from engine.errors import NotFound
from engine.history.erased import ERASED
from engine.messages import Listed, Message, _
from engine.scenarios.progress import Unexpected
from engine.scenarios.steps import check_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from engine.db import rows
    from engine.scenarios.progress import Progress
    from engine.scenarios.steps import Step

_KEYS = frozenset({"has", "lacks", "set", "without"})
_document = tables.document.c
# What a reader would take for a fact that is none: (what is wrong, how it shows).
_NEVER = (
    (_("没有值的事实"), re.compile(r"\b(?:null|none|None|undefined)\b")),
    (_("数字前后空着"), re.compile(r"(?:到会|实到|应到|须到|全体|赞成|同意|弃权)[ 　]+[人票张件]")),
    (_("空的括号或引号"), re.compile(r"《\s*》|“\s*”|（\s*）")),
    (_("规则编号"), re.compile(r"\b[A-Z]{2,3}-[A-Z][A-Z0-9]+\b")),
    (_("表达式"), re.compile(r"\b(?:reaches|satisfies|rule|due)\(")),
    (
        _("内部编号"),
        re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    ),
)


def read(progress: Progress, step: Step) -> None:
    """The latest paper of a kind, printed: `has` and `lacks` are texts; with `set` other facts,
    `without` some of them.

    Raises Unexpected for a text that is missing or too much, NotPrintable for what may not be
    printed.
    """
    check_keys(_("with"), step.given, _KEYS)
    row = _latest(progress, step.task)
    data = _changed(progress, row.data, step.given)
    files = progress.process.files
    text = reading.close(_text(_print(files, row, data)))
    missing = [each for each in _texts(step, "has") if reading.close(each) not in text]
    surplus = [each for each in _texts(step, "lacks") if reading.close(each) in text]
    if missing:
        raise Unexpected(
            _("印出的没有“{missing}”，印的是：{text}", missing=Listed(missing), text=text)
        )
    if surplus:
        raise Unexpected(
            _("印出的有“{surplus}”，印的是：{text}", surplus=Listed(surplus), text=text)
        )


def _texts(step: Step, key: str) -> list[str]:
    given = step.given.get(key, [])
    return [str(each) for each in (given if isinstance(given, list) else [given])]


def _latest(progress: Progress, kind: str) -> rows.Selected:
    """The paper of this kind that was issued last. Raises NotFound."""
    query = select(tables.document).where(
        _document.instance_id == progress.instance(), _document.kind == kind
    )
    row = progress.session.execute(query.order_by(_document.id.desc()).limit(1)).first()
    if row is None:
        raise NotFound(_("没有出具过文书 {kind}。", kind=kind))
    return row


def _changed(progress: Progress, data: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The data with other facts, without some of them."""
    changed = copy.deepcopy(data)
    for path, value in given.get("set", {}).items():
        place, last = _place(changed["facts"], path)
        place[last] = progress.meant(value)
    for path in given.get("without", ()):
        place, last = _place(changed["facts"], path)
        place.pop(last, None)
    return changed


def _place(facts: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parents, last = path.split(".")
    for name in parents:
        facts = facts.setdefault(name, {})
    return facts, last


_text = lru_cache(maxsize=64)(reading.text_of)  # stories that begin alike print the same


def _print(files: Mapping[str, str], row: rows.Selected, data: Mapping[str, Any]) -> bytes:
    return pdf.composed(files, row.kind, data)


def faults(progress: Progress, instance_id: UUID) -> Iterator[Message]:
    """What stands in the papers of an instance and may stand in none."""
    query = select(tables.document).where(_document.instance_id == instance_id)
    files = progress.process_of(instance_id).files
    for row in progress.session.execute(query.order_by(_document.id)):
        if row.data == ERASED:
            continue
        text = _text(_print(files, row, row.data))
        for wrong, pattern in _NEVER:
            if found := pattern.search(text):
                around = text[max(0, found.start() - 20) : found.end() + 20]
                yield _("文书 {kind} 里有{wrong}：{text}", kind=row.kind, wrong=wrong, text=around)
