"""Errands of the house: launched, finished step by step, rated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands import instances, polls, tasks
from engine.queries import inbox as waiting

if TYPE_CHECKING:
    from uuid import UUID

    from tests.webui.conftest import House


def started(house: House, subject: str = "更换三号楼饮水机") -> UUID:
    found: UUID = house.do("mover", instances.launch, "errand", {"subject": subject})
    return found


def finish(house: House, who: str, answers: dict[str, Any]) -> None:
    item = house.look(lambda s: waiting.inbox(s, house.actor(who)).items[0])
    house.do(who, tasks.complete, item.id, answers)


def rated(house: House) -> UUID:
    key = started(house)
    finish(house, "office", {"decision": "pass"})
    finish(house, "office", {"note": "已换"})
    for who in ("mover", "second"):
        item = house.look(lambda s, w=who: waiting.inbox(s, house.actor(w)).items[0])
        house.do(who, polls.respond, item.id, "good", "很快")
    return key
