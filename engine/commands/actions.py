"""The registered actions that a service task may name. Each takes the run and its table from process.toml."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import canonical, clock, organisation, queue, tables
from engine.commands import timers
from engine.commands.numbers import next_number
from engine.errors import Invalid, NotFound, ProcessFault, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.commands.run import Run

Args = dict[str, Any]


def issue_document(run: Run, args: Args) -> None:
    """Number a document and freeze what it says. `document`: key under [documents]. The PDF follows from the frozen data.

    `set`: facts that are fixed before, as by set_fact.
    """
    rule = run.process.documents.get(args["document"])
    if rule is None:
        raise ProcessFault(
            f"没有文书 {args['document']}。", file="process.toml", element=args["document"]
        )
    if "set" in args:
        set_fact(run, args)
    number = (
        next_number(run.session, run.row["union_id"], f"doc:{rule.numbering}", rule.numbering)
        if rule.numbering
        else ""
    )
    data = document_data(
        run, number, rule.title.zh, run.process.files.get(f"documents/{rule.key}.typ", "")
    )
    digest = canonical.digest(canonical.dumps(data)).hex()
    key = tables.new_id()
    run.session.execute(
        insert(tables.document).values(
            id=key,
            instance_id=run.row["id"],
            kind=rule.key,
            number=number,
            title=rule.title.zh,
            data=data,
            data_sha256=digest,
            issued_at=clock.now(),
        )
    )
    run.ledger.add(
        "document_issued",
        None,
        document=rule.key,
        number=number or None,
        id=str(key),
        sha256=digest,
    )


def document_data(run: Run, number: str, title: str, template: str = "") -> dict[str, Any]:
    """What a template is filled with: the instance, its facts, and the names of all people and units in them.

    What was said in a room goes along only when the template names the task.
    """
    tasks = run.process.tasks
    facts = {
        k: v for k, v in run.facts.items() if k not in tasks or not tasks[k].room or k in template
    }
    ids = set(_ids_in(facts)) | {run.row["starter_id"]}
    units = organisation.unit_names(run.session, {*ids, run.row["union_id"]})
    return {
        "instance": {
            "id": str(run.row["id"]),
            "number": run.row["number"],
            "title": run.title,
            "process": run.process.title.zh,
            "union": units.get(run.row["union_id"], ""),
            "started_on": clock.day_of(run.row["started_at"]).isoformat(),
        },
        "facts": facts,
        "people": {str(k): v for k, v in organisation.names(run.session, ids).items()},
        "units": {str(k): v for k, v in units.items()},
        "labels": _labels(run),
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


def _labels(run: Run) -> dict[str, dict[str, str]]:
    """ "task.field" -> value -> label, so that a template shows words instead of codes."""
    forms_ = {
        "launch": run.process.launch_form,
        **{k: t.form for k, t in run.process.tasks.items()},
    }
    labels: dict[str, dict[str, str]] = {}
    for task, form in forms_.items():
        for f in form.fields if form else ():
            if f.choices:
                labels[f"{task}.{f.key}"] = {c.value: c.label for c in f.choices}
    for key, rule in run.process.tasks.items():
        if rule.poll:
            labels[key] = {c: w.zh for c, w in rule.poll.labels.items()}
    return labels


def set_fact(run: Run, args: Args) -> None:
    """`set`: a table of dotted fact -> expression, all taken over the facts as they were before; moments are kept as texts."""
    values = {path: run.value(expression) for path, expression in args["set"].items()}
    for path, value in values.items():
        *parents, last = path.split(".")
        place = run.facts
        for name in parents:
            inner = place.get(name)
            place[name] = dict(inner) if isinstance(inner, dict) else {}
            place = place[name]
        place[last] = value.isoformat() if isinstance(value, date) else value
    run.reworded = True


def take_over(run: Run, args: Args) -> None:
    """`to` (an expression giving a member): this member becomes the mover; the old one's open tasks go along."""
    new, old = run.value(args["to"]), run.facts["launch"]["mover"]
    if not new or new == old:
        raise ProcessFault("没有可以接替的附议人。", element="take_over")
    run.facts["launch"] = {
        **run.facts["launch"],
        "mover": str(new),
        "first_mover": run.facts["launch"].get("first_mover", old),
    }
    run.shares.add(UUID(str(new)))
    task = tables.task.c
    run.session.execute(
        update(tables.task)
        .where(
            task.instance_id == run.row["id"],
            task.state == "open",
            task.assignee_id == UUID(str(old)),
        )
        .values(assignee_id=UUID(str(new)), revision=task.revision + 1)
    )
    run.ledger.add("mover_replaced", run.actor, old=str(old), new=str(new))


