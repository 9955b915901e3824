"""Restorations, repairs and baselines on record: since when the history goes on from another state,
or from what an upgrade found, and who stood in for it.

A restoration or a repair is noted by whoever has the machine, in the log beside the key and in the
installation's chain; it counts as soon as two people have confirmed it within seven days. A
baseline stands in the chain only, and waits for two people as long as it takes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
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
BASELINE = "history_baselined"
CONFIRMED = "resumption_confirmed"
PEOPLE, DAYS = 2, 7
_event = tables.event.c


@dataclass(frozen=True)
class Resumed:
    """One restoration, repair or baseline: its event `seq` in the installation's chain, and the ids
    of those who confirmed it in time.
    """

    seq: int
    body: Mapping[str, Any]
    people: tuple[str, ...]

    @property
    def kind(self) -> str:
        """As in the log; "baselined" is in none."""
        if self.body["kind"] == BASELINE:
            return "baselined"
        return next(kind for kind, event in EVENTS.items() if event == self.body["kind"])

    @property
    def at(self) -> str:
        """Its moment, as people in China write it."""
        return _minute(datetime.fromisoformat(self.body["at"]))

    @property
    def until(self) -> datetime:
        """The last moment at which it can be confirmed; of a baseline there is none."""
        if self.kind == "baselined":
            return datetime.max.replace(tzinfo=UTC)
        return datetime.fromisoformat(self.body["at"]) + timedelta(days=DAYS)

    @property
    def confirmed(self) -> bool:
        """By two people."""
        return len(set(self.people)) >= PEOPLE

    def told(self) -> Message:
        """The sentence of verify, log and page."""
        if self.kind == "baselined":
            return self._told_baseline()
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

    def _told_baseline(self) -> Message:
        return _(
            "{at} 升级时补记了 {matters} 件事项和 {unions} 个单位的现状，此前的只能核对到当时所记的内容；须由两人确认，现有 {n} 人确认",
            at=self.at,
            matters=self.body["matters"],
            unions=self.body["unions"],
            n=len(set(self.people)),
        )


def _minute(moment: datetime) -> str:
    """As people in China write it; a day alone stays one."""
    if moment.tzinfo is None:
        return moment.date().isoformat()
    return moment.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M")


def newest(session: Session) -> Resumed | None:
    """The last restoration or repair, with those who confirmed it; after it, or where there is
    none, the last baseline if it still waits for two people.
    """
    last = _last_resumption(session)
    told = baseline(session)
    waits = told is not None and not told.confirmed and (last is None or last.confirmed)
    return told if waits else last


def _last_resumption(session: Session) -> Resumed | None:
    return next((e for e in reversed(_all(session)) if e.kind != "baselined"), None)


def baseline(session: Session) -> Resumed | None:
    """The last baseline."""
    return next((e for e in reversed(_all(session)) if e.kind == "baselined"), None)


def _all(session: Session) -> list[Resumed]:
    rows = session.execute(
        select(_event.seq, _event.body)
        .where(
            _event.instance_id == INSTALLATION,
            _event.kind.in_([*EVENTS.values(), BASELINE, CONFIRMED]),
        )
        .order_by(_event.seq)
    )
    found: dict[int, Resumed] = {}
    for row in rows:
        body = json.loads(row.body)
        before = found.get(body.get("resumption", 0))
        if body["kind"] != CONFIRMED:
            found[row.seq] = Resumed(row.seq, body, ())
        elif before is not None and _counts(before, body):
            people = (*before.people, body["actor"]["id"])
            found[before.seq] = replace(before, people=people)
    return list(found.values())


def _counts(found: Resumed, body: Mapping[str, Any]) -> bool:
    in_time = datetime.fromisoformat(body["at"]) <= found.until
    return body.get("resumption") == found.seq and in_time and body.get("actor") is not None


@dataclass(frozen=True)
class Early:
    """How many matters and unions were begun when events told less, and since when they are
    compared like all others: the moment of a baseline that two people confirmed, "" is never.
    """

    matters: int
    unions: int
    at: str

    def told(self) -> Message | None:
        """The sentence of verify, restore and page; None where there are none."""
        counts = {"matters": self.matters, "unions": self.unions}
        if not self.matters and not self.unions:
            return None
        if self.at:
            return _(
                "{matters} 件事项和 {unions} 个单位的早期记录较简：自 {at} 补记现状起逐项核对，此前的只能核对到当时所记的内容",
                at=self.at,
                **counts,
            )
        return _(
            "{matters} 件事项和 {unions} 个单位的早期记录较简，只能核对到当时所记的内容；补记现状并由两人确认以后，自补记时起逐项核对",
            **counts,
        )


def missing(session: Session, lines: Sequence[kept.Line]) -> Message | None:
    """What the log says of the last restoration or repair stands in the history too; else why
    not.
    """
    line = next((each for each in reversed(lines) if each.kind in kept.RESUMED), None)
    if line is None:
        return None
    found = _last_resumption(session)
    if found is not None and datetime.fromisoformat(found.body["at"]) >= line.at:
        return None
    return _("日志记有恢复到 {size} 的一行，历史里没有这次恢复或修复的记录", size=line.size)
