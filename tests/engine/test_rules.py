"""A union's own values by two people, vacations, holiday notices and the deadlines that they move."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import clock, db
from engine.commands import actions, deciding, instances, reads, rules, unit_of_work
from engine.db import canonical, tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.history import event_log, keys
from engine.history.kept import Log
from engine.instance.union_law import UnionLaw
from engine.people import access
from engine.queries import calendars, checkpoints
from engine.queries import rules as reading
from tests.engine.errands import Errands

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy import Engine

DECEMBER = datetime(2026, 12, 20, 1, tzinfo=UTC)  # a Sunday in China
NOTICE = [
    ("日期", "休/班", "名称"),
    ("2027-01-01", "休", "元旦"),
    ("2027-01-04", "休", "元旦"),  # a day off that law does not fix
    ("2027-05-01", "休", "劳动节"),
    ("2027-10-01", "休", "国庆节"),
]
BY = "国务院办公厅通知"


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> Errands:
    """The errand's unions with an administrator and a second secretary; no errand yet."""
    made = Errands.built(engine, keys.load_or_create(tmp_path), 0)
    with db.transaction(engine) as session:
        made._member(session, "管理员", "工会", "administrator")
        made._member(session, "副秘书", "工会", "union_secretary")
    return made


def propose(
    world: Errands, value: int | Fraction = 60, rule: str = "MO-REPLY", **more: Any
) -> UUID:
    wanted = {
        "valid_from": clock.day_of(world.at) + timedelta(days=1),
        "source": "八届二次教代会决议",
        **more,
    }
    union, actor = world.units["工会"], world.actor(more.pop("who", "陈秘书"))
    wanted.pop("who", None)
    found: UUID = world.do(lambda s: rules.propose_setting(s, actor, union, rule, value, **wanted))
    return found


def decide(world: Errands, who: str, setting: UUID, approve: bool = True) -> None:
    actor = world.actor(who)
    world.do(lambda s: rules.decide_setting(s, actor, setting, approve))


def ruling(world: Errands, rule: str, on: date) -> int | None:
    with db.transaction(world.engine) as session:
        return UnionLaw.of(session, world.units["工会"]).ruling(rule, on).value


def share(world: Errands, rule: str, on: date) -> Fraction | None:
    with db.transaction(world.engine) as session:
        return UnionLaw.of(session, world.units["工会"]).ruling(rule, on).share


def told(world: Errands, chain: UUID, kind: str) -> list[dict[str, Any]]:
    event = tables.event.c
    with db.transaction(world.engine) as session:
        rows = session.execute(
            select(event.body)
            .where(event.instance_id == chain, event.kind == kind)
            .order_by(event.seq)
        ).scalars()
        return [json.loads(body) for body in rows]


# --- a union's own values ---------------------------------------------------------------------------------------------
def test_a_value_holds_from_the_day_after_a_second_person_approved_it(world: Errands) -> None:
    setting = propose(world)
    today = clock.day_of(world.at)
    assert ruling(world, "MO-REPLY", today + timedelta(days=9)) == 45
    decide(world, "管理员", setting)
    assert ruling(world, "MO-REPLY", today) == 45
    assert ruling(world, "MO-REPLY", today + timedelta(days=1)) == 60
    union = world.units["工会"]
    assert [
        told(world, union, k)[0]["value"] for k in ("setting_proposed", "setting_approved")
    ] == [60, 60]


def test_whoever_proposed_does_not_approve(world: Errands) -> None:
    setting = propose(world)
    with pytest.raises(Refused) as fault:
        decide(world, "陈秘书", setting)
    assert fault.value.code == "separated"
    decide(world, "副秘书", setting, approve=False)
    assert ruling(world, "MO-REPLY", date(2030, 1, 1)) == 45
    with pytest.raises(Conflict):
        decide(world, "管理员", setting)


def test_an_approval_that_comes_late_does_not_reach_back(world: Errands) -> None:
    setting = propose(world)
    world.at += timedelta(days=10)
    decide(world, "管理员", setting)
    today = clock.day_of(world.at)
    assert (
        ruling(world, "MO-REPLY", today) == 45
        and ruling(world, "MO-REPLY", today + timedelta(days=1)) == 60
    )


