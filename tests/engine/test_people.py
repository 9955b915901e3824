from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from engine import clock, db
from engine.commands import people
from engine.commands.people import logins, superiors, words
from engine.db import tables
from engine.decisions import faults, parse
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.people import password, posts
from engine.queries import imports as batches
from engine.queries import people as queries
from engine.settings import ROOT
from tests.engine.unions import FROM, SECRET, World, processes, shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

NOON = datetime.combine(
    clock.today() + timedelta(days=1), time(12), clock.CHINA
)  # worlds are made before it


@pytest.fixture(autouse=True)
def _known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIXING_PROCESSES", str(processes(tmp_path)))


@pytest.fixture(scope="module")
def opened(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with shared(server, tmp_path_factory.mktemp("processes")) as opener:
        yield opener


@pytest.fixture
def world(opened: Any) -> Iterator[World]:
    with opened() as made:
        yield made


# --- passwords -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "bad",
    [
        "short 7",
        "x" * 257,
        "Zhang.Min",
        "ＺＨＡＮＧ.MIN",
        "Password123",
        "88888888",
        "zzzzzzzzz",
        "abcdefgh",
        "        z",
    ],
)
def test_weak_passwords_are_refused(bad: str) -> None:
    with pytest.raises(Invalid):
        password.check_rules(bad, "zhang.min")


@pytest.mark.parametrize("good", ["tidehorn", "八个字的口令也可以", "x y" * 80, "       zmt"])
def test_long_enough_passwords_need_no_special_characters(good: str) -> None:
    password.check_rules(good, "zhang.min")


def test_a_password_is_the_same_in_full_and_half_width() -> None:
    stored = password.hash_password("ｐassword 口令")
    assert password.verify(stored, "password 口令")
    assert not password.verify(stored, "Password 口令")


@pytest.mark.parametrize("stored", [None, "", "no hash"])
@pytest.mark.parametrize("tried", ["", "nobody has this password", "\ud800", "x" * 10_000])
def test_without_a_hash_no_password_is_right(stored: str | None, tried: str) -> None:
    assert not password.verify(stored, tried)


STORED = (  # by argon2-cffi 25.1, which hashed the passwords before PyNaCl did
    "$argon2id$v=19$m=65536,t=3,p=4$dtRVQExt769qBAAl8DUCYA$HRvVvApyOQUFyvsJK+gBOI1hTI2AAIn+whJSWuqTJ6g"
)


def test_hashes_stored_before_are_read_for_ever() -> None:
    assert password.verify(STORED, "东湖的水很清 2026")
    assert not password.verify(STORED, "东湖的水很清 2027")
    assert password.outdated(STORED)
    assert not password.outdated(password.hash_password("东湖的水很清 2026"))


def test_a_login_renews_a_hash_stored_before(world: World, li: UUID) -> None:
    mine = tables.member.c.id == li
    world.session.execute(update(tables.member).where(mine).values(password=STORED))
    people.log_in(world.session, "xd.li", "东湖的水很清 2026", "10.0.0.1").must()
    stored = world.session.execute(select(tables.member.c.password).where(mine)).scalar_one()
    assert stored != STORED and not password.outdated(stored)
    assert password.verify(stored, "东湖的水很清 2026")


def test_half_a_character_in_a_password_is_no_crash() -> None:
    assert password.verify(password.hash_password("half \ud800 one"), "half \ud800 one")


# --- units -----------------------------------------------------------------------------------------------------------
def test_the_decision_table_has_no_faults() -> None:
    table = parse((ROOT / "processes" / "organisation" / "managing_union.dmn").read_bytes())
    assert faults(table, {}, {"affiliation", "owner_type", "city"}) == []


def test_a_provincial_university_is_managed_by_the_education_union(world: World) -> None:
    found = people.managing(world.session, posts.kinds().units["university_union"], "省属", "杭州")
    assert found == (world.units["JYGH"], None)
    assert (
        people.managing(world.session, posts.kinds().units["university_union"], "ministry", "")
        == found
    )


@pytest.mark.parametrize(
    ("owner", "party"), [("city", ""), ("city", "市级"), ("private", "city"), ("独立学院", "city")]
)
def test_other_universities_are_managed_by_their_city_and_guided_by_the_education_union(
    world: World, owner: str, party: str
) -> None:
    kind = posts.kinds().units["university_union"]
    found = people.managing(world.session, kind, owner, "杭州市", party)
    assert found == (world.units["HZ"], world.units["JYGH"])


