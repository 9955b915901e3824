"""Working days of China and the arithmetic of time limits. Pure: reads no clock, stores nothing,
counts in integers.

Law: Civil Code （民法典） arts. 200-203, 1259. A year whose State Council holiday notice is not
loaded counts weekends and the days off that law fixes (statutory.py) and gives provisional dates,
so that they can be computed again once the notice is there.
"""

from engine.calendar.limits import Calendar
from engine.calendar.moments import Due, When, ending_day, next_year, shifted
from engine.calendar.notices import Notice, parse_notice, shipped, shipped_years
from engine.calendar.spans import LONGEST, UNIT_WORDS, UNITS, in_words

__all__ = [
    "LONGEST",
    "UNITS",
    "UNIT_WORDS",
    "Calendar",
    "Due",
    "Notice",
    "When",
    "ending_day",
    "in_words",
    "next_year",
    "parse_notice",
    "shifted",
    "shipped",
    "shipped_years",
]
