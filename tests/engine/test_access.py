"""Who may do what: nothing unless the table says so; and what is another union's does not exist."""

from __future__ import annotations

import ast
import dataclasses
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from engine import db
from engine.commands import instances, messages, polls, tasks
from engine.db import tables
from engine.errors import NotFound, Refused
from engine.instance import rights
from engine.instance.context import context_of
from engine.people import access, organisation
from engine.queries import instance as one
from engine.queries import instances as reading
from engine.settings import ROOT
from tests.races.union import CAST, Union, changed

if TYPE_CHECKING:
    from sqlalchemy import Engine

HOME, FAR = uuid4(), uuid4()
ALLOWED = {  # the table once more, by hand: a change of it must be meant
    "remind": {"union_secretary"},
    "suspend": {"union_secretary"},
    "resume": {"union_secretary"},
    "terminate": {"union_secretary"},
    "retry": {"union_secretary", "administrator"},
    "propose_correction": {"union_secretary"},
    "approve_correction": {"union_secretary", "administrator"},
    "reassign": {"union_secretary"},
    "comment": {"union_secretary"},
    "copy": {"union_secretary"},
    "drop_start": {"union_secretary"},
    "see_desk": {"union_secretary", "auditor"},
    "share_view": {"union_secretary"},
    "read_history": {"union_secretary", "auditor"},
    "annotate": {"auditor"},
    "verify": {"union_secretary", "auditor"},
    "read_installation": {"union_secretary", "auditor"},
    "witness": set(),
    "give_installation": set(),
    "export": {"union_secretary", "auditor"},
    "see_people": {"union_secretary", "auditor", "administrator"},
    "manage_people": {"union_secretary", "administrator"},
    "approve_post": {"union_secretary", "administrator"},
    "import_people": {"union_secretary", "administrator"},
    "invite": {"union_secretary", "administrator"},
    "set_password": {"administrator"},
    "propose_definition": {"union_secretary", "administrator"},
    "approve_definition": set(),
    "propose_notice": {"union_secretary", "administrator"},
    "approve_notice": set(),
    "approve_witness": set(),
    "propose_setting": {"union_secretary"},
    "approve_setting": {"administrator", "union_secretary"},
    "approve_own_version": {"administrator", "union_secretary"},
    "manage_vacations": {"administrator", "union_secretary"},
}
OF_ALL = {  # what belongs to no union, to whom it is given
    *("verify", "read_installation", "witness", "give_installation"),
    *(
        "propose_definition",
        "approve_definition",
        "propose_notice",
        "approve_notice",
        "approve_witness",
    ),
}
POSTS = [
    "installation",
    "union_secretary",
    "auditor",
    "administrator",
    "formal_delegate",
    "unit_head",
    "president",
    "",
]


def person(kind: str, union: UUID | None, home: UUID = HOME) -> organisation.Actor:
    held = (organisation.Held(kind, union or uuid4(), union),) if kind else ()
    return organisation.Actor(uuid4(), "某人", home, uuid4(), held)


@pytest.fixture
def union(engine: Engine) -> Union:
    return Union.built(engine)


@pytest.mark.parametrize("verb", sorted(ALLOWED))
@pytest.mark.parametrize("kind", POSTS)
def test_a_verb_is_allowed_to_the_posts_of_the_table_in_their_own_union_and_to_nobody_else(
    verb: str, kind: str
) -> None:
    assert access.may(person(kind, HOME), verb, HOME) is (kind in ALLOWED[verb])
    assert access.may(person(kind, FAR), verb, HOME) is False
    assert access.may(person(kind, None), verb, HOME) is False


@pytest.mark.parametrize("verb", sorted(ALLOWED))
def test_what_belongs_to_the_installation_is_allowed_to_its_post_alone(verb: str) -> None:
    """A power held in one union is none over all of them, and the post for all is none over a union."""
    for kind in POSTS:
        allowed = kind == "installation" and verb in OF_ALL
        assert access.may(person(kind, HOME), verb, access.INSTALLATION) is allowed
        assert access.may(person(kind, HOME), verb, None) is False
    with_none = person("installation", None)
    assert access.may(with_none, verb, access.INSTALLATION) is (verb in OF_ALL)