def test_law_may_be_tightened_but_not_loosened(world: Errands) -> None:
    with pytest.raises(Invalid) as fault:
        propose(world, 21, "CC-REPLY")
    assert "不得放宽" in fault.value.fields["value"][0]
    decide(world, "管理员", propose(world, 10, "CC-REPLY"))
    assert ruling(world, "CC-REPLY", clock.day_of(world.at) + timedelta(days=1)) == 10


def test_a_share_of_law_is_tightened_from_the_next_day_on(world: Errands) -> None:
    union, day = world.units["工会"], clock.day_of(world.at) + timedelta(days=1)
    decide(world, "管理员", propose(world, Fraction(3, 4), "CG-QUORUM"))
    assert share(world, "CG-QUORUM", day - timedelta(days=1)) == Fraction(2, 3) and share(
        world, "CG-QUORUM", day
    ) == Fraction(3, 4)
    assert [
        told(world, union, k)[0]["value"] for k in ("setting_proposed", "setting_approved")
    ] == ["3/4", "3/4"]
    world.at += timedelta(days=1)
    rule = look(world, lambda s: reading.rule(s, world.actor("管理员"), union, "CG-QUORUM"))
    assert (
        rule.line.own == rule.settings[0].value == "不少于全体的 3/4"
        and "本单位定为不少于全体的 3/4" in rule.line.words
    )


def test_what_is_proposed_for_a_share_is_said_as_it_will_count(world: Errands) -> None:
    """The law has half or more, Zhejiang's default more than half: a value in its place is counted as "more than" too."""
    setting, union = propose(world, Fraction(4, 6), "CG-VOTE-EDU"), world.units["工会"]
    rule = look(world, lambda s: reading.rule(s, world.actor("管理员"), union, "CG-VOTE-EDU"))
    assert rule.settings[0].value == "超过全体的 2/3"
    assert (
        look(world, lambda s: reading.proposals(s, world.actor("管理员"), union))[0][2].value
        == "超过全体的 2/3"
    )
    decide(world, "管理员", setting)
    world.at += timedelta(days=1)
    assert (
        look(world, lambda s: reading.rule(s, world.actor("管理员"), union, "CG-VOTE-EDU")).line.own
        == "超过全体的 2/3"
    )


def test_a_default_share_may_be_lowered_and_a_lawful_one_not(world: Errands) -> None:
    day = clock.day_of(world.at) + timedelta(days=1)
    decide(world, "管理员", propose(world, Fraction(1, 2), "TR-COMMITTEE-QUORUM"))
    assert share(world, "TR-COMMITTEE-QUORUM", day) == Fraction(1, 2)
    with pytest.raises(Invalid) as fault:
        propose(world, Fraction(1, 2), "CG-QUORUM")
    assert "本单位可以更严，不得放宽为 1/2。" in fault.value.fields["value"][0]
    assert len(told(world, world.units["工会"], "setting_proposed")) == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"valid_from": date(2026, 3, 2)}, "valid_from"),
        ({"valid_from": date(2044, 1, 1)}, "valid_from"),
        ({"valid_to": date(2026, 1, 1)}, "valid_to"),
        ({"source": " "}, "source"),
        ({"source": "=cmd"}, "source"),
        ({"value": -3}, "value"),
        ({"value": 10**6}, "value"),
        ({"rule": "NO-SUCH"}, "rule_id"),
        ({"rule": "CG-QUORUM", "value": 2}, "value"),
        ({"rule": "CG-QUORUM", "value": Fraction(5, 4)}, "value"),
        ({"rule": "CG-QUORUM", "value": Fraction(70001, 100000)}, "value"),
        ({"value": Fraction(1, 2)}, "value"),
        ({"rule": "CG-VOTE-EDU", "value": Fraction(1)}, "value"),
        ({"rule": "CG-TEACHER", "value": Fraction(2, 3)}, "value"),
    ],
)
def test_what_is_no_value_is_refused_by_field(
    world: Errands, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as fault:
        propose(world, **more)
    assert field in fault.value.fields
    assert told(world, world.units["工会"], "setting_proposed") == []


def test_one_proposal_at_a_time(world: Errands) -> None:
    propose(world)
    with pytest.raises(Conflict):
        propose(world, 50)


def test_only_the_desks_of_the_union_propose_and_decide(world: Errands) -> None:
    for who in ("张敏", "孙审计"):
        with pytest.raises(Refused):
            propose(world, who=who)
    with pytest.raises(NotFound):
        propose(world, who="外人")
    setting = propose(world)
    with pytest.raises(Refused):
        decide(world, "张敏", setting)
    with pytest.raises(NotFound):
        decide(world, "外人", setting)


# --- vacations --------------------------------------------------------------------------------------------------------
def vacation(
    world: Errands,
    who: str = "陈秘书",
    name: str = "寒假",
    first: date | None = None,
    last: date | None = None,
) -> UUID:
    actor, union = world.actor(who), world.units["工会"]
    begin = first or date(2027, 1, 4)
    found: UUID = world.do(
        lambda s: rules.add_vacation(s, actor, union, name, begin, last or date(2027, 1, 8))
    )
    return found


def test_vacations_are_added_and_removed_on_record(world: Errands) -> None:
    key = vacation(world)
    with pytest.raises(Conflict):
        vacation(world, name="又一个", first=date(2027, 1, 8), last=date(2027, 1, 9))
    actor = world.actor("管理员")
    world.do(lambda s: rules.remove_vacation(s, actor, key))
    with pytest.raises(NotFound):
        world.do(lambda s: rules.remove_vacation(s, actor, key))
    union = world.units["工会"]
    assert (
        told(world, union, "vacation_added")[0]["to_on"]
        == told(world, union, "vacation_removed")[0]["to_on"]
        == "2027-01-08"
    )


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(2027, 1, 9), date(2027, 1, 8), "to_on"),
        (date(2027, 1, 1), date(2028, 1, 1), "to_on"),
        (date(2044, 1, 1), date(2044, 1, 2), "from_on"),
    ],
)
def test_impossible_vacations_are_refused(
    world: Errands, first: date, last: date, field: str
) -> None:
    with pytest.raises(Invalid) as fault:
        vacation(world, first=first, last=last)
    assert field in fault.value.fields


