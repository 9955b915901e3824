"""Secret ballots: what is sealed stays sealed, nobody can be joined to a choice, and every edit is found."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.public import PrivateKey, PublicKey, SealedBox
from sqlalchemy import event, text

from engine import ballots, clock, db
from engine.ballots import Ballot, Paper, Slip
from engine.ballots import keys as ballot_keys
from engine.commands import ballots as voting
from engine.commands import edge, instances, polls, teller_keys, tellers, voiding
from engine.db import tables
from engine.definitions.check import faults
from engine.errors import Conflict, EngineError, HistoryBroken, Invalid, NotFound, Refused
from engine.history import keys, seals
from engine.history.signing import Signer
from engine.instance.union_law import rulebook
from tests.conftest import fresh
from tests.engine.secret_polls import WORDS, Poll, delegates
from tests.races.union import Union, changed, folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy import Engine

SLIP = Slip("01a20509-42be-7875-a54e-608a92498ac0", ("yes", "no", "abstain"))
KEY = PrivateKey.generate()
PUBLIC = bytes(KEY.public_key)


# --- keys ---------------------------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=10)
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))))
def test_any_so_many_tellers_open_and_fewer_do_not(numbers: tuple[int, int]) -> None:
    needed, n = numbers
    own = {str(i): PrivateKey.generate() for i in range(n)}
    made = ballots.make({i: bytes(k.public_key) for i, k in own.items()}, needed)
    parts = {i: bytes(SealedBox(own[i]).decrypt(sealed)) for i, sealed in made.parts.items()}
    for chosen in list(combinations(parts.values(), needed))[:20]:
        key = ballots.join(chosen, made.public)
        assert key is not None and bytes(key.public_key) == made.public
    assert ballots.join(parts.values(), made.public) is not None
    for few in list(combinations(parts.values(), needed - 1))[:20]:
        assert ballots.join(few, made.public) is None


def test_keys_of_two_polls_do_not_fit() -> None:
    own = {"a": PrivateKey.generate(), "b": PrivateKey.generate()}
    one, two = (ballots.make({i: bytes(k.public_key) for i, k in own.items()}, 2) for _ in range(2))
    mixed = [
        bytes(SealedBox(own["a"]).decrypt(one.parts["a"])),
        bytes(SealedBox(own["b"]).decrypt(two.parts["b"])),
    ]
    assert ballots.join(mixed, one.public) is None and ballots.join(mixed, two.public) is None
    for needed in (0, 3):
        with pytest.raises(ValueError):
            ballots.make({i: bytes(k.public_key) for i, k in own.items()}, needed)


def test_a_part_opens_by_the_passphrase_alone() -> None:
    salt = os.urandom(16)
    public = ballots.public_of("correct horse", salt)
    sealed = ballots.hand_over(b"part", public)
    assert ballots.unwrap([sealed], "correct horse", salt, public) == [b"part"]
    for wrong in ("correct horsf", "", "Correct horse"):
        with pytest.raises(ballots.WrongPassphrase):
            ballots.unwrap([sealed], wrong, salt, public)
    with pytest.raises(ballots.BrokenPart):
        ballots.unwrap([sealed[:-1] + bytes([sealed[-1] ^ 1])], "correct horse", salt, public)


# A key that was split by PyCryptodome for three tellers, any two of whom open it, as it is stored: passphrase, salt,
# public half, sealed part. What opens here opens the polls that ran when the product's own Shamir came.
STORED_PUBLIC = "2051be01c26e3cf1ba6c1ebc3f4ac92bd3bd39ecf83693f801c7395083fb287b"
STORED = (
    (
        "三月的风很轻, 长一点",
        "000102030405060708090a0b0c0d0e0f",
        "e495baec0f2f4bdcc818b122b9cabc4cb76e2c6f99b6521b087795535cce901e",
        "73b428f91657c83ce6eaa46055065aaa8c77256738e19de4b7ada8c6c09b342d4e9d4e1007484fa9173b21157c42ed28c86c0b0e2532cd0e34be8abaec47c11ef8",
    ),
    (
        "correct horse battery",
        "101112131415161718191a1b1c1d1e1f",
        "dae599754ad5baf6875b05c20df658fb82a129ec5c113f470812a470fcdd6436",
        "26f6cb91400b456ab99f14e50617c39f06a0e8defdd1bac083ee8192a61fe5057e94b99c0d8183f8fd50d7910eedbb7f8169f7f2420d17690941f53885cae2c703",
    ),
    (
        "桂花开在后山, 长一点",
        "202122232425262728292a2b2c2d2e2f",
        "3562b09312c523b3f253ab44a4e0ca2bc9a3178c3d4debb94ab483fd3dc3cb5a",
        "773ec66a3175678e9c5665f2162539bd426eaca4ccf01c0fe4cb63eb2048fb3c8f02dcbcc747d61a11cb91afd21a16dd38a10fa8d133be1081adc74b7ceff7ec62",
    ),
)


def test_what_was_stored_before_opens_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot_keys, "PASSES", 4)  # as in earnest, not as in tests
    monkeypatch.setattr(ballot_keys, "MEMORY", 64 << 20)
    parts = []
    for passphrase, *stored in STORED:
        salt, public, sealed = (bytes.fromhex(each) for each in stored)
        assert ballots.public_of(passphrase, salt) == public
        parts += ballots.unwrap([sealed], passphrase, salt, public)
    for pair in combinations(parts, 2):
        key = ballots.join(pair, bytes.fromhex(STORED_PUBLIC))
        assert key is not None and bytes(key.public_key).hex() == STORED_PUBLIC
    for part in parts:
        assert ballots.join([part], bytes.fromhex(STORED_PUBLIC)) is None


# --- envelopes ----------------------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=12, unique=True), st.data())
def test_an_envelope_has_one_size_and_gives_back_what_was_chosen(
    choices: list[str], data: st.DataObject
) -> None:
    most = data.draw(st.integers(1, len(choices)))
    slip = replace(SLIP, choices=tuple(choices), least=0, most=most)
    size = ballots.size_for(slip)
    chosen = data.draw(st.lists(st.sampled_from(choices), max_size=most, unique=True))
    nonce = os.urandom(16)
    sealed = ballots.seal(slip.poll, chosen, nonce, PUBLIC, size)
    assert len(sealed) == ballots.envelope_size(size) and ballots.is_envelope(sealed, size)
    assert ballots.unseal(sealed, KEY, slip) == Ballot(
        ballots.code_of(nonce), tuple(sorted(chosen))
    )
    assert (
        ballots.seal(slip.poll, chosen, nonce, PUBLIC, size) != sealed
    )  # the same vote never looks the same


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 303), st.integers(1, 255))
def test_an_envelope_that_was_touched_is_invalid(at: int, change: int) -> None:
    sealed = bytearray(ballots.seal(SLIP.poll, ["yes"], bytes(16), PUBLIC, 256))
    sealed[at] ^= change
    assert ballots.unseal(bytes(sealed), KEY, SLIP) is None


NONCE = "00" * 16
FINE = {"poll": SLIP.poll, "choices": ["yes"], "nonce": NONCE}
ILL = [
    b"",
    b"yes",
    b"[]",
    b"null",
    b"[" * 3000,
    b"\xff\xfe",
    b'{"poll": NaN}',
    json.dumps(FINE).encode()[:-1],
    *(
        json.dumps({**FINE, **wrong}).encode()
        for wrong in (
            {"poll": NONCE},
            {"poll": None},
            {"choices": []},
            {"choices": ["yes", "no"]},
            {"choices": ["yes", "yes"]},
            {"choices": "yes"},
            {"choices": ["maybe"]},
            {"choices": [1]},
            {"choices": [["yes"]]},
            {"choices": {"yes": 1}},
            {"nonce": ""},
            {"nonce": "0" * 31},
            {"nonce": "AB" * 16},
            {"nonce": 0},
            {"nonce": NONCE + "00"},
            {"name": "张敏"},
        )
    ),
    json.dumps(FINE)[:-1].encode() + b', "choices": ["no"]}',
]


@pytest.mark.parametrize("inside", ILL)
def test_what_is_ill_formed_is_invalid(inside: bytes) -> None:
    sealed = SealedBox(PublicKey(PUBLIC)).encrypt(inside.ljust(256))
    assert ballots.unseal(bytes(sealed), KEY, SLIP) is None


def test_an_envelope_of_another_key_or_poll_is_invalid() -> None:
    assert (
        ballots.unseal(
            ballots.seal(
                SLIP.poll, ["yes"], bytes(16), bytes(PrivateKey.generate().public_key), 256
            ),
            KEY,
            SLIP,
        )
        is None
    )
    assert (
        ballots.unseal(
            ballots.seal(SLIP.poll[:-1] + "1", ["yes"], bytes(16), PUBLIC, 256), KEY, SLIP
        )
        is None
    )


def test_two_ballots_of_one_code_are_both_invalid() -> None:
    sealed = [
        ballots.seal(SLIP.poll, [c], bytes([n]) * 16, PUBLIC, 256)
        for n, c in ((1, "yes"), (2, "no"), (2, "yes"))
    ]
    found = ballots.count(sealed, KEY, SLIP)
    assert (found.counts, found.invalid, len(found.urn)) == (
        {"yes": 1, "no": 0, "abstain": 0},
        2,
        1,
    )


# --- what anybody can check ---------------------------------------------------------------------------------------------
def paper(valid: int = 20, invalid: int = 2, roll: int = 30) -> Paper:
    dice = random.Random(7)
    sealed = [
        ballots.seal(SLIP.poll, [dice.choice(SLIP.choices)], os.urandom(16), PUBLIC, 256)
        for _ in range(valid)
    ]
    sealed += [os.urandom(304) for _ in range(invalid)]
    found = ballots.count(sealed, KEY, SLIP)
    board = tuple(sorted(map(ballots.receipt_of, sealed)))
    return Paper(
        roll,
        SLIP.choices,
        board,
        found.urn,
        len(sealed),
        ballots.board_hash(board),
        ballots.urn_hash(found.urn),
        found.counts,
        found.invalid,
    )


WHOLE = paper()
NEW = "ab" * 32


def swapped(p: Paper) -> Paper:
    one, *rest = p.urn
    other = next(c for c in p.choices if c not in one.choices)
    return replace(p, urn=(Ballot(one.code, (other,)), *rest))


EDITS = {
    "a receipt taken away": lambda p: replace(p, board=p.board[1:]),
    "a receipt put in": lambda p: replace(p, board=(*p.board, NEW)),
    "a receipt changed": lambda p: replace(p, board=(NEW, *p.board[1:])),
    "a receipt doubled": lambda p: replace(p, board=(*p.board, p.board[0])),
    "a ballot taken away": lambda p: replace(p, urn=p.urn[1:]),
    "a ballot put in": lambda p: replace(p, urn=(*p.urn, Ballot(NEW, ("yes",)))),
    "a ballot's choice changed": swapped,
    "a ballot's code changed": lambda p: replace(
        p, urn=(Ballot(NEW, p.urn[0].choices), *p.urn[1:])
    ),
    "a ballot doubled": lambda p: replace(p, urn=(*p.urn, p.urn[0])),
    "a count raised": lambda p: replace(p, counts={**p.counts, "yes": p.counts["yes"] + 1}),
    "a count moved": lambda p: replace(
        p, counts={**p.counts, "yes": p.counts["yes"] + 1, "no": p.counts["no"] - 1}
    ),
    "fewer invalid": lambda p: replace(p, invalid=p.invalid - 1),
    "more invalid": lambda p: replace(p, invalid=p.invalid + 1),
    "another number of voters": lambda p: replace(p, voters=p.voters + 1),
    "a roll smaller than the board": lambda p: replace(p, roll=len(p.board) - 1),
    "urn, its hash and the count together": lambda p: (
        lambda q: replace(
            q,
            urn_hash=ballots.urn_hash(q.urn),
            counts=ballots.tally(q.choices, (b.choices for b in q.urn)),
        )
    )(replace(p, urn=(*p.urn, Ballot(NEW, ("yes",))))),
}


ANYWHERE = set(EDITS) - {
    "a count moved",
    "a count raised",
    "a ballot's choice changed",
}  # whatever the choices are called


def test_what_was_counted_right_holds() -> None:
    assert ballots.first_false(WHOLE) == "" and ballots.report(WHOLE).holds
    assert (
        ballots.first_false(replace(WHOLE, urn=(), urn_hash=None, counts=None, invalid=None)) == ""
    )


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_found(edit: str) -> None:
    assert ballots.first_false(EDITS[edit](WHOLE)) != ""


def test_my_receipt_and_my_code_are_found_however_they_were_typed() -> None:
    receipt, mine = WHOLE.board[3], WHOLE.urn[4]
    found = ballots.report(WHOLE, f" {receipt[:32].upper()}-{receipt[32:]}\n", mine.code)
    assert found.holds and found.receipt and found.code and found.choices == mine.choices
    missing = ballots.report(WHOLE, NEW, NEW)
    assert missing.receipt is False and missing.code is False and not missing.holds


@pytest.mark.parametrize("polls_", [40, pytest.param(10_000, marks=pytest.mark.prove)])
def test_simulated_polls_verify_and_edited_ones_do_not(polls_: int) -> None:
    dice = random.Random(polls_)
    for n in range(polls_):
        own = {str(i): PrivateKey.generate() for i in range(dice.randint(2, 5))}
        needed = dice.randint(1, len(own))
        made = ballots.make({i: bytes(k.public_key) for i, k in own.items()}, needed)
        slip = Slip(
            f"poll {n}", tuple(f"c{i}" for i in range(dice.randint(1, 6))), 0, dice.randint(1, 3)
        )
        size, roll = ballots.size_for(slip), dice.randint(5, 12)
        sealed = [
            os.urandom(ballots.envelope_size(size))
            if dice.random() < 0.05
            else ballots.seal(
                slip.poll,
                dice.sample(slip.choices, dice.randint(0, min(slip.most, len(slip.choices)))),
                os.urandom(16),
                made.public,
                size,
            )
            for _ in range(dice.randint(0, roll))
        ]
        chosen = dice.sample(sorted(own), needed)
        key = ballots.join(
            [bytes(SealedBox(own[i]).decrypt(made.parts[i])) for i in chosen], made.public
        )
        assert key is not None
        board = tuple(sorted(map(ballots.receipt_of, sealed)))
        found = ballots.count(
            [s for _, s in sorted((ballots.receipt_of(s), s) for s in sealed)], key, slip
        )
        whole = Paper(
            roll,
            slip.choices,
            board,
            found.urn,
            len(sealed),
            ballots.board_hash(board),
            ballots.urn_hash(found.urn),
            found.counts,
            found.invalid,
        )
        assert ballots.first_false(whole) == "", n
        if found.urn:
            name = dice.choice(sorted(ANYWHERE))
            assert ballots.first_false(EDITS[name](whole)) != "", (n, name)


# --- a poll from the first key to the last signature ---------------------------------------------------------------------


@pytest.fixture
def union(engine: Engine) -> Union:
    made = Union.built(engine, folder("secret"))
    delegates(made, 8)
    return made


VOTES = {
    "d0": "yes",
    "d1": "no",
    "d2": "yes",
    "d3": "yes",
    "d4": "abstain",
    "d5": "yes",
    "d6": "yes",
}


def test_a_secret_poll_from_the_keys_to_the_result(union: Union) -> None:
    poll = Poll.called(union)
    assert poll.state == "called" and poll.box().public_key is None
    with pytest.raises(Conflict, match="还没有开始"):
        union.do("d5", voting.cast, poll.id, bytes(304))
    for who, words in WORDS.items():
        assert poll.state == "called"
        poll.take(who, words)
    box = poll.box("d0")
    assert (
        poll.state == "open"
        and box.size == 256
        and box.needed == 2
        and [t.taken for t in box.tellers] == [True] * 3
    )
    nonces = {who: os.urandom(16) for who in VOTES}
    receipts = {who: poll.vote(who, choice, nonce=nonces[who]) for who, choice in VOTES.items()}
    seen = poll.box("d1")
    assert (
        seen.receipt is None  # it stands on the voter's screen, and nowhere beside the name
        and seen.cast == 7
        and not seen.may_vote
        and poll.box("d7").may_vote
    )
    poll.close()
    assert poll.state == "counting" and poll.count("board") == 7 and poll.count("urn") == 0
    poll.join("d2")
    assert poll.state == "counting" and poll.count("urn") == 0 and poll.count("teller_part") == 5
    poll.join("d0")
    assert (
        poll.count("urn"),
        poll.count("envelope"),
        poll.count("teller_part"),
        poll.count("teller_key"),
    ) == (7, 0, 0, 0)
    assert poll.report().checks == {"board": True, "voters": True}  # the urn comes with the result
    poll.sign()
    assert poll.state == "closed"
    outcome = union.row(poll.instance).facts["ballot"]
    assert (
        outcome["yes"],
        outcome["no"],
        outcome["abstain"],
        outcome["answered"],
        outcome["invalid"],
    ) == (5, 1, 1, 7, 0)
    assert outcome["passed"] is True and "voters" not in outcome
    kinds = [k for k in union.events(poll.instance) if k != "poll_signed"]
    assert kinds == [
        "instance_launched",
        "poll_called",
        "key_taken",
        "key_taken",
        "key_taken",
        "poll_opened",
        "ballots_cast",
        "poll_stopped",
        "key_joined",
        "key_joined",
        "ballots_opened",
        "poll_closed",
    ]
    mine = poll.report(receipts["d4"], ballots.code_of(nonces["d4"]))
    assert mine.holds and mine.receipt and mine.choices == ("abstain",)
    assert (
        union.ask(
            "SELECT 1 FROM roll WHERE poll_id = :p AND (choice IS NOT NULL OR open)", p=poll.id
        )
        == []
    )
    union.whole()


def test_the_opening_says_all_that_binds_the_poll(union: Union) -> None:
    poll = Poll.opened(union)
    says = union.body(poll.instance, "poll_opened")
    assert (
        says["public_key"] == poll.box().public_key
        and says["choices"] == ["yes", "no", "abstain"]
        and says["roll"] == 8
    )
    assert (
        says["keys"] == {"needed": 2, "tellers": sorted(str(union.people[d]) for d in WORDS)}
        and len(says["roll_hash"]) == 64
    )


def test_one_envelope_for_each_voter_which_stays(union: Union) -> None:
    poll = Poll.opened(union)
    sealed = poll.seal("yes")
    receipt = union.do("d3", voting.cast, poll.id, sealed)
    assert (
        union.do("d3", voting.cast, poll.id, sealed) == receipt == ballots.receipt_of(sealed)
    )  # sent again: the same
    with pytest.raises(Conflict, match="不能更改"):
        poll.vote("d3", "no")
    with pytest.raises(Conflict, match="这个信封"):
        union.do("d4", voting.cast, poll.id, sealed)  # somebody's envelope copied
    assert poll.box("d4").may_vote
    for wrong in (b"", sealed[:-1], sealed + b"x"):
        with pytest.raises(Invalid):
            union.do("d4", voting.cast, poll.id, wrong)
    with pytest.raises(NotFound):
        poll.vote("auditor", "yes")
    with pytest.raises(Conflict):
        union.do("d4", polls.respond, poll.id, "yes")
    assert poll.count("envelope") == 1


def test_invalid_envelopes_are_counted_as_such(union: Union) -> None:
    poll = Poll.opened(union)
    for who in ("d0", "d1", "d2", "d3"):
        poll.vote(who, "yes")
    poll.vote("d4", "yes", "no")
    union.do("d5", voting.cast, poll.id, os.urandom(304))
    poll.close()
    poll.join("d0")
    poll.join("d1")
    poll.sign()
    outcome = union.row(poll.instance).facts["ballot"]
    assert (outcome["yes"], outcome["invalid"], outcome["valid"], outcome["returned"]) == (
        4,
        2,
        4,
        6,
    )
    assert poll.report().holds and poll.count("urn") == 4
    union.whole()


def test_all_have_voted_and_it_closes(union: Union) -> None:
    poll = Poll.opened(union)
    for n in range(8):
        poll.vote(f"d{n}", "yes")
        union.do(None, voting.close_when_all_voted, poll.id)
        assert poll.state == ("counting" if n == 7 else "open")


def test_keys_are_for_tellers_with_a_passphrase_of_their_own(union: Union) -> None:
    poll = Poll.called(union)
    for weak in ("", "1234567", "password", "aaaaaaaaaaaa", "x" * 300):
        with pytest.raises(Invalid):
            poll.take("d0", weak)
    for stranger in ("d5", "secretary"):
        with pytest.raises(NotFound):
            poll.take(stranger, "correct horse")
    poll.take("d0", "correct horse")
    poll.take("d0", WORDS["d0"])  # changed while others have not taken theirs
    poll.take("d1", WORDS["d1"])
    poll.take("d2", WORDS["d2"])
    with pytest.raises(Conflict):
        poll.take("d0", "another one")
    for n in range(6):
        poll.vote(f"d{n}", "yes")
    with pytest.raises(Conflict):
        poll.join("d0")  # not yet
    poll.close()
    with pytest.raises(NotFound):
        union.do("d5", teller_keys.join, poll.id, WORDS["d0"])
    with pytest.raises(Refused, match="口令不对"):
        poll.join("d0", "correct horse")
    assert union.body(poll.instance, "attempt_refused")["code"] == "wrong_passphrase"
    for _ in range(4):
        with pytest.raises(Refused, match="口令不对"):
            poll.join("d0", "guess after guess")
    with pytest.raises(Refused, match="次数过多"):
        poll.join("d0")
    poll.join("d1")
    with pytest.raises(Conflict):
        poll.join("d1")
    union.at = union.at + timedelta(minutes=16)
    poll.join("d0")
    assert poll.count("urn") == 6


def test_no_passphrase_and_no_key_is_kept(union: Union) -> None:
    poll = Poll.opened(union)
    for n in range(6):
        poll.vote(f"d{n}", "yes")
    poll.close()
    poll.join("d0")
    everything = dump(union)
    for words in WORDS.values():
        assert words not in everything
    salt, public = union.ask(
        "SELECT salt, public FROM teller_key WHERE member_id = :m", m=union.people["d0"]
    )[0]
    parts = union.ask("SELECT sealed FROM teller_part WHERE holder_id = :m", m=union.people["d0"])
    opened = ballots.unwrap([bytes(r[0]) for r in parts], WORDS["d0"], bytes(salt), bytes(public))
    assert all(part.hex() not in everything for part in opened)


def dump(union: Union) -> str:
    """Every row of every table as text."""
    return "\n".join(
        "\n".join(r[0] for r in union.ask(f"SELECT t::text FROM {name} t"))
        for name in sorted(tables.metadata.tables)
    )


def test_so_few_ballots_are_not_opened(union: Union) -> None:
    poll = Poll.opened(union)
    for n in range(4):
        poll.vote(f"d{n}", "yes")
    poll.close()
    with pytest.raises(Conflict, match="太少"):
        poll.join("d0")
    union.do("d0", voiding.void, poll.id, "收到的选票太少")
    assert poll.state == "counting"
    with pytest.raises(Conflict, match="另一方"):
        union.do("d1", voiding.void, poll.id, "")
    union.do("secretary", voiding.void, poll.id, "")
    assert (
        poll.state == "void"
        and poll.count("envelope") == poll.count("teller_part") == 0
        and poll.count("board") == 4
    )
    again = Poll(union, poll.instance, union.poll(poll.instance))
    assert again.id != poll.id and again.state == "called"
    union.whole()


def test_no_ballot_at_all_is_counted_too(union: Union) -> None:
    poll = Poll.opened(union)
    poll.close()
    poll.join("d0")
    poll.join("d1")
    poll.sign()
    assert union.row(poll.instance).facts["ballot"]["passed"] is False and poll.report().holds


def test_a_matter_that_ends_destroys_its_envelopes(union: Union) -> None:
    poll = Poll.opened(union)
    for n in range(6):
        poll.vote(f"d{n}", "yes")
    union.do("secretary", instances.terminate, poll.instance, "不再办理")
    assert poll.state == "void"
    assert poll.count("envelope") == poll.count("teller_part") == poll.count("teller_key") == 0
    union.whole()


def test_an_election_takes_as_many_as_there_are_seats(engine: Engine) -> None:
    files = changed(
        "secret",
        (
            'kind = "vote"',
            'kind = "election"\ncandidates = "launch.tellers"\nseats = "2"\nwins = "2*votes > valid"',
        ),
        ("2*yes > roll", "elected != []"),
        ('choices = ["yes", "no", "abstain"]\n', ""),
    )
    files["process.toml"] = files["process.toml"].split("[tasks.ballot.poll.labels]")[0]
    union = Union.built(engine, files)
    delegates(union, 8)
    poll = Poll.opened(union)
    one, two, three = (str(union.people[d]) for d in WORDS)
    assert (poll.box().least, poll.box().most) == (0, 2)
    for n, chosen in enumerate(
        [(one, two), (two, one), (one,), (), (one, three), (one, two, three)]
    ):
        union.do(
            f"d{n}",
            voting.cast,
            poll.id,
            poll.seal(*chosen).ljust(304)[:304] if len(chosen) < 3 else os.urandom(304),
        )
    poll.close()
    poll.join("d0")
    poll.join("d1")
    poll.sign()
    outcome = union.row(poll.instance).facts["ballot"]
    assert outcome["votes"] == {one: 4, two: 2, three: 1} and outcome["elected"] == [one]
    assert (outcome["valid"], outcome["invalid"], outcome["abstain"], outcome["returned"]) == (
        5,
        1,
        1,
        6,
    )
    assert poll.report().holds
    union.whole()


# --- edits of the database ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def counted(server: str) -> Iterator[Poll]:
    """A secret poll that is over; tests undo what they edit."""
    with fresh(server) as url:
        engine = db.connect(url, size=5)
        union = Union.built(engine, folder("secret"))
        delegates(union, 8)
        poll = Poll.opened(union)
        for who, choice in VOTES.items():
            poll.vote(who, choice)
        poll.close()
        poll.join("d0")
        poll.join("d1")
        poll.sign()
        yield poll
        db.release(url)


DATABASE_EDITS = {
    "a receipt taken away": "DELETE FROM board WHERE receipt = (SELECT min(receipt) FROM board)",
    "a receipt put in": f"INSERT INTO board SELECT poll_id, '{NEW}' FROM box",
    "a receipt changed": f"UPDATE board SET receipt = '{NEW}' WHERE receipt = (SELECT min(receipt) FROM board)",
    "a ballot taken away": "DELETE FROM urn WHERE code = (SELECT min(code) FROM urn)",
    "a ballot put in": f"INSERT INTO urn SELECT poll_id, '{NEW}', '{{yes}}' FROM box",
    "a choice changed": "UPDATE urn SET choices = '{no}' WHERE code = (SELECT min(code) FROM urn WHERE choices = '{yes}')",
    "two choices swapped": """UPDATE urn SET choices = CASE WHEN choices = '{no}' THEN CAST('{yes}' AS text[]) ELSE '{no}' END
        WHERE choices = '{no}' OR code = (SELECT min(code) FROM urn WHERE choices = '{yes}')""",
    "a code changed": f"UPDATE urn SET code = '{NEW}' WHERE code = (SELECT min(code) FROM urn)",
    "all ballots gone": "DELETE FROM urn",
    "a voter marked who did not vote": "UPDATE roll SET at = now() WHERE at IS NULL",
    "a voter's mark taken away": "UPDATE roll SET at = NULL WHERE member_id = (SELECT member_id FROM roll WHERE at IS NOT NULL LIMIT 1)",
    "a choice put beside a voter": "UPDATE roll SET choice = 'yes' WHERE at IS NULL",
    "somebody added to the roll": "INSERT INTO roll (poll_id, member_id, open) SELECT b.poll_id, m.id, false FROM box b, member m WHERE m.username = 'auditor'",
}


@pytest.mark.parametrize("edit", DATABASE_EDITS)
def test_verify_finds_every_edit(counted: Poll, edit: str) -> None:
    with counted.union.engine.connect() as session:
        assert session.execute(text(DATABASE_EDITS[edit])).rowcount > 0
        assert seals.verify(session, None).broken is not None
        session.rollback()
        assert seals.verify(session, None).broken is None


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE envelope SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) WHERE member_id = (SELECT min(member_id::text)::uuid FROM envelope)",
        "DELETE FROM envelope WHERE member_id = (SELECT min(member_id::text)::uuid FROM envelope)",
        "UPDATE poll SET public_key = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='",
    ],
)
def test_envelopes_and_key_are_those_of_the_close_or_nothing_is_opened(
    union: Union, edit: str
) -> None:
    poll = Poll.opened(union)
    for n in range(6):
        poll.vote(f"d{n}", "yes")
    poll.close()
    poll.join("d0")
    union.run(edit)
    with pytest.raises(HistoryBroken):
        poll.join("d1")
    assert poll.count("urn") == 0 and poll.state == "counting"


# --- six ways to find out who voted what ----------------------------------------------------------------------------------
CHOICES = ("canary_for", "canary_against")


@dataclass
class Stolen:
    """All that a thief has after a poll of a hundred: the database, what was written to it, the logs; and the truth."""

    poll: Poll
    truth: dict[UUID, str]
    order: list[UUID]  # in which they voted
    statements: list[tuple[str, str]]
    wal: bytes
    logs: str

    def links(self, guess: dict[UUID, str]) -> int:
        """How many more a guess gets right than saying the same of everybody would."""
        right = sum(self.truth[m] == c for m, c in guess.items())
        same = (
            max(sum(t == c for t in (self.truth[m] for m in guess)) for c in CHOICES)
            if guess
            else 0
        )
        return max(0, right - same)


@pytest.fixture(scope="module")
def stolen(server: str) -> Iterator[Stolen]:
    with fresh(server) as url:
        engine = db.connect(url, size=5)
        files = changed(
            "secret",
            ('"yes", "no", "abstain"', '"canary_for", "canary_against"'),
            ("2*yes > roll", "2*canary_for > roll"),
        )
        files["process.toml"] = files["process.toml"].split("[tasks.ballot.poll.labels]")[0]
        union = Union.built(engine, files)
        names = delegates(union, 100)
        poll = Poll.opened(union)
        written: list[tuple[str, str]] = []
        event.listen(
            engine,
            "before_cursor_execute",
            lambda _c, _k, sql, values, *_: written.append((sql, repr(values))),
        )
        stream, logger = Lines(), logging.getLogger()
        logger.addHandler(stream)
        level = logger.level
        logger.setLevel(logging.DEBUG)
        dice = random.Random(11)
        dice.shuffle(names)
        truth: dict[UUID, str] = {}
        for name in names:
            union.at = union.at + timedelta(seconds=dice.randint(5, 90))
            truth[union.people[name]] = choice = dice.choice(CHOICES)
            actor, sealed = union.actor(name), poll.seal(choice)

            def cast(session: db.Session, actor: Any = actor, sealed: bytes = sealed) -> edge.Reply:
                def reply() -> edge.Reply:
                    return edge.Reply(
                        200, json.dumps({"receipt": voting.cast(session, actor, poll.id, sealed)})
                    )

                return edge.once(
                    session,
                    actor,
                    str(actor.id),
                    edge.request_hash("POST", "/ballot", sealed),
                    reply,
                )

            union.timed(lambda cast=cast: db.again(engine, cast))
        poll.close()
        poll.join("d0")
        poll.join("d1")
        poll.sign()
        logger.setLevel(level)
        logger.removeHandler(stream)
        (folder_,) = union.ask("SELECT current_setting('data_directory')")[0]
        yield Stolen(
            poll,
            truth,
            [union.people[n] for n in names],
            written,
            log_of(folder_),
            "\n".join(stream.lines),
        )
        db.release(url)


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def log_of(data_directory: str) -> bytes:
    """The write-ahead log of the server as it lies on the disk."""
    from pathlib import Path

    return b"".join(
        p.read_bytes() for p in sorted(Path(data_directory, "pg_wal").glob("0*")) if p.is_file()
    )


def by_rank(stolen: Stolen, voters: list[UUID]) -> dict[UUID, str]:
    """The n-th voter with the n-th row of the urn, as it lies in its file."""
    urn = stolen.poll.union.ask("SELECT choices FROM urn ORDER BY ctid")
    return {voter: row.choices[0] for voter, row in zip(voters, urn, strict=True)}


def test_the_hundred_are_counted_right(stolen: Stolen) -> None:
    outcome = stolen.poll.union.row(stolen.poll.instance).facts["ballot"]
    assert {c: outcome[c] for c in CHOICES} == {
        c: list(stolen.truth.values()).count(c) for c in CHOICES
    }


def test_attack_1_transaction_numbers_join_nobody(stolen: Stolen) -> None:
    ask = stolen.poll.union.ask
    assert (
        len(ask("SELECT DISTINCT xmin FROM urn"))
        == len(ask("SELECT DISTINCT xmin FROM board"))
        == 1
    )
    voters = {str(r[0]) for r in ask("SELECT xmin FROM roll UNION SELECT xmax FROM roll")}
    assert not voters & {str(r[0]) for r in ask("SELECT xmin FROM urn")}


def test_attack_2_the_order_in_the_files_says_nothing(stolen: Stolen) -> None:
    ask = stolen.poll.union.ask
    codes = [r.code for r in ask("SELECT code FROM urn ORDER BY ctid")]
    receipts = [r.receipt for r in ask("SELECT receipt FROM board ORDER BY ctid")]
    assert codes == sorted(codes) and receipts == sorted(
        receipts
    )  # a random order that is known to everybody anyway
    rolled = [r.member_id for r in ask("SELECT member_id FROM roll ORDER BY ctid")]
    assert stolen.links(by_rank(stolen, stolen.order)) <= chance(stolen)
    assert stolen.links(by_rank(stolen, rolled)) <= chance(stolen)


def chance(stolen: Stolen) -> int:
    """How much better than one answer for everybody luck is in one of a thousand tries."""
    dice, choices = random.Random(5), list(stolen.truth.values())
    luck = []
    for _ in range(1000):
        guess = dice.sample(choices, len(choices))
        luck.append(stolen.links(dict(zip(stolen.truth, guess, strict=True))))
    return max(luck)


def test_attack_3_what_was_written_names_no_choice_before_the_count(stolen: Stolen) -> None:
    first = next(n for n, (sql, _) in enumerate(stolen.statements) if "INSERT INTO urn" in sql)
    for sql, values in stolen.statements[:first]:
        if sql.lstrip().startswith(("INSERT", "UPDATE", "WITH")) and any(
            c in values for c in CHOICES
        ):
            assert "UPDATE poll" in sql or "UPDATE instance" in sql, sql  # the options themselves
            assert not any(str(m) in values for m in stolen.truth), sql
    (_, urn), members = stolen.statements[first], [str(m) for m in stolen.truth]
    assert not any(m in urn for m in members)
    places = [
        stolen.wal.find(r.code.encode())
        for r in stolen.poll.union.ask("SELECT code FROM urn ORDER BY code")
    ]
    written = [p for p in places if p >= 0]
    assert written and written == sorted(
        written
    )  # the log has the ballots in the order of their codes, too


def test_attack_4_no_column_says_when(stolen: Stolen) -> None:
    for table in (
        tables.box,
        tables.envelope,
        tables.board,
        tables.urn,
        tables.teller_key,
        tables.teller_part,
    ):
        assert not [
            c.name
            for c in table.columns
            if "TIME" in str(c.type).upper() or "DATE" in str(c.type).upper()
        ]
        assert not [c.name for c in table.columns if c.identity or c.autoincrement is True]
    moments = [r.at for r in stolen.poll.union.ask("SELECT at FROM roll WHERE at IS NOT NULL")]
    assert len(moments) == 100 and all(m.second == m.microsecond == 0 for m in moments)


def test_attack_5_the_history_has_no_receipt_and_no_order(stolen: Stolen) -> None:
    ask = stolen.poll.union.ask
    bodies = [r.body for r in ask("SELECT body FROM event")]
    secrets = [r.code for r in ask("SELECT code FROM urn")] + [
        r.receipt for r in ask("SELECT receipt FROM board")
    ]
    assert not [b for b in bodies for s in secrets if s in b]
    for body in map(json.loads, bodies):
        said = json.dumps(body)
        if any(c in said for c in CHOICES):
            named = {name for name, key in stolen.poll.union.people.items() if str(key) in said}
            assert named <= set(WORDS), body["kind"]  # the tellers, for what they did
    cast = stolen.poll.union.body(stolen.poll.instance, "ballots_cast")
    assert cast["voters"] == sorted(
        map(str, stolen.truth)
    ) and "ballot_cast" not in stolen.poll.union.events(stolen.poll.instance)


def test_attack_6_logs_and_kept_replies_know_no_choice(stolen: Stolen) -> None:
    replies = stolen.poll.union.ask("SELECT member_id, body, request FROM reply")
    assert len(replies) == 100 and not any(
        c in r.body + r.request for r in replies for c in CHOICES
    )
    codes = {r.code for r in stolen.poll.union.ask("SELECT code FROM urn")}
    assert not codes & {json.loads(r.body)["receipt"] for r in replies}
    assert not any(c in stolen.logs for c in (*CHOICES, *codes))
    everything = dump(stolen.poll.union)
    for line in everything.split(
        "\n"
    ):  # no row of any table has a voter and a choice in it, but for the tellers' own
        if any(str(m) in line for m in stolen.truth) and any(c in line for c in CHOICES):
            assert stolen.poll.id.hex in line.replace("-", "") or str(stolen.poll.instance) in line
            assert sum(str(m) in line for m in stolen.truth) <= 3 or "voters" not in line


# --- many at once ---------------------------------------------------------------------------------------------------------
def crowd(server: str, count: int, threads: int) -> float:
    """All vote at once; gives the seconds. Whatever was acknowledged is on the board and in the urn."""
    with fresh(server) as url:
        engine = db.connect(url, size=threads)
        union = Union.built(engine, folder("secret"))
        names = delegates(union, count)
        poll = Poll.opened(union)
        work = [(union.actor(name), poll.seal(random.choice(SLIP.choices))) for name in names]
        receipts: list[str] = []
        begin = threading.Barrier(threads + 1)

        def vote(mine: list[Any]) -> None:
            begin.wait()
            for actor, sealed in mine:
                receipts.append(union.do(actor, voting.cast, poll.id, sealed))

        running = [threading.Thread(target=vote, args=(work[n::threads],)) for n in range(threads)]
        for thread in running:
            thread.start()
        with db.transaction(
            engine
        ) as session:  # somebody holds the instance all the while: nobody minds
            session.execute(
                text("SELECT 1 FROM instance WHERE id = :i FOR UPDATE"), {"i": poll.instance}
            )
            begin.wait()
            start = time.perf_counter()
            for thread in running:
                thread.join()
            taken = time.perf_counter() - start
        assert len(set(receipts)) == count
        poll.close()
        poll.join("d0")
        poll.join("d1")
        poll.sign()
        assert sorted(r.receipt for r in union.ask("SELECT receipt FROM board")) == sorted(receipts)
        assert poll.count("urn") == count and poll.report().holds
        union.whole()
        db.release(url)
    return taken


def test_sixty_voters_at_once_while_the_matter_is_held_by_another(server: str) -> None:
    crowd(server, 60, 20)


@pytest.mark.prove
def test_a_thousand_voters_at_once(server: str) -> None:
    taken = crowd(server, 1000, 24)
    print(f"1,000 voters: {taken:.1f} s")


@pytest.mark.parametrize("rounds", [6, pytest.param(200, marks=pytest.mark.prove)])
def test_what_was_acknowledged_at_the_close_is_counted(server: str, rounds: int) -> None:
    with fresh(server) as url:
        engine = db.connect(url, size=16)
        union = Union.built(engine, changed("secret", ('early = "all"', 'early = "never"')))
        names = delegates(union, 12)
        actors, secretary = {n: union.actor(n) for n in names}, union.actor("secretary")
        for n in range(rounds):
            poll = Poll.opened(union)
            sealed = {name: poll.seal("yes") for name in names}
            acknowledged: list[str] = []
            begin = threading.Barrier(len(names) + 1)

            def vote(
                name: str,
                poll: Poll = poll,
                sealed: Any = sealed,
                got: Any = acknowledged,
                begin: Any = begin,
            ) -> None:
                begin.wait()
                time.sleep(random.random() * 0.03)
                try:
                    got.append(union.do(actors[name], voting.cast, poll.id, sealed[name]))
                except EngineError as fault:
                    assert isinstance(fault, Conflict), fault

            running = [threading.Thread(target=vote, args=(name,)) for name in names]
            for thread in running:
                thread.start()
            begin.wait()
            time.sleep(random.random() * 0.03)
            union.do(secretary, polls.close, poll.id)
            for thread in running:
                thread.join()
            board = [
                r.receipt
                for r in union.ask("SELECT receipt FROM board WHERE poll_id = :p", p=poll.id)
            ]
            assert sorted(board) == sorted(acknowledged), n
            assert poll.count("envelope") == len(board)
        union.whole()
        db.release(url)


def test_a_ballot_at_the_last_moment_and_one_after(union: Union) -> None:
    poll = Poll.opened(union)
    sealed = [poll.seal("yes"), poll.seal("no")]
    union.at = union.one("SELECT closes_at FROM poll WHERE id = :p", p=poll.id) - timedelta(
        microseconds=1
    )
    union.do("d3", voting.cast, poll.id, sealed[0])
    union.at = union.at + timedelta(microseconds=1)
    with pytest.raises(Conflict, match="已截止"):
        union.do("d4", voting.cast, poll.id, sealed[1])
    with clock.set_to(union.at):
        assert poll.box("d4").voted_at is None and poll.box("d3").voted_at is not None


# --- on another machine ---------------------------------------------------------------------------------------------------
PACK_EDITS = {
    "a receipt taken away": (lambda line: line["board"].pop(), "receipts"),
    "a receipt doubled": (lambda line: line["board"].append(line["board"][0]), "receipts"),
    "a choice changed": (lambda line: line["urn"][0][1].append("no"), "ballots"),
    "a ballot put in": (lambda line: line["urn"].append([NEW, ["yes"]]), "ballots"),
}


def test_the_evidence_pack_proves_the_ballots(counted: Poll, tmp_path: Any) -> None:
    from webui.http import evidence

    union, key = counted.union, keys.load_or_create(tmp_path / "keys")
    secretary = union.actor("secretary")
    with db.transaction(union.engine) as session, clock.set_to(union.at):
        pack = evidence.export(session, secretary, counted.instance, Signer(key))
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        archive.extractall(tmp_path / "pack")
    assert verified(tmp_path / "pack") == "PASS 22/22"
    file = tmp_path / "pack" / "ballots.jsonl"
    (line,) = file.read_text().splitlines()
    for edit, word in PACK_EDITS.values():
        changed_line = json.loads(line)
        edit(changed_line)
        file.write_text(json.dumps(changed_line) + "\n")
        manifest(tmp_path / "pack", key, counted.instance)
        said = verified(tmp_path / "pack")
        assert said.startswith("FALSE 14/22 选票 ballots") and word in said
    file.unlink()
    manifest(tmp_path / "pack", key, counted.instance)
    said = verified(tmp_path / "pack")
    assert said.startswith("FALSE 14/22 选票 ballots") and "lists of a secret ballot" in said


def verified(pack: Any) -> str:
    done = subprocess.run(
        [sys.executable, pack / "verify.py", pack], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()[-1]


def manifest(pack: Any, key: keys.SigningKey, instance: UUID) -> None:
    """Write the manifest anew and sign it, as somebody could who edits a file and has the key."""
    names = sorted(
        p.relative_to(pack).as_posix()
        for p in pack.rglob("*")
        if p.is_file() and not p.name.startswith("manifest.")
    )
    lines = [
        f"{hashlib.sha256((pack / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    ]
    whole = "".join(lines).encode()
    (pack / "manifest.sha256").write_bytes(whole)
    said = keys.pack_text(instance, hashlib.sha256(whole).digest(), clock.now(), key.key_id)
    (pack / "manifest.note").write_bytes(keys.note(said, key.sign(said)))


@pytest.mark.parametrize(
    "edit",
    [
        ('early = "all"', 'early = "decided"'),
        ('early = "all"', 'early = "all"\nin_order = true'),
        ('closable = "lane"', 'closable = "passes"'),
        ('keys = "BALLOT-KEYS"\n', ""),
    ],
)
def test_a_process_cannot_ask_for_numbers_before_the_count(edit: tuple[str, str]) -> None:
    assert [
        f
        for f in faults(changed("secret", edit), rulebook(), set())
        if f.what.startswith("无记名投票")
    ]
    assert not [
        f for f in faults(folder("secret"), rulebook(), set()) if f.what.startswith("无记名投票")
    ]


def test_the_window_ends_and_the_box_is_closed(union: Union) -> None:
    poll = Poll.opened(union)
    for n in range(6):
        poll.vote(f"d{n}", "yes")
    timer = union.timer(poll.instance)
    union.at = timer.due_at
    union.do(None, instances.wake, timer.id)
    assert poll.state == "counting" and poll.count("board") == 6
    poll.join("d2")
    poll.join("d1")
    poll.sign()
    assert union.row(poll.instance).facts["ballot"]["passed"] is True
    union.whole()


def test_who_has_a_paper_ballot_casts_no_envelope(engine: Engine) -> None:
    union = Union.built(engine, changed("secret", ("secret = true", "secret = true\npaper = true")))
    delegates(union, 12)
    poll = Poll.opened(union)
    union.do("d0", tellers.give_paper, poll.id, [union.people[f"d{n}"] for n in range(7, 12)])
    with pytest.raises(Conflict, match="纸质票"):
        poll.vote("d7", "yes")
    for n in range(6):
        poll.vote(f"d{n}", "yes" if n else "no")
    poll.close()
    with pytest.raises(Conflict, match="先由两名监票人"):
        poll.join("d0")
    for who in ("d0", "d1"):
        union.do(
            who,
            tellers.enter_paper,
            poll.id,
            {"returned": 5, "invalid": 0, "counts": {"yes": 5, "no": 0, "abstain": 0}},
        )
    poll.join("d0")
    poll.join("d1")
    poll.sign()
    outcome = union.row(poll.instance).facts["ballot"]
    assert (outcome["yes"], outcome["no"], outcome["returned"]) == (
        10,
        1,
        11,
    ) and poll.report().holds
    union.whole()


@pytest.mark.parametrize(
    "edit",
    [
        ('closable = "lane"', 'closable = "lane"\npresider = "nobody"'),
        ('closable = "lane"', 'closable = "lane"\npresider = "voters"'),
    ],
)
def test_who_presides_is_a_lane_and_not_the_voters_own(edit: tuple[str, str]) -> None:
    files = changed("secret", edit)
    roll = tomllib.loads(files["process.toml"])["tasks"]["ballot"]["poll"]["roll"]
    files["process.toml"] += f"\n[lanes.voters]\ntitle = \"表决人\"\nperson = '{roll}'\n"
    assert [f for f in faults(files, rulebook(), set()) if "主持" in f.what + f.advice]
    sound = {**files, "process.toml": files["process.toml"].replace(edit[1], edit[0])}
    assert not [f for f in faults(sound, rulebook(), set()) if "主持" in f.what + f.advice]


@pytest.mark.parametrize(
    ("folder", "at", "post", "fault"),
    [
        ("errand", 'kind = "rating"', "delegation_head", ""),
        ("errand", 'kind = "rating"', "nobody_at_all", "不存在"),
        ("secret", "secret = true", "delegation_head", "无记名投票和保密事项"),
    ],
)
def test_remarks_are_told_by_a_post_and_never_of_a_sealed_ballot(
    folder: str, at: str, post: str, fault: str
) -> None:
    files = changed(folder, (at, f'remarks = "{post}"\n{at}'))
    found = [f.what for f in faults(files, rulebook(), {"delegation_head"}) if "remarks" in f.what]
    assert bool(found) == bool(fault) and all(fault in each for each in found)
