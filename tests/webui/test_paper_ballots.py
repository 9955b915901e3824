"""Ballots on paper: numbered pads with their ledger, and the tally sheet; no ballot bears a number."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from engine import db
from engine.commands import pads, polls, tellers
from engine.documents import reading
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import pads as ledger
from tests.webui.hall import Hall

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.webui.conftest import Browser, House


@pytest.fixture
def voting(house: House) -> Hall:
    return Hall(house).election()


def _events(hall: Hall) -> list[tuple[int, int]]:
    with db.transaction(hall.house.engine) as session:
        bodies = session.execute(
            text("SELECT body FROM event WHERE kind = 'ballots_printed' ORDER BY seq")
        ).scalars()
        return [(each["first"], each["last"]) for each in map(json.loads, bodies)]


def test_pads_are_numbered_on_and_only_printed_ones_are_given(
    voting: Hall, client: Callable[[str], Browser]
) -> None:
    poll = voting.poll("elect")
    page, teller = f"/polls/{poll}", client("d2")
    assert "印制选票和计票单（已印 0 张）" in teller.get(page).text
    assert "印制选票" not in client("d5").get(page).text
    assert teller.get(f"{page}/papers/ballots.pdf").status_code == 422  # nothing is on record yet
    for ballots in ("3", "2"):
        assert teller.post(f"{page}/pads", data={"ballots": ballots}).status_code == 303
    assert teller.post(f"{page}/pads", data={"ballots": "0"}).status_code == 422
    assert _events(voting) == [(1, 3), (4, 5)]
    assert (
        "选票 001 至 005 号，共 5 张；按编号先后发出 0 张，收回 0 张，未用 5 张。"
        in teller.get(page).text
    )
    voting.house.do("d2", tellers.give_paper, poll, _people(voting, 4, 5, 6))
    assert "发出 3 张，收回 0 张，未用 2 张。" in teller.get(page).text
    with pytest.raises(Invalid, match="只剩 2 张"):
        voting.house.do("d2", tellers.give_paper, poll, _people(voting, 0, 1, 7))


def test_ballots_taken_back_are_handed_out_no_more(
    voting: Hall, client: Callable[[str], Browser]
) -> None:
    """Ten are printed, 3 and 4 spoiled in print; three go out (1, 2, 5), the rest is taken back."""
    poll, house = voting.poll("elect"), voting.house
    page, teller = f"/polls/{poll}", client("d2")
    teller.post(f"{page}/pads", data={"ballots": "10"})

    def back(first: int, last: int, reason: str = "印坏", who: str = "d2") -> int:
        given = {"back_first": str(first), "back_last": str(last), "back_reason": reason}
        return client(who).post(f"{page}/pads/back", data=given).status_code

    assert back(3, 4) == 303
    for first, last in ((4, 5), (3, 3), (10, 11), (0, 1), (6, 5)):
        assert back(first, last) == 422, (first, last)
    assert back(6, 6, " ") == 422 and back(6, 6, who="d5") == 404
    house.do("d2", tellers.give_paper, poll, _people(voting, 4, 5, 6))
    shown = teller.get(page).text
    assert "发出 3 张，收回 2 张，未用 5 张。" in shown and "006—010" in shown
    assert back(5, 6) == 422  # 5 went out
    told = teller.post(f"{page}/pads/back", data={"back_first": "2", "back_last": "6"}).text
    assert "未用的选票编号是：006—010" in told
    house.do("chair", polls.close, poll)
    assert back(6, 10, "发完剩下") == 303
    shown = teller.get(page).text
    assert "发出 3 张，收回 7 张，未用 0 张。" in shown and "003—004、006—010" in shown
    with db.transaction(house.engine) as session:
        bodies = session.execute(
            text("SELECT body FROM event WHERE kind = 'ballots_taken_back' ORDER BY seq")
        ).scalars()
        told = [(each["first"], each["last"], each["reason"]) for each in map(json.loads, bodies)]
    assert told == [(3, 4, "印坏"), (6, 10, "发完剩下")]


def test_what_was_taken_back_cannot_be_given(voting: Hall) -> None:
    poll, house = voting.poll("elect"), voting.house
    house.do("d2", pads.print_pad, poll, 5)
    house.do("d2", pads.take_back, poll, (2, 4), "印坏")
    with pytest.raises(Invalid, match="只剩 2 张"):
        house.do("d2", tellers.give_paper, poll, _people(voting, 0, 1, 7))
    house.do("d2", tellers.give_paper, poll, _people(voting, 0, 1))
    with pytest.raises(Invalid, match="没有未用的选票"):
        house.do("d2", pads.take_back, poll, (1, 1), "印坏")


@pytest.mark.parametrize("seed", range(20))
def test_ranges_say_the_same_numbers(seed: int) -> None:
    chance = random.Random(seed)
    numbers = sorted(chance.sample(range(1, 30), chance.randint(0, 20)))
    told = ledger.ranges(numbers)
    assert [n for first, last in told for n in range(first, last + 1)] == numbers
    assert all(before[1] + 1 < after[0] for before, after in pairwise(told))


def _people(hall: Hall, *numbers: int) -> list[UUID]:
    return [hall.house.people[f"d{n}"] for n in numbers]


def test_a_ballot_bears_no_number_and_its_candidates_stand_by_strokes(
    voting: Hall, client: Callable[[str], Browser]
) -> None:
    page, teller = f"/polls/{voting.poll('elect')}", client("d3")
    teller.post(f"{page}/pads", data={"ballots": "4"})
    answer = teller.get(f"{page}/papers/ballots.pdf?first=2&last=3")
    assert answer.status_code == 200 and answer.data.startswith(b"%PDF")
    told = reading.text_of(answer.data)
    assert re.findall(r"00\d", told) == ["002", "003"]  # one on each counterfoil, none on a ballot
    for each in re.split("沿此线撕开", told)[1:]:
        ballot = each.partition("存根")[0]
        assert "002" not in ballot and "候选人以姓氏笔画为序" in ballot
        assert ballot.index("代表乙") < ballot.index("代表甲") and "不赞成" in ballot
    assert teller.get(f"{page}/papers/ballots.pdf?first=4&last=5").status_code == 422
    word = teller.get(f"{page}/papers/ballots.docx").data
    inside = zipfile.ZipFile(io.BytesIO(word)).read("word/document.xml").decode()
    assert inside.count("存根") == 4 and "赞成" in inside
    sheet = reading.text_of(teller.get(f"{page}/papers/tally.pdf").data)
    assert "计票单" in sheet and "唱票人" in sheet and "代表甲" in sheet and "存根" not in sheet
    assert client("d5").get(f"{page}/papers/tally.pdf").status_code == 404
    assert teller.get(f"{page}/papers/other.pdf").status_code == 404
    assert teller.get(f"{page}/papers/tally.exe").status_code == 404


def test_no_pad_for_strangers_too_many_or_a_poll_without_paper(voting: Hall) -> None:
    poll, house = voting.poll("elect"), voting.house
    with pytest.raises(NotFound):
        house.do("d5", pads.print_pad, poll, 1)
    for ballots in (0, 19):  # nine on the roll: at most twice as many
        with pytest.raises(Invalid):
            house.do("d2", pads.print_pad, poll, ballots)
    house.do("d2", pads.print_pad, poll, 18)
    with pytest.raises(Invalid):
        house.do("d2", pads.print_pad, poll, 1)
    with pytest.raises((NotFound, Conflict)):
        house.do("d2", pads.print_pad, voting.poll("vote"), 1)
    assert _events(voting) == [(1, 18)]


_LINE = """UPDATE poll SET rule = rule || jsonb_build_object('write_in',
  jsonb_build_object('n', 2, 'roll_hash', '', 'wins', true)) WHERE id = :poll"""
_LISTED = "INSERT INTO write_in SELECT :poll, id FROM member WHERE username IN ('d4', 'd5')"


def _writable(hall: Hall) -> UUID:
    """The election with a line for two who are no candidates."""
    poll = hall.poll("elect")
    with db.transaction(hall.house.engine) as session:
        for statement in (_LINE, _LISTED):
            session.execute(text(statement), {"poll": poll})
    return poll


def test_ballots_and_tally_sheet_have_a_line_for_each_seat(
    voting: Hall, client: Callable[[str], Browser]
) -> None:
    page, teller = f"/polls/{_writable(voting)}", client("d3")
    teller.post(f"{page}/pads", data={"ballots": "1"})
    ballot = reading.text_of(teller.get(f"{page}/papers/ballots.pdf").data)
    assert "另选他人" in ballot and "另选的人获得规定票数的同样当选" in ballot
    assert "另选" in reading.text_of(teller.get(f"{page}/papers/tally.pdf").data)


def test_tellers_enter_names_of_the_list_only(
    voting: Hall, client: Callable[[str], Browser]
) -> None:
    poll = _writable(voting)
    everybody = _people(voting, *range(9))
    voting.house.do("d2", tellers.give_paper, poll, everybody)
    page = f"/polls/{poll}"
    voting.house.do("chair", polls.close, poll)
    shown = client("d2").get(page).text
    listed = re.findall(r'<option value="([^"]+)"></option>', shown)
    assert len(listed) == 2 and shown.count('name="w.') == 8
    counts = {f"n.{c}": "0" for c in re.findall(r'name="n\.([^"]+)"', shown)}
    given = {"returned": "9", "invalid": "0", **counts, "n.abstain": "4"}
    for wrong in ("没有这个人", listed[0]):
        lines = {"w.0": listed[0], "v.0": "5", "w.1": wrong, "v.1": "1"}
        assert client("d2").post(f"{page}/paper", data={**given, **lines}).status_code == 422
    too_many = {"w.0": listed[0], "v.0": "6"}
    assert client("d2").post(f"{page}/paper", data={**given, **too_many}).status_code == 422
    lines = {"w.0": listed[0], "v.0": "5"}
    assert client("d2").post(f"{page}/paper", data={**given, **lines}).status_code == 303
    again = client("d2").get(page).text
    assert re.search(f'name="w.0"[^>]*value="{re.escape(listed[0])}"', again, re.S), "it is shown"
