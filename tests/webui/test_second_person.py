"""A post that opens a confidential matter, in the pages: entered, shown as waiting, taken back, agreed to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from engine import db
from engine.commands import instances
from engine.db import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]

WAITS = "待第二人确认"


@pytest.fixture
def shut(house: House) -> House:
    """A confidential matter that will be put to all formal delegates; and an administrator."""
    key = house.do("mover", instances.launch, "errand", {"subject": "保密的事"})
    with db.transaction(house.engine) as session:
        house.person(session, "admin", "总管", "union", "union", "administrator@union")
        instance = tables.instance
        session.execute(update(instance).where(instance.c.id == key).values(confidential=True))
    return house


def enter(client: Login, house: House) -> str:
    form = {"kind": "formal_delegate", "unit_id": str(house.units["info"]), "term": "八届"}
    path = f"/people/{house.people['plain']}"
    sent = client("office").post(f"{path}/posts", data={**form, "from_on": "2026-01-01"})
    assert sent.status_code == 302
    return path


def holds(house: House) -> bool:
    post = tables.post.c
    query = select(post.id).where(post.member_id == house.people["plain"])
    return bool(house.look(lambda s: s.execute(query).all()))


def action_of(page: str) -> str:
    (action,) = re.findall(r'action="(/proposals/[^"]+)"', page)
    return str(action)


def test_a_post_waits_on_the_page_of_the_person_until_another_agrees(
    client: Login, shut: House
) -> None:
    path = enter(client, shut)
    shown = client("office").get(path).text
    assert WAITS in shown and "formal_delegate" not in client("plain").get("/me").text
    assert not holds(shut)
    own = client("office").get("/proposals").text
    assert "周会员" in own and "收回登记" in own and 'value="approve"' not in own
    seen = client("admin").get("/proposals").text
    assert 'value="approve"' in seen and "收回登记" not in seen
    for who in ("office", "plain", "foreign"):
        refused = client(who).post(action_of(seen), data={"decision": "approve"})
        assert refused.status_code == 403, who
    assert client("admin").post(action_of(seen), data={"decision": "approve"}).status_code == 302
    assert holds(shut) and WAITS not in client("office").get(path).text
    assert "周会员" not in client("admin").get("/proposals").text


def test_who_entered_it_takes_it_back(client: Login, shut: House) -> None:
    path = enter(client, shut)
    action = action_of(client("office").get("/proposals").text)
    assert client("admin").post(action, data={"decision": "take_back"}).status_code == 403
    assert client("office").post(action, data={"decision": "take_back"}).status_code == 302
    assert not holds(shut) and WAITS not in client("office").get(path).text
