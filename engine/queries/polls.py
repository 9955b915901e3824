"""A poll as the people on its roll and the people of the matter see it: never a partial result of a
vote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.db.states import POLL_RUNNING, PollState
from engine.instance import halls, pads, polling, rights, rooms, voids
from engine.instance.rights import Case
from engine.people import organisation, places
from engine.people.ordering import on_screen
from engine.queries import background, hints, opinions, present, ruled, write_ins
from engine.queries.poll_rows import seen
from engine.queries.poll_summary import Summary, summary
from engine.queries.tellers import Change, Counting, Teller, change, counting, tellers
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.instance.context import Context
    from engine.instance.pads import Pads
    from engine.people.organisation import Actor
    from engine.queries.background import Finished, Paper, Said
    from engine.queries.poll_rows import Read
    from engine.queries.write_ins import Eligible

_poll, _roll, _member = tables.poll.c, tables.roll.c, tables.member.c
LISTED = 300


@dataclass(frozen=True)
class Voice:
    """One member on the roll and what they answered; choice is None while they have not, or while
    it is not shown.
    """

    name: str
    choice: str | None
    comment: str
    at: datetime | None
    answered: bool


@dataclass(frozen=True)
class Basis:
    """The rule in words, with its numbers, and the rules of law behind it."""

    words: str
    rules: tuple[ruled.Ruled, ...]
    quorum: str = ""  # of a vote under a meeting: how many must be there


@dataclass(frozen=True)
class Rights:
    """What this person may do besides answering: close it by the rule of the lane, close it early,
    declare it void.
    """

    chair: bool
    closable: bool  # if the rule holds
    may_void: bool
    void_by: VoidBy | None = None  # one of the two who declare it together has done so
    chair_of: bool = False  # presides over it
    may_declare: bool = False  # enough tellers have signed, and the result waits for this person
    change: Change | None = None  # tellers whom this person may replace, and by whom


@dataclass(frozen=True)
class VoidBy:
    """Who declared a running poll void first, and why; `confirmable`: this person may confirm."""

    name: str
    reason: str
    confirmable: bool


@dataclass(frozen=True)
class Poll(Summary):
    """A poll with its voices (the first 300), its tellers and its rule in words."""

    due: Mapping[str, Any] | None
    basis: Basis
    rights: Rights
    voices: tuple[Voice, ...]
    turn: str  # whose turn it is, when one answers after the other
    tellers: tuple[Teller, ...]
    counting: Counting | None  # for its tellers
    places: Mapping[str, places.Place]  # unit and posts of the candidates, while they may be chosen
    pads: Pads | None  # of printed ballots, for its tellers and who presides over it
    write_ins: tuple[Eligible, ...]  # for who may vote now, and for its tellers
    voided: int  # times that the question was put before and declared void


@dataclass(frozen=True)
class Page:
    """A poll with the matter behind it."""

    poll: Poll
    number: str
    title: str
    said: tuple[Said, ...]
    papers: tuple[Paper, ...]
    tells: tuple[str, ...]  # what the process says to the voters, while they may answer
    matter: present.Matter
    opinions: tuple[opinions.Opinion, ...]  # of those who decided before


# --- what is shown --------------------------------------------------------------------------------
def poll(session: Session, actor: Actor, poll_id: UUID, lang: str = "zh") -> Poll:
    """One poll. NotFound when the instance is not this person's to see."""
    read, context = seen(session, actor, poll_id)
    return _whole(context, read, Named.of(session, read.mentioned, actor), lang)


def page(session: Session, actor: Actor, poll_id: UUID, lang: str = "zh") -> Page:
    """The same with what was said and handed in before."""
    read, context = seen(session, actor, poll_id)
    parts = background.finished(context)
    people = [part.mentioned for part in parts]
    people.append([context.row["starter_id"]])
    names = Named.of(session, [read.mentioned, context.facts, people], actor)
    before = _before(read, parts)
    stands_at = read.beside.element if read.row.state in POLL_RUNNING else ""
    answers = [part for part in parts if part.answers is not None]
    matter = present.matter(context, before, names, lang, stands_at)
    return Page(
        poll=_whole(context, read, names, lang),
        number=context.row["number"],
        title=context.row["title"],
        said=background.said(context, answers, names, lang),
        papers=background.papers(
            context, ((p.element, p.answers, p.closed_at) for p in parts), lang
        ),
        tells=_tells(context, read, names, lang),
        matter=matter.without(fact for fact, _value in read.rule.get("about", ())),
        opinions=opinions.opinions(context, before, names, lang, stands_at),
    )


def _before(read: Read, parts: tuple[Finished, ...]) -> tuple[Finished, ...]:
    """What was said besides this poll itself: its own voices stand in its standing."""
    closed_at = read.row.closed_at
    element = read.beside.element
    return tuple(p for p in parts if p.element != element or p.closed_at != closed_at)


def _tells(context: Context, read: Read, names: Named, lang: str) -> tuple[str, ...]:
    rule = context.process.tasks[read.beside.element]
    if read.row.state not in POLL_RUNNING:
        return ()
    return hints.hints(context, rule, rooms.open_facts(context), names, lang)


@dataclass(frozen=True)
class Standing:
    """How a poll stands for one who has just answered. `revocable`: the answer may still be taken
    back.
    """

    meeting_id: UUID | None
    revocable: bool


