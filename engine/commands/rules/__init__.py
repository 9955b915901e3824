"""What a union sets for itself: its own rule values (two people), its vacations; and the State's
holiday notices.

A value or a vacation never reaches back: instances under way keep the rules of their decisive date.
A holiday notice does: it makes provisional dates certain, and every change of a running deadline
stands in the history of its instance.
"""

from engine.commands.rules.notices import NOTICE, decide_notice, propose_notice
from engine.commands.rules.recomputing import recompute, resting_on
from engine.commands.rules.settings import decide_setting, propose_setting
from engine.commands.rules.vacations import add_vacation, remove_vacation

__all__ = [
    "NOTICE",
    "add_vacation",
    "decide_notice",
    "decide_setting",
    "propose_notice",
    "propose_setting",
    "recompute",
    "remove_vacation",
    "resting_on",
]
