"""What people are told outside of the pages: the outbox, what became of it, and what each wishes.

Neither keeps a word of what was told: that is written from the matter as it stands when it goes
out.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.event import listen

from engine.db.states import SendingState
from engine.db.tables.base import metadata, moment, ref, state
from engine.db.tables.instances import copy, task
from engine.db.tables.meetings import meeting
from engine.db.tables.people import deputy
from engine.db.tables.polls import poll

outbox = Table(  # what somebody is to be told of, written by the transaction that made it so
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("what", Text, nullable=False),  # task | urged | poll | meeting | copy | deputy
    Column("thing_id", Uuid, nullable=False),  # the task, poll, meeting, copy or deputy
    ref("instance_id", "instance.id"),  # empty of a deputy
    moment("at", nullable=False),
    moment("spread_at"),  # when a worker knew whom to tell
    Index("ix_outbox_new", "id", postgresql_where=text("spread_at IS NULL")),
    Index("ix_outbox_instance", "instance_id"),
)

sending = Table(  # one message to one person by one channel, and the proof of it
    "sending",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # the same again is the same message
    Column("outbox_id", BigInteger, ForeignKey("outbox.id")),  # empty: the digest of a day
    ref("member_id", "member.id", nullable=False),
    Column("channel", Text, nullable=False),
    *state(SendingState),
    moment("asked_at", nullable=False),
    moment("next_at", nullable=False),  # not before; of one that is being sent: taken up again then
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    # attempts of which nobody knows whether the message went out: the worker was killed
    Column("doubtful", SmallInteger, nullable=False, server_default=text("0")),
    moment("sent_at"),
    moment("read_at"),  # its person opened its link, logged in
    Column("host", Text, nullable=False, server_default=""),  # whose worker sent it
    Column("digest", Text, nullable=False, server_default=""),  # SHA-256 of what was told
    Column("proof", Text, nullable=False, server_default=""),  # what the channel answered
    Column("why", JSONB(none_as_null=True)),  # the last failure
    Index("ix_sending_due", "next_at", postgresql_where=text("state IN ('waiting', 'sending')")),
    Index("ix_sending_member", "member_id", "asked_at"),
    Index("ix_sending_outbox", "outbox_id"),
)

wish = Table(  # how a person wants to be told; without a row as people/wishes.py says
    "wish",
    metadata,
    Column("member_id", Uuid, ForeignKey("member.id"), primary_key=True),
    Column("wanted", JSONB, nullable=False),
    moment("changed_at", nullable=False),
)

feed = Table(  # the secret address of a person's calendar
    "feed",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of the secret
    Column("member_id", Uuid, ForeignKey("member.id"), nullable=False, unique=True),
    moment("created_at", nullable=False),
    moment("read_at"),
)

# A trigger, so that no command can forget it: what comes to somebody and why is in the row itself.
INTO_OUTBOX = """
CREATE OR REPLACE FUNCTION into_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (what, thing_id, instance_id, at)
    VALUES (TG_ARGV[0], NEW.id, NEW.instance_id, clock_timestamp());
    RETURN NULL;
END $$"""
# the same of what belongs to no instance
OF_NO_INSTANCE = """
CREATE OR REPLACE FUNCTION into_outbox_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (what, thing_id, at) VALUES (TG_ARGV[0], NEW.id, clock_timestamp());
    RETURN NULL;
END $$"""
DEPUTY_CAME = """
CREATE OR REPLACE TRIGGER deputy_came AFTER INSERT ON deputy FOR EACH ROW
    EXECUTE FUNCTION into_outbox_alone('deputy')"""
_TRIGGER = """
CREATE OR REPLACE TRIGGER {name} AFTER {when} ON {table} FOR EACH ROW
    WHEN ({condition}) EXECUTE FUNCTION into_outbox('{what}')"""
_SOMEBODYS = "NEW.state = 'open' AND (NEW.assignee_id IS NOT NULL OR NEW.seat IS NOT NULL)"
_ANSWERED_OUTSIDE = "NEW.state = 'open' AND NEW.meeting_id IS NULL AND NEW.kind <> 'seconding'"
TRIGGERS = {
    name: _TRIGGER.format(name=name, table=table, when=when, condition=condition, what=what)
    for name, table, when, condition, what in (
        ("task_came", "task", "INSERT", _SOMEBODYS, "task"),
        (
            "task_went_on",
            "task",
            "UPDATE OF assignee_id, seat",
            f"{_SOMEBODYS} AND (NEW.seat IS DISTINCT FROM OLD.seat "
            "OR NEW.handed_by IS DISTINCT FROM OLD.handed_by)",
            "task",
        ),
        (
            "task_urged",
            "task",
            "UPDATE OF due",
            "NEW.state = 'open' AND (NEW.due->>'reminded', NEW.due->>'urged') "
            "IS DISTINCT FROM (OLD.due->>'reminded', OLD.due->>'urged')",
            "urged",
        ),
        ("poll_came", "poll", "INSERT", _ANSWERED_OUTSIDE, "poll"),
        (
            "poll_opened",
            "poll",
            "UPDATE OF state",
            f"{_ANSWERED_OUTSIDE} AND OLD.state <> 'open'",
            "poll",
        ),
        ("meeting_came", "meeting", "INSERT", "NEW.state IN ('called', 'open')", "meeting"),
        ("copy_came", "copy", "INSERT", "NEW.read_at IS NULL", "copy"),
    )
}
for _table in (task, poll, meeting, copy):
    listen(_table, "after_create", DDL(INTO_OUTBOX.replace("%", "%%")))  # type: ignore[no-untyped-call]
for _name, _statement in TRIGGERS.items():
    _on = {"task": task, "poll": poll, "meet": meeting, "copy": copy}[_name[:4]]
    listen(_on, "after_create", DDL(_statement.replace("%", "%%")))  # type: ignore[no-untyped-call]
for _statement in (OF_NO_INSTANCE, DEPUTY_CAME):
    listen(deputy, "after_create", DDL(_statement))  # type: ignore[no-untyped-call]
