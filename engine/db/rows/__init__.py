"""The rows that travel between functions, with their types. A row is what a SELECT of the whole
table gives.
"""

from typing import Any, TypeAlias

from sqlalchemy import Row

from engine.db.rows.definitions import Definition, OwnVersion, Setting, Vacation
from engine.db.rows.files import Batch, Correction, Document
from engine.db.rows.history import Checkpoint
from engine.db.rows.instances import (
    Ask,
    Comment,
    Copy,
    HeldAct,
    Instance,
    Publication,
    Task,
    Timer,
)
from engine.db.rows.people import Deputy, Member, Post, Proposal, Unit
from engine.db.rows.polls import Box, Meeting, Poll, PollTerms, Presence, RollEntry, TellerKey
from engine.db.rows.starting import CalendarStart

__all__ = [
    "Ask",
    "Batch",
    "Box",
    "CalendarStart",
    "Checkpoint",
    "Comment",
    "Copy",
    "Correction",
    "Definition",
    "Deputy",
    "Document",
    "HeldAct",
    "Instance",
    "Meeting",
    "Member",
    "OwnVersion",
    "Poll",
    "PollTerms",
    "Post",
    "Presence",
    "Proposal",
    "Publication",
    "RollEntry",
    "Selected",
    "Setting",
    "Task",
    "TellerKey",
    "Timer",
    "Unit",
    "Vacation",
]

# the row of a SELECT whose columns stand beside the function that reads it
Selected: TypeAlias = Row[*tuple[Any, ...]]
