"""Who may do what with an instance: verb -> who may (`VERBS`), verb -> what stands against it all
the same (`BARS`).

The shape is that of engine/people/access.py; here the predicates look at an instance. A verb of
that table which is not in this one is one of the desk's. A verb that is in neither is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from engine.db import tables
from engine.errors import Refused
from engine.instance import aside, deputies, lanes, polling, presence
from engine.instance.view import dotted
from engine.messages import Listed, _
from engine.people import access, posts
from engine.people.access import Bar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from engine.db import rows
    from engine.definitions.process import DocumentRule
    from engine.instance.context import Context
    from engine.people.organisation import Actor


@dataclass(frozen=True)
class Case:
    """What a verb is asked about: an instance, and of it what the verb needs.

    `element`: the task or message; `answers`: what is to be answered, for rules that look at it;
    `done`: the elements that the actor has finished before; `meeting_id`: in which is voted;
    `awaits`: the task waits for an opinion that was asked for; `place`: whose place the actor
    takes.
    """

    context: Context
    verb: str
    element: str = ""
    task: rows.Task | None = None
    poll: rows.Poll | None = None
    answers: Mapping[str, Any] | None = None
    done: frozenset[str] = frozenset()
    meeting_id: UUID | None = None
    awaits: bool = False
    place: UUID | None = None

    def selves(self, actor: Actor) -> frozenset[UUID]:
        """Who must not stand against the act: the actor, whose place they take, and who acted in
        the matter for one of these or was acted for.
        """
        first = {actor.id, self.place or actor.id}
        return frozenset().union(*(deputies.selves(self.context, each) for each in first))


# --- who may --------------------------------------------------------------------------------------
def holds_the_desk(actor: Actor, case: Case) -> bool:
    """A post allows it in the instance's union (access.VERBS)."""
    return access.may(actor, case.verb, case.context.row["union_id"])


def rules_it_by_desk(actor: Actor, case: Case) -> bool:
    """The same; into a confidential instance a desk reaches only as far as it acts in it by a
    post.
    """
    open_to_desks = not case.context.row["confidential"]
    return holds_the_desk(actor, case) and (open_to_desks or acts_by_post(actor, case))


def started_it(actor: Actor, case: Case) -> bool:
    """The actor launched the instance."""
    return bool(case.context.row["starter_id"] == actor.id)


def acts_by_post(actor: Actor, case: Case) -> bool:
    """The actor acts in the instance by a post, and not only as a party or a reader."""
    return access.acts_by_post(case.context.session, actor, case.context.row["id"])


def acts_in_a_confidential_one(actor: Actor, case: Case) -> bool:
    """The same, in a confidential instance, of which nobody else knows."""
    return case.context.row["confidential"] and acts_by_post(actor, case)


def has_the_task(actor: Actor, case: Case) -> bool:
    """The task is, or was, the actor's own or one of a seat of theirs, or lent to them."""
    task = case.task
    if task is None:
        return False
    own = actor.id in (task.assignee_id, task.closed_by) or task.seat in actor.seats
    return own or deputies.lender(case.context, task) is not None


def takes_part(actor: Actor, case: Case) -> bool:
    """Some task of the instance is, or was, the actor's own or one of a seat of theirs, or is lent
    to them.
    """
    if takes_part_themselves(actor, case):
        return True
    lent = [access.is_among(ids) for ids in access.lent(actor)]
    here = tables.instance.c.id == case.context.row["id"]
    query = select(tables.instance.c.id).where(here, *lent)
    return bool(lent) and case.context.session.execute(query).first() is not None


def takes_part_themselves(actor: Actor, case: Case) -> bool:
    """Some task of the instance is, or was, the actor's own or one of a seat of theirs."""
    task = tables.task.c
    own = or_(
        task.assignee_id == actor.id,
        task.closed_by == actor.id,
        task.seat.in_(sorted(actor.seats)),
    )
    query = select(task.id).where(task.instance_id == case.context.row["id"], own).limit(1)
    return case.context.session.execute(query).first() is not None


def is_in_its_lane(_actor: Actor, case: Case) -> bool:
    """The lane of the task means the actor."""
    return lanes.runs_task(case.context, case.element)


def may_send_it(_actor: Actor, case: Case) -> bool:
    """The lane of the message means the actor."""
    process = case.context.process
    return lanes.includes_actor(case.context, process.lanes[process.messages[case.element].lane])


