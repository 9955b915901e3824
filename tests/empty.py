"""A database with nothing in it, for tests of migrations, backups and the command line."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import psycopg
import pytest

from engine import db
from tests.conftest import named

if TYPE_CHECKING:
    from collections.abc import Iterator

_count = itertools.count(1)


@pytest.fixture
def empty_url(server: str) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"empty_{os.getpid()}_{next(_count)}"
    url = named(server, name)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'".encode()
        )
        yield url
        db.release(url)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
