"""Invitations: who was entered without a password comes in by a slip, once, and nobody else does."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from engine import clock, db
from engine.commands import instances, people
from engine.commands.people import lockouts
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.history import event_log
from engine.people import organisation
from engine.queries import newcomers
from engine.queries.narrowed import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]

SECRET = "青山-着意-化为桥 7"
DELEGATES = {"mover", "second", "third"}


@pytest.fixture(autouse=True)
def administrator(house: House) -> None:
    with db.transaction(house.engine) as session:
        house.person(session, "admin", "管理员", "union", "union", "administrator@union")


def invite(house: House, *who: str, by: str = "office") -> people.Invited:
    keys = [house.people[each] for each in who]
    made: people.Invited = house.do(by, people.invite, house.units["union"], keys)
    return made


def slip(house: House, who: str = "mover") -> str:
    (made,) = invite(house, who).slips
    return made.secret


def told(browser: FlaskClient, secret: str, status: int = 404) -> str:
    reply = browser.get(f"/welcome/{secret}")
    assert reply.status_code == status
    return str(reply.text)


def come(browser: FlaskClient, secret: str, chosen: str = SECRET, again: str | None = None) -> Any:
    sent = {"password": chosen, "again": chosen if again is None else again}
    return browser.post(f"/welcome/{secret}", data=sent)


def events(house: House) -> list[str]:
    event = tables.event.c
    query = select(event.kind).where(event.instance_id == house.units["union"]).order_by(event.seq)
    return list(house.look(lambda s: s.execute(query).scalars().all()))


@contextmanager
def later(days: int) -> Iterator[None]:
    with clock.set_to(clock.now() + timedelta(days=days)):
        yield


# --- the office -----------------------------------------------------------------------------------
def test_all_of_a_filter_are_invited_and_their_slips_open(client: Login, house: House) -> None:
    office = client("office")
    page = office.get("/people?post=formal_delegate").text
    assert (
        "3 人还没有登录过" in page and "没有密码、没有邀请 3 人" in page and "14 天内有效" in page
    )
    made = office.post("/people/invite", data={"post": "formal_delegate"})
    assert made.status_code == 200 and made.headers["Cache-Control"] == "no-store"
    addresses = re.findall(r">http://localhost(/welcome/[^<]+)<", made.text)
    assert len(addresses) == 3 == made.text.count("data:image/svg+xml")
    assert {name for name in ("张敏", "李强", "王芳", "周会员") if name in made.text} == {
        "张敏",
        "李强",
        "王芳",
    }
    for address in addresses:
        guest = client("")
        assert guest.get(address).status_code == 200
        assert come(guest, address.rpartition("/")[2]).location == "/"
        assert guest.get("/me").status_code == 200
    page = office.get("/people?post=formal_delegate").text
    assert "人还没有登录过" not in page
    assert events(house).count("member_invited") == 3 == events(house).count("invitation_used")


def test_only_a_hash_of_the_secret_is_kept(house: House) -> None:
    secret = slip(house)
    kept = house.look(lambda s: s.execute(select(tables.login_invitation)).all())
    noted = house.look(lambda s: s.execute(select(tables.event.c.body)).scalars().all())
    assert len(kept) == 1 and kept[0].id == lockouts.digest(secret)
    assert noted and secret not in f"{kept}{noted}"


def test_inviting_a_filter_again_leaves_slips_that_are_out_unless_asked(
    client: Login, house: House
) -> None:
    old, office = slip(house), client("office")
    made = office.post("/people/invite", data={"post": "formal_delegate"}).text
    assert "李强" in made and "张敏" not in made
    told(client(""), old, 200)
    assert office.post("/people/invite", data={"post": "formal_delegate"}).status_code == 409
    sent = {"post": "formal_delegate", "renew": "1"}
    assert "张敏" in office.post("/people/invite", data=sent).text
    assert "已经作废" in told(client(""), old)


def test_the_list_says_who_has_not_come_in(client: Login, house: House) -> None:
    come(client(""), slip(house))
    invite(house, "second")
    office = client("office")
    page = office.get("/people?waiting=1").text
    assert "李强" in page and "王芳" in page and "张敏" not in page
    assert "没有登录过，邀请 " in page and "没有登录过，没有邀请" in page
    found = house.do("office", newcomers.newcomers, house.units["union"], Wanted())
    named = {v: k for k, v in house.people.items()}
    assert [named[key] for key in found.invited] == ["second"]
    assert {named[key] for key in found.uninvited} == {"third", "plain", "auditor", "admin"}
    assert found.count == 5


def test_one_person_is_invited_and_the_invitation_ended_from_their_page(
    client: Login, house: House
) -> None:
    office, at = client("office"), f"/people/{house.people['mover']}"
    page = office.post(f"{at}/invite").text
    (secret,) = re.findall(r"/welcome/([a-z0-9-]{23})<", page)
    assert "作废这个邀请" in office.get(at).text
    assert office.post(f"{at}/invitation/end").status_code == 302
    assert "已经作废" in told(client(""), secret)
    assert office.post(f"{at}/invitation/end").status_code == 409
    assert "invitation_ended" in events(house)


def test_who_may_invite_whom(house: House) -> None:
    with pytest.raises(Refused):
        invite(house, "mover", by="auditor")
    for who in ("plain", "foreign", "stranger"):
        with pytest.raises(NotFound):
            invite(house, "mover", by=who)
    with pytest.raises(Conflict):  # of another union: as if there were nobody
        invite(house, "stranger")
    made = invite(house, "mover", "auditor", "admin")
    assert [each.name for each in made.slips] == ["张敏"]
    assert set(made.left_out) == {"孙审计", "管理员"}
    assert [each.name for each in invite(house, "auditor", by="admin").slips] == ["孙审计"]
    with pytest.raises(Conflict):  # nobody invites themselves to a desk
        invite(house, "admin", by="admin")
    with pytest.raises(Invalid):
        house.do("office", people.invite, house.units["union"], [tables.new_id()] * 501)


def test_who_sits_where_a_confidential_matter_has_come_is_invited_by_an_administrator(
    house: House,
) -> None:
    seat = organisation.seat_key(f"formal_delegate@{house.units['info']}")
    house.do("mover", _confidential, seat)
    made = invite(house, "mover", "plain")
    assert [each.name for each in made.slips] == ["周会员"] and made.left_out == ("张敏",)
    assert len(invite(house, "mover", by="admin").slips) == 1


def _confidential(session: db.Session, actor: organisation.Actor, seat: Any) -> None:
    key = instances.launch(session, actor, "errand", {"subject": "修缮会议室"})
    session.execute(update(tables.instance).values(confidential=True))
    session.execute(insert(tables.share).values(key=seat, instance_id=key))


def test_nobody_with_a_password_is_invited_and_setting_one_ends_the_invitation(
    client: Login, house: House
) -> None:
    secret = slip(house)
    house.do("admin", people.set_password, house.people["mover"], SECRET)
    assert "已经作废" in told(client(""), secret)
    with pytest.raises(Conflict):
        invite(house, "mover")


# --- whoever holds the slip -----------------------------------------------------------------------
def test_a_slip_opens_once_and_its_password_logs_in(client: Login, house: House) -> None:
    secret, guest = slip(house), client("")
    page = told(guest, people.grouped(secret).upper(), 200)
    assert "张敏" in page and "mover" in page
    assert come(guest, secret, again="other").status_code == 422
    assert come(guest, secret, "12345678").status_code == 422
    assert come(guest, secret).status_code == 303
    assert guest.get("/").status_code == 200
    assert events(house)[-2:] == ["invitation_used", "logged_in"]
    other = client("")
    page = told(other, secret)
    assert "已经用过" in page and "张敏" not in page and "mover" not in page
    assert come(other, secret, "另一个-密码-不同 8").status_code == 404
    sent = {"username": "mover", "password": SECRET}
    assert other.post("/login", data=sent).status_code == 302
    assert other.get("/").status_code == 200, "the password is the owner's: it need not change"


def test_a_slip_is_good_to_the_end_of_its_last_day(client: Login, house: House) -> None:
    secret = slip(house)
    with later(14):
        told(client(""), secret, 200)
    with later(15):
        assert "已经过期" in told(client(""), secret)
        assert come(client(""), secret).status_code == 404
        found = house.do("office", newcomers.newcomers, house.units["union"], Wanted())
        assert found.invited == () and house.people["mover"] in found.uninvited


def _out_of_use(house: House) -> None:
    house.do("admin", people.change_member, house.people["mover"], active=False)
    house.do("admin", people.change_member, house.people["mover"], active=True)


def _post_ended(house: House) -> None:
    post = tables.post.c
    query = select(post.id).where(post.member_id == house.people["mover"])
    key = house.look(lambda s: s.execute(query).scalar_one())
    house.do("office", people.end_post, key, clock.today(), "离任")


def _moved(house: House) -> None:
    def move(session: db.Session) -> None:
        people.change_member(session, None, house.people["mover"], unit_id=house.units["other"])

    house.look(move)


@pytest.mark.parametrize("leave", [_out_of_use, _post_ended, _moved])
def test_whoever_leaves_does_not_come_in(
    client: Login, house: House, leave: Callable[[House], None]
) -> None:
    secret = slip(house)
    leave(house)
    assert "已经作废" in told(client(""), secret)
    assert come(client(""), secret).status_code == 404


def test_guessing_tells_nothing_and_goes_slowly(
    client: Login, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockouts, "PER_ADDRESS", 3)
    secret, guest = slip(house), client("")
    for n in range(3):
        page = told(guest, f"wrong{n}")
        assert "没有这个邀请" in page and "张敏" not in page
    assert guest.get("/welcome/wrong9").status_code == 429
    assert guest.get(f"/welcome/{secret}").status_code == 429, "a right guess is none either"
    with clock.set_to(clock.now() + lockouts.SLOW):
        told(guest, secret, 200)


@pytest.mark.parametrize("odd", ["x" * 5000, "%00", "%ed%a0%80", "-", "٣" * 20])
def test_odd_addresses_open_nothing(client: Login, odd: str) -> None:
    assert client("").get(f"/welcome/{odd}").status_code == 404


# --- programs, and the proof ----------------------------------------------------------------------
def test_a_program_invites_as_a_page_does(app: Any, client: Login, house: House) -> None:
    token = house.look(lambda s: people.create_token(s, None, house.people["office"], "t"))
    api, head = app.test_client(), {"Authorization": f"Bearer {token}"}

    def ask(method: str, path: str, **sent: Any) -> Any:
        return api.open(f"/api/v1{path}", method=method, headers=head, **sent)

    assert ask("GET", "/members/newcomers?post=formal_delegate").json["count"] == 3
    made = ask("POST", "/members/invitations", json={"post": "formal_delegate"})
    assert made.status_code == 201 and len(made.json["slips"]) == 3
    (mine,) = (each for each in made.json["slips"] if each["username"] == "mover")
    assert come(client(""), mine["address"].rpartition("/")[2]).status_code == 303
    rows = ask("GET", "/members?waiting=true&post=formal_delegate").json["items"]
    assert {row["username"] for row in rows} == DELEGATES - {"mover"}
    assert all(row["invited_until"] and not row["came_in"] for row in rows)
    at = f"/members/{house.people['second']}/invitation"
    assert ask("DELETE", at).status_code == 204 and ask("DELETE", at).status_code == 409
    assert ask("GET", "/members/newcomers?post=formal_delegate").json["uninvited"] == [
        str(house.people["second"])
    ]


def test_the_chain_with_invitations_proves_itself(client: Login, house: House) -> None:
    come(client(""), slip(house))
    invite(house, "second")
    assert {"member_invited", "invitation_used"} <= set(events(house))
    event = tables.event.c
    query = select(event.seq, event.body, event.hash).order_by(event.seq)
    theirs = query.where(event.instance_id == house.units["union"])
    rows = house.look(lambda s: s.execute(theirs).all())
    assert event_log.first_broken(house.units["union"], rows) is None
    seen = client("auditor").get("/audit/log").text
    assert "凭邀请设置密码并登录" in seen and "陈秘书为李强发出登录邀请" in seen
