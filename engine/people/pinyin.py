"""Names by the initials of their 拼音, as people type them: zy for 赵一."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice, product

from pypinyin import Style, pinyin

MOST = 16  # readings of one name: 单 and 曾 have two each


@lru_cache(maxsize=20_000)
def initials(name: str) -> frozenset[str]:
    """The initials of each way to read a name, in lower case; a part in Latin letters stands as it
    is.
    """
    read = pinyin(name.replace(" ", ""), style=Style.FIRST_LETTER, heteronym=True)
    choices = ([*dict.fromkeys(letter for letter in each if letter)] or [""] for each in read)
    return frozenset("".join(letters).casefold() for letters in islice(product(*choices), MOST))


def may_be_initials(text: str) -> bool:
    """Might somebody have typed initials?"""
    return text.isascii() and text.isalpha() and 2 <= len(text) <= 8
