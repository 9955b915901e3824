"""The rows that travel between functions, with their types. A row is what a SELECT of the whole
table gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NotRequired, TypeAlias, TypedDict

from sqlalchemy import Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from uuid import UUID

# the row of a SELECT whose columns stand beside the function that reads it
Selected: TypeAlias = Row[*tuple[Any, ...]]


class Instance(TypedDict):
    """The row of a process instance as a dict: a unit of work changes it before it is saved."""

    id: UUID
    process_id: str
    version: str
    union_id: UUID
    unit_id: UUID | None
    starter_id: UUID
    number: str
    title: str
    grams: list[str]
    state: str
    outcome: str
    stage: list[str]
    machine: dict[str, Any] | None
    facts: dict[str, Any]
    salt: bytes | None
    rounds: dict[str, int]
    seq: int
    head: bytes
    revision: int
    started_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    suspended_at: datetime | None
    confidential: bool
    stopped_days: int
    union_law: NotRequired[list[Any]]  # see engine/instance/union_law.py: OF_INSTANCE
    closing: NotRequired[str]  # the state that an end event shall give instead of `ended`


class Publication(NamedTuple):
    """What a matter shows to a circle: see tables.publication."""

    id: UUID
    instance_id: UUID
    element: str
    circle: list[UUID]
    opened_at: datetime
    until: datetime
    current: bool


class Task(NamedTuple):
    """`ref`: handle in the machine's state, or tables.WITHOUT_TASK; `due`: see tables.task."""

    id: UUID
    instance_id: UUID
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    ref: int
    revision: int
    assignee_id: UUID | None
    closed_by: UUID | None
    element: str
    state: str
    seat: str | None
    due: Mapping[str, Any] | None
    answers: Mapping[str, Any] | None
    salt: bytes | None


class Timer(NamedTuple):
    """`ref`: handle in the machine's state, or tables.POLL_WINDOW."""

    id: UUID
    instance_id: UUID
    element: str
    ref: int
    expression: str
    task_id: UUID | None
    state: str
    due_at: datetime
    provisional: bool
    since: datetime
    tries: int


class Presence(TypedDict, total=False):
    """Formal members in the hall when a poll under a meeting opened, and when it closed."""

    opening: int
    closing: int
    least: int  # the fewest at once in between; older polls lack it and what follows
    due: int
    needed: int  # the smallest number that makes the quorum
    after: int  # the last entry of the ledger when the poll opened


class PollTerms(TypedDict):
    """The column `rule` of a poll: what was fixed when the question was put, and what is noted
    while it runs.

    `passes`, `wins`: expressions. `early`: all, decided, first or never; `closable`: passes, lane
    or never. `numbers`: the numbers of law that the rules name, shares as "2/3". `about`: pairs of
    a fact and its value then.
    """

    passes: str
    early: str
    closable: str
    withdrawal: bool
    numbers: dict[str, int | str]
    in_order: NotRequired[bool]  # older polls lack it
    paper: NotRequired[bool]  # older polls lack it
    wins: NotRequired[str]  # of an election, with its seats
    seats: NotRequired[int]
    keys: NotRequired[int]  # of a secret poll: how many tellers open it together
    signs: NotRequired[str]  # when enough tellers have signed; without it all have to
    declared: NotRequired[bool]  # who presides declares what the tellers have signed
    about: NotRequired[list[list[Any]]]
    remarks: NotRequired[str]  # the post whose holders' words stand in the outcome
    presence: NotRequired[Presence]  # of a poll under a meeting, from its opening on
    listed: NotRequired[str]  # of an election: in which order the candidates stand
    opened: NotRequired[bool]  # the envelopes are open and counted
    invalid: NotRequired[int]  # envelopes that nobody could read


class Poll(NamedTuple):
    """`rule`: its terms; `counts`: choice -> ballots cast in the system, in an election "answered"
    too.
    """

    id: UUID
    instance_id: UUID
    task_id: UUID
    kind: str
    choices: list[str]
    rule: PollTerms
    state: str
    secret: bool
    tellers: list[UUID]
    public_key: str | None
    meeting_id: UUID | None
    roll_size: int
    roll_hash: str
    counts: dict[str, int]
    outcome: dict[str, Any] | None
    opened_at: datetime
    closes_at: datetime | None
    closed_at: datetime | None


class RollEntry(NamedTuple):
    """One voter of a poll. `choice`: None while they have not answered; of an election the ids
    chosen.
    """

    poll_id: UUID
    member_id: UUID
    open: bool
    position: int
    paper: bool
    choice: str | None
    comment: str
    at: datetime | None


