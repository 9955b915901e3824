"""Advancing an instance: guards, what a step closes and opens, and the save that ends every
command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine import clock
from engine.commands import (
    demands,
    duties,
    envelopes,
    following,
    opening,
    publishing,
    traces,
    unit_of_work,
)
from engine.db.states import InstanceState
from engine.errors import ProcessFault, Refused
from engine.instance import showing
from engine.messages import Listed, _

if TYPE_CHECKING:
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


@dataclass(frozen=True)
class Change:
    """What a step closed and opened.

    `done`: the ref that the command itself finished, if it did.
    """

    step: Step
    done: int | None

    @property
    def opened(self) -> list[Live]:
        """What waits since this step."""
        before = {live.ref for live in self.step.before}
        return [live for live in self.step.live if live.ref not in before]

    @property
    def left(self) -> list[Live]:
        """What nobody waits for any more and that left rows: messages have none."""
        now = {live.ref for live in self.step.live}
        gone = (live for live in self.step.before if live.ref not in now and live.ref != self.done)
        return [live for live in gone if live.kind != "message"]

    @property
    def reached(self) -> set[str]:
        """The elements that the step ran through, the tasks it opened and the end it came to."""
        tasks = {live.element for live in self.opened if live.kind == "task"}
        return {*self.step.passed, *tasks, self.step.ended}


def advance(work: UnitOfWork, step: Step, body: dict[str, Any], done: int | None = None) -> None:
    """Write everything that a step left: tasks, polls, timers, shares, events, the instance.

    `body` is that of the command's event; `done` the ref that it finished. `as_of` in it: from
    when the new time limits count, where that is before the entry. Raises Refused by a guard,
    ProcessFault.
    """
    change = Change(step, done)
    _count_rounds(work, step.passed)
    if work.happened is not None:
        body["as_of"] = work.happened.isoformat()
    if step.passed:
        body["passed"] = list(step.passed)
    _disclose(work, step.passed)
    _must_hold(work, change.reached)
    if work.unprintable:
        raise work.unprintable[0]
    over = {*step.passed, step.ended, body.get("task", "")}
    body |= showing.kept(work, over)
    duties.note(work, over, body, step.ended if step.state is None else "")
    _close(work, change.left)
    following.follow(work)
    publishing.publish(work, [each for each in step.passed if each not in work.process.actions])
    opening.open_all(work, change.opened, body)
    _move(work, step, body)
    unit_of_work.save(work)
    traces.moved(work.process.id, step)


def _count_rounds(work: UnitOfWork, passed: tuple[str, ...]) -> None:
    """How often each task was done; a process that turns in circles is stopped."""
    for element in passed:
        rule = work.process.tasks.get(element)
        if rule is None:
            continue
        work.rounds[element] = work.rounds.get(element, 0) + 1
        if work.rounds[element] > MAX_ROUNDS:
            endless = _(
                "环节“{title}”已重复 {most} 次，不能再继续。", title=rule.title, most=MAX_ROUNDS
            )
            raise ProcessFault(endless, element=element)


def _disclose(work: UnitOfWork, passed: tuple[str, ...]) -> None:
    """After certain elements a confidential instance is one no more."""
    by = sorted(work.process.disclosed_by & set(passed))
    if by and work.row["confidential"]:
        work.row["confidential"] = False
        work.log.add("matter_disclosed", None, element=by[0])


def _must_hold(work: UnitOfWork, elements: set[str]) -> None:
    """Whichever command leads to an element, its guards must hold.

    Raises Refused with all that do not, and nothing of the command stays.
    """
    asked = [guard for guard in work.process.guards if guard.at & elements]
    unmet = demands.unmet(work, asked)
    if unmet:
        reached = min(min(guard.at & elements) for guard in unmet)
        where = {"instance_id": str(work.row["id"]), "element": reached}
        raise Refused(Listed((guard.text for guard in unmet), ""), code="guard", **where)


def _close(work: UnitOfWork, gone: list[Live]) -> None:
    """Cancel the tasks, polls and timers that the step left behind; timers alone, as a finished
    task leaves them, with the save.
    """
    if all(live.kind == "timer" for live in gone):
        work.lapsed += [live.ref for live in gone]
        return
    rules = [work.process.tasks.get(live.element) for live in gone]
    secret = any(rule and rule.poll and rule.poll.secret for rule in rules)
    if secret:
        # a statement does not see what was committed while it waited: the envelope of whoever is
        # casting would stay
        work.session.execute(_WAIT_FOR_VOTERS, {"id": work.row["id"]})
    refs = [live.ref for live in gone]
    work.session.execute(_CLOSE, {"now": clock.now(), "id": work.row["id"], "refs": refs})
    if secret:
        envelopes.forget_keys_of(work.session, work.row["id"])


def _move(work: UnitOfWork, step: Step, body: dict[str, Any]) -> None:
    """Where the instance stands now, or how it ended."""
    row = work.row
    row["machine"] = step.state
    row["stage"] = [live.element for live in step.live if live.kind == "task" or not live.boundary]
    if step.state is None:
        body["ended"] = step.ended
        work.rounds = {}  # nobody will come round again
        row["state"] = row.get("closing") or InstanceState.ENDED
        row["outcome"], row["ended_at"] = step.ended, clock.now()
