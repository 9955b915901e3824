"""The rulebook: dated numbers of law, of rules of the institution and of product defaults, each
with its source.

It reads processes/law/*.toml, picks "the strictest that satisfies all" for a day and a place, and
compares in integers. It decides no real conflict between sources （立法法99, 106）; it keeps all
values so that people can see them.
"""

from engine.law.applied import before, compare, deadline, needed
from engine.law.folder import load
from engine.law.own import check_setting
from engine.law.rules import (
    CONFIDENCES,
    LEVELS,
    OF,
    OPS,
    UNITS,
    Place,
    Rule,
    cited,
    exact,
    fraction,
    unit_words,
)
from engine.law.rulings import Limit, Rulebook, Ruling, Setting

__all__ = [
    "CONFIDENCES",
    "LEVELS",
    "OF",
    "OPS",
    "UNITS",
    "Limit",
    "Place",
    "Rule",
    "Rulebook",
    "Ruling",
    "Setting",
    "before",
    "check_setting",
    "cited",
    "compare",
    "deadline",
    "exact",
    "fraction",
    "load",
    "needed",
    "unit_words",
]
