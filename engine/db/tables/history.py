"""Events, the heads of chains that belong to no instance, checkpoints."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.event import listen

from engine.db.tables.base import metadata, moment, ref

UNUSUAL_KINDS = (  # of events by which a matter leaves the usual way: engine/queries/unusual.py
    *("task_sent_back", "task_taken_back", "task_handed_over", "task_reassigned"),
    *("poll_voided", "poll_recounted", "poll_dissented", "meeting_struck", "teller_replaced"),
    *("document_faulty", "document_corrected", "document_voided", "document_reprinted"),
    *("owner_replaced", "mover_replaced", "stepped_aside", "deadline_extended"),
    *("instance_suspended", "instance_withdrawn", "instance_terminated", "matter_erased"),
    *("incident_noted", "incident_retried"),
)
UNUSUAL = "event.kind IN (" + ", ".join(f"'{kind}'" for kind in UNUSUAL_KINDS) + ")"
event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(), nullable=False),  # the order in which events are sealed
    Column("leaf_no", BigInteger),
    Column("at", DateTime(timezone=True), nullable=False),
    Column(
        "instance_id", Uuid, nullable=False
    ),  # an instance's id, or a union's for what belongs to no instance
    Column("actor_id", Uuid),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # SHA-256(hash before it + body)
    Column(
        "body", Text, nullable=False
    ),  # canonical JSON of everything, the columns beside it included
    Column("words", JSONB(none_as_null=True)),  # see db/aside.py
    PrimaryKeyConstraint("instance_id", "seq"),
    Index("ix_event_unsealed", "id", postgresql_where=text("leaf_no IS NULL")),
    Index(  # what instances did for the duties of a union: engine/queries/ledger.py
        "ix_event_duty",
        text("(body::jsonb ->> 'union')"),
        postgresql_where=text("kind = 'duty_noted'"),
    ),
    Index("ix_event_unusual", "at", postgresql_where=text(UNUSUAL.removeprefix("event."))),
)

# time only goes forward: so much earlier than the one before it in its chain may an event be, as
# the clocks of two hosts differ; `YX001` becomes an error of ours in engine/db
FORWARD_FUNCTION = """
CREATE OR REPLACE FUNCTION event_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before timestamptz;
BEGIN
    SELECT at INTO before FROM event WHERE instance_id = NEW.instance_id AND seq = NEW.seq - 1;
    IF NEW.at < before - interval '2 seconds' THEN
        RAISE EXCEPTION 'clock_back: event % of % is at %, the one before it at %',
            NEW.seq, NEW.instance_id, NEW.at, before USING ERRCODE = 'YX001';
    END IF;
    RETURN NEW;
END $$"""
FORWARD_TRIGGER = """
CREATE OR REPLACE TRIGGER event_goes_forward BEFORE INSERT ON event
    FOR EACH ROW EXECUTE FUNCTION event_goes_forward()"""
for _statement in (FORWARD_FUNCTION, FORWARD_TRIGGER):
    listen(event, "after_create", DDL(_statement.replace("%", "%%")))  # type: ignore[no-untyped-call]

# heads of the chains that belong to no instance: a union's own, the installation's (id zero)
chain = Table(
    "chain",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    moment("at", nullable=False),
    Column("witness", Text, nullable=False, server_default=""),
)

verification = Table(  # of everything, asked for in a page and carried out by a worker
    "verification",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("member_id", "member.id", nullable=False),
    moment("asked_at", nullable=False),
    moment("begun_at"),
    moment("ended_at"),
    Column("done", BigInteger, nullable=False, server_default="0"),  # events read, of `total`
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("verdict", JSONB),  # see engine/commands/verifications.py: told
)

pack = Table(  # of evidence, asked for in a page and made by a worker
    "pack",
    metadata,
    Column("id", Uuid, primary_key=True),
    ref("instance_id", "instance.id", nullable=False),
    ref("member_id", "member.id", nullable=False),
    Column("closed", ARRAY(Text), nullable=False),  # rooms and fields of which it tells nothing
    moment("asked_at", nullable=False),
    moment("begun_at"),
    moment("told_at", nullable=False),  # the last sign of whoever makes it
    moment("ended_at"),
    Column("seq", Integer),  # of the event that is the export: its last one
    Column("done", Integer, nullable=False, server_default="0"),  # papers and files, of `total`
    Column("total", Integer, nullable=False, server_default="0"),
    Column("size", BigInteger, nullable=False, server_default="0"),  # bytes of `data`
    Column("data", LargeBinary),
    Column("refused", JSONB),  # why there is none; see engine/messages.py: stored
    Index("ix_pack_instance_id", "instance_id"),
    Index("ix_pack_member_id", "member_id"),
)
