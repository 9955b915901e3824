"""Faults of the law of an installation: what nobody could look up, and rules that nothing uses and
nobody says why.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.definitions import duties
from engine.definitions.check.fault import Fault
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from engine.definitions.check.language import Rules
    from engine.law import Rule, Rulebook

# What the engine itself looks up, whatever the processes say.
BY_ENGINE: Final = frozenset(
    {
        "BALLOT-KEYS",
        "BALLOT-MIN",
        "DL-EVENT-A",
        "DL-EVENT-G",
        "DL-LEAD",
        "INVITE-DAYS",
        "LIST-ORDER",
        "RET-CASE",
        "SEP-DAYS",
        "STAT-SMALL",
        "URGE-DAILY",
    }
)
_NAME: Final = re.compile(r"[A-Z]{2,8}(?:-[A-Z0-9]+)+")
_OF_NO_USE: Final = re.compile(r"scenarios/|.*\.(md|txt)$")  # stories and words about a folder


def used(folders: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """Whatever is written like the id of a rule in the files of folders, what the catalogue of
    duties names, and what the engine looks up.
    """
    of_periods = {duty.period.shift for duty in duties.catalogue().values()} - {""}
    texts = (
        text for files in folders for name, text in files.items() if not _OF_NO_USE.match(name)
    )
    return BY_ENGINE.union(of_periods, *(_NAME.findall(text) for text in texts))


def silence(files: Mapping[str, str], rules: Rules) -> Iterator[Fault]:
    """A process that rests on a consent which must be given in so many words may not count silence
    as one, whatever a union has switched on.
    """
    named = {rule: rules.get(rule) for rule in sorted(used([files])) if rule in rules.ids}
    express = [rule for rule, entries in named.items() if any(e.express for e in entries)]
    for rule, entries in named.items():
        if express and any(entry.silence for entry in entries):
            what = _(
                "规则 {rule} 把不答复当作同意，本流程要求明示的同意（{express}），不能用。",
                rule=rule,
                express=Listed(express),
            )
            yield Fault("process.toml", rule, what, _("请删去，不答复不视为同意。"))


def check_rulebook(rulebook: Rulebook, in_use: Collection[str]) -> list[Fault]:
    """Entries that cannot be looked up; rules that nothing uses without a reason, and reasons given
    for what is used.
    """
    return [
        Fault(rule.file, rule.id, what, advice)
        for rule in rulebook.rules
        for what, advice in (*_origin(rule), *_use(rule, rule.id in in_use))
    ]


def to_be_checked(rulebook: Rulebook) -> list[Fault]:
    """Numbers of law whose article or first day is not known yet, as their notes say."""
    return [
        Fault(rule.file, rule.id, _lacking(rule), rule.note)
        for rule in rulebook.rules
        if _is_number_of_law(rule) and not (rule.valid_from and rule.article) and rule.note
    ]


def _origin(rule: Rule) -> Iterator[tuple[Message, Message]]:
    """What a reader would need to find a text that has been checked, or a number of law."""
    if rule.level != "LAW":
        return
    if rule.confidence == "V" and not rule.read:
        yield _("已核对原文，没有写在哪里读到。"), _("请以 read 写明出处，或改为 M。")
    lacking = not (rule.valid_from and rule.article)
    if _is_number_of_law(rule) and lacking and not rule.note:
        yield _lacking(rule), _("请补上，或在 note 说明为什么不知道。")


def _is_number_of_law(rule: Rule) -> bool:
    return rule.level == "LAW" and rule.op != "must"


def _lacking(rule: Rule) -> Message:
    if rule.valid_from:
        return _("法定数值没有条号。")
    if rule.article:
        return _("法定数值没有施行日期。")
    return _("法定数值没有条号，也没有施行日期。")


def _use(rule: Rule, is_used: bool) -> Iterator[tuple[Message, Message]]:
    if is_used and rule.unused:
        yield _("写明没有用到，其实用到了。"), _("请删去 unused。")
    if not is_used and not (rule.unused and rule.unused_en):
        yield _("没有流程、决策表用到这条规则。"), _("请以 unused、unused_en 写明原因，或删去。")
