"""What a unit may set for itself: it may tighten law, replace defaults, and never loosen what binds
it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from engine.calendar import LONGEST
from engine.calendar import UNIT_WORDS as TIME_WORDS
from engine.errors import Invalid, ProcessFault
from engine.law.rules import CHOICE_WORDS, SHARE_UNITS, Rule, amount_words, overlap
from engine.law.rulings import Limit, Rulebook, Setting, limit_of, strictest_by_unit
from engine.messages import Both, Message, _

FINEST = 10_000  # the largest denominator of a share
# what is compared with these is no part of them
_APART = frozenset({"side", "minimum_wage", "subsistence"})
_MOST_APART = 10
_LOOSER: Mapping[str, Callable[[Fraction, Fraction], bool]] = MappingProxyType(
    {
        "floor": operator.lt,
        "ahead": operator.lt,
        "ceiling": operator.gt,
        "opens": operator.gt,
        "exact": operator.ne,
    }
)


def check_setting(
    rulebook: Rulebook, setting: Setting, jurisdictions: frozenset[str] | None = None
) -> None:
    """Refuse a unit's own value that is no value for this rule or that loosens law. Errors: Invalid
    by field.
    """
    try:
        rules = rulebook.get(setting.rule_id)
    except ProcessFault as fault:
        raise Invalid({"rule_id": [fault.message]}) from None
    faults: dict[str, list[str]] = {}
    if not setting.source.strip():
        faults["source"] = [_("请写明依据，例如哪次会议的决议。")]
    if setting.valid_from and setting.valid_to and setting.valid_to < setting.valid_from:
        faults["valid_to"] = [_("结束日早于开始日。")]
    places = rulebook.everywhere if jurisdictions is None else jurisdictions
    here = [rule for rule in rules if rule.jurisdiction in places and overlap(rule, setting)]
    if wrong := _value_faults(rules[0], here, setting):
        faults["value"] = [*wrong]
    if faults:
        raise Invalid(faults)


def _value_faults(first: Rule, here: Sequence[Rule], setting: Setting) -> list[Message]:
    if wrong := _value_fault(first, setting) or _out_of_reach(here, setting):
        return [wrong]
    binding = [rule for rule in here if rule.binding]
    return [reason for rule in binding if (reason := _loosened(rule, binding, setting))]


def _value_fault(rule: Rule, setting: Setting) -> Message | None:
    """Why this is no value of such a rule at all."""
    unit = setting.unit or rule.unit
    if rule.family == "duty":
        return _("这条规则是义务，没有可以设定的数值。")
    if isinstance(setting.value, bool) or not isinstance(setting.value, int | Fraction):
        return _("请填写整数或分数，不得用小数。")
    if unit not in (TIME_WORDS if rule.kind == "time" else (rule.unit,)):
        return _("单位“{unit}”与规则不符。", unit=unit)
    wholes = _MOST_APART if rule.of in _APART else 1
    if unit == "share":
        return _share_fault(setting.value, wholes)
    if unit in CHOICE_WORDS:
        return _whole_fault(setting.value, 1, len(CHOICE_WORDS[unit]))
    least = 1 if rule.kind == "time" else 0
    most = SHARE_UNITS[unit] * wholes if unit in SHARE_UNITS else LONGEST
    return _whole_fault(setting.value, least, most)


def _share_fault(value: int | Fraction, wholes: int) -> Message | None:
    if value.denominator > FINEST:
        return _("分母最大为 {finest}。", finest=FINEST)
    if not 0 <= value <= wholes:
        return _("比例须在 0 和 {wholes} 之间。", wholes=wholes)
    return None


def _whole_fault(value: int | Fraction, least: int, most: int) -> Message | None:
    if value.denominator != 1:
        return _("请填写整数。")
    if not least <= value <= most:
        return _("请填写 {least} 至 {most} 的整数。", least=least, most=most)
    return None


def _out_of_reach(rules: Sequence[Rule], setting: Setting) -> Message | None:
    """Nothing is more than all: such a value would make every vote fail."""
    if not any(r.kind == "share" and r.op == ">" and r.of not in _APART for r in rules):
        return None
    all_of_them = SHARE_UNITS.get(setting.unit or rules[0].unit, 1)
    if setting.value != all_of_them:
        return None
    return _("没有人数能超过全部，请填写更小的比例。")


def _loosened(rule: Rule, binding: Sequence[Rule], setting: Setting) -> Message | None:
    """Why the setting would loosen this binding rule, or nothing."""
    unit = setting.unit or strictest_by_unit([limit_of(one) for one in binding])[0].unit
    if rule.kind == "time" and unit != rule.unit:
        # 15 days and 10 working days cannot be weighed without a calendar: some limit must have the
        # same unit
        if any(one.unit == unit for one in binding):
            return None
        return _(
            "{cite}以“{unit}”计，本单位的期限请用同一单位。",
            cite=rule.cited,
            unit=Both(*TIME_WORDS[rule.unit]),
        )
    own = Limit(setting.value, unit if rule.kind == "time" else rule.unit, rule.op, rule, setting)
    law = limit_of(rule)
    if not _LOOSER[rule.family](own.size, law.size):
        return None
    wanted = [amount_words(setting.value, unit, "", n) for n in (0, 1)]
    return _(
        "{cite}规定{limit}，本单位可以更严，不得放宽为 {wanted}。",
        cite=rule.cited,
        limit=law.both,
        wanted=Both(*wanted),
    )