@pytest.mark.parametrize("owner", ["private", "independent"])
def test_the_party_relation_comes_first(world: World, owner: str) -> None:
    """第4项第一句：按照党组织关系分级管理；民办高校的党组织关系在省的，不归市。"""
    kind = posts.kinds().units["university_union"]
    found = people.managing(world.session, kind, owner, "杭州", "省级")
    assert found == (world.units["JYGH"], None)
    with pytest.raises(Invalid, match="没有登记党组织关系"):
        people.managing(world.session, kind, owner, "杭州")


@pytest.mark.parametrize(
    ("owner", "party"),
    [
        ("province", "city"),
        ("ministry", "industry"),
        ("city", "province"),
        ("city", "industry"),
        ("industry", "province"),
        ("industry", "city"),
    ],
)
def test_a_conflict_goes_to_a_ruling_which_stands_in_the_history(
    world: World, owner: str, party: str
) -> None:
    says = {"owner_type": owner, "affiliation": party, "city": "杭州"}
    for parent in (None, "HZ"):
        with pytest.raises(Invalid, match="协商不成由省总工会裁定"):
            world.unit("N", "university_union", "新大学工会", parent, **says)
    ruling = "省总工会 浙总工办〔2026〕5号 2026年3月1日"
    made = world.unit("N", "university_union", "新大学工会", "HZ", **says, ruling=ruling)
    row = world.session.execute(select(tables.unit).where(tables.unit.c.id == made)).one()
    assert (row.managing_id, row.guiding_id) == (world.units["HZ"], world.units["JYGH"])
    assert ruling in world.bodies("N")


def test_another_parent_is_no_way_round_the_table(world: World) -> None:
    xd = world.units["XD"]
    with pytest.raises(Invalid, match="按规定应由“省教育工会”管理"):
        people.change_unit(world.session, None, xd, parent_id=world.units["HZ"])
    with pytest.raises(Invalid, match="裁定"):
        people.change_unit(world.session, None, xd, affiliation="city")
    ruling = "省总工会 浙总工办〔2026〕6号"
    assert people.change_unit(
        world.session, None, xd, parent_id=world.units["HZ"], affiliation="city", ruling=ruling
    )
    row = world.session.execute(select(tables.unit).where(tables.unit.c.id == xd)).one()
    assert (row.managing_id, row.affiliation) == (world.units["HZ"], "city")
    assert ruling in world.bodies("XD")


def test_a_university_of_an_industry_is_managed_by_its_industrial_union(world: World) -> None:
    with pytest.raises(Invalid, match="还没有登记"):
        people.managing(world.session, posts.kinds().units["university_union"], "industry", "杭州")
    one = world.unit("JT", "industrial_union", "省交通工会", "ZGH")
    assert people.managing(
        world.session, posts.kinds().units["university_union"], "industry", "杭州"
    ) == (one, world.units["JYGH"])
    world.unit("DL", "industrial_union", "省电力工会", "ZGH")
    with pytest.raises(Invalid, match="不止一个"):
        people.managing(world.session, posts.kinds().units["university_union"], "industry", "杭州")


@pytest.mark.parametrize(
    ("owner", "city"), [("city", ""), ("city", "宁波"), ("nobody", "杭州"), ("", "")]
)
def test_an_unclear_owner_or_city_decides_nothing(world: World, owner: str, city: str) -> None:
    with pytest.raises(Invalid):
        people.managing(world.session, posts.kinds().units["university_union"], owner, city)


def test_a_new_university_stands_under_the_union_that_the_table_gives(world: World) -> None:
    made = world.session.execute(
        select(tables.unit).where(tables.unit.c.id == world.units["MB"])
    ).one()
    assert (made.parent_id, made.managing_id, made.guiding_id) == (
        world.units["HZ"],
        world.units["HZ"],
        world.units["JYGH"],
    )
    assert made.union_id == made.id
    assert "第4项" in world.bodies("MB")


