"""Hostile definitions are refused with words, soon, and without doing anything: no other exception, no file, no process, no net."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine import definitions, expressions, machine
from engine.definitions import check
from engine.definitions.check import faults
from engine.errors import ProcessFault
from tests.engine.sketches import drive
from tests.hostile import corpus
from tests.hostile.sound import POSTS, rulebook, sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOON = 60  # seconds: a guard against hanging, not a measurement
CASES = corpus.everything()
DEEDS = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "subprocess.Popen",
    "socket.connect",
    "socket.getaddrinfo",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "shutil.rmtree",
    "ctypes.dlopen",
    "pty.spawn",
    "winreg.CreateKey",
    "urllib.Request",
}
_seen: list[str] = []
_watching = False


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if _watching and (
        event in DEEDS
        or (event == "open" and len(args) > 1 and args[1] and set("wax+") & set(str(args[1])))
    ):
        _seen.append(f"{event} {args!r}"[:200])


sys.addaudithook(_watch)


@pytest.fixture
def deeds() -> Iterator[list[str]]:
    """What was done to the machine during a test."""
    global _watching
    _seen.clear()
    Path(corpus.CANARY).unlink(missing_ok=True)
    Path(corpus.SECRET).write_text("tell nobody")
    _watching = True
    yield _seen
    _watching = False
    Path(corpus.SECRET).unlink(missing_ok=True)
    assert not Path(corpus.CANARY).exists()


def test_there_are_enough_hostile_definitions() -> None:
    assert len(CASES) >= 300
    assert len({name for name, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("make", [make for _, make in CASES], ids=[name for name, _ in CASES])
def test_a_hostile_definition_is_refused(
    make: Callable[[], dict[str, str]], deeds: list[str]
) -> None:
    files = make()
    began = time.monotonic()
    found = faults(files, rulebook(), POSTS, folder="errand")
    took = time.monotonic() - began
    assert found
    assert all(type(fault) is check.Fault and fault.what for fault in found)
    assert took < SOON
    assert deeds == []
    assert "tell nobody" not in "".join(map(str, found))


PASSED_OVER = dict(corpus.passed_over())


@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_is_passed_over_is_not_even_kept(name: str, deeds: list[str]) -> None:
    files = PASSED_OVER[name]
    assert faults(files, rulebook(), POSTS, folder="errand") == []
    assert any("略过" in str(each) for each in check.notices(files))
    kept = definitions.load(files).files["process.bpmn"]
    assert corpus.CANARY not in kept and "extensionElements" not in kept and "data" not in kept
    assert deeds == []


@pytest.mark.parametrize("attack", corpus.ATTACKS.values(), ids=corpus.ATTACKS)
def test_a_hostile_condition_does_nothing_even_when_nobody_checked_it(
    attack: str, deeds: list[str]
) -> None:
    facts = {"launch": {"x": "a"}, "settings": {}}
    try:
        value = expressions.evaluate(attack, facts, {})
    except ProcessFault:
        value = None
    assert value is None
    assert deeds == []


def test_what_is_said_of_a_fault_is_one_printable_line(deeds: list[str]) -> None:
    files = {**sound(), "\u202eevil\x1b[31m.dmn": "x"}
    files["process.toml"] = files["process.toml"].replace(
        'do = "remind"', 'do = "a\\u001b[31m\\nb\\u202e"'
    )
    for fault in faults(files, rulebook(), POSTS):
        assert "\x1b" not in str(fault) and "\u202e" not in str(fault)
    assert deeds == []


def test_a_definition_that_was_never_checked_stops_instead_of_turning_for_ever() -> None:
    turning = dict(corpus.bpmn())["50 gateways in a circle with a way out"]()

    class Host:
        def evaluate(self, expression: str) -> bool:
            return False

        def decide(self, decision: str) -> None: ...

        def perform(self, action: str) -> None: ...

    process = definitions.load(turning)
    state = drive(machine.start(process.spec), Host())
    task = next(live for live in state.live if live.kind == "task")
    assert state.state is not None
    state = drive(machine.complete(process.spec, state.state, task.ref), Host())  # check -> mend
    task = next(live for live in state.live if live.kind == "task")
    assert state.state is not None
    began = time.monotonic()
    with pytest.raises(ProcessFault, match="不停的循环"):
        drive(machine.complete(process.spec, state.state, task.ref), Host())
    assert time.monotonic() - began < SOON


def test_a_folder_without_anything_is_refused() -> None:
    assert faults({}, rulebook(), POSTS)


@pytest.mark.parametrize(
    "files", [{"process.toml": 1}, {1: "x"}, {"process.bpmn": b"<x/>"}, {"process.toml": None}]
)
def test_a_folder_of_other_things_than_texts_is_refused(files: Any) -> None:
    assert faults(files, rulebook(), POSTS)
