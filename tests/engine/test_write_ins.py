"""Names written in: what verification and a pack say of them, and the bounds of ballots that have a line for them."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from engine import ballots, clock, definitions
from engine.ballots import Slip
from engine.db import tables
from engine.history import verification
from engine.history.signing import Signer
from engine.people import organisation
from engine.queries import ballots as boxes
from engine.queries import polls, write_ins
from tests.engine.errands import KEY
from tests.engine.packs import run
from tests.engine.played import played
from webui.http import evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from engine import db

FOLDER = Path(__file__).parents[2] / "processes" / "congress_session"
STORY = next((FOLDER / "scenarios").glob("717_*.toml"))
POLL = "01a20509-42be-7875-a54e-608a92498ac0"
ONE, TWO, THREE = (str(UUID(int=n)) for n in (1, 2, 3))


@pytest.fixture
def session(engine: Engine) -> Iterator[db.Session]:
    """After an election of twenty, half of them on paper, in which one was written in eleven times."""
    with played(engine, STORY, definitions.read(FOLDER)) as session:
        yield session


def poll(session: db.Session) -> Any:
    return session.execute(select(tables.poll).where(tables.poll.c.kind == "election")).one()


# --- envelopes ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("chosen", "allowed"),
    [
        ([ONE], True),
        ([THREE], True),  # written in
        ([ONE, THREE], True),
        ([ONE, TWO, THREE], False),  # two seats
        ([THREE, THREE], False),
        ([str(UUID(int=4))], False),  # may not be written in
        ([], True),
    ],
)
def test_a_slip_allows_those_on_the_list(chosen: list[str], allowed: bool) -> None:
    slip = Slip(POLL, (ONE, TWO), 0, 2, writable=True, write_in=frozenset({THREE}))
    assert slip.allows(chosen) is allowed
    plain = Slip(POLL, (ONE, TWO), 0, 2)
    assert plain.allows(chosen) is (allowed and THREE not in chosen)


@pytest.mark.parametrize("seats", range(1, 12))
def test_an_envelope_holds_as_many_names_as_seats_though_there_are_fewer_candidates(
    seats: int,
) -> None:
    slip = Slip(POLL, (ONE,), 0, seats, writable=True)
    chosen = [str(UUID(int=n)) for n in range(seats)]
    sealed = ballots.seal(POLL, chosen, bytes(16), bytes(range(32)), ballots.size_for(slip))
    assert ballots.is_envelope(sealed, ballots.size_for(slip))


# --- the record -----------------------------------------------------------------------------------
def test_the_result_names_who_was_written_in(session: db.Session) -> None:
    row = poll(session)
    (written,) = row.outcome["written_in"]
    assert row.outcome["votes"][written] == 11 and written in row.outcome["elected"]
    actor = organisation.actor(session, row.tellers[0])
    shown = polls.poll(session, actor, row.id)
    assert shown.question.labels[written].zh == "张敏（另选）"
    assert shown.count.written_in == (written,) and not shown.write_ins


def test_the_list_has_nobody_who_stands_counts_or_presides(session: db.Session) -> None:
    row = poll(session)
    listed = write_ins.eligible(session, row.id)
    ids = {each.id_text for each in listed}
    assert len(ids) == len({each.label for each in listed}) == row.rule["write_in"]["n"] > 15
    assert not ids & {*row.choices, *map(str, row.tellers)}


def test_everybody_can_check_the_urn(session: db.Session) -> None:
    row = poll(session)
    actor = organisation.actor(session, row.tellers[0])
    report = boxes.checked(session, actor, row.id)
    assert report is not None and report.holds and report.checks["tally"]


def test_a_count_that_hides_who_was_written_in_is_false() -> None:
    nonce, urn = bytes(16), (ballots.Ballot("a" * 64, (THREE,)),)
    board = (ballots.receipt_of(nonce),)
    told = {ONE: 0, "answered": 1, "abstain": 0}
    for counts, holds in ((told | {THREE: 1}, True), (told, False), (told | {THREE: 2}, False)):
        paper = ballots.Paper(
            *(1, (ONE,), board, urn, 1),
            board_hash=ballots.board_hash(board),
            urn_hash=ballots.urn_hash(urn),
            counts=counts,
            invalid=0,
            write_in=True,
        )
        assert (ballots.first_false(paper) == "") is holds, counts


FORGED = [
    "DELETE FROM write_in WHERE member_id = (SELECT min(member_id::text) FROM write_in)::uuid",
    "DELETE FROM write_in",
    "INSERT INTO write_in SELECT p.id, unnest(p.tellers) FROM poll p WHERE p.kind = 'election'",
    "INSERT INTO write_in SELECT p.id, m.id FROM poll p, member m WHERE p.kind = 'vote'",
    """UPDATE poll SET rule = jsonb_set(rule, '{write_in,wins}', 'false') WHERE kind = 'election'""",
]


def test_whoever_changes_the_list_is_noticed(session: db.Session) -> None:
    honest = verification.first_false(session)
    assert honest is None, honest
    for statement in FORGED:
        with session.begin_nested() as attempt:
            assert session.execute(text(statement)).rowcount, statement
            assert verification.first_false(session) is not None, statement
            attempt.rollback()


# --- the pack -------------------------------------------------------------------------------------
def test_a_pack_counts_the_names_again(session: db.Session, tmp_path: Path) -> None:
    row = poll(session)
    clerk = session.execute(
        select(tables.member.c.id).where(tables.member.c.name == "工会秘书")
    ).scalar_one()
    actor = organisation.actor(session, clerk)
    with clock.set_to(datetime.fromisoformat("2026-03-21T09:00:00+08:00")):
        made = evidence.export(session, actor, row.instance_id, Signer(KEY))
    (tmp_path / "pack.zip").write_bytes(made)
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        pack.extractall(tmp_path / "pack")
    code, lines = run(tmp_path / "pack")
    assert code == 0, lines
