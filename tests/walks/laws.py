"""What must hold in every walk. A law counts how often it met its event in the walk's own steps: one that met none proves
nothing.

The shares of the law are written here once more, in whole numbers, so that the product's own arithmetic is not its judge.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import clock
from engine.db import tables
from engine.db.states import TaskState
from engine.scenarios.progress import WAITING
from tests.walks.starts import LAST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.walks.record import Event, Record

TWO_THIRDS, HALF, SECONDS = Fraction(2, 3), Fraction(1, 2), 3


@dataclass(frozen=True)
class Law:
    """`holds` raises AssertionError, or gives how often the law met its event. `near` are the tasks of a story shortly
    before which such an event lies; empty: anywhere."""

    name: str
    holds: Callable[[Record], int]
    near: tuple[str, ...] = ()


# --- every process ------------------------------------------------------------------------------------------------------
def nothing_is_open_after_an_end(record: Record) -> int:
    """An instance that is over has no open task, poll, meeting or timer, and no machine that could go on."""
    if record.row.state in ("running", "suspended"):
        return 0
    assert record.row.machine is None and record.row.ended_at is not None, record.row.state
    left = {
        "task": _count(record, tables.task, ("open",)),
        "poll": _count(record, tables.poll, WAITING),
        "meeting": _count(record, tables.meeting, ("called", "open")),
        "timer": _count(record, tables.timer, ("waiting",)),
    }
    assert not any(left.values()), left
    return int(bool(record.events) and record.events[-1].own)


def _count(record: Record, table: Any, states: Iterable[str]) -> int:
    where = table.c.instance_id == record.row.id, table.c.state.in_(tuple(states))
    query = select(func.count()).select_from(table).where(*where)
    return int(record.session.execute(query).scalar_one())


def nobody_acts_twice_where_separated(record: Record) -> int:
    """Whoever did one of the tasks named in `not_by` did not do the other."""
    met = 0
    for place, event in record.own():
        if event.kind != "task_completed":
            continue
        apart = record.process.tasks[event.says["task"]].not_by
        if not apart or not event.actor:
            continue
        met += 1
        doers = {e.actor for e in record.before(place) if e.completes(*apart)}
        assert event.actor not in doers, event
    return met


def nobody_votes_twice(record: Record) -> int:
    """Of each poll everybody has at most one answer that stands, and only while it is open."""
    standing: Counter[tuple[str, str]] = Counter()
    closed: set[str] = set()
    met = 0
    for event in record.events:
        poll = event.says.get("poll", "")
        if event.kind in ("poll_answered", "poll_answer_withdrawn", "ballot_cast"):
            assert poll not in closed, event
            standing[poll, event.actor] += -1 if event.kind == "poll_answer_withdrawn" else 1
            assert standing[poll, event.actor] in (0, 1), event
            met += event.own and event.kind == "poll_answered"
        elif event.kind in ("poll_closed", "poll_stopped"):
            closed.add(poll)
    return met


def no_day_is_out_of_its_bounds(record: Record) -> int:
    """A day that was entered lies between those its form names: not after the day of the entry where it says
    "today", not before the day of an earlier act that it names (`report.held_on`).
    """
    table = tables.task
    where = table.c.instance_id == record.row.id, table.c.state == TaskState.DONE
    done = record.session.execute(select(table).where(*where).order_by(table.c.closed_at)).all()
    own = Counter(e.says["task"] for _, e in record.own() if e.kind == "task_completed")
    known: dict[str, Any] = {}
    left, met = Counter(row.element for row in done), 0
    for row in done:
        if left[row.element] <= own[row.element]:
            met += _days_within(record, row, known)
        left[row.element] -= 1
        known |= {f"{row.element}.{key}": value for key, value in (row.answers or {}).items()}
    return met


def _days_within(record: Record, row: Any, known: dict[str, Any]) -> int:
    rule, met = record.process.tasks.get(row.element), 0
    here = {"today": clock.day_of(row.closed_at).isoformat()}
    here |= {f"{row.element}.{key}": value for key, value in (row.answers or {}).items()}
    for each in rule.form.asked if rule and rule.form else ():
        day = (row.answers or {}).get(each.key)
        first, last = (
            {**known, **here}.get(b) for b in (each.bounds.not_before, each.bounds.not_after)
        )
        if not isinstance(day, str) or not (first or last):
            continue
        met += 1
        assert not first or day >= first, (row.element, each.key, day, first)
        assert not last or day <= last, (row.element, each.key, day, last)
    return met


def a_consent_is_everybodys(record: Record) -> int:
    """Where all must agree, the outcome is a yes exactly when all on the roll said yes; silence is none."""
    met = 0
    for _place, event in record.own():
        if event.kind != "poll_closed":
            continue
        opened, outcome = record.opening(event.says["poll"]).says, event.says["outcome"]
        if opened.get("rule") != "yes == roll":
            continue
        met += 1
        assert outcome["passed"] == (outcome["yes"] == opened["roll"]), outcome
        assert outcome["yes"] == _answered(record, event, "yes"), outcome
    return met


def _answered(record: Record, closed: Event, choice: str) -> int:
    """How many answers of this choice stand in the history of a poll."""
    kinds = {"poll_answered": 1, "poll_answer_withdrawn": -1}
    return sum(
        kinds.get(e.kind, 0)
        for e in record.events
        if e.says.get("poll") == closed.says["poll"] and e.says.get("choice") == choice
    )


# --- meetings -----------------------------------------------------------------------------------------------------------
def _of_all(record: Record, outcome: dict[str, Any]) -> int:
    """The number that quorum and majority are shares of: all members of the committee, else the roll."""
    return int(record.row.facts.get("committee", {}).get("size", outcome["roll"]))


def _in_meetings(record: Record) -> list[Event]:
    """The polls of meetings that the walk itself closed."""
    return [
        e
        for _, e in record.own()
        if e.kind == "poll_closed" and "present_at_opening" in e.says["outcome"]
    ]


def a_vote_is_opened_before_a_quorum(record: Record) -> int:
    """No vote was put in a meeting without two thirds of all present; nobody voted who was not there."""
    closed = _in_meetings(record)
    for event in closed:
        outcome = event.says["outcome"]
        of_all = _of_all(record, outcome)
        assert outcome["present_at_opening"] >= TWO_THIRDS * of_all, outcome
        assert outcome["answered"] <= outcome["roll"] <= of_all, outcome
    return len(closed)


def a_passed_vote_reached_quorum_and_share(record: Record) -> int:
    """Passed: more than half of all said yes; in an election, each of the elected was chosen by more than half."""
    met = 0
    for event in _in_meetings(record):
        outcome = event.says["outcome"]
        of_all = _of_all(record, outcome)
        for person in outcome.get("elected", ()):
            assert outcome["votes"][person] > HALF * of_all, outcome
        if not outcome["passed"]:
            continue
        met += 1
        assert outcome["present_at_opening"] >= TWO_THIRDS * of_all, outcome
        if "elected" in outcome:
            assert len(outcome["elected"]) == outcome["seats"], outcome
        else:
            assert outcome["yes"] > HALF * of_all, outcome
    return met


# --- the transfer of a cadre --------------------------------------------------------------------------------------------
def consents_come_before_the_order(record: Record) -> int:
    """No order of transfer before the committee's vote, the superior's consent and the sheet that shows both."""
    met = 0
    for place, event in record.own():
        if not event.issues("transfer_order"):
            continue
        met += 1
        before = record.before(place)
        votes = [
            e for e in before if e.kind == "poll_closed" and e.says["task"] == "committee_vote"
        ]
        assert votes and votes[-1].says["outcome"]["passed"], "no consent of the committee"
        sheets = [e.seq for e in before if e.issues("consent_sheet")]
        replies = [e.seq for e in before if e.completes("superior_sign", "outside_reply")]
        assert replies and sheets and votes[-1].seq < replies[-1] < sheets[-1], "out of order"
        assert record.row.facts["superior_reply"]["decision"] == "consent", record.row.facts
    return met


def the_person_concerned_has_no_vote(record: Record) -> int:
    """Whoever is to be moved neither votes in the committee nor decides."""
    met = 0
    for _place, event in record.own():
        decides = event.completes(
            "party_decision", "put_vote", "committee_minutes", "file_consents"
        )
        votes = event.kind == "poll_answered" and event.says["task"] == "committee_vote"
        if decides or votes:
            met += 1
            assert event.actor != record.row.facts["case"]["person"], event
    return met


# --- mediation ----------------------------------------------------------------------------------------------------------
SIGNED = {
    "sign_applicant": "sign",
    "sign_respondent": "sign",
    "sign_mediator": None,
    "seal": "seal",
}


def an_agreement_has_its_four_signatures(record: Record) -> int:
    """Both parties, a mediator and the seal, all since the text was last handed out: only then it is an agreement."""
    met = 0
    for place, event in record.own():
        if not event.issues("agreement"):
            continue
        met += 1
        before = record.before(place)
        if checked := [e for e in before if e.completes("check_late_paper")]:
            _confirmed_by_a_second(before, checked[-1])
            continue
        handed_out = max(e.seq for e in before if e.completes("joint_session"))
        since = [e for e in before if e.seq > handed_out and e.completes(*SIGNED)]
        put = {
            e.says["task"] for e in since if SIGNED[e.says["task"]] in (None, e.says.get("outcome"))
        }
        assert put == set(SIGNED), put
    return met


def _confirmed_by_a_second(before: tuple[Event, ...], checked: Event) -> None:
    """An agreement that was signed in time and entered after the term: one entered it, another confirmed it."""
    entered = [e for e in before if e.completes("late_paper")][-1]
    assert checked.says["outcome"] == "confirm" and entered.says["outcome"] == "found", checked
    assert checked.actor != entered.actor, checked
    assert any(e.issues("termination_correction") for e in before), checked


def a_mediation_ends_one_way(record: Record) -> int:
    """Its result is an agreement that was issued, or a notice that says why there is none; never both, but where the notice
    was corrected.
    """
    ends = [
        e
        for _, e in record.own()
        if e.kind == "decision_taken" and e.says["decision"] == "mediation_exit"
    ]
    corrected = any(e.issues("termination_correction") for e in record.events)
    for end in ends[1:] if corrected else ends:
        agreed = end.says["result"]["result"] == "agreed"
        agreements = [e for e in record.events if e.issues("agreement")]
        notices = [e for e in record.events if e.issues("termination", "decline_notice")]
        assert bool(agreements) == agreed, end
        assert bool(notices) == (corrected or not agreed), end
    assert len(ends) <= 1 + corrected, ends
    return len(ends)


# --- hardship -----------------------------------------------------------------------------------------------------------
SEATS = 7  # of the panel in every story


def help_is_paid_after_the_panel_passed_it(record: Record) -> int:
    """No notice of help without the latest vote of the panel being more than half of all seats, two thirds taking part."""
    met = 0
    for place, event in record.own():
        if not event.issues("decision"):
            continue
        met += 1
        votes = [
            e
            for e in record.before(place)
            if e.kind == "poll_closed" and e.says["task"] == "panel_vote"
        ]
        outcome = votes[-1].says["outcome"]
        assert outcome["yes"] > SEATS * HALF, outcome
        assert outcome["answered"] >= SEATS * TWO_THIRDS, outcome
    return met


def whoever_asks_has_no_vote(record: Record) -> int:
    """Nobody of the applicant's household votes, checks or pays."""
    met = 0
    for _place, event in record.own():
        votes = event.kind == "poll_answered"
        if votes or event.completes("check", "convene", "pay", "pay_urgent", "chair_decides"):
            met += 1
            assert event.actor != record.row.facts["launch"]["mover"], event
    return met


