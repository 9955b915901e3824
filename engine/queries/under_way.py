"""What goes on now: the open meetings in which a person has a part, and what they do there next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, or_, select

from engine.db import tables
from engine.db.states import PollState, TaskState
from engine.instance import halls, polling
from engine.queries import meetings, poll_rows, poll_summary, polls
from engine.queries.tellers import counting, tellers
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor
    from engine.queries.meetings import Body, Seen
    from engine.queries.poll_rows import Read

_key, _task, _held = tables.teller_key.c, tables.task.c, tables.held_act.c
ACTS = (
    *("check_in", "vote", "take_key", "paper", "open_box", "sign"),
    *("replace_teller", "close", "declare", "task", "watch"),
)


@dataclass(frozen=True)
class Act:
    """What a person does next in a meeting. `what` is one of ACTS; `id` is the task's for "task",
    the poll's otherwise, None for "check_in"; of a poll so many have `voted` of its `roll`. Who
    presides over a poll that waits for others can "watch" it: it comes after all that is to be
    done.
    """

    what: str
    id: UUID | None
    title: str
    voted: int = 0
    roll: int = 0


@dataclass(frozen=True)
class UnderWay:
    """An open meeting, or the first one of those that share a hall, which are its `bodies` then.
    `here`: I am checked in; `presides`: over a poll in it; `votes`: so many polls are under way.
    """

    id: UUID
    instance_id: UUID
    number: str
    subject: str
    title: str
    due: int
    present: int
    needed: int
    here: bool
    presides: bool
    votes: int
    bodies: tuple[Body, ...]
    acts: tuple[Act, ...]


def under_way(session: Session, actor: Actor, lang: str = "zh") -> tuple[UnderWay, ...]:
    """The open meetings in which this person is due or has something to do, the latest first."""
    open_ = meetings.open_to(session, actor)
    if not open_:
        return ()
    found = _Found.of(session, actor, open_)
    parts = (_part(found, hall, lang) for hall in _by_hall(open_))
    return tuple(part for part in parts if part.acts or part.here or part.presides)


def _by_hall(open_: Sequence[Seen]) -> Iterable[Sequence[Seen]]:
    """These meetings, those that share a hall together, the first one of the hall first."""
    together: dict[tuple[UUID, str], list[Seen]] = {}
    for read in open_:
        order = halls.of(read.context.process, read.element)
        shared = together.setdefault((read.row.instance_id, order[0]), [])
        shared.append(read)
        shared.sort(key=lambda each: order.index(each.element))
    return together.values()


def next_in(session: Session, actor: Actor, instance_id: UUID) -> Act | None:
    """What this person does next in an open meeting of one matter, besides checking in."""
    acts = (m.acts for m in under_way(session, actor) if m.instance_id == instance_id)
    return next((act for some in acts for act in some if act.id is not None), None)


@dataclass(frozen=True)
class _Found:
    """What was read for all of these meetings at once."""

    session: Session
    actor: Actor
    polls: Mapping[UUID, list[Read]]
    names: Named
    tasks: Sequence[rows.Selected]
    keys: Mapping[UUID, bool]  # poll -> was my key joined to open the box?

    @classmethod
    def of(cls, session: Session, actor: Actor, open_: Sequence[Seen]) -> _Found:
        under = poll_rows.running_under(session, actor, [read.row.id for read in open_])
        running = [poll for polls_ in under.values() for poll in polls_]
        names = Named.of(session, [poll.mentioned for poll in running], actor)
        keys = _keys(session, actor, (poll.row for poll in running))
        return cls(session, actor, under, names, _tasks(session, actor, open_), keys)


def _tasks(session: Session, actor: Actor, open_: Sequence[Seen]) -> Sequence[rows.Selected]:
    """This person's open tasks in the matters of these meetings."""
    mine = or_(
        _task.assignee_id == actor.id,
        _task.assignee_id.is_(None) & _task.seat.in_(sorted(actor.seats)),
    )
    held = exists().where(_held.task_id == _task.id, _held.why.is_(None))
    within = _task.instance_id.in_([read.row.instance_id for read in open_])
    query = select(_task.id, _task.instance_id, _task.element).where(
        within, _task.state == TaskState.OPEN, mine, ~held
    )
    return session.execute(query.order_by(_task.opened_at.desc(), _task.id)).all()