def merge_into(run: Run, args: Args) -> None:
    """`target` (an expression giving an instance): this instance is merged into that one; the origin lasts for ever."""
    target = UUID(str(run.value(args["target"])))
    known = run.session.execute(
        select(tables.instance.c.number).where(
            tables.instance.c.id == target, tables.instance.c.union_id == run.row["union_id"]
        )
    ).scalar()
    if known is None or target == run.row["id"]:
        raise ProcessFault("并案的对象不存在。", element="merge_into")
    run.session.execute(
        upsert(tables.link)
        .values(from_id=run.row["id"], to_id=target, kind="merged_into", at=clock.now())
        .on_conflict_do_nothing()
    )
    run.facts["merged_into"] = {"id": str(target), "number": known}
    run.ledger.add("instance_merged", run.actor, into=str(target), number=known)
    queue.defer(
        run.session,
        "note_origin",
        instance_id=str(target),
        **(_own(run, "origin") | {"origin": str(run.row["id"])}),
    )


def notify_merged(run: Run, args: Args) -> None:
    """Send `message` (default lead_replied) to every instance merged into this one, with `facts` (names) along."""
    link = tables.link.c
    origins = run.session.execute(
        select(link.from_id).where(link.to_id == run.row["id"], link.kind == "merged_into")
    ).scalars()
    along = {name: run.facts.get(name) for name in args.get("facts", [])}
    along["lead"] = _own(run, "id")
    for origin in origins:
        queue.defer(
            run.session,
            "deliver",
            instance_id=str(origin),
            message=args.get("message", "lead_replied"),
            answers=along,
        )


def extend(run: Run, args: Args) -> None:
    """`task`, `rule`: the open task gets that much more time; its timers are computed anew."""
    task = tables.task
    row = run.session.execute(
        select(task).where(
            task.c.instance_id == run.row["id"],
            task.c.element == args["task"],
            task.c.state == "open",
        )
    ).first()
    if row is None or row.due_at is None:  # granted too late: the task was finished meanwhile
        run.ledger.add("deadline_kept", run.actor, task=args["task"], rule=args["rule"])
        return
    ruling = run.around.ruling(args["rule"], run.decisive_on)
    due = run.around.calendar.add(
        row.due_at - timedelta(seconds=1), run.rule(args["rule"]), ruling.unit
    )
    shown = timers.due_json(due, "", args["rule"])
    values = {
        "due_at": due.moment,
        "due": {**(shown or {}), "extended": True},
        "revision": row.revision + 1,
    }
    run.session.execute(update(task).where(task.c.id == row.id).values(**values))
    timer = tables.timer
    waiting = run.session.execute(
        select(timer).where(timer.c.task_id == row.id, timer.c.state == "waiting")
    ).all()
    for old in waiting:
        moment = run.moment(old.expression, {"task_due": run.told(due)})
        if moment is not None:
            run.session.execute(
                update(timer)
                .where(timer.c.id == old.id)
                .values(due_at=moment.moment, provisional=moment.provisional)
            )
    run.ledger.add(
        "deadline_extended",
        run.actor,
        task=args["task"],
        rule=args["rule"],
        due=due.day.isoformat(),
    )


def remind(run: Run, args: Args) -> None:
    """`task`: put on record that those who have the task were reminded of its deadline."""
    run.ledger.add("reminder_sent", None, task=args.get("task"))


def recount(run: Run, args: Args) -> None:
    """`poll`: the actor takes back a "yes" after the poll was closed; the outcome is counted again by the same rule."""
    outcome = dict(run.facts[args["poll"]])
    voters = {k: list(v) for k, v in outcome.get("voters", {}).items()}
    rule = run.process.tasks[args["poll"]].poll
    who = str(run.actor.id) if run.actor else ""
    for choice, members in voters.items():
        if who in members:
            members.remove(who)
            outcome[choice] -= 1
            outcome["answered"] -= 1
            outcome["silent"] += 1
    assert rule is not None
    outcome["voters"] = voters
    outcome["passed"] = bool(
        run.value(rule.passes, {k: v for k, v in outcome.items() if k != "voters"})
    )
    run.facts[args["poll"]] = outcome
    run.ledger.add("poll_recounted", run.actor, task=args["poll"], passed=outcome["passed"])


