"""Counting a poll by its tellers: paper ballots that two count alike, signatures before publication, void and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import clock
from engine.commands import envelopes, polls, questions, reasons, unit_of_work
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import polling, rights
from engine.instance.counting import ABSTAIN
from engine.instance.numbers import rule_value
from engine.instance.rights import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.people.organisation import Actor

_poll, _roll, _teller, _paper = tables.poll, tables.roll, tables.teller, tables.paper


def _as_teller(
    session: Session, actor: Actor, poll_id: UUID, *states: str
) -> tuple[UnitOfWork, Any, Any]:
    """Lock; NotFound for whoever does not count this poll, Conflict when it is in none of these states."""
    work, poll, task = polls.locked(session, actor, poll_id)
    if actor.id not in poll.tellers:
        raise NotFound(instance_id=str(work.row["id"]), verb="count", element=task.element)
    if poll.state not in states:
        raise Conflict(
            "现在不能计票。" if "counting" in states else "表决已截止。", code="not_counting"
        )
    return work, poll, task


def give_paper(session: Session, actor: Actor, poll_id: UUID, members: Iterable[UUID]) -> UUID:
    """A teller hands out paper ballots: these voters can no longer vote in the system. Raises Invalid, Conflict."""
    work, poll, task = _as_teller(session, actor, poll_id, "open")
    if not poll.rule.get("paper"):
        raise Conflict("这项表决不用纸质票。", code="no_paper")
    wanted = list(dict.fromkeys(members))
    least = rule_value(work, questions.FEWEST) if poll.secret else 0
    if _handed(session, poll_id) + len(wanted) < least:
        raise Invalid(
            {
                "members": [
                    f"无记名表决的纸质票一次至少发给 {least} 人，人少了，清点时就看得出是谁投的。"
                ]
            }
        )
    changed = session.execute(
        update(_roll)
        .where(
            _roll.c.poll_id == poll_id, _roll.c.member_id.in_(wanted), _roll.c.open, ~_roll.c.paper
        )
        .values(paper=True, open=False)
        .returning(_roll.c.member_id)
    ).all()
    if len(changed) < len(wanted):
        raise Invalid({"members": ["有的人不在名册上、已经投票，或已领过纸质票。"]})
    work.log.add(
        "paper_ballots_given",
        actor,
        task=task.element,
        poll=str(poll_id),
        members=[str(m) for m in wanted],
    )
    unit_of_work.save(work)
    return UUID(str(work.row["id"]))


def enter_paper(session: Session, actor: Actor, poll_id: UUID, given: Mapping[str, Any]) -> UUID:
    """A teller enters what the paper ballots say: {"returned", "invalid", "counts": {choice: n}}; "issued" is checked.

    When two entries agree they hold. More returned than issued makes the whole poll void, and it is put again.
    """
    work, poll, task = _as_teller(session, actor, poll_id, "counting")
    handed = _handed(session, poll_id)
    entry = _checked(poll, given, handed)
    values = {"poll_id": poll_id, "teller_id": actor.id, "at": clock.now(), **entry}
    session.execute(
        upsert(_paper)
        .values(**values)
        .on_conflict_do_update(index_elements=["poll_id", "teller_id"], set_=values)
    )
    session.execute(
        update(_teller).where(_teller.c.poll_id == poll_id).values(signed_at=None)
    )  # the numbers changed
    work.log.add("paper_ballots_counted", actor, task=task.element, poll=str(poll_id), **entry)
    agreed = polling.agreed_paper(session, poll)
    if agreed and agreed["returned"] > agreed["issued"]:
        text = f"收回的纸质票（{agreed['returned']}）多于发出的（{agreed['issued']}），表决无效，重新表决。"
        _void(work, poll, task, text)
    else:
        unit_of_work.save(work)
    return UUID(str(work.row["id"]))


def _handed(session: Session, poll_id: UUID) -> int:
    return int(
        session.execute(
            select(func.count()).where(_roll.c.poll_id == poll_id, _roll.c.paper)
        ).scalar_one()
    )


def _checked(poll: Any, given: Mapping[str, Any], handed: int) -> dict[str, Any]:
    """Whole numbers that fit together: each valid ballot has one choice, in an election as many as there are seats."""
    counts = given.get("counts", {})
    allowed = {*poll.choices, ABSTAIN} if poll.kind == "election" else set(poll.choices)
    numbers = [
        given.get("issued", handed),
        given.get("returned"),
        given.get("invalid", 0),
        *counts.values(),
    ]
    if (
        not all(type(n) is int and 0 <= n <= 1_000_000 for n in numbers)
        or not set(counts) <= allowed
    ):
        raise Invalid({"counts": ["请填写不小于零的整数，选项应与选票一致。"]})
    issued, returned, invalid = numbers[:3]
    if issued != handed:
        raise Invalid({"issued": [f"登记的领票人是 {handed} 名，填写的发出票数是 {issued}。"]})
    valid, cast = returned - invalid, sum(counts.values())
    fits = valid >= 0 and (
        valid <= cast <= valid * max(1, poll.rule["seats"])
        if poll.kind == "election"
        else cast == valid
    )
    if not fits:
        raise Invalid(
            {"counts": [f"收回 {returned} 张、无效 {invalid} 张，与各选项合计 {cast} 不符。"]}
        )
    return {"issued": issued, "returned": returned, "invalid": invalid, "counts": dict(counts)}


def sign(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """A teller signs the count; with the last signature it is published. Raises Conflict when there is nothing to sign."""
    work, poll, task = _as_teller(session, actor, poll_id, "counting")
    paper = None
    if poll.secret and not poll.rule.get("opened"):
        raise Conflict("选票还没有开启，不能签字。", code="not_opened")
    if poll.rule.get("paper") and _handed(session, poll_id):
        paper = polling.agreed_paper(session, poll)
        if paper is None:
            raise Conflict(
                "纸质票须由两名监票人分别清点，数目一致后才能签字。", code="paper_differs"
            )
    mine = update(_teller).where(
        _teller.c.poll_id == poll_id, _teller.c.member_id == actor.id, _teller.c.signed_at.is_(None)
    )
    if session.execute(mine.values(signed_at=clock.now())).rowcount != 1:
        raise Conflict("您已签字。", code="answered")
    work.log.add(
        "poll_signed", actor, task=task.element, poll=str(poll_id), counts=poll.counts, paper=paper
    )
    left = select(_teller.c.member_id).where(
        _teller.c.poll_id == poll_id, _teller.c.signed_at.is_(None)
    )
    with work.answering():
        if session.execute(left.limit(1)).first():
            unit_of_work.save(work)
        else:
            polls.publish(work, poll_id, task, "signed", paper)
    return UUID(str(work.row["id"]))


def counted(
    work: UnitOfWork, poll: Any, task: Any, counts: dict[str, int], invalid: int, **told: Any
) -> None:
    """The envelopes of a secret poll are open: their counts wait for the tellers' signatures. `told` goes on record."""
    kept = {**poll.rule, "opened": True, "invalid": invalid}
    work.session.execute(
        update(_poll).where(_poll.c.id == poll.id).values(counts=counts, rule=kept)
    )
    work.log.add(
        "ballots_opened",
        work.actor,
        task=task.element,
        poll=str(poll.id),
        counts=counts,
        invalid=invalid,
        **told,
    )


def void(session: Session, actor: Actor, poll_id: UUID, reason: str) -> UUID:
    """Declare a poll void and put it again: who runs the task, or one of its tellers. The old one stays as it was.

    Raises NotFound, Refused, Conflict (it is over), Invalid (no reason).
    """
    work, poll, task = polls.locked(session, actor, poll_id)
    rights.check(Case(work, "void_poll", task.element, poll=poll))
    if poll.state not in polling.RUNNING:
        raise Conflict("表决已经结束，不能宣布无效。", code="closed")
    plain = reasons.plain(reason)
    with work.answering():
        _void(work, poll, task, plain)
    return UUID(str(work.row["id"]))


def _void(work: UnitOfWork, poll: Any, task: Any, reason: str) -> None:
    questions.stop(work, poll)
    work.session.execute(update(_poll).where(_poll.c.id == poll.id).values(state="void"))
    envelopes.shred(work.session, poll.id)
    work.log.add(
        "poll_voided",
        work.actor,
        task=task.element,
        poll=str(poll.id),
        counts=poll.counts,
        reason=reason,
    )
    rule = work.process.tasks[task.element].poll
    assert rule is not None
    questions.put(work, task.id, task.element, rule)
    unit_of_work.save(work)
