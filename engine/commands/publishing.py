"""Publishing: what a step lets a circle see, until when; each of the circle may object, see
engine/commands/objections.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import update

from engine import clock
from engine.ballots.rolls import Roll
from engine.commands import registry
from engine.db import tables
from engine.errors import ProcessFault
from engine.instance.view import dotted
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.calendar import Due
    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.process import PublicationRule

_publication = tables.publication


def publish_at_once(work: UnitOfWork, action: str) -> None:
    """What an action begins is published with the facts as it leaves them."""
    publish(work, [action])


registry.FOLLOWING.append(publish_at_once)


def publish(work: UnitOfWork, passed: Collection[str]) -> None:
    """Open every publication that one of the elements passed begins; one that stood before is
    current no more. Raises ProcessFault for a circle of nobody, nothing to show, or no time.
    """
    for rule in work.process.publications.values():
        if rule.after in passed:
            with work.as_entered():
                _open(work, rule)


def _open(work: UnitOfWork, rule: PublicationRule) -> None:
    roll, until = _circle(work, rule), _until(work, rule)
    said = {fact: dotted(work.facts, fact) for fact in rule.shows}
    shown = {fact: value for fact, value in said.items() if value not in (None, "", [])}
    if not shown:
        raise _fault(rule, _("公示“{title}”没有可以公示的内容。", title=rule.title))
    now, key = clock.now(), tables.new_id()
    beside = _take_down(work, rule)
    row = {
        "id": str(key),
        "instance_id": str(work.row["id"]),
        "element": rule.key,
        "circle": sorted(roll.members),
        "opened_at": now.isoformat(),
        "until": until.moment.isoformat(),
        "current": True,
    }
    work.pending.add(_publication, row)
    fact = _fact(now.isoformat(), roll.size, shown)
    work.facts[rule.key] = {
        **fact,
        "publication": str(key),
        **({"beside": beside} if beside else {}),
    }
    work.log.add(
        "publication_opened",
        None,
        publication=str(key),
        element=rule.key,
        people=roll.size,
        circle_hash=roll.digest,
        until=until.moment.isoformat(),
        until_on=until.day.isoformat(),
        **({"beside": sorted(sheet["publication"] for sheet in beside)} if beside else {}),
    )


def _take_down(work: UnitOfWork, rule: PublicationRule) -> list[dict[str, Any]]:
    """What was published there is current no more, but for that of other items of a book, which
    stands beside; gives the facts of these.
    """
    beside = list(work.facts.get(rule.key, {}).get("beside", ()))
    its = _publication.c.instance_id == work.row["id"], _publication.c.element == rule.key
    stays = _publication.c.id.in_([UUID(sheet["publication"]) for sheet in beside])
    work.session.execute(update(_publication).where(*its, ~stays).values(current=False))
    return beside


def _fact(opened_at: str, people: int, shown: dict[str, Any]) -> dict[str, Any]:
    """What stands among the facts: what was published, to how many, and the objections so far."""
    return {"opened_at": opened_at, "people": people, "shown": shown, "objections": []}


def _circle(work: UnitOfWork, rule: PublicationRule) -> Roll:
    members = work.value(rule.circle) or []
    roll = Roll(tuple(dict.fromkeys(str(member) for member in members if member)))
    if not roll.size:
        raise _fault(rule, _("公示“{title}”的范围里没有人。", title=rule.title))
    return roll


def _until(work: UnitOfWork, rule: PublicationRule) -> Due:
    until = work.moment(rule.until)
    if until is None or until.moment <= clock.now():
        raise _fault(rule, _("公示“{title}”没有截止时间，或者已经过去。", title=rule.title))
    return until


def _fault(rule: PublicationRule, message: str) -> ProcessFault:
    return ProcessFault(message, file="process.toml", element=rule.key)
