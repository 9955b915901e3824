"""Faults of the documents of a process folder: their numbers, their templates, and what a template
reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.definitions import asking, booklet, papers
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.language import named_root
from engine.definitions.check.settings import numbering
from engine.definitions.check.shape import FILE
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

_LOADED = re.compile(r"\b(import|include)\s+\"([^\"]*)\"")
_READ = re.compile(
    r"\b(read|json|csv|toml|yaml|xml|image|plugin|cbor|bibliography)\(\s*(?:\"([^\"]*)\")?"
)
_INSIDE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ALWAYS = frozenset({"checkbox", "checklist", "filepicker"})  # say something even when left alone
_FOLDER, _ENDING = "documents/", ".typ"


def faults(draft: Draft, language: Language) -> Iterator[Fault]:
    """All faults of the documents."""
    templates = _templates(draft.files)
    issued = {
        action.get("document")
        for action in draft.table("actions").values()
        if action.get("do") == "issue_document"
    }
    for key, document in draft.table("documents").items():
        yield from _document(key, document, templates, issued)
        if key in templates:
            yield from _declared(key, document, papers.reads(draft.files, key))
            yield from _unasked(key, document, draft)
        yield from _unknown(key, document, papers.reads(draft.files, key), language)
        yield from _enclosed(key, document, draft)
        for post in document.get("signed_by", ()):
            place = f"documents.{key}"
            yield from language.post(FILE, place, _("[{place}] 的 signed_by", place=place), post)
    for name, text in templates.items():
        bound = name == booklet.KIND and draft.table("booklet")
        known = name in draft.table("documents") or bound or _used(name, templates)
        if draft.raw and not known:
            what = _("process.toml 里没有文书 {name}。", name=name)
            advice = _("请写 [documents.{name}]，或删去这个文件。", name=name)
            yield Fault(path_of(name), name, what, advice)
        yield from _reads(name, text)


def path_of(name: str) -> str:
    """Where the template of a document lies in a folder."""
    return f"{_FOLDER}{shown(name)}{_ENDING}"


def _templates(files: Mapping[str, str]) -> dict[str, str]:
    return {
        path.removeprefix(_FOLDER).removesuffix(_ENDING): text
        for path, text in files.items()
        if path.startswith(_FOLDER)
    }


def _document(
    key: str, document: dict[str, Any], templates: Mapping[str, str], issued: set[Any]
) -> Iterator[Fault]:
    name, place, path = shown(key), f"documents.{shown(key)}", path_of(key)
    yield from numbering(f"{place}.numbering", document.get("numbering", ""))
    if key not in templates:
        what = _("文书 {name} 没有模板。", name=name)
        yield Fault(path, name, what, _("请补上 {path}。", path=path))
    if key not in issued:
        advice = _(
            '请在 [actions] 里写 do = "issue_document"、document = "{name}"，或删去。', name=name
        )
        yield Fault(FILE, place, _("没有一个动作出具这份文书。"), advice)


def _declared(key: str, document: dict[str, Any], reads: frozenset[str]) -> Iterator[Fault]:
    """What a template reads and what process.toml lists are the same."""
    needs, optional = set(document.get("needs", ())), set(document.get("optional", ()))
    place = f"documents.{shown(key)}"
    if not reads - needs - optional and not (needs | optional) - reads and not needs & optional:
        return
    if "needs" not in document and "optional" not in document:
        advice = _(
            "请写 needs = […]（缺了就不印的）和 optional = […]（可以缺的），模板读的有：{facts}。",
            facts=Listed(sorted(reads)),
        )
        yield Fault(FILE, place, _("文书没有写明需要哪些事实。"), advice)
        return
    for path in sorted(reads - needs - optional):
        advice = _("请列入 needs；可以缺的列入 optional，并由模板写明缺时怎么写。")
        yield Fault(FILE, place, _("模板读 {path}，这里没有列出。", path=path), advice)
    for path in sorted((needs | optional) - reads):
        what = _("列出了 {path}，模板和它引用的文件都不读。", path=shown(path))
        yield Fault(FILE, place, what, _("请删去，或在模板里写上。"))
    for path in sorted(needs & optional):
        what = _("{path} 同时列在 needs 和 optional 里。", path=shown(path))
        yield Fault(FILE, place, what, _("只能列在一处。"))


def _unasked(key: str, document: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    """Answers that nobody need give, printed on the strength of another fact."""
    optional = asking.unasked(draft.files, key) & set(document.get("optional", ()))
    for path in sorted(optional & _loose(draft)) if optional else ():
        what = _("{path} 可以不填，模板没有问填了没有就要印。", path=path)
        advice = _(
            "请用 known、maybe、row-if 或 otherwise 问这一项本身；非写不可的，再加一条前提要求填写。"
        )
        yield Fault(path_of(key), shown(key), what, advice)


def _enclosed(key: str, document: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    """Files go along with a paper that somebody outside is shown, and stand in an answer."""
    files = {
        f"{name}.{each.key}"
        for name, form in draft.forms.items()
        for each in (form.asked if form else ())
        if each.kind == "filepicker"
    }
    place, named = f"documents.{shown(key)}", document.get("encloses", ())
    for path in named:
        if path not in files:
            what = _("encloses 里的 {path} 不是表单里上传附件的项。", path=shown(path))
            yield Fault(FILE, place, what, _("请写成 环节.项。"))
    if named and not document.get("outside"):
        what = _("encloses 只用于 outside = true 的文书。")
        yield Fault(FILE, place, what, _("请写 outside = true，或删去 encloses。"))


def _loose(draft: Draft) -> set[str]:
    """The dotted answers that may be left out, and the facts that are copies of such."""
    loose = {
        f"{name}.{each.key}"
        for name, form in draft.forms.items()
        for each in (form.asked if form else ())
        if not each.required and each.kind not in _ALWAYS
    }
    copied = [
        (fact, value)
        for action in draft.table("actions").values()
        for fact, value in action.get("set", {}).items()
    ]
    return loose | {fact for fact, value in copied if value in loose}


def _unknown(
    key: str, document: dict[str, Any], reads: frozenset[str], language: Language
) -> Iterator[Fault]:
    """Facts that nothing in this folder leaves."""
    listed = {*document.get("needs", ()), *document.get("optional", ())}
    for path in sorted(reads | listed):
        file = path_of(key) if path in reads else FILE
        for what, advice in language.fact_faults(path):
            yield Fault(file, shown(key), what, advice, named_root(path.partition(".")[0]))


def _used(name: str, templates: Mapping[str, str]) -> bool:
    """Does another template read this one?"""
    file = f"{name}{_ENDING}"
    return any(file in text for key, text in templates.items() if key != name)


def _reads(name: str, text: str) -> Iterator[Fault]:
    """A template reads data.json and what lies beside it."""
    for word, target in (*_LOADED.findall(text), *_READ.findall(text)):
        if not _INSIDE.fullmatch(target) or ".." in target:
            what = _("模板用 {word} 读取 {target}。", word=word, target=shown(target) or _("别处"))
            advice = _('模板只能按名称读 "data.json" 和同一文件夹里的文件。')
            yield Fault(path_of(name), name, what, advice)
