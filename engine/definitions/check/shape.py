"""The shape of process.toml: which keys there are, what they hold, which are needed, which need an
English twin.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "process.toml"
ANY_KEY = "*"
MOST_HINTS = 100  # looking for what was meant takes its time


@dataclass(frozen=True)
class Of:
    """A table: its keys with their shapes; `needs` must be there; `twins` need a <key>_en beside
    them.
    """

    keys: dict[str, Any]
    needs: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()


_GATES = [Of({"holds": str, "text": str, "text_en": str}, ("holds", "text"), ("text",))]
_WORDS = Of({ANY_KEY: str})
POLL = Of(
    {
        "kind": str,
        "roll": str,
        "choices": [str],
        "closes": str,
        "passes": str,
        "early": str,
        "closable": str,
        "presider": str,
        "void": str,
        "sight": str,
        "withdrawal": bool,
        "labels": _WORDS,
        "labels_en": _WORDS,
        "words": str,
        "words_en": str,
        "secret": bool,
        "tellers": str,
        "keys": str,
        "signs": str,
        "declared": bool,
        "paper": bool,
        "totals": bool,
        "meeting": str,
        "in_order": bool,
        "candidates": str,
        "seats": str,
        "wins": str,
        "write_in": str,
        "write_in_wins": str,
        "about": [str],
        "remarks": str,
        "names": [str],
    },
    ("kind", "roll", "closes", "passes", "words"),
    ("words",),
)
_MEETING = Of(
    {
        "formal": str,
        "observers": str,
        "guests": str,
        "quorum": str,
        "words": str,
        "words_en": str,
        "beside": str,
        "decides": str,
        "name": str,
        "name_en": str,
    },
    ("formal", "quorum", "words"),
    ("words", "name"),
)
_GUARD = Of(
    {"at": [str], "holds": str, "text": str, "text_en": str, "basis": str},
    ("at", "holds", "text"),
    ("text",),
)
_PREMISE = Of(
    {"text": str, "text_en": str, "by": [str], "holds": str, "on": str, "same_day": bool},
    ("text", "by", "holds"),
    ("text",),
)
_CLAIM = Of(
    {
        "asks": str,
        "asks_en": str,
        "at": [str],
        "what": str,
        "what_en": str,
        "on": str,
        "basis": str,
        "needs": [_PREMISE],
    },
    ("asks", "at", "what", "needs"),
    ("asks", "what"),
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
        "poll": POLL,
        "gates": _GATES,
        "meeting": _MEETING,
        "room": [str],
        "confided": [str],
        "handed_on": str,
        "link": bool,
        "batch": bool,
        "each": [str],
        "suggests": _WORDS,
        "tells": _TELLS,
        "happened": str,
        "undo": bool,
        "verbs": [str],
    },
    (),
    ("title", "asks"),
)
_LANE = Of(
    {
        "title": str,
        "title_en": str,
        "post": str,
        "unit": str,
        "person": str,
        "holding": (str, [str]),
        "sees": bool,
        "leaves": bool,
    },
    ("title",),
    ("title",),
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
        "confided": [str],
        "handed_on": str,
        "state": str,
        "happened": str,
    },
    ("title",),
    ("title", "asks"),
)
_PUBLICATION = Of(
    {
        "title": str,
        "title_en": str,
        "asks": str,
        "asks_en": str,
        "after": str,
        "circle": str,
        "shows": [str],
        "until": str,
        "lane": str,
        "room": [str],
    },
    ("title", "after", "circle", "shows", "until", "lane"),
    ("title", "asks"),
)
_DOCUMENT = Of(
    {
        "title": str,
        "title_en": str,
        "numbering": str,
        "outside": bool,
        "encloses": [str],
        "signed_by": [str],
        "places": bool,
        "needs": [str],
        "optional": [str],
    },
    ("title",),
    ("title",),
)
_ROLL = Of({"title": str, "title_en": str, "members": str}, ("title", "members"), ("title",))
_BOOK = Of({"facts": [str], "apart": [str]}, ("facts",))
_ROUNDS = Of({"facts": [str]}, ("facts",))
_COLUMN = Of(
    {"title": str, "title_en": str, "facts": [str], "filter": bool, "like": str},
    ("title", "facts"),
    ("title",),
)
_PLAN_STEP = Of(
    {
        "title": str,
        "title_en": str,
        "last": str,
        "when": str,
        "done": str,
        "chosen": str,
        "instead": str,
        "instead_en": str,
    },
    ("title", "last"),
    ("title", "instead"),
)
_ACTION = Of({"do": str, ANY_KEY: None}, ("do",), ("title",))
_MEASURE = Of(
    {
        **dict.fromkeys(("title", "title_en", "about", "about_en"), str),
        **dict.fromkeys(("of", "holds", "since", "until"), str),
    },
    ("title", "about"),
    ("title", "about"),
)
_BOOKLET = Of(
    {
        **dict.fromkeys(("title", "title_en", "session", "number", "under"), str),
        **dict.fromkeys(("under_title", "under_title_en"), str),
        "columns": [str],
        "parts": Of(
            {
                ANY_KEY: Of(
                    {"title": str, "title_en": str, "which": str, "apart": bool},
                    ("title", "which"),
                    ("title",),
                )
            }
        ),
        "sections": Of(
            {
                ANY_KEY: Of(
                    {"title": str, "title_en": str, "facts": [str], "document": str},
                    ("title", "facts"),
                    ("title",),
                )
            }
        ),
        "indexes": Of(
            {
                ANY_KEY: Of(
                    {"title": str, "title_en": str, "columns": [str], "under": bool},
                    ("title", "columns"),
                    ("title",),
                )
            }
        ),
    },
    ("title", "parts"),
    ("title", "under_title"),
)
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
        "owner": str,
        "happened": str,
        "undo": bool,
        "verbs": [str],
        "search": [str],
        "present": [str],
        "confidentiality": str,
        "disclosed_by": [str],
        "binding_after": [str],
        "retention_years": int,
        "names_en": _WORDS,
        "lanes": Of({ANY_KEY: _LANE}),
        "rolls": Of({ANY_KEY: _ROLL}),
        "tasks": Of({ANY_KEY: _TASK}),
        "actions": Of({ANY_KEY: _ACTION}),
        "messages": Of({ANY_KEY: _MESSAGE}),
        "publications": Of({ANY_KEY: _PUBLICATION}),
        "books": Of({ANY_KEY: _BOOK}),
        "ids": _WORDS,
        "rounds": Of({ANY_KEY: _ROUNDS}),
        "documents": Of({ANY_KEY: _DOCUMENT}),
        "guards": [_GUARD],
        "claims": [_CLAIM],
        "entry": Of({"posts": [str], "scan": str}, ("posts", "scan")),
        "columns": Of({ANY_KEY: _COLUMN}),
        "plan": Of(
            {
                "of": [str],
                "title": str,
                "title_en": str,
                "day": str,
                "day_en": str,
                "steps": Of({ANY_KEY: _PLAN_STEP}),
            },
            ("of", "title", "day", "steps"),
            ("title", "day"),
        ),
        "indicators": Of(
            {
                "periods": str,
                "which": str,
                "by": [str],
                "measures": Of({ANY_KEY: _MEASURE}),
            },
            ("measures",),
        ),
        "booklet": _BOOKLET,
        "statistics": Of(
            {"kind": str, "outcome": str, "outcomes": _WORDS, "outcomes_en": _WORDS},
            ("kind", "outcome", "outcomes"),
            ("outcomes",),
        ),
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
