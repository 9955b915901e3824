"""What a union sets for itself: its own rule values (two people), its vacations; and the State's holiday notices.

A value or a vacation never reaches back: matters under way keep the rules of their decisive date. A holiday notice does:
it makes provisional dates certain, and every change of a running deadline stands in the history of its instance.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import calendar, clock, law
from engine.commands import timers, unit_of_work
from engine.commands.people import words
from engine.commands.unit_of_work import UnitOfWork
from engine.db import queue, tables
from engine.errors import Conflict, EngineError, Invalid
from engine.history import event_log
from engine.instance.union_law import UnionLaw, rulebook
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

FEW = 20  # so many instances are recomputed at once; more of them are left to the workers
LONGEST_VACATION = 120  # days; a slip in a year must not stop every clock
MOST_AHEAD = 366 * 5
ALIVE = ("running", "suspended")
_setting, _vacation, _notice = tables.setting, tables.vacation, tables.notice
_task, _timer, _instance = tables.task, tables.timer, tables.instance


# --- a union's own values ---------------------------------------------------------------------------------------------
def propose_setting(
    session: Session,
    actor: Actor,
    union_id: UUID,
    rule_id: str,
    value: int | Fraction,
    valid_from: date,
    source: str,
    valid_to: date | None = None,
) -> UUID:
    """Propose a union's own value for a rule, a Fraction for a share; somebody else decides. Gives the setting's id.

    `valid_from` is tomorrow at the earliest. Raises NotFound, Refused, Invalid by field (it loosens what binds), Conflict.
    """
    access.check_own(actor, "propose_setting", union_id)
    faults = _day_faults(valid_from, valid_to)
    source = _line("source", source, 200, faults)
    if faults:
        raise Invalid(faults)
    _check(session, union_id, law.Setting(rule_id, value, valid_from, valid_to, source))
    column = _setting.c
    waiting = select(column.id).where(
        column.unit_id == union_id, column.rule_id == rule_id, column.state == "proposed"
    )
    if session.execute(waiting).first():
        raise Conflict("这条规则已有一项提议等待批准。", code="waiting")
    key = tables.new_id()
    session.execute(
        insert(_setting).values(
            id=key,
            unit_id=union_id,
            rule_id=rule_id,
            value=value.numerator,
            per=value.denominator,
            valid_from=valid_from,
            valid_to=valid_to,
            source=source,
            state="proposed",
            proposer_id=actor.id,
            created_at=clock.now(),
        )
    )
    event_log.note(
        session,
        union_id,
        "setting_proposed",
        actor,
        **_told(key, rule_id, value, valid_from, valid_to, source),
    )
    return key


def decide_setting(session: Session, actor: Actor, setting_id: UUID, approve: bool) -> UUID:
    """Put a proposed value in force, or refuse it; never by whoever proposed it. Gives the union's id.

    It holds from the day after the approval, if it was to hold earlier: matters of today keep what they began with.
    Raises NotFound, Refused, Conflict, Invalid (the law has become stricter in between).
    """
    column = _setting.c
    row = session.execute(select(_setting).where(column.id == setting_id).with_for_update()).first()
    row = access.must_see(row if row and access.is_own_union(actor, row.unit_id) else None)
    access.check(actor, "approve_setting", row.unit_id)
    if row.state != "proposed":
        raise Conflict("这项提议已有结论。", code="decided")
    proposal = access.Subject(row.unit_id, author_id=row.proposer_id)
    access.check_bars(actor, "approve_setting", proposal)
    valid_from = max(row.valid_from, clock.today() + timedelta(days=1))
    value = law.exact(row.value, row.per)
    if approve:
        if row.valid_to is not None and row.valid_to < valid_from:
            raise Conflict("这项提议的施行期已经过去，请重新提出。", code="too_late")
        _check(
            session,
            row.unit_id,
            law.Setting(row.rule_id, value, valid_from, row.valid_to, row.source),
        )
    state = "in_force" if approve else "refused"
    session.execute(
        update(_setting)
        .where(column.id == setting_id)
        .values(state=state, approver_id=actor.id, decided_at=clock.now(), valid_from=valid_from)
    )
    told = _told(setting_id, row.rule_id, value, valid_from, row.valid_to, row.source)
    event_log.note(
        session, row.unit_id, f"setting_{'approved' if approve else 'refused'}", actor, **told
    )
    union_id: UUID = row.unit_id
    return union_id


def _check(session: Session, union_id: UUID, setting: law.Setting) -> None:
    law.check_setting(rulebook(), setting, UnionLaw.of(session, union_id).jurisdictions)


def _told(
    key: UUID,
    rule_id: str,
    value: int | Fraction,
    valid_from: date,
    valid_to: date | None,
    source: str,
) -> dict[str, Any]:
    return {
        "setting": str(key),
        "rule": rule_id,
        "value": value.numerator if value.denominator == 1 else str(value),
        "valid_from": valid_from.isoformat(),
        "valid_to": valid_to.isoformat() if valid_to else None,
        "source": source,
    }


def _day_faults(valid_from: date, valid_to: date | None) -> dict[str, list[str]]:
    today = clock.today()
    faults: dict[str, list[str]] = {}
    if valid_from <= today:
        faults["valid_from"] = ["最早自明天起施行；已经发起的事项仍按发起当日的规则办理。"]
    elif (valid_from - today).days > MOST_AHEAD:
        faults["valid_from"] = ["施行日太远，请在五年之内。"]
    if valid_to is not None and valid_to < valid_from:
        faults["valid_to"] = ["结束日早于开始日。"]
    return faults


def _line(field: str, text: str, most: int, faults: dict[str, list[str]]) -> str:
    try:
        return words.line(field, text, most, 2)
    except Invalid as fault:
        faults.update(fault.fields)
        return ""


# --- vacations --------------------------------------------------------------------------------------------------------
def add_vacation(
    session: Session, actor: Actor, union_id: UUID, name: str, from_on: date, to_on: date
) -> UUID:
    """Register a vacation of the union, both days included; it counts for deadlines that are computed from now on.

    Raises NotFound, Refused, Invalid by field, Conflict when it meets another one.
    """
    access.check_own(actor, "load_notice", union_id)
    faults: dict[str, list[str]] = {}
    name = _line("name", name, 30, faults)
    if to_on < from_on:
        faults["to_on"] = ["结束日早于开始日。"]
    elif (to_on - from_on).days >= LONGEST_VACATION:
        faults["to_on"] = [f"一个假期最长 {LONGEST_VACATION} 天。"]
    if abs((from_on - clock.today()).days) > MOST_AHEAD:
        faults["from_on"] = ["日期离今天太远，请在五年之内。"]
    if faults:
        raise Invalid(faults)
    column = _vacation.c
    meets = select(column.name).where(
        column.unit_id == union_id, column.from_on <= to_on, column.to_on >= from_on
    )
    if other := session.execute(meets.limit(1)).scalar():
        raise Conflict(f"与已登记的“{other}”重叠。", code="overlap")
    key = tables.new_id()
    session.execute(
        insert(_vacation).values(id=key, unit_id=union_id, name=name, from_on=from_on, to_on=to_on)
    )
    event_log.note(
        session, union_id, "vacation_added", actor, **_vacation_told(key, name, from_on, to_on)
    )
    return key


def remove_vacation(session: Session, actor: Actor, vacation_id: UUID) -> UUID:
    """Take a vacation out again; deadlines already computed stay. Gives the union's id. Raises NotFound, Refused."""
    row = session.execute(
        select(_vacation).where(_vacation.c.id == vacation_id).with_for_update()
    ).first()
    row = access.must_see(row if row and access.is_own_union(actor, row.unit_id) else None)
    access.check(actor, "load_notice", row.unit_id)
    session.execute(delete(_vacation).where(_vacation.c.id == vacation_id))
    event_log.note(
        session,
        row.unit_id,
        "vacation_removed",
        actor,
        **_vacation_told(row.id, row.name, row.from_on, row.to_on),
    )
    union_id: UUID = row.unit_id
    return union_id


