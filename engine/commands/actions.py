"""The registered actions that a service task may name.

Each takes the unit of work and its table of process.toml.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select, update

from engine import clock
from engine.commands import timers
from engine.commands.numbers import next_number
from engine.commands.registry import action
from engine.db import canonical, tables
from engine.db.states import TaskState, TimerState
from engine.errors import ProcessFault
from engine.instance.numbers import rule_value
from engine.messages import _
from engine.people import organisation

if TYPE_CHECKING:
    from datetime import datetime

    from engine.calendar import Due
    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions import Process
    from engine.definitions.process import DocumentRule

Args = dict[str, Any]


@action
def issue_document(work: UnitOfWork, args: Args) -> None:
    """Number a document and freeze what it says. `document`: key under [documents].

    The PDF follows from the frozen data.

    `set`: facts that are fixed before, as by set_fact.
    """
    rule = work.process.documents.get(args["document"])
    if rule is None:
        missing = _("没有文书 {document}。", document=args["document"])
        raise ProcessFault(missing, file="process.toml", element=args["document"])
    if "set" in args:
        set_fact(work, args)
    data = document_data(work, _number(work, rule), rule)
    digest = canonical.digest(canonical.dumps(data)).hex()
    key, number = tables.new_id(), data["document"]["number"]
    row = {
        "id": str(key),
        "instance_id": str(work.row["id"]),
        "kind": rule.key,
        "number": number,
        "title": rule.title.zh,
        "data": data,
        "data_sha256": digest,
        "issued_at": clock.now().isoformat(),
    }
    work.pending.add(tables.document, row)
    work.log.add(
        "document_issued",
        None,
        document=rule.key,
        number=number or None,
        id=str(key),
        sha256=digest,
    )


def _number(work: UnitOfWork, rule: DocumentRule) -> str:
    """The next number of a kind of document; "" for one that has none."""
    if not rule.numbering:
        return ""
    series = f"doc:{rule.numbering}"
    return next_number(work.session, work.row["union_id"], series, rule.numbering)


def document_data(work: UnitOfWork, number: str, rule: DocumentRule) -> dict[str, Any]:
    """What a template is filled with: the instance, its facts, and the names of all people and
    units in them.
    """
    row, facts = work.row, _facts_for(work, rule)
    ids = set(_ids_in(facts)) | {row["starter_id"]}
    people, units = organisation.people_and_units(work.session, {*ids, row["union_id"]})
    today = clock.today().isoformat()
    return {
        "instance": {
            "id": str(row["id"]),
            "number": row["number"],
            "title": work.title,
            "process": work.process.title.zh,
            "union": units.get(row["union_id"], ""),
            "started_on": clock.day_of(row["started_at"]).isoformat(),
        },
        "facts": facts,
        "people": {str(key): name for key, name in people.items()},
        "units": {str(key): name for key, name in units.items()},
        "labels": _labels(work.process),
        "document": {"number": number, "title": rule.title.zh, "issued_on": today},
    }


def _facts_for(work: UnitOfWork, rule: DocumentRule) -> dict[str, Any]:
    """The facts for a document.

    What was said in a room goes along only when the template names the task.
    """
    template, tasks = work.process.files.get(f"documents/{rule.key}.typ", ""), work.process.tasks
    shut = {key for key, task in tasks.items() if task.room and key not in template}
    return {key: fact for key, fact in work.facts.items() if key not in shut}


def _ids_in(value: object) -> list[UUID]:
    if isinstance(value, dict):
        return [i for v in value.values() for i in _ids_in(v)]
    if isinstance(value, list):
        return [i for v in value for i in _ids_in(v)]
    if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
        try:
            return [UUID(value)]
        except ValueError:
            return []
    return []


def _labels(process: Process) -> dict[str, dict[str, str]]:
    """ "task.field" -> value -> label, so that a template shows words instead of codes."""
    forms = {"launch": process.launch_form} | {
        k: t.form for k, t in process.tasks.items() if t.form
    }
    fields = ((task, field) for task, form in forms.items() for field in form.fields)
    labels = {
        f"{task}.{field.key}": {choice.value: choice.label for choice in field.choices}
        for task, field in fields
        if field.choices
    }
    polls = ((key, rule.poll) for key, rule in process.tasks.items() if rule.poll)
    return labels | {key: {c: w.zh for c, w in poll.labels.items()} for key, poll in polls}


@action
def set_fact(work: UnitOfWork, args: Args) -> None:
    """`set`: a table of dotted fact -> expression, all taken over the facts as they were before;
    moments become texts.
    """
    values = {path: work.value(expression) for path, expression in args["set"].items()}
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
def mark(work: UnitOfWork, args: Args) -> None:
    """`as` (a fact): mark the instance, for a report or a list; `code` (an expression) is its
    result.
    """
    code = work.value(args["code"]) if args.get("code") else None
    work.facts[args["as"]] = {"on": clock.today().isoformat(), "code": code}
    work.log.add("instance_marked", None, element=args["element"], code=code)


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
