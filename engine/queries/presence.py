"""Who was in the hall, from when to when: the ledger of each meeting of a matter as its events tell
it, with the votes that were held meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.instance.presence import STRUCK
from engine.people.ordering import on_screen
from engine.queries import telling
from engine.queries.claims import Mark, mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.instance.context import Context

    Body = Mapping[str, Any]  # of an event
_attendance, _meeting, _member = tables.attendance.c, tables.meeting.c, tables.member.c
_poll = tables.poll.c
FORMAL = "formal"  # who counts toward the quorum; so does, until then, who was struck off


@dataclass
class Stay:
    """Somebody was there, from one event to another; None: until the end."""

    came: Mark
    left: Mark | None = None


@dataclass
class Person:
    """One who was invited, with their stays; `during`: the votes in which they left."""

    name: str
    kind: str
    stays: list[Stay] = field(default_factory=list)
    during: list[telling.Words] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Toward the quorum?"""
        return self.kind in (FORMAL, STRUCK)


@dataclass(frozen=True)
class Window:
    """A vote that was held in the meeting: the fewest who were there meanwhile, and how many had to
    be; None where its events do not say.
    """

    title: telling.Words
    opened: Mark
    closed: Mark | None
    least: int | None
    needed: int | None


@dataclass(frozen=True)
class Step:
    """How many of those who count were there from an event on."""

    event: Mark
    there: int


@dataclass(frozen=True)
class Hall:
    """A meeting. `needed`: the quorum as of its opening; `whole`: its events tell each arrival and
    departure by name.
    """

    title: telling.Words
    due: int
    needed: int | None
    called: Mark
    opened: Mark | None
    closed: Mark | None
    people: tuple[Person, ...]
    steps: tuple[Step, ...]
    windows: tuple[Window, ...]
    whole: bool


def halls(context: Context, bodies: Sequence[Body]) -> tuple[Hall, ...]:
    """The meetings of a matter by all its events, oldest first."""
    called = [b for b in bodies if b["kind"] == "meeting_called"]
    if not called:
        return ()
    invited, held = _invited(context), _votes(context)
    return tuple(
        _hall(context, [b for b in bodies if _of(b, first["meeting"], held)], invited)
        for first in called
    )


def _of(body: Body, meeting: str, held: Mapping[str, str]) -> bool:
    return meeting in (body.get("meeting"), held.get(str(body.get("poll"))))


def _invited(context: Context) -> dict[str, dict[str, Person]]:
    """Who was invited, by meeting and member, by name."""
    query = (
        select(_attendance.meeting_id, _member.id, _member.name, _attendance.kind)
        .join(tables.member, _member.id == _attendance.member_id)
        .join(tables.meeting, _meeting.id == _attendance.meeting_id)
        .where(_meeting.instance_id == context.row["id"])
    )
    found: dict[str, dict[str, Person]] = {}
    for row in on_screen(context.session.execute(query), lambda row: row.name):
        people = found.setdefault(str(row.meeting_id), {})
        people[str(row.id)] = Person(row.name, row.kind)
    return found


def _votes(context: Context) -> dict[str, str]:
    """The meeting in which each poll was held."""
    of = _poll.instance_id == context.row["id"], _poll.meeting_id.is_not(None)
    query = select(_poll.id, _poll.meeting_id).where(*of)
    return {str(poll): str(meeting) for poll, meeting in context.session.execute(query)}


def _hall(
    context: Context, bodies: Sequence[Body], invited: Mapping[str, dict[str, Person]]
) -> Hall:
    """`bodies`: of this meeting and its polls."""
    last = {str(b["kind"]): b for b in bodies if str(b["kind"]).startswith("meeting_")}
    called, opened, closed = (last.get(f"meeting_{k}") for k in ("called", "opened", "closed"))
    assert called is not None
    people = invited.get(str(called["meeting"]), {})
    moves = [b for b in bodies if b["kind"] == "presence_noted"]
    steps = _moved(people, moves)
    windows = tuple(_windows(context, bodies, steps))
    _left_during(people.values(), windows)
    head = opened or called
    return Hall(
        title=telling.titled(context.process, str(called["task"])),
        due=int((last.get("meeting_struck") or head)["due"]),
        needed=opened.get("needed") if opened else None,
        called=mark(called),
        opened=mark(opened) if opened else None,
        closed=mark(closed) if closed else None,
        people=tuple(people.values()),
        steps=tuple(steps),
        windows=windows,
        whole=int(called.get("tells", 1)) > 1,
    )


