"""Import and export of units, people and posts as .xlsx: nothing is written before every
row was shown.

`preview` keeps the rows and says what is wrong with each; `confirm` looks again and writes all of
them or none.
"""

from engine.commands.imports.batches import (
    Batch,
    Report,
    RowReport,
    confirm,
    correct,
    home,
    preview,
    ready,
)
from engine.commands.imports.columns import KINDS, kinds, template
from engine.commands.imports.exports import export, exported
from engine.commands.imports.undoing import undo

__all__ = [
    "KINDS",
    "Batch",
    "Report",
    "RowReport",
    "confirm",
    "correct",
    "export",
    "exported",
    "home",
    "kinds",
    "preview",
    "ready",
    "template",
    "undo",
]