def test_another_owner_of_a_university_is_decided_anew(world: World) -> None:
    wanted = {"owner_type": "province", "affiliation": "province"}
    assert people.change_unit(world.session, None, world.units["MB"], **wanted)
    made = world.session.execute(
        select(tables.unit).where(tables.unit.c.id == world.units["MB"])
    ).one()
    assert (made.managing_id, made.guiding_id) == (world.units["JYGH"], None)
    assert not people.change_unit(world.session, None, world.units["MB"], owner_type="province")


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        ("college_union", None),
        ("college_union", "HZ"),
        ("university_union", "ZGH"),
        ("group", "HZ"),
        ("provincial_federation", "ZGH"),
        ("nonsense", "XD"),
    ],
)
def test_a_unit_stands_only_where_its_kind_may(world: World, kind: str, parent: str | None) -> None:
    with pytest.raises(Invalid):
        world.unit("NEW", kind, "新单位", parent, owner_type="province")


def test_only_the_operator_enters_a_topmost_union(world: World) -> None:
    with pytest.raises((Refused, NotFound)):
        people.create_unit(
            world.session,
            world.actor("xd.administrator"),
            "TOP2",
            "provincial_federation",
            "又一个",
        )


@pytest.mark.parametrize("code", ["", "a b", "=1", "编码", "x" * 33, "-a", "a\0b"])
def test_a_unit_with_a_bad_code_is_refused(world: World, code: str) -> None:
    with pytest.raises(Invalid):
        world.unit(code, "department", "后勤处", "XD")


def test_a_code_is_used_once(world: World) -> None:
    with pytest.raises(Invalid):
        world.unit("XD-XX", "department", "后勤处", "XD")


def test_a_unit_cannot_be_moved_below_itself_or_to_another_union(world: World) -> None:
    below = world.unit("KS", "department", "科室", world_department(world))
    with pytest.raises(Invalid, match="自己"):
        people.change_unit(world.session, None, world.units["HQ"], parent_id=below)
    with pytest.raises(Invalid, match="另一个工会"):
        people.change_unit(world.session, None, world.units["HQ"], parent_id=world.units["MB"])


def world_department(world: World) -> str:
    world.unit("HQ", "department", "后勤处", "XD")
    return "HQ"


def test_a_unit_with_people_is_not_closed(world: World) -> None:
    with pytest.raises(Conflict, match="1 名成员"):
        people.change_unit(world.session, None, world.units["XD-XX"], active=False)
    people.change_member(world.session, None, world.people["xd.li"], unit_id=world.units["XD"])
    assert people.change_unit(world.session, None, world.units["XD-XX"], active=False)
    with pytest.raises(Invalid, match="撤销"):
        world.person("late", "XD-XX")


# --- members and who may ---------------------------------------------------------------------------------------------
def test_a_secretary_enters_a_member_and_the_history_keeps_no_private_data(world: World) -> None:
    secretary = world.actor("xd.union_secretary")
    made = people.create_member(
        world.session,
        secretary,
        "Zhang.Min",
        " 张  敏 ",
        world.units["XD-XX"],
        phone="13812345678",
        email="z@e.cn",
    )
    assert people.change_member(world.session, secretary, made, phone="13900001111", name="张旻")
    assert not people.change_member(world.session, secretary, made, name="张旻")
    found = queries.member_file(world.session, secretary, made)
    assert (found.username, found.name, found.phone, found.can_log_in) == (
        "zhang.min",
        "张旻",
        "13900001111",
        False,
    )
    assert world.events("XD")[-2:] == ["member_created", "member_changed"]
    said = world.bodies("XD")
    assert (
        '"name":"张敏"' in said
        and "张 敏" not in said  # the blanks that an office typed are none of the name
        and "13812345678" not in said
        and "13900001111" not in said
        and "z@e.cn" not in said
    )


@pytest.mark.parametrize("who", ["xd.auditor", "xd.li", "mb.administrator", "mb.union_secretary"])
def test_others_enter_nobody(world: World, who: str) -> None:
    with pytest.raises((Refused, NotFound)):
        people.create_member(
            world.session, world.actor(who), "new.one", "新人", world.units["XD-XX"]
        )


