"""Many matters of a process as one volume: which of them stand in which part, what stands of each,
the indexes; and what is left out, with why.

The volume may be handed on, so confidential matters are never in it, and nothing that not everybody
who sees a matter may read.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.db.progress import Tell, silent
from engine.db.states import InstanceState
from engine.definitions.store import process_of
from engine.documents import volume
from engine.errors import Conflict, NotFound
from engine.history.erased import ERASED_MARK
from engine.instance.view import dotted
from engine.messages import Message, _, stored
from engine.people import access, organisation
from engine.queries import cells, grid
from engine.queries.booklet_texts import Teller, Texts, counted, indexes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from engine.db import Session, rows
    from engine.definitions import Process
    from engine.definitions.booklet import Booklet, Part
    from engine.people.organisation import Actor

MOST = 300  # matters of a volume
_instance = tables.instance.c
_SHOWN = ("id", "number", "title", "version", "facts", "unit_id", "starter_id", "state", "outcome")


@dataclass(frozen=True)
class Wish:
    """How somebody wants the volume: what the cover bears, the parts that are left out, the form
    (see volume.FORMS).
    """

    session: str = ""
    without: frozenset[str] = frozenset()
    form: str = "pdf"


@dataclass(frozen=True)
class Left:
    """A matter that is not in the volume, and why; `named`: may the volume say its number?"""

    number: str
    message: Message
    named: bool = True


@dataclass
class _Sorted:
    """The matters of each part, those under each of them, and what is left out."""

    parts: dict[str, list[rows.Selected]] = field(default_factory=lambda: defaultdict(list))
    under: dict[UUID, list[rows.Selected]] = field(default_factory=lambda: defaultdict(list))
    left: list[Left] = field(default_factory=list)

    @property
    def all(self) -> list[rows.Selected]:
        """All that stand in the volume."""
        found = [*self.parts.values(), *self.under.values()]
        return [row for each in found for row in each]


@dataclass(frozen=True)
class Offered:
    """A part, and how many of the matters stand in it."""

    key: str
    title: str
    apart: bool
    matters: int


@dataclass(frozen=True)
class Offer:
    """What a volume of these matters would hold. `session`: what all of them say for the cover, ""
    where they differ; `under`: how many stand under another.
    """

    title: str
    session: str
    parts: tuple[Offered, ...]
    under: int
    left: tuple[Left, ...]


@dataclass(frozen=True)
class Volume:
    """The file, and what it holds as plain JSON."""

    data: bytes
    holds: dict[str, Any]


def title(session: Session, actor: Actor, process_id: str, lang: str = "zh") -> str:
    """What the volume of a process is called; "" where it has none. Raises NotFound for a process
    that is not in force here.
    """
    rule = grid.process_for(session, actor, process_id).booklet
    return rule.title.in_(lang) if rule else ""


def offered(
    session: Session, actor: Actor, process_id: str, ids: Sequence[UUID], lang: str = "zh"
) -> Offer:
    """What can be bound of these matters, those that stand under them included. Raises NotFound
    where there is no volume of the process, Conflict for too many.
    """
    _process, rule = _ruled(session, actor, process_id)
    found = _found(session, actor, process_id, rule, ids)
    sorted_ = _sorted(session, rule, found, frozenset())
    stand = [row for each in sorted_.parts.values() for row in each]
    said = {text for row in stand if (text := str(dotted(row.facts, rule.session) or "").strip())}
    return Offer(
        title=rule.title.in_(lang),
        session=said.pop() if len(said) == 1 else "",
        parts=tuple(
            Offered(part.key, part.title.in_(lang), part.apart, len(sorted_.parts[part.key]))
            for part in rule.parts
        ),
        under=sum(map(len, sorted_.under.values())),
        left=tuple(sorted_.left),
    )


def must_hold(offer: Offer) -> None:
    """Raise NotFound for a volume in which nothing would stand."""
    if not any(part.matters for part in offer.parts):
        raise NotFound(_("所选各件没有一件可以编入。"))


def made(
    session: Session,
    actor: Actor,
    process_id: str,
    ids: Sequence[UUID],
    wish: Wish,
    *,
    tell: Tell = silent,
) -> Volume:
    """The volume of these matters.

    Raises as `offered`; NotFound when nothing stands in it, HistoryBroken for a paper that is not
    the one that was issued, NotPrintable, ProcessFault.
    """
    process, rule = _ruled(session, actor, process_id)
    found = _found(session, actor, process_id, rule, ids)
    sorted_ = _sorted(session, rule, found, wish.without)
    teller = Teller.of(session, actor, (process, rule), sorted_.all, tell)
    parts = [_part(teller, part, sorted_) for part in rule.parts if sorted_.parts[part.key]]
    if not parts:
        raise NotFound(_("所选各件没有一件可以编入。"))
    data = {
        "document": {
            "title": rule.title.zh,
            "number": "",
            "session": wish.session,
            "union": organisation.unit_names(session, [actor.union_id]).get(actor.union_id, ""),
            "issued_on": clock.today().isoformat(),
        },
        "words": {"under": rule.under_title.zh},
        "parts": parts,
        "indexes": indexes(process, rule, parts),
        "left": _told_of(sorted_.left),
    }
    file = volume.made(process.files, data, wish.form)
    return Volume(
        file.data,
        {
            "entries": sum(len(part["matters"]) for part in parts),
            "under": sum(map(len, sorted_.under.values())),
            "pages": file.pages,
            "size": len(file.data),
            "matters": [str(row.id) for row in sorted_.all],
            "left": [{"number": each.number, "why": stored(each.message)} for each in sorted_.left],
        },
    )


def _ruled(session: Session, actor: Actor, process_id: str) -> tuple[Process, Booklet]:
    process = grid.process_for(session, actor, process_id)
    return process, access.must_see(process.booklet)


# --- which matters stand where --------------------------------------------------------------------
def _found(
    session: Session, actor: Actor, process_id: str, rule: Booklet, ids: Sequence[UUID]
) -> list[rows.Selected]:
    """These matters, and those that stand under them, as far as this person sees them."""
    found: dict[UUID, Any] = {}
    own = _instance.process_id == process_id, access.visible(actor)
    query = select(*(_instance[name] for name in _SHOWN), _instance.confidential).where(*own)
    now = session.execute(query.where(_instance.id.in_(ids[: MOST + 1]))).all()
    while now:
        found |= {row.id: row for row in now}
        if len(found) > MOST or len(ids) > MOST:
            much = _("一次最多汇编 {most} 件，请缩小范围或者分册。", most=MOST)
            raise Conflict(much, code="too_many")
        if not rule.under:
            break
        leads = _instance.facts[tuple(rule.under.split("."))].astext
        under = leads.in_([str(row.id) for row in now]) & _instance.id.not_in(list(found))
        now = session.execute(query.where(under)).all()
    if not found:
        raise NotFound
    return list(found.values())


def _sorted(
    session: Session, rule: Booklet, found: Iterable[rows.Selected], without: frozenset[str]
) -> _Sorted:
    """Each in the first part that it belongs to, else under the matter that its fact names."""
    sorted_ = _Sorted()
    loose: list[rows.Selected] = []
    for row in found:
        if why := _barred(row):
            sorted_.left.append(why)
        elif part := next((p for p in rule.parts if cells.holds(p.which, row)), None):
            if part.key in without and part.apart:
                chosen = _("按选择不编入“{part}”。", part=part.title.zh)
                sorted_.left.append(Left(row.number, chosen))
            else:
                sorted_.parts[part.key].append(row)
        else:
            loose.append(row)
    _place(session, rule, loose, sorted_)
    sorted_.left.sort(key=lambda each: counted(each.number))
    return sorted_


def _barred(row: rows.Selected) -> Left | None:
    if row.confidential:
        return Left(row.number, _("保密事项不编入。"), named=False)
    if ERASED_MARK in row.facts:
        return Left(row.number, _("内容已按规定删除。"))
    return None


def _place(
    session: Session,
    rule: Booklet,
    loose: Sequence[rows.Selected],
    sorted_: _Sorted,
) -> None:
    """Put what is of no part under the matter under which it stands, however many lie between."""
    by_id = {str(row.id): row for row in loose}
    stands = {str(row.id): row.id for rows_ in sorted_.parts.values() for row in rows_}
    for row in loose:
        lead, passed = _lead(rule, row), set[str]()
        while lead in by_id and lead not in passed:
            passed.add(lead)
            lead = _lead(rule, by_id[lead])
        if lead in stands:
            sorted_.under[stands[lead]].append(row)
        elif lead:
            sorted_.left.append(Left(row.number, _("它并入的一件没有编入。")))
        else:
            sorted_.left.append(Left(row.number, _why(session, row)))


def _lead(rule: Booklet, row: rows.Selected) -> str:
    return str(dotted(row.facts, rule.under) or "") if rule.under else ""


def _why(session: Session, row: rows.Selected) -> Message:
    if row.state in (InstanceState.RUNNING, InstanceState.SUSPENDED):
        return _("还没有办到可以编入的一步。")
    process = process_of(session, row.version)
    ended = process.title_of(row.outcome) if row.outcome else ""
    if not ended:
        return _("已撤回或者终止，不属于汇编的任何一部分。")
    return _("结果是“{outcome}”，不属于汇编的任何一部分。", outcome=ended)


def _part(teller: Teller, part: Part, sorted_: _Sorted) -> Texts:
    matters = teller.in_order(sorted_.parts[part.key])
    return {
        "title": part.title.zh,
        "matters": [teller.matter(row, sorted_.under.get(row.id, ())) for row in matters],
    }


def _told_of(left: Iterable[Left]) -> list[Texts]:
    """Why something is not in the volume, how much, and what may be named of it."""
    grouped: dict[str, list[Left]] = defaultdict(list)
    for each in left:
        grouped[str(each.message)].append(each)
    return [
        {
            "why": why,
            "n": len(found),
            "numbers": sorted((each.number for each in found if each.named), key=counted),
        }
        for why, found in grouped.items()
    ]
