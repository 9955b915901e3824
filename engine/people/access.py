"""Who may do what in a union: verb -> who may (`VERBS`), verb -> what stands against it all the
same (`BARS`).

A verb that is in no table is refused. Verbs on one instance stand in engine/instance/rights.py, in
the same shape. `visible` narrows every list in SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sqlalchemy import and_, any_, false, func, or_, select

from engine import clock
from engine.db import tables
from engine.db.states import POLL_RUNNING, InstanceState, TaskState
from engine.errors import NotFound, Refused
from engine.messages import _
from engine.people import organisation, posts
from engine.people.organisation import INSTALLATION, RUNNER

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import ColumnElement, FromClause, Select

    from engine.db import Session
    from engine.messages import Message
    from engine.people.organisation import Actor

T = TypeVar("T")
About = TypeVar("About")

SEEING = (posts.OFFICE, posts.AUDIT)  # the desks that see every instance of their union
ANYBODY = "member"  # in a process's `launch`: any member of the union


def _keeps(actor: Actor, desk: str, union_id: UUID | None) -> bool:
    """Does a post of the actor keep this desk in that union? In no union nobody keeps one."""
    kept = posts.kinds().desks[desk]
    return union_id is not None and any(
        held.kind in kept and held.union_id == union_id for held in actor.posts
    )


def desk_unions(actor: Actor, *desks: str) -> list[UUID]:
    """The unions in which this actor keeps one of these desks; of none: any of the three."""
    kept = posts.kinds().desks
    return actor.unions(*(post for desk in desks or kept for post in kept[desk]))


def is_secretary(actor: Actor, union_id: UUID | None) -> bool:
    """Holds the secretary's desk of that union."""
    return _keeps(actor, posts.OFFICE, union_id)


def is_auditor(actor: Actor, union_id: UUID | None) -> bool:
    """Audits that union."""
    return _keeps(actor, posts.AUDIT, union_id)


def is_administrator(actor: Actor, union_id: UUID | None) -> bool:
    """Administers that union."""
    return _keeps(actor, posts.ADMINISTRATION, union_id)


def runs_installation(actor: Actor, scope: UUID | None) -> bool:
    """Answers for the installation, and it is the installation that is spoken of."""
    return scope == INSTALLATION and actor.runs_installation


def is_own_union(actor: Actor, union_id: UUID | None) -> bool:
    """Belongs to that union, or holds a post in it."""
    return union_id is not None and (
        actor.union_id == union_id or any(p.union_id == union_id for p in actor.posts)
    )


def own_unions(actor: Actor) -> list[UUID]:
    """The unions of which that is true."""
    return sorted({actor.union_id, *(p.union_id for p in actor.posts if p.union_id)}, key=str)


@dataclass(frozen=True)
class Verb:
    """What a post of a union, or of the installation, allows: as histories call it, and to whom."""

    title: Message
    holders: tuple[Callable[[Actor, UUID | None], bool], ...]


