"""A poll, its roll and its box, and the meeting under which it is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NotRequired, TypedDict

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Presence(TypedDict, total=False):
    """Formal members in the hall when a poll under a meeting opened, and when it closed."""

    opening: int
    closing: int
    least: int  # the fewest at once in between; older polls lack it and what follows
    due: int
    needed: int  # the smallest number that makes the quorum
    after: int  # the last entry of the ledger when the poll opened


class WriteIn(TypedDict):
    """Those who may be written in on a ballot: how many, the digest of their ids, and whether one
    of them may win a seat.
    """

    n: int
    roll_hash: str
    wins: bool


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
    write_in: NotRequired[WriteIn]  # where somebody may be written in
    keys: NotRequired[int]  # of a secret poll: how many tellers open it together
    signs: NotRequired[str]  # when enough tellers have signed; without it all have to
    declared: NotRequired[bool]  # who presides declares what the tellers have signed
    about: NotRequired[list[list[Any]]]
    sight: NotRequired[str]  # "open": its roll finds the matter while it runs
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
