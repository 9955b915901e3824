"""The registered actions that a service task may name.

Each takes the unit of work and its table of process.toml.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select, update

from engine import clock
from engine.commands import meetings, papers, timers
from engine.commands.numbers import next_number
from engine.commands.people import terms
from engine.commands.registry import action
from engine.db import tables
from engine.db.states import PollState, TaskState, TimerState
from engine.errors import ProcessFault
from engine.instance import books, rounds
from engine.instance.numbers import rule_value
from engine.instance.view import dotted
from engine.messages import _

if TYPE_CHECKING:
    from datetime import datetime

    from engine.calendar import Due
    from engine.commands.unit_of_work import UnitOfWork

Args = dict[str, Any]


@action
def issue_document(work: UnitOfWork, args: Args) -> None:
    """Number a document and freeze what it says. `document`: key under [documents].

    The PDF follows from the frozen data. Its number ("" for none) and its day become facts under
    the name of the action.

    `set`, `numbers`: facts that are fixed before, as by set_fact.
    """
    rule = work.process.documents.get(args["document"])
    if rule is None:
        missing = _("没有文书 {document}。", document=args["document"])
        raise ProcessFault(missing, file="process.toml", element=args["document"])
    if "set" in args or "numbers" in args:
        set_fact(work, {"set": {}, **args})
    number = papers.issue(work, rule)
    if number is not None:
        issued = {"number": number, "on": clock.today().isoformat()}
        work.facts[args["element"]] = {**(work.facts.get(args["element"]) or {}), **issued}


@action
def set_fact(work: UnitOfWork, args: Args) -> None:
    """`set`: a table of dotted fact -> expression, all taken over the facts as they were before;
    moments become texts. `append`: dotted fact -> dotted fact; the list of the first gets what the
    second says, be it a whole outcome. `numbers`: dotted fact -> how it is numbered, once for ever:
    what has a number keeps it, and no other matter of the union ever gets it.
    """
    values = {path: work.value(expression) for path, expression in args["set"].items()}
    for path, said in args.get("append", {}).items():
        values[path] = [*(dotted(work.facts, path) or ()), dotted(work.facts, said)]
    for path, series in args.get("numbers", {}).items():
        if not dotted(work.facts, path):
            union = work.row["union_id"]
            values[path] = next_number(work.session, union, f"of:{series}", series)
    for path, value in values.items():
        *parents, last = path.split(".")
        place = work.facts
        for name in parents:
            inner = place.get(name)
            place[name] = dict(inner) if isinstance(inner, dict) else {}
            place = place[name]
        place[last] = value.isoformat() if isinstance(value, date) else value
    work.reworded = True


@action
def turn(work: UnitOfWork, args: Args) -> None:
    """`book`: a key under [books]; `item` (an expression): the key of the item that is current from
    now on, or a list whose first it is; nothing, and an empty list, leave the one that is.

    `set`: facts that are fixed afterwards, as by set_fact.
    """
    item = work.value(args["item"])
    first = next(iter(item), None) if isinstance(item, list) else item
    books.turn(
        work.facts, work.process.books[args["book"]], work.process.publications.keys(), first
    )
    set_fact(work, {"set": {}, **args})


@action
def keep_round(work: UnitOfWork, args: Args) -> None:
    """`round`, `also`: keys under [rounds]; what each lists, as it was said in the round that is
    over, stays under the number of that round. `set`: facts that are fixed afterwards, as by
    set_fact: what begins anew is null.
    """
    for key in filter(None, (args["round"], args.get("also"))):
        rounds.keep(work.facts, work.process.rounds[key])
    set_fact(work, {"set": {}, **args})


@action
def hand_over(work: UnitOfWork, args: Args) -> None:
    """`to` (an expression giving a member): this member owns the instance from now on; the open
    tasks of the one before go along.

    The fact that names the owner changes; `first_<its name>` keeps the first one.
    """
    launch, owner = work.facts["launch"], work.process.owner_key
    new, old = work.value(args["to"]), launch[owner]
    if not new or new == old:
        raise ProcessFault(_("没有可以接替的人。"), element=args["element"])
    work.facts["launch"] = {f"first_{owner}": old, **launch, owner: str(new)}
    work.shares.add(UUID(str(new)))
    task = tables.task.c
    theirs = (
        task.instance_id == work.row["id"],
        task.state == TaskState.OPEN,
        task.assignee_id == UUID(str(old)),
    )
    handed_on = {"assignee_id": UUID(str(new)), "revision": task.revision + 1}
    work.session.execute(update(tables.task).where(*theirs).values(**handed_on))
    work.log.add("owner_replaced", work.actor, old=str(old), new=str(new))


@action
def extend(work: UnitOfWork, args: Args) -> None:
    """`task`, `rule`: the open task gets that much more time; its timers are computed anew."""
    task = tables.task
    waiting = (
        task.c.instance_id == work.row["id"],
        task.c.element == args["task"],
        task.c.state == TaskState.OPEN,
    )
    row = work.session.execute(select(task).where(*waiting)).first()
    noted = {"task": args["task"], "rule": args["rule"]}
    if row is None or row.due_at is None:  # granted too late: the task was finished meanwhile
        work.log.add("deadline_kept", work.actor, **noted)
        return
    due = _later(work, row.due_at, args["rule"])
    explained = {**(timers.due_json(due, "", args["rule"]) or {}), "extended": True}
    values = {"due_at": due.moment, "due": explained, "revision": row.revision + 1}
    work.session.execute(update(task).where(task.c.id == row.id).values(**values))
    again = _set_anew(work, row.id, due)
    work.log.add("deadline_extended", work.actor, **noted, **timers.told(due), timers=again or None)


def _later(work: UnitOfWork, due_at: datetime, rule: str) -> Due:
    """A time limit that ends a rule's length later; `due_at` is the first instant after its last
    day.
    """
    unit = work.law.ruling(rule, work.decisive_on).unit
    return work.law.calendar.add(due_at - timedelta(seconds=1), rule_value(work, rule), unit)


def _set_anew(work: UnitOfWork, task_id: UUID, due: Due) -> list[dict[str, str]]:
    """Compute the waiting timers of a task by its new time limit; gives how an event tells them."""
    timer, set_anew = tables.timer, []
    waiting = timer.c.task_id == task_id, timer.c.state == TimerState.WAITING
    for old in work.session.execute(select(timer).where(*waiting)).all():
        again = work.moment(old.expression, {"task_due": work.remember(due)})
        if again is None:
            continue
        values = {"due_at": again.moment, "provisional": again.provisional}
        work.session.execute(update(timer).where(timer.c.id == old.id).values(**values))
        set_anew.append({"timer": old.element, **timers.told(again)})
    return set_anew


@action
def remind(work: UnitOfWork, args: Args) -> None:
    """`task`: put on record that those who have the task were reminded of its deadline."""
    work.log.add("reminder_sent", None, task=args.get("task"))


@action
def recount(work: UnitOfWork, args: Args) -> None:
    """`poll`: the actor takes back a "yes" after the poll was closed; the outcome is counted again
    by the same rule.
    """
    rule = work.process.tasks[args["poll"]].poll
    assert rule is not None
    outcome = dict(work.facts[args["poll"]])
    voters = {choice: list(members) for choice, members in outcome.pop("voters", {}).items()}
    who = str(work.actor.id) if work.actor else ""
    for choice in (choice for choice, members in voters.items() if who in members):
        voters[choice].remove(who)
        outcome[choice] -= 1
        outcome["answered"] -= 1
        outcome["silent"] += 1
    outcome["passed"] = bool(work.value(rule.passes, outcome))
    work.facts[args["poll"]] = {**outcome, "voters": voters}
    work.log.add("poll_recounted", work.actor, task=args["poll"], passed=outcome["passed"])


@action
def supersede(work: UnitOfWork, args: Args) -> None:
    """`vote` (an expression: a task): the latest vote there, which is over, is void from now on,
    for the `reason` (an expression). Its numbers stay as they were; no fact changes.
    """
    element, poll, task = work.value(args["vote"]), tables.poll.c, tables.task.c
    latest = (
        select(poll.id, poll.counts)
        .join(tables.task, task.id == poll.task_id)
        .where(
            poll.instance_id == work.row["id"],
            task.element == element,
            poll.state == PollState.CLOSED,
        )
        .order_by(poll.id.desc())
        .limit(1)
    )
    found = work.session.execute(latest).one()
    void = update(tables.poll).where(poll.id == found.id).values(state=PollState.VOID)
    work.session.execute(void)
    told = {"counts": found.counts, "reason": work.value(args["reason"])}
    work.log.add("poll_voided", work.actor, task=element, poll=str(found.id), **told)


@action
def strike(work: UnitOfWork, args: Args) -> None:
    """`meeting` (a task): strike `members` (an expression) from the roll of its open meeting, for
    the `reason` (an expression).
    """
    meetings.strike(
        work, args["meeting"], work.value(args["members"]), str(work.value(args["reason"]))
    )


@action
def mark(work: UnitOfWork, args: Args) -> None:
    """`as` (a fact): mark the instance, for a report or a list; `code` (an expression) is its
    result.
    """
    code = work.value(args["code"]) if args.get("code") else None
    work.facts[args["as"]] = {"on": work.today.isoformat(), "code": code}
    work.log.add("instance_marked", None, element=args["element"], code=code)


@action
def end_post(work: UnitOfWork, args: Args) -> None:
    """`member`, `post`, `from` (expressions): this member's terms of that post of the union end
    before the day `from`. Raises ProcessFault when no such term is left to end.
    """
    member, kind = UUID(str(work.value(args["member"]))), str(work.value(args["post"]))
    last = date.fromisoformat(str(work.value(args["from"]))) - timedelta(days=1)
    held, why = (member, kind, work.row["union_id"]), str(work.row["number"])
    if not terms.end_by_decision(work.session, work.actor, held, last, why):
        raise ProcessFault(_("没有可以终止的职务。"), element=args["element"])


@action
def archive(work: UnitOfWork, _args: Args) -> None:
    """Close the file: how many events and documents it holds is put on record."""
    document = tables.document.c
    issued = select(func.count()).where(document.instance_id == work.row["id"])
    work.log.add(
        "instance_archived",
        None,
        documents=work.session.execute(issued).scalar_one(),
        retention_years=work.process.raw.get("retention_years"),
    )
