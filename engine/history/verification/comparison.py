"""The comparison, matter by matter: every row against the events of its matter."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.db import aside
from engine.history.event_log import Break
from engine.history.verification import (
    asked,
    copied,
    facts,
    held,
    matters,
    own_versions,
    papers,
    polls,
    published,
    remarks,
    said,
    standing_rows,
    streams,
)
from engine.history.verification.replay import SILENT, Replayed, replay_events
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.db import Session, rows
    from engine.history.verification.chains import Chains, Told

_FAULTS = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def matters_false(
    session: Session, chains: Chains, files: Mapping[str, Mapping[str, str]]
) -> Break | None:
    """The first matter of these chains that is false; `files` are those of each version."""
    at = [UUID(int=0)]  # the matter that is compared, to be named by a fault
    return guarded(lambda: next(_matters(session, files, chains, at), None), at)


def guarded(check: Callable[[], Break | None], at: Sequence[UUID] = (UUID(int=0),)) -> Break | None:
    """What a check finds; a body without what its kind must tell, or a row that no command could
    have written, is false.
    """
    try:
        return check()
    except _FAULTS as fault:
        why = _("内容残缺，无法核对：{fault}", fault=repr(fault))
        return Break(at[0], 0, why)


def _matters(
    session: Session, files: Mapping[str, Mapping[str, str]], chains: Chains, at: list[UUID]
) -> Iterator[Break]:
    """Matter by matter (`at`), in the order of their ids, what is false: every row against its
    events.
    """
    versions: dict[str, matters.Version] = {}
    times = own_versions.Times.of(session)
    bad, beside = papers.bad_blobs(session), streams.streams(session, chains.within)
    for row in streams.instances(session, chains.within):
        at[0] = row.id
        told = chains.of(row.id)
        if chains.broken:
            return
        if row.version not in versions:
            versions[row.version] = matters.Version.of(files[row.version])
        rows = {name: stream.of(row.id) for name, stream in beside.items()}
        if broken := said.first_false(row.id, told):
            yield broken
        events = [
            (each.seq, _whole(each))
            for each in told
            if each.says["kind"] not in SILENT or each.words is not None
        ]
        replayed = replay_events(row.id, events)
        replayed.salt = row.salt
        version = versions[row.version]
        broken = _matter(replayed, row, rows, version=version, bad=bad)
        broken = broken or times.launched(replayed, row.union_id)
        broken = broken or standing_rows.first_false(replayed, row, rows, version, events)
        if broken:
            yield broken


def _whole(each: Told) -> dict[str, Any]:
    """The body of an event with its words."""
    apart = f'{{"{aside.MARK}":' in each.body
    return aside.whole(each.says, each.words) if apart else each.says


def _reports(row: rows.Selected) -> dict[str, Any]:
    """What was said of conditions, which may name files: a fact, and compared as such."""
    found = row.facts.get("_proviso_acts")
    return found if isinstance(found, dict) else {}


def _matter(
    replayed: Replayed,
    row: rows.Selected,
    rows: Mapping[str, list[Any]],
    version: matters.Version,
    bad: frozenset[str],
) -> Break | None:
    spoken: dict[str, Any] = {}
    tasks = {task.id: task for task in rows["task"]}
    broken = (
        matters.tasks(replayed, version, rows["task"], spoken)
        or papers.documents(replayed, rows["document"])
        or papers.attachments(
            replayed, rows["attachment"], papers.named({**spoken, **_reports(row)}), bad
        )
        or polls.polls(replayed, rows["poll"], _rolls(rows), tasks, row.confidential)
        or published.first_false(replayed, rows["publication"])
        or remarks.first_false(replayed, rows["comment"])
        or asked.first_false(replayed, rows["ask"])
        or copied.first_false(replayed, rows["copy"])
        or held.first_false(replayed, rows["held_act"], row.held_until)
        or matters.instance(replayed, row, version)
    )
    if broken:
        return broken
    broken, met = polls.meetings(replayed, rows["meeting"], tasks, _halls(rows))
    outcomes = {str(poll.id): poll.outcome for poll in rows["poll"]}
    spoke = facts.Said(spoken, outcomes, met, version.owner)
    return broken or facts.first_false(replayed, row, version, spoke)


def _rolls(rows: Mapping[str, list[Any]]) -> dict[UUID, polls.Roll]:
    """The roll of each poll, by its id: its digest, and what the voters on it said."""
    found = {poll.id: polls.Roll() for poll in rows["poll"]}
    for _instance, poll_id, digest in rows["rolled"]:
        found[poll_id].digest = digest
    for voice in rows["roll"]:
        found[voice.poll_id].voices.append(voice)
    return found


def _halls(rows: Mapping[str, list[Any]]) -> defaultdict[Any, polls.Hall]:
    """Who was invited to each meeting, and who came and went, by its id."""
    found = defaultdict[Any, polls.Hall](polls.Hall)
    for person in rows["attendance"]:
        found[person.meeting_id].invited.append(person)
    for entry in rows["presence"]:
        found[entry.meeting_id].ledger.append(entry)
    return found
