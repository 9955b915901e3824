"""The wish that a process ends, as signals bring it.

A handler runs between any two instructions of the main thread, perhaps inside the very lock that it
would take: `threading.Event.set` in a handler waits for itself for ever when a second signal comes.
So the handler takes no lock. It keeps two plain moments and writes one byte into a pipe, which
whoever waits is woken by.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME = 1.0  # seconds: a second signal within them repeats the first, and is no wish to hurry


class Stopping:
    """Has somebody asked this process to end, and has he asked again?"""

    def __init__(self) -> None:
        self._first = 0.0  # monotonic moment of the first asking; 0: nobody has asked
        self._hurried = False
        self._breaks_off = False
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)  # a full pipe has said it already
        os.set_blocking(self._out, False)

    def listen(self, *, breaks_off: bool = False) -> None:
        """Take SIGINT and SIGTERM, in the main thread. With `breaks_off` the first of them raises
        KeyboardInterrupt where the program is, until `listen` is called without it.
        """
        self._breaks_off = breaks_off
        for number in SIGNALS:
            signal.signal(number, self.ask)

    def ask(self, *_: object) -> None:
        """The handler; may be called anywhere, any number of times."""
        again, now = self._first, time.monotonic()
        self._first = again or now
        self._hurried = self._hurried or bool(again and now - again >= SAME)
        with suppress(BlockingIOError):
            os.write(self._in, b"\0")
        if self._breaks_off:
            self._breaks_off = False  # what cleans up is not broken off
            raise KeyboardInterrupt

    def is_set(self) -> bool:
        """Was it asked for?"""
        return self._first > 0

    def hurried(self) -> bool:
        """Was it asked for again, more than a second after the first time?"""
        return self._hurried

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is asked for; gives whether it was."""
        if not self.is_set():
            select.select([self._out], [], [], seconds)
        return self.is_set()

    def close(self) -> None:
        """Give the pipe back; for processes that go on afterwards."""
        os.close(self._out)
        os.close(self._in)
