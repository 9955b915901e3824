"""Events of the history in the language of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from engine.queries import telling
from webui.http import messages
from webui.http.words import lang

if TYPE_CHECKING:
    from engine.people.places import Place
    from engine.queries.history import Happened
    from engine.queries.telling import Teller


@dataclass(frozen=True)
class Opened:
    """A task that an event opened: its title, whose it is, and its last day."""

    title: str
    who: str
    due: str


@dataclass(frozen=True)
class Sentence:
    """`mark` is refused, incident, outcome, poll, document, clock, read or ""; `details` are
    further short lines.
    """

    text: str
    mark: str
    opened: tuple[Opened, ...] = ()
    details: tuple[str, ...] = ()


def tell(teller: Teller, event: Happened) -> Sentence:
    """One event as a sentence. LookupError, TypeError, ValueError, AttributeError of a body that
    was altered.
    """
    told = teller.tell(event.kind, event.body)
    opened = tuple(
        Opened(_rendered(each.title), _rendered(each.who), each.due) for each in told.opened
    )
    details = tuple(_rendered(each) for each in told.details if each)
    return Sentence(_rendered(told.text), told.mark, opened, details)


def post_title(kind: str) -> str:
    """What a post is called."""
    return _rendered(telling.post_title(kind))


def place(of: Place) -> str:
    """The unit of a person and the posts held, as a list beside the name says them."""
    titles = (post_title(kind) for kind in of.kinds)
    return f"{of.unit} {_('、').join(titles)}".strip()


def _rendered(text: object) -> str:
    return messages.language(lang())(text)
