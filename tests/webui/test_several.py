"""Several that belong together are launched by one form: by page and by API, all or none, each with a
number of its own; who sees what of the others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine import db
from engine.commands import definitions, people, several
from engine.definitions import check, read
from engine.errors import Invalid, NotFound, Refused
from engine.history import verification
from engine.instance.context import context_of
from engine.queries import instance as reading
from engine.settings import ROOT
from tests.hostile.sound import rulebook
from tests.journeys.university import FROM, TERM, University
from tests.webui import apps

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

FOLDER = ROOT / "processes" / "cadre_transfer"
PAGE = "/launch/cadre_transfer/several"
POSTS = {
    "first": "union_chair@XD",
    "vice": "union_vice_chair@XD",
    "dean": "union_chair@XX",
    "party": "party_officer@DW",
}
ALL = {
    "move": "exchange",
    "reason": "学院班子调整，急需有群众工作经验的干部",
    "effective_on": "2199-06-01",
    "urgency": "normal",
}
TERM_OF = {"elected_on": "2025-09-01", "term_ends": "2198-08-31"}


@pytest.fixture
def town(engine: Engine) -> University:
    made = University.built(engine, logs_in=())
    with db.transaction(engine) as session:
        above = made.units["XD"]
        party = people.create_unit(session, None, "DW", "party_committee", "党委", parent_id=above)
        made.units["DW"] = party
        for name, post in POSTS.items():
            kind, _, unit = post.partition("@")
            key = people.create_member(session, None, name, f"{name} 同志", made.units[unit])
            made.people[name] = key
            people.grant_post(session, None, key, kind, made.units[unit], FROM, term=TERM)
        definitions.publish_shipped(session, read(FOLDER))
    return made


def _rows(town: University, *extra: dict[str, str]) -> list[dict[str, str]]:
    """The chair of the union and the chair of a college union."""
    first, dean = str(town.people["first"]), str(town.people["dean"])
    college = {"college": str(town.units["XX"]), "college_chair": dean}
    return [
        {"subject": "关于主席调动", "office": "chair", "chair": first, "new_post": "馆长"},
        {"subject": "关于分会主席调动", "office": "college_chair", "new_post": "处长", **college},
        *extra,
    ]


def _given(town: University, *extra: dict[str, str]) -> list[dict[str, str]]:
    return [{**TERM_OF, **row} for row in _rows(town, *extra)]


def _numbers(town: University) -> list[str]:
    with db.transaction(town.engine) as session:
        return list(session.execute(text("SELECT number FROM instance ORDER BY number")).scalars())


def _sent(rows: list[dict[str, str]]) -> dict[str, str]:
    said = {f"f.{key}": value for key, value in ALL.items()} | {"once": "k-several"}
    cells = ((n, key, value) for n, row in enumerate(rows) for key, value in row.items())
    return said | {f"f.matters.{n}.{key}": value for n, key, value in cells}


def test_each_is_a_matter_of_its_own_and_each_reader_sees_what_they_may(town: University) -> None:
    first, second = town.do("party", several.launch, "cadre_transfer", ALL, _given(town))
    assert len(_numbers(town)) == 2
    seen = town.look("party", lambda s, actor: reading.file(s, actor, first)).group
    assert [(mate.id, mate.who, mate.here) for mate in seen] == [
        (first, "first 同志", True),
        (second, "dean 同志", False),
    ]
    assert {mate.stands for mate in seen} == {("核对任期和身份",)}
    town.complete("secretary", first, "check_term", **_checked())
    own = town.look("first", lambda s, actor: reading.file(s, actor, first))
    assert own.group == ()  # who is moved does not learn of the others
    with pytest.raises(NotFound):
        town.look("first", lambda s, actor: reading.file(s, actor, second))
    with db.transaction(town.engine) as session:
        context = context_of(session, None, second)
        ids = [str(town.people["dean"]), str(town.people["first"])]
        assert context.value('of_group("case.person")') == ids
        assert verification.first_false(session) is None


def _checked() -> dict[str, Any]:
    regime = {"regime": "public", "full_time": "full", "new_committee": False}
    return {"decision": "in_term", "note": "已核对选举结果批复", **TERM_OF, **regime}


def test_one_that_is_wrong_leaves_none(town: University) -> None:
    launch = partial(town.do, "party", several.launch, "cadre_transfer")
    twice = {**TERM_OF, "subject": "关于主席另任", "office": "chair", "new_post": "处长"}
    wrong = _given(town, {**twice, "chair": str(town.people["first"])})
    with pytest.raises(Invalid) as fault:
        launch(ALL, wrong)
    assert [str(each) for each in fault.value.fields["matters"]] == [
        "第 1 行：同一个人只能写一行：一人不能同时调任两个职务。",
        "第 3 行：同一个人只能写一行：一人不能同时调任两个职务。",
    ]
    with pytest.raises(Invalid) as fault:
        launch({**ALL, "reason": "短"}, [*_given(town), {**twice}])
    assert {"reason", "matters.2.chair"} == set(fault.value.fields)
    with pytest.raises(Invalid):
        launch(ALL, _given(town)[:1])
    with pytest.raises(NotFound):  # a process that launches one at a time
        town.do("zhang", several.launch, "congress_motion", {}, [{}, {}])
    with pytest.raises(Refused):
        town.do("secretary", several.launch, "cadre_transfer", ALL, _given(town))
    assert _numbers(town) == []


def test_the_form_of_several(town: University, url: str, tmp_path: Path) -> None:
    browser = apps.logged_in(apps.of(town, url, tmp_path), town, "party")
    assert PAGE in browser.get("/launch/cadre_transfer").text
    page = browser.get(PAGE).text
    assert 'name="f.reason"' in page and 'name="f.matters.1.chair"' in page
    faulty = browser.post(PAGE, data=_sent([*_given(town), {"subject": "关于又一人调动"}]))
    assert faulty.status_code == 422 and 'value="关于又一人调动"' in faulty.text
    assert _numbers(town) == []
    made = browser.post(PAGE, data=_sent(_given(town)))
    assert made.status_code == 303
    again = browser.post(PAGE, data=_sent(_given(town)))
    assert (again.status_code, again.location) == (303, made.location)  # a double tap
    assert len(_numbers(town)) == 2
    matter = browser.get(made.location).text
    assert "一起提出的 2 件" in matter and "dean 同志" in matter


def test_the_check_knows_what_several_may_say() -> None:
    files = dict(read(FOLDER))
    table = '[several]\neach = ["subject", "attachments"]\nwho = "case.nobody"\n[old]\n'
    files["process.toml"] = files["process.toml"].replace("[several]\n", table, 1)
    files["process.toml"] = files["process.toml"].replace("[old]\neach", "[indicators]\neach", 1)
    told = [str(each.what) for each in check.faults(files, rulebook(), [])]
    assert any("attachments" in what and "each" in what for what in told)
    assert any("case.nobody" in what for what in told)