def test_people_of_another_union_do_not_exist(world: World) -> None:
    stranger = world.actor("mb.administrator")
    theirs = world.people["xd.li"]
    for act in (
        lambda: people.change_member(world.session, stranger, theirs, name="改名"),
        lambda: people.set_password(world.session, stranger, theirs, SECRET),
        lambda: people.grant_post(
            world.session, stranger, theirs, "unit_head", world.units["MB-XX"], FROM
        ),
        lambda: people.create_token(world.session, stranger, theirs, "x"),
        lambda: queries.member_file(world.session, stranger, theirs),
        lambda: queries.roster(world.session, stranger, world.units["XD"]),
        lambda: queries.unit_tree(world.session, stranger, world.units["XD"]),
        lambda: batches.imports(world.session, stranger, world.units["XD"]),
        lambda: people.change_unit(world.session, stranger, world.units["XD-XX"], name="改名"),
        lambda: people.change_member(world.session, stranger, uuid4(), name="改名"),
    ):
        with pytest.raises(NotFound):
            act()


def test_people_change_their_own_telephone_but_not_their_name(world: World) -> None:
    me = world.actor("xd.li")
    assert people.change_member(world.session, me, me.id, phone="057188888888", locale="en")
    with pytest.raises(Refused):
        people.change_member(world.session, me, me.id, name="李四")
    with pytest.raises(Refused):
        people.change_member(world.session, me, me.id, active=False)


@pytest.mark.parametrize(
    "bad",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "=cmd()"},
        {"name": "@SUM"},
        {"name": "a\u202eb"},
        {"name": "a\0"},
        {"name": "字" * 61},
        {"name": "\ud800"},
        {"phone": "12ab"},
        {"phone": "1" * 40},
        {"email": "no"},
        {"email": "a@b"},
        {"email": "a b@c.cn"},
        {"locale": "fr"},
        {"username": "a"},
        {"username": "张敏"},
        {"username": "a b"},
        {"username": "x" * 65},
        {"username": "a\0b"},
    ],
)
def test_nasty_text_is_refused(world: World, bad: dict[str, str]) -> None:
    values = {"username": "new.one", "name": "新人", **bad}
    more = {k: v for k, v in values.items() if k not in ("username", "name")}
    with pytest.raises(Invalid) as fault:
        people.create_member(
            world.session, None, values["username"], values["name"], world.units["XD"], **more
        )
    assert set(fault.value.fields) == set(bad)


def test_rare_characters_are_a_name(world: World) -> None:
    made = people.create_member(
        world.session, None, "rare", "王\U000308f0·买买提", world.units["XD"]
    )
    assert (
        queries.member_file(world.session, world.actor("xd.auditor"), made).name
        == "王\U000308f0·买买提"
    )


def test_a_user_name_is_used_once_whatever_its_case(world: World) -> None:
    with pytest.raises(Invalid):
        people.create_member(world.session, None, "XD.LI", "重名", world.units["XD"])


def test_moving_to_another_union_stands_in_both_chains(world: World) -> None:
    people.change_member(world.session, None, world.people["xd.li"], unit_id=world.units["MB-XX"])
    assert world.events("XD")[-1] == world.events("MB")[-1] == "member_changed"
    assert world.actor("xd.li").union_id == world.units["MB"]


def test_nobody_puts_themselves_out_of_use_nor_a_secretary_the_administrator(world: World) -> None:
    admin = world.actor("xd.administrator")
    with pytest.raises(Conflict):
        people.change_member(world.session, admin, admin.id, active=False)
    with pytest.raises(Refused):
        people.change_member(
            world.session, world.actor("xd.union_secretary"), admin.id, active=False
        )


def test_whoever_is_put_out_of_use_is_logged_out_at_once(world: World) -> None:
    li = world.people["xd.li"]
    secret = logins.open_login(world.session, li)
    token = people.create_token(world.session, None, li, "脚本")
    people.change_member(world.session, world.actor("xd.union_secretary"), li, active=False)
    assert people.session_of(world.session, secret) is None
    assert people.token_owner(world.session, token) is None
    people.change_member(world.session, None, li, active=True)
    assert people.session_of(world.session, secret) is None
    assert people.token_owner(world.session, token) is None


# --- posts -----------------------------------------------------------------------------------------------------------
def grant(
    world: World,
    kind: str = "formal_delegate",
    unit: str = "XD-XX",
    from_on: date = FROM,
    to_on: date | None = None,
    term: str = "第八届",
    who: str = "xd.union_secretary",
) -> UUID:
    return people.grant_post(
        world.session,
        world.actor(who),
        world.people["xd.li"],
        kind,
        world.units[unit],
        from_on,
        to_on,
        term,
    )


