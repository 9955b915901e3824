"""The papers that a task will issue, as drafts: what they would say if it were finished now with
what is written so far. Nothing is numbered, nothing is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from engine import clock, decisions, forms
from engine.documents import docx, filling, pdf
from engine.errors import EngineError, Invalid, NotFound, NotPrintable, ProcessFault
from engine.instance import rooms
from engine.instance.view import dotted
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.process import DocumentRule, TaskRule
    from engine.instance.context import Context

_HOLE = re.compile(r"\{n[^}]*\}")
UNNUMBERED = "　　"  # where the number will stand


@dataclass(frozen=True)
class Coming:
    """A paper that follows from a task. `choice`: of its outcome; `label`: that in words; `whole`:
    all that it needs is known already.
    """

    kind: str
    title: str
    choice: str
    label: str
    whole: bool


@dataclass(frozen=True)
class _Issue:
    """A document with the facts as they will be when it is issued."""

    rule: DocumentRule
    facts: Mapping[str, Any]

    @property
    def whole(self) -> bool:
        return not any(filling.is_missing(dotted(self.facts, path)) for path in self.rule.needs)


def coming(
    context: Context, rule: TaskRule, written: Mapping[str, Any], lang: str
) -> tuple[Coming, ...]:
    """The papers that each choice of a task leads to before anybody else acts; without those that
    the actor may not read.
    """
    found = []
    for choice, label in _choices(rule, lang):
        for issue in _issues(context, rule, _answers(context, rule, written, choice)):
            if rooms.may_read_paper(context, issue.rule.key):
                title = issue.rule.title.in_(lang)
                found.append(Coming(issue.rule.key, title, choice, label, issue.whole))
    return tuple(found)


def _choices(rule: TaskRule, lang: str) -> list[tuple[str, str]]:
    fields = rule.form.fields if rule.form else ()
    deciding = [field for field in fields if field.key == rule.outcomes and field.choices]
    english = lang.startswith("en")
    return [
        (choice.value, choice.label_en if english and choice.label_en else choice.label)
        for field in deciding
        for choice in field.choices
    ] or [("", "")]


def draft(
    context: Context,
    rule: TaskRule,
    written: Mapping[str, Any],
    *,
    kind: str,
    choice: str,
    as_text: bool = False,
) -> bytes:
    """One of these papers as PDF with a mark across its pages, or as UTF-8 text.

    Raises NotFound, NotPrintable for facts that are missing yet or a template that cannot be
    printed with what is known: a draft is incomplete by nature.
    """
    answers = _answers(context, rule, written, choice)
    for issue in _issues(context, rule, answers):
        if issue.rule.key == kind and rooms.may_read_paper(context, kind):
            break
    else:
        raise NotFound
    process = context.process
    facts = filling.facts_for(process, issue.rule, issue.facts)
    filling.must_be_whole(process, issue.rule, facts)
    data = filling.document_data(context, _number(issue.rule), issue.rule, facts)
    try:
        if as_text:
            return docx.plain(process.files, kind, data).encode()
        return pdf.typeset(process.files, kind, data, str(_("草稿，未印发")))
    except ProcessFault as fault:
        raise NotPrintable(fault.message, code="faulty_template", document=kind) from fault


def _number(rule: DocumentRule) -> str:
    year = str(clock.today().year)
    return _HOLE.sub(UNNUMBERED, rule.numbering).replace("{year}", year)


def _answers(
    context: Context, rule: TaskRule, written: Mapping[str, Any], choice: str
) -> dict[str, Any]:
    """What is written so far and sound, with this choice made."""
    if rule.form is None:
        return {}
    keys = {field.key for field in rule.form.asked}
    given = {key: value for key, value in written.items() if key in keys}
    given |= {rule.outcomes: choice} if choice else {}
    try:
        return forms.clean(rule.form, given, context.facts)
    except Invalid as fault:
        return dict(fault.sound)


# --- the way from the task ------------------------------------------------------------------------
def _issues(context: Context, rule: TaskRule, answers: Mapping[str, Any]) -> Iterator[_Issue]:
    """The documents on the way from a task to whoever is asked next."""
    facts: dict[str, Any] = {**context.facts, rule.id: dict(answers)}
    waiting, passed, elements = [rule.id], {rule.id}, context.process.diagram.elements
    while waiting:
        for target in _onward(context, waiting.pop(0), facts):
            element = elements[target]
            if target in passed or element.type in ("userTask", "intermediateCatchEvent"):
                continue
            passed.add(target)
            if element.type == "businessRuleTask" and not _decided(context, facts, target):
                continue
            action = context.process.actions.get(target, {})
            _set(context, facts, action.get("set", {}))
            if action.get("do") == "issue_document":
                yield _Issue(context.process.documents[action["document"]], dict(facts))
            ended = element.type == "endEvent" and element.scope
            waiting.append(element.scope if ended else target)


def _onward(context: Context, here: str, facts: Mapping[str, Any]) -> list[str]:
    """Where the way goes on by these facts; nowhere, where that cannot be said yet."""
    process = context.process
    flows = [flow for flow in process.diagram.flows if flow.source == here]
    element = process.diagram.elements[here]
    if element.type == "subProcess" and not flows:
        return []
    if element.type != "exclusiveGateway":
        return [flow.target for flow in flows]
    try:
        for flow in flows:
            if flow.condition and context.value(flow.condition, facts):
                return [flow.target]
    except EngineError:
        return []
    return [flow.target for flow in flows if not flow.condition or flow.id == element.default][:1]


def _decided(context: Context, facts: dict[str, Any], key: str) -> bool:
    """Add what a decision table says by these facts; False where that cannot be said yet."""
    try:
        said = decisions.decide(
            context.process.decisions[key], context.names(**facts), context.functions()
        )
    except EngineError:
        return False
    facts[key] = said
    return True


def _set(context: Context, facts: dict[str, Any], fixed: Mapping[str, str]) -> None:
    """What an action fixes on the way, as far as it can be said."""
    for path, expression in fixed.items():
        element, _dot, key = path.partition(".")
        try:
            value = context.value(str(expression), facts)
        except EngineError:
            continue
        plain = value.isoformat() if isinstance(value, date) else value
        if key and "." not in key:
            facts[element] = {**(facts.get(element) or {}), key: plain}
