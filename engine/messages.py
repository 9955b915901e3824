"""What the product says: a source text in Chinese with named holes, and the values that fill them.

A message is Chinese text to whoever does not care. An edge (page, API, command line) renders it in
another language by gettext, with the source text as the id; values that are messages or bilingual
words follow, plain values (names, titles, what people wrote) never change. Here is no catalogue and
no language is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Translate = Callable[[str], str]


@runtime_checkable
class Bilingual(Protocol):
    """A text that an author gave in both languages."""

    def in_(self, lang: str) -> str: ...


class Message(str):
    """`source` has holes like {name}; `values` fill them."""

    source: str
    values: Mapping[str, object]

    def __new__(cls, source: str, /, **values: object) -> Message:
        message = super().__new__(cls, _filled(source, values, "zh", str))
        message.source, message.values = source, values
        return message

    def rendered(self, lang: str, translate: Translate) -> str:
        """The text in a language, its source translated by `translate`."""
        return _filled(translate(self.source), self.values, lang, translate)


class Listed(Message):
    """Several texts in one, with "、" or "；" between them; a language that is not Chinese has its
    own marks.
    """

    parts: tuple[object, ...]

    def __new__(cls, parts: Iterable[object], mark: str = "、") -> Listed:
        given = tuple(parts)
        listed = str.__new__(cls, mark.join(_said(part, "zh", str) for part in given))
        listed.source, listed.values, listed.parts = mark, {}, given
        return listed

    def rendered(self, lang: str, translate: Translate) -> str:
        mark = self.source if lang == "zh" else _MARKS[self.source]
        return mark.join(_said(part, lang, translate) for part in self.parts)


_MARKS = {"、": ", ", "，": ", ", "；": "; ", "": " ", " ": " ", "\n": "\n", " → ": " → "}
_ = Message  # as source texts are marked for extraction: _("此件{state}，不能再办理。", state=…)


def render(text: object, lang: str, translate: Translate) -> str:
    """Any text in a language: a message translated, bilingual words chosen, anything else as it
    stands.
    """
    return _said(text, lang, translate)


def _said(value: object, lang: str, translate: Translate) -> str:
    if isinstance(value, Message):
        return value.rendered(lang, translate)
    return value.in_(lang) if is_bilingual(value) else str(value)


def is_bilingual(value: object) -> TypeGuard[Bilingual]:
    """Asked for every value that is filled in: isinstance of a protocol would take a hundred
    times as long.
    """
    return hasattr(value, "in_")


def _filled(text: str, values: Mapping[str, object], lang: str, translate: Translate) -> str:
    if not values:
        return text
    return text.format_map({key: _said(value, lang, translate) for key, value in values.items()})


def worded(words: Bilingual) -> Message:
    """Words in both languages as a message."""
    return Message("{words}", words=words)


# --- as the history keeps them --------------------------------------------------------------------
def stored(value: object) -> Any:
    """A message as plain JSON, {"text": source, "values": {...}} or {"listed": [...], "mark":
    "、"}; other values as is.
    """
    if isinstance(value, Listed):
        return {"listed": [stored(part) for part in value.parts], "mark": value.source}
    if isinstance(value, Message):
        return {"text": value.source, "values": {k: stored(v) for k, v in value.values.items()}}
    if is_bilingual(value):
        return {"zh": value.in_("zh"), "en": value.in_("en")}
    return value if isinstance(value, str | int | bool | None) else str(value)


def restored(value: object) -> Any:
    """What `stored` gave, as it was; a finished sentence of an older event stays a plain text, a
    quotation.
    """
    if not isinstance(value, dict):
        return value
    if "listed" in value:
        return Listed([restored(part) for part in value["listed"]], value["mark"])
    if "text" in value:
        return Message(value["text"], **{k: restored(v) for k, v in value["values"].items()})
    return Both(value.get("zh", ""), value.get("en", ""))


class Both:
    """A text in both languages, as the history kept it."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en

    def in_(self, lang: str) -> str:
        return self.en or self.zh if lang.startswith("en") else self.zh


@dataclass(frozen=True)
class Language:
    """A language to render in: "zh" or "en", and how a source text is translated to it."""

    code: str
    translate: Translate

    def __call__(self, text: object) -> str:
        return render(text, self.code, self.translate)


CHINESE = Language("zh", str)
