"""A stub of the supervisor: it starts a child that sleeps, and ends in order when it is told to.

`python -m tests.chaos.stopper PAIRS` forks so many of itself, sends each two SIGTERM with a gap of 0 to 300 µs, and prints
how many ended in order. `python -m tests.chaos.stopper event` waits as the product once did, and is hung by its handler.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time

from engine.stopping import Stopping
from webui.cli import serve

PATIENCE = 10.0  # seconds


def supervise(ready: int) -> int:
    """What `serve` does once all is set up; gives its exit code."""
    stopping = Stopping()
    stopping.listen()
    child = serve.Child("sleeper", dict(os.environ))
    child.process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    child.born = time.monotonic()
    os.write(ready, b"\0")
    while not stopping.wait(0.0002):
        child.tend()
    serve._end([child], stopping)
    return 0 if child.process.poll() == -signal.SIGTERM else 3


def pair(random_gap: random.Random) -> bool:
    """One stub and two signals; did it end in order, its child asked and not killed?"""
    heard, ready = os.pipe()
    stub = os.fork()
    if not stub:
        os._exit(supervise(ready))
    os.read(heard, 1)
    for end in (heard, ready):
        os.close(end)
    time.sleep(random_gap.uniform(0, 0.002))
    os.kill(stub, signal.SIGTERM)
    until = time.perf_counter() + random_gap.uniform(0, 0.0003)
    while time.perf_counter() < until:
        pass
    os.kill(stub, signal.SIGTERM)
    return ended(stub) == 0


def ended(stub: int) -> int | None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found, status = os.waitpid(stub, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(stub, signal.SIGKILL)
    os.waitpid(stub, 0)
    return None


def with_event() -> None:
    """The handler of an Event, called inside the lock of that Event: it waits for itself."""
    event = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: event.set())
    with event._cond:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
    print("not hung")


if __name__ == "__main__":
    if sys.argv[1] == "event":
        with_event()
    else:
        gaps = random.Random(7)
        serve.note = lambda *_: None
        print(sum(pair(gaps) for _ in range(int(sys.argv[1]))))
