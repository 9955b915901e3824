"""What a matter publishes: the circle objects once each, the history proves it, and `check` finds what is wrong with it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import calendar, clock, definitions, scenarios
from engine.commands import rules
from engine.db import tables
from engine.definitions.check import faults
from engine.definitions.loosening import loosened
from engine.history import seals
from engine.queries.telling import Teller
from tests.engine import sessions
from tests.engine.errands import KEY
from tests.engine.played import played
from tests.forge import forgeries
from tests.hostile.sound import POSTS, rulebook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy import Engine

    from engine import db

HOUR = timedelta(hours=1)
NOTICE = [
    ("日期", "休/班", "名称"),
    ("2027-01-01", "休", "元旦"),
    ("2027-01-04", "休", "元旦"),  # a day off that law does not fix
    ("2027-05-01", "休", "劳动节"),
    ("2027-10-01", "休", "国庆节"),
]
FOLDER = Path(__file__).parents[1] / "processes" / "posting"
STORY = FOLDER / "scenarios" / "101_objections.toml"


def files(*changes: tuple[str, str]) -> dict[str, str]:
    """The folder with these texts of process.toml replaced."""
    found = definitions.read(FOLDER)
    for old, new in changes:
        assert old in found["process.toml"], old
        found["process.toml"] = found["process.toml"].replace(old, new)
    return found


def said(found: Mapping[str, str]) -> str:
    """The faults of process.toml and the forms; the folder has no picture of its diagram."""
    wrong = faults(found, rulebook(), POSTS, folder="posting")
    return "\n".join(str(each) for each in wrong if each.file != "process.bpmn")


def test_the_story_of_a_publication(engine: Engine) -> None:
    result = scenarios.play(engine, STORY, definitions.read(FOLDER), sessions.STANDARD)
    assert result.ok, result
    told = "；".join(step.happened for step in result.steps)
    assert told.count("公示开始") == told.count("提出异议") == 2


def test_the_timeline_tells_what_was_published_and_who_objected() -> None:
    teller = Teller(definitions.load(files()), {})
    opened = {"element": "opinion", "people": 2, "until_on": "2026-03-09"}
    made = {"element": "opinion", "actor": {"name": "李强"}}
    assert str(teller.tell("publication_opened", opened).text) == (
        "“拟聘人选公示”开始，公示给 2 人，至 2026-03-09"
    )
    assert str(teller.tell("objection_made", made).text) == "李强对“拟聘人选公示”提出异议"


def test_every_column_of_a_publication_is_proved(engine: Engine) -> None:
    with played(engine, STORY, definitions.read(FOLDER)) as session:
        honest = seals.verify(session, KEY.public)
        assert not honest.broken and not honest.fault, honest
        rows = session.execute(tables.publication.select()).all()
        assert sorted(row.current for row in rows) == [False, True]  # it was published twice
        forged = [s for each in forgeries.updates(tables.publication).values() for s in each]
        forged += [forgeries.delete(tables.publication), forgeries.insert(tables.publication)]
        forged.append(
            "UPDATE instance SET facts = jsonb_set(facts, '{opinion,objections}', '[]') "
            "WHERE process_id = 'posting'"
        )
        forged.append(
            "UPDATE task SET answers = '{\"reason\": \"没有意见\"}' WHERE element = 'opinion'"
        )
        for statement in forged:
            with session.begin_nested() as change:
                session.execute(text("SET LOCAL session_replication_role = replica"))
                assert session.execute(text(statement)).rowcount, statement
                found = seals.verify(session, KEY.public)
                assert found.broken or found.fault, statement
                change.rollback()


def test_a_matter_that_stands_still_is_published_so_much_longer(engine: Engine) -> None:
    story: dict[str, Any] = {
        "title": "暂停",
        "at": scenarios.read(STORY).at,
        "cast": {"张敏": ["formal_delegate@信息学院"], "陈秘书": ["union_secretary"]},
        "step": [
            {
                "who": "张敏",
                "does": "launch",
                "with": {
                    "subject": "聘任",
                    "candidate": "周全",
                    "office": "head",
                    "background": "考察",
                },
            },
            {"who": "陈秘书", "does": "complete", "task": "check", "with": {"decision": "publish"}},
            {"who": "陈秘书", "does": "suspend", "with": {"reason": "等上级答复"}},
            {
                "who": "张敏",
                "does": "object",
                "task": "opinion",
                "with": {"reason": "暂停时提出的"},
                "refused": "suspended",
            },
            {"who": "陈秘书", "does": "resume", "after": "5 days"},
            {
                "who": "张敏",
                "does": "object",
                "task": "opinion",
                "after": "4 days",
                "with": {"reason": "顺延以后提出的"},
            },
        ],
    }
    with played(engine, story, files(('confidentiality = "named"\n', ""))) as session:
        honest = seals.verify(session, KEY.public)
        assert not honest.broken and not honest.fault, honest
        (row,) = session.execute(tables.publication.select()).all()
        told = session.execute(
            text("SELECT body::jsonb->>'until' FROM event WHERE kind = 'publication_opened'")
        ).scalar_one()
        assert str(row.until.date()) > told[:10]


def test_a_holiday_notice_moves_the_end_of_what_is_published(engine: Engine) -> None:
    """Ten working days over the new year: a day off that only the notice knows makes it a day longer."""
    office = {"who": "陈秘书", "does": "complete", "task": "check", "with": {"decision": "publish"}}
    said = {"subject": "聘任", "candidate": "周全", "office": "head", "background": "考察"}
    story: dict[str, Any] = {
        "title": "放假安排",
        "at": datetime(2026, 12, 28, 9, tzinfo=clock.CHINA),
        "cast": {"张敏": ["formal_delegate@信息学院"], "陈秘书": ["union_secretary"]},
        "step": [{"who": "张敏", "does": "launch", "with": said}, office],
    }
    until = ("until = 'due(\"EL-NOTICE\")'", "until = 'due(\"MO-REVIEW\")'")
    with played(engine, story, files(until)) as session:
        (row,) = session.execute(tables.publication.select()).all()
        opened, was = row.opened_at, clock.day_of(row.until)
        read = calendar.parse_notice(NOTICE, 2027).items()
        days = {day.isoformat(): worked for day, worked in read}
        loaded = {"year": 2027, "days": days, "source": "通知", "loaded_at": opened + HOUR}
        session.execute(tables.notice.insert().values(**loaded))
        with clock.set_to(opened + 2 * HOUR):
            assert rules.resting_on(session, 2027) == [row.instance_id]
            assert rules.recompute(session, row.instance_id) >= 1
            assert rules.recompute(session, row.instance_id) == 0
        (now,) = session.execute(tables.publication.select()).all()
        assert clock.day_of(now.until) - was == timedelta(days=1)
        (body,) = session.scalars(
            select(tables.event.c.body).where(tables.event.c.kind == "deadline_recomputed")
        )
        (told,) = [d for d in json.loads(body)["deadlines"] if d["what"] == "publication"]
        assert told["element"] == "opinion" and told["due"] > told["was"]
        session.execute(tables.notice.delete())  # here it is not on record
        honest = seals.verify(session, KEY.public)
        assert not honest.broken and not honest.fault, honest
        with session.begin_nested() as forged:
            session.execute(tables.publication.update().values(until=row.until))
            assert seals.verify(session, KEY.public).broken
            forged.rollback()
        with clock.set_to(now.until + HOUR):  # what is over stays over
            assert row.instance_id not in over(session)


def over(session: db.Session) -> list[UUID]:
    """The matters in which something published would be computed anew."""
    session.execute(tables.task.update().values(due_at=None, due=None))
    session.execute(tables.timer.delete())
    return rules.resting_on(session, 2027)


FAULTS = [
    ("no circle", ("circle = 'holders(\"formal_delegate\")'\n", ""), "缺少 circle"),
    ("no end", ("until = 'due(\"EL-NOTICE\")'\n", ""), "缺少 until"),
    ("an end that is none", ("'due(\"EL-NOTICE\")'\nlane", "'now'\nlane"), "没有给出期限"),
    ("a fact that is none", ('"launch.candidate"', '"launch.nobody"'), "launch 里没有 nobody"),
    ("all that was said", ('"launch.candidate"', '"launch"'), "不是一项事实"),
    ("nothing to show", ('["launch.candidate", "launch.office"]', "[]"), "缺少 shows"),
    ("no beginning", ('after = "check"', 'after = "nowhere"'), "没有这个环节或动作"),
    ("an unknown lane", ('lane = "office"', 'lane = "nobody"'), "没有泳道 nobody"),
    ("an unknown post", ('holders("formal_delegate")', 'holders("nobody")'), "nobody"),
]


def test_a_sound_folder_has_no_fault() -> None:
    assert said(files()) == ""


@pytest.mark.parametrize(
    ("change", "words"), [row[1:] for row in FAULTS], ids=[r[0] for r in FAULTS]
)
def test_check_says_what_is_wrong(change: tuple[str, str], words: str) -> None:
    assert words in said(files(change))


def test_check_misses_the_form_and_shows_nothing_said_in_a_room() -> None:
    without = files()
    del without["forms/opinion.json"]
    assert "公示 opinion 没有提异议的表单" in said(without)
    in_room = files(
        ('outcomes = "decision"', 'outcomes = "decision"\nroom = ["office"]'),
        ('"launch.office"', '"check.decision"'),
    )
    assert "是在室内说的，不能公示" in said(in_room)


def test_no_version_shows_more_of_a_confidential_matter() -> None:
    shipped = definitions.load(files())

    def why(*changes: tuple[str, str]) -> str:
        changed = definitions.load(files(*changes))
        return "".join(map(str, loosened(shipped, changed, lambda _guard: False)))

    assert why() == ""
    assert "opinion" in why(('"launch.office"]', '"launch.office", "launch.background"]'))
    assert "opinion" in why(('holders("formal_delegate")', "members()"))
    without = files()
    head, _table, rest = without["process.toml"].partition("[publications.opinion]")
    without["process.toml"] = head + rest[rest.index("[names_en]") :]
    lost = loosened(shipped, definitions.load(without), lambda _guard: False)
    assert "公示 opinion 不能删去" in "".join(map(str, lost))
