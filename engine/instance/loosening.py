"""What a version loosens: of the process as it is shipped, and of the version in force for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import definitions, settings
from engine.definitions.loosening import loosened
from engine.definitions.store import in_force, process_of
from engine.instance.union_law import rulebook

if TYPE_CHECKING:
    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import Guard
    from engine.messages import Message


def below_shipped(process: Process) -> list[Message]:
    """What the version loosens of the process as it is shipped."""
    folder = settings.load().processes / process.id
    if not (folder / "process.toml").is_file():
        return []
    shipped = definitions.load(definitions.read(folder))
    return list(loosened(shipped, process, _is_binding))


def below_common(session: Session, version: str) -> list[Message]:
    """What a version (hash) loosens of the one that is in force for all today."""
    process = process_of(session, version)
    common = in_force(session, process_id=process.id).common.get(process.id)
    if common is None:
        return []
    return list(loosened(process_of(session, common), process, _is_binding))


def _is_binding(guard: Guard) -> bool:
    """Does the guard rest on a rule that nobody may change?"""
    law = rulebook()
    return guard.basis in law.ids and any(rule.binding for rule in law.get(guard.basis))
