"""The states that a row can be in, one enumeration a table; the schema holds them too."""

from __future__ import annotations

from enum import StrEnum


class InstanceState(StrEnum):
    """`running` and `suspended` are alive; the other three are final."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"


class TaskState(StrEnum):
    """A user task, or what was said at the launch or by a message, which is done at once."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class TimerState(StrEnum):
    """`broken`: what it lets happen failed; it waits until somebody tries again."""

    WAITING = "waiting"
    FIRED = "fired"
    CANCELLED = "cancelled"
    BROKEN = "broken"


class PollState(StrEnum):
    """`called`: its tellers take their keys; `counting`: they count and sign."""

    CALLED = "called"
    OPEN = "open"
    COUNTING = "counting"
    CLOSED = "closed"
    VOID = "void"


class SendingState(StrEnum):
    """`sending`: a worker is at it, or was killed; `void`: nothing was left to tell; `failed`:
    given up.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    VOID = "void"
    FAILED = "failed"


class MeetingState(StrEnum):
    """`called`: people may arrive already; `open`: its roll is frozen."""

    CALLED = "called"
    OPEN = "open"
    CLOSED = "closed"
    VOID = "void"


class DefinitionState(StrEnum):
    """A version of a process, on its way past two people. `own`: the installation knows its files
    only because a union has, or proposed, it as a version of its own.
    """

    PROPOSED = "proposed"
    PUBLISHED = "published"
    REFUSED = "refused"
    RETIRED = "retired"
    OWN = "own"


class OwnVersionState(StrEnum):
    """A union's own version of a process, on its way past two people; `ended`: another one, or
    the common version, took its place.
    """

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    REFUSED = "refused"
    ENDED = "ended"


class SettingState(StrEnum):
    """A unit's own value of a rule, on its way past two people."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    REFUSED = "refused"


class DocumentState(StrEnum):
    """What became of a number that was given; what it was given to is kept."""

    ISSUED = "issued"
    CORRECTED = "corrected"
    VOID = "void"


class ProposalState(StrEnum):
    """A proposal, or a correction of a document: it takes two people and waits for the second.
    WITHDRAWN: taken back by who proposed it.
    """

    PROPOSED = "proposed"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class BatchState(StrEnum):
    """An import: looked at, then carried out, perhaps taken back."""

    PREVIEWED = "previewed"
    DONE = "done"
    UNDONE = "undone"


ALIVE = (InstanceState.RUNNING, InstanceState.SUSPENDED)
FINAL = (InstanceState.ENDED, InstanceState.WITHDRAWN, InstanceState.TERMINATED)
POLL_RUNNING = (PollState.CALLED, PollState.OPEN, PollState.COUNTING)


class StartState(StrEnum):
    """What the calendar starts. `missed`: nothing was started yet, and is tried again; `dropped`:
    somebody said that nothing has to be.
    """

    BEGUN = "begun"
    MISSED = "missed"
    DROPPED = "dropped"
