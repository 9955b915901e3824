"""What persons said in the events of a confidential matter stands beside the chain, in
`event.words`, and goes with the matter; the event keeps a salted digest of it.

Body: {"reason": {"aside": "<64 hex digits>"}}. Words: {"salt": "<32 hex digits>", "reason": "…"};
of a reason within an outcome the key is its path, "outcome.tellers.dissent.0.reason".
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, TypeGuard

from engine import messages
from engine.db import canonical
from engine.errors import Invalid
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Swap = Callable[[str, Any], Any]

MARK, SALT = "aside", "salt"
# reasons and names outside; and what a refusal or a fault quotes
_SAID = frozenset({"reason", "to", "outside"})
_QUOTED = {
    "attempt_refused": "why",
    "act_dropped": "why",
    "incident_noted": "message",
    "document_faulty": "fault",
}
_OPEN = ("matter_erased",)  # why it was erased is said when the rest is gone
_GONE = messages.stored(_("（已按规定删除）"))
_NOBODY = dict.fromkeys(("name", "office", "unit"), _GONE)


def parted(body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The body as it is hashed, and the words to be kept beside it; None when it has none."""
    said = frozenset() if body["kind"] in _OPEN else _SAID | {_QUOTED.get(body["kind"], "")}
    salt, words = os.urandom(canonical.SALT_BYTES), dict[str, Any]()

    def put_aside(key: str, value: object) -> Any:
        words[key] = value
        return {MARK: canonical.salted({key: value}, salt)}

    hashed = {k: put_aside(k, v) if k in said else v for k, v in body.items()}
    hashed |= _within(body, put_aside)
    return hashed, {SALT: salt.hex(), **words} if words else None


def told(body: str, words: Mapping[str, Any] | None) -> dict[str, Any]:
    """The body of an event with its words. Raises ValueError for what is no JSON."""
    found: dict[str, Any] = json.loads(body)
    return whole(found, words) if f'{{"{MARK}":' in body else found


def whole(body: dict[str, Any], words: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same of a body that was read; where words were erased it says so."""
    said = words or {}

    def bring_back(key: str, value: object) -> Any:
        if not _is_mark(value):
            return value
        return said.get(key, _NOBODY if key == "outside" else _GONE)

    found = {key: bring_back(key, value) for key, value in body.items()}
    return found | _within(body, bring_back)


def shown(word: object) -> Any:
    """A word of a body for people: what stands for an erased one is a message."""
    return messages.restored(word) if word == _GONE else word


def emptied(outcome: object) -> Any:
    """An outcome without the reasons in it, as `whole` gives it once the words are gone."""
    return _swapped(outcome, lambda _key, _value: _GONE, "")


def digests(body: Mapping[str, Any]) -> dict[str, str]:
    """The digest of each of the words that stand beside a body."""
    found = {}

    def note(key: str, value: object) -> Any:
        if _is_mark(value):
            found[key] = value[MARK]
        return value

    for key, value in body.items():
        note(key, value)
    _within(body, note)
    return found


def agrees(body: Mapping[str, Any], words: Mapping[str, Any]) -> bool:
    """Are these the words whose digests the body has, all of them and no other?"""
    try:
        salt = bytes.fromhex(words[SALT])
        made = {k: canonical.salted({k: v}, salt) for k, v in words.items() if k != SALT}
    except (KeyError, TypeError, ValueError, Invalid):
        return False
    return made == digests(body)


def _within(body: Mapping[str, Any], swap: Swap) -> dict[str, Any]:
    """The outcome of a body, where it has one of many parts, with each reason in it swapped."""
    outcome = body.get("outcome")
    return {"outcome": _swapped(outcome, swap, "outcome")} if isinstance(outcome, dict) else {}


def _swapped(value: object, swap: Swap, path: str) -> Any:
    if isinstance(value, list):
        return [_swapped(each, swap, f"{path}.{n}") for n, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    parts = ((key, f"{path}.{key}", each) for key, each in value.items())
    return {k: swap(at, v) if k == "reason" else _swapped(v, swap, at) for k, at, v in parts}


def _is_mark(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and value.keys() == {MARK}
