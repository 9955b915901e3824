"""`yixing serve` as an operator meets it: it starts, survives what dies under it, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from webui.cli import postmaster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG = 60.0  # seconds; machines that test are busy


class Product:
    """One home, one port, and `yixing serve` on them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = home.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; gives the seconds until it says that it is ready."""
        begin = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stderr=log, start_new_session=True
            )
        wait(lambda: "is ready" in self.said or self.process.poll() is not None)
        return time.monotonic() - begin

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "webui.cli", "serve"]

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("YIXING_")}
        return {**kept, "YIXING_HOME": str(self.home), "YIXING_PORT": str(self.port)}

    @property
    def said(self) -> str:
        return self.log.read_text()

    def answers(self, path: str = "healthz") -> bool:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=5) as answer,
        ):
            return bool(answer.status == 200)
        return False

    def children(self) -> dict[str, psutil.Process]:
        """The web master and the job worker."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # it has just ended
                found.update(dict.fromkeys(child.cmdline()[-1:], child))
        return {name: child for name, child in found.items() if name in ("web", "job")}

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; gives its exit code."""
        self.process.send_signal(number)
        return self.process.wait(LONG)


def wait(until: Callable[[], object]) -> None:
    """Wait until something holds."""
    last = time.monotonic() + LONG
    while not until():
        assert time.monotonic() < last, "it took too long"
        time.sleep(0.1)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run."""
    found = []
    for process in processes:
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """The product without demo data."""
    return Product(tmp_path_factory.mktemp("serve") / "home")


@pytest.fixture
def product(installed: Product) -> Iterator[Product]:
    """The same for every test, ended after each."""
    yield installed
    if installed.process is not None and installed.process.poll() is None:
        installed.end()


def test_it_starts_on_an_empty_home_and_ctrl_c_ends_everything(product: Product) -> None:
    product.start()
    wait(lambda: product.answers() and product.answers("readyz"))
    everything = psutil.Process(product.process.pid).children(recursive=True)
    assert postmaster.running(product.home)
    assert product.end(signal.SIGINT) == 0
    assert postmaster.running(product.home) is None
    assert not alive(everything)


def test_the_second_start_keeps_the_data_and_publishes_nothing(product: Product) -> None:
    if not product.home.exists():  # whichever test came first
        product.start()
        product.end()
    product.start()
    assert "published" not in product.said and "schema" not in product.said
    assert product.end() == 0


def test_a_taken_port_is_said_and_nothing_is_started(product: Product) -> None:
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        rival.bind(("127.0.0.1", product.port))
        rival.listen()
        done = subprocess.run(
            product.command,
            env=product.environment,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
    assert done.returncode == 1
    assert (
        f"port {product.port}" in done.stderr
        and "YIXING_PORT" in done.stderr
        and "Traceback" not in done.stderr
    )
    assert postmaster.running(product.home) is None


def test_what_is_killed_comes_back(product: Product) -> None:
    product.start()
    before = product.children()
    for child in before.values():
        child.kill()
    wait(lambda: len(product.children()) == 2 and product.answers())
    assert {c.pid for c in product.children().values()}.isdisjoint({c.pid for c in before.values()})
    server = postmaster.running(product.home)
    os.kill(server, signal.SIGKILL)
    wait(lambda: postmaster.running(product.home) not in (None, server))
    wait(lambda: product.answers("readyz"))
    assert product.end() == 0


def test_frozen_workers_are_no_readiness(product: Product) -> None:
    product.start()
    wait(lambda: product.answers("readyz"))
    worker = product.children()["job"]
    worker.suspend()
    try:
        wait(lambda: not product.answers("readyz"))
        assert product.answers()
    finally:
        worker.resume()
    wait(lambda: product.answers("readyz"))
    assert product.end() == 0


def test_a_killed_supervisor_leaves_no_workers_and_the_next_start_works(product: Product) -> None:
    product.start()
    everything = psutil.Process(product.process.pid).children(recursive=True)
    assert product.end(signal.SIGKILL) == -signal.SIGKILL
    wait(lambda: not alive(everything))
    product.start()
    wait(lambda: product.answers("readyz"))
    assert product.end() == 0
    assert postmaster.running(product.home) is None
