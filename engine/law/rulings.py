"""From entries and a unit's settings to what holds for a case: the strictest value that satisfies
all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from engine.errors import ProcessFault
from engine.law.rules import OPS, SHARE_UNITS, Place, Rule, amount_words, closed_up
from engine.messages import Both, Listed, _

# only for showing one of several limits first; which ends earliest is always computed by the
# calendar
_ROUGH_DAYS: Final[Mapping[str, int]] = MappingProxyType(
    {"day": 5, "working_day": 7, "month": 150, "year": 1825}
)


@dataclass(frozen=True)
class Setting:
    """A unit's own value for a rule. value: whole number, or a Fraction for a share. unit: by
    default that of the rule.

    source: the resolution that set it, in words. valid_from, valid_to: days, both included, None =
    open.
    """

    rule_id: str
    value: int | Fraction
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""
    unit: str = ""

    def in_force(self, on: date) -> bool:
        """Whether it holds on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


@dataclass(frozen=True)
class Limit:
    """One value that takes part in a ruling: the amount as the rule or the unit's own setting gives
    it.
    """

    amount: int | Fraction
    unit: str
    op: str
    rule: Rule
    setting: Setting | None = None

    @property
    def size(self) -> Fraction:
        """The amount for comparing: percent and permille as a share."""
        return Fraction(self.amount) / SHARE_UNITS.get(self.unit, 1)

    @property
    def binding(self) -> bool:
        """Whether it stems from a rule that nobody below may loosen."""
        return self.rule.binding and self.setting is None

    @property
    def both(self) -> Both:
        """The amount in words, as a value of a message."""
        return Both(self.words(), self.words("en"))

    def words(self, lang: str = "zh") -> str:
        """The amount in words: 10 个工作日内， 不少于全体的 2/3."""
        n = 1 if lang == "en" else 0
        return closed_up(
            OPS[self.op][n + 1].format(amount_words(self.amount, self.unit, self.rule.of, n))
        )


@dataclass(frozen=True)
class Ruling:
    """What holds for a case: the strictest value, where it comes from, and what else was
    considered.

    value: whole number or None; share: exact or None. limits: for rules of time, the strictest of
    each unit (law and the unit's own apart), because 10 working days and 20 days can only be
    compared on a calendar; otherwise empty. others: the entries in force that did not win. setting:
    the unit's own value if it is the one that holds.
    """

    id: str
    value: int | None
    share: Fraction | None
    unit: str
    op: str
    of: str
    level: str
    confidence: str
    rule: Rule
    others: tuple[Rule, ...]
    setting: Setting | None
    limits: tuple[Limit, ...]

    def words(self, lang: str = "zh") -> str:
        """One sentence for people: the rule, its source and article, how sure we are, and the other
        sources.
        """
        others = self.others if self.setting is None else (self.rule, *self.others)
        parts = [self._first_words(lang), *(self._other_words(rule, lang) for rule in others)]
        return "; ".join(parts) + "." if lang == "en" else "；".join(parts) + "。"

    def _first_words(self, lang: str) -> str:
        """What holds, and by what."""
        if self.setting is None:
            text = self.rule.text_en if lang == "en" else self.rule.text
            return text.rstrip("。.") + _basis(self.rule, lang)
        own = Limit(self.setting.value, self.unit, self.op, self.rule, self.setting)
        amount, source = own.words(lang), self.setting.source
        if lang == "en":
            set_to = closed_up(f"{self.rule.title_en}: set by this unit, {amount}")
            return f"{set_to} (by: {source or 'not stated'})"
        set_to = closed_up(f"{self.rule.title}：本单位定为 {amount}")
        return f"{set_to}（依据：{source or '未注明'}）"

    def _other_words(self, rule: Rule, lang: str) -> str:
        """What another source says; where it says the same, only that."""
        if self.setting is None and _same(rule, self.rule):
            also = "likewise" if lang == "en" else "同样见"
        else:
            says = _rule_words(rule, lang)
            also = closed_up(f"also {says}" if lang == "en" else f"另有 {says}")
        return also + _basis(rule, lang)