def test_a_post_begins_and_ends_with_its_days(world: World) -> None:
    post = grant(world, from_on=date(2026, 3, 1))
    people.end_post(
        world.session, world.actor("xd.union_secretary"), post, date(2026, 3, 31), "调离"
    )
    for day, holds in ((28, False), (32, False)):
        moment = (
            datetime(2026, 2, day, 4, tzinfo=UTC)
            if day == 28
            else datetime(2026, 4, 1, 4, tzinfo=UTC)
        )
        with clock.set_to(moment):
            assert world.actor("xd.li").unions("formal_delegate") == (
                [world.units["XD"]] if holds else []
            )
    for day in (datetime(2026, 3, 1, 4, tzinfo=UTC), datetime(2026, 3, 31, 15, 59, tzinfo=UTC)):
        with clock.set_to(day):
            assert world.actor("xd.li").unions("formal_delegate")
    assert world.events("XD")[-2:] == ["post_granted", "post_ended"]
    with pytest.raises(Conflict):
        people.end_post(world.session, None, post, date(2026, 3, 31), "再来一次")
    people.end_post(world.session, None, post, date(2026, 3, 30), "提前")


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "emperor"},
        {"kind": "正式代表"},
        {"unit": "XD"},
        {"term": ""},
        {"to_on": date(2025, 12, 31)},
        {"from_on": date(1900, 1, 1)},
        {"term": "届" * 41},
    ],
)
def test_an_impossible_post_is_refused(world: World, bad: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        grant(world, **bad)  # type: ignore[arg-type]


def test_terms_of_one_post_do_not_overlap(world: World) -> None:
    grant(world, to_on=date(2026, 6, 30))
    with pytest.raises(Invalid, match="重叠"):
        grant(world, from_on=date(2026, 6, 30))
    grant(world, from_on=date(2026, 7, 1), term="第九届")


def test_nobody_is_a_formal_delegate_and_an_observer_at_once(world: World) -> None:
    grant(world)
    world.unit("XD-WG", "college_union", "外国语学院工会", "XD")
    with pytest.raises(Invalid, match="重叠"):
        grant(world, kind="observer_delegate", unit="XD-WG")


@pytest.mark.parametrize("kind", ["administrator", "auditor", "union_secretary"])
def test_a_desk_is_given_by_an_administrator_and_never_to_oneself(world: World, kind: str) -> None:
    with pytest.raises(Refused):
        grant(world, kind=kind, unit="XD")
    grant(world, kind=kind, unit="XD", who="xd.administrator")
    admin = world.actor("xd.administrator")
    with pytest.raises(Refused):
        people.grant_post(world.session, admin, admin.id, kind, world.units["XD-XX"], FROM)


@pytest.mark.parametrize("kind", ["mediation_clerk", "formal_delegate"])
def test_nobody_gives_a_post_to_oneself(world: World, kind: str) -> None:
    admin = world.actor("xd.administrator")
    with pytest.raises(Refused, match="不能为自己授予职务"):
        people.grant_post(world.session, admin, admin.id, kind, world.units["XD"], FROM)


def test_without_a_list_of_posts_any_well_formed_key_is_one(world: World, tmp_path: Path) -> None:
    (tmp_path / "posts.toml").unlink()
    grant(world, kind="keeper_of_the_seal")
    with pytest.raises(Invalid):
        grant(world, kind="Not A Key")


def test_a_broken_list_of_posts_is_told(tmp_path: Path) -> None:
    (tmp_path / "posts.toml").write_text("[posts", "utf-8")
    with pytest.raises(Exception, match=r"posts\.toml"):
        posts.kinds()


# --- logging in ------------------------------------------------------------------------------------------------------
def test_in_earnest_a_guess_costs_memory_and_time() -> None:
    """Tests hash at little cost; a process of its own says what the product does."""
    asked = (
        "from engine.ballots import keys; from engine.people import password as p;"
        "print(p.PASSES, p.MEMORY, keys.PASSES, keys.MEMORY)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [int(each) for each in done.stdout.split()] == [3, 64 << 20, 4, 64 << 20]


@pytest.fixture
def li(world: World) -> UUID:
    people.set_password(
        world.session, world.actor("xd.administrator"), world.people["xd.li"], SECRET
    )
    return world.people["xd.li"]


def _member_of(world: World, secret: str) -> UUID | None:
    """Whose session this is; as a request does, note that it is in use."""
    login = people.session_of(world.session, secret)
    if login is not None and login.stale:
        people.touch(world.session, secret)
    return login.actor.id if login else None


def test_the_right_password_opens_a_session(world: World, li: UUID) -> None:
    secret, who = people.log_in(world.session, " XD.Li ", SECRET, "10.0.0.1").must()
    assert who == li == _member_of(world, secret)
    stored = world.session.execute(select(tables.login.c.id)).scalar_one()
    assert secret not in stored
    people.log_out(world.session, secret)
    people.log_out(world.session, secret)
    assert people.session_of(world.session, secret) is None
    assert world.events("XD")[-3:] == ["password_set", "logged_in", "logged_out"]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("xd.li", "wrong"),
        ("nobody", SECRET),
        ("", ""),
        ("xd.auditor", ""),
        ("a\0b", SECRET),
        ("\ud800", "\ud800"),
        ("xd.li' OR '1'='1", SECRET),
        ("x" * 100_000, "y" * 100_000),
    ],
)
def test_anything_else_opens_none_and_says_no_more(
    world: World, li: UUID, name: str, secret: str
) -> None:
    attempt = people.log_in(world.session, name, secret, "10.0.0.1")
    with pytest.raises(Refused, match="用户名或密码不对"):
        attempt.must()