def standing(session: Session, poll_id: UUID) -> Standing:
    """How a poll stands now. The caller has made sure that it is this person's to see."""
    query = select(_poll.meeting_id, _poll.rule, _poll.state).where(_poll.id == poll_id)
    row = session.execute(query).one()
    freely = row.rule.get("withdrawal") and not row.rule.get("in_order")
    return Standing(row.meeting_id, bool(freely and row.state == PollState.OPEN))


def _whole(context: Context, read: Read, names: Named, lang: str) -> Poll:
    session, row = context.session, read.row
    is_teller = context.actor is not None and context.actor.id in row.tellers
    at_table = context.actor if is_teller and row.state in POLL_RUNNING else None
    seated = tellers(session, row)
    own_rights = _rights(context, read, seated)
    at_hand = bool(row.rule.get("paper")) and (at_table is not None or own_rights.chair_of)
    return Poll(
        **vars(summary(context, read, names, lang)),
        due=read.beside.due,
        basis=_basis(context, read, lang),
        rights=own_rights,
        voices=_voices(context, read),
        turn=read.beside.turn or "",
        tellers=seated,
        counting=counting(session, at_table, row) if at_table else None,
        places=_places(session, row),
        pads=pads.of(session, row, read.beside.papers) if at_hand else None,
        write_ins=_write_ins(session, read, at_table=at_table is not None),
        voided=read.beside.voided,
    )


def _write_ins(session: Session, read: Read, *, at_table: bool) -> tuple[Eligible, ...]:
    votes = read.beside.open and read.beside.here and read.row.state == PollState.OPEN
    wanted = "write_in" in read.rule and (at_table or votes)
    return write_ins.eligible(session, read.row.id) if wanted else ()


def _places(session: Session, row: rows.Poll) -> Mapping[str, places.Place]:
    running = row.kind == "election" and row.state in POLL_RUNNING
    return places.of(session, row.choices) if running else {}


def _basis(context: Context, read: Read, lang: str) -> Basis:
    asked, rule = context.process.tasks[read.beside.element].poll, read.rule
    text = asked.words.in_(lang) if asked else ""
    expressions = [rule["passes"], rule.get("wins", "")]
    held = halls.held_in(context, asked.meeting, read.row.meeting_id) if asked else ""
    holder = context.process.tasks.get(held)
    quorum = holder.meeting.words.in_(lang) if holder and holder.meeting else ""
    known = ruled.rulings(context.law, context.decisive_on, text + quorum, expressions)
    frozen = rule.get("numbers", {})
    return Basis(
        ruled.filled(text, known, frozen, lang),
        ruled.cited(known, lang),
        ruled.filled(quorum, known, frozen, lang),
    )


def _rights(context: Context, read: Read, seated: tuple[Teller, ...]) -> Rights:
    row, element = read.row, read.beside.element
    closes = row.rule.get("closable", "never")
    chair = (
        closes == "lane" and row.state == PollState.OPEN and polling.presides(context, row, element)
    )
    early = closes == "passes" and polling.may_close(context, row, element)
    voidable = row.state in POLL_RUNNING and rights.may(
        Case(context, "void_poll", element, poll=row)
    )
    by = _void_by(context, row, element) if voidable else None
    return Rights(
        chair=chair,
        closable=chair or early,
        may_void=voidable,
        void_by=by,
        **over_tellers(context, row, element, seated),
    )


def over_tellers(
    context: Context, row: rows.Poll, element: str, seated: tuple[Teller, ...]
) -> dict[str, Any]:
    """What who presides may do with the tellers and with what they signed."""
    if row.state not in POLL_RUNNING or not rights.may(
        Case(context, "replace_teller", element, poll=row)
    ):
        return {}
    here = [teller for teller in seated if teller.successor is None]
    signed = sum(teller.signed_at is not None for teller in here)
    counts_now = row.state == PollState.COUNTING and bool(row.rule.get("declared"))
    enough = counts_now and polling.enough_signed(context, row, signed)
    return {"chair_of": True, "may_declare": enough, "change": change(context.session, row, seated)}


def _void_by(context: Context, row: rows.Poll, element: str) -> VoidBy | None:
    first, actor = voids.proposed(context, row), context.actor
    if first is None or actor is None:
        return None
    name = organisation.names(context.session, [first.by])[first.by]
    return VoidBy(name, first.reason, voids.agree(context, actor, row, element))


def _voices(context: Context, read: Read) -> tuple[Voice, ...]:
    session = context.session
    in_order = read.rule.get("in_order")
    listed = session.execute(
        select(_member.name, _roll.choice, _roll.comment, _roll.at)
        .join(tables.member, _member.id == _roll.member_id)
        .where(_roll.poll_id == read.row.id)
        .order_by(_roll.position if in_order else _roll.at.nulls_last(), _member.id)
    ).all()
    found = (listed if in_order else _by_answer(listed))[:LISTED]
    answered = [(r.name, r.at, r.choice is not None) for r in found]
    if read.hidden or read.beside.element in rooms.unnamed(context):
        return tuple(Voice(name, None, "", at, has) for name, at, has in answered)
    return tuple(
        Voice(name, r.choice, r.comment, at, has)
        for r, (name, at, has) in zip(found, answered, strict=True)
    )


def _by_answer(listed: Sequence[rows.Selected]) -> list[rows.Selected]:
    """Those who have answered as they did, then the others by name."""
    waiting = [row for row in listed if row.at is None]
    return [row for row in listed if row.at is not None] + on_screen(waiting, lambda row: row.name)
