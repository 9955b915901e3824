"""Two meetings in one hall: one check-in, two rolls, two quorums; a vote is that of the one which decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engine import scenarios
from engine.db import tables
from engine.definitions import check
from engine.definitions.loading import load
from engine.instance import halls
from engine.instance.union_law import rulebook
from engine.messages import CHINESE
from engine.people import organisation
from engine.queries import certificates
from tests.engine.sessions import STANDARD, people, put, start
from tests.engine.shared_hall import shared

if TYPE_CHECKING:
    from sqlalchemy import Engine


def told(engine: Engine, story: dict[str, Any]) -> None:
    played = scenarios.play(engine, story, shared(), STANDARD)
    assert played.ok, played.why


def hall(subject: str, staff: int, both: int, members: int) -> dict[str, Any]:
    """Nine delegates of the staff, the first six of the members too, three of the members alone; so
    many of each have come, by the code of the one door.
    """
    story = start(9, staff)
    for name in people(6):
        story["cast"][name] = ["formal_delegate@info", "member_delegate@info"]
    alone = [f"会员{n}" for n in range(3)]
    story["cast"] |= {name: ["member_delegate@info"] for name in alone}
    story["cast"]["保留"] = ["member_delegate@info", "retained_member@info"]
    story["step"][0]["with"] = {"subject": subject}
    story["step"][1]["who"] = [*people(both), *people(9)[6 : 6 + staff - both], *alone[:members]]
    return story


@pytest.mark.parametrize(("subject", "roll"), [("职工", 9), ("会员", 9)])
def test_one_check_in_counts_in_each(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, subject: str, roll: int
) -> None:
    """Six sit in both; with three more of each both are full, and each vote has its own roll; its
    certificate names the one that decided.
    """
    story = hall(subject, 9, 6, 3)
    yes = [*people(6), *([f"会员{n}" for n in range(3)] if subject == "会员" else people(9)[6:])]
    other = "代表庚" if subject == "会员" else "会员0"
    ballot = {"does": "respond", "task": "vote", "with": {"choice": "yes"}}
    story["step"] += [
        put(),
        {**ballot, "who": other, "refused": "not_found"},
        {**ballot, "who": "保留", "refused": "not_found"},
        {**ballot, "who": yes},
        {"who": "主席团主席", "does": "close_poll", "task": "vote"},
    ]
    kept: list[dict[str, Any]] = []

    def composed(_files: object, _kind: str, data: dict[str, Any]) -> bytes:
        kept.append(data)
        return b""

    monkeypatch.setattr("engine.documents.pdf.composed", composed)
    with scenarios.begun(engine, story, shared(), STANDARD, first=len(story["step"])) as stage:
        last = select(tables.poll.c.id, tables.poll.c.outcome).order_by(tables.poll.c.id.desc())
        closed = last.where(tables.poll.c.state == "closed", tables.poll.c.meeting_id.is_not(None))
        poll = stage.session.execute(closed.limit(1)).one()
        chair = select(tables.member.c.id).where(tables.member.c.name == "主席团主席")
        actor = organisation.actor(stage.session, stage.session.execute(chair).scalar_one())
        certificates.certificate(stage.session, actor, poll.id, "", CHINESE)
    numbers = [poll.outcome[key] for key in ("roll", "yes", "present_at_opening")]
    assert numbers == [roll, 9, 9] and kept[0]["instance"]["body"] == subject


@pytest.mark.parametrize(("subject", "code"), [("职工", ""), ("会员", "no_quorum")])
def test_a_body_without_quorum_stops_its_own_vote_only(
    engine: Engine, subject: str, code: str
) -> None:
    """Six of nine of the staff are there; of the members' nine only three."""
    story = hall(subject, 6, 3, 0)
    story["step"].append(put(code))
    told(engine, story)


def test_who_leaves_in_the_window_of_one_body(engine: Engine) -> None:
    """Of the members six are there, which is the quorum; one leaves, the vote stands still; a
    delegate of the staff alone leaves, and nothing happens.
    """
    story = hall("会员", 8, 5, 1)
    ballot = {"does": "respond", "task": "vote", "with": {"choice": "yes"}}
    door = {"task": "session"}
    story["step"] += [
        put(),
        {"who": "代表庚", "does": "leave", **door},
        {**ballot, "who": "代表甲"},
        {"who": "会员0", "does": "leave", **door},
        {**ballot, "who": "代表乙", "refused": "no_quorum"},
        {"who": "会员1", "does": "arrive", **door},
        {**ballot, "who": [*people(5)[1:], "会员1"]},
        {"who": "主席团主席", "does": "close_poll", "task": "vote"},
    ]
    numbers = {"present_at_opening": 6, "present_least": 5, "present": 6, "roll": 9, "yes": 6}
    story["ends"] = {"facts": {f"vote.{name}": n for name, n in numbers.items()}}
    told(engine, story)


def test_the_office_seats_people_of_both_by_one_list(engine: Engine) -> None:
    story = hall("会员", 6, 6, 0)
    both = {"members": ["member:会员0", "member:会员1", "member:代表庚"]}
    story["step"] += [
        {"who": "主席团主席", "does": "seat", "task": "session", "with": both},
        {"who": "主席团主席", "does": "open_meeting", "task": "members", "refused": "not_called"},
        put(),
    ]
    story["step"] += [
        {"who": people(6), "does": "respond", "task": "vote", "with": {"choice": "yes"}},
        {"who": "主席团主席", "does": "close_poll", "task": "vote"},
    ]
    story["ends"] = {"facts": {"vote.present_at_opening": 8, "vote.passed": True}}
    told(engine, story)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"decides": ""}, "beside 和 decides 应当一起写。"),
        ({"beside": '"put"'}, "put 不是可以与之同时召开的会议。"),
        ({"beside": '"members"'}, "members 不是可以与之同时召开的会议。"),
        ({"decides": "'nobody.knows'"}, "nobody"),
    ],
)
def test_a_shared_hall_is_checked(changed: dict[str, str], said: str) -> None:
    found = [str(fault) for fault in check.faults(shared(**changed), rulebook(), set())]
    assert any(said in fault for fault in found), found


def test_meetings_of_one_hall_stand_in_one_lane() -> None:
    files = shared()
    files["process.bpmn"] = files["process.bpmn"].replace(
        "<bpmn:flowNodeRef>members</bpmn:flowNodeRef>", ""
    )
    found = [str(fault) for fault in check.faults(files, rulebook(), set())]
    assert any("不在一条泳道里" in fault for fault in found), found


def test_a_hall_names_its_meetings_from_each_of_them() -> None:
    process = load(shared())
    assert halls.of(process, "members") == halls.of(process, "session")
    assert halls.of(process, "session") == ("session", "members")
