"""What hinders a verb from outside — disk, rights, the database — as one sentence with its cause and its remedy.

The words are ours, so that they are in one language: those of the system and of PostgreSQL follow other settings. Only
what is not known here is quoted.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHY = {
    errno.EADDRINUSE: _("已被占用"),
    errno.EACCES: _("没有权限"),
    errno.EPERM: _("没有权限"),
    errno.EADDRNOTAVAIL: _("本机没有这个地址"),
    errno.ENOENT: _("不存在"),
    errno.ENOTDIR: _("不是目录"),
    errno.EISDIR: _("是目录"),
    errno.EROFS: _("只读"),
}
_OF_THE_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR}
_STATES = {  # SQLSTATE, or its class
    "28": _("数据库不接受这个用户或密码：请改正 YIXING_DATABASE_URL"),
    "3D000": _("服务器上没有这个数据库：请先建立，或改正 YIXING_DATABASE_URL"),
    "42501": _("数据库用户没有这项权限：请让它拥有该数据库（ALTER DATABASE … OWNER TO …）"),
    "25006": _("数据库只读（备用服务器？）：请把 YIXING_DATABASE_URL 指向主服务器"),
    "53100": _("数据库所在的磁盘已满：请腾出空间，然后再试"),
    "53300": _(
        "数据库的连接已用完：请调大 max_connections，或减少 YIXING_WEB_WORKERS 和 YIXING_WEB_THREADS"
    ),
    "55P03": _("数据库里的一把锁被别的进程占用：请等它做完，然后再试"),
    "57P03": _("数据库正在启动或恢复：请稍后再试"),
}
_SAID = {  # by a failed connection, which carries no SQLSTATE
    "password": _STATES["28"],
    "role ": _STATES["28"],
    "pg_hba.conf": _("服务器不允许从本机这样连接：请改其 pg_hba.conf"),
    "does not exist": _STATES["3D000"],
    "resolve host": _("找不到数据库的主机：请改正 YIXING_DATABASE_URL 里的主机名"),
    "Connection refused": _(
        "数据库没有运行，或不在这个端口上：请启动它，或改正 YIXING_DATABASE_URL"
    ),
    "No such file": _("数据库没有运行，或不在这个套接字上：请启动它，或改正 YIXING_DATABASE_URL"),
    "timeout": _("连不上数据库的主机（超时）：请检查网络和 YIXING_DATABASE_URL"),
    "too many c": _STATES["53300"],
    "starting up": _STATES["57P03"],
}


def sentence(fault: BaseException) -> str | None:
    """What is said of a fault; None for one that is the program's own."""
    for cause in _causes(fault):
        if isinstance(cause, OSError) and cause.errno is not None:
            return _of_the_system(cause)
        said = _of_the_database(cause)
        if said:
            return said
    return None


def why(fault: OSError) -> str:
    """The reason of the system in our words."""
    return _WHY.get(fault.errno or 0, fault.strerror or str(fault))


def _causes(fault: BaseException) -> Iterator[BaseException]:
    """The fault, and what lies below it: SQLAlchemy keeps the driver's in `orig`."""
    at: BaseException | None = fault
    while at is not None:
        yield at
        inner = getattr(at, "orig", None)
        at = inner if isinstance(inner, BaseException) else at.__cause__


def _of_the_system(fault: OSError) -> str:
    place = str(fault.filename or ".")
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return _("磁盘已满（{place}）：请腾出空间，然后再试", place=place)
    if fault.errno in _OF_THE_PLACE:
        reason = why(fault)
        return _(
            "不能使用 {place}（{reason}）：请改正其权限，或换一个目录（YIXING_HOME）",
            place=place,
            reason=reason,
        )
    return _("{place}：{reason}", place=place, reason=why(fault))


def _of_the_database(fault: BaseException) -> str | None:
    state = getattr(fault, "sqlstate", None) or ""
    known = _STATES.get(state) or _STATES.get(state[:2])
    if known is not None or not _is_of_the_driver(fault):
        return known
    text = str(fault)
    for part, said in _SAID.items():
        if part in text:
            return said
    return _("数据库不能使用：{reason}", reason=text.splitlines()[0] if text else "?")


def _is_of_the_driver(fault: BaseException) -> bool:
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(fault).__mro__}
    return bool(kinds & {"psycopg.OperationalError", "psycopg.InternalError"})
