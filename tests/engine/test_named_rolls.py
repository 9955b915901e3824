"""Rolls that a folder names once: what they mean, which faults they have, and who may change them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import definitions
from engine.definitions.check import faults
from engine.definitions.loosening import loosened
from engine.definitions.outline import outline
from tests.hostile.sound import rulebook

FOLDER = Path(__file__).parents[2] / "processes" / "congress_session"
FILES = definitions.read(FOLDER)
TEXT = FILES["process.toml"]
MEMBERS = """members = 'meeting("members_session", "roll") if bodies.current == "members" else meeting("session", "roll")'"""
POLL = """about = ["next_item.leader"]"""
ROLL = """roll = 'roll_of("session")'"""


def changed(old: str, new: str) -> dict[str, str]:
    assert old in TEXT, old
    return {**FILES, "process.toml": TEXT.replace(old, new, 1)}


def test_the_folder_says_each_roll_once() -> None:
    assert TEXT.count("retained_member") < TEXT.count("roll_of(")
    assert TEXT.count(MEMBERS) == 1
    assert "【名册】\n- 应当到会的人（assembly）：" in outline(definitions.load(FILES))


FAULTS = [
    ("an unknown name", ROLL, "roll = 'roll_of(\"balcony\")'", "没有名册 balcony"),
    ("a name that is worked out", ROLL, "roll = 'roll_of(launch.kind)'", "roll_of() 里没有名册"),
    ("a roll by a roll", MEMBERS, "members = 'roll_of(\"assembly\")'", "名册里不能再写 roll_of()"),
    ("a roll by itself", MEMBERS, "members = 'roll_of(\"session\")'", "名册里不能再写 roll_of()"),
    ("an unknown fact", MEMBERS, "members = 'nobody.there'", "nobody"),
    ("an unknown post", MEMBERS, "members = 'holders(\"king\")'", "没有职务 king"),
    ("no members", MEMBERS, "", "members"),
    ("a name that is none", "[rolls.session]", "[rolls.Session]", "名册的编号 Session 不合规定"),
    ("a name in use", "[rolls.session]", "[rolls.starter]", "名册不能叫 starter"),
]


@pytest.mark.parametrize(
    ("old", "new", "told"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS]
)
def test_the_faults_of_a_roll(old: str, new: str, told: str) -> None:
    found = faults(changed(old, new), rulebook(), ("formal_delegate",), folder=FOLDER.name)
    assert any(told in f"{each.element} {each.what}" for each in found), found


def test_a_version_without_rolls_is_read_as_before() -> None:
    """What a frozen version wrote out in each place means the same."""
    named = definitions.load(FILES)
    roll = named.rolls["session"]
    plain = TEXT.replace('roll_of("session")', f"({roll.members})")
    assert plain != TEXT
    plain = plain[: plain.index("[rolls.session]")] + plain[plain.index("[rolls.here]") :]
    files = {**FILES, "process.toml": plain}
    assert not faults(files, rulebook(), (), folder=FOLDER.name)
    assert definitions.load(files).rolls.keys() == named.rolls.keys() - {"session"}


def test_who_is_meant_cannot_be_loosened() -> None:
    shipped = definitions.load(FILES)

    def told(files: dict[str, str]) -> list[str]:
        return [str(each) for each in loosened(shipped, definitions.load(files), lambda _: True)]

    assert told(dict(FILES)) == []
    assert any("本次会议的名册" in each for each in told(changed(MEMBERS, "members = 'members()'")))
    other = "roll = 'roll_of(\"assembly\")'"
    assert any("表决名册" in each for each in told(changed(ROLL, other)))
