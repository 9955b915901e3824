"""A post that opens a confidential matter takes a second person; one that opens nothing does not."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from sqlalchemy import select

from engine import db
from engine.commands import deciding, imports, people, succession
from engine.db import tables
from engine.errors import Conflict, NotFound, Refused
from engine.history import seals
from engine.history.verification import seconded
from engine.instance import openings
from engine.people import access
from engine.queries import people as files
from engine.queries import proposals
from tests.races.union import Union, changed

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

FROM = date(2026, 3, 1)
CLERK = "mediation_clerk"
LATER = '[lanes.later]\ntitle = "以后"\ntitle_en = "Later"\n'


def confidential(*more: tuple[str, str]) -> dict[str, str]:
    """An errand for those named in it, done by the mediation office."""
    return changed(
        "errand",
        ('search = ["launch.subject"]', 'search = ["launch.subject"]\nconfidentiality = "named"'),
        ('post = "union_secretary"', f'post = "{CLERK}"'),
        *more,
    )


@pytest.fixture
def union(engine: Engine) -> Union:
    return Union.built(engine, confidential())


def give(union: Union, who: str | None, to: str, kind: str = CLERK, unit: str = "union") -> Any:
    def work(session: db.Session, *actor: Any) -> UUID:
        by = actor[0] if actor else None
        term = "八届" if kind != CLERK else ""
        place = union.units[unit]
        return people.grant_post(session, by, union.people[to], kind, place, FROM, term=term)

    return union.do(who, work)


def waits(union: Union, post: UUID) -> bool:
    with db.transaction(union.engine) as session:
        return people.waits(session, post)


def entered(union: Union, post: UUID) -> bool:
    return bool(union.ask("SELECT 1 FROM post WHERE id = :p", p=post))


def sees(union: Union, name: str, matter: UUID) -> bool:
    query = select(tables.instance.c.id).where(access.visible(union.actor(name)))
    with db.transaction(union.engine) as session:
        return matter in set(session.execute(query).scalars())


def proposal(union: Union) -> UUID:
    found: UUID = union.one("SELECT id FROM proposal WHERE state = 'proposed'")
    return found


def told(union: Union, name: str) -> tuple[proposals.Waiting, ...]:
    found: tuple[proposals.Waiting, ...] = union.do(name, proposals.waiting)
    return found


def verified(union: Union) -> None:
    with db.transaction(union.engine) as session:
        assert seconded.first_false(session) is None
        assert seals.verify(session, None).broken is None


# --- what waits -----------------------------------------------------------------------------------
def test_a_post_that_opens_nothing_is_given_at_once(union: Union) -> None:
    before = give(union, "secretary", "d1")
    matter = union.launch()
    other = give(union, "secretary", "d2", "presidium_chair")
    college = give(union, "secretary", "d3", "delegation_head", "college")
    far = give(union, "far.secretary", "far.d0", CLERK, "far")
    for post in (before, other, college, far):
        assert entered(union, post) and not waits(union, post)
    assert union.ask("SELECT 1 FROM proposal") == []
    assert sees(union, "d1", matter) and not sees(union, "d2", matter)


def test_a_post_that_opens_a_confidential_matter_opens_it_when_a_second_person_agrees(
    union: Union,
) -> None:
    matter = union.launch()
    post = give(union, "secretary", "d1")
    assert waits(union, post) and not entered(union, post)
    assert not sees(union, "d1", matter)
    (shown,) = union.do("d1", files.member_file, union.people["d1"]).proposed
    assert (shown.kind, shown.from_on) == (CLERK, FROM)
    (own,), (second,), nobody = told(union, "secretary"), told(union, "admin"), told(union, "d1")
    assert (own.mine, own.decides, own.takes_back) == (True, False, True)
    assert (second.decides, second.takes_back, second.whence) == (True, False, "union")
    assert nobody == () and own.link == str(union.people["d1"])
    for who, code in (("secretary", "separated"), ("d1", "self"), ("d2", "refused")):
        with pytest.raises(Refused) as caught:
            union.do(who, deciding.decide, own.id, True)
        assert caught.value.code == code
    assert not sees(union, "d1", matter)
    union.do("admin", deciding.decide, own.id, True)
    assert entered(union, post) and not waits(union, post) and sees(union, "d1", matter)
    granted = union.body(union.units["union"], "post_granted")
    assert granted["actor"]["id"] == str(union.people["admin"])
    assert granted["proposer"] == str(union.people["secretary"])
    assert (granted["post"], granted["second"]) == (str(post), "union")
    with pytest.raises(Conflict):
        union.do("deputy", deciding.decide, own.id, True)
    verified(union)


def test_who_receives_the_post_never_agrees(union: Union) -> None:
    union.launch()
    give(union, "secretary", "deputy")
    with pytest.raises(Refused) as caught:
        union.do("deputy", deciding.decide, proposal(union), True)
    assert caught.value.code == "self"
    assert not told(union, "deputy")[0].decides and told(union, "admin")[0].decides


@pytest.mark.parametrize("again", [False, True])
def test_it_is_refused_or_taken_back_and_can_be_entered_again(union: Union, again: bool) -> None:
    matter, key = union.launch(), give(union, "secretary", "d1")
    with pytest.raises(Conflict):
        give(union, "deputy", "d1")
    for who in ("deputy", "d1"):
        with pytest.raises(Refused) as caught:
            union.do(who, deciding.take_back, proposal(union))
        assert caught.value.code == "not_own"
    if again:
        union.do("secretary", deciding.take_back, proposal(union))
    else:
        union.do("deputy", deciding.decide, proposal(union), False)
    kind = "post_withdrawn" if again else "post_refused"
    assert union.body(union.units["union"], kind)["post"] == str(key)
    assert not entered(union, key) and not waits(union, key) and not sees(union, "d1", matter)
    with pytest.raises(NotFound):
        union.do("secretary", people.end_post, key, FROM, "没有这个")
    verified(union)
    second = give(union, "deputy", "d1")
    union.do("secretary", deciding.decide, proposal(union), True)
    assert entered(union, second)
    verified(union)


def test_the_second_person_is_independent_of_the_first(union: Union) -> None:
    union.launch()
    union.do("admin", people.set_password, union.people["secretary"], "Kz7!abcdEFG")
    give(union, "secretary", "d1")
    with pytest.raises(Refused) as caught:
        union.do("admin", deciding.decide, proposal(union), True)
    assert caught.value.code == "one_hand" and not told(union, "admin")[0].decides
    union.do("deputy", deciding.decide, proposal(union), True)


def test_who_proposed_a_post_made_its_receiver_too(union: Union) -> None:
    """The secretary enters the post of a colleague, who then is no second person to them."""
    union.launch()
    give(union, "secretary", "deputy")
    union.do("admin", deciding.decide, proposal(union), True)
    for proposer, other in (("secretary", "deputy"), ("deputy", "secretary")):
        give(union, proposer, "d1")
        with pytest.raises(Refused) as caught:
            union.do(other, deciding.decide, proposal(union), True)
        assert caught.value.code == "one_hand"
        union.do(proposer, deciding.take_back, proposal(union))
    assert union.at is not None
    union.at += timedelta(days=91)
    give(union, "secretary", "d1")
    union.do("deputy", deciding.decide, proposal(union), True)


def test_a_desk_that_opens_one_is_agreed_to_by_an_administrator(engine: Engine) -> None:
    desk = confidential((f'post = "{CLERK}"', 'post = "union_secretary"'))
    union = Union.built(engine, desk)
    union.launch()
    give(union, "admin", "d1", "union_secretary")
    with pytest.raises(Refused) as caught:
        union.do("deputy", deciding.decide, proposal(union), True)
    assert caught.value.code == "desk"
    union.do("admin2", deciding.decide, proposal(union), True)
    assert union.actor("d1").holds("union_secretary", union.units["union"])


# --- which posts open one -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lane", "opened"),
    [
        ('post = "mediation_chair"\nunit = "union"', True),
        ('person = "holders(\\"mediation_chair\\")"', True),
        ('post = "mediation_chair"\nunit = "check.unit"', True),
        ('post = "mediation_chair"\nunit = "launch.mover"', False),
        ('person = "launch.mover"\nholding = "mediation_chair"', False),
    ],
)
def test_a_lane_to_come_opens_it_as_well(engine: Engine, lane: str, opened: bool) -> None:
    later = f"{LATER}{lane}\n\n[tasks.check]"
    union = Union.built(engine, confidential(("[tasks.check]", later)))
    assert not opens(union, "mediation_chair")
    union.launch()
    assert opens(union, "mediation_chair") is opened
    assert not opens(union, "mediation_chair", "far")


def opens(union: Union, kind: str, unit: str = "union") -> bool:
    key = union.units[unit]
    top = union.units["far" if unit.startswith("far") else "union"]
    with db.transaction(union.engine) as session:
        return openings.opens(session, openings.Seat(kind, key, top))


def test_a_roll_to_come_opens_it_and_an_open_matter_is_none(union: Union) -> None:
    assert not opens(union, "formal_delegate", "college")
    matter = union.launch()
    assert opens(union, "formal_delegate", "college") and opens(union, CLERK)
    union.run("UPDATE instance SET confidential = false WHERE id = :i", i=matter)
    assert not opens(union, "formal_delegate", "college") and not opens(union, CLERK)


def test_a_matter_that_has_ended_still_is_read_by_whom_it_waited_for(union: Union) -> None:
    matter = union.launch()
    union.run("UPDATE instance SET state = 'ended' WHERE id = :i", i=matter)
    assert opens(union, CLERK) and not opens(union, "formal_delegate", "college")


# --- where the union has nobody -------------------------------------------------------------------
def test_where_nobody_else_gives_posts_one_of_the_superior_or_of_the_installation_agrees(
    union: Union,
) -> None:
    """As long as somebody in the union can, nobody outside may; then the history says whence."""
    union.launch("far.d0")
    above = "UPDATE unit SET managing_id = :above WHERE id = :far"
    union.run(above, above=union.units["union"], far=union.units["far"])
    give(union, "far.secretary", "far.d0", CLERK, "far")
    for who in ("secretary", "admin", "auditor"):
        assert told(union, who) == ()
        with pytest.raises(Refused):
            union.do(who, deciding.decide, proposal(union), True)
    union.do(None, leave, union.people["far.admin"])
    assert [w.whence for w in told(union, "secretary")] == ["superior"]
    assert told(union, "auditor") == ()
    union.do("secretary", deciding.decide, proposal(union), True)
    assert union.body(union.units["far"], "post_granted")["second"] == "superior"
    union.run("UPDATE unit SET managing_id = NULL WHERE id = :far", far=union.units["far"])
    post = give(union, "far.secretary", "far.auditor", CLERK, "far")
    assert told(union, "secretary") == ()
    with pytest.raises(Refused):
        union.do("secretary", deciding.decide, proposal(union), True)
    assert [w.whence for w in told(union, "admin")] == ["installation"]
    union.do("admin", deciding.decide, proposal(union), True)
    assert union.body(union.units["far"], "post_granted")["second"] == "installation"
    assert entered(union, post)
    with db.transaction(union.engine) as session:
        assert seconded.first_false(session) is None


def leave(session: db.Session, member_id: UUID) -> None:
    people.change_member(session, None, member_id, active=False)


# --- every way in ---------------------------------------------------------------------------------
def test_the_command_line_proposes_too(union: Union) -> None:
    union.launch()
    post = give(union, None, "d1")
    assert waits(union, post)
    assert [w.proposer for w in told(union, "deputy")] == [""]
    union.do("deputy", deciding.decide, proposal(union), True)
    assert entered(union, post)
    verified(union)


def test_who_takes_a_post_over_waits_too(union: Union) -> None:
    held = give(union, "secretary", "d1")
    union.launch()
    given = union.people["d2"], date(2026, 3, 9), "替补"
    new = union.do("secretary", succession.replace, held, *given)
    assert waits(union, new) and not entered(union, new)


def test_an_import_proposes_and_is_taken_back(union: Union) -> None:
    union.launch()
    rows = [
        ["d1", CLERK, "union", "", "2026-03-01", ""],
        ["d2", "president", "union", "", FROM, ""],
    ]
    batch = union.do("secretary", imports.preview, "posts", "名单.xlsx", sheet(*rows))
    assert [row.level for row in batch.rows] == ["warning", "ok"], batch.rows
    report = union.do("secretary", imports.confirm, batch.id)
    assert (report.created, report.waiting) == (2, 1)
    assert union.ask("SELECT 1 FROM post WHERE kind = :k", k=CLERK) == []
    again = union.do("secretary", imports.preview, "posts", "名单.xlsx", sheet(*rows))
    assert [row.does for row in again.rows] == ["skip", "skip"]
    union.do("secretary", imports.undo, batch.id)
    assert union.ask("SELECT state FROM proposal") == [("withdrawn",)]
    with db.transaction(union.engine) as session:
        assert seconded.first_false(session) is None


def test_an_import_that_was_agreed_to_is_not_taken_back(union: Union) -> None:
    union.launch()
    row = ["d1", CLERK, "union", "", "2026-03-01", ""]
    batch = union.do("secretary", imports.preview, "posts", "名单.xlsx", sheet(row))
    union.do("secretary", imports.confirm, batch.id)
    union.do("deputy", deciding.decide, proposal(union), True)
    with pytest.raises(Conflict):
        union.do("secretary", imports.undo, batch.id)
    assert union.ask("SELECT 1 FROM post WHERE kind = :k", k=CLERK)


def sheet(*rows: list[Any]) -> bytes:
    book, data = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    for row in (["用户名", "职务", "单位编码", "届次", "起", "止"], *rows):
        book.active.append(row)
    book.save(data)
    return data.getvalue()


def test_what_has_changed_meanwhile_is_looked_at_again(union: Union) -> None:
    union.launch()
    give(union, "secretary", "d1")
    union.do(None, leave, union.people["d1"])
    with pytest.raises(Conflict) as caught:
        union.do("deputy", deciding.decide, proposal(union), True)
    assert caught.value.code == "outdated"
    union.do("deputy", deciding.decide, proposal(union), False)


# --- verified -------------------------------------------------------------------------------------
FORGED = {
    "kind": "'notice'",
    "scope": "'00000000-0000-0000-0000-000000000000'",
    "subject": "'x'",
    "body": 'body || \'{"post_kind": "auditor"}\'',
    "note": "'x'",
    "state": "'done'",
    "proposer_id": "NULL",
    "approver_id": "(SELECT id FROM member WHERE username = 'd3')",
}


@pytest.mark.parametrize("column", FORGED)
def test_a_forged_proposal_is_named(union: Union, column: str) -> None:
    union.launch()
    give(union, "secretary", "d1")
    verified(union)
    union.run(f"UPDATE proposal SET {column} = {FORGED[column]}")
    assert "proposal" in str(first_false(union).why)


def test_a_proposal_that_no_event_tells_is_named(union: Union) -> None:
    union.launch()
    give(union, "secretary", "d1")
    union.run(
        "INSERT INTO proposal SELECT :k, kind, scope, 'x', body, note, state, proposer_id, approver_id, created_at FROM proposal",
        k=tables.new_id(),
    )
    assert "proposal" in str(first_false(union).why)


@pytest.mark.parametrize("who", ["secretary", "d1"])
def test_a_post_that_its_proposer_or_receiver_confirmed_is_named(union: Union, who: str) -> None:
    union.launch()
    give(union, "secretary", "d1")
    union.do("deputy", deciding.decide, proposal(union), True)
    as_if = (
        "UPDATE event SET body = replace(body, :was, :now) WHERE kind = 'post_granted' AND seq = "
        "(SELECT max(seq) FROM event WHERE kind = 'post_granted')"
    )
    ids = {"was": str(union.people["deputy"]), "now": str(union.people[who])}
    union.run("ALTER TABLE event DISABLE TRIGGER ALL")
    union.run(as_if, **ids)
    assert "post" in str(first_false(union).why)


def first_false(union: Union) -> Any:
    with db.transaction(union.engine) as session:
        found = seconded.first_false(session)
    assert found is not None
    return found
