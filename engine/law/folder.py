"""processes/law/*.toml -> Rulebook. Finds every fault of every file before it refuses."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from engine import legacy
from engine.calendar import UNIT_WORDS as TIME_WORDS
from engine.errors import ProcessFault
from engine.law.rules import (
    CHOICE_WORDS,
    CONFIDENCES,
    LEVELS,
    NUMBERS_TOLD,
    OF,
    OPS,
    SHARE_UNITS,
    UNITS,
    Place,
    Rule,
    overlap,
)
from engine.law.rulings import Rulebook
from engine.messages import Both, Listed, Message, _

_TEXTS: Final = (
    "id",
    "title",
    "title_en",
    "unit",
    "op",
    "source",
    "source_en",
    "jurisdiction",
    "level",
    "confidence",
)
_TOLD: Final = ("told", "told_en")
_OPTIONAL_TEXTS: Final = (
    *("of", "article", "note", "note_en", "read", "unused", "unused_en"),
    *_TOLD,
)
_NUMBERS: Final = ("value", "numerator", "denominator")
_DATES: Final = ("valid_from", "valid_to")
_REQUIRED: Final = (*_TEXTS, "text", "text_en")
_FLAGS: Final = ("binding", "silence", "express")
_KNOWN: Final = frozenset((*_REQUIRED, *_OPTIONAL_TEXTS, *_NUMBERS, *_DATES, *_FLAGS))
_VOCABULARY: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "unit": UNITS,
        "op": tuple(OPS),
        "level": tuple(LEVELS),
        "confidence": tuple(CONFIDENCES),
    }
)
_OF_FILE: Final = frozenset({"rule", "title", "title_en", "jurisdictions"})
_ID: Final = re.compile(r"[A-Z]{2,8}(-[A-Z0-9]+)+")


def load(folder: Path) -> Rulebook:
    """Read every *.toml of a folder: [[rule]] tables, a title, and in any of them the
    [jurisdictions].

    Errors: ProcessFault with all faults of all files.
    """
    faults: list[Message] = []
    rules: list[Rule] = []
    read = {path: _read(path, faults) for path in sorted(folder.glob("*.toml"))}
    places = _places(read.values())
    subjects = {path.stem: _words(data) for path, data in read.items() if "title" in data}
    known = tuple(places)
    for path, data in read.items():
        for number, table in enumerate(_tables_of(path, data, faults), start=1):
            wrong = _shape_faults(table) or _word_faults(table, known) or _number_faults(table)
            if wrong:
                entry = table.get("id", _("第 {n} 条", n=number))
                faults += [_at(path.name, entry, fault) for fault in wrong]
            else:
                binding = table["level"] == "LAW"
                rules.append(Rule(**{"binding": binding, **table, "file": path.name}))
    faults += _quarrels(rules)
    if not rules and not faults:
        faults.append(_("{file}:没有任何规则", file=folder.name))
    if faults:
        raise ProcessFault(
            Listed(faults, "\n"),
            file=folder.name,
            advice=_("请逐条改正后重新载入。"),
            faults=tuple(faults),
        )
    return Rulebook(rules, places, subjects)


def _read(path: Path, faults: list[Message]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        faults.append(_("{file}:无法读取（{error}）", file=path.name, error=error))
        return {}


def _words(table: Mapping[str, Any]) -> Both:
    return Both(str(table.get("title", "")), str(table.get("title_en", "")))


def _places(files: Iterable[Mapping[str, Any]]) -> dict[str, Place]:
    """The jurisdictions that these files name, by code; those of old where they name none."""
    named = (data.get("jurisdictions") for data in files)
    tables = {k: t for each in named if isinstance(each, dict) for k, t in each.items()}
    if not tables:
        return {code: Place(Both(code, code), city) for code, city in legacy.PLACES.items()}
    return {
        code: Place(_words(table), str(table.get("city", "")))
        for code, table in tables.items()
        if isinstance(table, dict)
    }


def _tables_of(path: Path, data: dict[str, Any], faults: list[Message]) -> list[dict[str, Any]]:
    """The [[rule]] tables of a file; what is wrong with the file as a whole goes to `faults`."""
    tables = data.get("rule", [])
    unknown = data.keys() - _OF_FILE
    faults += [_("{file}:不认识的键“{key}”", file=path.name, key=key) for key in sorted(unknown)]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        faults.append(_("{file}:规则须写成 [[rule]]", file=path.name))
        return []
    return tables


def _at(file: str, entry: str, fault: Message) -> Message:
    return _("{file}:{entry}:{fault}", file=file, entry=entry, fault=fault)


def _shape_faults(table: Mapping[str, Any]) -> list[Message]:
    """Keys that are unknown, missing or of the wrong type."""
    faults = [_("不认识的键“{key}”", key=key) for key in table if key not in _KNOWN]
    faults += [_("缺少“{key}”", key=key) for key in _REQUIRED if not table.get(key)]
    texts = (*_REQUIRED, *_OPTIONAL_TEXTS)
    faults += [_("“{key}”须为文字", key=key) for key in _not_of(str, table, texts)]
    faults += [_("“{key}”须为整数，不得用小数", key=key) for key in _not_of(int, table, _NUMBERS)]
    faults += [_("“{key}”须为日期", key=key) for key in _not_of(date, table, _DATES)]
    faults += [_("“{key}”须为 true 或 false", key=key) for key in _not_of(bool, table, _FLAGS)]
    return faults


def _not_of(kind: type, table: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    # type() on purpose: True is an int for isinstance, and a date-time is a date
    return [key for key in keys if key in table and type(table[key]) is not kind]


def _word_faults(table: Mapping[str, Any], places: Sequence[str]) -> list[Message]:
    """Words that are none of ours, days in the wrong order, law that could be loosened."""
    faults = [
        _("“{key}”的值“{value}”不在 {values} 之中", key=key, value=table[key], values=Listed(words))
        for key, words in {**_VOCABULARY, "jurisdiction": places}.items()
        if table[key] not in words
    ]
    if not _ID.fullmatch(table["id"]):
        faults.append(_("编号须由大写字母和数字以连字符连成，例如 CC-REPLY"))
    faults += [
        _("“{key}”应有且只有 {names}", key=key, names=Listed([f"{{{n}}}" for n in NUMBERS_TOLD]))
        for key in _TOLD
        if key in table and set(re.findall(r"{(.*?)}", table[key])) != set(NUMBERS_TOLD)
    ]
    first, last = table.get("valid_from"), table.get("valid_to")
    if first and last and last < first:
        faults.append(_("失效日早于生效日"))
    if table["level"] == "LAW" and (table["confidence"] == "P" or table.get("binding") is False):
        faults.append(_("法定规则不得标为自定或可放宽"))
    return faults


def _number_faults(table: Mapping[str, Any]) -> list[Message]:
    """Numbers that do not fit the operator and the unit."""
    unit, given = table["unit"], {key for key in _NUMBERS if key in table}
    if table["op"] == "must":
        bare = not given and unit == "none"
        return [] if bare else [_("“必须”类规则不带数值，单位为 none")]
    faults: list[Message] = []
    wanted = {"numerator", "denominator"} if unit == "share" else {"value"}
    if unit == "none" or given != wanted:
        keys = Listed(sorted(wanted))
        faults.append(_("数值须由{keys}给出，且单位不得为 none", keys=keys))
    if any(table[key] < 0 for key in given) or table.get("denominator") == 0:
        faults.append(_("数值不得为负，分母不得为 0"))
    faults += _choice_faults(table)
    share = unit == "share" or unit in SHARE_UNITS
    if share != ("of" in table) or (share and table["of"] not in OF):
        faults.append(_("比例须以 of 写明基数（{of}），其他规则不写", of=Listed(OF)))
    if table["op"] in {"within", "before", "opens"} and unit not in TIME_WORDS:
        faults.append(_("“{op}”只用于期限", op=table["op"]))
    return faults


def _choice_faults(table: Mapping[str, Any]) -> list[Message]:
    """A number that stands for none of the choices, or is compared with another."""
    words = CHOICE_WORDS.get(table["unit"])
    if words is None or (table["op"] == "=" and table.get("value") in range(1, len(words) + 1)):
        return []
    return [_("“{unit}”须用 =，数值为 1 至 {most}", unit=table["unit"], most=len(words))]


def _quarrels(rules: Sequence[Rule]) -> list[Message]:
    """Entries of one id that cannot be weighed against each other, and entries given twice."""
    faults: list[Message] = []
    by_id: dict[str, list[Rule]] = {}
    for rule in rules:
        earlier = by_id.setdefault(rule.id, [])
        if earlier and _measure(rule) != _measure(earlier[0]):
            apart = _("与同编号的其他条目比较方式、单位或基数不同，无法取最严者")
            faults.append(_at(rule.file, rule.id, apart))
        twins = [one for one in earlier if _origin(one) == _origin(rule) and overlap(one, rule)]
        twice = _("同一来源在同一时间有两个值")
        faults += [_at(rule.file, rule.id, twice) for _twin in twins]
        earlier.append(rule)
    return faults


def _measure(rule: Rule) -> tuple[str, str, str]:
    return rule.family, rule.kind, rule.of


def _origin(rule: Rule) -> tuple[str, str, str, str]:
    return rule.source, rule.article, rule.jurisdiction, rule.level