def presides(_actor: Actor, case: Case) -> bool:
    """The actor presides over the poll."""
    return case.poll is not None and polling.presides(case.context, case.poll, case.element)


def may_close_it(_actor: Actor, case: Case) -> bool:
    """The poll's rule lets the actor close it before its time: who presides, or who asked."""
    return case.poll is not None and polling.may_close(case.context, case.poll, case.element)


def is_teller(actor: Actor, case: Case) -> bool:
    """The actor is one of the poll's tellers."""
    return case.poll is not None and actor.id in case.poll.tellers


def keeps_its_meeting(_actor: Actor, case: Case) -> bool:
    """The actor keeps the meeting in which the poll is held, and nobody else counts it."""
    rule = case.context.process.tasks[case.element].poll
    alone = case.poll is not None and not case.poll.tellers
    return bool(alone and rule and rule.meeting and lanes.runs_task(case.context, rule.meeting))


def holds_the_secretarys_desk(actor: Actor, case: Case) -> bool:
    """The actor is a secretary of the instance's union."""
    return access.is_secretary(actor, case.context.row["union_id"])


# --- what stands against it -----------------------------------------------------------------------
def did_what_excludes_it(actor: Actor, case: Case) -> bool:
    """Separation of duties: the actor did a task after which this one is somebody else's, be it in
    another's place, or another in theirs.
    """
    done = case.done | deputies.done(case.context, case.selves(actor))
    return bool(done & set(case.context.process.tasks[case.element].not_by))


def is_recused(actor: Actor, case: Case) -> bool:
    """The task's own rule of recusal holds, over the answers too, for the actor or for one in
    whose place they act.
    """
    recuse = case.context.process.tasks[case.element].recuse
    answers = {} if case.answers is None else {case.element: case.answers}
    ids = sorted(map(str, case.selves(actor))) if recuse else ()
    return any(case.context.value(recuse, {**answers, "actor": each}) for each in ids)


def awaits_an_opinion(_actor: Actor, case: Case) -> bool:
    """Somebody was asked for an opinion before the task is done, and has not given it."""
    return case.awaits


def stepped_aside(actor: Actor, case: Case) -> bool:
    """The actor has stepped aside from the matter, by their own word; or whose place they take."""
    mine = {actor.id, case.place or actor.id}
    return any(aside.recorded(case.context, each) is not None for each in mine)


def acts_for_another(_actor: Actor, case: Case) -> bool:
    """The actor has the task in the place of another who is away."""
    return case.place is not None


def lost_its_post(actor: Actor, case: Case) -> bool:
    """The actor was named for the task, or took it, while holding a post, and holds it no more;
    whoever has it in the place of somebody who stepped aside, or is away, needs none.
    """
    process, task = case.context.process, case.task
    if case.place or aside.stands_in(case.context, actor.id, case.element):
        return False
    if task is not None and task.seat and actor.id == task.assignee_id:
        return task.seat not in actor.seats
    lane = process.lanes.get(process.tasks[case.element].lane)
    return lane is not None and not lanes.has_its_post(case.context, lane)


def is_absent(actor: Actor, case: Case) -> bool:
    """The vote is taken in a meeting, and the actor is not in its hall."""
    if case.meeting_id is None:
        return False
    return not presence.is_here(case.context.session, case.meeting_id, actor.id)


def binds_others(_actor: Actor, case: Case) -> bool:
    """The matter binds others already: then it ends only as its process provides."""
    context = case.context
    return any(dotted(context.facts, f"{key}.at") for key in context.process.binding_after)