def test_somebody_out_of_use_cannot_log_in(world: World, li: UUID) -> None:
    people.change_member(world.session, None, li, active=False)
    assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.1").fault


def test_after_five_failures_the_right_password_must_wait_a_quarter_of_an_hour(
    world: World, li: UUID
) -> None:
    with clock.set_to(NOON):
        for _ in range(5):
            assert (
                people.log_in(world.session, "xd.li", "wrong", "10.0.0.9").fault.code
                == "bad_credentials"
            )  # type: ignore[union-attr]
        refused = people.log_in(world.session, "XD.LI", SECRET, "10.0.0.9").fault
        assert refused is not None and refused.code == "too_many_attempts"
        assert refused.details["wait"] == 900 and "15 分钟" in refused.message
        assert (
            people.log_in(world.session, "xd.auditor", "wrong", "10.0.0.9").fault.code
            == "bad_credentials"
        )  # type: ignore[union-attr]
        # it locks the place of the guesses: neither another address, nor a device known before
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.8").must()
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.9", "known").must()
    with clock.set_to(NOON + timedelta(minutes=14, seconds=59)):
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.9").fault
    with clock.set_to(NOON + timedelta(minutes=15)):
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.9").must()
        assert (
            people.log_in(world.session, "xd.li", "wrong", "10.0.0.9").fault.code
            == "bad_credentials"
        )  # type: ignore[union-attr]
    assert world.events("XD").count("login_locked") == 1


def test_five_failures_on_a_known_device_lock_that_device_alone(world: World, li: UUID) -> None:
    with clock.set_to(NOON):
        for n in range(5):
            fault = people.log_in(world.session, "xd.li", "wrong", f"10.0.0.{n}", "known").fault
            assert fault is not None and fault.code == "bad_credentials"
        fault = people.log_in(world.session, "xd.li", SECRET, "10.0.0.9", "known").fault
        assert fault is not None and fault.code == "too_many_attempts"
        assert fault.details["wait"] == 900
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.9", "another").must()
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.9").must()


def test_fifty_failures_from_one_address_slow_it_down_for_all(world: World, li: UUID) -> None:
    with clock.set_to(NOON):
        for n in range(50):
            assert (
                people.log_in(world.session, f"guess{n}", "x", "10.0.0.1").fault.code
                == "bad_credentials"
            )  # type: ignore[union-attr]
        refused = people.log_in(world.session, "xd.li", SECRET, "10.0.0.1").fault
        assert refused is not None and refused.code == "too_many_attempts"
        assert refused.details["wait"] == 2 and "2 秒" in refused.message
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.2").must()
    with clock.set_to(NOON + timedelta(seconds=2)):
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.1").must()
    with clock.set_to(
        NOON + timedelta(hours=1)
    ):  # each of a name at an address, a name, an address
        assert people.forget_attempts(world.session) == 150