VERBS: dict[str, Verb] = {
    "remind": Verb(_("催办"), (is_secretary,)),
    "suspend": Verb(_("暂停"), (is_secretary,)),
    "resume": Verb(_("恢复"), (is_secretary,)),
    "terminate": Verb(_("终止"), (is_secretary,)),
    "retry": Verb(_("重试异常"), (is_secretary, is_administrator)),
    "propose_correction": Verb(_("提出更正文书"), (is_secretary,)),
    "approve_correction": Verb(_("批准更正文书"), (is_secretary, is_administrator)),
    "reassign": Verb(_("改派"), (is_secretary,)),
    "comment": Verb(_("评论"), (is_secretary,)),
    "copy": Verb(_("抄送"), (is_secretary,)),
    "drop_start": Verb(_("不再按日历发起"), (is_secretary,)),
    "see_desk": Verb(_("查询全部事项"), (is_secretary, is_auditor)),
    "share_view": Verb(_("共用视图"), (is_secretary,)),
    "read_history": Verb(_("查看历史"), (is_secretary, is_auditor)),
    "annotate": Verb(_("批注历史"), (is_auditor,)),
    "verify": Verb(_("校验历史"), (is_secretary, is_auditor, runs_installation)),
    "read_installation": Verb(_("查看全系统记录"), (is_secretary, is_auditor, runs_installation)),
    "witness": Verb(_("办理检查点证人"), (runs_installation,)),
    "give_installation": Verb(_("授予全系统管理"), (runs_installation,)),
    "export": Verb(_("导出证据"), (is_secretary, is_auditor)),
    "see_people": Verb(_("查看人员"), (is_secretary, is_auditor, is_administrator)),
    "manage_people": Verb(_("管理人员"), (is_secretary, is_administrator)),
    "approve_post": Verb(_("确认授予职务"), (is_secretary, is_administrator)),
    "import_people": Verb(_("导入人员"), (is_secretary, is_administrator)),
    "invite": Verb(_("邀请登录"), (is_secretary, is_administrator)),
    "set_password": Verb(_("设置密码"), (is_administrator,)),
    "propose_definition": Verb(_("提出流程"), (is_secretary, is_administrator, runs_installation)),
    "approve_definition": Verb(_("批准流程"), (runs_installation,)),
    "approve_own_version": Verb(_("批准本单位流程版本"), (is_secretary, is_administrator)),
    "propose_notice": Verb(_("提出放假安排"), (is_secretary, is_administrator, runs_installation)),
    "approve_notice": Verb(_("批准放假安排"), (runs_installation,)),
    "approve_witness": Verb(_("批准证人"), (runs_installation,)),
    "propose_setting": Verb(_("提出本单位规则"), (is_secretary,)),
    "approve_setting": Verb(_("批准本单位规则"), (is_administrator, is_secretary)),
    "manage_vacations": Verb(_("管理假期"), (is_administrator, is_secretary)),
    "see_rules": Verb(_("查看规则"), (is_own_union,)),
}


@dataclass(frozen=True)
class Bar(Generic[About]):
    """What stands against a verb that is allowed otherwise: when it `holds`, it is refused with
    this code and text.
    """

    holds: Callable[[Actor, About], bool]
    code: str
    text: Message


@dataclass(frozen=True)
class Subject:
    """What a verb is asked about: whose proposal; which post of which member, and whether it is a
    new one.
    """

    union_id: UUID | None = None
    author_id: UUID | None = None
    post: str = ""
    member_id: UUID | None = None
    new: bool = False


def proposed_it(actor: Actor, subject: Subject) -> bool:
    """Is it the actor's own proposal?"""
    return actor.id == subject.author_id


def is_not_its_proposer(actor: Actor, subject: Subject) -> bool:
    """Is it somebody else's proposal, or nobody's?"""
    return not proposed_it(actor, subject)


def is_desk_of_others(actor: Actor, subject: Subject) -> bool:
    """Is the post one of the desks, and the actor no administrator of that union?"""
    return _is_desk(subject.post) and not is_administrator(actor, subject.union_id)


def is_installation_of_others(actor: Actor, subject: Subject) -> bool:
    """Is it the post that answers for the installation, and the actor does not hold it?"""
    return subject.post == RUNNER and not actor.runs_installation


def is_own_desk(actor: Actor, subject: Subject) -> bool:
    """Is the post one of the desks, and the actor's own?"""
    desk = subject.post == RUNNER or _is_desk(subject.post)
    return desk and actor.id == subject.member_id


def is_own_new_post(actor: Actor, subject: Subject) -> bool:
    """Is a post to be given to the actor? It opens matters, confidential ones too."""
    return subject.new and actor.id == subject.member_id


def _is_desk(post: str) -> bool:
    return any(post in kept for kept in posts.kinds().desks.values())


