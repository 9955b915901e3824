"""Text from people, as it may be stored and shown: NFC, no deceiving or unprintable characters, no
piles of marks.
"""

from __future__ import annotations

import re
import unicodedata

from marshmallow import ValidationError

from engine.messages import _

MAX_COMBINING = 30  # combining marks in a row, as in the Stream-Safe Text Format of UAX 15
# Bidirectional overrides and isolates only change what a reader believes to see; a byte order mark
# is noise.
_DECEIVING = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_LINE_ENDS = re.compile("\r\n|\r|\u2028|\u2029")
_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def tidy(text: str, longest: int) -> str:
    """`text` in NFC and stripped; ValidationError if it cannot be stored or shown, or is longer
    than `longest`.
    """
    if len(text) > 4 * longest + 1_000:
        raise ValidationError(_("最多 {longest} 个字", longest=longest))
    text = _LINE_ENDS.sub("\n", text.replace("\x85", "\n"))
    if _REFUSED.search(text):
        raise ValidationError(_("含有不能保存的字符，请删去后重新填写"))
    text = _DECEIVING.sub("", text)
    if not text.isascii():
        if unpiled(text) != text:
            raise ValidationError(_("叠加的符号太多"))
        text = unicodedata.normalize("NFC", text)
    text = text.strip()
    if len(text) > longest:
        raise ValidationError(_("最多 {longest} 个字", longest=longest))
    return text if any(map(_visible, text)) else ""


def unpiled(text: str) -> str:
    """`text` without more than 30 combining marks in a row: a long pile takes quadratic time to
    normalise.
    """
    found, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MAX_COMBINING:
            found.append(character)
    return "".join(found)


def _visible(character: str) -> bool:
    return unicodedata.category(character) not in {"Cf", "Cc", "Zs", "Zl", "Zp"}