def test_fifty_failures_of_one_name_slow_it_down_everywhere(world: World, li: UUID) -> None:
    with clock.set_to(NOON):
        for n in range(50):
            fault = people.log_in(world.session, "xd.li", "wrong", f"10.0.0.{n}").fault
            assert fault is not None and fault.code == "bad_credentials"
        refused = people.log_in(world.session, "xd.li", SECRET, "10.0.1.1").fault
        assert refused is not None and refused.code == "too_many_attempts"
        assert refused.details["wait"] == 2
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.1.1", "known").must()
    with clock.set_to(NOON + timedelta(seconds=2)):
        assert people.log_in(world.session, "xd.li", SECRET, "10.0.1.1").must()


def test_twenty_guesses_at_the_same_time_are_counted_one_by_one(engine: Engine) -> None:
    with db.transaction(engine) as session:
        world = World.built(session)
        people.set_password(session, None, world.people["xd.li"], SECRET)
    codes: list[str] = []

    def guess(n: int) -> None:
        with db.transaction(engine) as session:
            fault = people.log_in(session, "xd.li", f"wrong {n}", "10.0.0.1").fault
        codes.append(fault.code if fault else "in")

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["bad_credentials"] * 5 + ["too_many_attempts"] * 15


def test_a_session_ends_when_idle_and_when_old(world: World, li: UUID) -> None:
    with clock.set_to(NOON):
        secret, _ = people.log_in(world.session, "xd.li", SECRET, "10.0.0.1").must()
    for hours, there in ((11, True), (22, True), (35, False)):
        with clock.set_to(NOON + timedelta(hours=hours)):
            assert (_member_of(world, secret) == li) is there
    later = NOON + timedelta(days=2)
    with clock.set_to(later):
        secret, _ = people.log_in(world.session, "xd.li", SECRET, "10.0.0.1").must()
    for hours in range(0, 24 * 7, 10):
        with clock.set_to(later + timedelta(hours=hours)):
            assert _member_of(world, secret) == li
    with clock.set_to(later + timedelta(days=7)):
        assert people.session_of(world.session, secret) is None


def test_a_new_password_ends_the_other_sessions(world: World, li: UUID) -> None:
    here, _ = people.log_in(world.session, "xd.li", SECRET, "10.0.0.1").must()
    there, _ = people.log_in(world.session, "xd.li", SECRET, "10.0.0.2").must()
    me = world.actor("xd.li")
    with pytest.raises(Invalid, match="原密码"):
        people.change_own_password(world.session, me, "wrong", "another good one", keep=here).must()
    with pytest.raises(Invalid):
        people.change_own_password(world.session, me, SECRET, "short", keep=here)
    people.change_own_password(world.session, me, SECRET, "another good one", keep=here).must()
    assert _member_of(world, here) == li
    assert people.session_of(world.session, there) is None
    assert people.log_in(world.session, "xd.li", SECRET, "10.0.0.1").fault
    assert people.log_in(world.session, "xd.li", "another good one", "10.0.0.1").must()
    people.set_password(world.session, world.actor("xd.administrator"), li, SECRET)
    assert people.session_of(world.session, here) is None


def test_guessing_the_old_password_is_limited_too(world: World, li: UUID) -> None:
    me = world.actor("xd.li")
    for _ in range(5):
        assert people.change_own_password(world.session, me, "wrong", "another good one").fault
    fault = people.change_own_password(world.session, me, SECRET, "another good one").fault
    assert fault is not None and fault.code == "too_many_attempts"


@pytest.mark.parametrize("who", ["xd.union_secretary", "xd.auditor", "xd.li"])
def test_only_an_administrator_sets_the_password_of_another(world: World, who: str) -> None:
    with pytest.raises((Refused, NotFound)):
        people.set_password(
            world.session, world.actor(who), world.people["xd.administrator"], SECRET
        )