SEPARATED = _("提出人与批准人不能是同一人。")
_SEPARATED = Bar(proposed_it, "separated", SEPARATED)
BARS: dict[str, tuple[Bar[Subject], ...]] = {
    "approve_definition": (_SEPARATED,),
    "approve_own_version": (_SEPARATED,),
    "approve_notice": (_SEPARATED,),
    "approve_witness": (_SEPARATED,),
    "approve_setting": (_SEPARATED,),
    "approve_post": (_SEPARATED,),
    "take_back": (Bar(is_not_its_proposer, "not_own", _("只有提出人可以收回。")),),
    "erase": (_SEPARATED,),  # who may stands in engine/instance/rights.py
    "approve_correction": (_SEPARATED,),
    "manage_people": (
        Bar(is_desk_of_others, "desk", _("这个职务只能由系统管理员授予或终止。")),
        Bar(
            is_installation_of_others,
            "installation",
            _("“全系统管理”只能在命令行授予，或由担任此职务的人授予、终止。"),
        ),
        Bar(is_own_desk, "self", _("不能为自己授予或终止这个职务。")),
        Bar(is_own_new_post, "self", _("不能为自己授予职务，请由另一人办理。")),
    ),
}


def may(actor: Actor, verb: str, union_id: UUID | None) -> bool:
    """Is any predicate of the verb true of that union, or of INSTALLATION?

    Unknown verbs are not allowed, and nothing is allowed in no union.
    """
    holders = VERBS[verb].holders if verb in VERBS else ()
    return union_id is not None and any(holds(actor, union_id) for holds in holders)


def may_somewhere(actor: Actor, verb: str) -> bool:
    """Is the verb allowed to this actor in a union of theirs, or for the installation?"""
    return any(may(actor, verb, scope) for scope in _scopes(actor))


def _scopes(actor: Actor) -> list[UUID]:
    """What this actor can speak of: the own union, those of the own posts, the installation."""
    held = (p.union_id for p in actor.posts if p.union_id)
    return list(dict.fromkeys([actor.union_id, *held, INSTALLATION]))


def check(actor: Actor, verb: str, union_id: UUID | None) -> None:
    """Raise Refused unless the verb is allowed to this actor in this union, or of INSTALLATION."""
    if not may(actor, verb, union_id):
        raise Refused(verb=verb)


def check_bars(actor: Actor, verb: str, subject: Subject) -> None:
    """Raise Refused when something stands against a verb that is allowed to this actor."""
    for bar in BARS.get(verb, ()):
        if bar.holds(actor, subject):
            raise Refused(bar.text, code=bar.code, verb=verb)


def unions(actor: Actor, verb: str) -> list[UUID]:
    """The unions in which the verb is allowed to this actor, their own first; INSTALLATION last.

    Raises Refused when there is none.
    """
    allowed = [scope for scope in _scopes(actor) if may(actor, verb, scope)]
    if not allowed:
        raise Refused(verb=verb)
    return allowed


def check_own(actor: Actor, verb: str, union_id: UUID | None) -> None:
    """The same for what belongs to a union: another one's does not exist.

    Raises NotFound, Refused.
    """
    must_see(union_id if is_own_union(actor, union_id) else None)
    check(actor, verb, union_id)


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition on `instance` under which this actor may know that one exists. It asks about
    each one by itself: lists begin from what this person has (queries/newest.py).
    """
    part = map(is_among, (shared(actor), *asked(actor), *lent(actor)))
    return or_(*desks(actor), tables.instance.c.starter_id == actor.id, *part)


def is_among(ids: Select[tuple[UUID]]) -> ColumnElement[bool]:
    """The condition on `instance` that its id is one of these, asked about each by itself."""
    its_own = ids.where(ids.selected_columns[0] == tables.instance.c.id)
    return its_own.correlate(tables.instance).exists()


def desks(actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions on `instance` that a desk of this actor gives: all of a union that is not
    confidential.
    """
    instance = tables.instance.c
    return [
        and_(instance.union_id == desk, ~instance.confidential)
        for desk in desk_unions(actor, *SEEING)
    ]


