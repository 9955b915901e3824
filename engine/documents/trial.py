"""Tries the templates of a process folder: each is read by the compiler and set once with sample
facts.

The one check behind every door, the command line's, the API's and the page's: the faults of the
definition, then those of its templates. Stories set every paper again with their own facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine import definitions
from engine.definitions import check, papers
from engine.definitions.booklet import KIND
from engine.definitions.check import ACTIONS, Fault
from engine.documents import filling, pdf, volume
from engine.errors import NotPrintable, ProcessFault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from engine.definitions import Process
    from engine.definitions.check.language import Rules
    from engine.definitions.process import DocumentRule
    from engine.forms import Field

_SOMEBODY = "00000000-0000-4000-8000-000000000000"
_DAY = "2026-01-02"
# Of sample facts the shapes are guessed, so only these messages are faults of the template itself.
_CERTAIN = re.compile(r"unknown variable|file not found|unclosed|unexpected|expected|unknown font")
_SHAPES = (
    (re.compile(r"zh-date\(\s*fact\(d, \"([a-z0-9_.]+)\"\)"), _DAY),
    (re.compile(r"(?:person|unit)\(d, fact\(d, \"([a-z0-9_.]+)\"\)"), _SOMEBODY),
    (re.compile(r"(?:people|units|list)-of\(d, \"([a-z0-9_.]+)\""), [_SOMEBODY]),
    (re.compile(r"fact\(d, \"([a-z0-9_.]+)\"\)(?:\.len\(\)| == \(\))"), [_SOMEBODY]),
    (re.compile(r"fact\(d, \"([a-z0-9_.]+)\"\) [<>] 0"), 1),
)


def faults(
    files: Mapping[str, str],
    rulebook: Rules,
    posts: Collection[str],
    actions: Collection[str] = ACTIONS,
    folder: str = "",
    others: Mapping[str, Mapping[str, Any]] = check.NO_OTHERS,
) -> list[Fault]:
    """Everything that is wrong with a folder's files (engine.definitions.check.faults), its
    templates included.
    """
    found = check.faults(files, rulebook, posts, actions, folder=folder, others=others)
    found += _unreadable(files)
    return found or list(unsettable(definitions.load(files)))


def check_folder(path: Path, rulebook: Rules, posts: Collection[str]) -> list[Fault]:
    """The faults of a folder on disk, its templates included."""
    found = check.check_folder(path, rulebook, posts)
    try:
        files = definitions.read(path)
    except ProcessFault:
        return found  # told already
    found += _unreadable(files)
    return found or list(unsettable(definitions.load(files)))


def _unreadable(files: Mapping[str, str]) -> list[Fault]:
    """Templates that the compiler cannot read, whichever branch they would take."""
    templates = {n: t for n, t in files.items() if re.fullmatch(r"documents/[a-z_0-9]+\.typ", n)}
    # inside a function that nobody calls: all of the text is read, nothing of it is done
    unused = {name: f"#let unused() = [{text}\n]\n" for name, text in templates.items()}
    faulty = (_fault_of(name, text) for name, text in unused.items())
    return [fault for fault in faulty if fault is not None]


def _fault_of(name: str, text: str) -> Fault | None:
    try:
        pdf.typeset({name: text}, _key(name), _data({}, "", {}))
    except ProcessFault as fault:
        return Fault(name, _key(name), fault.message, fault.advice)
    return None


def _key(name: str) -> str:
    return name.removeprefix("documents/").removesuffix(".typ")


def unsettable(process: Process) -> Iterator[Fault]:
    """Templates that stop with sample facts."""
    for rule in process.documents.values():
        labels, facts = _labels(process), _sample(process, rule)
        try:
            data = _data(facts, rule.title.zh, labels)
            data |= filling.amounts(process, rule, facts, data["people"])
            pdf.typeset(process.files, rule.key, data)
        except NotPrintable as fault:
            yield Fault(f"documents/{rule.key}.typ", rule.key, fault.message)
        except ProcessFault as fault:
            if _CERTAIN.search(fault.message):
                yield Fault(fault.file, rule.key, fault.message, fault.advice)
    if process.booklet:
        try:
            pdf.typeset(process.files, KIND, volume.SAMPLE)
        except ProcessFault as fault:
            yield Fault(fault.file, KIND, fault.message, fault.advice)


def _data(
    facts: Mapping[str, Any], title: str, labels: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    return {
        "instance": {
            "id": _SOMEBODY,
            "number": "样〔2026〕001",
            "title": "样",
            "process": "样",
            "union": "样",
            "started_on": _DAY,
        },
        "facts": facts,
        "people": {_SOMEBODY: "某人"},
        "units": {_SOMEBODY: "某单位"},
        "labels": labels,
        "document": {"number": "样〔2026〕001", "title": title or "样", "issued_on": _DAY},
    }


def _labels(process: Process) -> dict[str, dict[str, str]]:
    """The words of every choice of the forms."""
    asked = ((key, rule.form) for key, rule in process.tasks.items() if rule.form)
    return {
        f"{key}.{field.key}": {choice.value: choice.label for choice in field.choices}
        for key, form in asked
        for field in form.fields
        if field.choices
    }


def _sample(process: Process, rule: DocumentRule) -> dict[str, Any]:
    """A value for every fact that the document reads, in the shape in which its template takes
    it.
    """
    shapes: dict[str, Any] = {}
    for text in papers.reached(process.files, f"documents/{rule.key}.typ"):
        for pattern, value in _SHAPES:
            shapes |= dict.fromkeys(pattern.findall(text), value)
    facts: dict[str, Any] = {}
    inner_paths = {path.rpartition(".")[0] for path in rule.reads}
    for path in sorted(rule.reads - inner_paths):
        *parents, last = path.split(".")
        place = facts
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = shapes.get(path, _of_form(process, path))
    return facts


def _of_form(process: Process, path: str) -> Any:
    """As the form of its task would give it; a text where there is none."""
    element, _dot, key = path.partition(".")
    rule = process.tasks.get(element)
    if rule and rule.poll:
        return 1
    fields = [each for each in (rule.form.asked if rule and rule.form else ()) if each.key == key]
    return _of_field(fields[0]) if fields else "样"


def _of_field(field: Field) -> Any:
    if field.fields:
        return [{each.key: _of_field(each) for each in field.fields}]
    if field.choices:
        value = field.choices[0].value
        return [value] if field.kind == "checklist" else value
    return {
        "number": 1,
        "expression": 1,
        "checkbox": True,
        "datetime": _DAY,
        "checklist": [_SOMEBODY],
        "filepicker": [],
        "select": _SOMEBODY,
        "radio": _SOMEBODY,
    }.get(field.kind, "样")
