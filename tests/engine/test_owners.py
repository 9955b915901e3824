"""Who owns an instance, how it is handed over and how it is taken back: as the folder says, or as old folders mean it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from engine import definitions, jobs, legacy
from engine.commands import instances, messages, polls
from engine.definitions.check import faults
from engine.errors import Conflict, NotFound, Refused
from engine.history.verification import replay
from engine.law import load
from engine.settings import ROOT
from tests.races.union import Union, changed, folder

if TYPE_CHECKING:
    from sqlalchemy import Engine

LAW = load(ROOT / "processes" / "law")
NUDGE = 'do = "remind"\ntask = "do"'
HEAD = 'launch = ["formal_delegate"]\n'
ASKED = {
    "type": "select",
    "key": "applicant",
    "label": "申请人",
    "properties": {"label_en": "Applicant", "source": "members:formal_delegate"},
}
NEW = (
    (HEAD, HEAD + 'owner = "launch.applicant"\n'),
    ('person = "launch.mover"', 'person = "launch.applicant"'),
    ('title = "提出人"', 'title = "申请人"'),
)


def asking(*edits: tuple[str, str]) -> dict[str, str]:
    """An errand whose form asks whose it is."""
    files = changed("errand", *NEW, *edits)
    form = json.loads(files["forms/launch.json"])
    form["components"].append(ASKED)
    return {**files, "forms/launch.json": json.dumps(form, ensure_ascii=False)}


def started(union: Union, owner: str | None, process: str = "errand") -> Any:
    answers = {"subject": "修缮会议室"} | ({"applicant": str(union.people[owner])} if owner else {})
    return union.do("d0", instances.launch, process, answers)


def test_the_launch_names_the_owner_who_sees_it_and_alone_takes_it_back(engine: Engine) -> None:
    union = Union.built(engine, asking())
    key = started(union, "d1")
    assert union.row(key).facts["launch"]["applicant"] == str(union.people["d1"])
    with pytest.raises(NotFound):
        union.do("d2", instances.withdraw, key, "不办了")
    union.do("d1", instances.withdraw, key, "不办了")
    assert union.row(key).state == "withdrawn"
    union.whole()


def test_whoever_starts_owns_it_when_nobody_is_named(engine: Engine) -> None:
    union = Union.built(engine, asking())
    assert union.row(started(union, None)).facts["launch"]["applicant"] == str(union.people["d0"])


@pytest.mark.parametrize(
    ("edits", "owner"),
    [
        (((NUDGE, 'do = "take_over"\nto = \'by("check")\''),), "mover"),
        ((*NEW, (NUDGE, 'do = "hand_over"\nto = \'by("check")\'')), "applicant"),
    ],
    ids=["old", "new"],
)
def test_a_matter_handed_over_keeps_its_first_owner(
    engine: Engine, edits: tuple[tuple[str, str], ...], owner: str
) -> None:
    union = Union.built(engine, changed("errand", *edits))
    key = union.to("do")
    union.at = union.timer(key).due_at
    assert union.timed(lambda: jobs.sweep(union.engine)) == 1
    launch = union.row(key).facts["launch"]
    first, second = (str(union.people[name]) for name in ("d0", "secretary"))
    assert (launch[f"first_{owner}"], launch[owner]) == (first, second)
    assert union.body(key, "owner_replaced")["new"] == second
    union.whole()


@pytest.mark.parametrize(
    ("written", "fact"),
    [('do = "add_to_report"', "report"), ('do = "mark"\nas = "listed"', "listed")],
)
def test_a_mark_stands_under_its_name(engine: Engine, written: str, fact: str) -> None:
    union = Union.built(engine, changed("errand", (NUDGE, written)))
    key = union.to("do")
    union.at = union.timer(key).due_at
    union.timed(lambda: jobs.sweep(union.engine))
    assert union.row(key).facts[fact].keys() == {"on", "code"}
    assert union.body(key, "instance_marked")["element"] == "nudge"
    union.whole()


def test_a_message_says_how_it_ends_a_matter(engine: Engine) -> None:
    named = changed(
        "errand",
        ("[messages.withdraw]", '[messages.cancel]\nstate = "withdrawn"'),
    )
    named["process.bpmn"] = named["process.bpmn"].replace('name="withdraw"', 'name="cancel"')
    union = Union.built(engine, named)
    key = union.launch()
    union.do("d0", instances.withdraw, key, "不办了")
    assert union.body(key, "message_sent")["message"] == "cancel"
    assert union.row(key).state == "withdrawn"
    union.whole()


def test_a_message_of_the_old_name_may_say_otherwise(engine: Engine) -> None:
    files = changed("errand", ("[messages.withdraw]", '[messages.withdraw]\nstate = "ended"'))
    union = Union.built(engine, files)
    key = union.launch()
    union.do("d0", messages.send, key, "withdraw", {})
    assert union.row(key).state == "ended"
    union.whole()


def test_the_owner_may_close_a_poll_that_passes_and_others_not(engine: Engine) -> None:
    early = ('early = "decided"', 'early = "never"')
    union = Union.built(engine, asking(early))
    key = started(union, "d1")
    union.complete("secretary", key, "check", decision="pass")
    union.complete("secretary", key, "do", note="已修缮")
    for name in ("d2", "d3", "d4"):
        union.do(name, polls.respond, union.poll(key), "good")
    with pytest.raises(Refused):
        union.do("d4", polls.close, union.poll(key))
    union.do("d1", polls.close, union.poll(key))
    assert union.body(key, "poll_closed")["why"] == "closed_by_owner"
    with pytest.raises(Conflict):
        union.do("d0", polls.close, union.poll(key))
    union.whole()


def test_old_events_are_read_as_they_were_meant() -> None:
    """Histories from before say neither the state of a withdrawal nor whom `owner` names."""
    at = {"at": "2026-03-02T09:00:00+08:00", "actor": {"id": "a"}}
    launched = {"kind": "instance_launched", "process": "p", "version": "v", "number": "1"}
    taken = {"kind": "message_sent", "message": "withdraw", "ended": "withdrawn"}
    moved = {"kind": "mover_replaced", "old": "a", "new": "b"}
    events = [{**each, **at} for each in (launched, moved, taken)]
    replayed = replay.replay_events(uuid4(), enumerate(events, 1))
    assert (replayed.state, replayed.owners) == ("withdrawn", [("a", "b")])
    said = {**taken, **at, "message": "leave"}
    assert replay.replay_events(uuid4(), enumerate([events[0], said], 1)).state == "ended"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (HEAD, HEAD + 'owner = "check.mover"\n', "owner 里的 check.mover 不是发起时的一项。"),
        (HEAD, HEAD + 'owner = "launch.subject"\n', "launch.subject 不是选人的一项。"),
        ("[messages.withdraw]", '[messages.withdraw]\nstate = "gone"', "没有 gone 这种状态。"),
        (NUDGE, 'do = "mark"\nas = "check"', "check 不能用作名称。"),
        (NUDGE, 'do = "mark"', "动作 mark 缺少 as。"),
    ],
)
def test_a_folder_is_told_what_is_wrong_with_it(old: str, new: str, found: str) -> None:
    posts = {"formal_delegate", "union_secretary"}
    wrong = [fault.what for fault in faults(changed("errand", (old, new)), LAW, posts)]
    assert found in wrong
    assert found not in [fault.what for fault in faults(folder("errand"), LAW, posts)]


def test_new_folders_are_not_offered_the_old_names() -> None:
    posts = {"formal_delegate", "union_secretary"}
    edited = changed("errand", ("roll = 'delegates(\"formal\")'", "roll = 'nobody()'"))
    advice = " ".join(str(fault.advice) for fault in faults(edited, LAW, posts))
    assert "owners_of" in advice and "holders" in advice
    assert not any(name in advice for name in legacy.FUNCTIONS)
    assert definitions.load(folder("errand")).owner == legacy.OWNER
