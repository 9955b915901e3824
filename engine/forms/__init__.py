"""Forms: form-js schemas read as data, answers cleaned by a generated marshmallow schema.

What leaves this room is plain, normalised and JSON-ready; what does not fit is `Invalid` with every
fault at once. It draws nothing, stores nothing, and knows units, members and instances only through
the `sources` handed in.
"""

from engine.forms import told
from engine.forms.amounts import capitals
from engine.forms.answers import clean
from engine.forms.fault import faults
from engine.forms.form import KINDS, Bounds, Choice, Field, Form, Limits, Unit
from engine.forms.formjs import load
from engine.forms.hiding import settled
from engine.forms.schema import schema_of
from engine.forms.search import bigrams, search_key
from engine.forms.serial import marks, sought

__all__ = [
    "KINDS",
    "Bounds",
    "Choice",
    "Field",
    "Form",
    "Limits",
    "Unit",
    "bigrams",
    "capitals",
    "clean",
    "faults",
    "load",
    "marks",
    "schema_of",
    "search_key",
    "settled",
    "sought",
    "told",
]
