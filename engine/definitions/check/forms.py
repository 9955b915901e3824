"""Faults of the forms of a process folder: what stands in them, and which are missing or too
many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions, forms
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.language import named_root
from engine.definitions.check.names import messages, notified
from engine.errors import ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language
    from engine.definitions.diagram import Diagram


TEXTS = frozenset({"textfield", "textarea"})


def faults(draft: Draft, language: Language) -> Iterator[Fault]:
    """All faults of the forms."""
    for name, schema in draft.schemas.items():
        yield from _schema(name, schema, set(language.facts))
        yield from _hiding(name, draft, language)
        yield from _differing(name, draft)
    if draft.diagram is not None:
        yield from _superfluous(draft, language)
        yield from _missing(draft, language)


def path_of(name: str) -> str:
    """Where the form of a task or message lies in a folder."""
    return f"forms/{shown(name)}.json"


def _schema(name: str, schema: dict[str, Any], facts: set[str]) -> Iterator[Fault]:
    path, own_id = path_of(name), schema.get("id")
    if own_id != name:
        yield Fault(
            path,
            name,
            _("表单的 id 是 {id}。", id=shown(own_id)),
            _("id 应当与文件名相同：{name}。", name=name),
        )
    try:
        for wrong in forms.faults(schema, facts):
            yield Fault(path, name, _("{wrong}。", wrong=shown(wrong, 300)), _("请在表单里改正。"))
    except (ProcessFault, TypeError, ValueError, AttributeError, KeyError) as fault:
        yield unreadable(path, name, fault)


def _hiding(name: str, draft: Draft, language: Language) -> Iterator[Fault]:
    """Fields hidden by a value that the field asked about does not offer."""
    form = draft.forms.get(name)
    own = {each.key for each in form.asked} if form else set()
    for each in form.fields if form else ():
        if not each.hide or expressions.check(each.hide, None):
            continue  # said above
        compared = expressions.compared_in(each.hide)
        dotted = ((f"{name}.{fact}" if fact in own else fact, text) for fact, text in compared)
        for what, advice in language.choice_faults(dotted):
            place = _("“{key}”的隐藏条件", key=each.key or shown(each.label, 20))
            yield Fault(path_of(name), name, _("{where}：{wrong}", where=place, wrong=what), advice)


def _differing(name: str, draft: Draft) -> Iterator[Fault]:
    """Fields that must differ from a former round: texts, of a task to which the way comes back."""
    form = draft.forms.get(name)
    differing = [each for each in form.fields if each.differs] if form else []
    for each in differing:
        if each.kind not in TEXTS:
            what = _("“{key}”不是文字，不能要求与上一次不同。", key=each.key)
            yield Fault(path_of(name), name, what, _("请把 differs 写在文字的项上。"))
    if differing and draft.diagram is not None and not _comes_back(draft.diagram, name):
        what = _("{name} 不会再办一次，没有上一次可比。", name=shown(name))
        yield Fault(path_of(name), name, what, _("请删去 differs，或在流程图里画出重办的路。"))


def _comes_back(diagram: Diagram, element: str) -> bool:
    """Does a way lead from an element of the diagram to itself?"""
    passed: set[str] = set()
    waiting = [element] if element in diagram.elements else []
    while waiting:
        here = waiting.pop()
        for there in _after(diagram, here):
            if there == element:
                return True
            if there not in passed:
                passed.add(there)
                waiting.append(there)
    return False


def _after(diagram: Diagram, here: str) -> Iterator[str]:
    """Where a way goes on: along its flows, by the events at it, into a subprocess and out of
    it.
    """
    scope = diagram.elements[here].scope
    yield from (flow.target for flow in diagram.flows if flow.source == here)
    for each in diagram.elements.values():
        if each.on == here or (each.scope == here and each.type == "startEvent"):
            yield each.id
    if scope:  # its end, or an event at it, leads on from there
        yield scope


def unreadable(path: str, name: str, fault: Exception) -> Fault:
    """A form that is no form."""
    what = _("表单的写法不对：{fault}", fault=shown(fault, 120))
    return Fault(path, name, what, _("请按 form-js 的格式改正。"))


def _superfluous(draft: Draft, language: Language) -> Iterator[Fault]:
    published = draft.table("publications")
    known = {"launch", *messages(draft), *published, *draft.elements("userTask")}
    for name in draft.forms:
        if name not in known:
            yield Fault(
                path_of(name),
                name,
                _("流程图里没有环节或消息 {name}。", name=name),
                _("请把文件名改成环节的 id，或删去这个文件。"),
                named_root(name),
            )
        elif name in draft.polls and name in language.tasks:
            yield Fault(
                path_of(name),
                name,
                _("{name} 是表决，不用表单。", name=name),
                _("请删去这个文件；选项写在 [tasks.<环节>.poll]。"),
            )


def _missing(draft: Draft, language: Language) -> Iterator[Fault]:
    """A task needs a form unless it is a poll; a message unless another instance sends it. Nobody
    knows which are polls without process.toml.
    """
    if not draft.raw:
        return
    for name in sorted(language.tasks - draft.polls - draft.forms.keys()):
        yield _no_form(name, _("环节 {name} 没有表单。", name=shown(name)))
    declared = draft.table("messages").items()
    from_others = notified(draft) | {key for key, message in declared if not message.get("lane")}
    for name in sorted(messages(draft) - from_others - draft.forms.keys()):
        yield _no_form(name, _("消息 {name} 没有表单。", name=shown(name)))
    for name in sorted(draft.table("publications").keys() - draft.forms.keys()):
        yield _no_form(name, _("公示 {name} 没有提异议的表单。", name=shown(name)))


def _no_form(name: str, what: str) -> Fault:
    path = path_of(name)
    return Fault(path, shown(name), what, _("请补上 {path}。", path=path), named_root(name))
