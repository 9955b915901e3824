"""Brings the database to the schema of this release: Alembic's steps, forward only, one process at
a time.

Besides the tables it keeps the limited role `yixing_app`: an operator's own login for the product
gets no more than `GRANT yixing_app TO <login>`; it may read and write, but of the history only
append. With `SET ROLE yixing_app` any session can try it out.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from engine.errors import EngineError
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

LOCK = 0x796978696E67  # "yixing": whoever migrates holds this advisory lock
_TAKE_LOCK = text(f"SELECT pg_advisory_xact_lock({LOCK})")
PATIENCE = 20  # seconds to wait for another process that migrates
_HOLDER = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    f"AND (classid::bigint << 32) + objid::bigint = {LOCK}"
)
_MAY_MAKE_ROLES = text(
    "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
)
ROLE = "yixing_app"
_HAS_ROLE = text(f"SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}')")
_HERE = Path(__file__).parent / "migrations"
_MAKE_ROLE = f"""
DO $$ BEGIN
    CREATE ROLE {ROLE} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles belong to the whole server
END $$;
"""
_RIGHTS = f"""
GRANT USAGE ON SCHEMA public TO {ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {ROLE};
REVOKE UPDATE, DELETE ON event, checkpoint FROM {ROLE};
GRANT UPDATE (leaf_no, words) ON event TO {ROLE};
GRANT UPDATE (witness) ON checkpoint TO {ROLE};
"""


def migrate(url: str) -> bool:
    """Take the steps that are missing; False when there was none. All of them happen in one
    transaction, or none does.

    EngineError: the database was made by a newer release, or another process holds the lock for
    long.
    """
    with _transaction(url) as connection:
        if at_head(connection):
            return False
        _take_lock(connection)
        if at_head(connection):  # somebody else was faster
            return False
        _upgrade(connection)
        _grant(connection)
        return True


def pending(url: str) -> str | None:
    """The schema of a database that holds members or matters and is older than this release's;
    None when nothing is to be migrated or nothing is in it.
    """
    with _transaction(url) as connection:
        if at_head(connection):
            return None
        if connection.execute(text("SELECT to_regclass('public.member') IS NULL")).scalar():
            return None
        if not connection.execute(text("SELECT EXISTS (SELECT 1 FROM member)")).scalar():
            return None
        return MigrationContext.configure(connection).get_current_revision()


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
        _take_lock(connection)
        _grant(connection)


def has_role(url: str) -> bool:
    """Is there the limited role?"""
    with _transaction(url) as connection:
        return bool(connection.execute(_HAS_ROLE).scalar())


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


def _take_lock(connection: Connection) -> None:
    """Wait for whoever migrates; the transaction is of no use any more when it takes too long."""
    holder = connection.execute(_HOLDER).scalar()
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
    try:
        connection.execute(_TAKE_LOCK)
    except OperationalError as fault:
        if getattr(fault.orig, "sqlstate", None) != "55P03":
            raise
        message = _(
            "另一个进程（数据库进程 {pid}）正在更新数据库结构，等了 {n} 秒：请待其完成后再试；"
            "若它已停在那里，先结束它（SELECT pg_terminate_backend({pid})）",
            pid=holder or "?",
            n=PATIENCE,
        )
        raise EngineError(message, code="migrating") from fault
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as fault:
        message = _("这个数据库由更新的版本建立，请使用新版本的程序。")
        raise EngineError(message, code="newer", detail=str(fault)) from fault


def _grant(connection: Connection) -> None:
    """Give the limited role its rights. A login that may not make roles uses one that somebody
    else has made, or goes without (`has_role`).
    """
    if connection.execute(_MAY_MAKE_ROLES).scalar():
        connection.exec_driver_sql(_MAKE_ROLE)
    if connection.execute(_HAS_ROLE).scalar():
        connection.exec_driver_sql(_RIGHTS)


def at_head(connection: Connection) -> bool:
    """Has this database the schema of this release?"""
    return MigrationContext.configure(connection).get_current_revision() == head()


@cache
def head() -> str:
    """The last step that this release knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
