"""Databases with something in most tables, in which everything holds."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from engine import clock, db, definitions
from engine.commands import holding, instances, people, rules, tasks
from engine.settings import load
from tests.conftest import fresh
from tests.engine import sessions
from tests.engine.errands import KEY, Errands
from tests.engine.played import played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy import Engine


@contextmanager
def errands(engine: Engine) -> Iterator[db.Session]:
    """Matters that ended and matters that wait, the union's own value, a vacation; and a union that
    was entered by the commands, with its people.
    """
    world = Errands.built(engine, KEY, 1)
    with db.transaction(engine) as session:
        world._member(session, "副秘书", "工会", "union_secretary")
    one, two = world.actor("陈秘书"), world.actor("副秘书")
    union, tomorrow = world.units["工会"], clock.day_of(world.at) + timedelta(days=1)
    setting = world.do(
        lambda s: rules.propose_setting(s, one, union, "MO-REPLY", 60, tomorrow, "教代会决议")
    )
    world.do(lambda s: rules.decide_setting(s, two, setting, True))
    world.do(
        lambda s: rules.add_vacation(s, one, union, "寒假", date(2027, 1, 20), date(2027, 2, 1))
    )
    mover = world.actor("张敏")
    waiting: UUID = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "等办"}))
    world.complete("陈秘书", waiting, "check", decision="pass")
    key = world.task(waiting, "do")
    world.do(lambda s: tasks.claim(s, one, key))
    still: UUID = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "暂停的"}))
    world.do(lambda s: instances.suspend(s, one, still, "等上级答复"))
    held: UUID = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "可撤回"}))
    check = world.task(held, "check")
    world.do(
        lambda s: holding.submit(
            tasks.open_task(s, one, check, None), {"decision": "pass"}, seconds=10
        )
    )
    world.seal()
    with db.transaction(engine) as session:
        yield session
        session.rollback()


def _registry(session: db.Session) -> None:
    """A union entered by the operator."""
    top = people.create_unit(session, None, "TOP", "provincial_federation", "省总工会")
    edu = people.create_unit(
        session, None, "EDU", "provincial_education_union", "省教育工会", parent_id=top
    )
    texts = {"city": "杭州", "name_en": "U", "owner_type": "province", "affiliation": "province"}
    union = people.create_unit(
        session, None, "U", "university_union", "大学工会", parent_id=edu, **texts
    )
    college = people.create_unit(session, None, "C", "college_union", "学院工会", parent_id=union)
    person = people.create_member(session, None, "wang", "王一", college, phone="0571-1")
    today = clock.today()
    people.grant_post(session, None, person, "formal_delegate", college, today, term="八届")
    post = people.grant_post(session, None, person, "auditor", union, today)
    people.end_post(session, None, post, today + timedelta(days=30), "届满")
    people.change_member(session, None, person, name="王一一")
    people.change_unit(session, None, college, name="信息学院工会")


@contextmanager
def registry(engine: Engine) -> Iterator[db.Session]:
    """Units and people as the commands enter them."""
    with db.transaction(engine) as session:
        _registry(session)
        yield session
        session.rollback()


@contextmanager
def told(
    engine: Engine, story: dict[str, Any] | Path, files: dict[str, str]
) -> Iterator[db.Session]:
    """The end of a story."""
    with played(engine, story, files) as session:
        yield session


def hall(engine: Engine) -> Any:
    """A meeting that has closed, with an election."""
    story = sessions.election(
        sessions.choose(sessions.people(6), "代表甲"),
        sessions.CLOSE,
        sessions.SIGN,
        {"who": "主席团主席", "does": "complete", "task": "session"},
    )
    return told(engine, story, definitions.read(sessions.HALL))


def open_hall(engine: Engine) -> Any:
    """A meeting that goes on, with delegates, observers and some who are not there."""
    story = sessions.start(9, 7)
    story["step"] += [{"who": "代表甲", "does": "leave", "task": "session"}]
    return told(engine, story, definitions.read(sessions.HALL))


def longest(process: str) -> Any:
    """The longest story of a process, as a ground."""

    def ground(engine: Engine) -> Any:
        folder = load().processes / process
        stories = sorted(
            folder.glob("scenarios/*.toml"), key=lambda p: p.read_text().count("[[step]]")
        )
        return told(engine, stories[-1], definitions.read(folder))

    return ground


def posting(engine: Engine) -> Any:
    """A matter that has published twice, with objections."""
    folder = sessions.HALL.parent / "posting"
    return told(engine, folder / "scenarios" / "101_objections.toml", definitions.read(folder))


GROUNDS: dict[str, Any] = {
    "errands": errands,
    "registry": registry,
    "hall": hall,
    "open": open_hall,
    "posting": posting,
    "transfer": longest("cadre_transfer"),
    "session": longest("congress_session"),
    "mediation": longest("dispute_mediation"),
    "motion": longest("congress_motion"),
}


@contextmanager
def ground(server: str, name: str) -> Iterator[db.Session]:
    """A ground in a database of its own."""
    with fresh(server) as url:
        engine = db.connect(url)
        with GROUNDS[name](engine) as session:
            yield session
        db.release(url)
