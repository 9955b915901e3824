"""A small world of unions for tests: made by the operator's commands, never by writing tables."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engine import db
from engine.commands import people
from engine.db import tables
from engine.history import event_log
from engine.people import organisation
from engine.settings import ROOT
from tests.conftest import fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from uuid import UUID

    from engine.db import Session

POSTS = """
[posts.formal_delegate]
title = "正式代表"
title_en = "Formal delegate"
units = ["college_union", "department"]
term = true
[posts.observer_delegate]
title = "列席代表"
[posts.invited_guest]
title = "特邀代表"
[posts.delegation_head]
title = "代表团团长"
units = ["college_union"]
term = true
[posts.unit_head]
title = "单位负责人"
[posts.union_secretary]
title = "校工会秘书"
[posts.auditor]
title = "审计"
[posts.administrator]
title = "系统管理员"
"""
FROM = date(2026, 1, 1)
SECRET = "correct horse 9"


def processes(folder: Path) -> Path:
    """A processes folder with known posts and the shipped decision table."""
    (folder / "organisation").mkdir()
    shipped = ROOT / "processes" / "organisation" / "managing_union.dmn"
    (folder / "organisation" / "managing_union.dmn").write_bytes(shipped.read_bytes())
    (folder / "posts.toml").write_text(POSTS, "utf-8")
    return folder


@dataclass
class World:
    """省总工会 over 省教育工会 and 杭州市总工会； two universities, each with a college, and their people by user name."""

    session: Session
    units: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    def built(cls, session: Session) -> World:
        world = cls(session)
        world.unit("ZGH", "provincial_federation", "省总工会")
        world.unit("JYGH", "provincial_education_union", "省教育工会", "ZGH")
        world.unit("HZ", "municipal_federation", "杭州市总工会", "ZGH", city="杭州")
        for code, owner, party in (("XD", "province", ""), ("MB", "private", "city")):
            world.unit(
                code,
                "university_union",
                f"{code}大学工会",
                owner_type=owner,
                affiliation=party,
                city="杭州市",
            )
            world.unit(f"{code}-XX", "college_union", f"{code}信息学院工会", code)
            for kind in ("administrator", "union_secretary", "auditor"):
                world.person(f"{code.lower()}.{kind}", code, kind)
            world.person(f"{code.lower()}.li", f"{code}-XX")
        return world

    def unit(self, code: str, kind: str, name: str, parent: str | None = None, **more: Any) -> UUID:
        above = self.units[parent] if parent else None
        self.units[code] = people.create_unit(
            self.session, None, code, kind, name, parent_id=above, **more
        )
        return self.units[code]

    def person(self, username: str, unit: str, *kinds: str) -> UUID:
        made = people.create_member(self.session, None, username, f"姓{username}", self.units[unit])
        for kind in kinds:
            people.grant_post(self.session, None, made, kind, self.units[unit], FROM)
        self.people[username] = made
        return made

    def actor(self, username: str) -> organisation.Actor:
        return organisation.actor(self.session, self.people[username])

    def events(self, code: str) -> list[str]:
        """The kinds of events in a union's chain, which must be whole."""
        event = tables.event.c
        rows = self.session.execute(
            select(tables.event).where(event.instance_id == self.units[code]).order_by(event.seq)
        ).all()
        assert event_log.first_broken(self.units[code], rows) is None
        return [row.kind for row in rows]

    def bodies(self, code: str) -> str:
        """All that the chain of a union says."""
        event = tables.event.c
        return "\n".join(
            self.session.execute(
                select(event.body).where(event.instance_id == self.units[code])
            ).scalars()
        )


@contextmanager
def shared(server: str, folder: Path) -> Iterator[Callable[[], AbstractContextManager[World]]]:
    """A world built once; each call of what comes back opens it in a transaction of its own, rolled back at the end."""
    with pytest.MonkeyPatch.context() as patch, fresh(server) as url:
        patch.setenv("YIXING_PROCESSES", str(processes(folder)))
        engine = db.connect(url, size=5)
        with db.transaction(engine) as session:
            built = World.built(session)

        @contextmanager
        def opened() -> Iterator[World]:
            with engine.connect() as session, session.begin() as begun:
                yield World(session, dict(built.units), dict(built.people))
                begun.rollback()

        yield opened
        db.release(url)
