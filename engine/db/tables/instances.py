"""Instances with their links, tasks, timers, drafts and number series."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from engine.db.states import InstanceState, TaskState, TimerState
from engine.db.tables.base import metadata, moment, ref, state

POLL_WINDOW = -1  # timer.ref of the end of a poll's window, of which the machine knows nothing
WITHOUT_TASK = (
    0  # task.ref of the answers of the launch or of a message, which have no task in the machine
)

instance = Table(
    "instance",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("process_id", Text, nullable=False),
    Column("version", Text, ForeignKey("definition.hash"), nullable=False),
    ref("union_id", "unit.id", nullable=False),
    ref("unit_id", "unit.id"),  # where the starter belongs
    ref("starter_id", "member.id", nullable=False),
    Column("number", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("grams", ARRAY(Text), nullable=False),  # two-character pieces of the searched facts
    *state(InstanceState),
    Column("outcome", Text, nullable=False, server_default=""),  # id of the end event
    Column(
        "stage", ARRAY(Text), nullable=False, server_default=text("'{}'")
    ),  # ids of the open elements
    Column("machine", JSONB),  # gone when ended: the history keeps everything
    Column("facts", JSONB, nullable=False),
    Column(
        "salt", LargeBinary
    ),  # of the digests by which events tell the facts; gone when the matter is erased
    Column(
        "rounds", JSONB, nullable=False, server_default=text("'{}'::jsonb")
    ),  # task id -> times finished
    Column("seq", Integer, nullable=False),  # of the last event
    Column("head", LargeBinary, nullable=False),  # hash of the last event
    Column("revision", Integer, nullable=False, server_default=text("1")),
    moment("started_at", nullable=False),
    moment("changed_at", nullable=False),
    moment("ended_at"),
    moment("suspended_at"),
    moment("held_until"),  # while an act in it is held, see held_act
    Column(
        "confidential", Boolean, nullable=False, server_default=text("false")
    ),  # only those named in it know of it
    Column("stopped_days", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("union_id", "number"),
    Index("ix_instance_union_id", "union_id", "id", postgresql_include=["confidential"]),
    Index(
        "ix_instance_alive",
        "union_id",
        "id",
        postgresql_where=text("state IN ('running', 'suspended')"),
    ),
    Index("ix_instance_starter", "starter_id", "id"),
    Index("ix_instance_process", "union_id", "process_id", "id"),
    Index("ix_instance_state", "union_id", "state", "id"),
    Index("ix_instance_started", "union_id", "started_at"),
    Index(
        "ix_instance_ended", "union_id", "ended_at", postgresql_where=text("ended_at IS NOT NULL")
    ),
    Index("ix_instance_held", "held_until", postgresql_where=text("held_until IS NOT NULL")),
    Index(  # somebody agreed on conditions, see instance/provisos.py
        "ix_instance_provisos", "union_id", postgresql_where=text("facts ? '_provisos'")
    ),
    Index(  # launched by one act, see instance/groups.py
        "ix_instance_several",
        text("(facts #>> '{launch,several,id}')"),
        postgresql_where=text("facts #>> '{launch,several,id}' IS NOT NULL"),
    ),
    Index(
        "ix_instance_grams", "grams", postgresql_using="gin", postgresql_with={"fastupdate": "off"}
    ),
)

share = Table(  # who may see an instance besides the desks of its union and the rolls of its polls
    "share",
    metadata,
    Column(
        "key", Uuid, nullable=False
    ),  # a member's id, or organisation.seat_key of "<post>@<unit>"
    Column("instance_id", Uuid, ForeignKey("instance.id"), nullable=False),
    PrimaryKeyConstraint("key", "instance_id"),
)

guest = Table(  # who was let in to a confidential instance, and until which day, that day included
    "guest",
    metadata,
    Column("member_id", Uuid, ForeignKey("member.id"), nullable=False),
    Column("instance_id", Uuid, ForeignKey("instance.id"), nullable=False),
    Column("until", Date, nullable=False),
    PrimaryKeyConstraint("member_id", "instance_id"),
)

link = Table(
    "link",
    metadata,
    Column("from_id", Uuid, ForeignKey("instance.id"), nullable=False),
    Column("to_id", Uuid, ForeignKey("instance.id"), nullable=False),
    Column("kind", Text, nullable=False),
    moment("at", nullable=False),
    PrimaryKeyConstraint("from_id", "to_id", "kind"),
    Index("ix_link_to", "to_id"),
)

task = Table(  # fixed widths first: no padding between
    "task",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    moment("opened_at", nullable=False),
    moment("due_at"),
    moment("closed_at"),
    Column("ref", Integer, nullable=False),  # handle in the machine's state, or WITHOUT_TASK
    Column("revision", Integer, nullable=False, server_default=text("1")),
    ref("assignee_id", "member.id"),
    ref("closed_by", "member.id"),
    ref("handed_by", "member.id"),  # who handed it to whoever has it, and gets it back from them
    Column("element", Text, nullable=False),
    *state(TaskState),
    Column("seat", Text),  # "<post>@<unit>"; empty for a person's own task and for polls
    Column("sent_from", Text),  # the task from which it was sent back to this one
    Column("straight", Boolean, nullable=False, server_default=text("false")),  # and leads there
    Column("due", JSONB),  # {"rule","provisional","on","steps","extended","reminded"}
    Column("answers", JSONB),
    Column("salt", LargeBinary),
    Index("ix_task_instance", "instance_id"),
    Index(
        "ix_task_open_assignee",
        "assignee_id",
        "due_at",
        postgresql_where=text("state = 'open' AND assignee_id IS NOT NULL"),
    ),
    Index("ix_task_due", "due_at", postgresql_where=text("state = 'open' AND due_at IS NOT NULL")),
    Index(
        "ix_task_open_seat",
        "seat",
        "due_at",
        postgresql_where=text("state = 'open' AND assignee_id IS NULL"),
    ),
    Index("ix_task_open", "instance_id", postgresql_where=text("state = 'open'")),
    Index(
        "ix_task_closed", "closed_by", "closed_at", postgresql_where=text("closed_by IS NOT NULL")
    ),
)

held_act = Table(  # the completion of a task that its author may still take back
    "held_act",
    metadata,
    ref("task_id", "task.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    ref("instance_id", "instance.id", nullable=False),
    moment("given_at", nullable=False),
    moment("until", nullable=False),
    Column("answers", JSONB, nullable=False),  # as they were sent
    Column("salt", LargeBinary, nullable=False),
    Column(
        "why", JSONB(none_as_null=True)
    ),  # it could not be carried out: the reason, until its author has read it
    Column("batch", Uuid),  # of the act over several tasks of which it is one
    PrimaryKeyConstraint("task_id", "member_id"),
    Index("ix_held_act_instance", "instance_id"),
    Index("ix_held_act_member", "member_id"),
)

comment = Table(  # what somebody remarks about a matter, apart from any decision
    "comment",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    moment("at", nullable=False),
    moment("withdrawn_at"),
    Column("element", Text, nullable=False),  # in whose room it stands; "" for all who see it
    Column("text", Text),  # gone with its salt when the matter is erased
    Column("salt", LargeBinary),
    Column("mentions", ARRAY(Uuid), nullable=False),
    Column("read_by", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),  # of them
    Index("ix_comment_instance", "instance_id"),
    Index("ix_comment_mentions", "mentions", postgresql_using="gin"),
)

ask = Table(  # somebody is asked for something beside the decision of a task
    "ask",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    ref("task_id", "task.id", nullable=False),
    ref("by_id", "member.id", nullable=False),
    ref("to_id", "member.id", nullable=False),
    moment("asked_at", nullable=False),
    moment("answered_at"),
    moment("withdrawn_at"),
    Column("what", Text, nullable=False),  # one of definitions/verbs.py: ASKING
    Column("element", Text, nullable=False),
    Column("said", JSONB(none_as_null=True)),  # {"text", "answers"}; gone with the salt when erased
    Column("answer", JSONB(none_as_null=True)),  # {"text", "answers", "view", "declined"}
    Column("salt", LargeBinary),
    Index("ix_ask_instance", "instance_id"),
    Index("ix_ask_task", "task_id"),
    Index(
        "ix_ask_to", "to_id", postgresql_where=text("answered_at IS NULL AND withdrawn_at IS NULL")
    ),
    Index("ix_ask_by", "by_id"),
)

copy = Table(  # a matter is sent to somebody for information; for that alone they may read it
    "copy",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    ref("by_id", "member.id", nullable=False),
    ref("to_id", "member.id", nullable=False),
    moment("at", nullable=False),
    moment("read_at"),
    moment("withdrawn_at"),
    Column("element", Text, nullable=False),  # at which task it was sent; "" at none
    Column("text", Text),  # the note with it, "" none; gone with its salt when the matter is erased
    Column("salt", LargeBinary),
    Index("ix_copy_instance", "instance_id"),
    Index("ix_copy_to", "to_id", postgresql_where=text("withdrawn_at IS NULL")),
)

timer = Table(  # a broken one failed when it fired, and waits until somebody tries again
    "timer",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    Column(
        "element", Text, nullable=False
    ),  # boundary or catch event; for a poll's window its task
    Column("ref", Integer, nullable=False),  # handle in the machine's state, or POLL_WINDOW
    Column("expression", Text, nullable=False),
    ref("task_id", "task.id"),
    *state(TimerState),
    moment("due_at", nullable=False),
    Column("provisional", Boolean, nullable=False, server_default=text("false")),
    moment("since", nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    Index("ix_timer_due", "due_at", postgresql_where=text("state = 'waiting'")),
    Index("ix_timer_instance", "instance_id"),
)

publication = Table(  # what a matter shows to a circle, whose members may object
    "publication",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    Column("element", Text, nullable=False),  # its key in process.toml; its facts stand there
    Column("circle", ARRAY(Uuid), nullable=False),  # the members to whom it is shown
    moment("opened_at", nullable=False),
    moment("until", nullable=False),
    Column("current", Boolean, nullable=False),  # false once it was published anew
    Index("ix_publication_instance", "instance_id"),
    Index(
        "ix_publication_circle",
        "circle",
        postgresql_using="gin",
        postgresql_where=text("current"),
    ),
)

draft = Table(
    "draft",
    metadata,
    ref("member_id", "member.id", nullable=False),
    Column("key", Text, nullable=False),  # "launch:<process>" or "task:<id>"
    Column("answers", JSONB, nullable=False),
    moment("saved_at", nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("member_id", "key"),
)

opened = Table(  # when a person last had an open task before them
    "opened",
    metadata,
    ref("member_id", "member.id", nullable=False),
    ref("task_id", "task.id", nullable=False),
    moment("at", nullable=False),
    PrimaryKeyConstraint("member_id", "task_id"),
)

saved_view = Table(  # a filter under a name of its owner's
    "saved_view",
    metadata,
    ref("member_id", "member.id", nullable=False),
    Column("name", Text, nullable=False),
    Column("wanted", JSONB, nullable=False),  # what is asked of -> text
    Column(
        "place", Text, nullable=False, server_default=""
    ),  # "" the inbox, "grid:<process>" the table of a process
    ref("shared_in", "unit.id"),  # the union whose members find it besides
    PrimaryKeyConstraint("member_id", "place", "name"),
)

seen = Table(  # when a person looked at a matter: what has changed since is marked for them
    "seen",
    metadata,
    ref("member_id", "member.id", nullable=False),
    ref("instance_id", "instance.id", nullable=False),
    moment("at", nullable=False),  # the last time
    moment("since", nullable=False),  # the last time of the sitting before this one
    PrimaryKeyConstraint("member_id", "instance_id"),
    Index("ix_seen_instance", "instance_id"),
)

phrase = Table(  # what a person writes often
    "phrase",
    metadata,
    ref("member_id", "member.id", nullable=False),
    Column("text", Text, nullable=False),
    moment("at", nullable=False),  # when it was kept
    PrimaryKeyConstraint("member_id", "text"),
)

counter = Table(
    "counter",
    metadata,
    ref("union_id", "unit.id", nullable=False),
    Column("key", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("union_id", "key", "year"),
)

invitation = Table(  # a one-time link by which somebody outside answers a task
    "invitation",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("task_id", "task.id", nullable=False),
    Column("token", LargeBinary, nullable=False, unique=True),  # SHA-256 of what stands in the link
    ref("sent_by", "member.id", nullable=False),
    Column("to", Text, nullable=False),  # for whom, in words
    moment("sent_at", nullable=False),
    moment("ends_at", nullable=False),
    moment("used_at"),
    Index("ix_invitation_task", "task_id"),
)