def test_vacations_are_the_desks_business(world: Errands) -> None:
    key = vacation(world)
    with pytest.raises(Refused):
        vacation(world, "张敏")
    stranger = world.actor("外人")
    with pytest.raises(NotFound):
        world.do(lambda s: rules.remove_vacation(s, stranger, key))


# --- notices and the deadlines that rest on them ----------------------------------------------------------------------
def launched(world: Errands, at: datetime = DECEMBER) -> UUID:
    world.at = at
    actor = world.actor("张敏")
    key: UUID = world.do(
        lambda s: instances.launch(s, actor, "errand", {"subject": "修缮会议室"}), timedelta()
    )
    return key


def load(world: Errands, rows: Any = NOTICE, year: int = 2027, who: str = "陈秘书") -> int:
    """Proposed by one, loaded by the other who answers for the installation; gives how many instances rest on it."""
    actor, second = world.actor(who), world.actor("总管")
    proposed = world.do(lambda s: rules.propose_notice(s, actor, year, rows, BY))
    world.do(lambda s: deciding.decide(s, second, proposed.id, True))
    found: int = proposed.instances
    return found


def dues(world: Errands, key: UUID) -> dict[str, tuple[str, bool]]:
    """Last day and whether it is provisional, of each open task ("t:") and waiting timer ("w:")."""
    query = text(
        "SELECT 't:' || element, due_at, (due->>'provisional')::bool FROM task WHERE instance_id = :i AND state = 'open' "
        "AND due_at IS NOT NULL UNION ALL "
        "SELECT 'w:' || element, due_at, provisional FROM timer WHERE instance_id = :i AND state = 'waiting'"
    )
    with db.transaction(world.engine) as session:
        rows = session.execute(query, {"i": key}).all()
    return {
        name: (clock.day_of(at - timedelta(seconds=1)).isoformat(), shaky)
        for name, at, shaky in rows
    }


def whole(world: Errands, key: UUID) -> bool:
    event, instance = tables.event.c, tables.instance.c
    with db.transaction(world.engine) as session:
        rows = session.execute(
            select(event.seq, event.body, event.hash)
            .where(event.instance_id == key)
            .order_by(event.seq)
        ).all()
        head = session.execute(select(instance.seq, instance.head).where(instance.id == key)).one()
    return event_log.first_broken(key, rows, head.seq, bytes(head.head)) is None


