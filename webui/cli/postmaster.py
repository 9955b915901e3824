"""The embedded PostgreSQL as seen from outside: does it run, and does anybody else use it?"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def running(home: Path) -> int | None:
    """The process id of the server whose data lie under this home; None when it does not run."""
    with suppress(OSError, ValueError, IndexError):
        pid = int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        return pid if _alive(pid, "postgres") else None
    return None


def used_by_others(home: Path) -> bool:
    """Does another living process of ours hold it? They are on a list that the server's library
    keeps.
    """
    with suppress(OSError, ValueError):
        pids: list[int] = json.loads((home / "postgres" / ".handle_pids.json").read_text() or "[]")
        return any(pid != os.getpid() and _alive(pid) for pid in pids)
    return False


def _alive(pid: int, name: str = "") -> bool:
    """Is it there, and not only its name: in a container nobody may have taken note of its
    death.
    """
    import psutil  # type: ignore[import-untyped]

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and name in process.name()
    return False
