"""The tail that every command on an instance shares: lock, move the machine, write what it left, once each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from engine import access, canonical, clock, forms, machine, organisation, tables
from engine.catalogue.store import process_of
from engine.commands import opening
from engine.commands.actions import ACTIONS
from engine.commands.run import MAX_ROUNDS, Run, dotted
from engine.errors import Conflict, NotFound, ProcessFault, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from engine.db import Session
    from engine.machine import Live, Step
    from engine.organisation import Actor

_task, _timer, _instance = tables.task, tables.timer, tables.instance
_LOCK = select(_instance).where(_instance.c.id == bindparam("key")).with_for_update()
_NEW_SAID = insert(_task)
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
_SAVE = text("""
WITH shared AS (INSERT INTO share (key, instance_id) SELECT unnest(CAST(:shares AS uuid[])), :id ON CONFLICT DO NOTHING),
     happened AS (INSERT INTO event (instance_id, seq, kind, actor_id, at, body, hash)
                  SELECT :id, * FROM unnest(CAST(:seqs AS int[]), CAST(:kinds AS text[]), CAST(:actors AS uuid[]),
                                            CAST(:ats AS timestamptz[]), CAST(:bodies AS text[]), CAST(:hashes AS bytea[])))
UPDATE instance SET title = :title, state = :state, outcome = :outcome, stage = CAST(:stage AS text[]), machine = :machine,
       facts = :facts, rounds = :rounds, confidential = :confidential, seq = :seq, head = :head, changed_at = :now,
       ended_at = :ended, revision = revision + 1
 WHERE id = :id
