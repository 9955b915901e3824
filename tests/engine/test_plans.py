"""What a folder counts back from a day: its faults, the days before and after a launch, the earliest that is possible."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine import definitions
from engine.commands import instances
from engine.definitions.check import faults
from engine.errors import Refused
from engine.queries import desk, plans
from tests.hostile.sound import rulebook
from tests.journeys.university import University

if TYPE_CHECKING:
    from sqlalchemy import Engine

FOLDER = Path(__file__).parents[2] / "processes" / "congress_session"
FILES = definitions.read(FOLDER)
TEXT = FILES["process.toml"]
NOW = "2026-03-02T09:00"
GIVEN = {"kind": "annual", "title": "第八届教职工代表大会第三次会议", "meeting_on": "2026-07-01"}
WHO = "secretary"

FAULTS = [
    (
        "an unknown rule",
        '(planned_for, "CG-NOTICE")',
        '(planned_for, "CG-NONE")',
        "没有规则 CG-NONE",
    ),
    (
        "a step below",
        '(planned_for, "CG-NOTICE")',
        '(plan.papers, "CG-NOTICE")',
        "plan.papers 不是写在上面",
    ),
    (
        "a plan by a plan",
        "'before(planned_for, \"CG-NOTICE\")'",
        "'planned(\"papers\")'",
        "不能再写 planned()",
    ),
    (
        "a function in done",
        '"issue_notice.at != null"',
        "'at(\"call\") != null'",
        "done 里只能写事实",
    ),
    ("an unknown step", "'planned(\"notice\")'", "'planned(\"rest\")'", "倒排计划里没有 rest"),
    ("an unknown day", '"launch.meeting_on"]', '"launch.never_on"]', "never_on"),
]


@pytest.mark.parametrize(
    ("old", "new", "told"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS]
)
def test_the_faults_of_a_plan(old: str, new: str, told: str) -> None:
    assert old in TEXT
    files = {**FILES, "process.toml": TEXT.replace(old, new, 1)}
    found = faults(files, rulebook(), ("formal_delegate",), folder=FOLDER.name)
    assert any(told in f"{each.element} {each.what}" for each in found), found


@pytest.fixture
def town(engine: Engine) -> University:
    made = University.built(engine, logs_in=(), now=NOW)
    made.published("congress_session")
    return made


def planned(town: University, **more: Any) -> plans.Plan | None:
    def read(session: Any, actor: Any) -> plans.Plan | None:
        return plans.preview(session, actor, "congress_session", {**GIVEN, **more})

    found: plans.Plan | None = town.look(WHO, read)
    return found


def last(plan: plans.Plan, title: str) -> date:
    return next(step.last for step in plan.steps if step.title.startswith(title))


def test_the_steps_are_counted_back_by_the_rules_of_law(town: University) -> None:
    plan = planned(town)
    assert plan and not plan.late and plan.on == date(2026, 7, 1)
    assert [step.last for step in plan.steps] == sorted(step.last for step in plan.steps)
    assert last(plan, "会议通知") == date(2026, 6, 24)  # seven days
    assert last(plan, "会议材料") == date(2026, 6, 24)  # five working days
    assert last(plan, "代表团审核") == date(2026, 6, 2)  # fifteen working days, a holiday between
    assert "CG-NOTICE" in {rule.id for step in plan.steps for rule in step.rules}


def test_what_does_not_fit_says_what_else_helps_and_which_day_is_the_first(
    town: University,
) -> None:
    plan = planned(town, meeting_on="2026-05-11", replies="before")
    assert plan and plan.earliest and plan.late
    assert any("会后答复" in step.instead for step in plan.late)
    fits = planned(town, meeting_on=plan.earliest.isoformat(), replies="before")
    day_before = date.fromordinal(plan.earliest.toordinal() - 1).isoformat()
    too_soon = planned(town, meeting_on=day_before, replies="before")
    assert fits and not fits.late and too_soon and too_soon.late
    after = planned(town, meeting_on="2026-05-11", replies="after")
    assert after and not after.late and after.earliest and after.earliest < plan.earliest


def test_a_day_that_somebody_chose_must_leave_time_for_what_follows(town: University) -> None:
    plan = planned(town, motions_close_on="2026-06-20", motions_close_hour="12")
    assert plan
    (late,) = plan.late
    assert late.chosen == date(2026, 6, 20) > late.last


def test_without_a_day_there_is_no_plan_and_nobody_else_reads_one(town: University) -> None:
    assert planned(town, meeting_on="") is None
    with pytest.raises(Refused):
        town.look("logistics", lambda s, a: plans.preview(s, a, "congress_session", GIVEN))


def test_the_days_are_kept_at_the_launch_and_stand_on_the_desk(town: University) -> None:
    before = planned(town)
    assert before
    town.do(WHO, instances.launch, "congress_session", GIVEN)
    found = town.look(WHO, desk.desk)
    assert found is not None
    (coming,) = found.coming
    assert coming.subject == GIVEN["title"]
    assert [step.last for step in coming.plan.steps] == [step.last for step in before.steps]
    assert sum(step.state == "next" for step in coming.plan.steps) == 1
    town.turn_to("2026-06-15T09:00")
    again = town.look(WHO, desk.desk)
    assert again is not None
    states = {step.title: step.state for step in again.coming[0].plan.steps}
    assert states["代表团审核"] == "past" and states["候选人公示（有选举的）"] == "next"
    town.turn_to("2026-06-25T09:00")
    late = town.look(WHO, desk.desk)
    assert late is not None
    assert [step.title for step in late.coming[0].plan.overdue] == [
        "候选人公示（有选举的）",
        "会议通知送达代表",
    ]
    town.turn_to("2026-07-02T09:00")
    over = town.look(WHO, desk.desk)
    assert over is not None and not over.coming