def shared(actor: Actor) -> Select[tuple[UUID]]:
    """The ids of instances that a task or a permission ever put before this actor."""
    share = tables.share.c
    return select(share.instance_id).where(share.key.in_(actor.keys))


def asked(actor: Actor) -> list[Select[tuple[UUID]]]:
    """The ids of instances in which this actor was on a roll, or due at a meeting; of a poll whose
    roll finds the matter while it is open, until it closes; of those to which this actor was let
    in, until the last day of it; and of those that were sent to them for information.
    """
    roll, poll = tables.roll.c, tables.poll.c
    meeting, attendance = tables.meeting.c, tables.attendance.c
    guest = tables.guest.c
    fleeting = func.coalesce(poll.rule["sight"].astext, "") == "open"
    lasting = or_(~fleeting, poll.state.in_(POLL_RUNNING))
    polled = select(poll.instance_id).join(tables.roll, roll.poll_id == poll.id)
    invited = select(meeting.instance_id).join(
        tables.attendance, attendance.meeting_id == meeting.id
    )
    return [
        polled.where(roll.member_id == actor.id, lasting),
        invited.where(attendance.member_id == actor.id),
        select(guest.instance_id).where(guest.member_id == actor.id, guest.until >= clock.today()),
        _copied(actor),
    ]


def _copied(actor: Actor) -> Select[tuple[UUID]]:
    """The ids of instances that were sent to this actor for information: of a union to which they
    belong, and never confidential, for into those whoever sends it lets nobody.
    """
    copy, sent = tables.copy.c, tables.instance.alias("copied")
    query = select(copy.instance_id).join(sent, sent.c.id == copy.instance_id)
    open_to_them = sent.c.union_id.in_(own_unions(actor)), ~sent.c.confidential
    return query.where(copy.to_id == actor.id, copy.withdrawn_at.is_(None), *open_to_them)


def lent(actor: Actor) -> list[Select[tuple[UUID]]]:
    """The ids of instances in which this actor may do an open task in the place of others."""
    if not actor.lent:
        return []
    task, here = tables.task.c, tables.instance.alias("lent_in")
    query = select(task.instance_id).join(here, here.c.id == task.instance_id)
    return [query.where(lent_tasks(actor, here))]


def lent_tasks(actor: Actor, instance: FromClause = tables.instance) -> ColumnElement[bool]:
    """The condition on `task` and its `instance` under which this actor may do it in the place of
    somebody who is away: open, of a seat that they hold, where the version lends it. Never in a
    confidential matter, and never in one's own, or in theirs.
    """
    task, matter = tables.task.c, instance.c
    version = tables.definition.alias("lending")
    lends = task.element == any_(version.c.lent)
    allowed = select(version.c.hash).where(version.c.hash == matter.version, lends)
    any_of = (
        and_(
            task.seat.in_(each.seats),
            or_(task.assignee_id.is_(None), task.assignee_id == each.by),
            matter.process_id.in_(each.processes),
            matter.starter_id.not_in([each.by, actor.id]),
            *([] if each.due_by is None else [task.due_at <= each.due_by]),
        )
        for each in actor.lent
    )
    open_ = task.state == TaskState.OPEN, matter.state == InstanceState.RUNNING
    return and_(*open_, ~matter.confidential, or_(false(), *any_of), allowed.exists())


def must_see(found: T | None) -> T:
    """The row, or NotFound: what is not yours to see does not exist."""
    if found is None:
        raise NotFound
    return found


def acts_by_post(session: Session, actor: Actor, instance_id: UUID) -> bool:
    """Does this person act in the instance by a post of theirs, and not only as a party or a
    reader?
    """
    share = tables.share.c
    seats = [organisation.seat_key(seat) for seat in actor.seats]
    acts = select(share.key).where(share.instance_id == instance_id, share.key.in_(seats))
    return session.execute(acts.limit(1)).first() is not None
