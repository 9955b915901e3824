"""What comes from outside is read and played in a process of its own, with limits of time and
memory: it may end, and nothing else ends with it.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHILD = """
import runpy, sys
module, megabytes = sys.argv[1], int(sys.argv[2])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
except (ImportError, ValueError, OSError):
    pass
runpy.run_module(module, run_name="__main__")
"""


class Exceeded(Exception):
    """The process took too long, or more memory than it may have, or broke."""


@dataclass(frozen=True)
class Limits:
    """`seconds` to wait for each line, `megabytes` of address space."""

    seconds: int
    megabytes: int


def lines(module: str, sent: bytes, limits: Limits) -> Iterator[bytes]:
    """The lines that `python -m module` writes as they come, having read `sent` from its input.
    Raises Exceeded. The process is gone when this ends, however it ends.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD, module, str(limits.megabytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    Thread(target=_converse, args=(process, sent, heard), daemon=True).start()
    try:
        while line := heard.get(timeout=limits.seconds):
            yield line
        if process.wait(timeout=limits.seconds):
            raise Exceeded
    except (queue.Empty, subprocess.TimeoutExpired):
        raise Exceeded from None
    finally:
        process.kill()
        process.wait()


def _converse(
    process: subprocess.Popen[bytes], sent: bytes, heard: queue.SimpleQueue[bytes]
) -> None:
    """Say all, hear all; an empty line means that there will be no more."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):  # it ended before it had read everything
        process.stdin.write(sent)
        process.stdin.close()
    for line in process.stdout:
        heard.put(line)
    process.stdout.close()
    heard.put(b"")
