"""processes/law/*.toml -> Rulebook. Finds every fault of every file before it refuses."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from engine.calendar import UNIT_WORDS as TIME_WORDS
from engine.errors import ProcessFault
from engine.law.rules import (
    CONFIDENCES,
    JURISDICTIONS,
    LEVELS,
    OF,
    OPS,
    SHARE_UNITS,
    UNITS,
    Rule,
    overlap,
)
from engine.law.rulings import Rulebook

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
_OPTIONAL_TEXTS: Final = ("of", "article", "note", "note_en")
_NUMBERS: Final = ("value", "numerator", "denominator")
_DATES: Final = ("valid_from", "valid_to")
_KNOWN: Final = frozenset(
    (*_TEXTS, "text", "text_en", *_OPTIONAL_TEXTS, *_NUMBERS, *_DATES, "binding")
)
_ID: Final = re.compile(r"[A-Z]{2,8}(-[A-Z0-9]+)+")


def load(folder: Path) -> Rulebook:
    """Read every *.toml of a folder, each with [[rule]] tables. Errors: ProcessFault with all faults of all files."""
    faults: list[str] = []
    rules: list[Rule] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            faults.append(f"{path.name}:无法读取（{error}）")
            continue
        tables = data.pop("rule", [])
        faults += [f"{path.name}:不认识的键“{key}”" for key in data]
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            faults.append(f"{path.name}:规则须写成 [[rule]]")
            continue
        for number, table in enumerate(tables, start=1):
            wrong = _faults_of(table)
            faults += [
                f"{path.name}:{table.get('id', f'第 {number} 条')}:{fault}" for fault in wrong
            ]
            if not wrong:
                law = table["level"] == "LAW"
                rules.append(
                    Rule(**{**table, "binding": table.get("binding", law), "file": path.name})
                )
    faults += _quarrels(rules)
    if not rules and not faults:
        faults.append(f"{folder.name}:没有任何规则")
    if faults:
        raise ProcessFault(
            "\n".join(faults),
            file=folder.name,
            advice="请逐条改正后重新载入。",
            faults=tuple(faults),
        )
    return Rulebook(rules)


def _faults_of(table: Mapping[str, Any]) -> list[str]:
    """What is wrong with one [[rule]] table, in words."""
    faults = [f"不认识的键“{key}”" for key in table if key not in _KNOWN]
    faults += [f"缺少“{key}”" for key in (*_TEXTS, "text", "text_en") if not table.get(key)]
    texts = (*_TEXTS, "text", "text_en", *_OPTIONAL_TEXTS)
    faults += [
        f"“{key}”须为文字" for key in texts if key in table and not isinstance(table[key], str)
    ]
    # type() on purpose: True is an int for isinstance, and a date-time is a date
    faults += [
        f"“{key}”须为整数，不得用小数"
        for key in _NUMBERS
        if key in table and type(table[key]) is not int
    ]
    faults += [
        f"“{key}”须为日期" for key in _DATES if key in table and type(table[key]) is not date
    ]
    if "binding" in table and type(table["binding"]) is not bool:
        faults.append("“binding”须为 true 或 false")
    if faults:
        return faults
    allowed: dict[str, Sequence[str]] = {
        "unit": UNITS,
        "op": tuple(OPS),
        "jurisdiction": JURISDICTIONS,
        "level": tuple(LEVELS),
        "confidence": tuple(CONFIDENCES),
    }
    faults += [
        f"“{key}”的值“{table[key]}”不在 {'、'.join(values)} 之中"
        for key, values in allowed.items()
        if table[key] not in values
    ]
    if not _ID.fullmatch(table["id"]):
        faults.append("编号须由大写字母和数字以连字符连成，例如 CC-REPLY")
    if (
        table.get("valid_to")
        and table.get("valid_from")
        and table["valid_to"] < table["valid_from"]
    ):
        faults.append("失效日早于生效日")
    if table["level"] == "LAW" and (table["confidence"] == "P" or table.get("binding") is False):
        faults.append("法定规则不得标为自定或可放宽")
    return faults or _number_faults(table)


def _number_faults(table: Mapping[str, Any]) -> list[str]:
    unit, has = table["unit"], {key for key in _NUMBERS if key in table}
    share = unit == "share" or unit in SHARE_UNITS
    if table["op"] == "must":
        return ["“必须”类规则不带数值，单位为 none"] if has or unit != "none" else []
    wanted = {"numerator", "denominator"} if unit == "share" else {"value"}
    faults = []
    if unit == "none" or has != wanted:
        faults.append(f"数值须由{'、'.join(sorted(wanted))}给出，且单位不得为 none")
    if any(table[key] < 0 for key in has) or table.get("denominator") == 0:
        faults.append("数值不得为负，分母不得为 0")
    if share != ("of" in table) or (share and table["of"] not in OF):
        faults.append(f"比例须以 of 写明基数（{'、'.join(OF)}），其他规则不写")
    if table["op"] in {"within", "before", "opens"} and unit not in TIME_WORDS:
        faults.append(f"“{table['op']}”只用于期限")
    return faults


def _quarrels(rules: Sequence[Rule]) -> list[str]:
    """Entries of one id that cannot be weighed against each other, and entries given twice."""
    faults: list[str] = []
    first: dict[str, Rule] = {}
    seen: list[Rule] = []
    for rule in rules:
        head = first.setdefault(rule.id, rule)
        if (rule.family, rule.kind, rule.of) != (head.family, head.kind, head.of):
            faults.append(
                f"{rule.file}:{rule.id}:与同编号的其他条目比较方式、单位或基数不同，无法取最严者"
            )
        for other in seen:
            same = (rule.id, rule.source, rule.article, rule.jurisdiction, rule.level)
            if same == (
                other.id,
                other.source,
                other.article,
                other.jurisdiction,
                other.level,
            ) and overlap(rule, other):
                faults.append(f"{rule.file}:{rule.id}:同一来源在同一时间有两个值")
        seen.append(rule)
    return faults
