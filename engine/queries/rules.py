"""The rulebook as a union's people read it: what holds today in words, where it comes from, and
what the union set itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock, law
from engine.db import tables
from engine.errors import NotFound, ProcessFault
from engine.instance.union_law import ORDER, UnionLaw, rulebook
from engine.law.rules import CHOICE_WORDS
from engine.law.rulings import limit_of
from engine.people import access, organisation, strokes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_setting = tables.setting.c


@dataclass(frozen=True)
class Entry:
    """One source's entry of a rule, in words. `here`: it counts for this union today; `wins`: its
    value is what holds.
    """

    value: str
    text: str
    cite: str
    level: str
    confidence: str
    jurisdiction: str
    valid_from: date | None
    valid_to: date | None
    read: str  # where the text was read
    unused: str  # why nothing uses it
    note: str
    here: bool
    wins: bool


@dataclass(frozen=True)
class Own:
    """A union's own value; `state` is proposed, in_force or refused; `mine`: the reader proposed
    it.
    """

    id: UUID
    value: str
    valid_from: date
    valid_to: date | None
    source: str
    state: str
    proposer: str
    approver: str
    created_at: datetime
    decided_at: datetime | None
    mine: bool


@dataclass(frozen=True)
class Line:
    """A rule in the list. `words` is the whole sentence, empty when nothing is in force here; `own`
    the union's value.
    """

    id: str
    subject: str
    title: str
    value: str
    words: str
    text: str
    cite: str
    level: str
    confidence: str
    valid_from: date | None
    valid_to: date | None
    own: str
    waiting: bool


@dataclass(frozen=True)
class Rule:
    """A rule with everything: what holds, all entries, the union's own values. `unsettable`: why
    not, or "".
    """

    line: Line
    entries: tuple[Entry, ...]
    settings: tuple[Own, ...]
    unit: str
    choices: tuple[str, ...]  # what its numbers stand for, from 1 on; mostly nothing
    without_strokes: bool  # it lists by strokes, and their data are not installed
    unsettable: str
    may_propose: bool
    may_decide: bool


def rules(
    session: Session, actor: Actor, union_id: UUID, words: str = "", lang: str = "zh"
) -> tuple[Line, ...]:
    """Every rule in the order of the rulebook; `words` must all occur in it. Raises NotFound for a
    foreign union.
    """
    union_law = _law_for(session, actor, union_id)
    waiting = set(
        session.execute(
            _of_union(union_id, _setting.rule_id).where(_setting.state == "proposed")
        ).scalars()
    )
    found = [_line(union_law, rule_id, rule_id in waiting, lang) for rule_id in rulebook().ids]
    wanted = words.casefold().split()[:8]
    return tuple(line for line in found if all(w in _searched(line) for w in wanted))


def _searched(line: Line) -> str:
    return " ".join((line.id, line.title, line.words, line.text, line.cite, line.own)).casefold()


def _law_for(session: Session, actor: Actor, union_id: UUID) -> UnionLaw:
    if not access.may(actor, "see_rules", union_id):
        raise NotFound
    return UnionLaw.of(session, union_id)


def _of_union(union_id: UUID, *columns: Any) -> Any:
    return select(*columns).where(_setting.unit_id == union_id)


def _ruling(union_law: UnionLaw, rule_id: str) -> law.Ruling | None:
    """What holds today; None where nothing is in force."""
    try:
        return union_law.ruling(rule_id, clock.today())
    except ProcessFault:
        return None


def _line(union_law: UnionLaw, rule_id: str, waiting: bool, lang: str) -> Line:
    entries, ruling = rulebook().get(rule_id), _ruling(union_law, rule_id)
    rule = ruling.rule if ruling else entries[0]
    own = ruling.setting if ruling else None
    if ruling and own:
        value = law.Limit(own.value, ruling.unit, ruling.op, rule, own).words(lang)
    else:
        value = _value(rule, lang)
    return Line(
        id=rule_id,
        subject=rule.file.removesuffix(".toml"),
        title=_in(lang, rule.title, rule.title_en),
        value=value,
        words=ruling.words(lang) if ruling else "",
        text=_in(lang, rule.text, rule.text_en),
        cite=rule.cite(lang),
        level=rule.level,
        confidence=rule.confidence,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
        own=value if own else "",
        waiting=waiting,
    )


def _in(lang: str, zh: str, en: str) -> str:
    return en or zh if lang == "en" else zh


def _value(rule: law.Rule, lang: str) -> str:
    return "" if rule.family == "duty" else limit_of(rule).words(lang)


def rule(session: Session, actor: Actor, union_id: UUID, rule_id: str, lang: str = "zh") -> Rule:
    """One rule with all its entries and what the union set. Raises NotFound."""
    union_law = _law_for(session, actor, union_id)
    if rule_id not in rulebook().ids:
        raise NotFound
    ruling, entries = _ruling(union_law, rule_id), rulebook().get(rule_id)
    mine = _settings(session, actor, union_id, rule_id=rule_id, union_law=union_law, lang=lang)
    return Rule(
        line=_line(union_law, rule_id, any(s.state == "proposed" for s in mine), lang),
        entries=tuple(_entry(e, union_law, ruling, lang) for e in entries),
        settings=mine,
        unit=entries[0].unit,
        choices=tuple(_in(lang, *words) for words in CHOICE_WORDS.get(entries[0].unit, ())),
        without_strokes=rule_id == ORDER and not strokes.installed(),
        unsettable="duty" if entries[0].family == "duty" else "",
        may_propose=access.may(actor, "propose_setting", union_id),
        may_decide=access.may(actor, "approve_setting", union_id),
    )


def is_share(rule_id: str) -> bool:
    """Whether a value of this rule is written as a share, 2/3; False for a rule that is not
    there.
    """
    return rule_id in rulebook().ids and rulebook().get(rule_id)[0].unit == "share"


def _entry(rule: law.Rule, union_law: UnionLaw, ruling: law.Ruling | None, lang: str) -> Entry:
    return Entry(
        value=_value(rule, lang),
        text=_in(lang, rule.text, rule.text_en),
        cite=rule.cite(lang),
        level=rule.level,
        confidence=rule.confidence,
        jurisdiction=rule.jurisdiction,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
        read=rule.read,
        unused=_in(lang, rule.unused, rule.unused_en),
        note=_in(lang, rule.note, rule.note_en),
        here=rule.in_force(clock.today()) and rule.jurisdiction in union_law.jurisdictions,
        wins=ruling is not None and ruling.setting is None and ruling.rule is rule,
    )


def _settings(
    session: Session, actor: Actor, union_id: UUID, rule_id: str, union_law: UnionLaw, lang: str
) -> tuple[Own, ...]:
    query = _of_union(union_id, tables.setting).where(_setting.rule_id == rule_id)
    rows = session.execute(query.order_by(_setting.created_at.desc(), _setting.id.desc())).all()
    people = organisation.names(
        session, [i for r in rows for i in (r.proposer_id, r.approver_id) if i]
    )
    return tuple(
        Own(
            id=r.id,
            value=_own_value(r, union_law, lang),
            valid_from=r.valid_from,
            valid_to=r.valid_to,
            source=r.source,
            state=r.state,
            proposer=people.get(r.proposer_id, ""),
            approver=people.get(r.approver_id, ""),
            created_at=r.created_at,
            decided_at=r.decided_at,
            mine=r.proposer_id == actor.id,
        )
        for r in rows
    )


def _own_value(row: rows.Selected, union_law: UnionLaw, lang: str) -> str:
    """A union's own value in words, with the unit and the operator by which it counts from its
    first day.
    """
    rule = rulebook().replaced(row.rule_id, row.valid_from, union_law.jurisdictions)
    return law.Limit(law.exact(row.value, row.per), rule.unit, rule.op, rule).words(lang)


def proposals(
    session: Session, actor: Actor, union_id: UUID, lang: str = "zh"
) -> tuple[tuple[str, str, Own], ...]:
    """The values that wait for a second person: (rule id, title, value), oldest first. Raises
    NotFound.
    """
    union_law = _law_for(session, actor, union_id)
    query = (
        _of_union(union_id, _setting.rule_id)
        .where(_setting.state == "proposed")
        .order_by(_setting.created_at)
    )
    found = []
    for rule_id in session.execute(query).scalars():
        if rule_id in rulebook().ids:
            head = rulebook().get(rule_id)[0]
            own = _settings(
                session, actor, union_id, rule_id=rule_id, union_law=union_law, lang=lang
            )
            found += [
                (rule_id, _in(lang, head.title, head.title_en), s)
                for s in own
                if s.state == "proposed"
            ]
    return tuple(found)


_QUOTED = re.compile(
    r"""["']([A-Z]{2,8}(?:-[A-Z0-9]+)+)["']|&quot;([A-Z]{2,8}(?:-[A-Z0-9]+)+)&quot;"""
)


def named_in(files: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of the rules that the files of a process name, in the order of the rulebook."""
    found = {a or b for text in files.values() for a, b in _QUOTED.findall(text)}
    return tuple(rule_id for rule_id in rulebook().ids if rule_id in found)


def lines(
    session: Session, actor: Actor, union_id: UUID, ids: tuple[str, ...], lang: str = "zh"
) -> tuple[Line, ...]:
    """These rules as they hold for a union today. Raises NotFound for a foreign union."""
    union_law = _law_for(session, actor, union_id)
    return tuple(_line(union_law, rule_id, False, lang) for rule_id in ids)
