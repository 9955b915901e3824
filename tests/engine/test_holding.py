"""An act that is held: refused at once as any other, nothing follows from it, taken back or carried out as of when it was given."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, func, select, text, update

from engine import clock, db, jobs
from engine.commands import confidence, edge, holding, instances, tasks
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound
from engine.history import verification
from engine.history.signing import Signer
from tests.engine import held_acts
from tests.engine.errands import KEY, Errands, whole
from tests.forge import forgeries
from webui.http import evidence

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy import Engine

SECOND = timedelta(seconds=1)


@pytest.fixture
def world(engine: Engine) -> Errands:
    return Errands.built(engine, KEY, 0)


@pytest.fixture
def key(world: Errands) -> UUID:
    """An errand that waits for its check."""
    mover = world.actor("张敏")
    launched: UUID = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "修灯"}))
    return launched


def hold(world: Errands, who: str, task: UUID, seconds: int = 10, **answers: Any) -> Any:
    actor = world.actor(who)
    return world.do(
        lambda s: holding.submit(tasks.open_task(s, actor, task, None), answers, seconds=seconds),
        SECOND,
    )


def withdraw(world: Errands, who: str, task: UUID, after: timedelta = SECOND) -> Any:
    actor = world.actor(who)
    return world.do(lambda s: holding.withdraw(s, actor, task), after)


def sweep(world: Errands, after: timedelta) -> int:
    world.at += after
    with clock.set_to(world.at):
        return jobs.carry_out_held(world.engine)


def _leave(world: Errands, who: str) -> None:
    """This person holds no post any more."""
    with db.transaction(world.engine) as session:
        session.execute(delete(tables.post).where(tables.post.c.member_id == world.people[who]))


def kinds_of(world: Errands, key: UUID) -> list[str]:
    event = tables.event.c
    query = select(event.kind).where(event.instance_id == key).order_by(event.seq)
    with db.transaction(world.engine) as session:
        return list(session.execute(query).scalars())


def rows(world: Errands) -> dict[str, str | None]:
    with db.transaction(world.engine) as session:
        return held_acts.rows(session)


def one(world: Errands, query: Any) -> Any:
    with db.transaction(world.engine) as session:
        return session.execute(query).one()


def test_nothing_follows_until_it_is_taken_back(world: Errands, key: UUID) -> None:
    task, before = world.task(key, "check"), rows(world)
    told = kinds_of(world, key)
    until = hold(world, "陈秘书", task, decision="pass")
    assert until == world.at + 10 * SECOND
    whole(world)
    assert withdraw(world, "陈秘书", task) == key
    assert rows(world) == before
    assert kinds_of(world, key) == [*told, "act_held", "act_withdrawn"]
    whole(world)
    draft = one(world, select(tables.draft.c.key, tables.draft.c.answers))
    assert draft == (f"task:{task}", {"decision": "pass"})
    assert world.task(key, "check") == task  # open as before
    world.complete("陈秘书", key, "check", decision="pass")
    whole(world)


def test_it_is_carried_out_when_its_time_is_over(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    hold(world, "陈秘书", task, decision="pass")
    given = world.at
    assert sweep(world, 9 * SECOND) == 0
    assert sweep(world, 7 * SECOND) == 1
    assert sweep(world, SECOND) == 0
    row = one(world, select(tables.task).where(tables.task.c.id == task))
    assert (row.state, row.closed_at, row.closed_by) == ("done", given, world.people["陈秘书"])
    assert world.task(key, "do")
    assert kinds_of(world, key)[-2:] == ["act_held", "task_completed"]
    with db.transaction(world.engine) as session:
        assert session.execute(select(func.count()).select_from(tables.held_act)).scalar() == 0
    whole(world)
    with pytest.raises(Conflict) as late:
        withdraw(world, "陈秘书", task)
    assert late.value.code == "too_late"


def test_too_late_is_too_late_though_no_worker_came(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    hold(world, "陈秘书", task, decision="pass")
    with pytest.raises(Conflict):
        withdraw(world, "陈秘书", task, 10 * SECOND)
    assert sweep(world, timedelta(days=1)) == 1  # it was given yesterday
    whole(world)


def test_what_is_wrong_is_refused_at_once(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    with pytest.raises(Invalid):
        hold(world, "陈秘书", task, decision="nonsense")
    with pytest.raises(NotFound):
        hold(world, "张敏", task, decision="pass")
    assert kinds_of(world, key) == ["instance_launched"]


def test_the_next_act_in_the_matter_comes_after_it(world: Errands, key: UUID) -> None:
    secretary = world.actor("陈秘书")
    hold(world, "陈秘书", world.task(key, "check"), decision="pass")
    world.do(lambda s: instances.suspend(s, secretary, key, "等上级答复"), SECOND)
    assert kinds_of(world, key)[-2:] == ["task_completed", "instance_suspended"]
    whole(world)


def test_a_second_sending_is_refused_and_does_not_end_the_time(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    hold(world, "陈秘书", task, decision="pass")
    for _again in range(2):
        with pytest.raises(Conflict) as fault:
            hold(world, "陈秘书", task, decision="return")
        assert fault.value.code == "done"
    withdraw(world, "陈秘书", task)
    whole(world)


def test_a_refusal_that_is_noted_does_not_end_the_time(world: Errands, key: UUID) -> None:
    task, outsider = world.task(key, "check"), world.actor("张敏")
    hold(world, "陈秘书", task, decision="pass")
    world.at += SECOND
    with clock.set_to(world.at), pytest.raises(NotFound):
        edge.carry_out(
            world.engine,
            outsider,
            lambda s: tasks.complete(s, outsider, task, {"decision": "pass"}),
        )
    withdraw(world, "陈秘书", task)
    assert kinds_of(world, key)[-3:] == ["act_held", "attempt_refused", "act_withdrawn"]
    whole(world)


def test_an_act_before_a_deadline_counts_as_before_it(world: Errands, key: UUID) -> None:
    """The timer of the task is due between the act and the worker: the act comes first."""
    world.complete("陈秘书", key, "check", decision="pass")
    task, timer = world.task(key, "do"), tables.timer.c
    waiting = one(world, select(timer.id, timer.due_at).where(timer.state == "waiting"))
    world.at = waiting.due_at - 6 * SECOND
    hold(world, "陈秘书", task, note="修好了")
    given = world.at
    assert not world.do(lambda s: instances.wake(s, waiting.id), 6 * SECOND)
    assert "timer_fired" not in kinds_of(world, key)
    row = one(world, select(tables.task).where(tables.task.c.id == task))
    assert (row.state, row.closed_at) == ("done", given)
    whole(world)


def test_an_act_of_the_last_second_of_a_post_counts(world: Errands, key: UUID) -> None:
    """Given at five seconds to midnight of the last day, carried out on the day after."""
    task, post = world.task(key, "check"), tables.post.c
    world.at = datetime(2026, 3, 5, 15, 59, 54, tzinfo=UTC)
    with db.transaction(world.engine) as session:
        mine = update(tables.post).where(post.member_id == world.people["陈秘书"])
        session.execute(mine.values(to_on=date(2026, 3, 5)))
    hold(world, "陈秘书", task, decision="pass")
    assert sweep(world, 12 * SECOND) == 1
    assert kinds_of(world, key)[-1] == "task_completed"
    with pytest.raises(NotFound):
        hold(world, "陈秘书", world.task(key, "do"), note="任期已满")


def test_what_cannot_be_done_any_more_is_said_to_its_author(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    hold(world, "陈秘书", task, decision="pass")
    _leave(world, "陈秘书")
    assert sweep(world, 11 * SECOND) == 1
    assert kinds_of(world, key)[-2:] == ["act_held", "act_dropped"]
    kept = one(world, select(tables.held_act))
    assert kept.why and kept.answers == {"decision": "pass"}
    assert one(world, select(tables.draft.c.answers)) == ({"decision": "pass"},)
    assert world.task(key, "check") == task  # for whoever holds the post next
    assert one(world, select(tables.instance.c.held_until)) == (None,)
    secretary = world.actor("陈秘书")
    world.do(lambda s: holding.dismiss(s, secretary, task))
    with db.transaction(world.engine) as session:
        assert session.execute(select(func.count()).select_from(tables.held_act)).scalar() == 0


def _named(world: Errands, statements: list[str]) -> None:
    """Each of these forgeries changes a row, and is found."""
    for statement in statements:
        with db.transaction(world.engine) as session, session.begin_nested() as point:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            assert session.execute(text(statement)).rowcount, statement
            assert verification.first_false(session) is not None, statement
            point.rollback()


def test_each_altered_row_of_one_that_waits_is_named(world: Errands, key: UUID) -> None:
    hold(world, "陈秘书", world.task(key, "check"), decision="pass")
    whole(world)
    forged = [s for each in forgeries.updates(tables.held_act).values() for s in each]
    forged += [forgeries.delete(tables.held_act), forgeries.insert(tables.held_act)]
    forged += ["UPDATE instance SET held_until = NULL"]
    assert len(forged) > 9
    _named(world, forged)


def test_each_altered_row_of_one_that_was_not_done_is_named(world: Errands, key: UUID) -> None:
    """But that it is gone, or in a matter that is not there: it goes when it was read."""
    hold(world, "陈秘书", world.task(key, "check"), decision="pass")
    _leave(world, "陈秘书")
    assert sweep(world, 11 * SECOND) == 1
    whole(world)
    columns = forgeries.updates(tables.held_act)
    assert columns.pop("instance_id")
    forged = [s for each in columns.values() for s in each]
    assert len(forged) > 6
    _named(world, [*forged, "UPDATE instance SET held_until = now()"])


def test_a_killed_worker_loses_none_and_doubles_none(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    hold(world, "陈秘书", task, decision="pass")
    world.at += 11 * SECOND
    killed, at = pytest.raises(KeyboardInterrupt), clock.set_to(world.at)
    with killed, at, db.transaction(world.engine) as session:
        assert holding.wake(session, key)
        raise KeyboardInterrupt
    assert kinds_of(world, key)[-1] == "act_held"
    assert sweep(world, SECOND) == 1
    assert kinds_of(world, key).count("task_completed") == 1
    whole(world)


def test_a_pack_tells_them_and_is_verified_by_whoever_has_it(
    world: Errands, key: UUID, tmp_path: Path
) -> None:
    """One was taken back, one carried out by a worker that came a day later."""
    task = world.task(key, "check")
    hold(world, "陈秘书", task, decision="return", reason="写错了")
    withdraw(world, "陈秘书", task)
    hold(world, "陈秘书", task, decision="pass")
    assert sweep(world, timedelta(days=1)) == 1
    world.seal()
    auditor = world.actor("孙审计")
    pack = tmp_path / "pack.zip"
    pack.write_bytes(world.do(lambda s: evidence.export(s, auditor, key, Signer(KEY))))
    with zipfile.ZipFile(pack) as archive:
        archive.extract("verify.py", tmp_path)
        told = "".join(
            archive.read(name).decode()
            for name in archive.namelist()
            if name.startswith("timeline") and not name.endswith(".pdf")
        )
    assert ",办理，可以撤回,核对,陈秘书," in told and ",撤回办理,核对,陈秘书," in told
    verify = [sys.executable, "-I", str(tmp_path / "verify.py"), str(pack)]
    done = subprocess.run(verify, capture_output=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stdout.decode()


def test_reading_a_matter_does_not_end_the_time(world: Errands, key: UUID) -> None:
    with db.transaction(world.engine) as session:
        session.execute(update(tables.instance).values(confidential=True))
    task, reader = world.task(key, "check"), world.actor("张敏")
    hold(world, "陈秘书", task, decision="pass")
    assert world.do(lambda s: confidence.note_reading(s, reader, key), SECOND)
    withdraw(world, "陈秘书", task)
    assert kinds_of(world, key)[-2:] == ["matter_read", "act_withdrawn"]


def test_without_the_process_or_the_seconds_it_is_done_at_once(world: Errands, key: UUID) -> None:
    assert hold(world, "陈秘书", world.task(key, "check"), seconds=0, decision="pass") is None
    assert kinds_of(world, key)[-1] == "task_completed"
    assert hold(world, "陈秘书", world.task(key, "do"), seconds=3600, note="好") <= (
        world.at + timedelta(seconds=30)
    )