def _vacation_told(key: UUID, name: str, from_on: date, to_on: date) -> dict[str, Any]:
    return {
        "vacation": str(key),
        "name": name,
        "from_on": from_on.isoformat(),
        "to_on": to_on.isoformat(),
    }


# --- holiday notices --------------------------------------------------------------------------------------------------
def load_notice(
    session: Session, actor: Actor, year: int, rows: Iterable[Sequence[object]], source: str
) -> int:
    """Load the State Council's holiday notice of a year, or a corrected one; it holds for all unions of the installation.

    rows: (day, 休/班， name). Gives how many instances have deadlines that rest on it; their recomputing is asked for in
    this transaction. Raises Refused, Invalid (all faulty rows at once).
    """
    access.check(actor, "load_notice", None)  # of any union: the calendar is one for all
    faults: dict[str, list[str]] = {}
    source = _line("source", source, 200, faults)
    if not clock.today().year <= year <= clock.today().year + 2:
        faults["year"] = [
            f"只能载入 {clock.today().year} 至 {clock.today().year + 2} 年的放假安排。"
        ]
    days: calendar.Notice = {}
    try:
        days = calendar.parse_notice(rows, year) if "year" not in faults else days
    except Invalid as fault:
        faults.update(fault.fields)
    if faults:
        raise Invalid(faults)
    kept = {day.isoformat(): worked for day, worked in days.items()}
    values = {"days": kept, "source": source, "member_id": actor.id, "loaded_at": clock.now()}
    session.execute(
        upsert(_notice)
        .values(year=year, **values)
        .on_conflict_do_update(index_elements=["year"], set_=values)
    )
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
    event_log.note(
        session,
        event_log.INSTALLATION,
        "notice_loaded",
        actor,
        year=year,
        source=source,
        days=len(kept),
        sha256=digest,
    )
    concerned = resting_on(session, year)
    for instance_id in concerned:
        if len(concerned) > FEW or not _recomputed(session, instance_id):
            queue.defer(
                session, "forecast", once=f"forecast:{instance_id}", instance_id=str(instance_id)
            )
    return len(concerned)


