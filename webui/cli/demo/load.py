"""Plays the demo into an empty database: imports, then eighty motions day by day up to now,
each by the right person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine import clock, jobs
from engine.commands import edge, imports, instances, messages, people, polls, tasks
from engine.commands.imports import columns, workbook
from engine.db import demo
from engine.people import organisation
from engine.queries import instance as files
from engine.queries import people as roster
from webui.cli.demo import matters
from webui.cli.demo import people as cast
from webui.cli.demo.motions import motions, story

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.db import Engine, Session
    from engine.people.organisation import Actor
    from engine.settings import Settings
    from webui.cli.demo.motions import Motion


class Stage:
    """The scene: who is who by user name, and the present engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.members: dict[str, UUID] = {}
        self.units: dict[str, str] = {}

    def run(self, username: str, work: Callable[[Any, Actor], Any]) -> Any:
        """Carry out a command as this person, at the present moment of the story."""

        def inside(session: Session) -> Any:
            return work(session, organisation.actor(session, self.members[username]))

        return edge.carry_out(self.engine, None, inside)


def load(engine: Engine, own: Settings | None = None) -> None:
    """Fill an empty installation with the demo. Takes some ten seconds."""
    del own
    stage = Stage(engine)
    edge.carry_out(engine, None, demo.mark)
    now = clock.now()
    with clock.set_to(now - timedelta(days=100)):
        _found(stage)
        _import(stage)
        _passwords(stage)
    _play(stage, now)
    matters.play(engine, stage.members, stage.units)
    jobs.sweep(engine)


def _found(stage: Stage) -> None:
    """What the operator enters by hand: the unions above, the universities, the first
    administrator.
    """

    def work(session: Session) -> None:
        units: dict[str, UUID] = {}
        for code, kind, name, name_en, parent, more in cast.FOUNDED:
            units[code] = people.create_unit(
                session,
                None,
                code,
                kind,
                name,
                parent_id=units[parent] if parent else None,
                name_en=name_en,
                **more,
            )
        for username, name, at, kinds in cast.FIRST:
            member = people.create_member(session, None, username, name, units[at])
            stage.members[username] = member
            for kind in kinds:
                people.grant_post(
                    session,
                    None,
                    member,
                    kind,
                    units[at],
                    from_on=clock.today(),
                    term=cast.TERM,
                )

    edge.carry_out(stage.engine, None, work)


def _import(stage: Stage) -> None:
    """The rest comes by the same files that a real office would upload."""
    for kind, rows in (
        ("units", cast.unit_rows()),
        ("people", cast.staff_rows()),
        ("delegates", cast.delegate_rows()),
        ("posts", cast.post_rows()),
    ):
        given = columns.of(kind)
        data = workbook.write(
            imports.kinds()[kind], given, [[row.get(c.key, "") for c in given] for row in rows]
        )

        def work(session: Session, actor: Actor, kind: str = kind, data: bytes = data) -> None:
            batch = imports.preview(session, actor, kind, f"{kind}.xlsx", data)
            wrong = [
                f"{r.number}: {'; '.join(r.messages)}" for r in batch.rows if r.level == "error"
            ]
            if wrong:
                raise RuntimeError(f"demo import of {kind}: {wrong[:3]}")
            imports.confirm(session, actor, batch.id)

        stage.run("admin", work)

    def look(session: Session, actor: Actor) -> None:
        after = None
        while True:
            page = roster.roster(session, actor, actor.union_id, after=after, limit=200)
            stage.members.update({p.username: p.id for p in page.items})
            stage.units.update({})
            after = page.next
            if after is None:
                break
        tree = roster.unit_tree(session, actor, actor.union_id)
        stage.units.update({node.code: str(node.id) for node in tree.root.children})

    stage.run("admin", look)


def _passwords(stage: Stage) -> None:
    for username, secret, _words in cast.ACCOUNTS:
        edge.carry_out(stage.engine, None, partial(_set_password, stage.members[username], secret))


def _set_password(member_id: UUID, secret: str, session: Session) -> None:
    people.set_password(session, None, member_id, secret, temporary=False)


def _play(stage: Stage, now: datetime) -> None:
    order = count()
    agenda = []
    for motion in motions(now):
        for at, who, does, given in story(stage, motion):
            moment = motion.began + timedelta(days=at)
            if moment < now:
                agenda.append((moment, next(order), motion, who, does, given))
    for moment, _, motion, who, does, given in sorted(agenda, key=lambda a: a[:2]):
        with clock.set_to(moment):
            jobs.sweep(stage.engine)
            _act(stage, motion, who, does, given)
    jobs.sweep(stage.engine)


def _act(stage: Stage, motion: Motion, who: str, does: str, given: dict[str, Any]) -> None:
    if does == "launch":
        motion.id = stage.run(who, lambda s, a: instances.launch(s, a, "congress_motion", given))
        return
    key = motion.id
    assert key is not None
    if does == "withdraw":
        stage.run(who, lambda s, a: messages.send(s, a, key, "withdraw", given))
        return
    verb, _, element = does.partition(":")
    found = stage.run("secretary", lambda s, a: files.file(s, a, key))
    waiting = [t for t in found.tasks if t.state == "open" and t.element == element]
    if not waiting:
        raise RuntimeError(
            f"demo motion {motion.number} ({motion.stage}): {element} is not open but {found.row.stage}"
        )
    task = waiting[0]
    if verb == "complete":
        stage.run(who, lambda s, a: tasks.complete(s, a, task.id, given))
    elif verb == "respond":
        stage.run(who, lambda s, a: polls.respond(s, a, task.poll_id, **given))
    else:
        stage.run(who, lambda s, a: polls.close(s, a, task.poll_id))