VERBS: dict[str, tuple[Callable[[Actor, Case], bool], ...]] = {
    "remind": (rules_it_by_desk, acts_in_a_confidential_one),
    "retry": (rules_it_by_desk, acts_in_a_confidential_one),
    "propose_correction": (rules_it_by_desk, acts_in_a_confidential_one),
    "approve_correction": (rules_it_by_desk, acts_by_post),
    "read_history": (holds_the_desk, started_it),
    "export": (holds_the_desk,),
    "let_in": (acts_by_post,),
    "erase": (acts_by_post,),
    "complete": (has_the_task,),
    "message": (may_send_it,),
    "comment": (started_it, takes_part, rules_it_by_desk),
    "copy": (started_it, takes_part_themselves, rules_it_by_desk),
    "hand_over": (has_the_task,),
    "send_back": (has_the_task,),
    "delegate": (has_the_task,),
    "join": (has_the_task,),
    "step_aside": (has_the_task,),
    "run_meeting": (is_in_its_lane,),
    "close_poll": (may_close_it,),
    "declare_poll": (presides,),
    "replace_teller": (presides,),
    "void_poll": (is_teller, holds_the_secretarys_desk, presides, keeps_its_meeting),
}
_BY_DESK = (rules_it_by_desk,)  # every other verb of access.VERBS: stop, let go on, end
_RECUSED = Bar(is_recused, "recused", _("您与此件有利害关系，应当回避。"))
_AWAITS = Bar(awaits_an_opinion, "awaits", _("加签的意见还没有交来；等意见来了再办，或者先减签。"))
_POST_ENDED = Bar(
    lost_its_post, "post_ended", _("您已不再担任办理此项所需的职务，请由接替的人办理。")
)
_ASIDE = Bar(stepped_aside, "aside", _("您已对此件回避，不能再办理。"))
DEPUTY = Bar(
    acts_for_another,
    "deputy",
    _(
        "您是代别人办理，只能办理、退回或者评论；认领、转办、委派、加签、回避由本人或者同岗位的人办。"
    ),
)
_DUTIES = (
    _ASIDE,
    _POST_ENDED,
    Bar(did_what_excludes_it, "separated", _("您已办理过前面的环节，按规定不能再办理此项。")),
    _RECUSED,
)
STANDING_IN = (
    _ASIDE,
    *_DUTIES[2:],
)  # against whoever acts in another's place, on no seat of theirs
_VOTE = (Bar(is_absent, "absent", _("您没有签到，不能表决。")), _POST_ENDED, _RECUSED)
BARS: dict[str, tuple[Bar[Case], ...]] = {
    "complete": (*_DUTIES, _AWAITS),
    "claim": (DEPUTY, *_DUTIES),
    "hand_over": (DEPUTY, *_DUTIES),
    "send_back": _DUTIES,
    "delegate": (DEPUTY, *_DUTIES),
    "join": (DEPUTY, *_DUTIES),
    "answer_ask": (_ASIDE, _RECUSED),
    "copy": (_ASIDE,),
    "step_aside": (DEPUTY, _ASIDE, _POST_ENDED),
    "respond": _VOTE,
    "cast": _VOTE,
    "terminate": (
        Bar(
            binds_others,
            "binding",
            _("此件已经对他人生效，不能由一人终止；请按流程变更、解除或者办结。"),
        ),
    ),
}


def may(case: Case) -> bool:
    """Does any predicate of the verb hold for the actor? Nothing is allowed to nobody."""
    actor = case.context.actor
    row = VERBS.get(case.verb, _BY_DESK)
    return actor is not None and any(holds(actor, case) for holds in row)


def check(case: Case) -> None:
    """Raise Refused unless the verb is allowed to the actor; it goes into the instance's
    history.
    """
    if not may(case):
        verb = f"message:{case.element}" if case.verb == "message" else case.verb
        raise Refused(verb=verb, **_where(case))


def check_bars(case: Case) -> None:
    """Raise Refused when something stands against a verb that is allowed to the actor."""
    actor = case.context.actor
    for bar in BARS.get(case.verb, ()):
        if actor is not None and bar.holds(actor, case):
            raise Refused(bar.text, code=bar.code, **_where(case))


def _where(case: Case) -> dict[str, str]:
    where = {"instance_id": str(case.context.row["id"])}
    return where | {"element": case.element} if case.element else where


# --- issuing a paper, which is no verb of its own -------------------------------------------------
def check_signatory(context: Context, rule: DocumentRule) -> None:
    """A paper that certain posts of the union sign is issued by what one of their holders does.

    Raises Refused; a timer, which nobody sets off, signs nothing either.
    """
    if not rule.signed_by:
        return
    union, actor = context.row["union_id"], context.actor
    held = {post.kind for post in actor.posts if post.union_id == union} if actor else set()
    if not rule.signed_by & held:
        titles = Listed(posts.kinds().posts[kind].words for kind in sorted(rule.signed_by))
        unsigned = _("《{title}》由{posts}签署，您不能签发。", title=rule.title, posts=titles)
        where = {"instance_id": str(context.row["id"]), "element": rule.key}
        raise Refused(unsigned, code="not_signatory", **where)
