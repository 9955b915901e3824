"""Who answered what in an open vote: whom the process names, everybody their own answer; others, auditors too, how many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from engine import definitions
from engine.db import tables
from engine.errors import Refused
from engine.instance import rooms
from engine.instance.context import context_of
from engine.people import organisation
from engine.queries import evidence, history, instance, polls
from tests.engine.played import played

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine import db

FOLDER = Path("processes/cadre_transfer")
(DECIDED,) = (FOLDER / "scenarios").glob("305_open_*.toml")


@pytest.fixture
def decided(engine: db.Engine) -> Iterator[db.Session]:
    """A transfer is decided: the union's auditors read the matter from now on. The vote is in no
    room, so that nothing else than its names is kept from anybody.
    """
    files = dict(definitions.read(FOLDER))
    room = 'room = ["presider", "committee", "union_office"]'
    assert files["process.toml"].count(room) == 1
    files["process.toml"] = files["process.toml"].replace(room, "")
    with played(engine, DECIDED, files) as session:
        yield session


class Reader:
    """What one person reads of the vote."""

    def __init__(self, session: db.Session, name: str) -> None:
        member = tables.member.c
        found = session.execute(select(member.id).where(member.name == name)).scalar_one()
        self.session, self.actor = session, organisation.actor(session, UUID(str(found)))
        poll = tables.poll.c
        (self.poll, self.matter) = session.execute(select(poll.id, poll.instance_id)).one()

    def page(self) -> list[str | None]:
        shown = polls.poll(self.session, self.actor, self.poll)
        assert shown.count.by_choice["yes"] == 6
        told = (shown.result.outcome or {}).get("voters", {})
        assert told == self.facts().get("voters", {})
        return [voice.choice for voice in shown.voices]

    def opinions(self) -> list[Any]:
        read = instance.file(self.session, self.actor, self.matter)
        return [
            v for each in read.opinions if each.element == "committee_vote" for v in each.voices
        ]

    def facts(self) -> dict[str, Any]:
        found = rooms.open_facts(context_of(self.session, self.actor, self.matter))
        return dict(found.get("committee_vote", {}))

    def events(self) -> list[str | None]:
        told = history.timeline(self.session, self.actor, self.matter)
        return [each.body.get("choice") for each in told if each.kind == "poll_answered"]


def test_those_who_preside_and_keep_the_minutes_see_who_answered_what(decided: db.Session) -> None:
    office = Reader(decided, "工会秘书")
    assert office.page() == ["yes"] * 6 and len(office.opinions()) == 6
    assert len(office.facts()["voters"]["yes"]) == 6 and office.events() == ["yes"] * 6


def test_a_voter_and_an_auditor_see_how_many(decided: db.Session) -> None:
    auditor, voter = Reader(decided, "审计员"), Reader(decided, "工会委员甲")
    for reader in (auditor, voter):
        assert reader.page() == [None] * 6 and not reader.opinions()
        assert "voters" not in reader.facts() and reader.facts()["yes"] == 6
    assert auditor.events() == [None] * 6
    mine = polls.poll(decided, voter.actor, voter.poll).mine
    assert mine.choice == "yes"  # the own answer stays with who gave it


def test_no_pack_tells_an_auditor_who_answered_what(decided: db.Session) -> None:
    auditor = Reader(decided, "审计员")
    with pytest.raises(Refused, match="不能查阅的内容"):
        evidence._shut(decided, auditor.actor, auditor.matter)