def calls_of_access() -> list[tuple[str, ast.Call]]:
    """Every question to the table, and every question who holds a post, of the whole product."""
    asks = {"may", "check", "check_own", "check_bars", "holds"}
    found = []
    for path in sorted([*(ROOT / "engine").rglob("*.py"), *(ROOT / "webui").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                by_access = isinstance(owner, ast.Name) and owner.id == "access"
                if node.func.attr in asks and (by_access or is_post(node)):
                    found.append((f"{path.name}:{node.lineno}", node))
    return found


def is_post(node: ast.Call) -> bool:
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    named = owner.id if isinstance(owner, ast.Name) else ""
    return named == "actor" and isinstance(node.func, ast.Attribute) and node.func.attr == "holds"


def test_every_check_names_the_union_or_the_installation_it_speaks_of() -> None:
    calls = calls_of_access()
    nameless = [
        where
        for where, call in calls
        if len(call.args) + len(call.keywords) < (2 if is_post(call) else 3)
        or any(isinstance(arg, ast.Constant) and arg.value is None for arg in call.args)
    ]
    assert len(calls) > 40 and nameless == []
    holding = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "webui" / "templates").rglob("*.html"))
        if ".holds(" in path.read_text("utf-8")
    ]
    assert holding == [], "a page asks who holds a post in no union"


def test_the_table_holds_no_verb_that_is_not_tested_here() -> None:
    assert set(access.VERBS) == {*ALLOWED, "see_rules"}


def test_rules_are_shown_to_all_of_a_union_and_to_nobody_else() -> None:
    assert access.may(person("", HOME), "see_rules", HOME)
    assert access.may(person("auditor", FAR), "see_rules", FAR)
    assert not access.may(person("", HOME), "see_rules", FAR)
    assert not access.may(person("", HOME), "see_rules", None)


@given(st.text(max_size=20), st.sampled_from(POSTS))
@settings(max_examples=200, deadline=None)
def test_an_unknown_verb_is_refused_to_everybody(verb: str, kind: str) -> None:
    if verb in access.VERBS:
        return
    actor = person(kind, HOME)
    assert access.may(actor, verb, HOME) is False
    with pytest.raises(Refused) as caught:
        access.check(actor, verb, HOME)
    assert caught.value.details["verb"] == verb


STRANGER, SELF = uuid4(), uuid4()
BARRED = [  # verb, post held, what is asked about, code of the refusal
    ("approve_setting", "administrator", {"author_id": SELF}, "separated"),
    ("approve_setting", "administrator", {"author_id": STRANGER}, None),
    ("approve_correction", "administrator", {"author_id": SELF}, "separated"),
    ("approve_correction", "administrator", {"author_id": STRANGER}, None),
    ("approve_definition", "installation", {"author_id": SELF}, "separated"),
    ("approve_definition", "installation", {"author_id": None}, None),
    ("approve_notice", "installation", {"author_id": SELF}, "separated"),
    ("approve_witness", "installation", {"author_id": SELF}, "separated"),
    (
        "manage_people",
        "administrator",
        {"post": "installation", "member_id": STRANGER},
        "installation",
    ),
    ("manage_people", "installation", {"post": "installation", "member_id": STRANGER}, None),
    ("manage_people", "installation", {"post": "installation", "member_id": SELF}, "self"),
    ("manage_people", "union_secretary", {"post": "auditor", "member_id": STRANGER}, "desk"),
    ("manage_people", "union_secretary", {"post": "unit_head", "member_id": STRANGER}, None),
    ("manage_people", "administrator", {"post": "auditor", "member_id": STRANGER}, None),
    ("manage_people", "administrator", {"post": "auditor", "member_id": SELF}, "self"),
    ("manage_people", "administrator", {"post": "unit_head", "member_id": SELF}, None),
    ("manage_people", "administrator", {"member_id": SELF, "new": True}, "self"),
    ("manage_people", "administrator", {"member_id": STRANGER, "new": True}, None),
    ("suspend", "union_secretary", {"author_id": SELF, "member_id": SELF, "new": True}, None),
]


