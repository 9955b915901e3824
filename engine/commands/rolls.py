"""What a roll is as one number."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def digest(members: Iterable[str]) -> str:
    """SHA-256 over the sorted ids of a roll, a line each: what proves afterwards who could answer."""
    return hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()
