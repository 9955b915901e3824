"""What an installation is, its folder says: posts and desks, kinds of units, who heads and manages, where rules hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine import law, settings
from engine.commands import imports
from engine.errors import NotFound
from engine.people import posts

if TYPE_CHECKING:
    from pathlib import Path

POSTS = """[posts.caretaker]
title = "管理员"
title_en = "Caretaker"
desk = "office"
heads = true
[posts.resident]
title = "住户"
category = "长住"
category_en = "resident"
"""
UNITS = """[tenant]
title = "楼"
title_en = "house"
[units.house]
title = "楼"
union = true
top = true
[units.room]
title = "房间"
parents = ["house"]
[categories]
title = "住户"
kind = "类别"
"""
RULE = """[[rule]]
id = "RM-HOURS"
title = "时长"
title_en = "Length"
unit = "day"
value = 2
op = "within"
source = "楼规"
source_en = "House rules"
jurisdiction = "{place}"
level = "DEF"
confidence = "P"
text = "两天内。"
text_en = "Within two days."
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YIXING_PROCESSES", str(tmp_path))
    return tmp_path


def test_a_folder_that_says_its_units_has_no_others(folder: Path) -> None:
    (folder / "posts.toml").write_text(POSTS, "utf-8")
    (folder / "units.toml").write_text(UNITS, "utf-8")
    known = posts.kinds()
    assert set(known.units) == {"house", "room"}
    # whatever a folder says, somebody answers for the installation
    assert set(known.posts) == {"caretaker", "resident", "installation"}
    assert not known.posts["installation"].desk
    assert known.desks == {
        "office": {"caretaker"},
        "audit": frozenset(),
        "administration": frozenset(),
    }
    assert (known.heads, known.superiors, known.managing) == (("caretaker",), (), frozenset())
    assert posts.tenant().in_("en") == "house"
    assert not known.owners
    assert imports.kinds()["delegates"] == "住户"


def test_without_posts_by_category_there_is_no_table_of_them(folder: Path) -> None:
    (folder / "posts.toml").write_text(POSTS.partition("[posts.resident]")[0], "utf-8")
    (folder / "units.toml").write_text(UNITS, "utf-8")
    assert list(imports.kinds()) == ["units", "people", "posts"]
    with pytest.raises(NotFound):
        imports.template("delegates")


def test_a_folder_from_before_means_what_the_shipped_one_says(folder: Path) -> None:
    """It names posts only, and perhaps a kind of unit of its own beside the usual ones."""
    old = '[posts.union_secretary]\ntitle = "秘书"\n[units.lab]\ntitle = "实验室"\n'
    (folder / "posts.toml").write_text(old, "utf-8")
    known = posts.kinds()
    assert known.desks["office"] == {"union_secretary"}
    assert known.posts["union_secretary"].title == "秘书"
    assert known.units["lab"].title == "实验室" and known.units["university_union"].superiors
    assert "unit_head" in known.heads and len(known.by_category) == 3
    (folder / "posts.toml").unlink()
    assert posts.kinds().open and posts.kinds().desks["audit"] == {"auditor"}


def test_the_shipped_folder_speaks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIXING_PROCESSES", str(settings.SHIPPED))
    known = posts.kinds()
    assert known.speaking is known.posts and all(known.desks.values())
    assert known.managing == {
        "provincial_education_union",
        "municipal_federation",
        "industrial_union",
    }


def _book(folder: Path, head: str, place: str) -> law.Rulebook:
    (folder / "house.toml").write_text(head + RULE.format(place=place), "utf-8")
    return law.load(folder)


def test_rules_hold_where_the_law_folder_says(folder: Path) -> None:
    head = """title = "楼规"
title_en = "House rules"
[jurisdictions.ALL]
title = "各地"
[jurisdictions.SEA]
title = "海边"
city = "青岛"
"""
    book = _book(folder, head, "SEA")
    assert book.subjects["house"].in_("en") == "House rules"
    assert (book.everywhere, book.jurisdictions("青岛市")) == ({"ALL"}, {"ALL", "SEA"})
    old = _book(folder, "", "CN-ZJ-HZ")
    assert old.jurisdictions("杭州") == {"CN", "CN-ZJ", "CN-ZJ-HZ"}
    assert old.everywhere == {"CN", "CN-ZJ"}