def _recomputed(session: Session, instance_id: UUID) -> bool:
    """Recompute at once; False when the instance is faulty, which must not keep the notice from being loaded."""
    try:
        with session.begin_nested():
            recompute(session, instance_id)
    except EngineError:
        return False
    return True


def resting_on(session: Session, year: int) -> list[UUID]:
    """The instances under way that have a provisional deadline, or one that falls in that year or later."""
    first = _first_of(year)
    task = exists().where(
        _task.c.instance_id == _instance.c.id,
        _task.c.state == "open",
        or_(_task.c.due["provisional"].as_boolean(), _task.c.due_at > first),
    )
    timer = exists().where(
        _timer.c.instance_id == _instance.c.id,
        _timer.c.state == "waiting",
        or_(_timer.c.provisional, _timer.c.due_at > first),
    )
    running = select(_instance.c.id).where(_instance.c.state.in_(ALIVE), or_(task, timer))
    return list(session.execute(running.order_by(_instance.c.id)).scalars())


def _first_of(year: int) -> datetime:
    return datetime.combine(date(year, 1, 1), time(), clock.CHINA)


def recompute(session: Session, instance_id: UUID) -> int:
    """Compute anew the deadlines of an instance that are provisional, or older than the notice of a year they reach into.

    Each from its own expression, as of the moment it began to run, with the vacations registered at that moment and the
    stops and extensions on record since. Gives how many changed; one event tells them all. Raises NotFound.
    """
    work = unit_of_work.lock(session, None, instance_id)
    if work.row["state"] not in ALIVE:
        return 0
    due, waits = _task.c.due_at.is_not(None), _timer.c.state == "waiting"
    tasks = session.execute(
        select(_task).where(_task.c.instance_id == instance_id, _task.c.state == "open", due)
    ).all()
    timers = session.execute(select(_timer).where(_timer.c.instance_id == instance_id, waits)).all()
    past, owners = _Past(session, work), {row.id: row for row in tasks}
    changed = [
        _renew_task(past, t) for t in tasks if past.rests_on_more(t.opened_at, t.due_at, t.due)
    ]
    changed += [
        _renew_timer(past, t, owners.get(t.task_id))
        for t in timers
        if past.rests_on_more(t.since, t.due_at, {"provisional": t.provisional})
    ]
    told = [change for change in changed if change]
    if told:
        work.log.add("deadline_recomputed", None, deadlines=told)
        unit_of_work.save(work)
    return len(told)


class _Past:
    """What has happened to the clocks of an instance, and which holiday notices have come since."""

    def __init__(self, session: Session, work: UnitOfWork) -> None:
        self.session, self.run = session, work
        self.clocks = self._events(work.row["id"], "instance_resumed", "deadline_extended")
        self.vacations = self._events(work.row["union_id"], "vacation_added", "vacation_removed")
        self.notices = session.execute(select(_notice.c.year, _notice.c.loaded_at)).all()

    def _events(self, chain_id: UUID, *kinds: str) -> list[tuple[str, datetime, dict[str, Any]]]:
        event = tables.event.c
        rows = self.session.execute(
            select(event.kind, event.at, event.body)
            .where(event.instance_id == chain_id, event.kind.in_(kinds))
            .order_by(event.seq)
        )
        return [(r.kind, r.at, json.loads(r.body)) for r in rows]

    def rests_on_more(
        self, since: datetime, due_at: datetime, due: Mapping[str, Any] | None
    ) -> bool:
        """Was a deadline that began at `since` computed without a holiday notice that it needs?"""
        late = any(n.loaded_at > since and due_at > _first_of(n.year) for n in self.notices)
        return late or bool((due or {}).get("provisional"))

    def host(self, moment: datetime) -> UnitOfWork:
        """A run that computes as it would have at that moment, but with the holiday notices known now."""
        host = UnitOfWork(self.session, None, self.run.row, self.run.process)
        then = set(host.law.calendar.vacations)
        for kind, at, body in reversed(self.vacations):
            if at > moment:
                entry = (
                    date.fromisoformat(body["from_on"]),
                    date.fromisoformat(body["to_on"]),
                    body["name"],
                )
                (then.discard if kind == "vacation_added" else then.add)(entry)
        host.law.calendar = replace(host.law.calendar, vacations=tuple(sorted(then)))
        return host


