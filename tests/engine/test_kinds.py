"""The registry of event kinds is whole: every kind that a command notes is in it, with what its readers need."""

from __future__ import annotations

import ast
import re
import string
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from engine.db import states, words
from engine.history import kinds, verify_pack
from engine.history.event_log import EventLog
from engine.history.verification import replay
from engine.messages import Both, Message, restored
from engine.queries.telling import Facts, Teller
from engine.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = ROOT / "engine" / "commands"
NAMED = ["alpha", "beta", "gamma"]


def _strings(node: ast.AST) -> Iterator[str]:
    """The kinds that an expression can give: a text, or each kind of the registry that an f-string fits."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [
            re.escape(p.value) if isinstance(p, ast.Constant) else "[a-z]+" for p in node.values
        ]
        yield from filter(re.compile("".join(map(str, parts))).fullmatch, kinds.KINDS)


def _notes(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
    """(kind, call) of each event that is noted."""
    for call in ast.walk(tree):
        name = (
            getattr(call.func, "attr", getattr(call.func, "id", ""))
            if isinstance(call, ast.Call)
            else ""
        )
        if (
            isinstance(call, ast.Call)
            and name == "note"
            and len(call.args) >= 4
            and "incidents" not in ast.unparse(call.func)
        ):
            yield call.args[2], call
        elif (
            isinstance(call, ast.Call)
            and name == "add"
            and ast.unparse(call.func).endswith("log.add")
        ):
            yield call.args[0], call


def _written() -> dict[str, list[ast.Call]]:
    found: dict[str, list[ast.Call]] = {}
    for path in sorted(COMMANDS.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for kind, call in _notes(tree):
            for key in _strings(kind):
                found.setdefault(key, []).append(call)
        for node in ast.walk(
            tree
        ):  # (chain, kind, details) for `records.record`, and `_end(work, state, kind, reason)`
            row = node.elts if isinstance(node, ast.Tuple) else getattr(node, "args", [])
            if isinstance(node, ast.IfExp):  # kind = "…" if … else "…"
                row = [node.body, node.orelse]
            if isinstance(node, ast.Dict):  # {what was done: "…"}
                row = node.values
            for each in row if isinstance(row, list) else ():
                for key in _strings(each) if isinstance(each, ast.Constant | ast.JoinedStr) else ():
                    if key in kinds.KINDS:
                        found.setdefault(key, [])
    return found


def test_every_kind_that_is_noted_is_in_the_registry_and_none_is_idle() -> None:
    written = set(_written())
    assert {"task_completed", "notice_loaded", "instance_withdrawn", "people_exported"} <= written
    assert written - set(kinds.KINDS) == set()
    assert set(kinds.KINDS) - written == OLD


OLD = {
    "mover_replaced",
    "added_to_report",
}  # no command notes it any more, but histories hold it


def test_what_a_kind_needs_is_what_is_noted() -> None:
    """A call that names all its keys names those that the kind needs."""
    for key, calls in _written().items():
        for call in calls:
            given = {each.arg for each in call.keywords}
            if None not in given:  # no ** in it
                assert kinds.KINDS[key].needs <= given, (key, ast.unparse(call))


@pytest.mark.parametrize("key", kinds.KINDS)
def test_every_kind_is_told_with_all_its_holes(key: str) -> None:
    kind = kinds.KINDS[key]
    body: dict[str, Any] = {name: f"<{name}>" for name in kind.needs}
    body |= {"deadlines": [], "outcome": {}, "actor": {"name": "张敏"}}
    told = Teller(None, {}).tell(key, body)
    assert told.mark == kind.mark and kind.mark in MARKS
    assert not [hole for _, hole, _, _ in string.Formatter().parse(told.text) if hole]
    if "{who}" in told.text.source:
        assert "张敏" in told.text
    assert kind.label and kind.label != key


MARKS = {"", "outcome", "poll", "document", "clock", "read", "refused", "incident"}


def test_marks_have_their_look() -> None:
    style = "".join(path.read_text() for path in (ROOT / "webui" / "static").glob("*.css"))
    for mark in MARKS - {""}:
        assert f".yx-event.yx-{mark}" in style


def test_the_offline_verifier_and_the_replay_name_kinds_of_the_registry() -> None:
    for key, needs in verify_pack.NEEDS.items():
        assert set(needs) <= kinds.KINDS[key].needs, key
    source = ast.parse((ROOT / "engine" / "history" / "verify_pack.py").read_text())
    compared = {
        node.value
        for node in ast.walk(source)
        if isinstance(node, ast.Constant)
        and re.fullmatch(
            r"(poll|ballots|meeting|document|instance|matter|evidence)_[a-z_]+", str(node.value)
        )
    }
    assert {"poll_opened", "matter_erased"} <= compared <= set(kinds.KINDS)
    assert set(replay.SILENT) < set(kinds.KINDS) and not set(replay.SILENT) & set(replay._READERS)


def test_an_unknown_kind_is_told_by_its_name() -> None:
    told = Teller(None, {}).tell("moon_landed", {"actor": {"name": "张敏"}})
    assert told.text == "张敏：moon_landed" and told.mark == ""


# --- messages in events -----------------------------------------------------------------------------------------------
def test_a_message_in_an_event_keeps_its_source_and_values() -> None:
    log = EventLog(uuid4(), 0, b"")
    why = Message(
        "环节{step}不能办理：{why}。", step=Both("审查", "Review"), why=Message("没有权限")
    )
    body = log.add("attempt_refused", None, why=why, verb="complete", nested={"list": [why]})
    assert body["why"] == {
        "text": "环节{step}不能办理：{why}。",
        "values": {
            "step": {"zh": "审查", "en": "Review"},
            "why": {"text": "没有权限", "values": {}},
        },
    }
    assert body["nested"] == {"list": [body["why"]]} and body["verb"] == "complete"
    english = {why.source: "{step} is not yours: {why}.", "没有权限": "no right"}
    assert (
        restored(body["why"]).rendered("en", english.__getitem__)
        == "Review is not yours: no right."
    )


def test_an_older_finished_sentence_is_a_quotation() -> None:
    old = {"actor": {"name": "张敏"}, "verb": "complete", "why": "您没有办理此事项的权限。"}
    new = {**old, "why": {"text": "您没有办理此事项的权限。", "values": {}}}
    assert (
        Teller(None, {})
        .tell("attempt_refused", old)
        .text.endswith("被拒绝：“您没有办理此事项的权限。”")
    )
    assert (
        Teller(None, {})
        .tell("attempt_refused", new)
        .text.endswith("被拒绝：您没有办理此事项的权限。")
    )
    quoted = Facts(Teller(None, {}), "incident_noted", {"message": "表不完整"})["incident"]
    assert isinstance(quoted, Message)
    assert quoted.rendered("en", str) == "“表不完整”"


# --- states -----------------------------------------------------------------------------------------------------------
def test_every_state_has_its_words() -> None:
    known = [
        each
        for each in vars(states).values()
        if isinstance(each, type) and issubclass(each, states.StrEnum)
    ]
    for enumeration in known:
        if enumeration is not states.StrEnum:
            assert set(words.STATES[enumeration]) == set(enumeration)
