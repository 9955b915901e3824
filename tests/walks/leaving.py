"""People leave in the middle of a walk, posts end, the union gets another superior; and then, is there a way on?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import or_, select

from engine import clock
from engine.commands import deciding, edge, instances, messages, people, succession
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance import lanes, rights
from engine.instance.context import COLUMNS, context_from
from engine.instance.rights import Case
from engine.people import organisation
from engine.scenarios.progress import WAITING

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.db import Session
    from engine.people.organisation import Actor
    from tests.walks.walker import Walk

_task, _post, _member = tables.task.c, tables.post.c, tables.member.c
_timer, _poll, _instance = tables.timer.c, tables.poll.c, tables.instance.c
DESKS = ("administrator",)  # somebody is left to keep the house
AFFILIATIONS = ("province", "city", "")
TIMERS = 30  # that one waits for, one after another, until one leads on
SENDS = 12  # tries to send one message: its answers are drawn by chance


def _decide(keeper: Actor, proposal: UUID, session: Session) -> str:
    return deciding.decide(session, keeper, proposal, True)


def _end(keeper: Actor, key: UUID, session: Session) -> UUID:
    return instances.terminate(session, keeper, key, "申请人已离开，无人接替")


class Leaving:
    """What happens to the people of a walk, and the roads that are left."""

    def __init__(self, on: Walk) -> None:
        self.on = on
        self.left: list[tuple[UUID, Any]] = []  # who lost what he had: person, task

    # --- what happens ---
    def happens(self) -> str:
        """One thing, by chance; gives its kind, "" when nothing could happen."""
        kinds: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("account", self._account_ends),
            ("post", self._post_ends),
            ("move", self._post_moves),
            ("superior", self._superior_changes),
        )
        kind, act = self.on.chance.choices(kinds, (4, 4, 2, 1))[0]
        had = [(who, task) for task in self.on.plain() for who in self.on.holders(task)]
        done = act()
        self.left += [(who, task) for who, task in had if done and self._lost(who, task)]
        self.on.settle()
        return kind if done else ""

    def _lost(self, who: UUID, task: Any) -> bool:
        """Has somebody no account any more, or not the post by which a task waited for him?"""
        if not self.is_there(who):
            return True
        return bool(task.seat) and who not in self.on.holders(task)

    def tried(self) -> int:
        """Whoever lost a task does it nevertheless, and is refused. Gives how many tried.

        AssertionError: it was done.
        """
        waiting = {task.id for task in self.on.plain()}
        tried = 0
        for who, task in self.left:
            if task.id in waiting and self._lost(who, task):
                tried += 1
                assert self._is_refused(who, task), (self.on.names.get(who), task.element)
        self.left = []
        return tried

    def _is_refused(self, who: UUID, task: Any) -> bool:
        try:
            with clock.set_to(self.on.progress.now):
                actor = self.on.actor(who)  # with the posts of this day
            return not self.on.complete(task, actor)
        except NotFound:  # nobody without an account comes in
            return True

    def _somebody(self) -> UUID | None:
        """One of those for whom something waits, else anybody; never who keeps the house."""
        waited = [who for task in self.on.open_tasks() for who in self.on.holders(task)]
        everybody = [
            self.on.progress.world.members[name] for name in sorted(self.on.progress.world.members)
        ]
        keeps = set(self._holding(DESKS))
        found = [who for who in (waited or everybody) if who not in keeps and self.is_there(who)]
        return self.on.chance.choice(found) if found else None

    def _holding(self, kinds: tuple[str, ...]) -> list[UUID]:
        query = select(_post.member_id).where(_post.kind.in_(kinds))
        return list(self.on.session.execute(query).scalars())

    def is_there(self, who: UUID) -> bool:
        """Is the account in use?"""
        query = select(_member.active).where(_member.id == who)
        return bool(self.on.session.execute(query).scalar())

    def _account_ends(self) -> bool:
        who = self._somebody()
        return who is not None and self._done(
            "leaves", who, lambda s: people.change_member(s, None, who, active=False)
        )

    def _a_post(self) -> Any:
        who, day = self._somebody(), clock.day_of(self.on.progress.now)
        query = select(tables.post).where(_post.member_id == who, _post.from_on < day)
        running = query.where(or_(_post.to_on.is_(None), _post.to_on >= day))
        held = self.on.session.execute(running.order_by(_post.kind, _post.unit_id)).all()
        held = [row for row in held if row.kind not in DESKS]
        return self.on.chance.choice(sorted(held, key=lambda row: row.kind)) if held else None

    def _post_ends(self) -> bool:
        row = self._a_post()
        if row is None:
            return False
        last = clock.day_of(self.on.progress.now) - timedelta(days=1)
        return self._done(
            f"is {row.kind} no more",
            row.member_id,
            lambda s: people.end_post(s, None, row.id, last, "另有任用"),
        )

    def _post_moves(self) -> bool:
        row = self._a_post()
        if row is None:
            return False
        units = self.on.progress.world.units
        unit = units[self.on.chance.choice(sorted(units))]
        day = clock.day_of(self.on.progress.now)
        return self._done(
            f"is {row.kind} elsewhere",
            row.member_id,
            lambda s: succession.move(s, None, row.id, unit, day, "工作调整"),  # type: ignore[arg-type]
        )

    def _superior_changes(self) -> bool:
        union, to = self.on.progress.world.union_id, self.on.chance.choice(AFFILIATIONS)
        return self._done(
            f"another superior: {to}",
            None,
            lambda s: people.change_unit(s, None, union, affiliation=to),
        )

    def _done(self, what: str, who: UUID | None, act: Callable[[Any], Any]) -> bool:
        try:
            with clock.set_to(self.on.progress.now):
                edge.carry_out(self.on.progress.engine, None, act)
        except (Refused, Conflict, NotFound, Invalid):
            return False
        self.on.done.append(f"** {self.on.names.get(who, '') if who else ''} {what}")
        return True

    # --- the roads ---
    def road(self) -> str:
        """How the instance at hand goes on: by somebody's task, by a poll, by a timer, by a message, by the house.

        "" when nobody can go on with it.
        """
        for name, open_ in (
            ("task", self._by_task),
            ("poll", self._by_poll),
            ("timer", self._by_timer),
            ("message", self._by_message),
            ("house", self._by_the_house),
        ):
            if open_():
                return name
        return ""

    def _case(self, actor: Actor, verb: str, **about: Any) -> Case:
        query = select(*COLUMNS).where(_instance.id == self.on.progress.instance())
        row = self.on.session.execute(query).one()
        return Case(context_from(self.on.session, actor, tuple(row)), verb, **about)

    def _have(self, task: Any) -> list[UUID]:
        """Whose a task is; what somebody took by a post that has ended is the post's again."""
        kind, _, unit = (task.seat or "").partition("@")
        day = clock.day_of(self.on.progress.now)
        by_post = organisation.holders(self.on.session, kind, [UUID(unit)], day) if unit else []
        return [*self.on.holders(task), *self.on.by_name(by_post)]

    def may_do(self, who: UUID, task: Any) -> bool:
        """Is somebody there who has a task, and stands nothing against it?"""
        if not self.is_there(who):
            return False
        done = select(_task.element).where(
            _task.instance_id == task.instance_id, _task.closed_by == who
        )
        with clock.set_to(self.on.progress.now):
            case = self._case(
                self.on.actor(who),
                "complete",
                element=task.element,
                task=task,
                done=frozenset(self.on.session.execute(done).scalars()),
            )
            try:
                rights.check_bars(case)
            except Refused:
                return False
            return rights.may(case) and not lanes.taken_by_another(case.context, task)

    def _able(self, task: Any) -> bool:
        return any(self.may_do(who, task) for who in self._have(task))

    def _by_task(self) -> bool:
        return any(self._able(task) for task in self.on.plain())

    def _by_poll(self) -> bool:
        """A poll that waits, and closes by its own end."""
        query = (
            select(_poll.id)
            .join(tables.timer, _timer.task_id == _poll.task_id)
            .where(_poll.instance_id == self.on.progress.instance(), _poll.state.in_(WAITING))
            .where(_timer.state == "waiting")
        )
        return self.on.session.execute(query.limit(1)).first() is not None

    def _by_timer(self) -> bool:
        """Wait for one timer after another until it stands elsewhere."""
        key = self.on.progress.instance()
        before = self._stands()
        for _ in range(TIMERS):
            query = select(_timer.due_at).where(
                _timer.instance_id == key, _timer.state == "waiting"
            )
            due = self.on.session.execute(query.order_by(_timer.due_at).limit(1)).scalar()
            if due is None:
                return False
            self.on.wait_until(max(self.on.progress.now, due + timedelta(minutes=1)))
            if self._stands() != before:
                return True
        return False

    def _stands(self) -> tuple[str, ...]:
        """Where the instance waits: its open tasks, or its end."""
        query = select(_instance.state).where(_instance.id == self.on.progress.instance())
        state = self.on.session.execute(query).scalar_one()
        return state, *sorted(task.element for task in self.on.open_tasks())

    def _send(self, actor: Actor, name: str, session: Session, given: dict[str, Any]) -> UUID:
        return messages.send(session, actor, self.on.progress.instance(), name, given)

    def _by_message(self) -> bool:
        """Somebody who is there says something, and then somebody can go on, or it has ended."""
        everybody = [who for who in self.on.by_name(self.on.names) if self.is_there(who)]
        for name in self.on.waited_for():
            with clock.set_to(self.on.progress.now):
                senders = [
                    who
                    for who in everybody
                    if rights.may(self._case(self.on.actor(who), "message", element=name))
                ]
            for _ in range(SENDS if senders else 0):
                actor = self.on.actor(self.on.chance.choice(senders))
                sent = self.on._fill_in(
                    actor,
                    self.on.process.messages[name].form,
                    partial(self._send, actor, name),
                    f"message {name}",
                )
                if sent:
                    self.on.settle()
                    if self._over() or self._by_task() or self._by_poll():
                        return True
        return False

    def _over(self) -> bool:
        return self.on.progress.current not in self.on.running()

    # --- the house ---
    def _by_the_house(self) -> bool:
        """The post is given to somebody else who can do it; or the office hands the task over, or ends the matter."""
        return (
            any(
                self._given(task) if task.seat else self._handed_over(task)
                for task in self.on.plain()
            )
            or self._ended()
        )

    def _keepers(self) -> list[Actor]:
        keeping = (*DESKS, "union_secretary")
        return [
            self.on.actor(who)
            for who in self.on.by_name(self._holding(keeping))
            if self.is_there(who)
        ]

    def _given(self, task: Any) -> bool:
        kind, _, unit = task.seat.partition("@")
        day = clock.day_of(self.on.progress.now)
        for who in self.on.by_name(self.on.names):
            if not self.is_there(who):
                continue

            def give(session: Any, who: UUID = who) -> UUID:
                return people.grant_post(session, None, who, kind, unit, day, term="第八届")

            if self._done(f"becomes {kind}", who, give):
                self._agreed()
                if self._able(task):
                    return True
        return False

    def _agreed(self) -> None:
        """A second person agrees to what waits for one."""
        proposal = tables.proposal.c
        waiting = select(proposal.id).where(proposal.kind == "post", proposal.state == "proposed")
        for key in self.on.session.execute(waiting).scalars().all():
            any(
                self._done(
                    "agrees",
                    keeper.id,
                    partial(_decide, keeper, key),
                )
                for keeper in self._keepers()
            )

    def _handed_over(self, task: Any) -> bool:
        for keeper in self._keepers():
            for who in self.on.by_name(self.on.names):
                if not self.is_there(who) or who == task.assignee_id:
                    continue

                def hand(session: Any, by: Actor = keeper, to: UUID = who) -> int:
                    return succession.hand_over(session, by, task.assignee_id, to, "原办理人已离开")

                if self._done("takes it over", who, hand):
                    fresh = next((row for row in self.on.plain() if row.id == task.id), None)
                    return fresh is not None and self._able(fresh)
        return False

    def _ended(self) -> bool:
        key = self.on.progress.instance()
        return any(
            self._done(
                "ends it",
                who.id,
                partial(_end, who, key),
            )
            for who in self._keepers()
        )
