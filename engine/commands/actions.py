"""The registered actions that a service task may name. Each takes the run and its table from process.toml."""

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
from engine.errors import ProcessFault
from engine.instance.numbers import rule_value
from engine.people import organisation

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork

Args = dict[str, Any]


@action
def issue_document(work: UnitOfWork, args: Args) -> None:
    """Number a document and freeze what it says. `document`: key under [documents]. The PDF follows from the frozen data.

    `set`: facts that are fixed before, as by set_fact.
    """
    rule = work.process.documents.get(args["document"])
    if rule is None:
        raise ProcessFault(
            f"没有文书 {args['document']}。", file="process.toml", element=args["document"]
        )
    if "set" in args:
        set_fact(work, args)
    number = (
        next_number(work.session, work.row["union_id"], f"doc:{rule.numbering}", rule.numbering)
        if rule.numbering
        else ""
    )
    data = document_data(
        work, number, rule.title.zh, work.process.files.get(f"documents/{rule.key}.typ", "")
    )
    digest = canonical.digest(canonical.dumps(data)).hex()
    key = tables.new_id()
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
    work.add(tables.document, row)
    work.log.add(
        "document_issued",
        None,
        document=rule.key,
        number=number or None,
        id=str(key),
        sha256=digest,
    )


def document_data(work: UnitOfWork, number: str, title: str, template: str = "") -> dict[str, Any]:
    """What a template is filled with: the instance, its facts, and the names of all people and units in them.

    What was said in a room goes along only when the template names the task.
    """
    tasks = work.process.tasks
    facts = {
        k: v for k, v in work.facts.items() if k not in tasks or not tasks[k].room or k in template
    }
    ids = set(_ids_in(facts)) | {work.row["starter_id"]}
    people, units = organisation.people_and_units(work.session, {*ids, work.row["union_id"]})
    return {
        "instance": {
            "id": str(work.row["id"]),
            "number": work.row["number"],
            "title": work.title,
            "process": work.process.title.zh,
            "union": units.get(work.row["union_id"], ""),
            "started_on": clock.day_of(work.row["started_at"]).isoformat(),
        },
        "facts": facts,
        "people": {str(k): v for k, v in people.items()},
        "units": {str(k): v for k, v in units.items()},
        "labels": _labels(work),
        "document": {"number": number, "title": title, "issued_on": clock.today().isoformat()},
    }


def _ids_in(value: Any) -> list[UUID]:
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


def _labels(work: UnitOfWork) -> dict[str, dict[str, str]]:
    """ "task.field" -> value -> label, so that a template shows words instead of codes."""
    forms_ = {
        "launch": work.process.launch_form,
        **{k: t.form for k, t in work.process.tasks.items()},
    }
    labels: dict[str, dict[str, str]] = {}
    for task, form in forms_.items():
        for f in form.fields if form else ():
            if f.choices:
                labels[f"{task}.{f.key}"] = {c.value: c.label for c in f.choices}
    for key, rule in work.process.tasks.items():
        if rule.poll:
            labels[key] = {c: w.zh for c, w in rule.poll.labels.items()}
    return labels


@action
def set_fact(work: UnitOfWork, args: Args) -> None:
    """`set`: a table of dotted fact -> expression, all taken over the facts as they were before; moments are kept as texts."""
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
def take_over(work: UnitOfWork, args: Args) -> None:
    """`to` (an expression giving a member): this member becomes the mover; the old one's open tasks go along."""
    new, old = work.value(args["to"]), work.facts["launch"]["mover"]
    if not new or new == old:
        raise ProcessFault("没有可以接替的附议人。", element="take_over")
    work.facts["launch"] = {
        **work.facts["launch"],
        "mover": str(new),
        "first_mover": work.facts["launch"].get("first_mover", old),
    }
    work.shares.add(UUID(str(new)))
    task = tables.task.c
    work.session.execute(
        update(tables.task)
        .where(
            task.instance_id == work.row["id"],
            task.state == "open",
            task.assignee_id == UUID(str(old)),
        )
        .values(assignee_id=UUID(str(new)), revision=task.revision + 1)
    )
    work.log.add("mover_replaced", work.actor, old=str(old), new=str(new))


@action
def extend(work: UnitOfWork, args: Args) -> None:
    """`task`, `rule`: the open task gets that much more time; its timers are computed anew."""
    task = tables.task
    row = work.session.execute(
        select(task).where(
            task.c.instance_id == work.row["id"],
            task.c.element == args["task"],
            task.c.state == "open",
        )
    ).first()
    if row is None or row.due_at is None:  # granted too late: the task was finished meanwhile
        work.log.add("deadline_kept", work.actor, task=args["task"], rule=args["rule"])
        return
    ruling = work.law.ruling(args["rule"], work.decisive_on)
    due = work.law.calendar.add(
        row.due_at - timedelta(seconds=1), rule_value(work, args["rule"]), ruling.unit
    )
    shown = timers.due_json(due, "", args["rule"])
    values = {
        "due_at": due.moment,
        "due": {**(shown or {}), "extended": True},
        "revision": row.revision + 1,
    }
    work.session.execute(update(task).where(task.c.id == row.id).values(**values))
    timer = tables.timer
    waiting = work.session.execute(
        select(timer).where(timer.c.task_id == row.id, timer.c.state == "waiting")
    ).all()
    for old in waiting:
        moment = work.moment(old.expression, {"task_due": work.remember(due)})
        if moment is not None:
            work.session.execute(
                update(timer)
                .where(timer.c.id == old.id)
                .values(due_at=moment.moment, provisional=moment.provisional)
            )
    work.log.add(
        "deadline_extended",
        work.actor,
        task=args["task"],
        rule=args["rule"],
        due=due.day.isoformat(),
    )


@action
def remind(work: UnitOfWork, args: Args) -> None:
    """`task`: put on record that those who have the task were reminded of its deadline."""
    work.log.add("reminder_sent", None, task=args.get("task"))


@action
def recount(work: UnitOfWork, args: Args) -> None:
    """`poll`: the actor takes back a "yes" after the poll was closed; the outcome is counted again by the same rule."""
    outcome = dict(work.facts[args["poll"]])
    voters = {k: list(v) for k, v in outcome.get("voters", {}).items()}
    rule = work.process.tasks[args["poll"]].poll
    who = str(work.actor.id) if work.actor else ""
    for choice, members in voters.items():
        if who in members:
            members.remove(who)
            outcome[choice] -= 1
            outcome["answered"] -= 1
            outcome["silent"] += 1
    assert rule is not None
    outcome["voters"] = voters
    outcome["passed"] = bool(
        work.value(rule.passes, {k: v for k, v in outcome.items() if k != "voters"})
    )
    work.facts[args["poll"]] = outcome
    work.log.add("poll_recounted", work.actor, task=args["poll"], passed=outcome["passed"])


@action
def add_to_report(work: UnitOfWork, args: Args) -> None:
    """Mark the instance for the report to the next congress; `code` (an expression) is its result code."""
    code = work.value(args["code"]) if args.get("code") else None
    work.facts["report"] = {"on": clock.today().isoformat(), "code": code}
    work.log.add("added_to_report", None, code=code)


@action
def archive(work: UnitOfWork, _args: Args) -> None:
    """Close the file: how many events and documents it holds is put on record."""
    document = tables.document.c
    count = work.session.execute(
        select(func.count()).where(document.instance_id == work.row["id"])
    ).scalar_one()
    work.log.add(
        "instance_archived",
        None,
        documents=count,
        retention_years=work.process.raw.get("retention_years"),
    )