def test_a_notice_makes_a_provisional_deadline_certain_and_says_so(world: Errands) -> None:
    key = launched(world)
    assert dues(world, key) == {"t:check": ("2027-01-11", True)}
    assert load(world) == 1
    assert dues(world, key) == {"t:check": ("2027-01-12", False)}
    (event,) = told(world, key, "deadline_recomputed")
    change = {
        "element": "check",
        "what": "task",
        "was": "2027-01-11",
        "due": "2027-01-12",
        "provisional": False,
    }
    assert event["deadlines"] == [change] and whole(world, key)
    assert world.do(lambda s: rules.recompute(s, key)) == 0
    (notice,) = told(world, event_log.INSTALLATION, "notice_loaded")
    assert notice["year"] == 2027 and notice["days"] == 3


def test_a_deadline_that_stays_is_confirmed(world: Errands) -> None:
    key = launched(world, datetime(2026, 12, 13, 1, tzinfo=UTC))
    before = dues(world, key)["t:check"]
    assert before == ("2027-01-04", True)
    extra = [*NOTICE[3:], ("2027-01-01", "休", "元旦")]
    load(world, extra)
    assert dues(world, key)["t:check"] == ("2027-01-04", False)


def test_timers_and_windows_move_with_their_task(world: Errands) -> None:
    key = launched(world, datetime(2026, 11, 17, 1, tzinfo=UTC))
    world.complete("陈秘书", key, "check", decision="pass")
    assert dues(world, key) == {"t:do": ("2027-01-04", True), "w:overdue": ("2027-01-04", True)}
    load(world)
    assert dues(world, key) == {"t:do": ("2027-01-05", False), "w:overdue": ("2027-01-05", False)}


def test_a_polls_window_moves_and_the_poll_with_it(world: Errands) -> None:
    key = launched(world, datetime(2026, 12, 22, 1, tzinfo=UTC))
    world.complete("陈秘书", key, "check", decision="pass")
    world.at = datetime(2026, 12, 22, 4, tzinfo=UTC)
    world.complete("陈秘书", key, "do", note="已办")
    before = dues(world, key)
    assert before["t:rate"] == before["w:rate"] and before["w:rate"][1]
    load(world)
    after = dues(world, key)
    assert (
        after["t:rate"] == after["w:rate"]
        and not after["w:rate"][1]
        and after["w:rate"] > before["w:rate"]
    )
    with db.transaction(world.engine) as session:
        closes = session.execute(select(tables.poll.c.closes_at)).scalar_one()
    assert clock.day_of(closes - timedelta(seconds=1)).isoformat() == after["w:rate"][0]


def test_days_stood_still_and_extensions_are_kept(world: Errands) -> None:
    key = launched(world, datetime(2026, 11, 17, 1, tzinfo=UTC))
    world.complete("陈秘书", key, "check", decision="pass")
    office = world.actor("陈秘书")
    world.do(lambda s: instances.suspend(s, office, key, "等待鉴定"))
    world.do(lambda s: instances.resume(s, office, key), timedelta(days=2))
    assert dues(world, key)["t:do"][0] == "2027-01-06"

    def extend(session: db.Session) -> None:
        run = unit_of_work.lock(session, office, key)
        actions.extend(run, {"task": "do", "rule": "MO-REVIEW"})
        unit_of_work.save(run)

    world.do(extend)
    before = dues(world, key)
    assert before["t:do"] == before["w:overdue"] == ("2027-01-27", True)
    load(world)
    after = dues(
        world, key
    )  # 2027-01-04 is a rest day too: the reply is due on 01-05, with two days 01-07, and 15 working days
    assert after["t:do"] == after["w:overdue"] == ("2027-01-28", False)
    with db.transaction(world.engine) as session:
        kept = session.execute(
            select(tables.task.c.due).where(tables.task.c.element == "do")
        ).scalar_one()
    assert kept["extended"] and kept["rule"] == "MO-REVIEW" and kept["on"] == "2027-01-28"


def test_a_vacation_registered_meanwhile_does_not_move_a_running_deadline(world: Errands) -> None:
    key = launched(world)
    vacation(world)
    load(world)
    assert dues(world, key)["t:check"] == ("2027-01-12", False)
    assert dues(world, launched(world, world.at + timedelta(hours=1)))["t:check"] == (
        "2027-01-18",
        False,
    )


def test_a_vacation_known_at_the_beginning_is_kept_when_it_is_removed_later(world: Errands) -> None:
    world.at = DECEMBER - timedelta(days=1)
    holiday = vacation(world)
    key = launched(world)
    assert dues(world, key)["t:check"] == ("2027-01-18", True)
    actor = world.actor("陈秘书")
    world.do(lambda s: rules.remove_vacation(s, actor, holiday))
    load(world)
    assert dues(world, key)["t:check"] == ("2027-01-18", False)


