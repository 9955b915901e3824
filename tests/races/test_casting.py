"""Casting a sealed ballot and the end of its poll exclude each other, wherever either of them stands when the other comes.

What is acknowledged is on the board; what is refused left nothing; of a poll that is void no envelope stays.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engine import db
from engine.commands import ballots, instances, polls, teller_keys
from engine.db import shred, tables
from tests.conftest import fresh
from tests.races.arena import Arena
from tests.races.latches import BEFORE, COMMITTING, LOCKED, Latches
from tests.races.union import Union, folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.races.latches import Outcome

TELLERS = ("d0", "d1", "d2")
ENVELOPE = bytes(304)
LET_IN = "SELECT poll.state, poll.closes_at"  # the caster has seen the poll open for the last time
MARKED = (
    "UPDATE roll SET"  # the caster stands on the roll as one who voted; the envelope is not in yet
)
STOPPED = "UPDATE poll SET"  # whoever closes has changed the poll
CASTING = (BEFORE, LET_IN, MARKED, COMMITTING)
ENDING = (BEFORE, LOCKED, STOPPED, COMMITTING)


@pytest.fixture(scope="module")
def opened(server: str) -> Iterator[tuple[Union, Mapping[str, bytes]]]:
    """A union whose secret poll is open, and the outer keys of that; the database is copied for every round, for making
    the keys is slow, and a round in which the poll is void destroys them."""
    with fresh(server) as url:
        engine = db.connect(url, size=3)
        union = Union.built(engine, folder("secret"))
        tellers = {"subject": "表决", "tellers": [str(union.people[t]) for t in TELLERS]}
        union.do("secretary", instances.launch, "secret", tellers)
        for who in TELLERS:
            union.do(
                who, teller_keys.take, union.one("SELECT id FROM poll"), f"{who} correct horse"
            )
        with db.transaction(engine) as session:
            here = shred.of(session)
            kept = {name: here.find(name) or b"" for name in map(_name, _boxes(session))}
        assert kept and all(kept.values())
        db.release(url)
        yield union, kept


def _boxes(session: db.Session) -> list[bytes]:
    return list(session.execute(select(tables.box.c.outer_key)).scalars())


def _name(public: bytes) -> str:
    return bytes(public).hex()


@pytest.fixture
def round_of(server: str, opened: tuple[Union, Mapping[str, bytes]]) -> Callable[[], Any]:
    first, kept = opened

    @contextmanager
    def begun() -> Iterator[Arena]:
        with fresh(server, template=str(first.engine.url.database)) as url:
            engine = db.connect(url, size=6)
            with db.transaction(engine) as session:
                for name, secret in kept.items():
                    shred.of(session).keep(name, secret)
            union, latches = first.again(engine), Latches(engine, url)
            yield Arena(union, latches, {who: union.actor(who) for who in ("d3", "secretary")})
            latches.end()
            union.whole()
            db.release(url)

    return begun


def duel(
    arena: Arena, end: Callable[[], Any], first: str, point: int | str
) -> tuple[Outcome, Outcome]:
    """What came of the cast and of the end, of which the `first` is held at the point."""
    cast = arena.act("d3", ballots.cast, arena.union.one("SELECT id FROM poll"), ENVELOPE)
    if first == "cast":
        return arena.latches.duel(cast, end, point)
    ended, found = arena.latches.duel(end, cast, point)
    return found, ended


ORDERS = [*(("cast", at) for at in CASTING), *(("end", at) for at in ENDING)]
IDS = [f"{first} held at {at}" for first, at in ORDERS]


@pytest.mark.parametrize(("first", "point"), ORDERS, ids=IDS)
def test_what_was_acknowledged_is_on_the_board_and_nothing_else(
    round_of: Any, first: str, point: int | str
) -> None:
    with round_of() as arena:
        union = arena.union
        poll = union.one("SELECT id FROM poll")
        cast, closed = duel(arena, arena.act("secretary", polls.close, poll), first, point)
        assert closed.ok, closed.error
        inside = int(cast.ok)
        if first == "cast" and point != BEFORE:
            assert cast.ok, cast.error  # who was let in is waited for, not turned away
        if first == "end" and point in (STOPPED, COMMITTING):
            assert not cast.ok
        assert cast.code in ("", "closed")  # and hears why
        assert union.one("SELECT count(*) FROM board") == inside
        assert union.one("SELECT count(*) FROM envelope") == inside
        assert union.one("SELECT voters FROM box") == inside
        assert union.one("SELECT count(*) FROM roll WHERE at IS NOT NULL") == inside
        assert union.one("SELECT count(*) FROM roll WHERE open") == 0
        instance = union.one("SELECT id FROM instance")
        assert union.body(instance, "ballots_cast")["cast"] == inside


@pytest.mark.parametrize(("first", "point"), ORDERS, ids=IDS)
def test_of_a_poll_that_is_void_no_envelope_stays(
    round_of: Any, first: str, point: int | str
) -> None:
    with round_of() as arena:
        union = arena.union
        instance = union.one("SELECT id FROM instance")
        end = arena.act("secretary", instances.terminate, instance, "重复")
        cast, ended = duel(arena, end, first, point)
        assert ended.ok, ended.error
        assert cast.code in ("", "closed", "not_running")
        assert union.one("SELECT state FROM poll") == "void"
        for table in ("envelope", "teller_part", "teller_key"):
            assert union.one(f"SELECT count(*) FROM {table}") == 0, table
        assert union.one("SELECT count(*) FROM roll WHERE open") == 0
