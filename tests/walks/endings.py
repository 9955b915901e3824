"""What must hold wherever a walk ends, whatever its process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import machine
from engine.db import tables
from engine.history import seals
from engine.scenarios.scene import WAITING

if TYPE_CHECKING:
    from engine.history.keys import SigningKey
    from tests.walks.walker import Walk

_timer, _instance = tables.timer.c, tables.instance.c


def somebody_can_go_on(on: Walk) -> int:
    """A running instance waits for somebody or for a moment; and when it is gone on with, nothing breaks.

    Gives how many instances were in fact gone on with: by whoever has an open task, else by the next timer.
    """
    met = 0
    for alias in on.running():
        if alias not in on.running():
            continue  # it ended while the one before was gone on with
        on.scene.current = alias
        assert _waits(on), f"{alias}: nothing waits for anybody"
        met += _goes_on(on)
        nothing_is_broken(on)
    return met


def _waits(on: Walk) -> bool:
    """Is there a task or poll that somebody has, a message that somebody may send, or a timer to come?"""
    poll = tables.poll.c
    key = on.scene.instance()
    polls = select(poll.id).where(poll.instance_id == key, poll.state.in_(WAITING))
    timers = select(_timer.id).where(_timer.instance_id == key, _timer.state == "waiting")
    return bool(
        any(on.holders(task) for task in on.open_tasks())
        or on.session.execute(polls.limit(1)).first()
        or on.session.execute(timers.limit(1)).first()
        or on.waited_for()
    )


def _goes_on(on: Walk) -> bool:
    key = on.scene.instance()
    seq = select(_instance.seq).where(_instance.id == key)
    before = on.session.execute(seq).scalar_one()
    if any(on.complete(task, on.actor(who)) for task in on.plain() for who in on.holders(task)):
        on.settle()
        return True
    timer = on.next_timer()
    if timer is not None:
        on.wait_until(max(on.scene.now, timer + timedelta(minutes=1)))
    return bool(on.session.execute(seq).scalar_one() > before)


def nothing_is_broken(on: Walk) -> int:
    """No incident; a running instance has a machine that stands somewhere, and no timer of it is late. Gives how many."""
    for key in on.scene.instances.values():
        row = on.session.execute(select(tables.instance).where(_instance.id == key)).one()
        incident = tables.incident.c
        trouble = select(incident.message).where(incident.instance_id == key)
        assert not (said := on.session.execute(trouble).scalars().all()), said
        if row.state == "running":
            assert machine.look(on.scene.process_of(key).spec, row.machine), "stands nowhere"
            late = select(_timer.id).where(
                _timer.instance_id == key,
                _timer.state == "waiting",
                _timer.due_at <= on.scene.now,
            )
            assert on.session.execute(late).first() is None, "a timer is late"
    return len(on.scene.instances)


def the_history_verifies(on: Walk, key: SigningKey) -> int:
    """Chains, leaves, the signed checkpoint and everything kept beside the history, as `yixing verify` checks them."""
    seals.seal(on.session, key)
    verdict = seals.verify(on.session, key.public)
    assert verdict.broken is None and not verdict.fault, verdict
    assert verdict.events and verdict.leaves == verdict.events and not verdict.unsealed, verdict
    return 1