@pytest.mark.parametrize(("verb", "post", "about", "code"), BARRED)
def test_what_stands_against_a_verb_that_is_allowed(
    verb: str, post: str, about: dict[str, Any], code: str | None
) -> None:
    actor = dataclasses.replace(person(post, HOME), id=SELF)
    subject = access.Subject(union_id=HOME, **about)
    if code is None:
        access.check_bars(actor, verb, subject)
        return
    with pytest.raises(Refused) as caught:
        access.check_bars(actor, verb, subject)
    assert (caught.value.code, caught.value.details) == (code, {"verb": verb})


def test_the_unions_in_which_a_verb_is_allowed_begin_with_ones_own() -> None:
    """And where it is allowed in none, it is refused."""
    held = tuple(organisation.Held("auditor", unit, unit) for unit in (FAR, HOME))
    both = organisation.Actor(uuid4(), "某人", HOME, uuid4(), held)
    assert access.unions(both, "see_people") == [HOME, FAR]
    assert access.unions(person("auditor", FAR), "see_people") == [FAR]
    with pytest.raises(Refused) as caught:
        access.unions(both, "manage_people")
    assert caught.value.details == {"verb": "manage_people"}


# --- the table of verbs on one instance ------------------------------------------------------------------------------
BY_HAND = {  # once more: a change of it must be meant
    "remind": ["rules_it_by_desk", "acts_in_a_confidential_one"],
    "retry": ["rules_it_by_desk", "acts_in_a_confidential_one"],
    "propose_correction": ["rules_it_by_desk", "acts_in_a_confidential_one"],
    "approve_correction": ["rules_it_by_desk", "acts_by_post"],
    "read_history": ["holds_the_desk", "started_it"],
    "export": ["holds_the_desk"],
    "let_in": ["acts_by_post"],
    "erase": ["acts_by_post"],
    "complete": ["has_the_task"],
    "message": ["may_send_it"],
    "comment": ["started_it", "takes_part", "rules_it_by_desk"],
    "copy": ["started_it", "takes_part_themselves", "rules_it_by_desk"],
    "hand_over": ["has_the_task"],
    "send_back": ["has_the_task"],
    "delegate": ["has_the_task"],
    "join": ["has_the_task"],
    "step_aside": ["has_the_task"],
    "run_meeting": ["is_in_its_lane"],
    "close_poll": ["may_close_it"],
    "declare_poll": ["presides"],
    "replace_teller": ["presides"],
    "void_poll": ["is_teller", "holds_the_secretarys_desk", "presides", "keeps_its_meeting"],
}
DUTIES, VOTING = (
    ["aside", "post_ended", "separated", "recused"],
    ["absent", "post_ended", "recused"],
)
BARS_BY_HAND = {
    "complete": [*DUTIES, "awaits"],
    "claim": ["deputy", *DUTIES],
    "hand_over": ["deputy", *DUTIES],
    "send_back": DUTIES,
    "delegate": ["deputy", *DUTIES],
    "join": ["deputy", *DUTIES],
    "answer_ask": ["aside", "recused"],
    "copy": ["aside"],
    "step_aside": ["deputy", "aside", "post_ended"],
    "respond": VOTING,
    "cast": VOTING,
    "terminate": ["binding"],
}


def test_the_table_of_an_instance_is_this_one() -> None:
    table = {verb: [p.__name__ for p in row] for verb, row in rights.VERBS.items()}
    assert table == BY_HAND
    assert {verb: [b.code for b in row] for verb, row in rights.BARS.items()} == BARS_BY_HAND


def allowed(union: Union, who: str | None, key: UUID, verb: str, **about: Any) -> bool:
    with db.transaction(union.engine) as session:
        actor = union.actor(who) if who else None
        return rights.may(rights.Case(context_of(session, actor, key), verb, **about))


