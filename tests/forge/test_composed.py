"""Two or three things forged together, so that the rows agree: verification names the first event
that says otherwise.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from engine.history import seals
from tests.engine.errands import KEY
from tests.forge import composed, grounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.history.seals import Verdict
    from tests.forge.composed import Attack

KINDS: dict[str, Mapping[str, Attack]] = {
    "errands": composed.ERRANDS,
    "hall": composed.HALL,
    "open": composed.OPEN,
    "session": composed.SEALED,
    "registry": composed.REGISTRY,
}


def _tried(session: Session, attack: Attack) -> tuple[Verdict, str]:
    """What verification says after an attack, and the kind of the event it names."""
    with session.begin_nested() as change:
        attack.carry_out(session)
        found = seals.verify(session, KEY.public)
        event = ""
        if found.broken is not None:
            named = "SELECT body FROM event WHERE instance_id = :chain AND seq = :seq"
            where = {"chain": found.broken.chain_id, "seq": found.broken.seq}
            body = session.execute(text(named), where).scalar()
            event = json.loads(body)["kind"] if body else ""
        change.rollback()
    return found, event


@pytest.mark.parametrize("name", KINDS)
def test_rows_that_agree_with_each_other_are_named_by_their_events(server: str, name: str) -> None:
    wrong: dict[str, tuple[str, str]] = {}
    with grounds.ground(server, name) as session:
        honest = seals.verify(session, KEY.public)
        assert not honest.broken and not honest.fault, honest
        for what, attack in KINDS[name].items():
            found, event = _tried(session, attack)
            said = str(found.broken.why if found.broken else found.fault)
            table = f"（{attack.table} " if attack.table else ""
            if not said or table not in said or attack.says not in said or event != attack.event:
                wrong[what] = (said, event)
    assert not wrong


def test_there_are_many_of_them() -> None:
    attacks = [attack for some in KINDS.values() for attack in some.values()]
    assert len(attacks) >= 35
    assert sum(len(attack.steps) > 1 for attack in attacks) >= 30