# --- tokens ----------------------------------------------------------------------------------------------------------
def test_a_token_works_until_it_ends_or_expires(world: World) -> None:
    me = world.actor("xd.li")
    with clock.set_to(NOON):
        plain = people.create_token(world.session, me, me.id, "脚本", days=30)
        assert people.token_owner(world.session, plain) == me.id
        assert people.token_owner(world.session, plain[:-1]) is None
    with clock.set_to(NOON + timedelta(days=30)):
        assert people.token_owner(world.session, plain) is None
        again = people.create_token(world.session, me, me.id, "另一个")
        (listed,) = (
            t for t in queries.member_file(world.session, me, me.id).tokens if t.name == "另一个"
        )
        assert again not in world.bodies("XD") and again not in listed.id
        with pytest.raises((Refused, NotFound)):
            people.end_token(world.session, world.actor("mb.administrator"), listed.id)
        people.end_token(world.session, world.actor("xd.administrator"), listed.id)
        assert people.token_owner(world.session, again) is None
        with pytest.raises(Conflict):
            people.end_token(world.session, me, listed.id)


def test_a_token_for_somebody_else_is_an_administrators(world: World) -> None:
    with pytest.raises(Refused):
        people.create_token(
            world.session, world.actor("xd.union_secretary"), world.people["xd.li"], "x"
        )
    for days in (0, 731):
        with pytest.raises(Invalid):
            people.create_token(world.session, None, world.people["xd.li"], "x", days)


# --- looking ---------------------------------------------------------------------------------------------------------
def test_the_roster_goes_page_by_page_and_loses_nobody(world: World) -> None:
    for n in range(23):
        world.person(f"d{n:03}", "XD-XX")
    for twin in ("twin1", "twin2", "twin3"):
        people.create_member(world.session, None, twin, "同名", world.units["XD"])
    auditor = world.actor("xd.auditor")
    seen: list[UUID] = []
    after = None
    while True:
        page = queries.roster(world.session, auditor, world.units["XD"], after=after, limit=4)
        seen += [item.id for item in page.items]
        if page.next is None:
            break
        after = page.next
    there = select(func.count()).where(tables.member.c.union_id == world.units["XD"])
    assert len(seen) == len(set(seen)) == world.session.execute(there).scalar_one() == 30


def test_the_roster_is_searched_by_name_unit_and_post(world: World) -> None:
    grant(world)
    auditor = world.actor("xd.auditor")

    def found(**wanted: object) -> list[str]:
        return [
            p.username
            for p in queries.roster(world.session, auditor, world.units["XD"], **wanted).items
        ]  # type: ignore[arg-type]

    assert found(q="姓xd.li") == found(q="xd.l") == found(post="formal_delegate") == ["xd.li"]
    assert found(unit_id=world.units["XD-XX"]) == ["xd.li"]
    assert len(found(unit_id=world.units["XD"])) == 4
    assert (
        found(q="%")
        == found(q="xd_li")
        == found(q="' OR 1=1 --")
        == found(unit_id=world.units["MB"])
        == []
    )
    assert found(post="delegation_head") == []
    people.change_member(world.session, None, world.people["xd.li"], active=False)
    assert found(q="xd.li") == [] and found(q="xd.li", inactive=True) == ["xd.li"]
    for bad in ("x", "AAAA", "W10=", "\ud800", "WyJhIiwgIngiXQ=="):
        with pytest.raises(Invalid):
            found(after=bad)


def test_a_file_shows_past_and_future_posts(world: World) -> None:
    grant(world, to_on=date(2026, 2, 28), term="第七届")
    grant(world, from_on=date(2026, 3, 1), to_on=date(2026, 8, 31))
    grant(world, from_on=date(2026, 9, 1), term="第九届")
    with clock.set_to(datetime(2026, 5, 1, 4, tzinfo=UTC)):
        me = world.actor("xd.li")
        terms = queries.member_file(world.session, me, me.id).posts
    assert [(t.term, t.state, t.title) for t in terms] == [
        ("第九届", "future", "正式代表"),
        ("第八届", "present", "正式代表"),
        ("第七届", "past", "正式代表"),
    ]


def test_the_tree_shows_units_people_and_who_is_above(world: World) -> None:
    tree = queries.unit_tree(world.session, world.actor("mb.auditor"), world.units["MB"])
    assert (tree.root.code, tree.managing, tree.guiding) == ("MB", "杭州市总工会", "省教育工会")
    assert [(node.code, node.members, node.title) for node in tree.root.children] == [
        ("MB-XX", 1, "学院工会")
    ]


def test_a_citys_name_is_one_with_and_without_its_last_character() -> None:
    assert words.city("杭州市") == words.city("杭州") == "杭州"
    assert superiors.owner("民办") == "private"
