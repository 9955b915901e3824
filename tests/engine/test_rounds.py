"""Rounds: what is done anew leaves what was said before; a letter from outside is entered once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine import definitions
from engine.commands.received import plain
from engine.definitions.check import faults
from engine.definitions.shelves import RoundRule
from engine.instance import rounds
from tests.hostile.sound import rulebook

FOLDER = Path(__file__).parents[2] / "processes" / "cadre_transfer"
RULE = RoundRule("putting", ("hear.attitude", "reply.number", "reply.by.name"))


def told(changed: dict[str, str]) -> list[str]:
    files = {**definitions.read(FOLDER), **changed}
    return [f"{fault.element}: {fault.what}" for fault in faults(files, rulebook(), frozenset())]


def test_each_round_keeps_what_was_said_in_it() -> None:
    facts: dict[str, Any] = {"hear": {"attitude": "disagree", "union_only": "secret"}}
    rounds.keep(facts, RULE)
    assert facts["putting"] == {"round": 2, "r1": {"hear": {"attitude": "disagree"}}}
    facts |= {"hear": {"attitude": None}, "reply": {"number": "18", "by": {"name": "甲"}}}
    rounds.keep(facts, RULE)
    assert facts["putting"]["r2"] == {"reply": {"number": "18", "by": {"name": "甲"}}}
    assert facts["putting"]["r1"] == {"hear": {"attitude": "disagree"}}
    facts["reply"] = None
    rounds.keep(facts, RULE)
    assert facts["putting"]["round"] == 3  # nothing was said: no round


def test_a_round_has_the_rooms_of_what_it_keeps() -> None:
    kept = {"round": 2, "r1": {"hear": {"attitude": "agree"}, "reply": {"number": "18"}}}
    seen = rounds.of_steps(kept, lambda step: step != "hear")
    assert seen == {"round": 2, "r1": {"reply": {"number": "18"}}}


def test_a_folder_keeps_what_it_takes_back() -> None:
    text = definitions.read(FOLDER)["process.toml"]
    assert not told({})
    plain = 'do = "set_fact"\n[actions.adopt_amendment.set]'
    head, _, rest = text.partition("[actions.adopt_amendment]\n")
    wiped = f"{head}[actions.adopt_amendment]\n{plain}{rest.partition('[actions.adopt_amendment.set]')[2]}"
    found = told({"process.toml": wiped})
    assert any("adopt_amendment: hear.attitude" in each for each in found)
    assert any("adopt_amendment: committee_vote.passed" in each for each in found)
    for change, element in (
        (('round = "putting"', 'round = "pitting"'), "pitting"),
        (('"hear.attitude", "hear.statement"', '"hear.union_only"'), "hear.union_only"),
        (('"hear.attitude", "hear.statement"', '"hear"'), "hear 是在限定范围内"),
        (('"hear.attitude", "hear.statement"', '"hear.attitude", "hear.attitude"'), "列了两次"),
        (("[rounds.asking]", "[rounds.request]"), "request 不能用作名称"),
    ):
        assert any(element in each for each in told({"process.toml": text.replace(*change)})), (
            element
        )


def test_a_number_is_the_same_however_it_is_written() -> None:
    assert (
        plain("浙教工［2026］ 18 号") == plain("浙教工〔2026〕18号") == plain("浙教工[2026]１８号")
    )
    assert plain("浙教工〔2026〕18号") != plain("浙教工〔2026〕19号")


def test_a_register_has_a_plain_name() -> None:
    form = json.loads(definitions.read(FOLDER)["forms/early_consent.json"])
    field = next(each for each in form["components"] if each.get("key") == "number")
    assert field["properties"]["once"] == "superior_letter"
    field["properties"]["once"] = "Superior letter"
    assert any("once" in each for each in told({"forms/early_consent.json": json.dumps(form)}))
