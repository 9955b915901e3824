"""What a unit may set for itself: it may tighten law, replace defaults, and never loosen what binds it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from engine.calendar import LONGEST
from engine.calendar import UNIT_WORDS as TIME_WORDS
from engine.errors import Invalid, ProcessFault
from engine.law.rules import SHARE_UNITS, ZHEJIANG, Rule, amount_words, overlap
from engine.law.rulings import Limit, Rulebook, Setting, limit_of, strictest_by_unit

FINEST = 10_000  # the largest denominator of a share
_APART = frozenset(
    {"side", "minimum_wage", "subsistence"}
)  # what is compared with these is no part of them
_MOST_APART = 10


def check_setting(
    rulebook: Rulebook, setting: Setting, jurisdictions: frozenset[str] = ZHEJIANG
) -> None:
    """Refuse a unit's own value that is no value for this rule or that loosens law. Errors: Invalid by field."""
    try:
        rules = rulebook.get(setting.rule_id)
    except ProcessFault as fault:
        raise Invalid({"rule_id": [fault.message]}) from None
    faults: dict[str, list[str]] = {}
    if not setting.source.strip():
        faults["source"] = ["请写明依据，例如哪次会议的决议。"]
    if setting.valid_from and setting.valid_to and setting.valid_to < setting.valid_from:
        faults["valid_to"] = ["结束日早于开始日。"]
    here = [rule for rule in rules if rule.jurisdiction in jurisdictions and overlap(rule, setting)]
    if wrong := _value_fault(rules[0], setting) or _out_of_reach(here, setting):
        faults["value"] = [wrong]
    else:
        binding = [rule for rule in here if rule.binding]
        if loosened := [reason for rule in binding if (reason := _loosens(rule, binding, setting))]:
            faults["value"] = loosened
    if faults:
        raise Invalid(faults)


def _value_fault(rule: Rule, setting: Setting) -> str:
    value, unit = setting.value, setting.unit or rule.unit
    if rule.family == "duty":
        return "这条规则是义务，没有可以设定的数值。"
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return "请填写整数或分数，不得用小数。"
    if unit not in (TIME_WORDS if rule.kind == "time" else (rule.unit,)):
        return f"单位“{unit}”与规则不符。"
    wholes = _MOST_APART if rule.of in _APART else 1
    if unit == "share":
        if value.denominator > FINEST:
            return f"分母最大为 {FINEST}。"
        return "" if 0 <= value <= wholes else f"比例须在 0 和 {wholes} 之间。"
    if Fraction(value).denominator != 1:
        return "请填写整数。"
    least, most = (
        (1 if rule.kind == "time" else 0),
        SHARE_UNITS[unit] * wholes if unit in SHARE_UNITS else LONGEST,
    )
    return "" if least <= value <= most else f"请填写 {least} 至 {most} 的整数。"


def _out_of_reach(rules: Sequence[Rule], setting: Setting) -> str:
    """Nothing is more than all: such a value would make every vote fail."""
    over = any(rule.kind == "share" and rule.op == ">" and rule.of not in _APART for rule in rules)
    all_of_them = SHARE_UNITS.get(setting.unit or rules[0].unit, 1) if rules else 0
    return "没有人数能超过全部，请填写更小的比例。" if over and setting.value == all_of_them else ""


def _loosens(rule: Rule, binding: Sequence[Rule], setting: Setting) -> str:
    """Why the setting would loosen this binding rule, or nothing."""
    unit = setting.unit or strictest_by_unit([limit_of(one) for one in binding])[0].unit
    if rule.kind == "time" and unit != rule.unit:
        # 15 days and 10 working days cannot be weighed without a calendar: some limit must have the same unit
        if any(one.unit == unit for one in binding):
            return ""
        return f"{rule.cite()}以“{TIME_WORDS[rule.unit][0]}”计，本单位的期限请用同一单位。"
    own = Limit(
        setting.value, rule.unit if rule.kind != "time" else unit, rule.op, rule, setting
    ).size
    law = limit_of(rule).size
    looser = {
        "floor": own < law,
        "ahead": own < law,
        "ceiling": own > law,
        "opens": own > law,
        "exact": own != law,
    }
    if not looser[rule.family]:
        return ""
    wanted = amount_words(setting.value, unit, "", 0)
    return f"{rule.cite()}规定{limit_of(rule).words()}，本单位可以更严，不得放宽为 {wanted}。"
