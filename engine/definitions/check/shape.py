"""The shape of process.toml: which keys there are, what they hold, which are needed, which need an English twin."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "process.toml"
ANY_KEY = "*"
MOST_HINTS = 100  # looking for what was meant takes its time


@dataclass(frozen=True)
class Of:
    """A table: its keys with their shapes; `needs` must be there; `twins` need a <key>_en beside them."""

    keys: dict[str, Any]
    needs: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()


_GATES = [Of({"holds": str, "text": str, "text_en": str}, ("holds", "text"), ("text",))]
_WORDS = Of({ANY_KEY: str})
_POLL = Of(
    {
        "kind": str,
        "roll": str,
        "choices": [str],
        "closes": str,
        "passes": str,
        "early": str,
        "closable": str,
        "withdrawal": bool,
        "labels": _WORDS,
        "labels_en": _WORDS,
        "words": str,
        "words_en": str,
        "secret": bool,
        "tellers": str,
        "keys": str,
        "paper": bool,
        "meeting": str,
        "in_order": bool,
        "candidates": str,
        "seats": str,
        "wins": str,
        "about": [str],
    },
    ("kind", "roll", "closes", "passes", "words"),
    ("words",),
)
_MEETING = Of(
    {"formal": str, "observers": str, "guests": str, "quorum": str, "words": str, "words_en": str},
    ("formal", "quorum", "words"),
    ("words",),
)
_GUARD = Of(
    {"at": [str], "holds": str, "text": str, "text_en": str, "basis": str},
    ("at", "holds", "text"),
    ("text",),
)
_TELLS = [Of({"when": str, "text": str, "text_en": str}, ("text",), ("text",))]
_TASK = Of(
    {
        "title": str,
        "title_en": str,
        "asks": str,
        "asks_en": str,
        "due": str,
        "basis": str,
        "not_by": [str],
        "recuse": str,
        "prefill": [str],
        "outcomes": str,
        "next": _WORDS,
        "next_en": _WORDS,
        "poll": _POLL,
        "gates": _GATES,
        "meeting": _MEETING,
        "room": [str],
        "link": bool,
        "tells": _TELLS,
    },
    (),
    ("title", "asks"),
)
_LANE = Of(
    {"title": str, "title_en": str, "post": str, "unit": str, "person": str}, ("title",), ("title",)
)
_MESSAGE = Of(
    {
        "title": str,
        "title_en": str,
        "asks": str,
        "asks_en": str,
        "lane": str,
        "gates": _GATES,
        "room": [str],
    },
    ("title",),
    ("title", "asks"),
)
_DOCUMENT = Of(
    {"title": str, "title_en": str, "numbering": str, "outside": bool}, ("title",), ("title",)
)
_ACTION = Of({"do": str, ANY_KEY: None}, ("do",), ("title",))
PROCESS = Of(
    {
        "id": str,
        "title": str,
        "title_en": str,
        "summary": str,
        "summary_en": str,
        "basis": str,
        "basis_en": str,
        "numbering": str,
        "number_key": str,
        "subject": str,
        "launch": [str],
        "search": [str],
        "confidentiality": str,
        "disclosed_by": [str],
        "retention_years": int,
        "names_en": _WORDS,
        "lanes": Of({ANY_KEY: _LANE}),
        "tasks": Of({ANY_KEY: _TASK}),
        "actions": Of({ANY_KEY: _ACTION}),
        "messages": Of({ANY_KEY: _MESSAGE}),
        "documents": Of({ANY_KEY: _DOCUMENT}),
        "guards": [_GUARD],
    },
    ("id", "title", "summary", "basis", "numbering", "subject", "launch", "lanes"),
    ("title", "summary", "basis"),
)
_WORD_OF = {str: _("文字（写在引号里）"), int: _("整数"), bool: _("true 或 false")}


def cleaned(raw: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """process.toml without what does not fit, and a fault for each of these things."""
    found: list[Fault] = []
    clean = _clean(raw, PROCESS, "", found)
    return clean if isinstance(clean, dict) else {}, found


def _clean(value: Any, shape: Any, path: str, found: list[Fault]) -> Any:
    """`value` if it fits its shape, else None and a fault."""
    if isinstance(shape, Of):
        if isinstance(value, dict):
            return _clean_table(value, shape, path, found)
        found.append(
            Fault(
                FILE,
                path,
                _("“{path}”应是一张表。", path=path),
                _("请写成 [{path}] 开头的几行。", path=path),
            )
        )
    elif isinstance(shape, list):
        if isinstance(value, list):
            kept = [_clean(each, shape[0], path, found) for each in value]
            return [each for each in kept if each is not None]
        found.append(
            Fault(
                FILE, path, _("“{path}”应是清单。", path=path), _('请写成 ["…", "…"] 这样的形式。')
            )
        )
    elif shape is None or type(value) is shape:
        return value
    else:
        found.append(
            Fault(
                FILE,
                path,
                _(
                    "“{path}”应是{word_of}，这里是 {value}。",
                    path=path,
                    word_of=_WORD_OF[shape],
                    value=shown(value, 30),
                ),
                _("请改正这个值。"),
            )
        )
    return None


def _clean_table(table: dict[str, Any], shape: Of, path: str, found: list[Fault]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in table.items():
        place = f"{path}.{shown(key)}" if path else shown(key)
        if key in shape.keys:
            fits = _clean(value, shape.keys[key], place, found)
        elif ANY_KEY in shape.keys:
            fits = _clean(value, shape.keys[ANY_KEY], place, found)
        else:
            near = (
                difflib.get_close_matches(key[:60], shape.keys, n=1)
                if len(found) < MOST_HINTS
                else []
            )
            advice = (
                _("是不是 {near}?", near=near[0])
                if near
                else _("可以写的有：{keys}。", keys=Listed(sorted(shape.keys)))
            )
            found.append(Fault(FILE, place, _("不认识的键“{key}”。", key=shown(key)), advice))
            continue
        if fits is not None:
            kept[key] = fits
    found += _missing(table, kept, shape, path)
    return kept


def _missing(table: dict[str, Any], kept: dict[str, Any], shape: Of, path: str) -> Iterator[Fault]:
    here = _("[{path}] 里", path=path) if path else _("process.toml 里")
    for key in shape.needs:
        if key not in table or kept.get(key) in ("", [], {}):
            yield Fault(
                FILE,
                path or key,
                _("{here}缺少 {key}。", here=here, key=key),
                _("请写上 {key} = …", key=key),
            )
    for key in shape.twins:
        if kept.get(key) and not kept.get(f"{key}_en"):
            yield Fault(
                FILE,
                path or key,
                _("{here}有 {key}，没有英文的 {key}_en。", here=here, key=key),
                _('请写上 {key}_en = "…"', key=key),
            )
    for key in ("next", "labels"):
        for choice in kept.get(key) or {}:
            if key in shape.keys and choice not in (kept.get(f"{key}_en") or {}):
                place = f"{path}.{key}_en"
                yield Fault(
                    FILE,
                    place,
                    _("选项 {choice} 没有英文。", choice=shown(choice)),
                    _('请在 [{place}] 下写上 {choice} = "…"', place=place, choice=shown(choice)),
                )
