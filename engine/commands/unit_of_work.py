"""The unit of work of a command: lock an instance, load it, and save everything it leaves in one
statement.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from engine import clock, decisions, machine
from engine.commands import finding, registry, traces
from engine.db import canonical, tables, words
from engine.db.pending import inserts
from engine.db.states import InstanceState, TaskState
from engine.definitions.store import process_of
from engine.errors import Conflict, NotFound, ProcessFault
from engine.history.event_log import EventLog
from engine.instance import confided, context
from engine.instance.context import Context
from engine.machine import Need
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from sqlalchemy import TextClause

    from engine.db import Session, rows
    from engine.db.pending import Shape
    from engine.definitions import Process
    from engine.errors import NotPrintable
    from engine.machine import Live, Step
    from engine.people.organisation import Actor

_task, _instance = tables.task, tables.instance
_LOCK = (
    select(*context.COLUMNS)
    .where(_instance.c.id == bindparam("key"))
    .with_for_update(of=tables.instance)
)
_HAPPENED = """happened AS (
     INSERT INTO event (instance_id, seq, kind, actor_id, at, body, hash, words)
     SELECT :id, * FROM unnest(CAST(:seqs AS int[]), CAST(:kinds AS text[]), CAST(:actors AS uuid[]),
                               CAST(:ats AS timestamptz[]), CAST(:bodies AS text[]), CAST(:hashes AS bytea[]),
                               CAST(:words AS jsonb[])))"""
_SHARED = """shared AS (
     INSERT INTO share (key, instance_id) SELECT unnest(CAST(:shares AS uuid[])), :id ON CONFLICT DO NOTHING)"""
_STOPPED = """stopped AS (
     UPDATE timer SET state = 'cancelled'
      WHERE instance_id = :id AND state IN ('waiting', 'broken') AND ref = ANY(CAST(:lapsed AS int[])))"""
_MOVED = """
UPDATE instance SET title = :title, state = :state, outcome = :outcome, stage = CAST(:stage AS text[]), machine = :machine,
       facts = :facts, rounds = :rounds, confidential = :confidential, seq = :seq, head = :head, changed_at = :now,
       ended_at = :ended, revision = revision + 1
 WHERE id = :id"""
_NOTED = text(f"WITH {_HAPPENED} UPDATE instance SET seq = :seq, head = :head WHERE id = :id")
STATES = words.STATES[InstanceState]
_ABSENT: Any = object()
_COMPUTED = (
    "set_fact",
    "turn",
    "keep_round",
    "mark",
)  # actions that note what happened; others happen with the entry


@lru_cache(maxsize=256)
def _save(shape: Shape) -> TextClause:
    """The statement that writes an instance with its shares, its events, the end of its lapsed
    timers and new rows of these tables.
    """
    parts = ", ".join([_SHARED, _HAPPENED, _STOPPED, *inserts(shape)])
    return text(f"WITH {parts}{_MOVED}").bindparams(
        bindparam("machine", type_=JSONB(none_as_null=True)),
        bindparam("facts", type_=JSONB),
        bindparam("rounds", type_=JSONB),
    )


@dataclass(frozen=True)
class Anew:
    """A task that opens because somebody went back to it. `sent_from`: it was sent back from there,
    and leads `straight` there again; `since`: it was taken back by who had done it, and its time
    limit, ending at `due_at`, counts from when it was first opened.
    """

    element: str
    sent_from: str | None = None
    straight: bool = False
    since: datetime | None = None
    due_at: datetime | None = None


class UnitOfWork(Context):
    """One command on one locked instance: what a diagram needs of the engine while it moves, and
    what it leaves.

    `row` is the locked instance; it, `facts` and `rounds` may be changed; `save` writes them. New
    rows are `pending` for the save too, unless something is read before: whoever asks for the
    session gets one in which they are written.
    """

    locks = True

    def __init__(
        self, session: Session, actor: Actor | None, row: rows.Instance, process: Process
    ) -> None:
        super().__init__(session, actor, row, process)
        self.log = EventLog(row["id"], row["seq"], bytes(row["head"]))
        self.shares: set[UUID] = set()  # who may see the instance from now on
        self.lapsed: list[int] = []  # refs of timers for which nothing waits any more
        self.unprintable: list[NotPrintable] = []  # papers that could not be issued in this step
        self.reworded = False  # the facts under which the instance is found have changed
        self.anew: Anew | None = None  # what is opened by going back
        self._shown: set[str] = set()
        self._hidden: set[str] = set()
        self._said: dict[str, Any] = {}  # what events of this command tell in words

    @contextmanager
    def answering(self) -> Iterator[None]:
        """What a person does: a fault of the process says in which instance it happened, and so
        goes on record.
        """
        try:
            yield
        except ProcessFault as fault:
            fault.details.setdefault("instance_id", str(self.row["id"]))
            raise

    @property
    def position(self) -> machine.State:
        """Where the machine stands. Only an instance that has ended has no position any more."""
        position = self.row["machine"]
        assert position is not None, self.row["state"]
        return position

    def stand_on(self, when: date) -> None:
        """What follows is counted from when it happened, a moment or a day, if that was before
        today.
        """
        day = clock.day_of(when) if isinstance(when, datetime) else when
        self.happened = None if day == clock.today() else when

    def show(self, *members: UUID) -> None:
        """Let members see the instance from now on of whom no event tells that they got a task."""
        self.shares.update(members)
        self._shown.update(map(str, members))

    def hide(self, *members: UUID) -> None:
        """Let members find the instance no more by what was put before them so far."""
        share = tables.share.c
        theirs = share.instance_id == self.row["id"], share.key.in_(members)
        self.session.execute(tables.share.delete().where(*theirs))
        self.shares.difference_update(members)
        self._hidden.update(map(str, members))

    # --- facts: an event tells each change ---
    def say(self, name: str, value: object) -> None:
        """A fact that an event of this command tells in words: answers, an outcome, a decision."""
        self.facts[name] = self._said[name] = value
        rule = self.process.tasks.get(name)
        if rule is not None and rule.confided:
            confided.note(self, rule)

    @property
    def names_somebody(self) -> bool:
        """Did this command say in the open who is concerned?"""
        return any(finding.names_somebody(self, *said) for said in self._said.items())

    def forget(self, mark: dict[str, Any]) -> None:
        """Nothing is left of the facts but a mark; the event of the erasure tells it."""
        self.facts, self._said = mark, dict.fromkeys(self.row["facts"], _ABSENT) | mark

    def tell(self) -> None:
        """Bind to an event each fact that this command changed and no event tells in words, and
        each member who may see the instance from now on.

        It is the first one of the command, which says who and by what; or the last, of a fact that
        was told and then changed again. It keeps salted digests, for values may be erased and what
        was said in a room stays there. ValueError: a fact has changed without any event.
        """
        known = {**self.row["facts"], **self._said}
        for name in sorted({*known, *self.facts}):
            value = self.facts.get(name, _ABSENT)
            if value == known.get(name, _ABSENT):
                continue
            if not self.log.bodies:
                raise ValueError(f"no event tells the fact {name}")
            body = self.log.bodies[-1 if name in self._said else 0]
            digest = None if value is _ABSENT else canonical.salted({name: value}, self.salt)
            body.setdefault("facts", {})[name] = digest
        self.row["facts"], self._said = dict(self.facts), {}
        if self._shown:
            self.log.bodies[0]["shown"] = sorted(self._shown)
            self._shown.clear()
        if self._hidden:
            self.log.bodies[0]["hidden"] = sorted(self._hidden)
            self._hidden.clear()

    @property
    def salt(self) -> bytes:
        """Of the digests of facts. An erased matter has none any more; nothing changes in it."""
        salt = self.row["salt"]
        assert salt is not None, self.row["id"]
        return bytes(salt)

    # --- moving the machine ---
    def drive(self, run: machine.Run) -> Step:
        """Let the machine go on, giving it what it needs, until it stands again."""
        reached = machine.advance(run)
        while isinstance(reached, machine.Request):
            reached = machine.advance(run, self._answer(reached))
        return reached

    def _answer(self, request: machine.Request) -> Any:
        match request.need:
            case Need.EVALUATE:
                return self.value(request.name)
            case Need.DECIDE:
                return self._decide(request.name)
            case Need.PERFORM:
                return self._perform(request.name)

    def _decide(self, decision: str) -> None:
        """Take a decision and add it to the facts under its name."""
        table = self.process.decisions.get(decision)
        if table is None:
            missing = _("没有决策表 {decision}.dmn。", decision=decision)
            raise ProcessFault(missing, file=f"{decision}.dmn", element=decision)
        found = decisions.decide(table, self.names(), self.functions())
        if (broken := decisions.broken(found)) is not None:
            wrong = _("决策“{decision}”得出的 {value} 不是整数。", decision=decision, value=broken)
            advice = _("事实里只存整数，请改用更小的单位，例如分。")
            raise ProcessFault(wrong, f"{decision}.dmn", decision, advice)
        self.say(decision, found)
        self.log.add("decision_taken", None, decision=decision, result=self.facts[decision])
        traces.decided(self.process.id, decision, self.facts[decision]["row"])

    def _perform(self, action: str) -> None:
        """Carry out a registered action."""
        args = self.process.actions.get(action)
        if args is None or args.get("do") not in registry.ACTIONS:
            unknown = _("动作 {action} 没有登记。", action=action)
            raise ProcessFault(unknown, file="process.toml", element=action)
        registry.ACTIONS[args["do"]](self, {**args, "element": action})
        left = self.facts.get(action)
        before = left if isinstance(left, dict) else {}
        times = int(before.get("times", 0)) + 1
        done_at = self.now if args["do"] in _COMPUTED else clock.now()
        self.facts[action] = {**before, "at": done_at.isoformat(), "times": times}
        for follow in registry.FOLLOWING:  # at once: the next action may turn to other facts
            follow(self, action)


def lock(
    session: Session, actor: Actor | None, instance_id: UUID, *states: str, still: bool = False
) -> UnitOfWork:
    """Lock an instance and open the unit of work on it; what was held in it is carried out before,
    but where it stands `still`, as when only a reading is noted.

    NotFound when it is not there or not the actor's to see; Conflict when it is in none of
    `states`.
    """
    row = _locked(session, actor, instance_id)
    if not still and settled(session, row):
        row = _locked(session, actor, instance_id)
    if states and row["state"] not in states:
        refusal = _("此件{state}，不能再办理。", state=STATES[row["state"]])
        raise Conflict(refusal, code=f"not_{states[0]}")
    return resume(session, actor, row)


def _locked(session: Session, actor: Actor | None, instance_id: UUID) -> rows.Instance:
    query = _LOCK if actor is None else _LOCK.where(access.visible(actor))
    found = session.execute(query, {"key": instance_id}).first()
    if found is None and actor is not None:
        raise NotFound(instance_id=str(instance_id))
    return context.row_of(tuple(access.must_see(found)))


def settled(session: Session, row: Mapping[Any, Any]) -> bool:
    """Carry out the act that is held in a locked instance, so that acts come one after another;
    False: none is. The row is to be read again then.
    """
    if row["held_until"] is None:
        return False
    assert registry.HELD, "engine.commands.holding is not loaded"
    for carry_out in registry.HELD:
        carry_out(session, row["id"])
    return True


def resume(session: Session, actor: Actor | None, found: Mapping[Any, Any]) -> UnitOfWork:
    """The unit of work on an instance whose row is locked."""
    row = cast("rows.Instance", dict(found))
    return UnitOfWork(session, actor, row, process_of(session, row["version"]))


def live(work: UnitOfWork) -> tuple[Live, ...]:
    """What waits in the machine now."""
    return machine.look(work.process.spec, work.row["machine"]) if work.row["machine"] else ()


def save(work: UnitOfWork) -> None:
    """Write new rows, shares, events, the end of timers and the instance itself in one statement;
    every command ends here.
    """
    if work.reworded or work.names_somebody:
        mine = _instance.c.id == work.row["id"]
        work.session.execute(update(_instance).where(mine).values(grams=finding.search_grams(work)))
    work.tell()
    shape, new = work.pending.take()
    work.session.execute(_save(shape), {**new, **_saved(work), **_events(work)})
    work.lapsed.clear()


def _saved(work: UnitOfWork) -> dict[str, Any]:
    """What of the instance a command may have changed."""
    row = work.row
    return {
        "shares": sorted(work.shares, key=str),
        "lapsed": work.lapsed,
        "title": work.title,
        "state": row["state"],
        "outcome": row["outcome"],
        "stage": row["stage"],
        "machine": row["machine"],
        "facts": work.facts,
        "rounds": work.rounds,
        "confidential": row["confidential"],
        "now": clock.now(),
        "ended": row["ended_at"],
    }


def note(work: UnitOfWork) -> None:
    """Write the events alone: a reading changes nothing of the instance, neither when it last moved
    nor its revision.
    """
    work.session.execute(_NOTED, _events(work))


def _events(work: UnitOfWork) -> dict[str, Any]:
    """The instance's id, its new events column by column, and where its chain ends then."""
    work.log.apart = work.row["confidential"]
    events = work.log.rows()
    columns = {"seqs": "seq", "kinds": "kind", "actors": "actor_id", "ats": "at"}
    columns |= {"bodies": "body", "hashes": "hash"}
    by_column = {name: [event[column] for event in events] for name, column in columns.items()}
    by_column["words"] = [json.dumps(e["words"]) if e["words"] else None for e in events]
    return {"id": work.row["id"], **by_column, "seq": work.log.seq, "head": work.log.head}


def record_answers(work: UnitOfWork, element: str, answers: dict[str, Any]) -> str:
    """Store the answers of the launch or of a message like those of a finished task; gives the
    salted digest for the history.
    """
    salt, now = os.urandom(16), clock.now().isoformat()
    row = {
        "id": str(tables.new_id()),
        "instance_id": str(work.row["id"]),
        "element": element,
        "ref": 0,
        "state": TaskState.DONE,
        "opened_at": now,
        "closed_at": now,
        "closed_by": str(work.actor.id) if work.actor else None,
        "answers": answers,
        "salt": f"\\x{salt.hex()}",
    }
    work.pending.add(tables.task, row)
    return canonical.salted(answers, salt)