class Box(NamedTuple):
    """The box of a secret poll. `voters`, `board_hash`: from the close on; `urn_hash`, `invalid`:
    when it was opened; `outer_key`, `keeper`: of the outer envelopes (engine/ballots/outer.py),
    where it has them.
    """

    poll_id: UUID
    needed: int
    size: int
    least: int
    most: int
    voters: int | None
    board_hash: str | None
    urn_hash: str | None
    invalid: int | None
    outer_key: bytes | None
    keeper: str | None


class TellerKey(NamedTuple):
    """The public half of a teller's key; `joined`: it has helped to open the box."""

    poll_id: UUID
    member_id: UUID
    salt: bytes
    public: bytes
    joined: bool


class Meeting(NamedTuple):
    """`due`: formal members on the roll; `present`: those of them in the hall."""

    id: UUID
    instance_id: UUID
    task_id: UUID
    state: str
    code: str
    due: int
    present: int
    roll_hash: str
    called_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None


class Document(NamedTuple):
    """`data`: what the template is filled with, empty when it was erased."""

    id: UUID
    instance_id: UUID
    kind: str
    number: str
    title: str
    data: Mapping[str, Any]
    data_sha256: str
    issued_at: datetime
    state: str
    corrects: UUID | None
    template: str | None  # hash of the version that prints it; None: that of its instance


class Unit(NamedTuple):
    """`union_id`: the union it belongs to, itself for a union; `managing_id`, `guiding_id`: the
    unions above that one.
    """

    id: UUID
    code: str
    kind: str
    name: str
    name_en: str
    parent_id: UUID | None
    union_id: UUID
    managing_id: UUID | None
    guiding_id: UUID | None
    owner_type: str
    affiliation: str
    city: str
    active: bool


class Member(NamedTuple):
    """`password`: argon2, None while nobody can log in by one."""

    id: UUID
    username: str
    name: str
    password: str | None
    unit_id: UUID
    union_id: UUID
    phone: str
    email: str
    locale: str
    active: bool
    created_at: datetime


class Post(NamedTuple):
    """A post of a member; both days count."""

    id: UUID
    member_id: UUID
    kind: str
    unit_id: UUID
    term: str
    from_on: date
    to_on: date | None
    ended_why: str


class Checkpoint(NamedTuple):
    """The tree of all events at a size: `root`, the `frontier` that grows on, and who outside holds
    it (or "").
    """

    size: int
    root: bytes
    frontier: bytes
    key_id: str
    signature: bytes
    at: datetime
    witness: str


class Definition(NamedTuple):
    """A version of a process; `hash`: SHA-256 over its `files` (path -> text); `beside`: its
    stories and notes."""

    hash: str
    process_id: str
    number: int
    rank: int
    state: str
    title: str
    title_en: str
    files: dict[str, str]
    beside: dict[str, str]
    author_id: UUID | None
    approver_id: UUID | None


class OwnVersion(NamedTuple):
    """A version of a process that one union has for itself; `based_on`: the one that was in force
    for all when it was proposed.
    """

    id: UUID
    union_id: UUID
    process_id: str
    version: str
    based_on: str
    state: str
    beside: dict[str, str]
    note: str
    author_id: UUID
    approver_id: UUID | None
    created_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None


class Proposal(NamedTuple):
    """What takes two people: `kind` says how `subject` and `body` are read, `scope` is a union
    or INSTALLATION.
    """

    id: UUID
    kind: str
    scope: UUID
    subject: str
    body: dict[str, Any]
    note: str
    state: str
    proposer_id: UUID | None  # None: the command line
    approver_id: UUID | None
    created_at: datetime
    decided_at: datetime | None


class Setting(NamedTuple):
    """A union's own value of a rule: `value`, a share is value/`per`."""

    id: UUID
    unit_id: UUID
    rule_id: str
    value: int
    per: int
    valid_from: date
    valid_to: date | None
    source: str
    state: str
    proposer_id: UUID
    approver_id: UUID | None
    created_at: datetime
    decided_at: datetime | None


class Vacation(NamedTuple):
    """Both days are free."""

    id: UUID
    unit_id: UUID
    name: str
    from_on: date
    to_on: date


class Batch(NamedTuple):
    """An import. `rows`: [number, values, faults] each; `report`: what was found, see
    commands/imports/batches.py.
    """

    id: UUID
    union_id: UUID
    member_id: UUID
    kind: str
    file: str
    rows: list[Any]
    report: dict[str, Any]
    state: str
    at: datetime


class Correction(NamedTuple):
    """What somebody proposed about an issued document. `changes`: dotted fact -> what shall
    stand there.
    """

    id: UUID
    document_id: UUID
    kind: str
    reason: str
    template: str | None
    changes: dict[str, str]
    proposer_id: UUID
    created_at: datetime
    approver_id: UUID | None
    decided_at: datetime | None
    state: str
