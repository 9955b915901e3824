"""Decision tables for readers: which are in force, each in words, and what a case would come to.
A trial stores nothing.
"""

from engine.queries.decisions.listing import Listed, Use, listing
from engine.queries.decisions.questions import Question, questions
from engine.queries.decisions.shown import Shown, shown
from engine.queries.decisions.trials import (
    Ground,
    Outcome,
    Result,
    evaluate,
    evaluate_on_disk,
    questions_on_disk,
)
from engine.queries.decisions.words import Cell, Column, Line

__all__ = [
    "Cell",
    "Column",
    "Ground",
    "Line",
    "Listed",
    "Outcome",
    "Question",
    "Result",
    "Shown",
    "Use",
    "evaluate",
    "evaluate_on_disk",
    "listing",
    "questions",
    "questions_on_disk",
    "shown",
]