""").bindparams(
    bindparam("machine", type_=JSONB(none_as_null=True)),
    bindparam("facts", type_=JSONB),
    bindparam("rounds", type_=JSONB),
)


def lock(session: Session, actor: Actor | None, instance_id: UUID, *states: str) -> Run:
    """Lock an instance and open a run on it.

    NotFound when it is not there or not the actor's to see; Conflict when it is in none of `states`.
    """
    if actor is not None:
        seen = select(_instance.c.id).where(_instance.c.id == instance_id, access.visible(actor))
        if session.execute(seen).scalar() is None:
            raise NotFound(instance_id=str(instance_id))
    row = access.must_see(session.execute(_LOCK, {"key": instance_id}).mappings().first())
    if states and row["state"] not in states:
        raise Conflict(
            f"此件{STATES.get(row['state'], row['state'])}，不能再办理。", code="not_" + states[0]
        )
    return resume(session, actor, dict(row))


def resume(session: Session, actor: Actor | None, row: dict[str, Any]) -> Run:
    """A run on an instance whose row is locked."""
    return Run(session, actor, row, process_of(session, row["version"]), ACTIONS)


STATES = {
    "running": "正在办理",
    "suspended": "已暂停",
    "ended": "已办结",
    "withdrawn": "已撤回",
    "terminated": "已终止",
}


def alive(run: Run) -> tuple[Live, ...]:
    """What waits in the machine now."""
    return machine.look(run.process.spec, run.row["machine"]) if run.row["machine"] else ()


def settle(run: Run, step: Step, body: dict[str, Any], done: int | None = None) -> None:
    """Write everything that a step left: tasks, polls, timers, shares, events, the instance. `done` is the finished ref."""
    now = clock.now()
    for element in step.passed:
        if element in run.process.tasks:
            run.rounds[element] = run.rounds.get(element, 0) + 1
            if run.rounds[element] > MAX_ROUNDS:
                said = f"环节“{run.process.title_of(element)}”已重复 {MAX_ROUNDS} 次，不能再继续。"
                raise ProcessFault(said, element=element)
    if step.passed:
        body["passed"] = list(step.passed)
    if run.row["confidential"] and (told := sorted(run.process.disclosed_by & set(step.passed))):
        run.row["confidential"] = False
        run.ledger.add("matter_disclosed", None, element=told[0])
    old, new = {live.ref: live for live in step.before}, {live.ref: live for live in step.live}
    opened = [live for ref, live in new.items() if ref not in old]
    _on_guard(
        run, {*step.passed, *(live.element for live in opened if live.kind == "task"), step.ended}
    )
    # a message that nobody waits for any more has left no row
    gone = [
        live
        for ref, live in old.items()
        if ref not in new and ref != done and live.kind != "message"
    ]
    _close(run, gone, now)
    opening.open_all(run, opened, body, now)
    if step.state is None:
        body["ended"] = step.ended
        run.rounds = {}  # nobody will come round again
        run.row.update(
            state=run.row.get("closing") or "ended", outcome=step.ended, ended_at=now, machine=None
        )
    else:
        run.row["machine"] = step.state
    run.row["stage"] = [
        live.element for live in step.live if live.kind == "task" or not live.boundary
    ]
    save(run)


def _on_guard(run: Run, elements: set[str]) -> None:
    """Whichever command leads to an element, its guards must hold. Raises Refused, and nothing of the command stays."""
    for guard in run.process.guards:
        if guard.at & elements and not run.value(guard.holds):
            text = guard.text.in_(run.actor.locale if run.actor else "zh")
            element = sorted(guard.at & elements)[0]
            raise Refused(text, code="guard", instance_id=str(run.row["id"]), element=element)


def save(run: Run) -> None:
    """Write shares, events and the instance itself in one statement; every command ends here."""
    if run.reworded:
        grams = search_grams(run)
        run.session.execute(
            update(_instance).where(_instance.c.id == run.row["id"]).values(grams=grams)
        )
    row, events = run.row, run.ledger.rows()
    run.session.execute(
        _SAVE,
        {
            "id": row["id"],
            "shares": sorted(run.shares, key=str),
            "seqs": [e["seq"] for e in events],
            "kinds": [e["kind"] for e in events],
            "actors": [e["actor_id"] for e in events],
            "ats": [e["at"] for e in events],
            "bodies": [e["body"] for e in events],
            "hashes": [e["hash"] for e in events],
            "title": run.title,
            "state": row["state"],
            "outcome": row["outcome"],
            "stage": row["stage"],
            "machine": row["machine"],
            "facts": run.facts,
            "rounds": run.rounds,
            "confidential": row["confidential"],
            "seq": run.ledger.seq,
            "head": run.ledger.head,
            "now": clock.now(),
            "ended": row["ended_at"],
        },
    )


def search_grams(run: Run) -> list[str]:
    """The two-character pieces under which an instance is found: serial number, searched facts, starter and unit."""
    words = [
        run.row["number"].rpartition("〕")[2],
        *(str(dotted(run.facts, path) or "") for path in run.process.search),
    ]
    words.append(str(dotted(run.facts, run.process.subject) or ""))
    words.extend(organisation.names(run.session, [run.row["starter_id"]]).values())
    words.extend(
        organisation.unit_names(run.session, [run.row["unit_id"]]).values()
        if run.row["unit_id"]
        else ()
    )
    return forms.bigrams(" ".join(words))


def _close(run: Run, gone: list[Live], now: datetime) -> None:
    """Cancel the tasks, polls and timers that the step left behind."""
    if not gone:
        return
    rules = [run.process.tasks.get(live.element) for live in gone]
    if any(rule and rule.poll and rule.poll.secret for rule in rules):
        # a statement does not see what was committed while it waited: the envelope of whoever is casting would stay
        run.session.execute(_WAIT_FOR_VOTERS, {"id": run.row["id"]})
    refs = [live.ref for live in gone]
    run.session.execute(_CLOSE, {"now": now, "id": run.row["id"], "refs": refs})


def keep_said(run: Run, element: str, answers: dict[str, Any]) -> str:
    """Keep what was said at the launch or by a message like a finished task; gives the salted digest for the history."""
    salt, now = os.urandom(16), clock.now()
    run.session.execute(
        _NEW_SAID,
        {
            "id": tables.new_id(),
            "instance_id": run.row["id"],
            "element": element,
            "ref": 0,
            "state": "done",
            "opened_at": now,
            "closed_at": now,
            "closed_by": run.actor.id if run.actor else None,
            "answers": answers,
            "salt": salt,
        },
    )
    return canonical.salted(answers, salt)
