"""A version of a process as one frozen object: what process.toml, the diagram, the forms and the
decision tables say together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.definitions.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine import decisions, forms, machine
    from engine.definitions.booklet import Booklet
    from engine.definitions.columns import ColumnRule
    from engine.definitions.diagram import Diagram
    from engine.definitions.duties import DutyRule
    from engine.definitions.indicators import Indicators
    from engine.definitions.plans import Plan
    from engine.definitions.provisos import ProvisoRule
    from engine.definitions.several import SeveralRule
    from engine.definitions.shelves import BookRule, RoundRule
    from engine.definitions.starts import StartRule


UNNAMED = Words("", "")
OWNER = Words("提出人", "Initiator")  # where no lane is the owner's
ROWS = Words("每一件一行", "One row for each")  # the table of a form that launches several


@dataclass(frozen=True)
class Rung:
    """After as many urgings in vain as the rule `after` says, `lane` is told too."""

    after: str
    lane: str


@dataclass(frozen=True)
class Lane:
    key: str
    title: Words
    post: str = ""
    unit: str = ""  # "tenant" (or "union") or an expression that gives a unit id
    person: str = ""  # dotted fact with a member id
    holding: tuple[str, ...] = ()  # posts of the union by which persons act: by one of them
    sees: bool = False  # whom it means finds the matter, though no task was put before them
    leaves: bool = False  # whom it means no more does not find it any more
    urging: tuple[Rung, ...] = ()  # who is told when its tasks were urged in vain, upwards

    @property
    def of_union(self) -> bool:
        """Is the post one of the union itself?"""
        return self.unit in ("tenant", "union")


@dataclass(frozen=True)
class RollRule:
    """People whom several places of a folder mean: an expression giving member ids, named once."""

    key: str
    title: Words
    members: str


@dataclass(frozen=True)
class PollRule:
    """How a user task is put to a roll: see docs/architecture.md."""

    kind: str
    roll: str
    choices: tuple[str, ...]
    labels: dict[str, Words]
    closes: str
    passes: str
    early: str
    closable: str
    withdrawal: bool
    words: Words  # the rule in words; {RULE-ID} stands for its number
    secret: bool = False
    tellers: str = ""  # expression giving member ids
    keys: str = ""  # rule: how many tellers open the envelopes together
    signs: str = ""  # expression over `signed` and `tellers`: enough have signed; empty: all
    declared: bool = False  # who presides declares the signed result, and only then it is shown
    paper: bool = False
    totals: bool = False  # only totals are told: no part below the least number is counted
    meeting: str = ""  # the task that holds the meeting
    in_order: bool = False
    candidates: str = ""
    seats: str = ""
    wins: str = ""
    write_in: str = ""  # members who may be written in beside the candidates of a secret election
    write_in_wins: str = ""  # may one of them win a seat, or are their votes only counted
    about: tuple[str, ...] = ()  # facts that are put to the vote, first the question itself
    void: str = "again"  # once void: put again, or "back": the task ends as void
    presider: str = ""  # lane that closes and voids it; empty: see engine/instance/polling.py
    sight: str = "always"  # its roll finds the matter: always, or while it is "open"
    remarks: str = ""  # a post: what its holders said stands in the outcome, by their units
    names: tuple[str, ...] | None = (
        None  # the lanes that see who answered what; None: all who see it
    )


@dataclass(frozen=True)
class MeetingRule:
    """A user task that holds a meeting: expressions giving member ids, and the quorum over
    `present` and `due`.

    `beside`: the task whose meeting shares its hall and check-in; each has its own `name`, roll and
    quorum. While `decides` holds, votes put under that one are this one's.
    """

    formal: str
    observers: str
    guests: str
    quorum: str
    words: Words
    beside: str = ""
    decides: str = ""
    name: Words = UNNAMED


@dataclass(frozen=True)
class Gate:
    """What must hold before an act is accepted: an expression over the facts and the answers just
    given.
    """

    holds: str
    text: Words


@dataclass(frozen=True)
class Guard:
    """What must hold whenever one of these elements is entered or passed, whichever command leads
    there.
    """

    at: frozenset[str]
    holds: str
    text: Words
    basis: str


@dataclass(frozen=True)
class Premise:
    """What must have been, before: told by the last event at one of these elements, if `holds`.
    `on`: the fact with its day; `same_day`: the day of what it has to precede is early enough.
    """

    text: Words
    by: frozenset[str]
    holds: str
    on: str
    same_day: bool = False


@dataclass(frozen=True)
class Claim:
    """What an auditor asks of every instance: did `needs` come before `what`, which happens at
    these elements? `on`: the fact with its day.
    """

    asks: Words
    at: frozenset[str]
    what: Words
    on: str
    basis: str
    needs: tuple[Premise, ...]


@dataclass(frozen=True)
class Tell:
    """What is said to whoever has a task: words with {facts} and {RULE-ID}s in them, while `when`
    holds (empty: always).
    """

    when: str
    text: Words


@dataclass(frozen=True)
class TaskRule:
    id: str
    title: Words
    asks: Words
    lane: str
    due: str = ""
    basis: str = ""
    not_by: tuple[str, ...] = ()
    recuse: str = ""
    gates: tuple[Gate, ...] = ()
    prefill: tuple[str, ...] = ()  # facts whose answers of the same name the form starts with
    outcomes: str = ""
    next: dict[str, Words] | None = None
    poll: PollRule | None = None
    form: forms.Form | None = None
    meeting: MeetingRule | None = None
    room: tuple[str, ...] = ()  # the lanes that may read what was said here; empty: all who see it
    confided: tuple[str, ...] = ()  # of those, the lanes whose later people read it only ...
    handed_on: str = ""  # ... where this holds for them
    link: bool = False  # may be answered from outside by a one-time link
    tells: tuple[Tell, ...] = ()
    batch: bool = False  # may one act do several of it, each by itself?
    each: tuple[str, ...] = ()  # fields that such an act says of each by itself
    suggests: tuple[tuple[str, str], ...] = ()  # what stands there first: field, dotted fact
    happened: str = ""  # the date of its form that is the day of the fact
    undo: bool = False  # may its author take an act back within seconds?
    verbs: frozenset[str] = frozenset()  # allowed beside its decision: some of definitions/verbs.py
    provisos: ProvisoRule | None = None  # it may agree on conditions, which are followed up


@dataclass(frozen=True)
class MessageRule:
    name: str
    title: Words
    asks: Words
    lane: str
    form: forms.Form | None
    state: str = (
        ""  # in which it leaves an instance that it ends: "withdrawn"; "" as the diagram says
    )


@dataclass(frozen=True)
class PublicationRule:
    """What is shown to a circle for a time, of whom each may object once: see
    docs/process-folders.md.

    `after`: the element that opens it; `circle`: expression giving member ids; `shows`: dotted
    facts; `until`: expression giving the end; `lane`: whose tasks show the objections.
    """

    key: str
    title: Words
    asks: Words
    after: str
    circle: str
    shows: tuple[str, ...]
    until: str
    lane: str
    form: forms.Form


@dataclass(frozen=True)
class DocumentRule:
    key: str
    title: Words
    numbering: str
    outside: bool = False  # shown to whoever answers from outside
    encloses: tuple[str, ...] = ()  # dotted answers whose files go along with it then
    places: bool = False  # says the unit and the posts of the people in it
    needs: frozenset[str] = frozenset()  # facts without which nothing is printed
    optional: frozenset[str] = frozenset()  # facts that may be missing
    declared: bool = True  # False: an older version, which says neither; read from its templates
    signed_by: frozenset[str] = frozenset()  # posts of the union; none: whoever acts may issue it

    @property
    def reads(self) -> frozenset[str]:
        """All facts that may stand in it."""
        return self.needs | self.optional


@dataclass(frozen=True)
class EntryRule:
    """Who enters what somebody handed in on paper: holders of these `posts` in the union; `scan`:
    the files of the launch form among which the paper is.
    """

    posts: tuple[str, ...]
    scan: str


@dataclass(frozen=True)
class Statistics:
    """What the yearly numbers of a process are told by: two dotted facts, and the outcomes in
    words.
    """

    kind: str
    outcome: str
    outcomes: Mapping[str, Words]


@dataclass(frozen=True)
class Process:
    """One immutable version. `raw` is process.toml as read, for what only one place needs.

    `tasks` also holds "launch", the messages and the publications: what is said there is kept and
    shown like a task's answers.
    """

    id: str
    hash: str
    title: Words
    summary: Words
    basis: Words
    numbering: str
    number_key: str
    subject: str
    launch: tuple[str, ...]
    owner: str  # the answer of the launch that names who owns an instance
    owner_asked: bool  # does its form ask for it, or is it whoever starts?
    entry: EntryRule | None  # for whoever may launch; None: each launches for themselves
    search: tuple[str, ...]
    present: tuple[str, ...]  # the facts that are the matter, in reading order; none: see queries
    confidentiality: str
    disclosed_by: frozenset[str]  # elements after which a confidential matter is one no more
    binding_after: frozenset[str]  # actions after which nobody ends it alone
    lanes: dict[str, Lane]
    rolls: dict[str, RollRule]
    rooms: Mapping[
        str, tuple[str, ...]
    ]  # dotted facts that no form asks -> the lanes that read them
    tasks: dict[str, TaskRule]
    actions: dict[str, dict[str, Any]]
    messages: dict[str, MessageRule]
    publications: dict[str, PublicationRule]
    books: dict[str, BookRule]
    rounds: dict[str, RoundRule]
    documents: dict[str, DocumentRule]
    decisions: dict[str, decisions.DecisionTable]
    guards: tuple[Guard, ...]
    claims: tuple[Claim, ...]
    columns: tuple[ColumnRule, ...]  # of the table of its instances, in order
    statistics: Statistics | None
    plan: Plan | None
    indicators: Indicators | None
    booklet: Booklet | None
    duties: tuple[DutyRule, ...]
    starts: tuple[StartRule, ...]  # what the calendar starts
    several: SeveralRule | None  # may one form launch several?
    launch_form: forms.Form
    diagram: Diagram
    spec: machine.Spec
    raw: dict[str, Any]
    files: Mapping[str, str]

    @cached_property
    def dated(self) -> bool:
        """Do its acts tell when they happened? A version from before that knows the entry only."""
        return any(rule.happened for rule in self.tasks.values())

    @property
    def batch(self) -> tuple[str, ...]:
        """The tasks of which several may be done by one act."""
        return tuple(sorted(rule.id for rule in self.tasks.values() if rule.batch))

    @property
    def owner_key(self) -> str:
        """The key of `owner` among the answers of the launch."""
        return self.owner.removeprefix("launch.")

    @property
    def owner_title(self) -> Words:
        """What whoever owns an instance is called: as their lane."""
        lanes = (lane.title for lane in self.lanes.values() if lane.person == self.owner)
        return next(lanes, OWNER)

    def is_user_task(self, element: str) -> bool:
        """Is it a user task of the diagram?"""
        found = self.diagram.elements.get(element)
        return found is not None and found.type == "userTask"

    def following(self, element: str) -> tuple[str, ...]:
        """The service tasks and ends that may follow a task without another user task between."""
        elements, found = self.diagram.elements, list[str]()
        waiting = [flow.target for flow in self.diagram.flows if flow.source == element]
        while waiting:
            here = elements.get(waiting.pop(0))
            waits = here is None or here.type in ("userTask", "intermediateCatchEvent")
            if here is None or waits or here.id in found:
                continue
            found.append(here.id)
            waiting += [flow.target for flow in self.diagram.flows if flow.source == here.id]
        return tuple(found)

    def field_of(self, element: str, key: str) -> forms.Field | None:
        """The field of the form of a task, message or the launch; None when there is none."""
        rule = self.tasks.get(element)
        form = self.launch_form if element == "launch" else rule.form if rule else None
        return next((each for each in form.asked if each.key == key), None) if form else None

    def title_of(self, element: str, lang: str = "zh") -> str:
        """What a person calls an element of the diagram."""
        if element in self.tasks:
            return self.tasks[element].title.in_(lang)
        found = self.diagram.elements.get(element)
        names = self.raw.get("names_en", {})
        if lang.startswith("en") and element in names:
            return str(names[element])
        return found.name if found and found.name else element