# --- union funds ---------------------------------------------------------------------------------------------------------
def nothing_is_sent_up_unless_both_committees_passed_it(record: Record) -> int:
    """Before each request the latest vote of either committee passed."""
    met = 0
    for place, event in record.own():
        if not event.issues("request_letter"):
            continue
        met += 1
        closed = [e for e in record.before(place) if e.kind == "poll_closed"]
        for task in ("committee_vote", "audit_vote"):
            votes = [e for e in closed if e.says["task"] == task]
            assert votes[-1].says["outcome"]["passed"], (task, event)
    return met


# --- what was done elsewhere ---------------------------------------------------------------------------------------------
def nobody_checks_an_entry_of_their_own(record: Record) -> int:
    met = 0
    for _place, event in record.own():
        if event.completes("confirm"):
            met += 1
            assert event.actor != str(record.row.starter_id), event
    return met


# --- motions ------------------------------------------------------------------------------------------------------------
def a_motion_goes_on_with_its_seconds(record: Record) -> int:
    """The window of seconding closed: it goes to review exactly when three others than the mover stand behind it."""
    met = 0
    for _place, event in record.own():
        if event.kind == "poll_closed" and event.says["task"] == "second":
            met += 1
            outcome = event.says["outcome"]
            assert outcome["yes"] == _answered(record, event, "yes"), outcome
            assert outcome["passed"] == (outcome["yes"] >= SECONDS), outcome
    return met