@pytest.mark.parametrize("verb", ["remind", "suspend", "resume", "terminate", "retry"])
def test_a_desk_reaches_into_a_confidential_instance_only_where_it_acts(
    union: Union, verb: str
) -> None:
    """There whoever acts in it by a post urges, and tries again what broke: nobody else knows of it."""
    key = union.to("do")
    assert allowed(union, "secretary", key, verb)
    assert not allowed(union, "auditor", key, verb)
    assert allowed(union, "admin", key, verb) is (verb == "retry")
    assert not allowed(union, "far.secretary", key, verb)
    union.run("UPDATE instance SET confidential = true WHERE id = :k", k=key)
    union.run("DELETE FROM share WHERE instance_id = :k", k=key)
    assert not allowed(union, "secretary", key, verb)
    assert not allowed(union, "admin", key, verb)
    seat = organisation.seat_key(f"auditor@{union.units['union']}")
    union.run("INSERT INTO share (key, instance_id) VALUES (:s, :k)", s=seat, k=key)
    assert allowed(union, "auditor", key, verb) is (verb in ("retry", "remind"))
    seat = organisation.seat_key(f"union_secretary@{union.units['union']}")
    union.run("INSERT INTO share (key, instance_id) VALUES (:s, :k)", s=seat, k=key)
    assert allowed(union, "secretary", key, verb)


def test_a_paper_is_corrected_by_the_desks_and_in_a_confidential_one_by_who_acts_in_it(
    union: Union,
) -> None:
    def may(verb: str) -> set[str]:
        return {who for who in CAST if allowed(union, who, key, f"{verb}_correction")}

    key = union.to("do")
    assert may("propose") == {"secretary", "deputy"}
    assert may("approve") == {"secretary", "deputy", "admin", "admin2"}
    union.run("UPDATE instance SET confidential = true WHERE id = :k", k=key)
    union.run("DELETE FROM share WHERE instance_id = :k", k=key)
    assert may("propose") == may("approve") == set()
    seat = organisation.seat_key(f"auditor@{union.units['union']}")
    union.run("INSERT INTO share (key, instance_id) VALUES (:s, :k)", s=seat, k=key)
    assert may("propose") == may("approve") == {"auditor"}


def test_nobody_may_do_anything_and_an_unknown_verb_is_allowed_to_nobody(union: Union) -> None:
    key = union.to("do")
    assert not any(allowed(union, None, key, verb, element="do") for verb in rights.VERBS)
    assert not any(allowed(union, who, key, "applaud") for who in CAST)
    assert not allowed(union, "secretary", key, "complete")  # without a task


def test_a_refusal_says_where_and_what(union: Union) -> None:
    key = union.launch("d0")
    with db.transaction(union.engine) as session:
        case = rights.Case(context_of(session, union.actor("d1"), key), "erase", "check")
        with pytest.raises(Refused) as caught:
            rights.check(case)
    about = {"verb": "erase", "instance_id": str(key), "element": "check"}
    assert (caught.value.code, caught.value.details) == ("refused", about)


def test_the_starter_and_the_desks_read_the_history(union: Union) -> None:
    key = union.launch("d0")
    for who in CAST:
        expected = who in ("d0", "secretary", "deputy", "auditor")
        assert allowed(union, who, key, "read_history") is expected, who
        assert allowed(union, who, key, "export") is (expected and who != "d0"), who


# --- where rights are decided ----------------------------------------------------------------------------------------
NO_RIGHTS = {  # codes of refusals that commands make themselves, and why it is no right of anybody
    "guard": "of the process, in its author's words",
    "gate": "of the process, in its author's words",
    "verb": "of the process, which allows no comments",
    "looser": "which of two hands a looser version takes rests on what it says, not on a post alone",
    "too_few": "a secret vote with too few people is none",
    "no_meeting": "a vote without its meeting is none",
    "no_quorum": "a vote without a quorum is none",
    "wrong_code": "at the door of a meeting",
    "wrong_passphrase": "of a teller",
    "one_hand": "one of the two made the other who they are: in the history, not in a post",
    "bad_credentials": "of whoever logs in",
    "too_many_attempts": "with passwords, passphrases and links",
}


def made_by_commands() -> list[str | None]:
    """The code of every `Refused` that is made in the room of commands; None of one that has none."""
    found: list[str | None] = []
    for path in (ROOT / "engine" / "commands").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if made and node.func.id == "Refused":
                codes = [k.value for k in node.keywords if k.arg == "code"]
                found += [c.value for c in codes if isinstance(c, ast.Constant)] or [None]
            elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
                found += [None] if node.exc.id == "Refused" else []
    return found