@dataclass
class _Clock:
    """A deadline on its way from the moment it began: `own` the task's, `due` what is asked for, the days stood still."""

    own: calendar.Due | None
    due: calendar.Due | None
    extended: str = ""
    stopped: int = 0

    def stand_still(self, days: int) -> None:
        """As `instances.resume` moves a deadline."""
        self.own, self.due, self.stopped = (
            _shifted(self.own, days),
            _shifted(self.due, days),
            self.stopped + days,
        )


def _replay(past: _Past, task: Any, timer: Any = None) -> _Clock:
    """The deadline of a task, or of a timer (on that task, if any), through all stops and extensions."""
    start = task.opened_at if timer is None else timer.since
    host, rule = (
        past.host(start),
        past.run.process.tasks[task.element] if task is not None else None,
    )
    with clock.set_to(start):
        own = host.moment(rule.due) if rule is not None and rule.due else None
        found = _Clock(own, own if timer is None else _timer_moment(host, timer, own))
    for kind, at, body in past.clocks:
        if at < start.replace(microsecond=0):  # events tell whole seconds
            continue
        if kind == "instance_resumed":
            found.stand_still(int(body["stopped_days"]))
        elif found.own is not None and body["task"] == task.element:
            ruling = host.law.ruling(body["rule"], host.decisive_on)
            end = found.own.moment - timedelta(seconds=1)
            own = host.law.calendar.add(end, int(ruling.value or 0), ruling.unit)
            with clock.set_to(at):
                found = _Clock(
                    own,
                    own if timer is None else _timer_moment(host, timer, own),
                    str(body["rule"]),
                )
    return found


def _timer_moment(
    host: UnitOfWork, timer: Any, task_due: calendar.Due | None
) -> calendar.Due | None:
    return host.moment(
        timer.expression, {"task_due": host.remember(task_due) if task_due else None}
    )


def _shifted(due: calendar.Due | None, days: int) -> calendar.Due | None:
    gone = timedelta(days=days)
    return replace(due, moment=due.moment + gone, day=due.day + gone) if due else None


def _renew_task(past: _Past, row: Any) -> dict[str, Any] | None:
    """Compute a task's deadline anew; gives the change, None when there is none."""
    found = _replay(past, row)
    due = found.due
    if due is None or (
        due.moment == row.due_at and due.provisional == bool((row.due or {}).get("provisional"))
    ):
        return None
    rule = past.run.process.tasks[row.element]
    shown = timers.due_json(due, rule.due, found.extended or rule.basis) or {}
    more = {"extended": bool(found.extended), "stopped_days": found.stopped}
    shown |= {k: v for k, v in more.items() if v}
    past.session.execute(
        update(_task).where(_task.c.id == row.id).values(due_at=due.moment, due=shown)
    )
    return _change(row.element, "task", row.due_at, due)


def _renew_timer(past: _Past, row: Any, task: Any) -> dict[str, Any] | None:
    """Compute a timer anew, for a poll's window the window too."""
    due = _replay(past, task, row).due
    if due is None or (due.moment == row.due_at and due.provisional == row.provisional):
        return None
    values = {"due_at": due.moment, "provisional": due.provisional}
    past.session.execute(update(_timer).where(_timer.c.id == row.id).values(values))
    if row.ref != -1:
        return _change(row.element, "timer", row.due_at, due)
    poll = tables.poll.c
    window = update(tables.poll).where(poll.task_id == row.task_id, poll.state == "open")
    past.session.execute(window.values(closes_at=due.moment))
    return _change(row.element, "poll", row.due_at, due)


def _change(element: str, what: str, was: datetime, due: calendar.Due) -> dict[str, Any]:
    """One line of the event: the last day as it was and as it is."""
    return {
        "element": element,
        "what": what,
        "was": clock.day_of(was - timedelta(seconds=1)).isoformat(),
        "due": due.day.isoformat(),
        "provisional": due.provisional,
    }
