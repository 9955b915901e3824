"""The reason that somebody must give for what they do to others' work."""

from __future__ import annotations

from engine.errors import Invalid
from engine.messages import _

LONGEST = 500


def plain(reason: str) -> str:
    """A reason as text, stripped.

    Raises Invalid for none, for one of more than 500 characters or with control characters.
    """
    text = reason.strip()
    if not text or len(text) > LONGEST or "\0" in text:
        raise Invalid({"reason": [_("请写明理由，不超过 {most} 字。", most=LONGEST)]})
    return text
