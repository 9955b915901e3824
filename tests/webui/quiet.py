"""A confidential instance and those who may and may not know of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, select

import webui
from engine import db
from engine.commands import (
    attachments,
    definitions,
    drafts,
    instances,
    messages,
    outside,
    people,
    polls,
    tasks,
)
from engine.commands.people.logins import open_login
from engine.db import tables
from engine.definitions import read
from engine.queries import inbox
from engine.settings import ROOT, Settings
from tests.webui.conftest import House

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask
    from werkzeug.test import TestResponse


CANARY = "翠鸟密语"  # in every text of the matter


SUBJECT, ONE, TWO, ALONE, VOICE, OUTSIDE = (
    f"{CANARY}{w}" for w in ("讨薪", "申请人室", "被申请人室", "单独", "会商", "外单位")
)


@dataclass
class Case:
    """The matter as far as its reply from outside is awaited; `own` are the ids of what belongs to it."""

    app: Flask
    house: House
    id: UUID
    number: str
    own: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def browser(self, who: str) -> Any:
        client = self.app.test_client()
        secret = self.house.look(lambda s: open_login(s, self.house.people[who]))
        with client.session_transaction() as cookie:
            cookie["key"] = secret
        return client

    def api(self, who: str, path: str, method: str = "GET", **more: Any) -> TestResponse:
        key = self.tokens.get(who)
        if key is None:
            key = self.tokens[who] = self.house.look(
                lambda s: people.create_token(s, None, self.house.people[who], "test")
            )
        return self.app.test_client(use_cookies=False).open(
            f"/api/v1{path}", method=method, headers={"Authorization": f"Bearer {key}"}, **more
        )


def done(house: House, who: str, answers: dict[str, Any]) -> None:
    item = house.look(lambda s: inbox.inbox(s, house.actor(who)).items[0])
    house.do(who, tasks.complete, item.id, answers)


QUIET = ROOT / "tests" / "processes" / "quiet"


def confidential_case(house: House, engine: Engine, url: str, home: Path) -> Case:
    """The instance and its people, on an application of its own."""
    with db.transaction(engine) as session:
        house.person(session, "judge", "钱调解", "union", "union", "mediator@union")
        house.person(session, "admin", "吴管理", "union", "union", "administrator@union")
        definitions.publish_shipped(session, read(QUIET))
    app = webui.create_app(Settings(home=home, database_url=url, processes=ROOT / "processes"))
    app.config.update(WTF_CSRF_ENABLED=False)
    app.extensions["engine"] = engine
    paper = house.do("mover", attachments.add, f"{CANARY}证据.txt", CANARY.encode())
    key = house.do(
        "mover",
        instances.launch,
        "quiet",
        {
            "subject": SUBJECT,
            "story": f"{CANARY}经过",
            "other": str(house.people["second"]),
            "files": [str(paper)],
        },
    )
    done(house, "judge", {"note": f"{CANARY}受理"})
    house.do("mover", messages.send, key, "speak", {"words": ALONE})
    inside = house.do("judge", attachments.add, f"{ONE}.txt", ONE.encode())
    done(house, "judge", {"said": ONE, "leaning": "settle", "files": [str(inside)]})
    done(house, "second", {"said": TWO})
    asked = house.look(
        lambda s: s.execute(
            select(tables.poll.c.id).where(tables.poll.c.instance_id == key)
        ).scalar_one()
    )
    house.do("judge", polls.respond, asked, "yes", VOICE)
    reply = house.look(lambda s: inbox.inbox(s, house.actor("judge")).items[0])
    house.do("judge", drafts.save, f"task:{reply.id}", {"opinion": f"{CANARY}草稿"})
    token = house.do("judge", outside.invite, reply.id, OUTSIDE)
    document = house.look(lambda s: s.execute(select(tables.document.c.id)).scalar_one())
    own = {
        "instance_id": str(key),
        "task_id": str(reply.id),
        "poll_id": str(asked),
        "document_id": str(document),
        "attachment_id": str(paper),
        "inside": str(inside),
        "token": token,
    }
    return Case(app, house, key, reply.number, own)
