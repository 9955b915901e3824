"""Documents and what is proposed about them; files that are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


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
