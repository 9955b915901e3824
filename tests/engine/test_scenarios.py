"""Stories are played through the real commands: who does what, when, what follows; and what went otherwise is said in words."""

from __future__ import annotations

import copy
import re
import tomllib
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import Engine, func, insert, select, text

from engine import calendar, clock, db, scenarios, settings
from engine.commands import definitions
from engine.db import tables
from engine.definitions import load, read
from engine.errors import ProcessFault
from engine.history.kinds import KINDS
from engine.scenarios import Played, play, story, times, words
from engine.scenarios.actions import ACTIONS
from engine.scenarios.steps import VERBS
from tests.conftest import fresh, named
from tests.hostile.sound import ROOT, edited, sound
from webui.http.messages import language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STANDARD = scenarios.standard(ROOT / "processes")
AT = datetime(2026, 3, 2, 9, tzinfo=clock.CHINA)
CAST = {
    "张敏": ["formal_delegate@信息学院"],
    "李强": ["formal_delegate@math"],
    "王芳": ["formal_delegate@math"],
}
LAUNCH = {"who": "张敏", "does": "launch", "with": {"subject": "修门"}}
PASS = {"who": "工会秘书", "does": "complete", "task": "check", "with": {"decision": "pass"}}
BACK = {
    "who": "工会秘书",
    "does": "complete",
    "task": "check",
    "with": {"decision": "return", "reason": "请补充"},
}
DO = {"who": "工会秘书", "does": "complete", "task": "do", "with": {"note": "已修"}}
GOOD = {"who": ["张敏", "李强"], "does": "respond", "task": "rate", "with": {"choice": "good"}}