class Rulebook:
    """All rules of a folder, in the order of the files.

    Immutable; give it to whoever needs numbers of law.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        places: Mapping[str, Place] | None = None,
        subjects: Mapping[str, Both] | None = None,
    ) -> None:
        """`places`: the jurisdictions by code.

        `subjects`: what each file is about, by its name without ".toml".
        """
        self.rules: tuple[Rule, ...] = tuple(rules)
        self.places: Mapping[str, Place] = MappingProxyType(dict(places or {}))
        self.subjects: Mapping[str, Both] = MappingProxyType(dict(subjects or {}))
        self.everywhere = self.jurisdictions("")
        by_id: dict[str, list[Rule]] = {}
        for rule in self.rules:
            by_id.setdefault(rule.id, []).append(rule)
        self._by_id: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
            {k: tuple(v) for k, v in by_id.items()}
        )

    def jurisdictions(self, city: str) -> frozenset[str]:
        """The codes of the places whose rules hold in a city: those of everywhere, and its own."""
        return frozenset(
            code for code, place in self.places.items() if not place.city or place.city in city
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Every rule id, in the order of the files."""
        return tuple(self._by_id)

    def get(self, id: str) -> tuple[Rule, ...]:
        """All entries of a rule id, of every date and place.

        Errors: ProcessFault when there is no such rule.
        """
        if id not in self._by_id:
            raise ProcessFault(
                _("规则库中没有编号为“{id}”的规则。", id=id),
                element=id,
                advice=_("请核对编号，或在 processes/law 中补充。"),
            )
        return self._by_id[id]

    def in_force(
        self, id: str, on: date, jurisdictions: frozenset[str] | None = None
    ) -> tuple[Rule, ...]:
        """The entries of a rule that hold on that day in these places (None: everywhere); empty
        when none does. Errors: as `get`.
        """
        here = self.everywhere if jurisdictions is None else jurisdictions
        return tuple(
            rule for rule in self.get(id) if rule.in_force(on) and rule.jurisdiction in here
        )

    def switched_on(self, id: str, on: date, settings: Sequence[Setting]) -> bool:
        """Has the unit set a value of its own for this rule? A rule of silence holds only then.
        Errors: as `get`.
        """
        return bool(self.get(id)) and _own(settings, id, on) is not None

    def replaced(self, id: str, on: date, jurisdictions: frozenset[str] | None = None) -> Rule:
        """The entry in whose place a unit's own value stands: the value is counted in its unit, by
        its operator.

        Where nothing is in force on that day, the first entry. Errors: as `get`.
        """
        return _replaced(self.in_force(id, on, jurisdictions) or self.get(id)[:1])

    def ruling(
        self,
        id: str,
        on: date,
        jurisdictions: frozenset[str] | None = None,
        settings: Sequence[Setting] = (),
    ) -> Ruling:
        """What holds for rule `id` on the decisive day, in these places, for a unit with these
        settings.

        A setting replaces rules of the institution and product defaults; such a rule replaces a
        product default; law stays beside them, and the strictest of what is left holds. Errors:
        ProcessFault when nothing is in force, or when two sources demand different exact values.
        """
        rules = self.in_force(id, on, jurisdictions)
        if not rules:
            raise ProcessFault(
                _("规则“{id}”在 {on} 没有适用的条文。", id=id, on=on),
                element=id,
                advice=_("请核对生效日期和适用地区。"),
            )
        limits = strictest_by_unit(_candidates(rules, _own(settings, id, on)))
        first = max if limits[0].rule.family == "floor" else min
        winner = first(limits, key=_roughly)
        rule = winner.rule
        plain = rule.family != "duty" and winner.unit != "share"
        return Ruling(
            id=id,
            value=int(winner.amount) if plain else None,
            share=winner.size if rule.kind == "share" else None,
            unit=winner.unit,
            op=winner.op,
            of=rule.of,
            level="UNI" if winner.setting else rule.level,
            confidence="P" if winner.setting else rule.confidence,
            rule=rule,
            others=tuple(other for other in rules if other is not rule),
            setting=winner.setting,
            limits=limits if rule.kind == "time" else (),
        )


