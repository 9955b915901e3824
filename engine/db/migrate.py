"""Brings the database to the schema of this release: Alembic's steps, forward only, one process at
a time.

Besides the tables it keeps the limited role `yixing_app`: an operator's own login for the product
gets no more than `GRANT yixing_app TO <login>`; it may read and write, but of the history only
append. With `SET ROLE yixing_app` any session can try it out.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from engine.errors import EngineError
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

LOCK = 0x796978696E67  # "yixing": whoever migrates holds this advisory lock
_TAKE_LOCK = text(f"SELECT pg_advisory_xact_lock({LOCK})")
_MAY_MAKE_ROLES = text(
    "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
)
ROLE = "yixing_app"
_HERE = Path(__file__).parent / "migrations"
_RIGHTS = f"""
DO $$ BEGIN
    CREATE ROLE {ROLE} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles belong to the whole server
END $$;
GRANT USAGE ON SCHEMA public TO {ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {ROLE};
REVOKE UPDATE, DELETE ON event, checkpoint FROM {ROLE};
GRANT UPDATE (leaf_no) ON event TO {ROLE};
GRANT UPDATE (witness) ON checkpoint TO {ROLE};
"""


def migrate(url: str) -> bool:
    """Take the steps that are missing; False when there was none. All of them happen in one
    transaction, or none does.

    EngineError: the database was made by a newer release.
    """
    with _transaction(url) as connection:
        if at_head(connection):
            return False
        connection.execute(_TAKE_LOCK)
        if at_head(connection):  # somebody else was faster
            return False
        _upgrade(connection)
        _grant(connection)
        return True


def draft(url: str, words: str) -> None:
    """Write the next step for what engine/db/tables has and this database has not; a developer
    reads and completes it.
    """
    number = f"{len(list((_HERE / 'versions').glob('[0-9]*.py'))) + 1:04}"
    with _transaction(url) as connection:
        config = _config()
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        config.attributes["connection"] = connection
        command.revision(config, words, autogenerate=True, rev_id=number)


def grant(url: str) -> None:
    """Give the limited role its rights anew, after a restore."""
    with _transaction(url) as connection:
        connection.execute(_TAKE_LOCK)
        _grant(connection)


def start_over(url: str) -> None:
    """Throw away everything that the database holds, for data of which only half were loaded."""
    with _transaction(url) as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    """One transaction without the time limits that the product's own connections have."""
    engine = create_engine("postgresql+psycopg://" + url.partition("://")[2], poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as fault:
        message = _("这个数据库由更新的版本建立，请使用新版本的程序。")
        raise EngineError(message, code="newer", detail=str(fault)) from fault


def _grant(connection: Connection) -> None:
    """Make the limited role and give it its rights; a login that may not make roles goes without
    it.
    """
    if connection.execute(_MAY_MAKE_ROLES).scalar():
        connection.exec_driver_sql(_RIGHTS)


def at_head(connection: Connection) -> bool:
    """Has this database the schema of this release?"""
    return MigrationContext.configure(connection).get_current_revision() == head()


def head() -> str:
    """The last step that this release knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
