"""Stopping never hangs, wherever the signals arrive; and what was killed anywhere comes back."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

from engine import settings, stopping
from engine.db import embedded
from engine.settings import ROOT
from webui.cli import demo, demo_start, postmaster, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ("tests.empty",)
PAIRS = 200
STUB = [sys.executable, "-m", "tests.chaos.stopper"]


def test_two_signals_close_together_end_it_in_order() -> None:
    done = subprocess.run([*STUB, str(PAIRS)], cwd=ROOT, capture_output=True, timeout=300)
    assert done.stdout.decode().strip() == str(PAIRS), done.stderr.decode()


def test_an_event_in_a_handler_hangs() -> None:
    """That the test above could fail: this is what the product did."""
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([*STUB, "event"], cwd=ROOT, capture_output=True, timeout=4)


def test_handlers_are_set_in_one_place_only() -> None:
    setting = [
        path.relative_to(ROOT).as_posix()
        for room in ("engine", "webui")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"signal\.signal\(|add_signal_handler\(", path.read_text())
    ]
    assert setting == ["engine/stopping.py"]


def test_the_handler_may_come_between_any_two_instructions() -> None:
    """At every single instruction of this module: the handler, twice."""
    asked = stopping.Stopping()
    met: list[int] = []

    def each(frame: FrameType, what: str, _argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != stopping.__file__ or (met and met[-1] < 0):
            return None
        frame.f_trace_opcodes = True
        if what == "opcode":
            met.append(-1)  # the handler itself is not traced
            asked.ask()
            asked.ask()
            met[-1] = frame.f_lasti
        return each

    sys.settrace(each)
    try:
        asked.wait(5)
        asked.ask()
        asked.hurried()
    finally:
        sys.settrace(None)
    assert len(met) > 30
    assert asked.is_set() and not asked.hurried()
    for _ in range(200_000):  # more than a pipe holds
        asked.ask()
    asked.close()


def test_only_the_first_signal_breaks_off_what_is_being_set_up() -> None:
    asked = stopping.Stopping()
    before = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    try:
        asked.listen(breaks_off=True)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)  # while things are put in order
        assert asked.wait(1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.close()


def test_a_signal_that_comes_later_is_a_wish_to_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = stopping.Stopping()
    monkeypatch.setattr(stopping, "SAME", 0.05)
    asked.ask()
    time.sleep(0.1)
    assert not asked.hurried()
    asked.ask()
    assert asked.hurried()
    asked.close()


# --- killed anywhere ------------------------------------------------------------------------------------------------
@pytest.fixture
def home() -> Iterator[Path]:
    """Not under pytest's own folder, whose rights other runs change."""
    place = Path(tempfile.mkdtemp(prefix="yixing-killed-")) / "home"
    place.mkdir()
    yield place
    with suppress(Exception):
        embedded.stop(place)
    shutil.rmtree(place.parent, ignore_errors=True)


def test_a_half_made_data_directory_is_made_anew(home: Path) -> None:
    half = home / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    url = embedded.start(home)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not half.exists()


def test_a_number_that_now_is_somebody_elses_does_not_keep_the_server_from_starting(
    home: Path,
) -> None:
    embedded.start(home)
    server = postmaster.running(home)
    lines = (home / "postgres" / "postmaster.pid").read_text().splitlines(keepends=True)
    psutil.Process(server).kill()
    while postmaster.running(home):
        time.sleep(0.05)
    (home / "postgres" / "postmaster.pid").write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    os.chmod(home / "postgres" / "postmaster.pid", 0o644)
    with psycopg.connect(embedded.start(home)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_half_of_the_demo_data_are_loaded_anew(
    home: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(settings.load({}), home=home, database_url=empty_url, demo=True)
    loads: list[str] = []

    def load(engine: Any, _settings: Any) -> None:
        loads.append("begun")
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO unit (id, code, kind, name) VALUES (gen_random_uuid(), 'HALF', 'university', 'x')"
            )
        if len(loads) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(demo, "load", load)
    monkeypatch.setattr(demo_start, "note", lambda *_: None)
    monkeypatch.setattr(serve, "note", lambda *_: None)
    serve._database(own)
    with pytest.raises(KeyboardInterrupt):
        demo_start.load(own, empty_url)
    serve._database(own)
    demo_start.load(own, empty_url)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT count(*) FROM unit WHERE code = 'HALF'").fetchone() == (
            1,
        )
    assert not (home / demo_start.HALF_DEMO).exists() and len(loads) == 2


def test_what_another_database_left_half_loaded_is_let_alone(
    home: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(settings.load({}), home=home, database_url=empty_url, demo=True)
    monkeypatch.setattr(demo_start, "note", lambda *_: None)
    monkeypatch.setattr(serve, "note", lambda *_: None)
    serve._database(own)
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE mine ()")
    for other in ("", demo_start._mark(replace(own, database_url="postgresql://elsewhere/x"))):
        (home / demo_start.HALF_DEMO).write_text(other)
        serve._database(own)
        with psycopg.connect(empty_url) as connection:
            assert connection.execute("SELECT to_regclass('mine')").fetchone() == ("mine",)


def test_a_first_start_killed_at_any_moment_comes_back(home: Path) -> None:
    """Everything that it started is killed at once, at moments spread over the first start."""
    moments = random.Random(3)
    for after in sorted(moments.uniform(0.2, 6.0) for _ in range(4)):
        _killed_after(home, after)
    url = embedded.start(home)
    assert serve._database(replace(settings.load({}), home=home, database_url=url)) == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('instance')").fetchone() == ("instance",)


def _killed_after(home: Path, seconds: float) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("YIXING_")}
    started = subprocess.Popen(
        [sys.executable, "-m", "webui.cli", "serve"],
        cwd=ROOT,
        env={**kept, "YIXING_HOME": str(home), "YIXING_DEMO": "1", "YIXING_PORT": "0"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    everything = [psutil.Process(started.pid)]
    with suppress(psutil.Error):
        everything += everything[0].children(recursive=True)
    if (server := postmaster.running(home)) is not None:
        everything.append(psutil.Process(server))
    for process in everything:
        with suppress(psutil.Error):
            process.kill()
    started.wait(10)