def _own(settings: Sequence[Setting], id: str, on: date) -> Setting | None:
    """The unit's setting in force; of several the one that began last, of those the last in
    order.
    """
    mine = [setting for setting in settings if setting.rule_id == id and setting.in_force(on)]
    return (
        max(enumerate(mine), key=lambda pair: (pair[1].valid_from or date.min, pair[0]))[1]
        if mine
        else None
    )


def _candidates(rules: Sequence[Rule], own: Setting | None) -> list[Limit]:
    binding = [rule for rule in rules if rule.binding]
    if own is None or rules[0].family == "duty":
        return [limit_of(rule) for rule in (*binding, *_soft(rules))]
    replaced = _replaced(rules)
    return [
        *map(limit_of, binding),
        Limit(own.value, own.unit or replaced.unit, replaced.op, replaced, own),
    ]


def _soft(rules: Sequence[Rule]) -> list[Rule]:
    soft = [rule for rule in rules if not rule.binding]
    return [rule for rule in soft if rule.level == "UNI"] or soft


def _replaced(rules: Sequence[Rule]) -> Rule:
    return strictest_by_unit([limit_of(rule) for rule in _soft(rules) or rules])[0].rule


def limit_of(rule: Rule) -> Limit:
    """A rule as it takes part in a ruling; a duty counts as 0 of nothing."""
    if rule.family == "duty":
        return Limit(0, rule.unit, rule.op, rule)
    amount = rule.value if rule.value is not None else rule.share
    assert amount is not None  # load() refuses a rule with neither
    return Limit(amount, rule.unit, rule.op, rule)


def strictest_by_unit(candidates: Sequence[Limit]) -> tuple[Limit, ...]:
    """The strictest of each unit of time; of all else, one. Equals: law before the rest, then the
    order of the file.

    For time, what binds and what is the unit's own stay apart: eight of a school's working days
    skip its vacation and may end after the ten of the law.
    """
    family = candidates[0].rule.family
    if family == "exact" and len({limit.size for limit in candidates}) > 1:
        cites = Listed(limit.rule.cited for limit in candidates)
        raise ProcessFault(
            _("规则“{id}”的几个来源互相矛盾：{cites}。", id=candidates[0].rule.id, cites=cites),
            element=candidates[0].rule.id,
        )
    groups: dict[tuple[str, bool], list[Limit]] = {}
    for limit in sorted(candidates, key=lambda limit: not limit.binding):
        apart = (limit.unit, limit.binding) if limit.rule.kind == "time" else ("", True)
        groups.setdefault(apart, []).append(limit)
    if family in {"floor", "ahead"}:
        return tuple(max(group, key=_most) for group in groups.values())
    return tuple(min(group, key=lambda limit: limit.size) for group in groups.values())


def _most(limit: Limit) -> tuple[Fraction, bool]:
    return limit.size, limit.op == ">"


def _roughly(limit: Limit) -> Fraction:
    """For showing one of several limits first; "ahead" counts negative so that the longest notice
    comes first.
    """
    size = limit.size * _ROUGH_DAYS.get(limit.unit, 1)
    return -size if limit.rule.family == "ahead" else size


def _basis(rule: Rule, lang: str) -> str:
    if lang == "en":
        return f" ({rule.cite('en')}; {rule.standing('en')})"
    return f"（{rule.cite()}，{rule.standing()}）"


def _same(a: Rule, b: Rule) -> bool:
    """Whether two entries say the same, so that the second need only be named."""
    if a.family == "duty":
        return a.text == b.text
    return (a.unit, a.op, limit_of(a).size) == (b.unit, b.op, limit_of(b).size)


def _rule_words(rule: Rule, lang: str) -> str:
    if rule.family == "duty":
        return rule.text_en.rstrip(".") if lang == "en" else rule.text.rstrip("。")
    return limit_of(rule).words(lang)
