"""What may be done with a poll, by whom, and what its tellers agree on. Pages and commands ask here alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.instance.lanes import runs_task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Session
    from engine.instance.context import Context

_paper = tables.paper
RUNNING = ("called", "open", "counting")


def chairs(context: Context, poll: Any, element: str) -> bool:
    """Does the actor preside over this poll: the lane of its task, where its rule leaves the closing to it?"""
    return poll.rule.get("closable") == "lane" and runs_task(context, element)


def asked(context: Context) -> bool:
    """Is it the actor's own question: did they launch the instance, or move it?"""
    askers = {str(context.row["starter_id"]), str(context.facts.get("launch", {}).get("mover"))}
    return context.actor is not None and str(context.actor.id) in askers


def agreed_paper(session: Session, poll: Any) -> dict[str, Any] | None:
    """The paper count on which two tellers agree; None while there is none, or while two of them differ."""
    rows = session.execute(select(_paper).where(_paper.c.poll_id == poll.id)).all()
    entries = [
        {k: getattr(r, k) for k in ("issued", "returned", "invalid", "counts")} for r in rows
    ]
    same = all(
        {**e, "counts": _plain(e)} == {**entries[0], "counts": _plain(entries[0])} for e in entries
    )
    return entries[0] if len(entries) > 1 and same else None


def _plain(entry: Mapping[str, Any]) -> dict[str, int]:
    return {k: n for k, n in entry["counts"].items() if n}


def running_votes(session: Session, instance_id: UUID) -> frozenset[str]:
    """The votes and elections of a matter of which nobody learns a choice or a count yet."""
    poll = tables.poll.c
    running = select(poll.id).where(
        poll.instance_id == instance_id,
        poll.kind.in_(("vote", "election")),
        poll.state.in_(("called", "open", "counting")),
    )
    return frozenset(str(key) for key in session.execute(running).scalars())