def told(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return copy.deepcopy({"title": "试", "at": AT, "cast": CAST, "step": list(steps), **more})


def played(
    engine: Engine, *steps: Mapping[str, Any], files: Mapping[str, str] | None = None, **more: Any
) -> Played:
    return play(engine, told(*steps, **more), files or sound(), STANDARD)


@pytest.fixture(scope="module")
def stage(server: str) -> Iterator[Engine]:
    """One database for many stories: none of them leaves anything in it."""
    with fresh(server) as url:
        made = db.connect(url, size=2)
        yield made
        made.dispose()


# --- playing --------------------------------------------------------------------------------------------------------------
def test_a_story_that_goes_as_told_is_told_step_by_step(stage: Engine) -> None:
    result = played(
        stage,
        {**LAUNCH, "expect": ["check"]},
        {**PASS, "expect": ["do"]},
        {**DO, "expect": ["rate"]},
        {**GOOD, "expect": []},
        ends={
            "at": "done",
            "outcome": "ended",
            "issued": ["slip"],
            "events": ["poll_closed", "decision_taken"],
            "facts": {
                "rate.passed": True,
                "rate": {"good": 2},
                "launch.mover": "member:张敏",
                "graded.grade": "high",
            },
        },
    )
    assert result.ok, result.why
    assert [step.opened for step in result.steps] == [("check",), ("do",), ("rate",), ()]
    assert "提出本件 办〔2026〕001" in result.steps[0].happened
    assert "打开 核对（check）" in result.steps[0].happened
    assert "签发文书 《办结单》单〔2026〕001" in result.steps[3].happened
    assert "结束于 办结（done）" in result.steps[3].happened
    assert result.steps[3].who == "张敏、李强"


def test_nothing_of_a_story_stays_in_the_database(engine: Engine) -> None:
    assert played(engine, LAUNCH, PASS).ok
    with engine.connect() as session:
        for table in (
            tables.instance,
            tables.unit,
            tables.member,
            tables.event,
            tables.definition,
            tables.chain,
        ):
            assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0
        assert session.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one() == 0


def test_stories_start_anew_each_time(stage: Engine) -> None:
    for _ in range(3):
        result = played(stage, LAUNCH)
        assert "提出本件 办〔2026〕001" in result.steps[0].happened


def test_one_stage_plays_many_stories(stage: Engine) -> None:
    played(stage, LAUNCH)  # the first one parses the definition
    for _ in range(10):
        assert played(stage, LAUNCH, PASS, DO, GOOD).ok


def test_stories_that_begin_alike_are_begun_once_and_go_as_each_alone(
    stage: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that goes otherwise than told, or cannot be meant, hinders none that comes after it."""
    stories = [
        told(LAUNCH, PASS, DO, GOOD),
        told(LAUNCH, BACK),
        told(LAUNCH, PASS, PASS),
        told(LAUNCH, PASS, {**DO, "task": "nothing"}),
        told(LAUNCH, PASS, DO, GOOD, ends={"outcome": "elsewhere"}),
        told(LAUNCH, PASS, DO),
        told(LAUNCH, PASS, DO, GOOD),
        told(LAUNCH, PASS, at=AT + timedelta(days=1)),
        {"title": "没有步骤", "at": AT, "step": []},
    ]
    launched, launch = [], ACTIONS["launch"]
    monkeypatch.setitem(ACTIONS, "launch", lambda *given: launched.append(launch(*given)))
    with scenarios.Player(stage, STANDARD, 600.0) as player:
        together = [player.play(each, sound()) for each in stories]
    assert len(launched) == 2  # the second on the other day
    assert together == [play(stage, each, sound(), STANDARD) for each in stories]
    assert [each.ok for each in together] == [
        True,
        True,
        False,
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    assert together[0].met == together[6].met != together[1].met


def test_whoever_goes_on_otherwise_leaves_nothing_to_the_next(stage: Engine) -> None:
    whole = told(LAUNCH, PASS, DO, GOOD)
    alone = play(stage, whole, sound(), STANDARD)
    with scenarios.Player(stage, STANDARD, 600.0) as player:
        for first in (1, 3, 2):
            with player.begun(whole, sound(), first) as progress:
                scenarios.play_step(progress, scenarios.read(whole).steps[first])
                scenarios.play_step(progress, scenarios.read(told(LAUNCH)).steps[0])
                assert len(progress.instances) == 2 and progress.now == AT
        with pytest.raises(RuntimeError), player.begun(whole, sound(), 2):
            raise RuntimeError
        assert player.play(whole, sound()) == alone


@pytest.mark.parametrize(("held", "begun"), [(0.0, 3), (600.0, 1)])
def test_what_was_written_is_let_go_between_two_stories(
    stage: Engine, monkeypatch: pytest.MonkeyPatch, held: float, begun: int
) -> None:
    """So that nobody waits for long who would decide on a version that is played."""
    launched, launch = [], ACTIONS["launch"]
    monkeypatch.setitem(ACTIONS, "launch", lambda *given: launched.append(launch(*given)))
    with scenarios.Player(stage, STANDARD, held) as player:
        assert all(player.play(told(LAUNCH, PASS), sound()).ok for _ in range(3))
    assert len(launched) == begun


def test_what_cannot_be_read_stands_with_the_first(tmp_path: Path) -> None:
    torn = tmp_path / "a.toml"
    torn.write_text("title = ", "utf-8")
    assert scenarios.beginning(torn) == () < scenarios.beginning(told(LAUNCH))
    assert scenarios.beginning(told(LAUNCH)) < scenarios.beginning(told(LAUNCH, BACK))


def test_a_story_plays_the_files_it_is_given_and_not_what_is_in_force(engine: Engine) -> None:
    newer = edited("process.toml", "办〔{year}〕{n:03}", "新〔{year}〕{n:03}")
    with engine.begin() as session:
        definitions.publish_shipped(session, sound())
        definitions.publish_shipped(session, newer)
    assert "提出本件 办〔2026〕001" in played(engine, LAUNCH).steps[0].happened
    assert "提出本件 新〔2026〕001" in played(engine, LAUNCH, files=newer).steps[0].happened
    with engine.connect() as session:
        numbers = (
            session.execute(select(tables.definition.c.number).order_by(tables.definition.c.number))
            .scalars()
            .all()
        )
    assert numbers == [1, 2]


def test_a_story_does_not_mind_a_union_that_is_there_already(engine: Engine) -> None:
    key = tables.new_id()
    with engine.begin() as session:
        session.execute(
            insert(tables.unit).values(
                id=key, code="union", kind="university_union", name="校工会", union_id=key
            )
        )
    assert played(engine, LAUNCH, PASS).ok


# --- what is otherwise ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("steps", "ends", "words"),
    [
        (
            [{**LAUNCH, "expect": ["do"]}],
            {},
            "第 1 步（张敏 发起）：之后应当打开的是 办理（do），实际是 核对（check）",
        ),
        ([LAUNCH, {**PASS, "with": {}}], {}, "应当成功，实际被拒绝（invalid）：decision：必填"),
        ([LAUNCH, {**PASS, "refused": "recused"}], {}, "应当被拒绝（recused），实际成功了"),
        (
            [
                LAUNCH,
                {**PASS, "who": "李强", "refused": "not_found", "says": ["没有找到", "人数不够"]},
            ],
            {},
            "拒绝时没有说“人数不够”，说的是：没有找到",
        ),
        (
            [LAUNCH, {**PASS, "who": "张敏", "refused": "recused"}],
            {},
            "应当以 recused 被拒绝，实际被拒绝（not_found）",
        ),
        ([LAUNCH, {**DO}], {}, "办理（do） 从未打开过。现在打开的是 核对（check）"),
        ([LAUNCH], {"at": "done"}, "应当结束于 办结（done），实际还开着：核对（check）"),
        ([LAUNCH, PASS, DO, GOOD], {"at": "open"}, "应当还开着，实际结束于 办结（done）"),
        (
            [LAUNCH, PASS, DO, GOOD],
            {"at": "withdrawn"},
            "应当结束于 撤回（withdrawn），实际结束于 办结（done）",
        ),
        ([LAUNCH], {"outcome": "ended"}, "结果应当是 ended，实际是 running"),
        ([LAUNCH], {"issued": ["slip"]}, "应当出具的文书是 slip，实际是 （没有）"),
        ([LAUNCH], {"events": ["poll_closed"]}, "历史里没有 poll_closed；有的是 instance_launched"),
        (
            [LAUNCH],
            {"facts": {"launch.subject": "修窗"}},
            "事实 launch.subject 应当是 '修窗'，实际是 '修门'",
        ),
        (
            [LAUNCH],
            {"facts": {"launch.mover": "member:李强"}},
            "应当是 'member:李强'，实际是 'member:张敏'",
        ),
        ([LAUNCH], {"B": {"at": "open"}}, "没有叫 B 的件"),
        ([{"does": "wait", "after": "3 days"}], {"at": "open"}, "没有任何一件"),
        ([{**LAUNCH, "who": "赵六"}], {}, "没有 赵六 这个人"),
        ([LAUNCH, {**PASS, "on": "B"}], {}, "没有叫 B 的件。 → 已有：A"),
        ([LAUNCH, {**LAUNCH, "alias": "A"}], {}, "已有一件叫 A"),
        ([PASS], {}, "还没有发起任何一件"),
        ([{**LAUNCH, "with": {"subject": "unit:食堂"}}], {}, "unit:食堂 指的是谁，不知道"),
        ([LAUNCH, {"does": "wait", "after": "soon"}], {}, "after = 'soon' 读不懂"),
        (
            [LAUNCH, {"does": "wait", "after": "2026-03-01T09:00:00+08:00"}],
            {},
            "已经过去了（现在是 2026-03-02 09:00）",
        ),
        ([LAUNCH, {"does": "message", "who": "张敏", "task": "fly"}], {}, "not_waiting"),
    ],
)
def test_what_goes_otherwise_is_said_in_words(
    stage: Engine, steps: list[Any], ends: dict[str, Any], words: str
) -> None:
    result = played(stage, *steps, ends=ends)
    assert not result.ok
    assert words in result.why, result.why


def test_everything_that_is_otherwise_at_the_end_is_said_at_once(stage: Engine) -> None:
    why = played(
        stage, LAUNCH, ends={"at": "done", "issued": ["slip"], "facts": {"launch.subject": "x"}}
    ).why
    assert "办结（done）" in why and "slip" in why and "launch.subject" in why


def test_an_unexpected_incident_fails_a_story(stage: Engine) -> None:
    broken = edited(
        "process.toml", 'do = "remind"\ntask = "do"', 'do = "merge_into"\ntarget = "union"'
    )
    late = {"does": "wait", "after": "until due + 1 day"}
    result = played(stage, LAUNCH, PASS, late, files=broken, ends={"at": "open"})
    assert not result.ok and "出现异常：并案的对象不存在" in result.why
    assert played(stage, LAUNCH, PASS, late, files=broken, ends={"events": ["incident_noted"]}).ok


# --- refusals -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([LAUNCH, {**PASS, "with": {}}], "invalid"),
        ([LAUNCH, {**PASS, "who": "李强"}], "not_found"),
        ([LAUNCH, PASS, PASS], "done"),
        ([LAUNCH, PASS, PASS], "conflict"),
        ([{**LAUNCH, "who": "工会秘书"}], "refused"),
        ([LAUNCH, PASS, DO, GOOD], "conflict"),
        ([LAUNCH, {**DO}], "not_found"),
        ([LAUNCH, {**PASS, "who": "提案委员甲"}], "not_found"),
        ([LAUNCH, {"who": "工会秘书", "does": "message", "task": "withdraw"}], "refused"),
        ([LAUNCH, {"who": "张敏", "does": "suspend", "with": {"reason": "x"}}], "refused"),
    ],
)
def test_an_expected_refusal_is_part_of_the_story(
    stage: Engine, steps: list[Any], code: str
) -> None:
    last = {**steps[-1], "refused": code}
    if steps[-1] is GOOD:
        steps, last = (
            [*steps, {"does": "wait", "after": "1 day"}],
            {"who": "王芳", "does": "respond", "task": "rate", "refused": code},
        )
        result = played(stage, *steps, last)
    else:
        result = played(stage, *steps[:-1], last)
    assert result.ok, result.why
    assert result.steps[-1].refused == code


def test_a_refused_attempt_is_on_record_and_changes_nothing(stage: Engine) -> None:
    result = played(
        stage,
        LAUNCH,
        {**PASS, "who": "李强", "refused": "not_found", "expect": ["check"]},
        PASS,
        ends={"events": ["attempt_refused"]},
    )
    assert result.ok, result.why


# --- every verb -----------------------------------------------------------------------------------------------------------
def test_claim_and_release(stage: Engine) -> None:
    claim = {"who": "工会秘书", "does": "claim", "task": "check"}
    other = {"钱慧": ["union_secretary"], "孙立": ["union_secretary"]}
    first, second = {**claim, "who": "钱慧"}, {**PASS, "who": "孙立"}
    result = played(
        stage,
        LAUNCH,
        first,
        {**second, "refused": "claimed"},
        {**first, "does": "release"},
        second,
        cast={**CAST, **other},
    )
    assert result.ok, result.why
    assert "认领 核对（check）" in result.steps[1].happened


def test_withdraw_terminate_suspend_and_resume(stage: Engine) -> None:
    assert played(
        stage,
        LAUNCH,
        {"who": "张敏", "does": "withdraw", "with": {"reason": "不修了"}},
        ends={"at": "withdrawn"},
    ).ok
    assert played(
        stage,
        LAUNCH,
        {"who": "张敏", "does": "message", "task": "withdraw"},
        ends={"at": "withdrawn"},
    ).ok
    stop = {"who": "工会秘书", "does": "terminate", "with": {"reason": "重复"}}
    assert played(stage, LAUNCH, stop, ends={"at": "terminated", "outcome": "terminated"}).ok
    pause, on = (
        {"who": "工会秘书", "does": "suspend", "with": {"reason": "停电"}},
        {"who": "工会秘书", "does": "resume", "after": "9 days"},
    )
    result = played(
        stage, LAUNCH, pause, {**PASS, "refused": "suspended"}, on, {**PASS, "expect": ["do"]}
    )
    assert result.ok, result.why


def test_an_answer_is_taken_back_by_its_verb_or_by_withdrawing_it(stage: Engine) -> None:
    answer = {
        "who": "李强",
        "does": "respond",
        "task": "rate",
        "with": {"choice": "bad", "comment": "慢"},
    }
    for verb in ("take_back", "withdraw"):
        back = {"who": "李强", "does": verb, "task": "rate"}
        result = played(
            stage,
            LAUNCH,
            PASS,
            DO,
            answer,
            back,
            {**answer, "with": {"choice": "good"}},
            ends={"at": "open"},
        )
        assert result.ok, result.why
        assert "撤回答复" in result.steps[4].happened


def test_a_poll_is_closed_by_its_mover(stage: Engine) -> None:
    files = edited("process.toml", 'early = "decided"', 'early = "never"')
    close = {"who": "张敏", "does": "close_poll"}
    result = played(
        stage,
        LAUNCH,
        PASS,
        DO,
        {**close, "refused": "not_reached"},
        GOOD,
        close,
        files=files,
        ends={"at": "done"},
    )
    assert result.ok, result.why


def test_two_instances_are_told_apart_by_their_names(stage: Engine) -> None:
    result = played(
        stage,
        LAUNCH,
        {**LAUNCH, "who": "李强", "alias": "zweite"},
        {**PASS, "on": "A", "expect": ["do"]},
        {"does": "wait", "after": "1 day", "on": "zweite", "expect": ["check"]},
        {**BACK, "expect": ["mend"]},
        ends={
            "facts": {"launch.mover": "member:张敏"},
            "zweite": {"at": "open", "facts": {"launch.mover": "member:李强"}},
        },
    )
    assert result.ok, result.why


# --- time -----------------------------------------------------------------------------------------------------------------
def test_timers_fire_at_their_own_moments_while_time_goes_by(stage: Engine) -> None:
    result = played(
        stage,
        LAUNCH,
        PASS,
        {"does": "wait", "after": "60 days"},
        DO,
        ends={"events": ["reminder_sent"]},
    )
    assert result.ok, result.why
    assert "到期（overdue）" in result.steps[2].happened
    assert "发出提醒" in result.steps[2].happened


def test_a_poll_closes_when_its_window_ends(stage: Engine) -> None:
    wait = {"does": "wait", "task": "rate"}
    before = {**wait, "after": "until due - 1 minute", "expect": ["rate"]}
    after = {**wait, "after": "1 minute", "expect": []}
    result = played(
        stage,
        LAUNCH,
        PASS,
        DO,
        before,
        after,
        ends={"at": "done", "facts": {"rate.passed": False, "rate.silent": 3}},
    )
    assert result.ok, result.why


@pytest.mark.parametrize(
    ("after", "refused"),
    [
        ("until due - 1 day", ""),
        ("until due", ""),
        ("until due - 1 minute", ""),
        ("until due + 1 day", "conflict"),
    ],
)
def test_the_day_before_on_and_after_are_told_by_the_deadline(
    stage: Engine, after: str, refused: str
) -> None:
    answer = {
        "who": "李强",
        "does": "respond",
        "task": "rate",
        "with": {"choice": "good"},
        "after": after,
        "refused": refused,
    }
    result = played(stage, LAUNCH, PASS, DO, answer)
    assert result.ok, result.why


DUE = datetime(2026, 4, 4, tzinfo=clock.CHINA)  # the end of Friday, 3 April
DAYS = calendar.Calendar(calendar.shipped())


@pytest.mark.parametrize(
    ("after", "then"),
    [
        ("3 days", "2026-03-05 09:00"),
        ("1 day", "2026-03-03 09:00"),
        ("2 hours", "2026-03-02 11:00"),
        ("30 minutes", "2026-03-02 09:30"),
        ("2 weeks", "2026-03-16 09:00"),
        ("5 working days", "2026-03-09 09:00"),
        ("25 working days", "2026-04-07 09:00"),
        ("until due", "2026-04-03 12:00"),
        ("until due - 1 day", "2026-04-02 12:00"),
        ("until due + 1 day", "2026-04-04 12:00"),
        ("until due - 1 minute", "2026-04-03 23:59"),
        ("until due + 1 minute", "2026-04-04 00:01"),
        ("until due - 2 hours", "2026-04-03 22:00"),
        ("until due + 1 working day", "2026-04-07 12:00"),
        ("until due - 3 working days", "2026-03-31 12:00"),
        ("2026-04-01T08:30:00+08:00", "2026-04-01 08:30"),
        ("2026-04-01T00:30:00Z", "2026-04-01 08:30"),
        (" until  due ", "2026-04-03 12:00"),
    ],
)
def test_how_far_the_clock_moves(after: str, then: str) -> None:
    found = times.target(after, AT, DUE, DAYS)
    assert f"{found.astimezone(clock.CHINA):%Y-%m-%d %H:%M}" == then


@pytest.mark.parametrize(
    "after",
    [
        "",
        "3",
        "three days",
        "-3 days",
        "until",
        "until due -1 day",
        "2026-04-01",
        "until due + 1 month",
        "1e9 days",
    ],
)
def test_a_time_that_cannot_be_read_is_a_fault_with_advice(after: str) -> None:
    with pytest.raises(ProcessFault) as fault:
        times.target(after, AT, DUE, DAYS)
    assert fault.value.advice


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ProcessFault, match="没有时区"):
        times.target(datetime(2026, 4, 1, 9), AT, DUE, DAYS)


def test_until_due_needs_a_deadline() -> None:
    with pytest.raises(ProcessFault, match="现在没有期限"):
        times.target("until due", AT, None, DAYS)


def test_noon_of_the_last_day_is_now_when_noon_is_over() -> None:
    late = DUE - timedelta(hours=3)
    assert times.target("until due", late, DUE, DAYS) == late


# --- the cast -------------------------------------------------------------------------------------------------------------
def test_a_standing_holder_steps_aside_for_one_of_the_storys_own(stage: Engine) -> None:
    cast = {**CAST, "钱慧": ["union_secretary@union"]}
    assert played(
        stage, LAUNCH, {**PASS, "refused": "not_found"}, {**PASS, "who": "钱慧"}, cast=cast
    ).ok


def test_a_post_runs_until_its_last_day(stage: Engine) -> None:
    cast = {**CAST, "赵磊": ["formal_delegate@图书馆 until 2026-03-10"]}
    launch = {**LAUNCH, "who": "赵磊"}
    last, after = "2026-03-10T09:00:00+08:00", "2026-03-11T09:00:00+08:00"
    assert played(
        stage,
        {**launch, "after": last},
        {**launch, "after": after, "refused": "refused"},
        cast=cast,
    ).ok


def test_a_post_starts_on_its_first_day(stage: Engine) -> None:
    cast = {**CAST, "赵磊": ["formal_delegate@图书馆 from 2026-03-10"]}
    launch = {**LAUNCH, "who": "赵磊"}
    assert played(
        stage, {**launch, "refused": "refused"}, {**launch, "after": "8 days"}, cast=cast
    ).ok


@pytest.mark.parametrize(
    ("post", "words"),
    [
        ("Delegate", "读不懂"),
        ("formal_delegate@食堂", "没有单位 食堂"),
        ("formal_delegate@info until 2026-02-30", "日期不对"),
        ("", "读不懂"),
    ],
)
def test_a_post_that_cannot_be_meant_is_a_fault(stage: Engine, post: str, words: str) -> None:
    assert words in played(stage, LAUNCH, cast={"张敏": [post]}).why


def test_a_university_may_set_its_own_numbers_and_vacations(stage: Engine) -> None:
    wait = {"does": "wait", "task": "rate", "after": "until due"}
    steps = (LAUNCH, PASS, DO, wait)
    with_rule = played(
        stage,
        *steps,
        {"does": "wait", "after": "2026-03-05T12:00:00+08:00", "expect": ["rate"]},
        rules={"MO-RATE": 3},
    )
    assert with_rule.ok, with_rule.why
    assert (
        "已经过去了"
        in played(stage, *steps, {"does": "wait", "after": "2026-03-05T12:00:00+08:00"}).why
    )
    break_ = [{"name": "春假", "from": date(2026, 3, 3), "to": date(2026, 3, 31)}]
    far = {"does": "wait", "after": "5 working days"}
    check = {"does": "wait", "after": "2026-04-01T09:00:00+08:00"}
    assert "已经过去了" in played(stage, far, check, vacation=break_).why
    assert played(stage, far, check).ok


# --- how a story is written -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": ""}, "没有标题"),
        ({"at": datetime(2026, 3, 2, 9)}, "从什么时候开始"),
        ({"at": "2026"}, "从什么时候开始"),
        ({"step": []}, "没有步骤"),
        ({"step": 3}, "没有步骤"),
        ({"steps": []}, "不认识的“steps”"),
        ({"cast": 3}, "[cast] 的写法不对"),
        ({"cast": {"x": 3}}, "x 的职务写法不对"),
        ({"rules": {"MO-RATE": "3"}}, "[rules] 的写法不对"),
        ({"rules": {"CG-QUORUM": 0.75}}, '比例写 "CG-QUORUM" = "3/4"'),
        ({"rules": 3}, "[rules] 的写法不对"),
        ({"rules": {"CG-QUORUM": "1/2"}}, "不得放宽为 1/2"),
        ({"rules": {"MO-RATE": "2/3"}}, "[rules] 里的“MO-RATE”"),
        ({"rules": {"NO-SUCH": 1}}, "NO-SUCH"),
        ({"vacation": [{"from": 1}]}, "[[vacation]] 的写法不对"),
        ({"ends": 3}, "[ends] 的写法不对"),
        ({"ends": {"att": "x"}}, "不认识的“att”"),
        ({"ends": {"facts": 3}}, "facts 应是一组事实"),
        ({"ends": {"B": {"isued": []}}}, "[ends.B]里有不认识的“isued”"),
    ],
)
def test_a_story_that_cannot_be_meant_is_not_played(
    stage: Engine, change: dict[str, Any], words: str
) -> None:
    result = play(stage, {**told(LAUNCH), **change}, sound(), STANDARD)
    assert not result.ok and words in result.why, result.why
    assert result.steps == []


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"does": "launch"}, "没有写是谁"),
        ({"who": "张敏"}, "没有写做什么"),
        ({"who": "张敏", "does": "fly"}, "'fly' 不认识"),
        ({"who": 3, "does": "launch"}, "who 应是姓名"),
        ({"who": "张敏", "does": "complete"}, "没有写办哪一项"),
        ({"does": "wait"}, "没有写等多久"),
        ({**LAUNCH, "with": 3}, "with 应是答案"),
        ({**LAUNCH, "after": 3}, "after 写法不对"),
        ({**LAUNCH, "expect": "check"}, "expect 应是文字的清单"),
        ({**LAUNCH, "says": "check"}, "says 应是文字的清单"),
        ({**LAUNCH, "expct": []}, "是不是 expect"),
        ({**LAUNCH, "refused": 3}, "应是文字"),
        (3, "的写法不对"),
    ],
)
def test_a_step_that_cannot_be_meant_is_named(stage: Engine, step: Any, words: str) -> None:
    result = play(stage, {**told(LAUNCH), "step": [LAUNCH, step]}, sound(), STANDARD)
    assert "第 2 步" in result.why and words in result.why, result.why


def test_a_story_is_read_from_its_file(stage: Engine, tmp_path: Path) -> None:
    scenario = tmp_path / "errand" / "scenarios" / "one.toml"
    scenario.parent.mkdir(parents=True)
    for name, content in sound().items():
        (tmp_path / "errand" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "errand" / name).write_text(content, "utf-8")
    scenario.write_text(
        'title = "一"\nat = 2026-03-02T09:00:00+08:00\n[cast]\n"张敏" = ["formal_delegate@信息学院"]\n'
        '[[step]]\nwho = "张敏"\ndoes = "launch"\nwith = { subject = "修门" }\nexpect = ["check"]\n[ends]\nat = "open"\n',
        "utf-8",
    )
    assert scenario in scenarios.stories(tmp_path / "errand")
    ((file, result),) = scenarios.play_files(stage, [scenario], STANDARD)
    assert file == scenario and result.ok, result.why
    assert result.title == "一"


@pytest.mark.parametrize("content", [b"title =", b"\xff\xfe", b"title = 'x'\n" + b"[" * 5_000])
def test_a_file_that_cannot_be_read_is_said_and_not_raised(
    stage: Engine, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.toml").write_bytes(content)
    result = play(stage, tmp_path / "bad.toml", sound(), STANDARD)
    assert not result.ok and "读不懂" in result.why
    assert result.title == "bad"


def test_a_story_that_is_not_there_is_said(stage: Engine, tmp_path: Path) -> None:
    assert "读不懂" in play(stage, tmp_path / "none.toml", sound(), STANDARD).why


def test_a_process_that_cannot_be_read_is_said(stage: Engine) -> None:
    assert "process.bpmn" in played(stage, LAUNCH, files={"process.toml": ""}).why


def test_the_standard_cast_names_units_and_holders_that_can_be_meant() -> None:
    held = story.cast(STANDARD["cast"])
    assert {"union", "info", "math", "hr", "logistics", "finance", "library"} <= STANDARD[
        "units"
    ].keys()
    assert {post.partition("@")[0] for posts in held.values() for post in posts} >= {
        "union_secretary",
        "motions_committee",
        "motions_committee_chair",
        "unit_head",
        "delegation_head",
        "vice_president",
        "inspection_officer",
        "presidium_chair",
        "auditor",
        "administrator",
    }
    assert load(sound()).id == "errand"


# --- what the authors read, and where stories are played --------------------------------------------------------------------
README = (ROOT / "processes" / "README.md").read_text("utf-8")


def test_the_story_in_the_readme_can_be_read() -> None:
    examples = re.findall(r"```toml\n(.*?)```", README, re.S)
    read = scenarios.read(tomllib.loads(examples[0]))
    assert [step.does for step in read.steps] == ["launch", "respond", "wait", "respond"]
    again = {**tomllib.loads(examples[0]), **tomllib.loads(examples[1])}
    assert scenarios.read(again).rules == {"MO-SECOND": 2, "CG-QUORUM": Fraction(3, 4)}


def test_the_readme_names_everything_that_a_step_can_do_in_both_languages() -> None:
    for part in README.split("\n---\n"):
        assert not [verb for verb in VERBS if f"`{verb}`" not in part]


def test_the_theatre_is_a_migrated_database_of_its_own(server: str, tmp_path: Path) -> None:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE theatre TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
    stage = scenarios.theatre(
        settings.Settings(
            home=tmp_path, database_url=named(server, "theatre"), processes=ROOT / "processes"
        )
    )
    assert played(stage, LAUNCH, PASS, DO, GOOD, ends={"at": "done"}).ok
    stage.dispose()


FILLED = {  # what an event of some kind needs to be told in full
    "task": "review",
    "task_completed": "review",
    "number": "M-1",
    "due": 5,
    "needed": 4,
    "present": 3,
    "outcome": {"yes": 2, "passed": True},
    "opened": [{"task": "review"}],
    "ended": "filed",
}


def test_a_story_tells_every_kind_of_event_in_english() -> None:
    """What `yixing play` prints of a step has nothing Chinese in it beside codes and names."""
    process, english = load(read(settings.ROOT / "processes" / "congress_motion")), language("en")
    told = {kind: english(words.clause(process, kind, FILLED)) for kind in KINDS}
    assert len(told) == len(KINDS) > 60
    assert {kind: text for kind, text in told.items() if re.search("[\u3400-\u9fff]", text)} == {}
    assert "opens " in told["task_completed"]
    assert "（" in str(words.clause(process, "task_completed", FILLED))  # as it is in Chinese