def test_no_command_decides_a_right_by_itself() -> None:
    assert set(made_by_commands()) == set(NO_RIGHTS)


@pytest.mark.parametrize("nothing", [None, False])
def test_what_is_not_found_does_not_exist(nothing: Any) -> None:
    if nothing is None:
        with pytest.raises(NotFound):
            access.must_see(nothing)
    else:
        assert access.must_see(nothing) is nothing


# --- visible: in SQL -------------------------------------------------------------------------------------------------
def seen(union: Union, who: str | organisation.Actor) -> set[UUID]:
    actor = union.actor(who) if isinstance(who, str) else who
    with db.transaction(union.engine) as session:
        return set(
            session.execute(select(tables.instance.c.id).where(access.visible(actor))).scalars()
        )


def test_two_unions_never_see_each_others_instances(union: Union) -> None:
    """Whatever is at work: launched, claimed, under a poll, suspended, ended, withdrawn."""
    home = {union.to(element) for element in ("check", "mend", "do", "rate")}
    far = {union.launch("far.d0") for _ in range(3)}
    union.do("secretary", instances.suspend, union.to("do"), "停")
    union.do("d0", instances.withdraw, union.launch(), "撤")
    union.do("far.secretary", instances.terminate, next(iter(far)), "止")
    for name in CAST:
        found = seen(union, name)
        unions = {
            r[0]
            for r in union.ask(
                "SELECT DISTINCT union_id FROM instance WHERE id = ANY(:f)", f=list(found)
            )
        }
        assert unions <= {union.units["far" if name.startswith("far") else "union"]}, name
    assert seen(union, "secretary") == seen(union, "auditor") >= home
    assert seen(union, "far.secretary") == far


def test_members_see_what_they_started_and_what_they_are_asked(union: Union) -> None:
    mine, others, asked = union.launch("d1"), union.launch("d2"), union.to("rate", "d3")
    assert seen(union, "d1") == {mine, asked}
    assert seen(union, "d2") == {others, asked}
    assert seen(union, "d3") == {asked}
    assert seen(union, "admin") == set()  # administers, and sees no matter


def test_who_is_on_no_roll_and_holds_no_seat_sees_nothing(union: Union) -> None:
    union.to("rate")
    nobody = dataclasses.replace(union.actor("d1"), id=uuid4(), posts=())
    assert seen(union, nobody) == set()


def test_a_post_that_has_ended_shows_nothing_any_more(union: Union) -> None:
    key = union.launch()
    assert seen(union, "deputy") == {key}
    union.run("UPDATE post SET to_on = '2026-03-01' WHERE member_id = :m", m=union.people["deputy"])
    assert seen(union, "deputy") == set()
    with pytest.raises(NotFound):
        union.do("deputy", tasks.complete, union.task(key, "check"), {"decision": "pass"})


def test_a_seat_that_the_process_gives_opens_the_matter_to_another_union_and_no_other_matter(
    engine: Engine,
) -> None:
    """The lane of an office in the far union: it sees this instance, from the moment when its task opens."""
    lane = (
        'post = "union_secretary"\nunit = "union"',
        'post = "union_secretary"\nunit = "launch.far"',
    )
    files = changed("errand", lane)
    form = files["forms/launch.json"].rstrip()
    assert form.endswith("]}")
    files["forms/launch.json"] = form[:-2] + ',{"type":"textfield","key":"far","label":"对方"}]}'
    union = Union.built(engine, files)
    given = {"subject": "联合办理", "far": str(union.units["far"])}
    shared = union.do("d0", instances.launch, "errand", given)
    own = union.do(
        "d0", instances.launch, "errand", {"subject": "自办", "far": str(union.units["union"])}
    )
    assert seen(union, "far.secretary") == {shared}
    assert seen(union, "far.auditor") == seen(union, "far.d0") == set()
    assert seen(union, "secretary") == {shared, own}
    with pytest.raises(NotFound):  # seeing is not acting: the seat is the other union's
        union.do("secretary", tasks.complete, union.task(shared, "check"), {"decision": "pass"})
    for command in (instances.suspend, instances.terminate):  # nor is the desk theirs
        with pytest.raises((Refused, NotFound)):
            union.do("far.secretary", command, shared, "我来")
    union.complete("far.secretary", shared, "check", decision="return", reason="请补充")
    assert seen(union, "far.secretary") == {shared}  # what one had a part in stays visible
    union.whole()


