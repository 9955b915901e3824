"""The rows of a matter against where its events lead: the first that stands elsewhere."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.history.verification import baseline
from engine.history.verification.replay import Replayed, first_wrong, near
from engine.history.verification.standing import WINDOW, OpenedTask, SetTimer, Standing, every
from engine.history.verification.walk import as_text
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import rows
    from engine.history.event_log import Break
    from engine.history.verification.matters import Version
    from engine.machine import Live

TELLS = 3  # matters whose events tell less have no standing to be compared


def first_false(
    replayed: Replayed,
    row: rows.Selected,
    rows: Mapping[str, list[Any]],
    version: Version,
    events: Iterable[tuple[int, Mapping[str, Any]]],
) -> Break | None:
    """The first row of a matter that is not where its events lead."""
    if replayed.tells < TELLS:
        return None
    standing = Standing(version, row.union_id)
    for seq, says in events:
        standing.read(seq, says)
        if says["kind"] == "matter_baselined":
            baseline.stand(standing, says)
    if standing.off:
        why = _("记录的路径在流程图上走不通")
        return replayed.false("instance", row.id, why, standing.off)
    return (
        _instance(replayed, standing, row)
        or _tasks(replayed, standing, rows["task"])
        or _timers(replayed, standing, rows["timer"])
        or _polls(replayed, standing, rows["poll"])
        or _tellers(replayed, rows["poll"], rows["teller"])
        or _links(replayed, standing, rows["link"])
        or _readers(replayed, standing, row, rows["share"])
        or _guests(replayed, standing, row, rows["guest"])
    )


def _instance(replayed: Replayed, standing: Standing, row: rows.Selected) -> Break | None:
    live = standing.walk.live(standing.state)
    stage = [each.element for each in live if each.kind == "task" or not each.boundary]
    still = near(row.suspended_at, standing.suspended) if standing.suspended else False
    columns = {
        "machine": ("流程位置", as_text(row.machine) == standing.state),
        "stage": ("所处环节", sorted(row.stage) == sorted(stage)),
        "rounds": ("办理次数", row.rounds == dict(standing.rounds)),
        "suspended_at": (
            "暂停时间",
            still or (not standing.suspended and row.suspended_at is None),
        ),
    }
    if wrong := first_wrong(columns):
        why = _("事项的{column}与历史不符", column=wrong)
        return replayed.false("instance", row.id, why, standing.moved)
    return None


def _tasks(replayed: Replayed, standing: Standing, rows: list[Any]) -> Break | None:
    refs = {live.ref: live.element for live in standing.walk.live(standing.state)}
    found: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r.opened_at, r.id)):
        if row.ref:
            found[row.element].append(row)
        elif (
            row.assignee_id
            or row.handed_by
            or row.sent_from
            or row.straight
            or row.seat
            or row.due_at
            or row.opened_at != row.closed_at
        ):
            why = _("环节 {element} 不是一项任务", element=row.element)
            return replayed.false("task", row.id, why)
    for element in sorted({*found, *standing.tasks}):
        told, kept = standing.tasks.get(element, []), found[element]
        if len(told) != len(kept):
            key = kept[-1].id if kept else element
            why, seq = _("环节 {element} 比历史多或少", element=element), _last(told)
            return replayed.false("task", key, why, seq)
        for opened, row in zip(told, kept, strict=True):
            if wrong := first_wrong(_task(opened, row, refs)):
                seq = (
                    opened.held
                    if wrong.en in ("assignee_id", "handed_by") and opened.held
                    else opened.seq
                )
                why = _("环节 {element} 的{column}与历史不符", element=element, column=wrong)
                return replayed.false("task", row.id, why, seq)
    return None


def _last(told: Iterable[OpenedTask | SetTimer]) -> int:
    """The last event of these; 0 of none."""
    return max((each.seq for each in told), default=0)


def _task(
    opened: OpenedTask, row: rows.Task, refs: Mapping[int, str]
) -> dict[str, tuple[str, bool]]:
    """What is compared of a task."""
    live = refs.get(row.ref) == row.element
    return {
        "opened_at": ("开始时间", near(row.opened_at, opened.at)),
        "state": ("状态", row.state == (opened.ended or "open")),
        "ref": ("流程位置", live or bool(opened.ended)),
        "seat": ("承办岗位", row.seat == opened.seat),
        "assignee_id": ("承办人", _text(row.assignee_id) == opened.assignee),
        "handed_by": ("转办人", _text(row.handed_by) == opened.giver),
        "sent_from": ("从何处退回", row.sent_from == opened.sent_from),
        "straight": ("是否直达", row.straight == opened.straight),
        "due_at": ("期限", row.due_at == opened.due),
    }


def _text(key: UUID | None) -> str | None:
    return str(key) if key else None


def _timers(replayed: Replayed, standing: Standing, rows: list[Any]) -> Break | None:
    live = {each.ref: each for each in standing.walk.live(standing.state)}
    found: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r.since, r.id)):
        found[row.element].append(row)
    for element in sorted({*found, *standing.timers}):
        told, kept = standing.timers.get(element, []), found[element]
        if len(told) != len(kept):
            key = kept[-1].id if kept else element
            why, seq = _("“{element}”的计时比历史多或少", element=element), _last(told)
            return replayed.false("timer", key, why, seq)
        for timer, row in zip(told, kept, strict=True):
            if wrong := first_wrong(_timer(timer, row, live.get(row.ref))):
                why = _("“{element}”的计时的{column}与历史不符", element=element, column=wrong)
                return replayed.false("timer", row.id, why, timer.seq)
    return None


def _timer(timer: SetTimer, row: rows.Timer, live: Live | None) -> dict[str, tuple[str, bool]]:
    """What is compared of a timer; a broken one still waits."""
    states = (timer.ended,) if timer.ended else ("waiting", "broken")
    here = live is not None and live.element == row.element and live.text == row.expression
    known = bool(timer.ended) or (row.ref == WINDOW if timer.poll else here)
    return {
        "due_at": ("到期时间", row.due_at == timer.due),
        "since": ("开始时间", near(row.since, timer.at)),
        "state": ("状态", row.state in states),
        "ref": ("流程位置", known and (row.ref == WINDOW) == bool(timer.poll)),
    }


def _polls(replayed: Replayed, standing: Standing, rows: list[Any]) -> Break | None:
    windows = {each.poll: each.due for each in every(standing.timers.values()) if each.poll}
    for row in rows:
        if row.closes_at != windows.get(str(row.id)):
            why = _("表决的{column}与历史不符", column="closes_at")
            return replayed.false("poll", row.id, why)
    return None


def _tellers(replayed: Replayed, rows: list[Any], kept: list[Any]) -> Break | None:
    for row in rows:
        told = replayed.polls[str(row.id)]
        own = {str(each.member_id): each for each in kept if each.poll_id == row.id}
        signed = {member: each.signed_at for member, each in own.items() if each.signed_at}
        on_time = all(m in signed and near(signed[m], at) for m, at in told.signed.items())
        seated = sorted(set(own) - set(told.successors))
        if not sorted(map(str, row.tellers)) == seated == sorted(told.tellers):
            return replayed.false("teller", row.id, _("监票人与历史不符"))
        if set(signed) != set(told.signed) or not on_time:
            return replayed.false("teller", row.id, _("监票人签字与历史不符"))
        said = (told.successors, told.dissent, told.leaves)
        changes = {
            member: (each.successor_id and str(each.successor_id), each.dissent, each.leaves)
            for member, each in own.items()
        }
        left = 1 if replayed.erased else 3  # why has gone with the rest
        if any(kept[:left] != tuple(s.get(m) for s in said[:left]) for m, kept in changes.items()):
            return replayed.false("teller", row.id, _("监票人的更换或者不同意见与历史不符"))
    return None


def _links(replayed: Replayed, standing: Standing, rows: list[Any]) -> Break | None:
    """A confidential matter is linked, but not named."""
    left = {(kind, other) for kind, other in standing.links if other}
    for row in rows:
        named = (row.kind, str(row.to_id))
        if named not in standing.links and (row.kind, None) not in standing.links:
            return replayed.false("link", f"{row.from_id} {row.to_id}", _("关联没有记录"))
        left.discard(named)
    for kind, other in sorted(left):
        return replayed.false("link", f"{kind} {other}", _("关联缺失"))
    return None


def _readers(
    replayed: Replayed, standing: Standing, row: rows.Selected, shares: list[Any]
) -> Break | None:
    kept = {share.key for share in shares}
    for key in sorted(kept ^ standing.readers, key=str):
        why = _("谁可以查阅与历史不符") if key in kept else _("可以查阅的人缺失")
        return replayed.false("share", f"{row.id} {key}", why)
    return None


def _guests(
    replayed: Replayed, standing: Standing, row: rows.Selected, guests: list[Any]
) -> Break | None:
    kept = {guest.member_id: guest.until.isoformat() for guest in guests}
    for key in sorted({*kept, *standing.guests}, key=str):
        if kept.get(key) != standing.guests.get(key):
            return replayed.false("guest", f"{row.id} {key}", _("准许谁查阅、到哪一天与历史不符"))
    return None
