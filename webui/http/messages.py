"""What the engine says, in the language of the page. The engine speaks plain Chinese and knows nothing of languages."""

from __future__ import annotations

import gettext
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.mofile import read_mo

from engine.messages import CHINESE, Language, Message, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CATALOGUES = Path(__file__).parents[1] / "translations"
LONGEST = 800  # a longer text is no message of ours
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_HOLE = re.compile(r"\{(\d+)\}")


@lru_cache(maxsize=4)
def catalogue(lang: str) -> gettext.NullTranslations:
    """The texts of the engine in a language; the source text itself where there is no translation."""
    return gettext.translation("engine", CATALOGUES, [lang], fallback=True)


def language(code: str) -> Language:
    """ "zh" or "en", with its catalogue."""
    return CHINESE if code == "zh" else Language(code, lambda text: catalogue(code).gettext(text))


def in_language(text: str, lang: str) -> str:
    """A message in this language: found as it is, or by its pattern, or piece by piece; else left as it was said."""
    if isinstance(text, Message):
        return render(text, lang, str if lang == "zh" else catalogue(lang).gettext)
    if lang == "zh" or len(text) > LONGEST:
        return text
    return _said(text, lang)


def joined(messages: Iterable[str], lang: str) -> str:
    """Several messages in one line."""
    return ("；" if lang == "zh" else "; ").join(
        in_language(str(message), lang) for message in messages
    )


@lru_cache(maxsize=4096)
def _said(text: str, lang: str) -> str:
    if not _CHINESE.search(text):
        return text.replace("、", ", ")
    words, _ = _catalogue(lang)
    if text in words:
        return words[text]
    best = ""
    for found in _ways(text, lang):
        if not _CHINESE.search(found):
            return found
        best = best or found  # what is left may be a name
    return best or text


def _ways(text: str, lang: str) -> Iterator[str]:
    """Translations of a text that is no fixed message, the likeliest first."""
    for literal, pattern, said in _catalogue(lang)[1]:
        if literal in text and (found := pattern.fullmatch(text)):
            parts = [_said(part, lang) for part in found.groups()]
            yield _HOLE.sub(lambda hole, parts=parts: parts[int(hole[1])], said).strip()  # type: ignore[misc]
    for joint, other in (("；", "; "), ("; ", "; "), ("、", ", ")):
        if joint in text:
            yield other.join(_said(part.strip(), lang) for part in text.split(joint))
    head, blank, tail = text.partition(" ")
    if blank:
        yield f"{_said(head, lang)} {_said(tail, lang)}"


@lru_cache(maxsize=4)
def _catalogue(lang: str) -> tuple[dict[str, str], list[tuple[str, re.Pattern[str], str]]]:
    """Fixed messages, and those with holes: (their longest fixed part, pattern, translation), most fixed text first."""
    words: dict[str, str] = {}
    patterns: list[tuple[int, str, re.Pattern[str], str]] = []
    file = CATALOGUES / lang / "LC_MESSAGES" / "engine.mo"
    if not file.exists():
        return words, []
    with file.open("rb") as compiled:
        for message in read_mo(compiled):
            if not message.id or not message.string:
                continue
            fixed = _HOLE.split(str(message.id))[::2]
            if len(fixed) == 1:
                words[str(message.id)] = str(message.string)
                continue
            for hole in (
                "((?:《[^《》]*》|[^《])*?)",
                "(.*?)",
            ):  # the name of a law may hold words of ours
                pattern = re.compile(hole.join(re.escape(part) for part in fixed), re.DOTALL)
                patterns.append(
                    (
                        99 * len("".join(fixed)) - len(fixed),
                        max(fixed, key=len),
                        pattern,
                        str(message.string),
                    )
                )
    patterns.sort(key=lambda each: -each[0])
    return words, [each[1:] for each in patterns]
