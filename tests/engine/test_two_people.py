"""What belongs to all unions takes two people who answer for all of them, and two people are two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from engine import db, definitions
from engine.commands import deciding, people, rules
from engine.commands import definitions as versions
from engine.db import tables
from engine.definitions.loosening import loosened
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.history import event_log
from engine.history.verification import rules as recorded
from engine.people import commonness, organisation, password
from engine.queries import proposals
from engine.scenarios import stage
from engine.settings import ROOT
from tests.hostile.sound import sound
from tests.races.union import Union, stories_here

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine


BY = "国务院办公厅通知"


@pytest.fixture(autouse=True)
def _stories_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "results", stories_here)


@pytest.fixture
def union(engine: Engine) -> Union:
    return Union.built(engine)


def changed_errand(title: str = "修订") -> dict[str, str]:
    files = sound()
    files["process.toml"] = files["process.toml"].replace('summary = "', f'summary = "{title}。', 1)
    return files


# --- what belongs to all unions -----------------------------------------------------------------
def test_no_desk_of_one_union_puts_a_version_in_force_for_all(union: Union) -> None:
    digest = union.propose("far.secretary", changed_errand(), "改一改")
    for who in ("far.admin", "secretary", "auditor", "d0"):
        with pytest.raises(Refused):
            union.do(who, versions.decide, digest, True)
    union.do("admin", versions.decide, digest, True)
    assert union.row(union.launch()).version == digest


def test_a_notice_moves_nothing_before_a_second_person(union: Union) -> None:
    union.launch()
    proposed = union.do("far.secretary", rules.propose_notice, 2026, notice_of(2026), BY)
    assert union.ask("SELECT count(*) FROM notice")[0][0] == 0
    for who in ("far.secretary", "far.admin", "secretary"):
        with pytest.raises(Refused):
            union.do(who, deciding.decide, proposed.id, True)
    with pytest.raises(Conflict):
        union.do("secretary", rules.propose_notice, 2026, notice_of(2026), BY)
    union.do("admin", deciding.decide, proposed.id, True)
    assert union.ask("SELECT count(*) FROM notice")[0][0] == 1
    with pytest.raises(Conflict):
        union.do("admin2", deciding.decide, proposed.id, True)


def notice_of(year: int) -> list[tuple[str, str, str]]:
    """A notice that makes a whole fortnight of March holidays."""
    fixed = [(f"{year}-{d}", "休", "节") for d in ("01-01", "05-01", "10-01")]
    return [*fixed, *((f"{year}-03-{d:02}", "休", "编造") for d in range(3, 17))]


def test_the_preview_names_the_deadlines_of_ones_own_matters_and_counts_the_others(
    union: Union,
) -> None:
    mine = union.launch()
    assert union.at is not None
    union.at += timedelta(hours=1)
    before = union.ask("SELECT id, due_at FROM task WHERE state = 'open' ORDER BY id")
    union.do("secretary", rules.propose_notice, 2026, notice_of(2026), BY)
    assert union.ask("SELECT id, due_at FROM task WHERE state = 'open' ORDER BY id") == before
    (seen,) = union.do("secretary", proposals.waiting)
    (other,) = union.do("far.secretary", proposals.waiting)
    assert {m.instance_id for m in seen.moves} == {mine} and seen.elsewhere == 0
    assert all(m.due > m.was for m in seen.moves)
    assert (other.moves, other.elsewhere) == ((), len(seen.moves))
    assert (seen.mine, seen.decides, other.decides) == (True, False, False)
    (deciders,) = union.do("admin", proposals.waiting)
    assert deciders.decides
    assert union.do("d0", proposals.waiting) == ()
    union.do("admin", deciding.decide, seen.id, True)
    after = union.ask("SELECT id, due_at FROM task WHERE state = 'open' ORDER BY id")
    assert after != before, "the preview told what the approval does"


def test_an_earlier_version_is_put_in_force_again_by_two(union: Union) -> None:
    first = union.row(union.launch()).version
    second = union.propose("secretary", changed_errand(), "改一改")
    union.do("admin", versions.decide, second, True)
    with pytest.raises(Conflict):
        union.do("secretary", versions.propose_again, second, "它正在施行")
    key = union.do("secretary", versions.propose_again, first, "新版有误")
    with pytest.raises(Refused):
        union.do("secretary", deciding.decide, key, True)
    assert union.row(union.launch()).version == second
    union.do("admin", deciding.decide, key, True)
    assert union.row(union.launch()).version == first
    third = union.propose("secretary", changed_errand("再修订"), "改好")
    union.do("admin", versions.decide, third, True)
    assert union.row(union.launch()).version == third
    with db.transaction(union.engine) as session:
        assert recorded.definitions(session)[0] is None
    with db.transaction(union.engine) as session:
        definition = tables.definition
        session.execute(definition.update().where(definition.c.hash == second).values(rank=99))
        broken = recorded.definitions(session)[0]
        assert broken is not None and broken.chain_id == event_log.INSTALLATION


@pytest.mark.parametrize("name", ["dispute_mediation", "congress_motion", "cadre_transfer"])
def test_what_is_shipped_loosens_nothing_of_itself(name: str) -> None:
    process = definitions.load(definitions.read(ROOT / "processes" / name))
    assert list(loosened(process, process, lambda _guard: True)) == []


def looser(name: str, change: Any) -> list[str]:
    """What is said of a version after `change(the process's lanes, tasks)`."""
    process = definitions.load(definitions.read(ROOT / "processes" / name))
    return [str(each) for each in loosened(process, change(process, replace), lambda _g: True)]


def test_loosening_compares_lanes_rooms_launch_rolls_and_voters() -> None:
    def lane(p: Any, replace: Any) -> Any:
        key, found = next(iter(p.lanes.items()))
        return replace(p, lanes={**p.lanes, key: replace(found, post="auditor", unit="union")})

    def new_lane(p: Any, replace: Any) -> Any:
        found = next(iter(p.lanes.values()))
        return replace(p, lanes={**p.lanes, "another": replace(found, key="another")})

    def launch(p: Any, replace: Any) -> Any:
        return replace(p, launch=(*p.launch, "auditor"))

    def room(p: Any, replace: Any) -> Any:
        key = next(k for k, t in p.tasks.items() if t.room)
        return replace(p, tasks={**p.tasks, key: replace(p.tasks[key], room=())})

    def roll(p: Any, replace: Any) -> Any:
        key = next(k for k, t in p.tasks.items() if t.poll)
        task = p.tasks[key]
        poll = replace(task.poll, roll="members()")
        return replace(p, tasks={**p.tasks, key: replace(task, poll=poll)})

    def public(p: Any, replace: Any) -> Any:
        key = next(k for k, t in p.tasks.items() if t.poll and t.poll.secret)
        task = p.tasks[key]
        return replace(
            p, tasks={**p.tasks, key: replace(task, poll=replace(task.poll, secret=False))}
        )

    def voters(p: Any, replace: Any) -> Any:
        key = next(k for k, t in p.tasks.items() if t.meeting)
        task = p.tasks[key]
        return replace(
            p,
            tasks={**p.tasks, key: replace(task, meeting=replace(task.meeting, quorum="true"))},
        )

    def field_room(p: Any, replace: Any) -> Any:
        key, task, field = roomed_field(p)
        fields = tuple(replace(f, room=()) if f is field else f for f in task.form.fields)
        form = replace(task.form, fields=fields)
        return replace(p, tasks={**p.tasks, key: replace(task, form=form)})

    def no_poll(p: Any, _replace: Any) -> Any:
        key = next(k for k, t in p.tasks.items() if t.poll)
        return replace(p, tasks={k: t for k, t in p.tasks.items() if k != key})

    def majority(p: Any, replace: Any) -> Any:
        key = next(k for k, t in p.tasks.items() if t.poll and '"' in t.poll.passes)
        task = p.tasks[key]
        poll = replace(task.poll, passes="yes >= 1")
        return replace(p, tasks={**p.tasks, key: replace(task, poll=poll)})

    for name, change in (
        ("dispute_mediation", lane),
        ("dispute_mediation", new_lane),
        ("congress_motion", launch),
        (with_("room"), room),
        (with_("poll"), roll),
        (with_("secret"), public),
        (with_("meeting"), voters),
        (with_("field"), field_room),
        (with_("poll"), no_poll),
        ("congress_session", majority),
    ):
        assert len(looser(name, change)) == 1, (name, change.__name__)


def roomed_field(process: Any) -> Any:
    """A task with a field that is for some lanes only, and the field; None where there is none."""
    for key, task in process.tasks.items():
        for field in task.form.fields if task.form else ():
            if field.room:
                return key, task, field
    return None


def with_(what: str) -> str:
    """A shipped process that has a room, a poll, a secret one, a meeting."""
    for path in sorted((ROOT / "processes").glob("*/process.toml")):
        process = definitions.load(definitions.read(path.parent))
        for task in process.tasks.values():
            found: Mapping[str, object] = {
                "room": task.room,
                "poll": task.poll,
                "secret": task.poll and task.poll.secret,
                "meeting": task.meeting,
                "field": roomed_field(process),
            }
            if found[what]:
                return process.id
    raise AssertionError(what)


# --- two people are two --------------------------------------------------------------------------
def test_the_post_for_the_installation_is_given_on_the_command_line_or_by_its_holders(
    union: Union,
) -> None:
    give: tuple[Any, ...] = (
        union.people["deputy"],
        organisation.RUNNER,
        union.units["union"],
        date(2026, 3, 1),
    )
    for who in ("far.admin", "secretary", "auditor"):
        with pytest.raises((Refused, NotFound)):
            union.do(who, people.grant_post, *give)
    with pytest.raises(Refused):
        union.do("admin", people.grant_post, union.people["admin"], *give[1:])
    union.do("admin", people.grant_post, *give)
    assert union.actor("deputy").runs_installation


def test_an_administrator_of_one_union_does_not_become_who_answers_for_all(union: Union) -> None:
    """By setting the password of one who does, or making a token for one."""
    with db.transaction(union.engine) as session:
        union.member(session, "far.runner", organisation.RUNNER, "far")
    for command, given in ((people.set_password, "Kz7!abcdEFG"), (people.create_token, "t")):
        with pytest.raises(Refused) as caught:
            union.do("far.admin", command, union.people["far.runner"], given)
        assert caught.value.code == "installation"


MAKINGS = ("password", "post", "account", "token", "invitation")


@pytest.mark.parametrize("making", MAKINGS)
def test_who_lately_made_the_other_does_not_approve(union: Union, making: str) -> None:
    name = make(union, making)
    for proposer, approver in ((name, "admin"), ("admin", name)):
        digest = union.propose(proposer, changed_errand(proposer), "改一改")
        with pytest.raises(Refused) as caught:
            union.do(approver, versions.decide, digest, True)
        assert caught.value.code == "one_hand"
    assert union.at is not None
    union.at += timedelta(days=91)
    union.do("admin", versions.decide, union.propose(name, changed_errand("三")), True)


def make(union: Union, making: str) -> str:
    """A second person, whom admin gave this."""
    name = "deputy"
    if making == "account":
        unit = union.units["union"]
        key = union.do("admin", people.create_member, "newcomer", "新人", unit)
        union.people[name := "newcomer"] = key
        with db.transaction(union.engine) as session:
            for kind in (organisation.RUNNER, "union_secretary"):
                row = {"member_id": key, "kind": kind, "unit_id": unit, "from_on": date(2026, 1, 1)}
                session.execute(insert(tables.post).values(id=tables.new_id(), **row))
        return name
    who = union.people[name]
    if making != "post":
        with db.transaction(union.engine) as session:
            union.runs_installation(session, name)
    if making == "password":
        union.do("admin", people.set_password, who, "Kz7!abcdEFG")
    elif making == "invitation":
        union.do("admin", people.invite, union.units["union"], [who])
    elif making == "token":
        union.do("admin", people.create_token, who, "程序")
    else:
        unit = union.units["union"]
        union.do("admin", people.grant_post, who, organisation.RUNNER, unit, date(2026, 3, 1))
    return name


def test_what_the_command_line_made_counts_as_made_by_nobody(union: Union) -> None:
    union.do(None, set_by_operator, union.people["secretary"])
    digest = union.propose("secretary", changed_errand(), "改一改")
    union.do("admin", versions.decide, digest, True)


def set_by_operator(session: db.Session, member_id: Any, secret: str = "Kz7!abcdEFG") -> None:
    people.set_password(session, None, member_id, secret)


# --- passwords and tokens ------------------------------------------------------------------------
STRONG = "青山-着意-化为桥 7"


def token_of(union: Union, name: str) -> str:
    made: str = union.do(None, make_token, union.people[name])
    return made


def make_token(session: db.Session, member_id: Any) -> str:
    return people.create_token(session, None, member_id, "程序")


def owner(union: Union, token: str) -> Any:
    with db.transaction(union.engine) as session:
        return union.timed(lambda: people.token_owner(session, token))


def changed_password(union: Union) -> None:
    union.do(None, set_by_operator, union.people["deputy"])


def changed_own(union: Union) -> None:
    union.do(None, set_by_operator, union.people["deputy"], STRONG)
    kept = token_of(union, "deputy")
    union.do("deputy", people.change_own_password, STRONG, STRONG + "8").must()
    assert owner(union, kept) is None


def post_of(union: Union) -> Any:
    post = tables.post.c
    with db.transaction(union.engine) as session:
        return session.execute(
            tables.post.select()
            .with_only_columns(post.id)
            .where(post.member_id == union.people["deputy"])
        ).scalar_one()


def ended_post(union: Union) -> None:
    union.do("admin", people.end_post, post_of(union), date(2026, 3, 1), "届满")


def ending_post(union: Union) -> None:
    union.do("admin", people.end_post, post_of(union), date(2026, 3, 4), "届满")
    assert union.at is not None
    union.at += timedelta(days=3)


def left(union: Union) -> None:
    union.do("admin", people.change_member, union.people["deputy"], active=False)


@pytest.mark.parametrize("ending", [changed_password, changed_own, ended_post, ending_post, left])
def test_tokens_end_with_the_password_the_post_and_the_account(union: Union, ending: Any) -> None:
    token, other = token_of(union, "deputy"), token_of(union, "secretary")
    assert owner(union, token) == union.people["deputy"]
    ending(union)
    assert owner(union, token) is None
    assert owner(union, other) == union.people["secretary"]


COMMON = [
    "password",
    "P@ssw0rd",
    "12345678",
    "88888888",
    "zhang123456",
    "wang1990",
    "woaini1314",
    "woaini520",
    "5201314520",
    "19900101",
    "13812345678",
    "gonghui2026",
    "Admin@123",
    "qwertyui",
    "abcdabcd",
    "1qaz2wsx",
    "123456abc",
    "zhangwei1985",
    "drowssap",
    "147258369",
    "mima1234",
    "abc@12345",
    "iloveyou1",
    "zhongguo2025",
    "hangzhou888",
    "yixing2026",
    "laoshi123",
    "liwei521",
    "20000229",
]
UNCOMMON = [
    "Kz7!abcdEFG",
    "correcthorsebattery",
    "议行-着意-化为桥",
    "yixing-demo-2026",
    "lanhua-shan-26",
    STRONG,
]


@pytest.mark.parametrize("word", COMMON)
def test_what_anybody_would_try_first_is_no_password(word: str) -> None:
    with pytest.raises(Invalid):
        password.check_rules(word, "someone")


@pytest.mark.parametrize("word", UNCOMMON)
def test_what_nobody_would_guess_is_one(word: str) -> None:
    password.check_rules(word, "someone")


def test_the_list_of_common_passwords_is_long_and_all_of_it_is_refused() -> None:
    long_enough = [p for p in FREQUENCY_LISTS["passwords"] if len(p) >= password.SHORTEST]
    assert len(long_enough) >= 3000 and all(map(commonness.is_common, long_enough))


def test_a_password_that_another_set_is_changed_first(union: Union) -> None:
    union.do("admin", people.set_password, union.people["deputy"], STRONG)
    entered = union.do(None, log_in, "deputy", STRONG)
    assert session_of(union, entered).must_change
    union.do("deputy", people.change_own_password, STRONG, STRONG + "8", keep=entered).must()
    assert not session_of(union, entered).must_change


def log_in(session: db.Session, name: str, secret: str) -> str:
    return people.log_in(session, name, secret, "192.0.2.1").must()[0]


def session_of(union: Union, entered: str) -> Any:
    with db.transaction(union.engine) as session:
        return union.timed(lambda: people.session_of(session, entered))
