"""Who is in a lane, and what a room keeps from those who are not: seat, person, unit and union, each by itself. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from engine.definitions.process import Lane
from engine.definitions.words import Words
from engine.errors import EngineError, ProcessFault
from engine.instance import confided, lanes, rooms
from engine.instance.confided import Doors
from engine.instance.context import Context
from engine.people.organisation import Actor, Held

UNION, OTHER, COLLEGE, ABOVE, PERSON, SECOND = (UUID(int=n) for n in range(1, 7))
HERE: dict[str, Any] = {"id": UUID(int=9), "union_id": UNION, "unit_id": COLLEGE, "superior": ABOVE}


def person(*held: tuple[str, UUID, UUID], key: UUID = PERSON) -> Actor:
    """Somebody with posts, each (kind, unit, union of the unit)."""
    return Actor(key, "张敏", UNION, COLLEGE, tuple(Held(*post) for post in held))


def lane(post: str = "", unit: str = "", person: str = "") -> Lane:
    return Lane("lane", Words("泳道", "Lane"), post, unit, person)


def run(actor: Actor | None, session: Any = None, **facts: Any) -> Context:
    row = {
        **HERE,
        "starter_id": SECOND,
        "number": "1",
        "title": "",
        "facts": facts,
        "rounds": {},
        "seq": 1,
        "head": bytes(32),
        "started_at": datetime(2026, 3, 2, tzinfo=UTC),
        "union_law": [[], [], {}, ""],
    }
    return Context(session, actor, row, cast("Any", None))


SECRETARY = person(("union_secretary", UNION, UNION))
AT_COLLEGE = person(("union_secretary", COLLEGE, UNION))
ELSEWHERE = person(("union_secretary", OTHER, OTHER))
HEAD = person(("unit_head", COLLEGE, UNION))
NOBODY = person()

CASES: dict[str, tuple[Lane, dict[str, Any], Actor, bool]] = {
    "a post of the union": (lane("union_secretary", "union"), {}, SECRETARY, True),
    "a post of the union held in one of its units": (
        *(lane("union_secretary", "union"), {}),
        *(AT_COLLEGE, True),
    ),
    "the same post in another union": (lane("union_secretary", "union"), {}, ELSEWHERE, False),
    "another post in this union": (lane("union_secretary", "union"), {}, HEAD, False),
    "no post": (lane("union_secretary", "union"), {}, NOBODY, False),
    "a post of a unit that a fact names": (
        *(lane("unit_head", "assign.lead"), {"assign": {"lead": str(COLLEGE)}}),
        *(HEAD, True),
    ),
    "the same post of another unit": (
        *(lane("unit_head", "assign.lead"), {"assign": {"lead": str(OTHER)}}),
        *(HEAD, False),
    ),
    "another post of that unit": (
        *(lane("unit_head", "assign.lead"), {"assign": {"lead": str(COLLEGE)}}),
        *(AT_COLLEGE, False),
    ),
    "a post of the matter's own unit": (lane("unit_head", "unit"), {}, HEAD, True),
    "a post of another unit than the matter's": (lane("unit_head", "unit"), {}, SECRETARY, False),
    "one person": (lane(person="launch.mover"), {"launch": {"mover": str(PERSON)}}, NOBODY, True),
    "another person": (
        *(lane(person="launch.mover"), {"launch": {"mover": str(SECOND)}}),
        *(NOBODY, False),
    ),
    "one of several": (
        *(lane(person="put.who"), {"put": {"who": [str(SECOND), str(PERSON)]}}),
        *(NOBODY, True),
    ),
    "none of several": (lane(person="put.who"), {"put": {"who": [str(SECOND)]}}, SECRETARY, False),
    "nobody yet": (lane(person="launch.mover"), {"launch": {"mover": None}}, NOBODY, False),
    "a person's posts do not make him another person": (
        *(lane(person="launch.mover"), {"launch": {"mover": str(SECOND)}}),
        *(SECRETARY, False),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_who_is_in_a_lane(case: str) -> None:
    """For a command and for a page the same."""
    where, facts, actor, belongs = CASES[case]
    assert lanes.includes_actor(run(actor, **facts), where) is belongs
    assert lanes.may_include_actor(run(actor, **facts), where) is belongs


def test_a_job_is_in_no_lane() -> None:
    assert lanes.includes_actor(run(None), lane("union_secretary", "union")) is False
    assert (
        lanes.includes_actor(run(None, launch={"mover": "None"}), lane(person="launch.mover"))
        is False
    )


def test_whom_a_lane_means() -> None:
    asked = run(SECRETARY, launch={"mover": str(PERSON), "none": "", "all": [str(PERSON), "2"]})
    assert lanes.people_of(asked, lane("union_secretary", "union")) == (
        f"union_secretary@{UNION}",
        [],
    )
    assert lanes.people_of(asked, lane("unit_head", "unit")) == (f"unit_head@{COLLEGE}", [])
    assert lanes.people_of(asked, lane(person="launch.mover")) == (None, [str(PERSON)])
    assert lanes.people_of(asked, lane(person="launch.all")) == (None, [str(PERSON), "2"])
    assert lanes.people_of(asked, lane(person="launch.none")) == (None, [])


def test_a_lane_without_a_unit_is_a_fault_of_the_process() -> None:
    asked = run(SECRETARY, assign={"lead": None})
    with pytest.raises(ProcessFault, match="泳道“泳道”没有对应的单位"):
        lanes.people_of(asked, lane("unit_head", "assign.lead"))
    with pytest.raises(EngineError):
        lanes.includes_actor(run(HEAD), lane("unit_head", "assign.lead"))
    assert not lanes.may_include_actor(run(HEAD), lane("unit_head", "assign.lead"))


def test_who_runs_a_task_on_a_page() -> None:
    """Nobody while its lane means nobody, or where it has none."""
    tasks = {
        "mine": SimpleNamespace(lane="office"),
        "theirs": SimpleNamespace(lane="head"),
        "unknown": SimpleNamespace(lane="lead"),
        "free": SimpleNamespace(lane=""),
    }
    known = {
        "office": lane("union_secretary", "union"),
        "head": lane("unit_head", "unit"),
        "lead": lane("unit_head", "assign.lead"),
    }
    asked = run(SECRETARY, assign={"lead": None})
    asked.process = cast("Any", SimpleNamespace(tasks=tasks, lanes=known))
    assert {key: lanes.runs_task(asked, key) for key in tasks} == {
        "mine": True,
        "theirs": False,
        "unknown": False,
        "free": False,
    }


def superior_is(found: UUID | None) -> Any:
    """A session that knows which union is above, and nothing else."""
    return SimpleNamespace(execute=lambda _query: SimpleNamespace(scalar=lambda: found))


def test_a_lane_of_the_superior_union_and_one_of_several_units() -> None:
    above = person(("superior_officer", ABOVE, ABOVE))
    plan = {"units": [str(OTHER), str(COLLEGE)]}
    asked = run(above, superior_is(ABOVE), plan=plan)
    assert lanes.may_include_actor(asked, lane("superior_officer", "superior"))
    asked = run(above, superior_is(None), plan=plan)
    assert not lanes.may_include_actor(asked, lane("superior_officer", "superior"))
    assert not lanes.may_include_actor(run(above, plan=plan), lane("superior_officer", "unit"))
    assert lanes.may_include_actor(run(HEAD, plan=plan), lane("unit_head", "plan.units"))
    assert not lanes.may_include_actor(run(SECRETARY, plan=plan), lane("unit_head", "plan.units"))


# --- rooms --------------------------------------------------------------------------------------------------------------
AUDITOR = person(("auditor", UNION, UNION))
FAR_AUDITOR = person(("auditor", OTHER, OTHER))
LANES = {"head": lane("unit_head", "union"), "mover": lane(person="launch.mover")}
TASKS = {
    "open": SimpleNamespace(form=None, poll=None, room=()),
    "talk": SimpleNamespace(form=None, poll=None, room=("mover", "head"), confided=()),
    "note": SimpleNamespace(form=None, poll=None, room=("mover",), confided=()),
}
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
MOVER = person(key=SECOND)
FACTS = {"launch": {"mover": str(SECOND)}, "open": 1, "talk": 2, "note": 3}


def process(*disclosed_by: str) -> Any:
    seen = {"disclosed_by": frozenset(disclosed_by), "rounds": {}}
    return SimpleNamespace(tasks=TASKS, lanes=LANES, rooms={}, **seen)


def asked_by(who: Actor, confidential: bool, *disclosed_by: str) -> Context:
    asked = run(who, **FACTS)
    asked.row["confidential"], asked.process = confidential, process(*disclosed_by)
    return asked


@pytest.mark.parametrize(
    ("who", "shut"),
    [(MOVER, set()), (HEAD, {"note"}), (SECRETARY, {"talk", "note"}), (NOBODY, {"talk", "note"})],
)
def test_a_room_is_open_to_each_of_its_lanes_and_to_nobody_else(who: Actor, shut: set[str]) -> None:
    assert rooms.closed(asked_by(who, True)) == shut
    assert set(rooms.open_facts(asked_by(who, True))) == set(FACTS) - shut


def test_a_disclosed_matter_opens_its_rooms_to_the_desks_of_its_union_alone() -> None:
    for who in (AUDITOR, SECRETARY):
        assert rooms.closed(asked_by(who, False, "judged")) == set()
        assert rooms.closed(asked_by(who, True, "judged")) == {"talk", "note"}
        assert rooms.closed(asked_by(who, False)) == {"talk", "note"}
    for who in (FAR_AUDITOR, NOBODY):
        assert rooms.closed(asked_by(who, False, "judged")) == {"talk", "note"}


def told(who: Actor, handed: list[str], *there: str) -> Context:
    """A matter in which talks are confided to `there`, as this person reads it."""
    facts = {"launch": {"mover": str(SECOND)}, "talk": "x", "team": list(there), "handed": handed}
    asked = run(who, **facts)
    asked.row["confidential"] = True
    talk = {"form": None, "poll": None, "room": ("mover", "team"), "confided": ("team",)}
    asked.process = cast(
        "Any",
        SimpleNamespace(
            tasks={"talk": SimpleNamespace(id="talk", handed_on="actor in handed", **talk)},
            lanes={"mover": LANES["mover"], "team": lane(person="team")},
            rooms={},
            disclosed_by=frozenset(),
            rounds={},
        ),
    )
    return asked


def test_what_was_confided_is_read_by_those_who_heard_it_and_later_words_by_their_successors() -> (
    None
):
    first, later = person(key=UUID(int=21)), person(key=UUID(int=22))
    one, two = str(first.id), str(later.id)
    said = told(first, [], one)
    confided.note(said, said.process.tasks["talk"])
    heard, began = said.facts[confided.HEARD], confided.said_last(said, "talk")
    assert began is not None

    def read(who: Actor, handed: list[str], known: Any) -> tuple[bool, bool, bool]:
        """Is the fact read, is it by what was said at first, is nothing kept?"""
        asked = told(who, handed, one, two)
        asked.facts[confided.HEARD] = known
        shown = "talk" in rooms.open_facts(asked)
        return shown, rooms.may_read(asked, "talk", began), not rooms.closed(asked)

    assert read(first, [], heard) == read(MOVER, [], heard) == (True, True, True)
    assert read(later, [], heard) == (False, False, False)
    assert read(later, [two], heard) == (True, True, True)
    assert read(later, [one], heard) == (False, False, False)
    after = told(first, [], one, two)
    after.facts[confided.HEARD], after.given = heard, began + timedelta(hours=1)
    confided.note(after, after.process.tasks["talk"])
    assert read(later, [], after.facts[confided.HEARD]) == (True, False, False)
    assert read(first, [], after.facts[confided.HEARD]) == (True, True, True)


def test_a_file_is_behind_a_door_when_it_was_handed_in_there_and_nowhere_else() -> None:
    one, two, three = (str(UUID(int=n)) for n in (11, 12, 13))

    def files(*ids: str) -> list[dict[str, Any]]:
        return [{"id": key, "sha256": "00", "name": "x.pdf"} for key in ids]

    answers = [
        ("talk", {"scans": files(one, two), "note": "x"}, NOON),
        ("open", {"scans": files(two, three)}, NOON),
        ("talk", {"scans": [{"id": one}, "x"]}, NOON),
    ]

    def behind(known: Doors, *fields: str) -> frozenset[UUID]:
        return rooms.files_behind(known, frozenset(fields), answers)

    nothing = Doors(frozenset(), {})
    assert behind(Doors(frozenset({"talk"}), {})) == {UUID(one)}
    assert behind(Doors(frozenset({"open"}), {})) == {UUID(three)}
    assert behind(nothing) == frozenset()
    assert behind(nothing, "talk.scans") == {UUID(one)}
    assert behind(nothing, "talk.note", "launch.scans") == frozenset()
    for since, kept in ((NOON, set()), (NOON + timedelta(seconds=1), {UUID(one)})):
        assert behind(Doors(frozenset(), {"talk": since})) == kept


@pytest.mark.parametrize("about", ["task", "element", "message"])
@pytest.mark.parametrize("said", ["outcome", "choice", "comment", "result", "because"])
def test_what_an_event_repeats_of_a_room_is_left_out(about: str, said: str) -> None:
    body = {"kind": "x", about: "talk", said: "secret", "passed": ["talk"]}
    shut = frozenset({"talk"})
    assert rooms.tells(body, shut)
    assert rooms.redacted(body, shut) == {
        "kind": "x",
        about: "talk",
        "passed": ["talk"],
        "room": "closed",
    }
    for other, doors in (({**body, about: "open"}, shut), (body, frozenset({"note"}))):
        assert not rooms.tells(other, doors)
        assert rooms.redacted(other, doors) == other
    silent = {"kind": "x", about: "talk"}
    assert rooms.redacted(silent, shut) == silent


# --- posts --------------------------------------------------------------------------------------------------------------
def test_a_post_is_held_in_one_union_and_in_none_without_one() -> None:
    assert SECRETARY.holds("union_secretary", UNION)
    assert not SECRETARY.holds("union_secretary", None)
    assert not SECRETARY.holds("union_secretary", OTHER)
    assert not SECRETARY.holds("auditor", UNION)
    both = person(("auditor", OTHER, OTHER), ("union_secretary", UNION, UNION))
    assert not both.holds("auditor", UNION) and not both.holds("union_secretary", OTHER)
    assert both.unions("auditor") == [OTHER]
    assert both.unions("auditor", "union_secretary") == [UNION, OTHER]
    assert both.seats == {f"auditor@{OTHER}", f"union_secretary@{UNION}"}


@pytest.mark.parametrize(
    ("held", "acts"),
    [("union_chair", True), ("president", True), ("unit_head", False), ("", False)],
)
def test_persons_of_a_lane_act_by_one_of_its_posts_only(held: str, acts: bool) -> None:
    """Named for the lane once, they act as long as they hold one of the posts in this union."""
    chiefs = replace(lane(person="sides.chiefs"), holding=("union_chair", "president"))
    actor = person(*([(held, UNION, UNION)] if held else []))
    facts = {"sides": {"chiefs": [str(PERSON), str(SECOND)]}}
    assert lanes.includes_actor(run(actor, **facts), chiefs) is acts
    elsewhere = person(("union_chair", OTHER, OTHER))
    assert not lanes.includes_actor(run(elsewhere, **facts), chiefs)
