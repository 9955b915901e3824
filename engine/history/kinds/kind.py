"""What a kind of event is: its words, its mark, and what its body must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.messages import Message


class Facts(Protocol):
    """What a sentence may name: `body` as it was hashed, and the words for each hole."""

    @property
    def body(self) -> Mapping[str, Any]: ...

    def __getitem__(self, hole: str) -> object: ...


Sentence = Message | Callable[[Facts], Message]


@dataclass(frozen=True)
class Kind:
    """A kind of event.

    key: as it is stored. label: what happened, without who and where. sentence: the whole of it,
    with holes; a function where the body decides between several. needs: keys that every body of
    this kind holds. mark: how a timeline shows it, one of outcome, poll, document, clock, read,
    refused, incident, or "".
    """

    key: str
    label: Message
    sentence: Sentence
    needs: frozenset[str]
    mark: str = ""

    def told(self, facts: Facts) -> Message:
        """The sentence with its holes still open."""
        return self.sentence if isinstance(self.sentence, Message) else self.sentence(facts)


def kind(key: str, label: Message, sentence: Sentence, *needs: str, mark: str = "") -> Kind:
    """One of them; `needs`: the keys that its body must hold."""
    return Kind(key, label, sentence, frozenset(needs), mark)


def told_if(hole: str, known: Message, unknown: Message) -> Callable[[Facts], Message]:
    """One sentence where this hole has words, another where it has none."""
    return lambda facts: known if facts[hole] else unknown
