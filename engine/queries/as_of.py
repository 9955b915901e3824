"""A matter as it stood after one of its events: its facts told by the events up to then, and
whether that is what somebody had before them who acted on it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.db import canonical, tables
from engine.errors import Conflict, NotFound
from engine.history.erased import ERASED_MARK
from engine.history.verification.replay import replay_events
from engine.instance import stand
from engine.instance.context import Context
from engine.messages import Both, _
from engine.people import posts
from engine.queries.background import MOST_VOICES, Finished

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from engine.db import Session, rows
    from engine.history.verification.replay import Replayed

    Body = Mapping[str, Any]  # of an event
_task, _post, _unit = tables.task.c, tables.post.c, tables.unit.c
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)
ACTS = ("task_completed", "act_held")  # whose page is told by a digest
_SPOKEN = ("poll_answered", "poll_answer_withdrawn")


class Same(StrEnum):
    """Is what is shown here what somebody had before them? UNKEPT: no digest was kept then;
    UNKNOWN: a fact cannot be told any more, so that no digest can be made.
    """

    YES = "yes"
    NO = "no"
    UNKEPT = "unkept"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Acted:
    """An act on the matter. `seq`: of its event; `saw`: the last event that its page showed, else
    the one before the act; `meanwhile`: facts that other events changed between the two.
    """

    seq: int
    at: datetime
    who: str
    element: str
    saw: int
    same: Same
    meanwhile: tuple[str, ...]


@dataclass(frozen=True)
class Then:
    """A matter after event `seq`, at moment `at`. `context` has its facts of then; `parts`: what
    had been said; `lost`: facts that were overwritten later, of which only digests are kept.
    """

    seq: int
    at: datetime
    context: Context
    parts: tuple[Finished, ...]
    lost: tuple[str, ...]
    digest: str

    @property
    def day(self) -> date:
        """The day of it in China."""
        return clock.day_of(self.at)


@contextmanager
def readable() -> Iterator[None]:
    """What is made from bodies of events, of which one may have been altered. Raises Conflict."""
    try:
        yield
    except UNREADABLE as fault:
        broken = _("历史记录读不懂，不能再现当时的样子。")
        raise Conflict(broken, code="unreadable") from fault


class Past:
    """The past of a matter: `bodies` are all its events, whole, oldest first. Raises Conflict when
    its contents were erased or a body cannot be read.
    """

    def __init__(self, context: Context, bodies: Sequence[Body]) -> None:
        if ERASED_MARK in context.facts:
            raise Conflict(_("内容已按规定删除，不能再现当时的样子。"), code="erased")
        self.context, self.bodies = context, [dict(body) for body in bodies]
        self._known: dict[int, Replayed] = {}
        self._salt = bytes(context.row["salt"] or b"")
        mine = _task.instance_id == context.row["id"]
        said = select(tables.task).where(mine, _task.answers.is_not(None), _task.salt.is_not(None))
        self._said = {
            canonical.salted(row.answers, bytes(row.salt)): cast("rows.Task", row)
            for row in context.session.execute(said)
        }

    @property
    def last(self) -> int:
        """The number of the last event."""
        return len(self.bodies)

    def body(self, seq: int) -> Body:
        """An event. Raises NotFound."""
        if not 1 <= seq <= self.last:
            raise NotFound
        return self.bodies[seq - 1]

    def then(self, seq: int) -> Then:
        """The matter after event `seq`. Raises NotFound, Conflict."""
        at = datetime.fromisoformat(str(self.body(seq)["at"]))
        replayed = self._replayed(seq)
        facts, marks, lost = self._facts(replayed, seq)
        row = cast("rows.Instance", {**self.context.row, "facts": facts})
        context = Context(self.context.session, self.context.actor, row, self.context.process)
        parts = sorted(self._parts(seq), key=lambda part: part.closed_at)
        whole = {name: mark for name, mark in marks.items() if mark is not None}
        made = stand.digest(whole) if len(whole) == len(marks) else ""
        return Then(
            seq=seq,
            at=at,
            context=context,
            parts=tuple(parts),
            lost=tuple(sorted(lost)),
            digest=made,
        )

    def acts(self) -> tuple[Acted, ...]:
        """What people did in tasks, oldest first, each with what it rests on."""
        shown = (body for body in self.bodies if body["kind"] in ACTS and body.get("actor"))
        return tuple(self._acted(body) for body in shown if not self._carried_out(body))

    def _carried_out(self, body: Body) -> bool:
        """Was it given before, by an act that was held? Then that one tells what was seen."""
        return body["kind"] == "task_completed" and bool(body.get("given"))

    def _acted(self, body: Body) -> Acted:
        seq, kept = int(body["seq"]), body.get("saw")
        saw = min(int(kept["seq"]), seq - 1) if kept else seq - 1
        return Acted(
            seq=seq,
            at=datetime.fromisoformat(str(body["at"])),
            who=str(body["actor"]["name"]),
            element=str(body["task"]),
            saw=saw,
            same=self._same(saw, str(kept["digest"])) if kept else Same.UNKEPT,
            meanwhile=self._changed(saw, seq - 1) if kept else (),
        )

    def _same(self, seq: int, kept: str) -> Same:
        made = self.then(seq).digest if seq else ""
        if not made:
            return Same.UNKNOWN
        return Same.YES if made == kept else Same.NO

    def _changed(self, before: int, after: int) -> tuple[str, ...]:
        """The facts that events told after the first and up to the second."""
        if not 0 < before < after:
            return ()
        one, other = self._replayed(before).seqs, self._replayed(after).seqs
        return tuple(sorted(name for name, seq in other.items() if one.get(name) != seq))

    # --- replaying ---
    def told_by(self, name: str, seq: int) -> int:
        """The number of the event that told a fact last, up to `seq`; 0 where none did."""
        return self._replayed(seq).seqs.get(name, 0)

    def _replayed(self, seq: int) -> Replayed:
        if seq not in self._known:
            self._known[seq] = self._replay(seq)
        return self._known[seq]

    def _replay(self, seq: int) -> Replayed:
        told = ((n, body) for n, body in enumerate(self.bodies[:seq], 1))
        with readable():
            return replay_events(self.context.row["id"], told)

    def _facts(
        self, replayed: Replayed, seq: int
    ) -> tuple[dict[str, Any], dict[str, str | None], set[str]]:
        """The facts, the salted digest of each (None where it cannot be made), and those that are
        lost.
        """
        facts: dict[str, Any] = {}
        marks: dict[str, str | None] = {}
        lost: set[str] = set()
        for name, source in replayed.facts.items():
            kind, told = source or ("", None)
            if kind == "told":
                marks[name] = told
            found = self._value(name, kind, told, seq)
            if found is None:
                lost.add(name)
                marks.setdefault(name, None)
                continue
            facts[name] = found[0]
            marks.setdefault(name, canonical.salted({name: found[0]}, self._salt))
        return facts, marks, lost

    def _value(self, name: str, kind: str, told: Any, seq: int) -> tuple[Any] | None:
        """A fact by what tells it, in a tuple; None where its words are gone."""
        if kind == "is":
            return (told,)
        if kind == "said":
            row = self._said.get(told)
            return None if row is None else ({**(row.answers or {}), **self._held(name, seq)},)
        if kind == "poll":
            return (self._outcome(told, seq),)
        return self._still(name, told) if kind == "told" else None

    def _held(self, name: str, seq: int) -> dict[str, Any]:
        """The numbers of the meeting that a task held."""
        rule = self.context.process.tasks.get(name)
        known = self.context.facts.get(name)
        held = known.get("meeting") if isinstance(known, dict) else None
        return {"meeting": held} if rule and rule.meeting and held and seq else {}

    def _outcome(self, poll: str, seq: int) -> Any:
        closed = [b for b in self.bodies[:seq] if b["kind"] == "poll_closed" and b["poll"] == poll]
        return closed[-1]["outcome"] if closed else None

    def _still(self, name: str, digest: str) -> tuple[Any] | None:
        """A fact of which only the digest was told: as it is now, when it is the same."""
        candidates = [self.context.facts.get(name)]
        candidates += [row.answers for row in self._said.values() if row.element == name]
        for value in candidates:
            if value is not None and canonical.salted({name: value}, self._salt) == digest:
                return (value,)
        return None

    def _parts(self, seq: int) -> Iterator[Finished]:
        """What had been said until then."""
        for body in self.bodies[:seq]:
            if body["kind"] == "poll_closed":
                at = datetime.fromisoformat(str(body["at"]))
                spoken = tuple(self._voices(str(body["poll"]), seq))[: MOST_VOICES + 1]
                yield Finished(
                    element=str(body["task"]),
                    answers=None,
                    closed_at=at,
                    closed_by=None,
                    outcome=body["outcome"],
                    voices=spoken,
                )
            elif row := self._said.get(str(body.get("answers"))):
                assert row.closed_at is not None
                principal = body.get("on_behalf_of")
                yield Finished(
                    element=row.element,
                    answers=row.answers,
                    closed_at=row.closed_at,
                    closed_by=row.closed_by,
                    outcome=None,
                    behalf=UUID(str(principal["id"])) if principal else None,
                )

    def _voices(self, poll: str, seq: int) -> Iterator[list[Any]]:
        """Who had answered a poll what, where that is no secret."""
        last: dict[str, dict[str, Any]] = {}
        for body in self.bodies[:seq]:
            if body.get("poll") == poll and body["kind"] in _SPOKEN and body.get("actor"):
                last[body["actor"]["id"]] = body
        for member, body in last.items():
            if body["kind"] == "poll_answered" and body.get("choice"):
                yield [member, body["choice"], body.get("comment")]


# --- who they were then ---------------------------------------------------------------------------
@dataclass(frozen=True)
class Post:
    """What somebody held on a day: the post, where, and until when."""

    title: Both
    unit: str
    term: str
    from_on: date
    to_on: date | None


def held(session: Session, member: UUID, day: date) -> tuple[Post, ...]:
    """The posts that a member held on a day, the oldest first."""
    theirs = (_post.member_id == member) & (_post.from_on <= day)
    query = (
        select(_post.kind, _unit.name, _post.term, _post.from_on, _post.to_on)
        .join(tables.unit, _unit.id == _post.unit_id)
        .where(theirs, (_post.to_on.is_(None)) | (_post.to_on >= day))
        .order_by(_post.from_on, _post.id)
    )
    kinds = posts.kinds().posts
    titles = {key: kind.words for key, kind in kinds.items()}
    return tuple(
        Post(titles.get(row[0], Both(row[0], row[0])), *row[1:]) for row in session.execute(query)
    )
