"""How a matter stands before somebody, as one digest: what a page was made from goes with the act
that follows from it, and an auditor's page can show the same again.

Written "12.<64 hex digits>": the number of the last event, and the digest of all facts. A fact
counts by the salted digest with which events tell it, so that erasing its words leaves the proof.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.db import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import rows

_SAW = re.compile(r"([1-9][0-9]{0,8})\.([0-9a-f]{64})")


def marked(facts: Mapping[str, Any], salt: bytes) -> dict[str, str]:
    """Each fact by its salted digest, as `UnitOfWork.tell` puts it into an event."""
    return {name: canonical.salted({name: value}, salt) for name, value in facts.items()}


def digest(marks: Mapping[str, str]) -> str:
    """All of them as one."""
    return canonical.digest(canonical.dumps(dict(marks))).hex()


def stands(row: rows.Instance) -> str:
    """How a matter stands now; "" of an erased one, of which nothing is shown."""
    salt = row["salt"]
    return f"{row['seq']}.{digest(marked(row['facts'], bytes(salt)))}" if salt else ""


def saw(text: str) -> dict[str, Any] | None:
    """What an event keeps of what somebody had before them; None of anything else."""
    found = _SAW.fullmatch(text)
    return {"seq": int(found[1]), "digest": found[2]} if found else None
