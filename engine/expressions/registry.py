"""The functions of the expression language, each declared once: what it takes, what it gives, and
whom it asks.

The checks, the trial of decision tables and the documentation take what they need from here. A
function of the arguments alone is declared where it stands, in engine/expressions/functions.py. One
that asks the law or the instance is declared below and handed in with the facts; tests hold that
every declared one is, and no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Takes(Enum):
    """What an argument is. What is named, is written out as a text, so that a check can look it
    up.
    """

    VALUE = auto()  # any value
    RULE = auto()  # the id of a rule of law
    NUMBER_RULE = auto()  # of one whose amount is a whole number
    SHARE_RULE = auto()  # of one whose amount is a share
    TIME_RULE = auto()  # of one whose amount is a time
    POST = auto()  # the kind of a post
    ROLL = auto()  # the key of a roll of the folder
    DELEGATES = auto()  # of a function of old: see engine/legacy.py
    TASK = auto()  # the id of a user task
    STEP = auto()  # the id of a task or message, or "launch"
    PLANNED = auto()  # the key of a step of the plan of the folder
    ROWS = auto()  # the rows of a table
    OF_ROW = auto()  # an expression over one of them, called `row`; asked of each
    CONDITION = auto()  # an expression over the facts of another instance


ROW = "row"
RULES = frozenset({Takes.RULE, Takes.NUMBER_RULE, Takes.SHARE_RULE, Takes.TIME_RULE})


class Gives(Enum):
    """What a function gives; where that depends on its arguments, a VALUE."""

    VALUE = auto()
    NUMBER = auto()
    TRUTH = auto()
    TEXT = auto()
    LIST = auto()
    DAY = auto()
    MOMENT = auto()
    DEADLINE = auto()  # a moment: the end of a time limit, known with its computation
    PERSON = auto()
    PEOPLE = auto()


class Asks(Enum):
    """What a function must ask to answer."""

    NOTHING = auto()  # its arguments suffice
    LAW = auto()  # the rulebook on a day
    INSTANCE = auto()  # an instance and the union it belongs to


@dataclass(frozen=True, slots=True)
class Function:
    """`takes`: its arguments in order, of which the first `least` must be given; with `many`, any
    number of the last.
    """

    name: str
    takes: tuple[Takes, ...]
    least: int
    many: bool
    gives: Gives
    asks: Asks

    def fits(self, given: int) -> bool:
        """Can it be called with so many arguments?"""
        return given >= self.least and (self.many or given <= len(self.takes))


FUNCTIONS: dict[str, Function] = {}


def declare(
    name: str,
    *takes: Takes,
    may: tuple[Takes, ...] = (),
    many: bool = False,
    gives: Gives,
    asks: Asks,
) -> None:
    """Declare a function: `takes` must be given, `may` can be left out, `many` repeats the last."""
    FUNCTIONS[name] = Function(
        name=name, takes=takes + may, least=len(takes), many=many, gives=gives, asks=asks
    )


_VALUE = Takes.VALUE
_LAW, _INSTANCE = Asks.LAW, Asks.INSTANCE

declare("rule", Takes.NUMBER_RULE, gives=Gives.NUMBER, asks=_LAW)
declare("reaches", Takes.SHARE_RULE, _VALUE, _VALUE, gives=Gives.TRUTH, asks=_LAW)
declare("satisfies", Takes.NUMBER_RULE, _VALUE, gives=Gives.TRUTH, asks=_LAW)
declare("needed", Takes.SHARE_RULE, _VALUE, gives=Gives.NUMBER, asks=_LAW)
declare("in_force", Takes.RULE, may=(_VALUE,), gives=Gives.TRUTH, asks=_LAW)
declare("article", Takes.RULE, may=(_VALUE,), gives=Gives.TEXT, asks=_LAW)

declare("switched_on", Takes.RULE, gives=Gives.TRUTH, asks=_LAW)

declare("due", Takes.TIME_RULE, may=(_VALUE,), gives=Gives.DEADLINE, asks=_INSTANCE)
declare("before", _VALUE, Takes.TIME_RULE, gives=Gives.DEADLINE, asks=_INSTANCE)
declare("after", _VALUE, Takes.TIME_RULE, gives=Gives.DEADLINE, asks=_INSTANCE)
declare("next_year_ends", _VALUE, may=(Takes.TIME_RULE,), gives=Gives.DEADLINE, asks=_INSTANCE)
declare("days", _VALUE, _VALUE, gives=Gives.NUMBER, asks=_INSTANCE)
declare("term_ends", _VALUE, _VALUE, gives=Gives.DAY, asks=_INSTANCE)
declare("day", _VALUE, gives=Gives.DAY, asks=_INSTANCE)
declare("at", Takes.STEP, gives=Gives.MOMENT, asks=_INSTANCE)
declare("happened", Takes.STEP, gives=Gives.DAY, asks=_INSTANCE)
declare("by", Takes.STEP, gives=Gives.PERSON, asks=_INSTANCE)
declare("unmet", gives=Gives.NUMBER, asks=_INSTANCE)
declare("round", Takes.TASK, gives=Gives.NUMBER, asks=_INSTANCE)
declare("meeting", Takes.TASK, _VALUE, gives=Gives.VALUE, asks=_INSTANCE)
declare(
    "matters",
    _VALUE,
    Takes.CONDITION,
    may=(_VALUE, Takes.CONDITION, _VALUE),
    gives=Gives.NUMBER,
    asks=_INSTANCE,
)
declare("linked", _VALUE, gives=Gives.NUMBER, asks=_INSTANCE)
declare("matter_fits", _VALUE, Takes.CONDITION, gives=Gives.TRUTH, asks=_INSTANCE)
declare("facts_of", _VALUE, Takes.CONDITION, _VALUE, gives=Gives.LIST, asks=_INSTANCE)
declare("of_group", _VALUE, gives=Gives.LIST, asks=_INSTANCE)
declare("gathered", _VALUE, Takes.CONDITION, _VALUE, gives=Gives.LIST, asks=_INSTANCE)
declare("fact_of", _VALUE, _VALUE, gives=Gives.VALUE, asks=_INSTANCE)
declare("at_hour", _VALUE, _VALUE, gives=Gives.MOMENT, asks=_INSTANCE)
declare("lasting", _VALUE, gives=Gives.DEADLINE, asks=_INSTANCE)
declare("earliest", _VALUE, _VALUE, gives=Gives.DEADLINE, asks=_INSTANCE)
declare("heads", _VALUE, _VALUE, gives=Gives.TRUTH, asks=_INSTANCE)
declare("holds", _VALUE, Takes.POST, gives=Gives.TRUTH, asks=_INSTANCE)
declare("holders", Takes.POST, may=(_VALUE,), gives=Gives.PEOPLE, asks=_INSTANCE)
declare("roll_of", Takes.ROLL, gives=Gives.PEOPLE, asks=_INSTANCE)
declare("planned", Takes.PLANNED, gives=Gives.DAY, asks=_INSTANCE)
declare("heads_of", _VALUE, gives=Gives.PEOPLE, asks=_INSTANCE)
declare("owners_of", _VALUE, gives=Gives.PEOPLE, asks=_INSTANCE)
declare("members", may=(_VALUE,), gives=Gives.PEOPLE, asks=_INSTANCE)
declare("movers_of", _VALUE, gives=Gives.PEOPLE, asks=_INSTANCE)  # of old: engine/legacy.py
declare("delegates", Takes.DELEGATES, gives=Gives.PEOPLE, asks=_INSTANCE)  # of old

# Those that are told by a rule's number or share; who shows or fixes what a vote rests on looks for
# these.
RULE_READERS = frozenset(
    name
    for name, function in FUNCTIONS.items()
    if function.takes and function.takes[0] in (Takes.NUMBER_RULE, Takes.SHARE_RULE)
)


def over_rows(name: str) -> bool:
    """Does this function ask its second argument of each row of its first?"""
    return name in FUNCTIONS and FUNCTIONS[name].takes[1:] == (Takes.OF_ROW,)
