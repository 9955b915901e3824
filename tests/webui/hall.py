"""A meeting of the house, as far as a test wants it: nine delegates, an observer, a chair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine import db
from engine.commands import definitions, instances, meetings, polls, tasks
from engine.definitions import read
from engine.queries import instance as files
from engine.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tests.webui.conftest import House

NAMES = "甲乙丙丁戊己庚辛壬"


class Hall:
    """Six of the nine delegates are due to make a quorum; d2 and d3 are the tellers, d0 and d1 the candidates.

    `terms`: more keys of the election; `files`: another folder than that of the hall.
    """

    def __init__(
        self, house: House, terms: str = "", files: Mapping[str, str] | None = None
    ) -> None:
        self.house = house
        with db.transaction(house.engine) as session:
            for gone in ("mover", "second", "third"):
                session.execute(
                    text("DELETE FROM post WHERE member_id = :m"), {"m": house.people[gone]}
                )
            for n, name in enumerate(NAMES):
                house.person(
                    session, f"d{n}", f"代表{name}", "info", "union", "formal_delegate@info"
                )
            house.person(session, "observer", "列席人", "info", "union", "observer_delegate@info")
            house.person(session, "chair", "主席", "union", "union", "presidium_chair@union")
            folder = dict(files or read(ROOT / "tests" / "processes" / "hall"))
            named = "tellers = 'put.tellers'\n"
            folder["process.toml"] = folder["process.toml"].replace(named, named + terms)
            definitions.publish_shipped(session, folder)
        self.instance: UUID = house.do(
            "chair", instances.launch, "hall", {"subject": "第八届二次教代会"}
        )
        first = (
            "SELECT m.id FROM meeting m JOIN task t ON t.id = m.task_id WHERE t.element = 'session'"
        )
        self.id: UUID = self.one(first)
        self.code: str = self.one("SELECT code FROM meeting WHERE id = :id", id=self.id)

    def one(self, query: str, **values: Any) -> Any:
        return self.house.look(lambda s: s.execute(text(query), values).scalar())

    def arrived(self, n: int) -> Hall:
        for k in range(n):
            self.house.do(f"d{k}", meetings.arrive, self.id, self.code)
        return self

    def opened(self) -> Hall:
        self.house.do("chair", meetings.open_meeting, self.id)
        return self

    def task(self, element: str) -> UUID:
        found = self.house.look(lambda s: files.file(s, self.house.actor("chair"), self.instance))
        return next(t.id for t in found.tasks if t.element == element and t.state == "open")

    def answers(self) -> dict[str, Any]:
        who = self.house.people
        return {
            "candidates": [str(who["d0"]), str(who["d1"])],
            "tellers": [str(who["d2"]), str(who["d3"])],
        }

    def put(self) -> Hall:
        self.house.do("chair", tasks.complete, self.task("put"), self.answers())
        return self

    def poll(self, element: str) -> UUID:
        query = "SELECT p.id FROM poll p JOIN task t ON t.id = p.task_id WHERE t.element = :e ORDER BY p.id DESC LIMIT 1"
        found: UUID = self.one(query, e=element)
        return found

    def vote(self, yes: int, no: int = 0) -> Hall:
        key = self.poll("vote")
        for k in range(yes + no):
            self.house.do(f"d{k}", polls.respond, key, "yes" if k < yes else "no")
        self.house.do("chair", polls.close, key)
        return self

    def election(self) -> Hall:
        """Everybody is there, the resolution has passed, and the election is open."""
        return self.arrived(9).opened().put().vote(6, 3)
