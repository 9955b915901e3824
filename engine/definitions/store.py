"""Gives the process of a version from the database, parsed once per worker: versions never
change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.definitions.loading import load
from engine.errors import NotFound
from engine.messages import _

if TYPE_CHECKING:
    from engine.db import Session
    from engine.definitions.process import Process

SHIPPED = _("随产品发布")  # the note of a version that came along
_loaded: dict[str, Process] = {}


def process_of(session: Session, version: str) -> Process:
    """The process of a version (hash). Raises NotFound."""
    found = _loaded.get(version)
    if found is None:
        definition = tables.definition.c
        files = session.execute(select(definition.files).where(definition.hash == version)).scalar()
        if files is None:
            raise NotFound
        found = _loaded[version] = load(files)
    return found
