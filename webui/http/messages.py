"""What the engine says, in the language of whoever reads it: messages by gettext, everything
else as it stands.
"""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.messages import CHINESE, Language, Listed

if TYPE_CHECKING:
    from collections.abc import Iterable

CATALOGUES = Path(__file__).parents[1] / "translations"


@lru_cache(maxsize=4)
def catalogue(lang: str) -> gettext.NullTranslations:
    """The texts of the engine in a language; the source text itself where there is no
    translation.
    """
    return gettext.translation("engine", CATALOGUES, [lang], fallback=True)


def language(code: str) -> Language:
    """ "zh" or "en", with its catalogue."""
    return CHINESE if code == "zh" else Language(code, lambda text: catalogue(code).gettext(text))


def in_language(text: object, lang: str) -> str:
    """A message in this language. A plain text is a name, a title or a quotation, and stays as
    it is.
    """
    return language(lang)(text)


def joined(messages: Iterable[object], lang: str) -> str:
    """Several messages in one line."""
    return in_language(Listed(messages, "；"), lang)
