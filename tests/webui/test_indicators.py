"""What a process is measured by: its faults, and figures that count each matter once, in the period in which it began."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine import db, definitions
from engine.definitions.check import faults
from engine.errors import NotFound, Refused
from engine.queries import indicators as reading
from tests.hostile.sound import POSTS, rulebook
from tests.journeys.university import University
from tests.webui import apps

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

FILES = definitions.read(Path(__file__).parents[2] / "processes" / "congress_motion")
TOML = FILES["process.toml"]
FAULTS = [
    ("an unknown column", 'by = ["delegation", ', 'by = ["team", ', "by 里的 team 不是一列"),
    ("an unknown fact", 'holds = "rate.satisfied == 1"', 'holds = "rate.pleased == 1"', "pleased"),
    ("half a share", 'holds = "assign.at != null"\n', "", "既不是比例，也不是天数"),
    ("a function", 'of = "rate.answered == 1"', "of = 'at(\"rate\") != null'", "函数 at"),
    ("no condition", "which = 'launch.kind == ", "which = 'launch.kind === ", "indicators"),
]


def test_a_folder_says_all_that_is_wrong_with_its_indicators() -> None:
    text_ = TOML
    for _what, old, new, _told_of in FAULTS:
        assert old in text_
        text_ = text_.replace(old, new, 1)
    found = faults({**FILES, "process.toml": text_}, rulebook(), POSTS, folder="congress_motion")
    said = [f"{each.element} {each.what}" for each in found]
    for what, _old, _new, told in FAULTS:
        assert [each for each in said if told in each], (what, said)


def _told(
    town: University, key: UUID, day: str, process: str = "congress_motion", **facts: Any
) -> None:
    """As if a matter had begun and ended that day, with these facts."""
    values = {"k": key, "at": f"{day}T09:00+08:00", "process": process, "facts": json.dumps(facts)}
    with db.transaction(town.engine) as session:
        session.execute(
            text(
                "UPDATE instance SET started_at = :at, ended_at = :at, state = 'ended',"
                " process_id = :process, facts = facts || CAST(:facts AS jsonb) WHERE id = :k"
            ),
            values,
        )


@pytest.fixture
def measured(engine: Engine) -> University:
    """Two sessions that overlapped, the first over on 2 February, the second on 1 March: one motion before the first, two
    between them, one after both.
    """
    town = University.built(engine, logs_in=())
    for title, over in (("第一次会议的筹备", "2026-02-02"), ("第二次会议的筹备", "2026-03-01")):
        key = town.motion(title)  # as if it were one: what ends a period is looked at, not driven
        _told(town, key, over, process="congress_session", launch={"kind": "annual"})
    rates = {"answered": 1, "satisfied": 1, "basically": 0, "unsatisfied": 0}
    lead = {"lead_unit": str(town.units["HQ"])}
    filed = {"assign": {"at": "2026-02-04T10:00:00+08:00", **lead}}
    replied = {"issue_reply": {"at": "2026-02-10T10:00:00+08:00"}}
    days = ("2026-01-12", "2026-02-03", "2026-02-03", "2026-03-05")
    keys = [town.motion(f"第{n}件：延长图书馆开放时间") for n in range(4)]
    said: list[dict[str, Any]] = [
        {**filed, "issue_supervision": {"at": "2026-02-05T10:00:00+08:00"}},
        {**filed, **replied, "rate": rates},
        {"merged_into": {"id": str(keys[0])}},
        {},
    ]
    for key, day, facts in zip(keys, days, said, strict=True):
        _told(town, key, day, **facts)
    return town


def test_each_matter_counts_once_in_the_period_in_which_it_began(
    measured: University, url: str, tmp_path: Path
) -> None:
    def of(period: str = "") -> reading.Told:
        found: reading.Told = measured.look(
            "secretary", reading.indicators, "congress_motion", period
        )
        return found

    newest = of()
    titles = [period.title for period in newest.periods]
    assert (
        titles == ["", "第二次会议的筹备", "第一次会议的筹备"] and newest.period.key == reading.NOW
    )
    told = {p.title: of(p.key) for p in newest.periods}
    assert [told[title].total.count for title in titles] == [1, 2, 1]
    second = told["第二次会议的筹备"]
    assert second.before and second.before.title == "第一次会议的筹备"
    figures = second.total.figures
    assert {k: (f.n, f.of) for k, f in figures.items()} == {
        "filed": (1, 2),
        "in_time": (1, 1),
        "satisfied": (1, 1),
        "content": (1, 1),
        "handling": (4, 1),
    }
    assert figures["filed"].value == Fraction(1, 2) and second.total.before["in_time"].value == 0
    groups = {t.key: {g.title: g.count for g in t.groups} for t in second.tables}
    assert groups["delegation"] == {"信息学院": 2} and groups["lead"] == {"后勤处": 1}
    assert told[""].total.figures["filed"].value is None
    with pytest.raises(NotFound):
        of("none")
    with pytest.raises(Refused):
        measured.look("zhang", reading.indicators, "congress_motion")
    browser = apps.logged_in(apps.of(measured, url, tmp_path), measured, "secretary")
    path = f"/grid/congress_motion/indicators?period={second.period.key}"
    page, sheet = browser.get(path).text, browser.get(f"{path}&format=csv").data.decode("utf-8-sig")
    for said in ("50.0%", "<small>1/2</small>", "上期 0.0%", "第二次会议的筹备", "data-chart="):
        assert said in page, said
    lines = list(csv.reader(io.StringIO(sheet)))
    assert ["全部", "", "2", "立案率", "50.0%", "1", "2", "100.0%", "1", "1"] in lines
    assert "/indicators" in browser.get("/grid/congress_motion").text


def test_numbers_are_rounded_half_up() -> None:
    met = [reading.tenths(Fraction(*each)) for each in ((61, 80), (1, 20), (1, 21), (0, 3))]
    assert met == [8, 1, 0, 0] and reading.tenths(Fraction(6100, 80)) == 763