# --- collective contracts -----------------------------------------------------------------------------------------------
def a_contract_is_filed_after_congress_and_chiefs(record: Record) -> int:
    """No contract goes to the authority before the congress passed it and both chief representatives signed."""
    met = 0
    for place, event in record.own():
        if not event.issues("filing_statement"):
            continue
        met += 1
        before = record.before(place)
        signed = [
            e
            for e in before
            if e.kind == "poll_closed"
            and e.says["task"] == "sign_contract"
            and e.says["outcome"]["passed"]
        ]
        resolutions = ("congress_resolution", "change_resolution")
        resolved = [e.seq for e in before if any(map(e.issues, resolutions))]
        assert signed and resolved and resolved[-1] < signed[-1].seq, "filed without its consents"
    return met


GENERAL = (
    Law("nothing is open after an end", nothing_is_open_after_an_end, (LAST,)),
    Law("no day is out of its bounds", no_day_is_out_of_its_bounds),
)
SEPARATED = nobody_acts_twice_where_separated
LAWS: dict[str, tuple[Law, ...]] = {
    "cadre_transfer": (
        Law("consents come before the order", consents_come_before_the_order, ("settle",)),
        Law("the person concerned has no vote", the_person_concerned_has_no_vote),
        Law(
            "a vote is opened before a quorum",
            a_vote_is_opened_before_a_quorum,
            ("committee_vote",),
        ),
        Law(
            "a passed vote reached quorum and share",
            a_passed_vote_reached_quorum_and_share,
            ("committee_vote",),
        ),
        Law("nobody acts twice where separated", SEPARATED, ("superior_sign",)),
        Law("nobody votes twice", nobody_votes_twice, ("committee_vote",)),
    ),
    "collective_consultation": (
        Law("a consent is everybody's", a_consent_is_everybodys, ("sign_record", "sign_contract")),
        Law(
            "a contract is filed after congress and chiefs",
            a_contract_is_filed_after_congress_and_chiefs,
            ("file",),
        ),
        Law("nobody votes twice", nobody_votes_twice, ("sign_record", "sign_contract")),
    ),
    "congress_motion": (
        Law("a motion goes on with its seconds", a_motion_goes_on_with_its_seconds, ("second",)),
        Law("nobody acts twice where separated", SEPARATED, ("settle", "sign", "presidium_review")),
        Law("nobody votes twice", nobody_votes_twice, ("second",)),
    ),
    "congress_session": (
        Law(
            "a vote is opened before a quorum",
            a_vote_is_opened_before_a_quorum,
            ("preparatory", "open_vote", "secret_vote", "election"),
        ),
        Law(
            "a passed vote reached quorum and share",
            a_passed_vote_reached_quorum_and_share,
            ("preparatory", "open_vote", "secret_vote", "election"),
        ),
        Law("nobody acts twice where separated", SEPARATED, ("sign_minutes",)),
        Law("nobody votes twice", nobody_votes_twice, ("preparatory", "open_vote")),
    ),
    "dispute_mediation": (
        Law(
            "an agreement has its four signatures",
            an_agreement_has_its_four_signatures,
            ("sign_mediator", "seal"),
        ),
        Law("a mediation ends one way", a_mediation_ends_one_way),
        Law("a consent is everybody's", a_consent_is_everybodys, ("confirm",)),
        Law("nobody acts twice where separated", SEPARATED, ("seal",)),
        Law("nobody votes twice", nobody_votes_twice, ("disclose", "confirm")),
    ),
    "duty_elsewhere": (
        Law("nobody checks an entry of their own", nobody_checks_an_entry_of_their_own),
    ),
    "funds_budget": (
        Law(
            "nothing is sent up unless both committees passed it",
            nothing_is_sent_up_unless_both_committees_passed_it,
            ("request",),
        ),
        Law("nobody acts twice where separated", SEPARATED),
        Law("nobody votes twice", nobody_votes_twice, ("committee_vote", "audit_vote")),
    ),
    "hardship_help": (
        Law(
            "help is paid after the panel passed it",
            help_is_paid_after_the_panel_passed_it,
            ("panel_vote",),
        ),
        Law("whoever asks has no vote", whoever_asks_has_no_vote, ("check", "panel_vote")),
        Law("nobody acts twice where separated", SEPARATED, ("pay",)),
        Law("nobody votes twice", nobody_votes_twice, ("panel_vote",)),
    ),
}

WITHOUT = {("duty_elsewhere", "no day is out of its bounds")}  # all its days are of the launch


def laws_of(process_id: str) -> tuple[Law, ...]:
    """The laws that the walks of a process must meet."""
    general = [law for law in GENERAL if (process_id, law.name) not in WITHOUT]
    return (*general, *LAWS[process_id])
