"""What an installation starts with: the process folders that came along, put in force when they are
new or changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from engine.commands import definitions
from engine.db import tables
from engine.db.states import DefinitionState
from engine.definitions import fingerprint, read
from engine.definitions.folder import unfrozen

if TYPE_CHECKING:
    from pathlib import Path

    from engine.db import Session


def folders(root: Path) -> list[Path]:
    """The process folders under `root`: those with a process.toml."""
    return sorted(path.parent for path in root.glob("*/process.toml"))


def publish(session: Session, folder: Path) -> tuple[str, bool]:
    """Put the folder in force; gives its hash, and False when that version is known already,
    whatever became of it.

    Raises ProcessFault when the folder cannot be read.
    """
    files = read(folder)
    digest = fingerprint(files)
    column = tables.definition.c
    known = select(column.hash).where(column.hash == digest, column.state != DefinitionState.OWN)
    if session.execute(known).first():
        # stored without its stories and notes, it gets those of its folder
        bare = update(tables.definition).where(column.hash == digest, column.beside == {})
        session.execute(bare.values(beside=unfrozen(files)))
        return digest, False
    return definitions.publish_shipped(session, files), True


def nobody(session: Session) -> bool:
    """Is there no member at all? So it is after the first migration."""
    return session.execute(select(tables.member.c.id).limit(1)).first() is None
