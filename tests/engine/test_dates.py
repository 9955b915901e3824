"""When something happened, beside when it was entered: limits, bounds, the event, what verification compares."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engine import clock, definitions, scenarios
from engine.commands import late, tasks
from engine.db import tables
from engine.definitions.check import faults
from engine.history import verification
from engine.history.verification.matters import Version
from engine.history.verification.told import Act
from engine.people import organisation
from tests.engine.late_entries import ERRAND, entries, files, told_late, waiting
from tests.engine.played import played
from tests.hostile.sound import POSTS, rulebook

if TYPE_CHECKING:
    from sqlalchemy import Engine

CONSULTATION = Path(__file__).parents[2] / "processes" / "collective_consultation"
START = datetime(2026, 3, 2, 9, tzinfo=clock.CHINA)
PEOPLE = {"张敏": ["formal_delegate@信息学院"]}


def faults_of(found: dict[str, str]) -> str:
    return "\n".join(map(str, faults(found, rulebook(), POSTS, folder="errand")))


def told(entered: str, **answers: Any) -> dict[str, Any]:
    """A check entered then; `refused`: with which code it is refused."""
    refused = answers.pop("refused", "")
    check = {"who": "工会秘书", "does": "complete", "task": "check", "after": entered}
    check |= {"with": {"decision": "pass", **answers}}
    launch = {"who": "张敏", "does": "launch", "with": {"subject": "修灯"}}
    return {
        "title": "登记日期",
        "title_en": "Dates",
        "proves": "MO-REPLY",
        "at": START,
        "cast": PEOPLE,
        "step": [launch, {**check, **({"refused": refused} if refused else {})}],
        "ends": {},
    }


def due_of(engine: Engine, story: dict[str, Any], of: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """The last day of what the check opened, and the body of the check's event."""
    with played(engine, story, of) as session:
        task = select(tables.task.c.due).where(tables.task.c.element == "do")
        event = tables.event.c
        bodies = select(event.body).where(event.kind == "task_completed").order_by(event.id.desc())
        assert verification.first_false(session) is None
        return session.execute(task).scalar_one()["on"], json.loads(session.scalars(bodies).first())


@pytest.mark.parametrize("late", [1, 30])
def test_a_late_entry_counts_from_the_day_of_the_fact(engine: Engine, late: int) -> None:
    at_once, said = due_of(engine, told("2026-03-05T10:00:00+08:00"), files())
    assert said["happened_on"] == "2026-03-05" and "as_of" not in said
    day = (date(2026, 3, 5) + timedelta(days=late)).isoformat()
    due, said = due_of(engine, told(f"{day}T10:00:00+08:00", met_on="2026-03-05"), files())
    assert (due, said["happened_on"], said["as_of"]) == (at_once, "2026-03-05", "2026-03-05")
    assert said.get("in_time") is (True if late == 30 else None)  # the limit was over at the entry


def test_what_happened_late_is_late(engine: Engine) -> None:
    _due, said = due_of(engine, told("2026-04-20T10:00:00+08:00", met_on="2026-04-10"), files())
    assert said["in_time"] is False


def test_no_fact_lies_ahead_nor_outside_its_bounds(engine: Engine) -> None:
    of = files(not_before='"2026-03-03"')
    for day in ("2026-03-06", "2026-03-02"):
        story = told("2026-03-05T10:00:00+08:00", met_on=day, refused="invalid")
        with played(engine, story, of) as session:
            opened = select(tables.task.c.element).where(tables.task.c.state == "open")
            assert list(session.scalars(opened)) == ["check"]


def test_an_order_of_ours_is_noted(engine: Engine) -> None:
    of = files(usual_from='"2026-03-04"')
    _due, said = due_of(engine, told("2026-03-05T10:00:00+08:00", met_on="2026-03-03"), of)
    assert said["unusual"] == ["met_on"]


def test_a_version_that_declares_nothing_goes_by_the_entry(engine: Engine) -> None:
    with played(engine, told("2026-03-05T10:00:00+08:00"), definitions.read(ERRAND)) as session:
        bodies = session.scalars(select(tables.event.c.body))
        said = [json.loads(body) for body in bodies]
    assert said and not any({"happened_on", "as_of", "in_time"} & body.keys() for body in said)


def test_verification_compares_the_day_of_the_fact_with_the_answers() -> None:
    version = Version.of(files())
    act = Act(1, "", None, "digest", "2026-03-05")
    row: Any = SimpleNamespace(element="check", answers={"met_on": "2026-03-05"})
    assert version.dates(row, act)
    row.answers = {"met_on": "2026-03-04"}
    assert not version.dates(row, act)
    assert not version.dates(row, act._replace(happened_on=None))


def test_a_date_without_bounds_is_a_fault() -> None:
    of = files()
    toml = of["process.toml"].replace('happened = "met_on"\n', "")
    assert "met_on" in faults_of({**of, "process.toml": toml})
    wrong = of["process.toml"].replace('happened = "met_on"', 'happened = "decision"')
    assert "happened 写的 decision" in faults_of({**of, "process.toml": wrong})


def test_a_receipt_entered_late_says_that_the_contract_is_in_force_since(engine: Engine) -> None:
    """What the page shows before it is sent: the timer that is due, the day of the effect, the papers, the limits over."""
    story = CONSULTATION / "scenarios" / "831_receipt_entered_thirty_days_late.toml"
    steps = scenarios.read(story).steps
    first = next(n for n, step in enumerate(steps) if step.task == "receipt")
    standard = scenarios.standard(CONSULTATION.parent)
    with scenarios.begun(
        engine, story, definitions.read(CONSULTATION), standard, first
    ) as progress:
        scenarios.play_step(progress, waiting(steps[first]))
        with clock.set_to(progress.now):
            actor = organisation.actor(progress.session, progress.world.members["人事代表"])
            held = tasks.open_task(progress.session, actor, progress.task("receipt"), None)
            answers = {"received_on": "2026-04-13", "slip": "人社收〔2026〕18号"}
            with pytest.raises(late.Tried) as tried:
                late.submit(held, answers)
    said = "\n".join(map(str, tried.value.consequences))
    assert "“期满无异议”在 2026-04-28 已经到期" in said and "记明生效：2026-04-29" in said
    assert (
        "发出《集体合同备案函》" in said and "打开“公布合同文本”，期限 2026-05-09 已经届满" in said
    )


def test_another_matter_is_told_on_the_day_of_the_fact(engine: Engine) -> None:
    """A reply signed in time and entered three days later: the merged matter goes on from the day of the signature."""
    motion = definitions.read(CONSULTATION.parent / "congress_motion")
    (story,) = CONSULTATION.parent.glob("congress_motion/scenarios/401_*.toml")
    found = entries(story, definitions.load(motion))
    sign = next(entry for entry in found if entry.element == "sign")
    standard = scenarios.standard(CONSULTATION.parent)
    with scenarios.begun(engine, story, motion, standard, sign.first) as progress:
        told_late(progress, sign, 3)
        bodies = progress.session.scalars(
            select(tables.event.c.body).where(tables.event.c.kind == "message_sent")
        )
        heard = [said for said in map(json.loads, bodies) if said["message"] == "lead_replied"]
        entered = clock.day_of(progress.now)
    assert heard
    assert {said["as_of"] for said in heard} == {(entered - timedelta(days=3)).isoformat()}
