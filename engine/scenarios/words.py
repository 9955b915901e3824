"""What happened in a step, in words: one clause for each event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.history.kinds import KINDS
from engine.messages import Both, Listed, Message, _
from engine.queries.telling import Facts, Teller, recalled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.definitions import Process
    from engine.queries.telling import Words

_SILENT = frozenset({"poll_opened", "history_read", "evidence_exported"})


def titled(process: Process, element: str) -> str:
    """An element with its title, e.g. 审查立案（review）."""
    title = Both(process.title_of(element), process.title_of(element, "en"))
    if title.zh == element:
        return element
    return _("{title}（{element}）", title=title, element=element)


def listed(process: Process, elements: Iterable[str]) -> Message:
    """Elements with their titles; "nothing" when there are none."""
    return Listed(titled(process, each) for each in elements) or _("（没有）")


def clause(process: Process, kind: str, body: Mapping[str, Any]) -> Message:
    """One event as a clause: its kind and what it was about, what it opened, what it ended."""
    clauses = [_clause(process, kind, body)]
    opened = [each.get("task", "") for each in body.get("opened", [])]
    if opened:
        clauses.append(_("打开 {tasks}", tasks=listed(process, opened)))
    if body.get("ended"):
        clauses.append(_("结束于 {element}", element=titled(process, body["ended"])))
    return Listed(filter(None, clauses), "，")


def _clause(process: Process, kind: str, body: Mapping[str, Any]) -> str:
    if kind in _SILENT:
        return ""
    facts = Facts(Teller(process, {}), kind, body)
    more = _MORE[kind](facts) if kind in _MORE else ""
    about = next((str(body[key]) for key in _ABOUT.get(kind, ()) if body.get(key)), "")
    parts = (KINDS[kind].label, titled(process, about) if about else "", more)
    return Listed(filter(None, parts), " ")


def _verdict(facts: Facts) -> Words:
    outcome = facts.body.get("outcome") or {}
    counts = Listed(f"{key} {value}" for key, value in outcome.items() if type(value) is int)
    passed = bool(outcome.get("passed"))
    return (
        _("通过（{counts}）", counts=counts) if passed else _("未通过（{counts}）", counts=counts)
    )


def _present(facts: Facts) -> Words:
    numbers = {key: facts.body.get(key) for key in ("due", "needed", "present")}
    return _("应到 {due}，须到 {needed}，实到 {present}", **numbers)


def _plain(key: str) -> Callable[[Facts], Words]:
    return lambda facts: str(facts.body.get(key) or "")


_ABOUT: Mapping[str, tuple[str, ...]] = {
    "task_completed": ("task",),
    "task_claimed": ("task",),
    "task_released": ("task",),
    "message_sent": ("message",),
    "timer_fired": ("element",),
    "decision_taken": ("decision",),
    "deadline_extended": ("task",),
    "poll_closed": ("task",),
}
_MORE: Mapping[str, Callable[[Facts], Words]] = {
    "instance_launched": _plain("number"),
    "instance_merged": _plain("number"),
    "matter_begun": _plain("number"),
    "matter_linked": _plain("number"),
    "matter_told": _plain("number"),
    "document_issued": lambda facts: _(
        "《{title}》{number}", title=facts.document, number=facts.body.get("number") or ""
    ),
    "poll_answered": _plain("choice"),
    "poll_closed": _verdict,
    "poll_voided": _plain("reason"),
    "ballots_cast": _plain("cast"),
    "meeting_opened": _present,
    "link_sent": _plain("to"),
    "member_let_in": _plain("name"),
    "member_let_out": _plain("name"),
    "attempt_refused": lambda facts: recalled(facts.body.get("why")),
    "incident_noted": lambda facts: recalled(facts.body.get("message")),
}
