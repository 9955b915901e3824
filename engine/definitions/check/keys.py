"""Which keys process.toml has, what they hold, which are needed, which need an English twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ANY_KEY = "*"


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
_DUTY = Of(
    {
        **dict.fromkeys(("of", "fact"), str),
        **{key: [str] for key in ("done", "opens", "undone", "breached", "none")},
        **dict.fromkeys(("when", "on", "due", "until"), str),
    },
    ("done",),
)
_START = Of(
    {
        **dict.fromkeys(("key", "title", "title_en", "on", "when", "by"), str),
        "with": Of({ANY_KEY: str}),
    },
    ("key", "title", "on", "by"),
    ("title",),
)
_TELLS = [Of({"when": str, "text": str, "text_en": str}, ("text",), ("text",))]
PROVISOS = Of({"rows": str, "by": str}, ("rows", "by"))
_SEVERAL = Of({"each": [str], "who": str, "gates": _GATES}, ("each", "who"))
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
        "provisos": PROVISOS,
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
        "urging": [Of({"after": str, "lane": str}, ("after", "lane"))],
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
        "rooms": Of({ANY_KEY: [str]}),
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
        "duty": [_DUTY],
        "starts": [_START],
        "several": _SEVERAL,
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
