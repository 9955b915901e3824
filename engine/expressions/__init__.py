"""The safe expression language of conditions, timers, recusals, poll rules and decision tables.

Plain data in, plain data out: an allow-list of Python's syntax, named functions, exact numbers and
hard limits. It knows no process, no database and no clock; whatever an expression may ask is handed
in as facts and functions.
"""

from engine.expressions.contents import (
    calls_in,
    compared_in,
    names_in,
    numbers_in,
    texts_in,
    tree_in,
)
from engine.expressions.evaluation import evaluate
from engine.expressions.fault import check, is_unknown_fact, is_unknown_function
from engine.expressions.functions import BUILT_IN
from engine.expressions.registry import FUNCTIONS, RULE_READERS, RULES, Asks, Function, Gives, Takes
from engine.expressions.values import CONSTANTS

__all__ = [
    "BUILT_IN",
    "CONSTANTS",
    "FUNCTIONS",
    "RULES",
    "RULE_READERS",
    "Asks",
    "Function",
    "Gives",
    "Takes",
    "calls_in",
    "check",
    "compared_in",
    "evaluate",
    "is_unknown_fact",
    "is_unknown_function",
    "names_in",
    "numbers_in",
    "texts_in",
    "tree_in",
]