def add_to_report(run: Run, args: Args) -> None:
    """Mark the instance for the report to the next congress; `code` (an expression) is its result code."""
    code = run.value(args["code"]) if args.get("code") else None
    run.facts["report"] = {"on": clock.today().isoformat(), "code": code}
    run.ledger.add("added_to_report", None, code=code)


def archive(run: Run, _args: Args) -> None:
    """Close the file: how many events and documents it holds is put on record."""
    document = tables.document.c
    count = run.session.execute(
        select(func.count()).where(document.instance_id == run.row["id"])
    ).scalar_one()
    run.ledger.add(
        "instance_archived",
        None,
        documents=count,
        retention_years=run.process.raw.get("retention_years"),
    )


def begin(run: Run, args: Args) -> None:
    """`process`, `kind`, `starter`, `with`: start a matter of another process and link it to this one, both ways.

    A starter who may not launch it, and answers that its form refuses, are faults of this process.
    """
    from engine.commands import instances  # it settles, and settling performs actions

    starter = run.value(args["starter"])
    answers = {key: run.value(expression) for key, expression in args.get("with", {}).items()}
    try:
        actor = organisation.actor(run.session, UUID(str(starter)))
        origin = {**_own(run, "id"), "kind": args["kind"]}
        matter = instances.launch(run.session, actor, args["process"], answers, origin)
    except (Refused, NotFound, Invalid, ValueError) as fault:
        raise ProcessFault(
            f"不能发起关联的事项：{fault}", file="process.toml", element=args["process"]
        ) from fault
    number = _link(run, matter, args["kind"])
    run.facts[args["kind"]] = {"matter": str(matter), "number": number}
    run.ledger.add("matter_begun", run.actor, link=args["kind"], **_said(matter, number))


def link(run: Run, args: Args) -> None:
    """`matter` (an expression giving an instance), `kind`: link this matter to that one, on record in both."""
    matter = UUID(str(run.value(args["matter"])))
    number = _link(run, matter, args["kind"])
    run.ledger.add("matter_linked", run.actor, link=args["kind"], **_said(matter, number))
    queue.defer(
        run.session, "note_link", instance_id=str(matter), kind=args["kind"], **_own(run, "origin")
    )


def tell(run: Run, args: Args) -> None:
    """`matter`, `message`, `with`: let a message event of another matter happen, with these answers."""
    matter = UUID(str(run.value(args["matter"])))
    answers = {
        key: _plain(run.value(expression)) for key, expression in args.get("with", {}).items()
    }
    answers["origin"] = _own(run, "id")
    number = _link(run, matter, args["message"])
    run.ledger.add("matter_told", run.actor, message=args["message"], **_said(matter, number))
    queue.defer(
        run.session, "deliver", instance_id=str(matter), message=args["message"], answers=answers
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _own(run: Run, key: str) -> dict[str, Any]:
    """What another matter may know of this one: its id under `key` and its number; nothing when it is confidential."""
    if run.row["confidential"]:
        return {key: "", "number": ""}
    return {key: str(run.row["id"]), "number": run.row["number"]}


def _said(matter: UUID, number: str) -> dict[str, str]:
    """What the history says of another matter; nothing that names a confidential one, which others here may not know of."""
    return {"matter": str(matter), "number": number} if number else {}


def _link(run: Run, matter: UUID, kind: str) -> str:
    """The number of another matter of this union, now linked to this one; "" of a confidential one. Raises ProcessFault."""
    instance = tables.instance.c
    found = run.session.execute(
        select(instance.number, instance.confidential).where(
            instance.id == matter, instance.union_id == run.row["union_id"]
        )
    ).first()
    if found is None or matter == run.row["id"]:
        raise ProcessFault("关联的事项不存在。", file="process.toml", element=kind)
    run.session.execute(
        upsert(tables.link)
        .values(from_id=run.row["id"], to_id=matter, kind=kind, at=clock.now())
        .on_conflict_do_nothing()
    )
    return "" if found.confidential else str(found.number)


ACTIONS: dict[str, Callable[[Run, Args], None]] = {
    "issue_document": issue_document,
    "set_fact": set_fact,
    "take_over": take_over,
    "merge_into": merge_into,
    "notify_merged": notify_merged,
    "extend": extend,
    "remind": remind,
    "recount": recount,
    "add_to_report": add_to_report,
    "archive": archive,
    "begin": begin,
    "link": link,
    "tell": tell,
}
