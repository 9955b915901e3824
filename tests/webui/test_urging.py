"""Urging: as often a day as the union's rule says, told upwards when it was in vain, on record, seen or not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from engine import clock, db, definitions, legacy
from engine.commands import instances, seen
from engine.commands.people import end_post, tokens
from engine.commands.verbs import handing
from engine.definitions.check import faults
from engine.errors import Conflict, NotFound
from engine.history.verification import first_false
from engine.instance import union_law, urging
from engine.law import Rulebook
from engine.queries import copies, grid, urgings
from engine.queries import instance as reading
from tests.hostile.sound import rulebook
from tests.journeys.university import FROM, University
from tests.webui import apps

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine


def _run(town: University, statement: str, **values: Any) -> None:
    with db.transaction(town.engine) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(statement), values)


def _own(town: University, unit: str, rule: str, value: int) -> None:
    """As if two people of a union had entered its own value."""
    _run(
        town,
        "INSERT INTO setting (id, unit_id, rule_id, value, valid_from, source, state, proposer_id, approver_id, created_at)"
        " VALUES (:k, :u, :r, :v, :d, '规定', 'in_force', :p, :p, now())",
        k=uuid4(),
        u=town.units[unit],
        r=rule,
        v=value,
        d=FROM,
        p=town.people["admin"],
    )


def _told(town: University, key: UUID) -> tuple[str, ...]:
    """Who would be told of the next urging, beside those who have the task."""
    found: urgings.Urgings = town.look("secretary", urgings.urgings, key)
    return found.coming[0].told


def test_a_folder_says_whom_a_rung_tells() -> None:
    files = definitions.read(Path(__file__).parents[2] / "processes" / "congress_motion")
    toml = files["process.toml"].replace(
        'after = "URGE-HEAD"\nlane = "lead_unit"', 'after = "URGE-NONE"\nlane = "nobody"'
    )
    found = [
        str(each.what)
        for each in faults(
            {**files, "process.toml": toml}, rulebook(), (), folder="congress_motion"
        )
    ]
    assert any("没有规则 URGE-NONE" in each for each in found)
    assert any("没有泳道 nobody" in each for each in found)


def test_urging_keeps_to_the_quota_and_climbs_the_ladder(
    engine: Engine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = University.built(engine, logs_in=())
    town.joined("second", "王副处", "unit_head@HQ")
    town.joined("gone", "吴去职", "vice_president@XD")
    with db.transaction(engine) as session:
        post = "SELECT id FROM post WHERE member_id = :m"
        left = session.execute(text(post), {"m": town.people["gone"]}).scalar_one()
        end_post(session, None, left, FROM, "调离学校")
    key = town.reviewable("改善食堂晚间供餐")
    town.filed(key)
    # the head gave it to somebody else of the unit
    task = town.waiting(key, "accept").id
    town.do("logistics", handing.hand_over, task, town.people["second"], "请你签收")

    # once a day; after two in vain the head is told, after three the one above, nobody who has left
    town.do("secretary", instances.remind, key, "请尽快签收")
    with pytest.raises(Conflict, match="今天已经催办过 1 次，每天最多 1 次"):
        town.do("secretary", instances.remind, key, "再催")
    today = clock.today()
    for day, reason, told in (
        (1, "第二次催", ()),
        (2, "第三次催", ("冯刚",)),
        (3, "第四次催", ("冯刚", "许志远")),
    ):
        town.turn_to(f"{today + timedelta(days=day)}T10:00")
        assert _told(town, key) == told
        if day == 2:
            app = apps.of(town, url, tmp_path)
            with town.time():
                office = apps.logged_in(app, town, "secretary")
                page = office.get(f"/matters/{key}").text
                assert "这是“签收交办”第 3 次催办，将同时告知 冯刚。" in page
                assert "2 次，最近" in page and "，还没有看" in page and "第二次催" in page
                bulk = office.post(
                    "/grid/congress_motion/act/remind", data={"matter": str(key)}
                ).text
                assert "其中 1 件已经多次催办，将同时告知 冯刚。" in bulk
            town.do("second", seen.note, key)
        town.do("secretary", instances.remind, key, reason)
    town.look(
        "leader", reading.read, key
    )  # who was told finds it, and that they read it is on record
    (note,) = town.look("leader", copies.received)
    assert note.text == "第 4 次催办“签收交办”：第四次催" and note.read_at is None
    with pytest.raises(NotFound):
        town.look("gone", reading.read, key)

    # the record, the last first; who looked after the last urging noticed it
    found: urgings.Urgings = town.look("leader", urgings.urgings, key)
    assert [(u.reason, u.tasks[0][1], set(u.told)) for u in found.urged] == [
        ("第四次催", 4, {"冯刚", "许志远"}),
        ("第三次催", 3, {"冯刚"}),
        ("第二次催", 2, set()),
        ("请尽快签收", 1, set()),
    ]
    assert found.coming == () and not found.waits[0].noticed
    town.do("second", seen.note, key)
    (line,) = town.look("secretary", grid.grid, "congress_motion", grid.Wanted()).lines
    assert [(len(w.urged), w.noticed) for w in line.waits] == [(4, True)]
    with db.transaction(engine) as session:
        kinds = session.execute(
            text(
                "SELECT kind FROM event WHERE instance_id = :k AND kind LIKE '%urg%' OR kind = 'matter_reminded' ORDER BY seq"
            ),
            {"k": key},
        ).scalars()
        assert list(kinds) == [
            *["matter_reminded"] * 3,
            *["urging_raised", "matter_reminded"],
            "urging_raised",
        ]
        assert first_false(session) is None

    # the quota of the union: one below, equal, above; what another union allows is not theirs
    _own(town, "JYGH", urging.DAILY, 9)
    _own(town, "XD", urging.DAILY, 3)
    town.do("secretary", instances.remind, key, "一天里的第二次")
    town.do("secretary", instances.remind, key, "一天里的第三次")
    with pytest.raises(Conflict, match="今天已经催办过 3 次，每天最多 3 次"):
        town.do("secretary", instances.remind, key, "一天里的第四次")
    with db.transaction(engine) as session:  # each is told to whoever has the task
        sent = "SELECT count(*) FROM outbox WHERE what = 'urged' AND instance_id = :k"
        assert session.execute(text(sent), {"k": key}).scalar() == 6
        token = tokens.create_token(session, None, town.people["secretary"], "druck")
    head = {"Authorization": f"Bearer {token}"}
    told_of: Any
    with town.time():
        told_of = (
            app.test_client().get(f"/api/v1/process-instances/{key}/urgings", headers=head).json
        )
    assert sorted(told_of["urged"][0]["told"]) == ["冯刚", "许志远"]
    assert (told_of["coming"][0]["may"], told_of["coming"][0]["most"]) == (False, 3)
    # an installation whose rules are older goes on, once a day, and tells nobody else
    rules = [rule for rule in union_law.rulebook().rules if not rule.id.startswith("URGE")]
    monkeypatch.setattr(urging, "rulebook", lambda: Rulebook(rules))
    (plan,) = town.look("secretary", urgings.urgings, key).coming
    assert (plan.most, plan.told) == (legacy.URGED_A_DAY, ())


def test_only_a_look_of_whoever_may_have_the_task_is_a_look_at_it(engine: Engine) -> None:
    """Somebody who holds the seat of a task in another matter has noticed nothing."""
    town = University.built(engine, logs_in=())
    town.filed(town.reviewable("延长图书馆开放"))  # now with the head of logistics
    key = town.reviewable("改善食堂晚间供餐")  # with the committee
    town.do("secretary", instances.remind, key, "请尽快审查")
    for who, noticed in (("logistics", False), ("committee", True)):
        town.do(who, seen.note, key)
        lines = town.look("secretary", grid.grid, "congress_motion", grid.Wanted()).lines
        (line,) = [each for each in lines if each.row.id == key]
        assert [wait.noticed for wait in line.waits] == [noticed], who
