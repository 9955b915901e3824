"""DMN decision tables (DMN 1.3, hit policies UNIQUE and FIRST): read, searched for faults, decided.

Nothing is guessed: two matching rows or none are a fault, and a missing fact never slips through a
comparison. It opens no file and knows no law; the functions that cells may call are handed in.
"""

from engine.decisions.choice import Told, decide, explain
from engine.decisions.dmn import NAMESPACE, parse
from engine.decisions.fault import faults
from engine.decisions.table import DecisionTable, Input, Output, Row

__all__ = [
    "NAMESPACE",
    "DecisionTable",
    "Input",
    "Output",
    "Row",
    "Told",
    "decide",
    "explain",
    "faults",
    "parse",
]
