"""Numbers of matters as people write them: 教代提〔2026〕081 is also 教代提(2026)81, 2026-081,
81号.
"""

from __future__ import annotations

import re

from engine.forms.search import search_key

SIGN = "№"  # no search text holds it, so that no piece of a text is taken for a number
_WHOLE = re.compile(r"(.*?)[(\[【/-]?((?:19|20)\d\d)[^\d]+0*(\d{1,9})[^\d]*")
_SHORT = re.compile(r"第?0*(\d{1,9})号")
_BLANK = re.compile(r"\s+")


def marks(number: str) -> tuple[str, ...]:
    """Under what a number is found: with its series, by year and serial, by serial alone."""
    found = _WHOLE.fullmatch(_plain(number))
    if found is None:
        return ()
    series, year, serial = found.groups()
    return tuple(
        f"{SIGN}{text}" for text in (f"{series}{year}-{serial}", f"{year}-{serial}", serial)
    )


def sought(words: str) -> str:
    """The mark that a search text asks for; "" when it is no number."""
    plain = _plain(words)
    short = _SHORT.fullmatch(plain)
    if short:
        return f"{SIGN}{short[1]}"
    found = _WHOLE.fullmatch(plain)
    if found is None or not re.fullmatch(r".*\d号?", plain):
        return ""
    series, year, serial = found.groups()
    return f"{SIGN}{series}{year}-{serial}"


def _plain(text: str) -> str:
    return _BLANK.sub("", search_key(text)).replace("〔", "(").replace("〕", ")")
