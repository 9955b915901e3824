"""Each column of the schema forged once: verification names it, or it stands on the list."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.db import tables
from engine.history import seals
from engine.history.verification.uncompared import ALL, UNCOMPARED, listed
from engine.settings import ROOT
from tests.engine.errands import KEY
from tests.forge import forgeries, grounds

if TYPE_CHECKING:
    from engine import db

LONG = "YIXING_FORGE" in os.environ  # `make forge`
SHORT = ("registry", "errands")
NAMED = ("unit", "member", "post", "instance", "task", "timer", "share", "vacation")
Found = dict[tuple[str, str], set[str]]


def tried(session: db.Session, statement: str) -> str:
    """What verification says after a statement: "" when it changed nothing, "missed", or "named"."""
    with session.begin_nested() as change:
        try:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            done = session.execute(text(statement)).rowcount
            found = seals.verify(session, KEY.public) if done else None
        except DBAPIError:
            return "refused"  # by the schema itself
        finally:
            change.rollback()
    return "" if found is None else "named" if found.broken or found.fault else "missed"


def forged(session: db.Session, names: tuple[str, ...]) -> Found:
    """What came of every forgery, by (table, column), ALL for rows put in or taken away."""
    found: Found = defaultdict(set)
    for table in tables.metadata.sorted_tables:
        if names and table.name not in names:
            continue
        for column, statements in forgeries.updates(table).items():
            found[table.name, column].update(tried(session, each) for each in statements)
        for statement in (forgeries.delete(table), forgeries.insert(table)):
            found[table.name, ALL].add(tried(session, statement))
    return found


# units and people of the fixtures stand in no event
@pytest.mark.parametrize("name", list(grounds.GROUNDS) if LONG else SHORT)
def test_every_forgery_is_named_or_listed(server: str, name: str) -> None:
    with grounds.ground(server, name) as session:
        honest = seals.verify(session, KEY.public)
        assert not honest.broken and not honest.fault, honest
        found = forged(session, () if LONG else NAMED)
    unknown = {"unit", "member", "post"} if name != "registry" else set()
    missed = {key for key, what in found.items() if "missed" in what and key[0] not in unknown}
    assert not {key for key in missed if not listed(*key)}
    named = {key for key, what in found.items() if "named" in what}
    assert len(named) > (25 if name == "registry" else 40)


def test_the_list_names_the_schema_and_stands_in_the_readme() -> None:
    for table, column in UNCOMPARED:
        assert column == ALL or column in tables.metadata.tables[table].columns
        assert (
            f"`{table}`" in (ROOT / "README.md").read_text()
            or f"`{table}." in (ROOT / "README.md").read_text()
        ), table
