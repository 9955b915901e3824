"""Diagrams as other tools write them: what means the same is run, what changes nothing is passed over, the rest is refused."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from engine import clock
from engine.definitions import check, foreign, load
from engine.definitions.folder import fingerprint, frozen
from engine.errors import ProcessFault
from engine.instance.functions import lasting
from tests import foreign as theirs
from tests.engine.test_coverage import BACK, DO, GOOD, LAUNCH, MEND, PASS, met, stage, unmet
from tests.hostile.sound import POSTS, edited, rulebook, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

__all__ = ["stage"]
BPMN, TOML = "process.bpmn", "process.toml"


def said(files: Mapping[str, str]) -> list[str]:
    """All faults of a folder, as the check tells them."""
    return [str(fault) for fault in check.faults(files, rulebook(), POSTS, folder="errand")]


def redrawn(*pairs: tuple[str, str], toml: str = "") -> dict[str, str]:
    """The sound folder whose diagram says something else, and more in process.toml."""
    files = sound()
    for old, new in pairs:
        assert old in files[BPMN], old
        files[BPMN] = files[BPMN].replace(old, new)
    files[TOML] += toml
    return files


def made_up(files: dict[str, str], **ids: str) -> dict[str, str]:
    """The same diagram with ids as a tool makes them up, and [ids] beside."""
    for readable, original in ids.items():
        files[BPMN] = re.sub(rf'(?<=["> ]){readable}(?=[<"])', original, files[BPMN])
    table = "".join(f'{readable} = "{original}"\n' for readable, original in ids.items())
    files[TOML] += f"\n[ids]\n{table}"
    return files


def test_a_diagram_written_our_way_stays_as_it_is() -> None:
    """So no version in force gets another fingerprint."""
    folders = [*(theirs.ROOT / "processes").glob("*/process.bpmn")]
    assert len(folders) >= 5
    for path in folders:
        text = path.read_text("utf-8")
        assert foreign.plain({BPMN: text}) == foreign.Plain(text)
    assert foreign.plain({BPMN: "<x"}) == foreign.Plain("<x")
    assert foreign.plain({BPMN: "<task", TOML: "[ids"}) == foreign.Plain("<task")


FOREIGN_TOOL = (
    ("<bpmn:userTask id=\"mend\" name=\"修改\"/>", '<bpmn:manualTask id="mend" name="修改"><bpmn:extensionElements><x:y xmlns:x="urn:x"/></bpmn:extensionElements></bpmn:manualTask>'),
    ("<bpmn:userTask id=\"do\" name=\"办理\"/>", '<bpmn:task id="do" name="办理"><bpmn:ioSpecification id="io"/></bpmn:task><bpmn:dataObject id="data"/><bpmn:dataObjectReference id="dataref" name="资料" dataObjectRef="data"/>'),
)  # fmt: skip


def test_what_means_the_same_is_run_and_what_changes_nothing_is_passed_over() -> None:
    files = redrawn(*FOREIGN_TOOL)
    assert said(files) == []
    process = load(files)
    assert process.tasks["mend"].lane == "mover" and process.tasks["do"].lane == "office"
    kept = frozen(files)
    assert "extensionElements" not in kept[BPMN] and "dataObject" not in kept[BPMN]
    assert fingerprint(files) == fingerprint(kept) == process.hash
    notices = "".join(map(str, check.notices(files)))
    for what in ("dataObject 1 处", "dataObjectReference 1 处", "extensionElements 1 处"):
        assert what in notices
    silent, told = sound(), 'verbs = ["comment"]\n'
    assert ["verbs" in str(each) for each in check.notices(silent)] == [True]  # and nothing else
    assert check.notices({**silent, "process.toml": told + silent["process.toml"]}) == []


IDS = {"check": "Activity_0x1ab2c", "mend": "sid-4F3C-9A", "do": "_6DD8-11", "graded": "Task_1"}


def test_ids_that_a_tool_made_up_give_way_to_readable_ones(stage: Engine) -> None:
    """In facts, forms, tables, stories and in what they meet."""
    files = made_up(sound(), **IDS)
    assert all(original in files[BPMN] for original in IDS.values())
    assert said(files) == []
    trace = met(stage, files, LAUNCH, BACK, MEND, PASS, DO, GOOD)
    assert unmet(files, trace) == ["f2", "f7", "f8"]


def test_lanes_go_by_their_ids_too() -> None:
    files = made_up(sound(), check="Activity_0x1")
    files[BPMN] = re.sub(
        r'<bpmn:lane id="[^"]*" name="office"',
        '<bpmn:lane id="Lane_9z" name="校工会办公室"',
        files[BPMN],
    )
    assert any("校工会办公室" in line and "[ids]" in line for line in said(files))
    files[TOML] += 'office = "Lane_9z"\n'
    assert said(files) == []
    assert load(files).tasks["check"].lane == "office"


def test_an_id_that_is_not_in_the_diagram_is_told() -> None:
    files = sound()
    files[TOML] += '\n[ids]\nnobody = "Activity_gone"\n'
    assert [line for line in said(files) if "没有 id 为 Activity_gone 的元素" in line]
    bare = made_up(sound(), check="Activity_0x1")
    bare[TOML] = bare[TOML].replace("[ids]", "[idz]")
    assert any(
        "环节“核对”的编号 Activity_0x1 不合规定" in line and "[ids]" in line for line in said(bare)
    )


def test_a_call_of_a_process_in_the_same_file_is_a_subprocess() -> None:
    """The same steps, drawn as a process of their own and called from one place."""
    steps = '<bpmn:startEvent id="s" name="开始"/><bpmn:sequenceFlow id="s1" sourceRef="s" targetRef="e"/><bpmn:endEvent id="e" name="完"/>'
    called = f'<bpmn:process id="inner" name="里层">{steps}</bpmn:process>'
    call = '<bpmn:callActivity id="mend" name="修改" calledElement="inner"/>'
    files = redrawn(('<bpmn:userTask id="mend" name="修改"/>', call))
    files[BPMN] = files[BPMN].replace("<bpmn:process ", f"{called}<bpmn:process ", 1)
    elements = load(files).diagram.elements
    assert elements["mend"].type == "subProcess" and elements["s"].scope == "mend"
    assert not [line for line in said(files) if "callActivity" in line or "恰好有一个流程" in line]
    twice = dict(files)
    twice[BPMN] = twice[BPMN].replace(
        "</bpmn:process>\n", f"{call.replace('mend', 'again')}</bpmn:process>\n"
    )
    lost = redrawn(('<bpmn:userTask id="mend" name="修改"/>', call))
    assert [line for line in said(lost) if "“修改”不能用 callActivity" in line]


@pytest.mark.parametrize(
    ("duration", "timer"),
    [
        ("MO-AMBER", 'due("MO-AMBER")'),
        ("P3D", 'lasting("P3D")'),
        ("PT2H30M", 'lasting("PT2H30M")'),
        ("P2W", 'lasting("P2W")'),
    ],
)
def test_a_duration_is_a_rule_or_a_period_from_now(duration: str, timer: str) -> None:
    old = "<bpmn:timeDate>task_due</bpmn:timeDate>"
    files = redrawn((old, f"<bpmn:timeDuration>{duration}</bpmn:timeDuration>"))
    assert load(files).diagram.elements["overdue"].timer == timer
    assert [line for line in said(files) if "timeDuration" in line or "lasting" in line] == []


@pytest.mark.parametrize("duration", ["P1M", "P1Y", "3 days", "P", "PT", ""])
def test_a_duration_that_is_none_is_refused(duration: str) -> None:
    old = "<bpmn:timeDate>task_due</bpmn:timeDate>"
    files = redrawn((old, f"<bpmn:timeDuration>{duration}</bpmn:timeDuration>"))
    assert [line for line in said(files) if "不能用 timeDuration" in line]


def test_a_period_is_counted_exactly() -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=clock.CHINA)
    view = cast("Any", SimpleNamespace(now=at, remember=attrgetter("moment")))
    assert lasting(view, "P1DT2H3M4S") - at == timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert lasting(view, "P2W") - at == timedelta(days=14)
    of_a_day = cast("Any", SimpleNamespace(now=at.date(), remember=attrgetter("moment")))
    assert lasting(of_a_day, "P1D").astimezone(clock.CHINA) == datetime(
        2026, 3, 4, tzinfo=clock.CHINA
    )
    for wrong in ("P", "PT", "P1M", "1D", "", "P-1D"):
        with pytest.raises(ProcessFault):
            lasting(view, wrong)


def test_a_throw_event_that_throws_nothing_is_a_point_on_the_way(stage: Engine) -> None:
    point = '<bpmn:intermediateThrowEvent id="reached" name="已核对"/><bpmn:sequenceFlow id="f3b" sourceRef="reached" targetRef="passed"/>'
    files = edited(
        BPMN,
        'id="f3" sourceRef="check" targetRef="passed"/>',
        f'id="f3" sourceRef="check" targetRef="reached"/>{point}',
    )
    files[BPMN] = files[BPMN].replace(
        "<bpmn:flowNodeRef>do<", "<bpmn:flowNodeRef>reached</bpmn:flowNodeRef><bpmn:flowNodeRef>do<"
    )
    trace = met(stage, files, LAUNCH, PASS, DO)
    assert not {"f3", "f3b", "f6"} & set(unmet(files, trace))
    thrown = point.replace(
        "/><bpmn:seq",
        "><bpmn:signalEventDefinition id='sig'/></bpmn:intermediateThrowEvent><bpmn:seq",
        1,
    )
    files = edited(
        BPMN,
        'id="f3" sourceRef="check" targetRef="passed"/>',
        f'id="f3" sourceRef="check" targetRef="reached"/>{thrown}',
    )
    assert [line for line in said(files) if "“已核对”不能用 intermediateThrowEvent" in line]


REFUSED = (
    "inclusiveGateway", "complexGateway", "eventBasedGateway", "scriptTask", "sendTask", "receiveTask",
    "callActivity", "transaction", "adHocSubProcess", "choreographyTask",
)  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_meaning_is_refused_in_one_sentence_that_hides_nothing(kind: str) -> None:
    """The ways through it are ways; a fault elsewhere is told beside it."""
    files = redrawn(
        ('<bpmn:userTask id="mend" name="修改"/>', f'<bpmn:{kind} id="mend" name="修改"/>')
    )
    files["process.toml"] = files["process.toml"].replace("[tasks.mend]", "[tasks.mended]")
    files["forms/do.json"] = "{"
    lines = said(files)
    assert len([line for line in lines if "mend：" in line and BPMN in line]) == 1
    assert any(f"“修改”不能用 {kind}" in line for line in lines)
    assert any("forms/do.json" in line for line in lines)
    assert not [line for line in lines if "走不到" in line or "不存在" in line]


def test_all_of_a_transaction_is_looked_at() -> None:
    inside = '<bpmn:transaction id="mend" name="修改"><bpmn:scriptTask id="script" name="程序"/></bpmn:transaction>'
    lines = said(redrawn(('<bpmn:userTask id="mend" name="修改"/>', inside)))
    assert any("transaction" in line for line in lines) and any(
        "“程序”不能用 scriptTask" in line for line in lines
    )


def test_the_diagrams_of_other_tools_are_checked_to_their_end() -> None:
    """No traceback, each fault one sentence, and those of the rest of the folder beside it."""
    counted = 0
    for path in theirs.files("bpmn-miwg/*.bpmn"):
        files = sound()
        files[BPMN] = path.read_text("utf-8")
        files["forms/do.json"] = "{"
        found = check.faults(files, rulebook(), POSTS, folder="errand")
        assert any(fault.file == "forms/do.json" for fault in found), path.name
        drawn = [fault for fault in found if fault.file == BPMN]
        assert len(drawn) > 5, path.name
        for fault in drawn:
            assert fault.what and "\n" not in fault.what and "Traceback" not in fault.what
        check.notices(files)
        with suppress(ProcessFault):
            load(files)
        counted += 1
    assert counted >= 40
