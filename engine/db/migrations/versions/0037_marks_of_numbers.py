"""A matter is found by its number as people write it: marks beside the pieces of its texts."""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

_NUMBER = re.compile(r"(.*?)[(\[【/-]?((?:19|20)\d\d)[^\d]+0*(\d{1,9})[^\d]*")
_FOUND = sa.text("SELECT id, number FROM instance WHERE grams <> '{}'")
_MARK = sa.text(
    "UPDATE instance SET grams = grams || CAST(:marks AS text[]) "
    "WHERE id = :id AND NOT grams @> CAST(:marks AS text[])"
)


def upgrade() -> None:
    session = op.get_bind()
    told = [{"id": row.id, "marks": _marks(row.number)} for row in session.execute(_FOUND)]
    marked = [each for each in told if each["marks"]]
    if marked:
        session.execute(_MARK, marked)


def _marks(number: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", number).casefold().replace(" ", "")
    found = _NUMBER.fullmatch(plain.replace("〔", "(").replace("〕", ")"))
    if found is None:
        return []
    series, year, serial = found.groups()
    return [f"№{series}{year}-{serial}", f"№{year}-{serial}", f"№{serial}"]
