"""The database engine and the one place that commits. Library exceptions of the database are
translated here.
"""

from __future__ import annotations

import json
import logging
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy import Engine as Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from engine.db import shred
from engine.errors import Conflict, EngineError, Invalid, Unavailable
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psycopg

    from engine.settings import Settings

Session = Connection
T = TypeVar("T")
RIVALS = {
    "40001",
    "40P01",
}  # serialization failure, deadlock: the database took the transaction back
_engines: dict[str, Engine] = {}


def _plain(data: bytes | str) -> Any:
    """What a JSON column holds. The database sends UTF-8: nobody has to guess it from the bytes."""
    return json.loads(data if isinstance(data, str) else bytes(data).decode())


_AFTERWARDS = "yixing_afterwards"
_log = logging.getLogger("yixing.db")


def connect(url: str, *, size: int = 20, pooled: bool = False, home: Path | None = None) -> Engine:
    """The engine for a URL, one per process. READ COMMITTED; a statement ends after 30 s, a lock
    wait after 10 s. `pooled`: the server is a pgbouncer that hands out a connection for a
    transaction only, so that nothing may be left in the session. `home`: of the installation whose
    database it is; without it (stories, tests) keys that are to be destroyed lie in memory.
    """
    if url not in _engines:
        engine = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1).replace(
                "postgres://", "postgresql+psycopg://", 1
            ),
            pool_size=size,
            max_overflow=10,
            pool_pre_ping=False,
            pool_recycle=1800,
            query_cache_size=2000,
            json_deserializer=_plain,
            # what people write does not get into logs by way of a failed statement
            hide_parameters=True,
        )
        if pooled:
            event.listen(engine, "connect", _prepare_nothing)
            event.listen(engine, "begin", _set_for_the_transaction)
        else:
            event.listen(engine, "connect", _prepare)
        _engines[url] = engine
    if home is not None:
        shred.settle(_engines[url], home)
    return _engines[url]


def release(url: str) -> None:
    """Close the connections of a URL's engine and forget it; nothing happens when there is none."""
    engine = _engines.pop(url, None)
    if engine is not None:
        engine.dispose()


_SESSION = {
    "statement_timeout": "'30s'",
    "lock_timeout": "'10s'",
    "timezone": "'UTC'",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # cost more than our short queries take
    "random_page_cost": "1.1",  # what is asked often is in memory, and disks have no arm any more
}


def _settings(scope: str) -> str:
    return "; ".join(f"SET {scope} {name} = {value}" for name, value in _SESSION.items())


def _prepare(raw: psycopg.Connection, _record: object) -> None:
    raw.prepare_threshold = 3
    with raw.cursor() as cursor:
        cursor.execute(_settings("SESSION"))
    raw.commit()


def _prepare_nothing(raw: psycopg.Connection, _record: object) -> None:
    raw.prepare_threshold = None  # a prepared statement would be looked for in another session


def _set_for_the_transaction(connection: Connection) -> None:
    connection.exec_driver_sql(_settings("LOCAL"))


def url_of(settings: Settings) -> str:
    """The configured database itself, past any pooler, or the embedded one, which is started when
    it does not run yet.
    """
    if settings.database_url:
        return settings.database_direct_url or settings.database_url
    from engine.db import embedded

    return embedded.start(settings.home)


def connect_web(settings: Settings) -> Engine:
    """The engine of a web process: through the pooler where the settings name one."""
    if not settings.database_pooled:
        return connect(url_of(settings), home=settings.home)
    return connect(settings.database_url, pooled=True, home=settings.home)


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One transaction: commits at the end, rolls back on any error. The database's own errors
    become ours.

    A duplicate row is a Conflict, a value that no column can hold is Invalid, a database that does
    not answer is Unavailable (`in_doubt` when it went away during the commit); a deadlock or
    serialization failure passes through, for `again`.
    """
    committing = False
    try:
        with engine.begin() as session:
            session.info.pop(_AFTERWARDS, None)
            yield session
            waiting = session.info.pop(_AFTERWARDS, [])
            committing = True
    except DBAPIError as fault:
        if committing and lost(fault):
            raise Unavailable(
                _("数据库在保存时中断，请刷新后查看是否已经办理。"), code="in_doubt"
            ) from fault
        ours = _translated(fault)
        if ours is None:
            raise
        raise ours from fault
    for act in waiting:
        try:
            act()
        except Exception:  # what was committed stays committed
            _log.exception("something was not done after a commit")


@contextmanager
def savepoint(session: Session, *, trial: bool = False) -> Iterator[None]:
    """A part of a transaction that is taken back alone on an error, a `trial` in any case; what it
    wanted to be done after the commit is forgotten with it.
    """
    waiting = list(session.info.get(_AFTERWARDS, ()))
    with session.begin_nested() as point:
        try:
            yield
        except BaseException:
            session.info[_AFTERWARDS] = waiting
            raise
        if trial:
            point.rollback()
            session.info[_AFTERWARDS] = waiting


def after_commit(session: Session, act: Callable[[], object]) -> None:
    """Do it when this transaction has committed, and not when it does not: what cannot be taken
    back, such as destroying a key. Whoever asks makes sure that it is done later if the process
    dies in between.
    """
    session.info.setdefault(_AFTERWARDS, []).append(act)


def lost(fault: DBAPIError) -> bool:
    """Did the connection break, or the server go down?"""
    state = getattr(fault.orig, "sqlstate", None) or ""
    return fault.connection_invalidated or state.startswith(("08", "57P"))


def rivals(fault: DBAPIError) -> bool:
    """Did the database take the transaction back because of another one?"""
    return getattr(fault.orig, "sqlstate", None) in RIVALS


def _translated(fault: DBAPIError) -> EngineError | None:
    if rivals(fault):
        return None
    state = getattr(fault.orig, "sqlstate", None) or ""
    if isinstance(fault, IntegrityError):
        return Conflict(detail=str(fault.orig))
    if isinstance(fault, DataError) or state.startswith("22"):
        return Invalid(_("内容中有不能保存的字符或数值。"))
    if state == "53100":
        return Unavailable(
            _("数据库所在的磁盘已满，什么都没有改动，请告诉管理员。"), code="disk_full"
        )
    if state == "YX001":
        message = _("本机时钟比上一条记录的时刻早两秒以上，什么都没有改动，请告诉管理员核对时钟。")
        return Unavailable(message, code="clock_back", detail=str(fault.orig))
    if state == "55P03":
        return Conflict(_("此事项正由他人办理，请稍后再试。"))
    return Unavailable() if isinstance(fault, OperationalError) else None


def again(engine: Engine, work: Callable[[Session], T], tries: int = 5) -> T:
    """Run `work` in a transaction; a deadlock, a serialization failure or a connection lost before
    the commit runs the whole of it again.
    """
    for attempt in range(tries):
        try:
            with transaction(engine) as session:
                return work(session)
        except (DBAPIError, Unavailable) as fault:
            cause = fault.__cause__ if isinstance(fault, Unavailable) else fault
            hopeless = not isinstance(cause, DBAPIError) or not (rivals(cause) or lost(cause))
            if hopeless or getattr(fault, "code", "") == "in_doubt" or attempt == tries - 1:
                raise
            time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # spread the rivals out
    raise AssertionError("unreachable")
