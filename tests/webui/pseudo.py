"""A language that no person speaks: every text of the catalogues in brackets, with the number of its entry, holes kept.

    此件{state}，不能再办理。  ->  ⟦e17·此件⟧{state}⟦e17·，不能再办理。⟧

What is Chinese and outside of brackets came past the catalogues, and the numbers tell which texts were met.
"""

from __future__ import annotations

import gettext
import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import flask_babel
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from engine.settings import ROOT
from webui.http import messages

if TYPE_CHECKING:
    from pytest import MonkeyPatch

DOMAINS = {"m": "messages", "e": "engine"}  # the letter in the brackets -> the catalogue
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
HOLE = re.compile(r"(%\(\w+\)s|\{\w+\}|%%)")
BRACKETS = re.compile(r"⟦([a-z])(\d+)·[^⟦⟧]*⟧")
CHINESE = re.compile(r"[\u3400-\u9fff]+")


@lru_cache
def entries(letter: str) -> list[str | tuple[str, str]]:
    """The texts of a catalogue in its order, one with its plural where it has one; the place of one is its number."""
    file = ROOT / "webui" / "translations" / "en" / "LC_MESSAGES" / f"{DOMAINS[letter]}.po"
    with file.open("rb") as po:
        return [m.id for m in read_po(po, locale="en") if m.id]


@lru_cache
def texts(domain: str) -> list[tuple[str, str]]:
    """Every text of a domain with the file that says it, as `make words` finds them."""
    folder = ROOT / "webui" / "translations"
    with (folder / f"{domain}.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    every = []
    for top in ("engine", "webui"):
        found = extract_from_dir(
            ROOT / top,
            [(pattern.removeprefix(f"{top}/"), method) for pattern, method in methods],
            {pattern.removeprefix(f"{top}/"): given for pattern, given in options.items()},
            keywords=KEYWORDS,
        )
        for path, _line, text, _comments, _context in found:
            every.append((text if isinstance(text, str) else text[0], f"{top}/{path}"))
    return every


def in_brackets(text: str, letter: str, number: int) -> str:
    return "".join(
        part if not part.strip() or HOLE.fullmatch(part) else f"⟦{letter}{number}·{part}⟧"
        for part in HOLE.split(text)
    )


def _compiled(letter: str) -> io.BytesIO:
    catalogue = Catalog(locale="en")
    for number, text in enumerate(entries(letter)):
        forms = [text] if isinstance(text, str) else text
        said = [in_brackets(form, letter, number) for form in forms]
        catalogue.add(text, said[0] if isinstance(text, str) else said)
    made = io.BytesIO()
    write_mo(made, catalogue)
    made.seek(0)
    return made


def speak(monkeypatch: MonkeyPatch) -> None:
    """English is this language from now on, for applications that are made afterwards and for the command line."""
    engine = gettext.GNUTranslations(_compiled("e"))
    chinese = gettext.NullTranslations()
    monkeypatch.setattr(messages, "catalogue", lambda lang: chinese if lang == "zh" else engine)

    def load(_cls: object, _folder: object, locales: list[object], _domain: object) -> object:
        spoken = str(locales[0]).startswith("en")
        return Translations(_compiled("m")) if spoken else Translations()

    monkeypatch.setattr(flask_babel.support.Translations, "load", classmethod(load))


def met(text: str) -> dict[str, set[str]]:
    """The source texts that a text holds, by domain."""
    known = {letter: entries(letter) for letter in DOMAINS}
    found: dict[str, set[str]] = {domain: set() for domain in DOMAINS.values()}
    for letter, number in set(BRACKETS.findall(text)):
        entry = known[letter][int(number)]
        found[DOMAINS[letter]].add(entry if isinstance(entry, str) else entry[0])
    return found


def outside(text: str, data: re.Pattern[str]) -> set[str]:
    """What is Chinese, in no brackets and none of the data."""
    return set(CHINESE.findall(data.sub(" ", BRACKETS.sub(" ", text))))
