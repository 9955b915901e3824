"""The cut tail of a chain: what was last in a history can be taken away without a gap, and `yixing verify` still notices.

Every case edits a database from which all else would agree: the events that are left chain well, nothing is sealed yet, and
what is kept beside the history does not depend on the event that is gone. Only the sequence number and the head that the
owner of the chain holds (the row of the instance, or of the union's chain) tell that the tail is missing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine import db
from engine.commands import tasks
from engine.db import canonical
from engine.errors import NotFound
from engine.history import event_log, seals
from tests.races.union import Union
from webui import cli
from webui.http.messages import in_language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

pytest_plugins = ("tests.empty",)


@pytest.fixture
def union(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Union]:
    """Two unions on a migrated database, to which the command line looks as well."""
    monkeypatch.setenv("YIXING_DATABASE_URL", empty_url)
    monkeypatch.setenv("YIXING_HOME", str(tmp_path / "home"))
    assert cli.main(["migrate"]) == cli.OK
    yield Union.built(db.connect(empty_url, size=3))
    db.connect(empty_url).dispose()


def refused(union: Union) -> UUID:
    """A matter whose last event is an attempt that was refused: no task, poll or fact repeats it."""
    key = union.launch()
    with suppress(NotFound):
        union.complete("d3", key, "check", decision="pass")
    assert union.events(key) == ["instance_launched", "attempt_refused"]
    return key


def noted(union: Union) -> UUID:
    """The chain of a union with two notes to which nothing else is tied."""
    chain = union.units["union"]
    with db.transaction(union.engine) as session:
        for title in ("甲", "乙"):
            event_log.note(
                session, chain, "attempt_refused", union.actor("d3"), verb="export", why=title
            )
    return chain


def meddle(union: Union, statement: str, **values: Any) -> None:
    """Change the history as its administrator can: with the triggers that protect it turned off."""
    with db.transaction(union.engine) as session:
        session.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        assert session.execute(text(statement), values).rowcount == 1
        session.execute(text("ALTER TABLE event ENABLE TRIGGER USER"))


def last(union: Union, chain: UUID) -> Any:
    return union.ask("SELECT * FROM event WHERE instance_id = :i ORDER BY seq DESC", i=chain)[0]


def cut(union: Union, chain: UUID) -> int:
    """Delete the last event of a chain."""
    seq: int = last(union, chain).seq
    meddle(union, "DELETE FROM event WHERE instance_id = :i AND seq = :s", i=chain, s=seq)
    return seq


def reworded(union: Union, chain: UUID) -> int:
    """Give the last event another body, and the hash that the chain then has: no later event contradicts it."""
    event = last(union, chain)
    before = union.ask(
        "SELECT hash FROM event WHERE instance_id = :i AND seq = :s", i=chain, s=event.seq - 1
    )
    body = event.body.replace('"text":"', '"text":"又').replace('"why":"', '"why":"又')
    assert body != event.body
    meddle(
        union,
        "UPDATE event SET body = :body, hash = :hash WHERE instance_id = :i AND seq = :s",
        body=body,
        hash=canonical.event_hash(bytes(before[0].hash), body.encode()),
        i=chain,
        s=event.seq,
    )
    return int(event.seq) + 1


def added(union: Union, chain: UUID) -> int:
    """Put one more event at the end, well chained, that no command wrote."""
    event = last(union, chain)
    seq = event.seq + 1
    body = event.body.replace(f'"seq":{event.seq}', f'"seq":{seq}')
    meddle(
        union,
        "INSERT INTO event (instance_id, seq, kind, actor_id, at, body, hash) "
        "SELECT instance_id, :new, kind, actor_id, at, :body, :hash FROM event WHERE instance_id = :i AND seq = :s",
        new=seq,
        body=body,
        hash=canonical.event_hash(bytes(event.hash), body.encode()),
        i=chain,
        s=event.seq,
    )
    return int(seq) + 1


@pytest.mark.parametrize("edit", [cut, reworded, added])
@pytest.mark.parametrize("chain_of", [refused, noted], ids=["an instance", "a union"])
def test_the_tail_of_a_chain_is_held_by_its_owner(
    union: Union,
    chain_of: Callable[[Union], UUID],
    edit: Callable[[Union, UUID], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    union.launch("far.d0")  # another chain, which stays whole
    chain = chain_of(union)
    assert cli.main(["verify"]) == cli.OK
    missing = edit(union, chain)
    with db.transaction(union.engine) as session:
        broken = seals.verify(session, None).broken
    assert broken is not None
    assert (broken.chain_id, broken.seq) == (chain, missing)
    assert in_language(broken.why, "en") == "the chain ends elsewhere than its owner says"
    capsys.readouterr()
    assert cli.main(["verify"]) == cli.FAULT
    told = capsys.readouterr().err
    assert f"chain {chain} event {missing}" in told
    assert "ends elsewhere" in told


@pytest.mark.parametrize("column", ["seq = seq - 1", "head = sha256(head)"])
@pytest.mark.parametrize("table", ["instance", "chain"])
def test_sequence_number_and_head_are_each_compared(union: Union, table: str, column: str) -> None:
    """An owner who says another number, or another head, is contradicted by the events."""
    chain = refused(union) if table == "instance" else noted(union)
    meddle(union, f"UPDATE {table} SET {column} WHERE id = :i", i=chain)
    with db.transaction(union.engine) as session:
        broken = seals.verify(session, None).broken
    assert broken is not None and broken.chain_id == chain
    assert "ends elsewhere" in in_language(broken.why, "en")
    assert cli.main(["verify"]) == cli.FAULT


@pytest.mark.parametrize("chain_of", [refused, noted], ids=["an instance", "a union"])
def test_a_chain_of_which_nothing_is_left_is_missed(
    union: Union, chain_of: Callable[[Union], UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    chain = chain_of(union)
    while union.events(chain):
        cut(union, chain)
    capsys.readouterr()
    assert cli.main(["verify"]) == cli.FAULT
    assert f"chain {chain} event 1: the whole chain is missing" in capsys.readouterr().err
    with db.transaction(union.engine) as session:
        broken = seals.verify(session, None).broken
    assert broken is not None
    assert (broken.chain_id, in_language(broken.why, "en")) == (
        chain,
        "the whole chain is missing",
    )


def test_the_end_of_a_finished_task_cannot_be_cut_either(
    union: Union, capsys: pytest.CaptureFixture[str]
) -> None:
    """The event of a completion, whose task, answers and facts stand beside it."""
    key = union.launch()
    union.do("secretary", tasks.complete, union.task(key, "check"), {"decision": "pass"})
    seq = cut(union, key)
    assert cli.main(["verify"]) == cli.FAULT
    assert f"chain {key} event {seq}" in capsys.readouterr().err
