"""The shape of process.toml against its keys: what does not fit, what is missing, what has no
English twin.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.keys import ANY_KEY, PROCESS, Of
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "process.toml"
MOST_HINTS = 100  # looking for what was meant takes its time


_WORD_OF = {str: _("文字（写在引号里）"), int: _("整数"), bool: _("true 或 false")}


def cleaned(raw: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """process.toml without what does not fit, and a fault for each of these things."""
    found: list[Fault] = []
    clean = _clean(raw, PROCESS, "", found)
    return clean if isinstance(clean, dict) else {}, found


def _clean(value: object, shape: Any, path: str, found: list[Fault]) -> Any:
    """`value` if it fits its shape, else None and a fault. A tuple holds a plain shape, and a list
    that may stand in its place.
    """
    if isinstance(shape, tuple):
        shape = shape[isinstance(value, list)]
    if isinstance(shape, Of):
        if isinstance(value, dict):
            return _clean_table(value, shape, path, found)
        advice = _("请写成 [{path}] 开头的几行。", path=path)
        found.append(Fault(FILE, path, _("“{path}”应是一张表。", path=path), advice))
    elif isinstance(shape, list):
        if isinstance(value, list):
            clean = [_clean(each, shape[0], path, found) for each in value]
            return [each for each in clean if each is not None]
        advice = _('请写成 ["…", "…"] 这样的形式。')
        found.append(Fault(FILE, path, _("“{path}”应是清单。", path=path), advice))
    elif shape is None or type(value) is shape:
        return value
    else:
        kind, said = _WORD_OF[shape], shown(value, 30)
        what = _("“{path}”应是{kind}，这里是 {value}。", path=path, kind=kind, value=said)
        found.append(Fault(FILE, path, what, _("请改正这个值。")))
    return None


def _clean_table(table: dict[str, Any], shape: Of, path: str, found: list[Fault]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for key, value in table.items():
        place = f"{path}.{shown(key)}" if path else shown(key)
        if key not in shape.keys and ANY_KEY not in shape.keys:
            hint = len(found) < MOST_HINTS
            found.append(_unknown_key(place, key, shape, hint))
            continue
        fits = _clean(value, shape.keys.get(key, shape.keys.get(ANY_KEY)), place, found)
        if fits is not None:
            clean[key] = fits
    found += _missing(table, clean, shape, path)
    found += _untranslated(clean, shape, path)
    return clean


def _unknown_key(place: str, key: str, shape: Of, hint: bool) -> Fault:
    """With a `hint` at the key that was meant, or at those that there are."""
    near = difflib.get_close_matches(key[:60], shape.keys, n=1) if hint else []
    if near:
        advice = _("是不是 {near}?", near=near[0])
    elif not hint:
        advice = _("请删去。")
    else:
        advice = _("可以写的有：{keys}。", keys=Listed(sorted(shape.keys)))
    return Fault(FILE, place, _("不认识的键“{key}”。", key=shown(key)), advice)


def _here(path: str) -> Message:
    return _("[{path}] 里", path=path) if path else _("process.toml 里")


def _missing(table: dict[str, Any], clean: dict[str, Any], shape: Of, path: str) -> Iterator[Fault]:
    lacking = lacks({**table, **clean}, shape)
    for keys in [lacking] if path and lacking else [[key] for key in lacking]:
        named = Listed(keys)
        what = _("{here}缺少 {key}。", here=_here(path), key=named)
        yield Fault(FILE, path or keys[0], what, _("请写上 {key} = …", key=named))


def lacks(table: dict[str, Any], shape: Of) -> list[str]:
    """The keys that must be there and are not, or are empty."""
    return [key for key in shape.needs if key not in table or table[key] in ("", [], {})]


def _untranslated(clean: dict[str, Any], shape: Of, path: str) -> Iterator[Fault]:
    """Texts without their English, choices too."""
    for key in shape.twins:
        if clean.get(key) and not clean.get(f"{key}_en"):
            what = _("{here}有 {key}，没有英文的 {key}_en。", here=_here(path), key=key)
            yield Fault(FILE, path or key, what, _('请写上 {key}_en = "…"', key=key))
    for key in {"next", "labels"} & shape.keys.keys():
        english, place = clean.get(f"{key}_en") or {}, f"{path}.{key}_en"
        for choice in map(shown, (c for c in clean.get(key) or {} if c not in english)):
            advice = _('请在 [{place}] 下写上 {choice} = "…"', place=place, choice=choice)
            yield Fault(FILE, place, _("选项 {choice} 没有英文。", choice=choice), advice)
