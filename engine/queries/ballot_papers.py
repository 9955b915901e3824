"""The ballots and the tally sheet of a poll on paper, for those who hand them out and count
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.db.states import POLL_RUNNING
from engine.documents import docx, pdf
from engine.errors import Invalid, NotFound
from engine.instance import pads
from engine.instance.counting import ABSTAIN
from engine.messages import _
from engine.queries import polls as asked

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.instance.pads import Pads
    from engine.people.organisation import Actor
    from engine.queries.polls import Poll

KIND = "ballot_papers"
TEMPLATE = Path(__file__).parents[1] / "documents" / f"{KIND}.typ"
WHAT = {"ballots": "选票", "tally": "计票单"}  # the papers are Chinese, like all papers
FORMATS = {"pdf": "application/pdf", "docx": docx.MEDIA_TYPE}
MOST_LINES = 20
_ORDERS = {"strokes": "，候选人以姓氏笔画为序", "pinyin": "，候选人以汉语拼音为序"}


@dataclass(frozen=True)
class Asked:
    """Which paper: `what` of WHAT, `form` of FORMATS, of ballots from `first` to `last`."""

    what: str
    form: str
    first: int = 1
    last: int = 0


def paper(session: Session, actor: Actor, poll_id: UUID, wanted: Asked) -> tuple[str, bytes]:
    """A paper as (file name, bytes). Ballots only with numbers that are on record as printed.

    Raises NotFound for who neither counts the running poll nor presides over it, and for a poll
    without paper; Invalid for other numbers.
    """
    page = asked.page(session, actor, poll_id)
    poll = page.poll
    at_table = poll.counting is not None or poll.rights.chair_of
    known = wanted.what in WHAT and wanted.form in FORMATS
    if not (known and at_table and poll.rule.get("paper") and poll.state in POLL_RUNNING):
        raise NotFound
    tally = wanted.what == "tally"
    numbers = [] if tally else _numbers(poll.pads, wanted)
    data = {
        "document": {
            "title": WHAT[wanted.what],
            "number": "",
            "issued_on": clock.today().isoformat(),
        },
        "instance": {"title": page.title, "number": page.number},
        **_of_poll(poll),
        "tally": tally,
        "numbers": numbers,
    }
    files = {f"documents/{KIND}.typ": TEMPLATE.read_text("utf-8")}
    make = pdf.composed if wanted.form == "pdf" else docx.typeset
    name = pdf.file_name(page.number, WHAT[wanted.what], poll.question.title)
    return f"{name}.{wanted.form}", make(files, KIND, data)


def _numbers(printed: Pads | None, wanted: Asked) -> list[str]:
    most = printed.last if printed else 0
    last = wanted.last or most
    if not 1 <= wanted.first <= last <= most:
        raise Invalid({"first": [_("这些编号还没有登记印制。")]})
    return [pads.numbered(number) for number in range(wanted.first, last + 1)]


def _lines(poll: Poll) -> int:
    """How many names may be written in: one for each seat, where the ballot has lines for them."""
    return min(poll.question.seats, MOST_LINES) if "write_in" in poll.rule else 0


def _of_poll(poll: Poll) -> dict[str, Any]:
    question = poll.question
    elects = question.kind == "election"
    labels = {choice: question.labels[choice].zh for choice in question.choices}
    return {
        "poll": {
            "elects": elects,
            "subject": question.title,
            "title": question.about.question or question.title,
            "seats": question.seats,
            "due": poll.presence.get("due", poll.roll.size),
            "write_in": _lines(poll),
            "write_in_wins": bool(poll.rule.get("write_in", {}).get("wins")),
        },
        "listed": _ORDERS.get(question.listed.by, ""),
        "choices": [
            {"name": labels[choice], "place": str(poll.places.get(choice, ""))}
            for choice in (question.choices if elects else ())
        ],
        "marks": [labels[choice] for choice in question.choices if choice != ABSTAIN or not elects],
        "tellers": "、".join(teller.name for teller in poll.tellers if not teller.successor),
    }
