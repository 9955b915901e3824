"""What the events of instances come to for the duties of a union, period by period. It looks at
nothing but what it is given.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from engine.definitions.duties import LAW, TERM
from engine.history.duties import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from engine.definitions.duties import Duty


@dataclass(frozen=True)
class Noted:
    """An event of an instance about a duty, as `duty_noted` tells it. `elsewhere`: the instance
    enters what was done outside.
    """

    matter: UUID
    duty: str
    mark: Mark
    day: date
    due: date | None
    until: date | None
    elsewhere: bool = False


class Came(StrEnum):
    """What an instance comes to for a duty. LATE: done after its last day; OVERDUE: not done, its
    last day is over; CLOSED: it ended without; VOID: withdrawn, terminated, or done no more.
    """

    DONE = "done"
    LATE = "late"
    OPEN = "open"
    OVERDUE = "overdue"
    BREACHED = "breached"
    NONE = "none"
    CLOSED = "closed"
    VOID = "void"


FINISHED = (Came.DONE, Came.LATE)
BAD = (Came.LATE, Came.OVERDUE, Came.BREACHED)


@dataclass(frozen=True)
class Case:
    """An instance and a duty. `day`: when it was done or so; of one that is open, when it began.
    `due`: its last day; `until`: how long what was done holds; `elsewhere`: it enters what was
    done outside.
    """

    matter: UUID
    came: Came
    day: date
    due: date | None
    until: date | None
    elsewhere: bool = False

    @property
    def spare(self) -> int | None:
        """Days between its being done and its last day, fewer than none when it was late."""
        return (self.due - self.day).days if self.due and self.came in FINISHED else None

    def stands_in(self, year: int, today: date) -> bool:
        """Does it stand in the ledger of a year: that of its day; what is not finished in all from
        its beginning, or from its last day once that is over, up to now?
        """
        if self.came not in (Came.OPEN, Came.OVERDUE):
            return self.day.year == year
        last = self.due or self.day
        first = last if self.came == Came.OVERDUE else self.day
        return first.year <= year <= max(last, today).year


def case_of(notes: Sequence[Noted], today: date) -> Case:
    """What the events of one instance about one duty, oldest first, come to."""
    first = notes[0]
    found = Case(
        first.matter, Came.OPEN, first.day, first.due, until=None, elsewhere=first.elsewhere
    )
    for note in notes:
        found = _after(found, note)
    if found.came == Came.DONE and found.due and found.day > found.due:
        return replace(found, came=Came.LATE)
    if found.came == Came.OPEN and found.due and today > found.due:
        return replace(found, came=Came.OVERDUE)
    return found


def _after(case: Case, note: Noted) -> Case:
    due = note.due or case.due
    if case.came == Came.BREACHED:  # for ever
        return case
    if note.mark == Mark.OPEN:
        return replace(case, due=due)
    if note.mark == Mark.DONE:
        return replace(case, came=Came.DONE, day=note.day, due=due, until=note.until)
    if note.mark in (Mark.NONE, Mark.CLOSED) and case.came in (Came.DONE, Came.VOID):
        return case  # what was done, or done no more, stays so at the end
    came = Came.VOID if note.mark == Mark.UNDONE else Came(note.mark.value)
    return replace(case, came=came, day=note.day, due=due)


# --- periods --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Span:
    """A period, both days included."""

    first: date
    last: date


def spans(year: int, months: int, shift: int) -> tuple[Span, ...]:
    """The periods of so many months that end in a year whose own year begins `shift` months later
    than that of the calendar.
    """
    ends = (
        date(y, month, monthrange(y, month)[1])
        for n in range(max(1, 12 // months))
        for y, month in [_month(year - (1 if shift else 0), shift + min(months, 12) * (n + 1))]
    )
    return tuple(Span(_first(last, months), last) for last in ends)


def _month(year: int, months: int) -> tuple[int, int]:
    """The month that ends so many months after the first day of a year."""
    return year + (months - 1) // 12, (months - 1) % 12 + 1


def _first(last: date, months: int) -> date:
    before = last.year * 12 + last.month - months  # months since year 0, of the first one
    return date(before // 12, before % 12 + 1, 1)


# --- rows -----------------------------------------------------------------------------------------
class State(StrEnum):
    """How a duty stands in a period. UNKNOWN: nothing is told, and the records begin within it;
    BEFORE: it was over before they began; SECRET: only confidential instances could tell.
    """

    DONE = "done"
    LATE = "late"
    OPEN = "open"
    SOON = "soon"
    NOT_DUE = "not_due"
    OVERDUE = "overdue"
    BREACHED = "breached"
    NO_CASE = "no_case"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"
    BEFORE = "before"
    SECRET = "secret"
    NOT_KEPT = "not_kept"


class Light(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


LIGHTS = {
    State.DONE: Light.GREEN,
    State.LATE: Light.AMBER,
    State.SOON: Light.AMBER,
    State.UNKNOWN: Light.AMBER,
    State.OVERDUE: Light.RED,
    State.BREACHED: Light.RED,
}


@dataclass(frozen=True)
class Standing:
    """How a duty stands: in which period (None: over the year), by which instances. `spare`: days
    to spare of what was done, or until it is due.
    """

    state: State
    light: Light
    span: Span | None
    cases: tuple[Case, ...]
    spare: int | None = None

    def count(self, *came: Came) -> int:
        """How many of its instances came to one of these."""
        return sum(case.came in came for case in self.cases)


@dataclass(frozen=True)
class Terms:
    """By what a union's duties are judged: the day of today, so many days ahead a warning, the
    shares in time for green and amber (None: no such rule), by how many months years begin later,
    and since when the duty is kept.
    """

    today: date
    lead: int
    green: Fraction | None
    amber: Fraction | None
    shift: int
    since: date


def standings(duty: Duty, cases: Sequence[Case], year: int, terms: Terms) -> list[Standing]:
    """How a duty stands in each of its periods that end in the year."""
    period = duty.period
    if period.months:
        found = spans(year, period.months, terms.shift)
        return [_of_span(span, cases, terms) for span in found]
    if period.key == TERM:
        return [_of_term(cases, year, terms)]
    return [_of_occasions(duty, cases, year, terms)]


def _standing(
    state: State, span: Span | None, cases: Iterable[Case], spare: int | None = None
) -> Standing:
    return Standing(state, LIGHTS.get(state, Light.GREY), span, tuple(cases), spare)


def _of_span(span: Span, cases: Sequence[Case], terms: Terms) -> Standing:
    """Done once within the span; its last day is the last day for it."""
    within = [c for c in cases if span.first <= c.day <= span.last and c.came != Came.OPEN]
    done = [c.day for c in within if c.came in FINISHED]
    now = span.first <= terms.today <= span.last
    running = [c for c in cases if now and c.came in (Came.OPEN, Came.OVERDUE)]
    shown = [*within, *(c for c in running if c not in within)]
    if done:
        return _standing(State.DONE, span, shown, (span.last - min(done)).days)
    if terms.today > span.last:
        return _standing(_missed(span.first, span.last, terms.since), span, shown)
    left = (span.last - terms.today).days
    soon = State.SOON if left <= terms.lead else State.NOT_DUE
    return _standing(State.OPEN if running else soon, span, shown, left)


def _missed(first: date, last: date, since: date) -> State:
    """What is over without having been done, by since when it is kept."""
    if last < since:
        return State.BEFORE
    return State.OVERDUE if first >= since else State.UNKNOWN


def _of_term(cases: Sequence[Case], year: int, terms: Terms) -> Standing:
    """What was done holds for a term: does it on the last day of the year, or today?"""
    at = min(terms.today, date(year, 12, 31))
    known = [c for c in cases if c.day <= at]
    done = [c for c in known if c.came in FINISHED]
    shown = [c for c in known if c in done or c.came == Came.OPEN or c.day.year == year]
    holding = max((c.until for c in done if c.until), default=None)
    if holding and holding >= at:
        left = (holding - at).days
        return _standing(State.SOON if left <= terms.lead else State.DONE, None, shown, left)
    if any(c.came == Came.OPEN for c in known):
        return _standing(State.OPEN, None, shown)
    if done and not holding:  # nobody said how long
        return _standing(State.UNKNOWN, None, shown)
    if at < terms.since:
        return _standing(State.BEFORE, None, shown)
    return _standing(State.OVERDUE if done else State.UNKNOWN, None, shown)


_WORST = {  # what one that was not in time makes of a duty
    Came.OVERDUE: State.OVERDUE,
    Came.BREACHED: State.BREACHED,
    Came.LATE: State.LATE,
}


def _of_occasions(duty: Duty, cases: Sequence[Case], year: int, terms: Terms) -> Standing:
    """Each by itself; of a duty of law one that was not in time is one too many."""
    shown = [case for case in cases if case.stands_in(year, terms.today)]
    found = _standing(_occasion(shown, year, terms), None, shown)
    bad, judged = found.count(*BAD), found.count(Came.DONE, *BAD)
    spare = min((c.spare for c in shown if c.spare is not None), default=None)
    if not bad:
        return replace(found, spare=spare)
    light = _light(Fraction(judged - bad, judged), duty.level == LAW, terms)
    return replace(found, light=light, spare=spare)


def _occasion(cases: Sequence[Case], year: int, terms: Terms) -> State:
    """In a word, the worst first."""
    came = {case.came for case in cases}
    if bad := [state for each, state in _WORST.items() if each in came]:
        return bad[0]
    if Came.DONE in came:
        return State.DONE
    if Came.OPEN in came:
        return State.OPEN
    if came & {Came.NONE, Came.CLOSED}:
        return State.NOT_APPLICABLE
    return State.BEFORE if date(year, 12, 31) < terms.since else State.NO_CASE


def _light(in_time: Fraction, of_law: bool, terms: Terms) -> Light:
    if of_law or terms.amber is None or in_time < terms.amber:
        return Light.RED
    if terms.green is None or in_time < terms.green:
        return Light.AMBER
    return Light.GREEN