def _keys(session: Session, actor: Actor, running: Iterable[rows.Poll]) -> dict[UUID, bool]:
    mine = [poll.id for poll in running if actor.id in poll.tellers]
    if not mine:
        return {}
    own = select(_key.poll_id, _key.joined).where(
        _key.poll_id.in_(mine), _key.member_id == actor.id
    )
    return {row.poll_id: bool(row.joined) for row in session.execute(own)}


def _part(found: _Found, hall: Sequence[Seen], lang: str) -> UnderWay:
    read, running = hall[0], [poll for each in hall for poll in found.polls[each.row.id]]
    row = read.row
    return UnderWay(
        id=row.id,
        instance_id=row.instance_id,
        number=read.context.row["number"],
        subject=read.context.row["title"],
        title=read.rule.title.in_(lang),
        due=row.due,
        present=row.present,
        needed=meetings.numbers(read)["needed"],
        here=any(each.am_here for each in hall),
        presides=any(polling.presides(read.context, p.row, p.beside.element) for p in running),
        votes=len(running),
        bodies=tuple(meetings.body(each, lang) for each in hall) if len(hall) > 1 else (),
        acts=tuple(_acts(found, hall, running, lang)),
    )


def _acts(found: _Found, hall: Sequence[Seen], running: Sequence[Read], lang: str) -> Iterator[Act]:
    read = hall[0]
    if any(each.mine for each in hall) and not any(each.am_here for each in hall):
        yield Act("check_in", None, read.rule.title.in_(lang))
    of_polls = [_in_poll(found, read, poll, lang) for poll in running]
    yield from (act for act in of_polls if act and act.what != "watch")
    for task in found.tasks:
        if task.instance_id == read.row.instance_id:
            yield Act("task", task.id, read.context.process.tasks[task.element].title.in_(lang))
    yield from (act for act in of_polls if act and act.what == "watch")


def _in_poll(found: _Found, read: Seen, poll: Read, lang: str) -> Act | None:
    what = _of_poll(found, read, poll)
    if not what:
        return None
    told = poll_summary.summary(read.context, poll, found.names, lang)
    subject = told.question.about.question or told.question.title
    return Act(what, told.id, subject, told.voted, told.roll.size)


def _of_poll(found: _Found, read: Seen, poll: Read) -> str:
    """What waits for this person in a poll, "" for nothing. Who may still vote does that first."""
    row = poll.row
    if row.state == PollState.OPEN and poll.beside.open and poll.beside.here:
        return "vote"
    if found.actor.id in row.tellers:
        todo = _of_teller(found, row)
        if todo:
            return todo
    return _of_chair(found, read, poll)


def _of_chair(found: _Found, read: Seen, poll: Read) -> str:
    row, element = poll.row, poll.beside.element
    if not polling.presides(read.context, row, element):  # everybody else, and at no cost
        return ""
    over = polls.over_tellers(read.context, row, element, tellers(found.session, row))
    if over.get("change"):
        return "replace_teller"
    if over.get("may_declare"):
        return "declare"
    closes = row.state == PollState.OPEN and row.rule.get("closable") == "lane"
    return "close" if closes else "watch"


def _of_teller(found: _Found, poll: rows.Poll) -> str:
    if poll.state == PollState.CALLED:
        return "" if poll.id in found.keys else "take_key"
    if poll.state != PollState.COUNTING:
        return ""
    table = counting(found.session, found.actor, poll)
    if table.todo == "open":
        return "" if found.keys.get(poll.id) else "open_box"
    waits_for_another = table.todo == "paper" and table.mine and table.entries == "one"
    return "" if waits_for_another else table.todo
