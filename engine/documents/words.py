"""What people call a fact that a document needs: the task and the field of its form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import definitions
from engine.definitions.words import Words
from engine.errors import NotPrintable, ProcessFault
from engine.messages import Both, Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.definitions import Process

# of a poll, beside its choices
_COUNTS = {
    "roll": _("全体人数"),
    "present": _("到会人数"),
    "present_at_opening": _("开始表决时的到会人数"),
    "issued": _("发出票数"),
    "returned": _("收回票数"),
    "valid": _("有效票数"),
    "invalid": _("无效票数"),
    "answered": _("作答人数"),
    "silent": _("未作答人数"),
}


def missing(files: Mapping[str, str], document: str, paths: Iterable[str]) -> NotPrintable:
    """The refusal that names the facts without which documents/<document>.typ is not printed."""
    paths = list(paths)
    try:
        process = definitions.load(files)
    except ProcessFault:  # templates of the product, which belong to no process
        named: list[object] = list(paths)
        title: object = document
    else:
        named = [field(process, path) for path in paths]
        rule = process.documents.get(document)
        title = rule.title if rule else document
    message = _(
        "《{title}》缺少：{facts}。补齐以前不编号，不印发。", title=title, facts=Listed(named)
    )
    return NotPrintable(message, code="missing_fact", document=document, facts=paths)


def field(process: Process, path: str) -> Message:
    """A fact as the form names it, with its path behind."""
    element, _dot, key = path.partition(".")
    label = _label(process, element, key)
    title = Both(process.title_of(element), process.title_of(element, "en"))
    if not label:
        return _("{title}（{path}）", title=title, path=path)
    return _("{title}·{label}（{path}）", title=title, label=label, path=path)


def _label(process: Process, element: str, key: str) -> object:
    rule = process.tasks.get(element)
    if rule is None:
        return ""
    if rule.poll and key in rule.poll.labels:
        return rule.poll.labels[key]
    if rule.poll and key in _COUNTS:
        return _COUNTS[key]
    found = [each for each in (rule.form.asked if rule.form else ()) if each.key == key]
    return Words(found[0].label, found[0].label_en) if found else ""