def _moved(people: dict[str, Person], moves: Iterable[Body]) -> list[Step]:
    """Enter each arrival and departure with whoever it was; gives how many were there."""
    steps, there = [], set[str]()
    for body in moves:
        at = mark(body)
        for member in map(str, body["members"]):
            person = people.setdefault(member, Person(member[:8], ""))
            if body["came"]:
                person.stays.append(Stay(at))
            elif person.stays and person.stays[-1].left is None:
                person.stays[-1].left = at
            if person.counts:
                (there.add if body["came"] else there.discard)(member)
        steps.append(Step(at, len(there)))
    return steps


def _windows(context: Context, bodies: Sequence[Body], steps: Sequence[Step]) -> Iterable[Window]:
    ends = {b.get("poll"): b for b in bodies if b["kind"] in ("poll_closed", "poll_stopped")}
    outcomes = {b.get("poll"): b.get("outcome") or {} for b in bodies if b["kind"] == "poll_closed"}
    for body in (b for b in bodies if b["kind"] == "poll_opened"):
        end, outcome = ends.get(body["poll"]), outcomes.get(body["poll"], {})
        opened, closed = mark(body), mark(end) if end else None
        yield Window(
            title=telling.titled(context.process, str(body["task"])),
            opened=opened,
            closed=closed,
            least=outcome.get("present_least", _least(steps, opened, closed)),
            needed=outcome.get("present_needed"),
        )


def _least(steps: Sequence[Step], opened: Mark, closed: Mark | None) -> int | None:
    before = [step.there for step in steps if step.event.seq < opened.seq][-1:]
    within = [s.there for s in steps if opened.seq < s.event.seq < (closed or s.event).seq + 1]
    return min([*before, *within], default=None)


def _left_during(people: Iterable[Person], windows: Sequence[Window]) -> None:
    for person in people:
        gone = [stay.left.seq for stay in person.stays if stay.left]
        person.during = [
            window.title for window in windows if any(_within(window, seq) for seq in gone)
        ]


def _within(window: Window, seq: int) -> bool:
    return window.opened.seq < seq and (window.closed is None or seq < window.closed.seq)


# --- as a curve -----------------------------------------------------------------------------------
WIDE, HIGH = 720, 200  # of the drawing, in its own units
_LEFT, _RIGHT, _TOP, _FOOT = 44, 12, 30, 24  # room for words around it


@dataclass(frozen=True)
class Shade:
    """A vote's window: from where to where across, and where the fewest stand."""

    window: Window
    left: int
    wide: int
    y: int | None


@dataclass(frozen=True)
class Curve:
    """The steps as a path, the quorum's height, the windows, and the first and last moment."""

    path: str
    needed: int | None
    shades: tuple[Shade, ...]
    first: datetime
    last: datetime
    top: int  # the number at the upper edge
    upper: int
    ground: int
    left: int = _LEFT
    right: int = WIDE - _RIGHT


def curve(hall: Hall) -> Curve | None:
    """A meeting as a step curve over its time, in whole units; None where nobody came."""
    if not hall.steps:
        return None
    ends = [hall.closed.at] if hall.closed else []
    windows = [m.at for w in hall.windows for m in (w.opened, w.closed) if m]
    moments = [*(step.event.at for step in hall.steps), *windows, *ends]
    first, last = min(moments), max(moments)
    span = max(int((last - first).total_seconds()), 1)
    most = max(hall.due, hall.needed or 0, *(step.there for step in hall.steps), 1)
    ground, across = HIGH - _FOOT, WIDE - _LEFT - _RIGHT

    def x(at: datetime) -> int:
        return _LEFT + across * int((at - first).total_seconds()) // span

    def y(number: int) -> int:
        return ground - (ground - _TOP) * number // most

    path = [f"M{_LEFT} {ground}"]
    path += [part for s in hall.steps for part in (f"H{x(s.event.at)}", f"V{y(s.there)}")]
    shades = tuple(
        Shade(
            w,
            x(w.opened.at),
            max(x(w.closed.at if w.closed else last) - x(w.opened.at), 2),
            None if w.least is None else y(w.least),
        )
        for w in hall.windows
    )
    return Curve(
        path=" ".join([*path, f"H{WIDE - _RIGHT}"]),
        needed=None if hall.needed is None else y(hall.needed),
        shades=shades,
        first=first,
        last=last,
        top=most,
        upper=_TOP,
        ground=ground,
    )