@pytest.mark.parametrize("name", ["far.secretary", "far.auditor", "far.admin", "far.d0"])
def test_every_command_on_what_another_union_has_says_that_there_is_no_such_thing(
    union: Union, name: str
) -> None:
    key, rated = union.launch(), union.to("rate")
    task, poll = union.task(key, "check"), union.poll(rated)
    before = union.row(key), union.row(rated)
    for act in (
        lambda: union.do(name, tasks.complete, task, {"decision": "pass"}),
        lambda: union.do(name, tasks.claim, task),
        lambda: union.do(name, tasks.release, task),
        lambda: union.do(name, polls.respond, poll, "good"),
        lambda: union.do(name, polls.take_back, poll),
        lambda: union.do(name, polls.close, poll),
        lambda: union.do(name, instances.withdraw, key, "x"),
        lambda: union.do(name, instances.terminate, key, "x"),
        lambda: union.do(name, instances.suspend, key, "x"),
        lambda: union.do(name, instances.resume, key),
        lambda: union.do(name, messages.send, key, "withdraw", {}),
    ):
        with pytest.raises(NotFound) as caught:
            act()
        assert (
            caught.value.message == NotFound().message
        )  # the words do not tell one case from the other
    for now, then in zip((union.row(key), union.row(rated)), before, strict=True):
        assert (now.state, now.stage, now.facts, now.machine) == (
            then.state,
            then.stage,
            then.facts,
            then.machine,
        )
    assert union.events(key).count("attempt_refused") >= 8
    union.whole()


def test_lists_are_narrowed_in_sql_and_a_matter_is_opened_only_when_it_is_in_the_list(
    union: Union,
) -> None:
    keys = [union.launch("d1"), union.launch("d2"), union.launch("far.d0"), union.to("rate")]
    for name in CAST:
        actor, visible = union.actor(name), seen(union, name)
        with db.transaction(union.engine) as session:
            assert {row.id for row in reading.instances(session, actor).items} == visible
            for key in keys:
                if key in visible:
                    assert one.file(session, actor, key).row.id == key
                else:
                    with pytest.raises(NotFound):
                        one.file(session, actor, key)


@given(
    st.lists(st.tuples(st.sampled_from(["union", "far"]), st.sampled_from(POSTS[:-1])), max_size=4)
)
@settings(max_examples=25, deadline=None)
def test_a_share_is_a_person_or_a_seat_and_never_a_kind_of_post_alone(
    posts: list[tuple[str, str]],
) -> None:
    units = {"union": HOME, "far": FAR}
    held = tuple(organisation.Held(kind, units[code], units[code]) for code, kind in posts)
    actor = organisation.Actor(uuid4(), "某人", HOME, HOME, held)
    assert set(actor.keys) == {
        actor.id,
        *(organisation.seat_key(f"{kind}@{units[code]}") for code, kind in posts),
    }
    for code, kind in posts:
        other = FAR if units[code] == HOME else HOME
        if (("far" if code == "union" else "union"), kind) not in posts:
            assert organisation.seat_key(f"{kind}@{other}") not in actor.keys


def test_an_auditor_of_two_unions_sees_both(union: Union) -> None:
    keys = {union.launch(), union.launch("far.d0")}
    with db.transaction(union.engine) as session:
        values = {
            "member_id": union.people["auditor"],
            "kind": "auditor",
            "unit_id": union.units["far"],
        }
        session.execute(
            insert(tables.post).values(id=tables.new_id(), from_on=date(2020, 1, 1), **values)
        )
    assert seen(union, "auditor") == keys
    assert seen(union, "far.auditor") < keys