def test_a_corrected_notice_moves_what_rested_on_the_first(world: Errands) -> None:
    key = launched(world)
    load(world)
    world.at += timedelta(hours=1)
    assert load(world, [*NOTICE, ("2027-01-05", "休", "元旦")]) == 1
    assert dues(world, key)["t:check"] == ("2027-01-13", False)


def test_what_has_ended_is_left_alone(world: Errands) -> None:
    key = launched(world)
    office = world.actor("陈秘书")
    world.do(lambda s: instances.terminate(s, office, key, "重复"))
    assert load(world) == 0
    assert told(world, key, "deadline_recomputed") == []


def test_many_instances_are_left_to_the_workers(
    world: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.commands.rules.notices.FEW", 1)
    found = {str(launched(world)), str(launched(world))}
    assert load(world) == 2
    with db.transaction(world.engine) as session:
        jobs = (
            session.execute(
                text("SELECT args FROM procrastinate_jobs WHERE task_name = 'forecast'")
            )
            .scalars()
            .all()
        )
    assert {job["instance_id"] for job in jobs} == found and all(
        set(job) == {"instance_id"} for job in jobs
    )


@pytest.mark.parametrize(
    ("rows", "year", "field", "said"),
    [
        ([("2027-01-01", "休", "元旦")], 2027, "rows", "国庆节"),
        ([], 2027, "rows", "空"),
        ([*NOTICE, ("2027-13-01", "休", "")], 2027, "rows", "第 6 行"),
        ([*NOTICE, ("2027-01-05", "班", "")], 2027, "rows", "第 6 行"),
        ([*NOTICE, ("2026-01-01", "休", "")], 2027, "rows", "第 6 行"),
        (NOTICE, 2031, "year", "2026"),
        (NOTICE, 1999, "year", "2026"),
    ],
)
def test_a_faulty_notice_is_refused_whole(
    world: Errands, rows: Any, year: int, field: str, said: str
) -> None:
    with pytest.raises(Invalid) as fault:
        load(world, rows, year)
    assert said in "".join(fault.value.fields[field])
    with db.transaction(world.engine) as session:
        assert session.execute(select(tables.notice)).all() == []


def test_only_desks_propose_a_notice(world: Errands) -> None:
    for who in ("张敏", "孙审计"):
        with pytest.raises(Refused):
            load(world, who=who)


# --- reading ----------------------------------------------------------------------------------------------------------
def look(world: Errands, work: Any) -> Any:
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        return work(session)


def test_every_rule_is_told_in_words_and_found_by_them(world: Errands) -> None:
    actor, union = world.actor("张敏"), world.units["工会"]
    every = look(world, lambda s: reading.rules(s, actor, union))
    assert len(every) > 100 and all(
        line.text and line.cite and line.confidence in "VMP" for line in every
    )
    found = look(world, lambda s: reading.rules(s, actor, union, "mo-reply"))
    assert found[0].id == "MO-REPLY" and found[0].value == "45 日内" and len(found) < 4
    assert look(world, lambda s: reading.rules(s, actor, union, "zzz")) == ()
    with pytest.raises(NotFound):
        look(world, lambda s: reading.rules(s, actor, world.units["外校工会"]))


def test_a_rule_tells_its_sources_and_the_unions_value(world: Errands) -> None:
    setting = propose(world)
    actor, union = world.actor("管理员"), world.units["工会"]
    rule = look(world, lambda s: reading.rule(s, actor, union, "MO-REPLY"))
    assert rule.line.waiting and rule.settings[0].state == "proposed" and not rule.settings[0].mine
    decide(world, "管理员", setting)
    world.at += timedelta(days=2)
    rule = look(world, lambda s: reading.rule(s, actor, union, "MO-REPLY", "en"))
    assert rule.line.own == "within 60 days" and rule.settings[0].approver == "管理员"
    assert not any(e.wins for e in rule.entries)
    assert look(world, lambda s: reading.rule(s, actor, union, "CG-QUORUM")).unsettable == ""
    assert look(world, lambda s: reading.rule(s, actor, union, "MO-REPORT")).unsettable == "duty"
    with pytest.raises(NotFound):
        look(world, lambda s: reading.rule(s, actor, union, "NO-SUCH"))


def test_the_calendar_says_which_years_are_provisional(world: Errands) -> None:
    launched(world)
    actor, union = world.actor("陈秘书"), world.units["工会"]
    found = look(world, lambda s: calendars.read(s, actor, union))
    assert {y.year: y.state for y in found.years} == {
        2025: "shipped",
        2026: "shipped",
        2027: "provisional",
        2028: "provisional",
    }
    assert found.provisional == 1 and found.may_load
    load(world)
    found = look(world, lambda s: calendars.read(s, actor, union))
    assert [y.state for y in found.years if y.year == 2027] == ["loaded"] and found.provisional == 0


def test_rules_named_in_the_files_of_a_process() -> None:
    files = {
        "process.toml": "due = 'due(\"MO-REPLY\")'",
        "x.dmn": "&gt;= rule(&quot;MO-SECOND&quot;)",
        "y": '"NO-SUCH"',
    }
    assert set(reading.named_in(files)) == {"MO-REPLY", "MO-SECOND"}


# --- what is done with the history ------------------------------------------------------------------------------------
def test_reading_a_history_is_told_once_a_day_and_person(world: Errands) -> None:
    key = launched(world)
    auditor, office = world.actor("孙审计"), world.actor("陈秘书")
    said = [
        world.do(lambda s, a=a: reads.read_history(s, a, key)) for a in (auditor, auditor, office)
    ]
    assert said == [True, False, True]
    assert world.do(lambda s: reads.read_history(s, auditor, key), timedelta(days=1))
    assert [e["actor"]["name"] for e in told(world, key, "history_read")] == [
        "孙审计",
        "陈秘书",
        "孙审计",
    ] and whole(world, key)


def test_a_history_is_read_by_those_who_may(world: Errands) -> None:
    key = launched(world)
    with pytest.raises(NotFound):
        world.do(lambda s: reads.read_history(s, world.actor("外人"), key))
    assert world.do(lambda s: reads.read_history(s, world.actor("张敏"), key))
    assert not access.may(world.actor("李强"), "read_history", world.units["工会"])


def test_a_checkpoint_is_witnessed_once_and_on_record(world: Errands) -> None:
    launched(world)
    world.seal()
    auditor = world.actor("孙审计")
    (point,) = look(world, lambda s: checkpoints.checkpoints(s, auditor)).points
    runner = world.actor("总管")
    for who in ("张敏", "孙审计", "外人"):  # no post of one union notes it for all
        with pytest.raises(Refused):
            world.do(lambda s, who=who: reads.witness(s, world.actor(who), point.size, "别人"))
    world.do(lambda s: reads.witness(s, runner, point.size, "省教育工会办公室"))
    with pytest.raises(Conflict):
        world.do(lambda s: reads.witness(s, runner, point.size, "别人"))
    with pytest.raises(NotFound):
        world.do(lambda s: reads.witness(s, runner, 9999, "别人"))
    found = look(world, lambda s: checkpoints.checkpoints(s, auditor))
    assert found.points[0].witness == "省教育工会办公室"
    assert found.witnessed == 0, "a name that somebody typed proves nothing"
    log = look(world, lambda s: checkpoints.installation_log(s, auditor))
    assert log[0].kind == "checkpoint_witnessed" and log[0].body["root"] == point.root


def test_a_verification_finds_what_was_altered(world: Errands, tmp_path: Path) -> None:
    key = launched(world)
    world.seal()
    auditor, public, log = world.actor("孙审计"), world.key.public, Log(tmp_path)
    assert world.do(lambda s: reads.verify(s, auditor, public, log)).broken is None
    with db.transaction(world.engine) as session:
        session.execute(
            text("UPDATE event SET body = replace(body, '办事', '坏事') WHERE instance_id = :i"),
            {"i": key},
        )
        session.execute(
            text("UPDATE event SET body = body || ' ' WHERE instance_id = :i AND seq = 1"),
            {"i": key},
        )
    verdict = world.do(lambda s: reads.verify(s, auditor, public, log))
    assert verdict.broken and verdict.broken.chain_id == key and verdict.broken.seq == 1
    assert [e["whole"] for e in told(world, event_log.INSTALLATION, "history_verified")] == [
        True,
        False,
    ]
    with pytest.raises(Refused):
        world.do(lambda s: reads.verify(s, world.actor("张敏"), public, log))


def test_what_is_noted_is_canonical(world: Errands) -> None:
    propose(world)
    (body,) = told(world, world.units["工会"], "setting_proposed")
    assert canonical.dumps(body)
