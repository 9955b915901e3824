"""What the stories of a process meet follows from their run; what they do not meet is told with the way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine import definitions
from engine.scenarios import Trace, coverage
from tests.engine.coverage_stories import (
    BACK,
    DO,
    GOOD,
    LAUNCH,
    MEND,
    PASS,
    met,
    stage,
    unmet,
)
from tests.hostile.sound import edited, sound
from webui import cli

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Engine

    from engine.scenarios.coverage import Part

__all__ = ["stage"]
pytest_plugins = ("tests.empty",)
WITHDRAW = {"who": "张敏", "does": "message", "task": "withdraw"}
LATE = {"does": "wait", "task": "do", "after": "until due + 1 day"}
MENDED_FIRST = """
[[guards]]
at = ["mend"]
holds = 'check.reason == "请补充"'
text = "退回的理由要写明白。"
text_en = "Say why it goes back."
"""
GATED = """
[[tasks.check.gates]]
holds = 'check.decision == "return" or launch.subject == "修门"'
text = "只修门。"
text_en = "Doors only."
[tasks.mend]
"""


def parts(files: Mapping[str, str], trace: Trace) -> list[Part]:
    return coverage.parts(definitions.load(files), trace)


def test_what_one_story_does_not_meet_another_one_does(stage: Engine) -> None:
    files = sound()
    trace = met(stage, files, LAUNCH, PASS, DO, GOOD)
    assert unmet(files, trace) == ["f2", "f4", "f5", "f7", "f8"]
    trace.add(met(stage, files, LAUNCH, BACK, MEND, WITHDRAW))
    assert unmet(files, trace) == ["f7", "f8"]
    assert [str(each.title) for each in parts(files, trace) if each.unmet] == [
        "连线",
        "边界定时",
        "决策表的行",
    ]
    trace.add(met(stage, files, LAUNCH, PASS, LATE))
    assert unmet(files, trace) == []
    found = {str(each.title): (each.met, each.total) for each in parts(files, trace)}
    assert found["连线"] == (12, 12) and found["边界定时"] == (1, 1)
    assert found["决策表的行"] == (1, 2)  # nobody's errand was returned and then graded


def test_what_a_guard_refused_was_not_gone(stage: Engine) -> None:
    """The way to it was tried and taken back; both sides of the guard are told apart."""
    files = sound()
    files["process.toml"] += MENDED_FIRST
    refused = {**BACK, "with": {"decision": "return", "reason": "不行"}, "refused": "guard"}
    trace = met(stage, files, LAUNCH, refused)
    assert {"f3", "f4"} <= set(unmet(files, trace)) and "f1" not in unmet(files, trace)
    assert [(each.met, each.total) for each in parts(files, trace)[2:4]] == [(0, 1), (1, 1)]
    trace = met(stage, files, LAUNCH, BACK)
    assert "f4" not in unmet(files, trace)
    assert [(each.met, each.total) for each in parts(files, trace)[2:4]] == [(1, 1), (0, 1)]


def test_a_gate_is_met_where_it_holds_and_where_it_refuses(stage: Engine) -> None:
    files = edited("process.toml", "\n[tasks.mend]\n", GATED)
    other = {**LAUNCH, "with": {"subject": "修窗"}}
    trace = met(stage, files, other, {**PASS, "refused": "gate"})
    assert [each.met for each in parts(files, trace)[2:4]] == [0, 1]
    trace.add(met(stage, files, LAUNCH, PASS))
    assert [each.met for each in parts(files, trace)[2:4]] == [1, 1]


def test_a_story_that_goes_otherwise_met_what_it_met(stage: Engine) -> None:
    files = sound()
    trace = met(stage, files, LAUNCH, {**PASS, "who": "张敏"}, ok=False)
    assert unmet(files, trace)[0] == "f2"


def test_a_flow_that_nobody_meets_is_told_with_the_shortest_way_to_it() -> None:
    found = {f.element: f for f in coverage.faults(definitions.load(sound()), Trace())}
    assert len(found) == 12
    assert str(found["f8"]) == (
        "process.bpmn f8：没有故事走过从“催办（nudge）”到“已催办（nudged）”的连线。 → 请写一个这样走的故事："
        "提出（start） → 核对（check） → 通过?（passed） → 办理（do） → 到期（overdue） → 催办（nudge） → 已催办（nudged）。"
    )


def test_the_check_tells_it_and_the_table(
    empty_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("YIXING_DATABASE_URL", empty_url)
    monkeypatch.setenv("LANGUAGE", "zh")
    folder = tmp_path / "errand"
    for name, text in sound().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    assert cli.main(["check", str(folder)]) == cli.FAULT
    said = capsys.readouterr().out
    assert "故事没有走过的连线 11 条" in said and "提出（start） → 核对（check） → 撤回" in said
    assert "边界定时" not in said
    assert cli.main(["check", "--coverage", str(folder)]) == cli.FAULT
    said = capsys.readouterr().out
    assert "连线：1 / 12" in said and "没有遇到：到期（overdue）" in said
    assert cli.main(["check", "--no-stories", str(folder)]) == cli.OK
    assert cli.main(["check", "--no-stories", "--coverage", str(folder)]) == cli.FAULT
    assert "--coverage" in capsys.readouterr().err
