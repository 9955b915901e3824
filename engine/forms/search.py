"""The key under which a text is searched, and its pairs of neighbouring characters."""

from __future__ import annotations

import unicodedata

from engine.forms.text import unpiled

MAX_SEARCHED = 20_000
MAX_BIGRAMS = 2_000
_UNSEARCHABLE = {"Cf", "Cc", "Cs"}  # categories of characters


def search_key(text: str) -> str:
    """`text` as it is searched: NFKC, case folded, without invisible characters; the first 20,000
    characters.
    """
    key = unicodedata.normalize(
        "NFKC", unicodedata.normalize("NFKC", unpiled(text[:MAX_SEARCHED])).casefold()
    )
    blank = {c: " " for c in key if c.isspace()}
    return "".join(
        blank.get(c, c) for c in key if c in blank or unicodedata.category(c) not in _UNSEARCHABLE
    )


def bigrams(text: str) -> list[str]:
    """The sorted unique pairs of neighbours in each run of `search_key(text)`; a lone character
    gives itself.
    """
    found: dict[str, None] = {}
    for run in search_key(text).split():
        for at in range(max(1, len(run) - 1)):
            found[run[at : at + 2]] = None
            if len(found) == MAX_BIGRAMS:
                return sorted(found)
    return sorted(found)
