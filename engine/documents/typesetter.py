"""Typst in processes of its own: a template that never ends or eats all memory takes nobody along.

A process is kept for the next paper (fonts are searched once); one that broke or took too long is
ended. Packages would come from the network: the proxies lead nowhere, and the folders for packages
are empty.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any

SECONDS = 30  # for one document, where nobody says more
KEPT = 2  # idle processes
JOBS = 400  # for one process

_CHILD = """
import json, os, sys
nowhere = "http://127.0.0.1:9"
os.environ.update({n: nowhere for v in ("http_proxy", "https_proxy", "all_proxy") for n in (v, v.upper())})
os.environ.update(no_proxy="", NO_PROXY="")
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
except (ImportError, ValueError, OSError):
    resource = None
import typst
searched = {}
for line in sys.stdin.buffer:
    job = json.loads(line)
    if resource:
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + job["seconds"] + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    key = tuple(job["fonts"])
    if key not in searched:
        searched[key] = typst.Fonts(font_paths=list(key))
    try:
        made, said = typst.compile(job["main"], root=job["root"], format="pdf", timestamp=job["timestamp"],
            font_paths=searched[key], package_path=job["packages"], package_cache_path=job["packages"]), None
    except typst.TypstError as fault:
        made, said = b"", {"message": fault.message, "where": str(fault.diagnostic), "hints": list(fault.hints)}
    sys.stdout.buffer.write(json.dumps({"size": len(made), "fault": said}).encode() + b"\\n" + made)
    sys.stdout.buffer.flush()
"""


@dataclass(frozen=True)
class Made:
    """A PDF; or the compiler's message, place and hints; or, of a process that ended, its last
    words.
    """

    pdf: bytes = b""
    fault: dict[str, Any] | None = None
    log: str = ""


class _Process:
    """One process. It ends by itself when nobody holds its input any more."""

    def __init__(self) -> None:
        self.jobs = 0
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.answers: queue.SimpleQueue[Made | None] = queue.SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Answers as they come; None when there will be no more."""
        out = self.process.stdout
        assert out is not None
        while line := out.readline():
            said = json.loads(line)
            self.answers.put(Made(out.read(said["size"]), said["fault"]))
        self.answers.put(None)

    def work(self, job: dict[str, Any]) -> Made | None:
        """None when it took too long or ended."""
        self.jobs += 1
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
            return self.answers.get(timeout=job["seconds"])
        except (queue.Empty, OSError):
            return None

    def end(self) -> str:
        """Its last words."""
        self.process.kill()
        _out, said = self.process.communicate()
        return said.decode(errors="replace")[-2000:]


_idle: list[_Process] = []
_owner = os.getpid()
_lock = Lock()


def _taken() -> _Process:
    global _owner
    with _lock:
        if _owner != os.getpid():  # forked: these belong to the parent
            _idle.clear()
            _owner = os.getpid()
        return _idle.pop() if _idle else _Process()


def compiled(job: dict[str, Any]) -> Made:
    """What typst makes of `job`: main, root, packages, fonts (folders), seconds, timestamp."""
    process = _taken()
    made = process.work(job)
    if made is None:
        return Made(log=process.end())
    with _lock:
        keep = process.jobs < JOBS and len(_idle) < KEPT
        if keep:
            _idle.append(process)
    if not keep:
        process.end()
    return made
