"""An evidence pack for a page or a program: the export goes on record first, then what is on
record is packed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app

from engine.commands.evidence import record_export
from engine.history import signing
from engine.history.kept import Log
from engine.queries.evidence import pack
from webui.http import messages

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.history.signing import Signer
    from engine.people.organisation import Actor

ENGLISH = messages.language("en")


def export(session: Session, actor: Actor, instance_id: UUID, signer: Signer) -> bytes:
    """The pack as a ZIP. Raises NotFound, Refused, Conflict (a vote runs), HistoryBroken."""
    record_export(session, actor, instance_id, signer)
    return pack(session, actor, instance_id, signer.key, english=ENGLISH)


def signer_here(session: Session) -> Signer:
    """Who signs in this process. Conflict: it has no key that the database knows."""
    return signing.signer(session, current_app.config["YIXING"])


def public_here(session: Session) -> bytes | None:
    """The public key that signs in this process; None: it has no key that the database knows."""
    found = signing.signing(session, current_app.config["YIXING"]).signer
    return found.key.public if found else None


def log_here() -> Log:
    """The log of checkpoints beside the key of this process."""
    return Log(current_app.config["YIXING"].home / "keys")
