"""A roll and a ledger of presence, and each as one number: what proves afterwards who was due and
who was there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, collate, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from engine.db import canonical, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session

_presence = tables.presence.c
_LATER = ("presence", "opened", "invalid")


@dataclass(frozen=True)
class Roll:
    """Who is asked, or due: ids without repetition, in the order in which they answer where there
    is one.
    """

    members: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def digest(self) -> str:
        return digest(self.members)


def digest(members: Iterable[str]) -> str:
    """SHA-256 over the sorted ids of a roll, a line each."""
    return hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()


def digest_in_sql(member: ColumnElement[UUID]) -> ColumnElement[str]:
    """The same of the members of a group of rows, made by the database."""
    line = cast(member, Text)
    whole = func.string_agg(line, aggregate_order_by(literal("\n"), collate(line, "C")))
    return func.encode(func.sha256(func.convert_to(whole, "UTF8")), "hex")


def by_kind(members: Mapping[str, Iterable[str]]) -> str:
    """The same of several rolls, a line each of kind and id."""
    return digest(f"{kind} {member}" for kind, some in members.items() for member in some)


def ledger(session: Session, meeting_id: UUID) -> list[str]:
    """The ledger of a meeting, a line for each arrival and departure: number, member, + or -, way,
    by whom, when.
    """
    rows = session.execute(
        select(tables.presence).where(_presence.meeting_id == meeting_id).order_by(_presence.no)
    )
    return lines(rows)


def lines(entries: Iterable[Any]) -> list[str]:
    """The lines of these rows of the ledger, which are in order."""
    return [
        f"{r.no} {r.member_id} {'+' if r.came else '-'} {r.way} {r.by_id} {r.at.isoformat()}"
        for r in entries
    ]


def terms_digest(terms: Mapping[str, Any]) -> str:
    """The digest of the terms of a poll, but for what came later: who was there, what was
    counted.
    """
    kept = {key: value for key, value in terms.items() if key not in _LATER}
    return canonical.digest(canonical.dumps(kept)).hex()


def ledger_hash(session: Session, meeting_id: UUID) -> str:
    """The digest of a meeting's ledger as it is now."""
    return ledger_digest(ledger(session, meeting_id))


def ledger_digest(lines: Iterable[str]) -> str:
    """SHA-256 over the lines of a ledger, each with its line feed."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
