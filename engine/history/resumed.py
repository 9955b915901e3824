"""Restorations and repairs on record: since when the history goes on from another state, and who
stood in for it.

A restoration or a repair is noted by whoever has the machine, in the log beside the key and in the
installation's chain; it counts as soon as two people have confirmed it within seven days.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.history import kept
from engine.history.event_log import INSTALLATION
from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db import Session

EVENTS = {"restored": "database_restored", "repaired": "history_repaired"}
CONFIRMED = "resumption_confirmed"
PEOPLE, DAYS = 2, 7
_event = tables.event.c


@dataclass(frozen=True)
class Resumed:
    """One restoration or repair: its event `seq` in the installation's chain, and the ids of those
    who confirmed it in time.
    """

    seq: int
    body: Mapping[str, Any]
    people: tuple[str, ...]

    @property
    def kind(self) -> str:
        """As in the log."""
        return next(kind for kind, event in EVENTS.items() if event == self.body["kind"])

    @property
    def until(self) -> datetime:
        """The last moment at which it can be confirmed."""
        return datetime.fromisoformat(self.body["at"]) + timedelta(days=DAYS)

    @property
    def confirmed(self) -> bool:
        """By two people."""
        return len(set(self.people)) >= PEOPLE

    def told(self) -> Message:
        """The sentence of verify, log and page."""
        told = {
            "size": self.body["size"],
            "by": self.body["by"],
            "n": len(set(self.people)),
            "until": _minute(self.until),
        }
        if self.kind == "restored":
            return _(
                "已由 {by} 用 {source} 的备份恢复到 {size}，须在 {until} 前由两人确认，现有 {n} 人确认",
                source=_minute(datetime.fromisoformat(self.body["source"])),
                **told,
            )
        return _(
            "记录已由 {by} 修复，自 {size} 起继续（{why}），须在 {until} 前由两人确认，现有 {n} 人确认",
            why=self.body["why"],
            **told,
        )


def _minute(moment: datetime) -> str:
    """As people in China write it; a day alone stays one."""
    if moment.tzinfo is None:
        return moment.date().isoformat()
    return moment.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M")


def newest(session: Session) -> Resumed | None:
    """The last restoration or repair, with those who confirmed it."""
    rows = session.execute(
        select(_event.seq, _event.body)
        .where(_event.instance_id == INSTALLATION, _event.kind.in_([*EVENTS.values(), CONFIRMED]))
        .order_by(_event.seq)
    )
    found: Resumed | None = None
    for row in rows:
        body = json.loads(row.body)
        if body["kind"] != CONFIRMED:
            found = Resumed(row.seq, body, ())
        elif found is not None and _counts(found, body):
            found = Resumed(found.seq, found.body, (*found.people, body["actor"]["id"]))
    return found


def _counts(found: Resumed, body: Mapping[str, Any]) -> bool:
    in_time = datetime.fromisoformat(body["at"]) <= found.until
    return body.get("resumption") == found.seq and in_time and body.get("actor") is not None


def missing(session: Session, lines: Sequence[kept.Line]) -> Message | None:
    """What the log says of the last restoration or repair stands in the history too; else why
    not.
    """
    line = next((each for each in reversed(lines) if each.kind in kept.RESUMED), None)
    if line is None:
        return None
    found = newest(session)
    if found is not None and datetime.fromisoformat(found.body["at"]) >= line.at:
        return None
    return _("日志记有恢复到 {size} 的一行，历史里没有这次恢复或修复的记录", size=line.size)
