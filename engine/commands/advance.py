"""Advancing an instance: guards, what a step closes and opens, and the save that ends every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine import clock
from engine.commands import opening, unit_of_work
from engine.db.states import InstanceState
from engine.errors import ProcessFault, Refused
from engine.messages import Listed, _

if TYPE_CHECKING:
    from datetime import datetime

    from engine.commands.unit_of_work import UnitOfWork
    from engine.machine import Live, Step

MAX_ROUNDS = 200  # times one task may be done again in one instance
_CLOSE = text("""
WITH gone AS (UPDATE task SET state = 'cancelled', closed_at = :now
               WHERE instance_id = :id AND ref = ANY(:refs) AND state = 'open' RETURNING id),
     stopped AS (UPDATE timer SET state = 'cancelled' WHERE instance_id = :id AND state IN ('waiting', 'broken')
                    AND (ref = ANY(:refs) OR (ref = -1 AND task_id IN (SELECT id FROM gone)))),
     ended AS (UPDATE meeting SET state = 'void', closed_at = :now
                WHERE instance_id = :id AND state IN ('called', 'open') AND task_id IN (SELECT id FROM gone)),
     void AS (UPDATE poll SET state = 'void', closed_at = :now
               WHERE instance_id = :id AND state IN ('called', 'open', 'counting') AND task_id IN (SELECT id FROM gone)
              RETURNING id),
     torn AS (DELETE FROM envelope WHERE poll_id IN (SELECT id FROM void)),
     parts AS (DELETE FROM teller_part WHERE poll_id IN (SELECT id FROM void)),
     keys AS (DELETE FROM teller_key WHERE poll_id IN (SELECT id FROM void))
UPDATE roll SET open = false WHERE open AND poll_id IN (SELECT id FROM void)
""")

_WAIT_FOR_VOTERS = text(
    "SELECT id FROM poll WHERE instance_id = :id AND secret ORDER BY id FOR UPDATE"
)


def advance(work: UnitOfWork, step: Step, body: dict[str, Any], done: int | None = None) -> None:
    """Write everything that a step left: tasks, polls, timers, shares, events, the instance. `done` is the finished ref."""
    now = clock.now()
    _count_rounds(work, step)
    if step.passed:
        body["passed"] = list(step.passed)
    _disclose(work, step)
    opened = _opened(step)
    tasks = {live.element for live in opened if live.kind == "task"}
    _on_guard(work, {*step.passed, *tasks, step.ended})
    _close(work, _gone(step, done), now)
    opening.open_all(work, opened, body, now)
    if step.state is None:
        body["ended"] = step.ended
        work.rounds = {}  # nobody will come round again
        state = work.row.get("closing") or InstanceState.ENDED
        work.row.update(state=state, outcome=step.ended, ended_at=now)
    work.row["machine"] = step.state
    waiting = [live for live in step.live if live.kind == "task" or not live.boundary]
    work.row["stage"] = [live.element for live in waiting]
    unit_of_work.save(work)


def _count_rounds(work: UnitOfWork, step: Step) -> None:
    """How often each task was done. Raises ProcessFault when one goes round for ever."""
    for element in step.passed:
        rule = work.process.tasks.get(element)
        if rule is None:
            continue
        work.rounds[element] = work.rounds.get(element, 0) + 1
        if work.rounds[element] > MAX_ROUNDS:
            message = _(
                "环节“{element}”已重复 {times} 次，不能再继续。",
                element=rule.title,
                times=MAX_ROUNDS,
            )
            raise ProcessFault(message, element=element)


def _disclose(work: UnitOfWork, step: Step) -> None:
    """A confidential matter is one no more once it has passed where its process discloses it."""
    passed = sorted(work.process.disclosed_by & set(step.passed))
    if passed and work.row["confidential"]:
        work.row["confidential"] = False
        work.log.add("matter_disclosed", None, element=passed[0])


def _opened(step: Step) -> list[Live]:
    """What waits now and did not before."""
    before = {live.ref for live in step.before}
    return [live for live in step.live if live.ref not in before]


def _gone(step: Step, done: int | None) -> list[Live]:
    """What waits no more though nobody did it; a message that nobody waits for any more has left no row."""
    now = {live.ref for live in step.live} | {done}
    return [live for live in step.before if live.ref not in now and live.kind != "message"]


def _on_guard(work: UnitOfWork, elements: set[str]) -> None:
    """Whichever command leads to an element, its guards must hold. Raises Refused, and nothing of the command stays."""
    for guard in work.process.guards:
        if guard.at & elements and not work.value(guard.holds):
            where = {"instance_id": str(work.row["id"]), "element": min(guard.at & elements)}
            raise Refused(Listed([guard.text], ""), code="guard", **where)


def _close(work: UnitOfWork, gone: list[Live], now: datetime) -> None:
    """Cancel the tasks, polls and timers that the step left behind."""
    if not gone:
        return
    rules = [work.process.tasks.get(live.element) for live in gone]
    if any(rule and rule.poll and rule.poll.secret for rule in rules):
        # a statement does not see what was committed while it waited: the envelope of whoever is casting would stay
        work.session.execute(_WAIT_FOR_VOTERS, {"id": work.row["id"]})
    refs = [live.ref for live in gone]
    work.session.execute(_CLOSE, {"now": now, "id": work.row["id"], "refs": refs})
