"""DMN decision tables (DMN 1.1 to 1.5, hit policies UNIQUE, FIRST, ANY, COLLECT and RULE ORDER):
read, searched for faults, decided.

Nothing is guessed: two matching rows or none are a fault, and a missing fact never slips through a
comparison. It opens no file and knows no law; the functions that cells may call are handed in.
"""

from engine.decisions.choice import Told, broken, decide, explain
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
    "broken",
    "decide",
    "explain",
    "faults",
    "parse",
]
