"""Agreed on conditions: each is reported by who carries it out and found met or not by who set it, though people leave, and all is proved."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import clock, db, definitions
from engine.commands import attachments, instances, provisos
from engine.commands.definitions import publish_shipped
from engine.commands.verbs import returning
from engine.db import tables
from engine.definitions import check
from engine.errors import Invalid, NotFound
from engine.instance.context import context_of
from engine.instance.union_law import rulebook
from engine.people import posts
from engine.queries import inbox
from engine.queries import instance as matters
from engine.settings import ROOT
from tests.engine.errands import KEY, SCAN, Errands, act, false, files, refused, seen, whole

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

OFFICE, DEPUTY = "陈秘书", "副秘书"
TABLE = {
    "type": "dynamiclist",
    "path": "conditions",
    "label": "条件",
    "properties": {"label_en": "Conditions"},
    "conditional": {"hide": '=decision != "pass"'},
    "components": [
        {"type": "textfield", "key": "what", "label": "条件", "validate": {"required": True}},
        {
            "type": "datetime",
            "subtype": "date",
            "key": "due",
            "dateLabel": "期限",
            "validate": {"required": True},
        },
    ],
}


def on_conditions(lane: str = "mover") -> dict[str, str]:
    """The errand, whose check may pass on conditions, and be taken back."""
    found = files()
    form = json.loads(found["forms/check.json"])
    form["components"].append(TABLE)
    toml = found["process.toml"].replace(
        "[tasks.check]",
        f'[tasks.check.provisos]\nrows = "conditions"\nby = "{lane}"\n\n[tasks.check]',
    )
    toml = 'verbs = ["comment", "recall"]\n' + toml
    return {**found, "process.toml": toml, "forms/check.json": json.dumps(form)}


@pytest.fixture
def world(engine: Engine) -> Errands:
    made = Errands.built(engine, KEY, 0)
    with db.transaction(engine) as session:
        made._member(session, DEPUTY, "工会", "union_secretary")
    made.do(lambda s: publish_shipped(s, on_conditions()))
    return made


def agreed(world: Errands, *days: int) -> tuple[UUID, UUID]:
    """A matter passed on conditions due so many days from now; and the task of that decision."""
    mover = world.actor("张敏")
    key = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "修灯"}))
    task = world.task(key, "check")
    due = [(world.at + timedelta(days=each)).date().isoformat() for each in days]
    rows = [{"what": f"第{no}件事", "due": day} for no, day in enumerate(due, 1)]
    world.complete(OFFICE, key, "check", decision="pass", conditions=rows)
    return key, task


def test_a_condition_is_for_a_day_to_come(world: Errands) -> None:
    with pytest.raises(Invalid) as wrong:
        agreed(world, 0, -1, 1)
    assert set(wrong.value.fields) == {"conditions.1.due"}


def states(world: Errands, key: UUID, who: str = OFFICE) -> list[tuple[str, bool, bool, bool]]:
    with clock.set_to(world.at):
        found = seen(world, who, matters.file, key).conditions
    return [(each.state, each.late, each.reports, each.judges) for each in found]


def unmet(world: Errands, key: UUID) -> Any:
    with db.transaction(world.engine) as session:
        return context_of(session, world.actor(OFFICE), key).value("unmet()")


def test_one_is_met_with_papers_and_one_is_late_and_is_not(world: Errands) -> None:
    key, task = agreed(world, 30, 2)
    assert states(world, key) == [("open", False, False, False)] * 2
    assert states(world, key, "张敏") == [("open", False, True, False)] * 2
    refused("not_reported", act, world, OFFICE, provisos.judge, key, (task, 1), met=True)
    refused("not_reported", act, world, OFFICE, provisos.judge, key, (task, 2), met=False)
    with pytest.raises(NotFound):
        act(world, "李强", provisos.report, key, (task, 1), {"text": "好了"})
    with pytest.raises(NotFound):
        act(world, "张敏", provisos.report, key, (task, 3), {"text": "好了"})
    with pytest.raises(Invalid):
        act(world, "张敏", provisos.report, key, (task, 1), {"text": " "})
    scan = act(world, "张敏", attachments.add, "照片.pdf", SCAN)
    act(world, "张敏", provisos.report, key, (task, 1), {"text": "已换", "files": [str(scan)]})
    whole(world)
    assert "附件" in false(world, f"DELETE FROM attachment WHERE id = '{scan}'")
    refused("reported", act, world, "张敏", provisos.report, key, (task, 1), {"text": "又换"})
    refused("proviso", act, world, DEPUTY, provisos.judge, key, (task, 1), met=True)
    act(world, OFFICE, provisos.judge, key, (task, 1), met=True)
    world.at += timedelta(days=3)
    assert states(world, key)[1] == ("open", True, False, True)
    with clock.set_to(world.at):
        (left,) = seen(world, OFFICE, inbox.inbox).agreed  # on the desk, with its day
        assert (left.what, left.late) == ("第2件事", True)
        assert [each.what for each in seen(world, "张敏", inbox.inbox).agreed] == ["第2件事"]
        assert not seen(world, "李强", inbox.inbox).agreed
    with pytest.raises(Invalid):  # why it is not
        act(world, OFFICE, provisos.judge, key, (task, 2), met=False)
    act(world, OFFICE, provisos.judge, key, (task, 2), met=False, text="没有动静")
    assert states(world, key, "张敏") == [
        ("met", False, False, False),
        ("unmet", True, True, False),
    ]
    assert unmet(world, key) == 1
    act(world, "张敏", provisos.report, key, (task, 2), {"text": "现在做完了"})
    act(world, OFFICE, provisos.judge, key, (task, 2), met=True)
    assert unmet(world, key) == 0 and not seen(world, OFFICE, inbox.inbox).agreed
    whole(world)
    forged = "UPDATE instance SET facts = jsonb_set(facts, '{_proviso_acts}', '{}')"
    assert false(world, forged)


def test_whoever_set_it_leaves_and_who_has_the_task_now_says_so(world: Errands) -> None:
    key, task = agreed(world, 5)
    act(world, "张敏", provisos.report, key, (task, 1), {"text": "已换"})
    with db.transaction(world.engine) as session:
        gone = {"m": world.people[OFFICE]}
        session.execute(text("UPDATE post SET to_on = '2026-01-31' WHERE member_id = :m"), gone)
    assert states(world, key, DEPUTY) == [("reported", False, False, True)]
    act(world, DEPUTY, provisos.judge, key, (task, 1), met=True)
    whole(world)


def test_nobody_confirms_what_they_reported(world: Errands) -> None:
    world.do(lambda s: publish_shipped(s, on_conditions("office")))
    key, task = agreed(world, 5)
    act(world, OFFICE, provisos.report, key, (task, 1), {"text": "已换"})
    refused("separated", act, world, OFFICE, provisos.judge, key, (task, 1), met=True)
    act(world, DEPUTY, provisos.judge, key, (task, 1), met=True)
    whole(world)


def test_a_decision_taken_back_takes_its_conditions_along(world: Errands) -> None:
    key, task = agreed(world, 5)
    act(world, OFFICE, returning.take_back, task)
    assert states(world, key) == []
    whole(world)
    world.complete(OFFICE, key, "check", decision="pass", conditions=[])
    with db.transaction(world.engine) as session:
        query = select(tables.instance.c.facts).where(tables.instance.c.id == key)
        assert not session.execute(query).scalar_one().keys() & {"_provisos", "_proviso_acts"}


@pytest.mark.parametrize(
    ("folder", "task", "told"),
    [
        ("cadre_transfer", "superior_sign", "法定"),
        ("cadre_transfer", "committee_vote", "不能附条件"),
        ("congress_motion", "sign", "不是写条件的表格"),
    ],
)
def test_a_consent_that_law_demands_takes_no_conditions(folder: str, task: str, told: str) -> None:
    found = definitions.read(ROOT / "processes" / folder)
    toml = found["process.toml"].replace(
        f'[tasks.{task}.provisos]   # 附条件同意：条件逐项跟踪到落实\nrows = "conditions"\nby = "lead_unit"\n',
        "",
    )
    said = f'[tasks.{task}.provisos]\nrows = "nowhere"\nby = "nobody"\n\n[tasks.{task}]'
    toml = toml.replace(f"[tasks.{task}]", said, 1)
    wrong = check.faults({**found, "process.toml": toml}, rulebook(), set(posts.kinds().posts))
    texts = [str(each.what) for each in wrong if each.element == f"tasks.{task}.provisos"]
    assert any(told in each for each in texts) and any("泳道" in each for each in texts), texts
