"""Stories of a session in a hall, put together from steps."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import scenarios

if TYPE_CHECKING:
    pass


HALL = Path(__file__).parents[1] / "processes" / "hall"


STANDARD = scenarios.standard(Path(__file__).parents[2] / "processes")


NAMES = "甲乙丙丁戊己庚辛壬"


def people(n: int) -> list[str]:
    return [f"代表{c}" for c in NAMES[:n]]


def start(delegates: int = 9, arrived: int = 6) -> dict[str, Any]:
    """A story of nine delegates and an observer, as far as the vote could be put."""
    cast = {name: ["formal_delegate@info"] for name in people(delegates)} | {
        "列席": ["observer_delegate@info"]
    }
    return {
        "title": "会场",
        "at": datetime.fromisoformat("2026-03-02T09:00:00+08:00"),
        "cast": cast,
        "step": [
            {"who": "主席团主席", "does": "launch", "with": {"subject": "第八届二次"}},
            {"who": [*people(arrived), "列席"], "does": "arrive", "task": "session"},
            {"who": "主席团主席", "does": "open_meeting", "task": "session"},
        ],
    }


def put(refused: str = "") -> dict[str, Any]:
    given = {
        "candidates": ["member:代表甲", "member:代表乙"],
        "tellers": ["member:代表丙", "member:代表丁"],
    }
    step = {"who": "主席团主席", "does": "complete", "task": "put", "with": given}
    return {**step, "refused": refused} if refused else step


def votes(yes: int, no: int = 0) -> list[dict[str, Any]]:
    cast = []
    if yes:
        cast.append(
            {"who": people(9)[:yes], "does": "respond", "task": "vote", "with": {"choice": "yes"}}
        )
    if no:
        cast.append(
            {
                "who": people(9)[yes : yes + no],
                "does": "respond",
                "task": "vote",
                "with": {"choice": "no"},
            }
        )
    return [*cast, {"who": "主席团主席", "does": "close_poll", "task": "vote"}]


def election(*steps: dict[str, Any]) -> dict[str, Any]:
    story = start(9, 9)
    story["step"] += [put(), *votes(5), *steps]
    return story


def choose(who: list[str], *whom: str, refused: str = "") -> dict[str, Any]:
    step = {
        "who": who,
        "does": "respond",
        "task": "elect",
        "with": {"choices": [f"member:{w}" for w in whom]},
    }
    return {**step, "refused": refused} if refused else step


CLOSE = {"who": "主席团主席", "does": "close_poll", "task": "elect"}


SIGN = {"who": ["代表丙", "代表丁"], "does": "count", "task": "elect"}
