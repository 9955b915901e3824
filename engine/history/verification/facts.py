"""The facts of a matter: what gates, routes and documents read is what its events tell.

An event tells a fact in words (answers by their digest, the outcome of a poll, a decision) or by
the salted digest of its value, whichever is later. Matters whose first event is older than that
(`kinds.TELLS`) have facts that no event tells, until a baseline brings them along: those that
service tasks compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.history.erased import ERASED_MARK
from engine.history.verification.replay import near, salted
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import rows
    from engine.history.event_log import Break
    from engine.history.verification.matters import Version
    from engine.history.verification.replay import Replayed


@dataclass(frozen=True)
class Said:
    """What was checked before: `answers` by digest, outcomes of `polls` by id, what is on record of
    the latest meeting by task. `owner`: the field of the launch that names who owns the matter.
    """

    answers: Mapping[str, Any]
    polls: Mapping[str, Any]
    held: Mapping[str, Any]
    owner: str


def first_false(
    replayed: Replayed, row: rows.Selected, version: Version, said: Said
) -> Break | None:
    """The first fact that is not what the events tell, or that none tells."""
    if replayed.erased:
        return _nothing_left(replayed, row)
    for key, source in replayed.facts.items():
        computed = () if replayed.tells > 1 else version.computed.get(key, ())
        if source is None or ("" in computed and source[0] != "told"):
            continue
        if not _holds(replayed, key, row, computed, said):
            why = _("事实 {key} 与历史不符", key=key)
            return replayed.false("instance", row.id, why, replayed.seqs.get(key, 0))
    for key in sorted(set(row.facts) - set(replayed.facts)):
        if replayed.tells > 1 or (key in version.asked and key not in version.computed):
            return replayed.false("instance", row.id, _("事实 {key} 没有记录", key=key))
    return None


def _nothing_left(replayed: Replayed, row: rows.Selected) -> Break | None:
    """Of an erased matter nothing stays but the mark."""
    mark, salt = row.facts.get(ERASED_MARK), row.salt
    moment = mark.get("at", "") if isinstance(mark, dict) and set(mark) == {"at"} else ""
    if salt or set(row.facts) != {ERASED_MARK} or not _at(moment, replayed.erased):
        return replayed.false("instance", row.id, _("已删除的事项还有内容"))
    return None


def _at(moment: str, recorded: str) -> bool:
    try:
        return near(datetime.fromisoformat(moment), recorded)
    except (ValueError, TypeError):
        return False


def _holds(
    replayed: Replayed, key: str, row: rows.Selected, computed: Iterable[str], said: Said
) -> bool:
    """Is this fact what the last event that tells it says?

    `computed`: the fields of it that no event of before tells.
    """
    source, value = replayed.facts[key] or ("", None), row.facts.get(key)
    if source[0] == "told":
        return key in row.facts and salted({key: value}, row.salt) == source[1]
    expected = _expected(replayed, key, source, said)
    if source[0] == "said" and key in said.held:
        expected = {**expected, "meeting": said.held[key]}
    return bool(_without(expected, computed) == _without(value, computed))


def _expected(replayed: Replayed, key: str, source: tuple[str, Any], said: Said) -> Any:
    kind, value = source
    if kind == "is":
        return value
    if kind == "poll":
        return _recounted(said.polls[value], replayed.recounts.get(key, ()))
    answers = said.answers.get(value)
    if key == "launch" and isinstance(answers, dict):
        owner, first = said.owner, f"first_{said.owner}"
        for old, new in replayed.owners:
            answers = {**answers, owner: new, first: answers.get(first, old)}
    return answers


def _recounted(outcome: Mapping[str, Any], recounts: Iterable[tuple[str, bool]]) -> dict[str, Any]:
    """An outcome after some have taken their answers back when the poll was over."""
    found = dict(outcome)
    for who, passed in recounts:
        voters = {choice: list(members) for choice, members in found.get("voters", {}).items()}
        for choice, members in voters.items():
            if who in members:
                members.remove(who)
                found |= {
                    choice: found[choice] - 1,
                    "answered": found["answered"] - 1,
                    "silent": found["silent"] + 1,
                }
        found |= {"voters": voters, "passed": passed}
    return found


def _without(value: object, fields: Iterable[str]) -> Any:
    """A fact without the fields that actions set."""
    return (
        {k: v for k, v in value.items() if k not in fields}
        if fields and isinstance(value, dict)
        else value
    )
