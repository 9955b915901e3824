"""Tellers are people: they leave, are replaced, dissent; the chair declares what enough have signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine import definitions, scenarios
from engine.definitions import check
from engine.instance.union_law import rulebook
from tests.engine.sessions import CLOSE, HALL, STANDARD, choose, people, start, votes

if TYPE_CHECKING:
    from sqlalchemy import Engine

TASK = {"task": "elect"}
CHAIR = {"who": "主席团主席", **TASK}
DECLARE = {**CHAIR, "does": "declare"}
SIGNS = "signs = 'reaches(\"BALLOT-SIGN\", signed, tellers)'\ndeclared = true\n"
SECRET = 'secret = true\nkeys = "BALLOT-KEYS"\n'


def files(*, secret: bool = False, keys: str = "") -> dict[str, str]:
    """The hall, whose election is signed by a majority of its tellers and declared by the chair."""
    found = dict(definitions.read(HALL))
    old = "tellers = 'put.tellers'\n"
    assert old in found["process.toml"]
    new = old + SIGNS + (SECRET if secret else "")
    found["process.toml"] = found["process.toml"].replace(old, new + keys)
    return found


def story(tellers: str, *steps: dict[str, Any]) -> dict[str, Any]:
    """Nine in the hall, the two candidates first; `tellers` are named by their last character."""
    made = start(9, 9)
    given = {
        "candidates": ["member:代表甲", "member:代表乙"],
        "tellers": [f"member:代表{each}" for each in tellers],
    }
    put = {"who": "主席团主席", "does": "complete", "task": "put", "with": given}
    made["step"] += [put, *votes(5), *steps]
    return made


def sign(who: str, refused: str = "") -> dict[str, Any]:
    return act(who, "count", refused=refused)


def act(who: str, does: str, refused: str = "", **given: str) -> dict[str, Any]:
    step: dict[str, Any] = {"who": [f"代表{each}" for each in who], "does": does, **TASK}
    step |= {"with": given} if given else {}
    return {**step, "refused": refused} if refused else step


def gone(who: str) -> dict[str, Any]:
    return {"who": f"代表{who}", "does": "leave", "task": "session"}


def back(who: str) -> dict[str, Any]:
    return {"who": f"代表{who}", "does": "arrive", "task": "session"}


def replace(old: str, new: str, reason: str = "", refused: str = "") -> dict[str, Any]:
    given = {"teller": f"member:代表{old}", "successor": f"member:代表{new}", "reason": reason}
    step = {**CHAIR, "does": "replace_teller", "with": given}
    return {**step, "refused": refused} if refused else step


def told(engine: Engine, made: dict[str, Any], folder: dict[str, str], **facts: Any) -> None:
    made["ends"] = {"facts": {f"elect.{key.replace('__', '.')}": v for key, v in facts.items()}}
    played = scenarios.play(engine, made, folder, STANDARD)
    assert played.ok, played.why


VOTE = choose(people(9)[:6], "代表甲")


@pytest.mark.parametrize(
    ("tellers", "signed", "ready"),
    [
        ("丙丁", "丙", False),
        ("丙丁", "丙丁", True),
        ("丙丁戊", "丙", False),
        ("丙丁戊", "丙丁", True),
        ("丙丁戊己", "丙丁", False),
        ("丙丁戊己", "丙丁戊", True),
    ],
)
def test_more_than_half_of_the_tellers_sign_before_the_chair_declares(
    engine: Engine, tellers: str, signed: str, ready: bool
) -> None:
    declare = DECLARE if ready else {**DECLARE, "refused": "not_signed"}
    made = story(tellers, VOTE, CLOSE, sign(signed), declare)
    if not ready:
        made["step"] += [sign(tellers[len(signed) :]), DECLARE]
    told(engine, made, files(), elected=["member:代表甲"], issued=6)


def test_nothing_is_published_before_the_chair_declares(engine: Engine) -> None:
    waits = {**sign("丙丁"), "expect": ["elect", "session"]}
    made = story(
        "丙丁",
        VOTE,
        {**DECLARE, "refused": "not_counting"},
        CLOSE,
        waits,
        act("丙", "declare", refused="refused"),
        {**DECLARE, "expect": ["session"]},
        {**DECLARE, "refused": "not_counting"},
    )
    told(engine, made, files(), elected=["member:代表甲"])


def test_a_dissent_stands_on_record_and_does_not_stop_the_others(engine: Engine) -> None:
    why = "一张票选了两人，应当作废"
    made = story(
        "丙丁戊",
        VOTE,
        CLOSE,
        act("丙", "dissent", reason=" ", refused="invalid"),
        act("丙", "dissent", reason=why),
        sign("丁戊"),
        DECLARE,
    )
    signatures = {
        "signed": ["member:代表丁", "member:代表戊"],
        "dissent": [{"who": "member:代表丙", "reason": why}],
        "silent": [],
        "replaced": [],
    }
    told(engine, made, files(), signatures=signatures, elected=["member:代表甲"])


def test_who_dissented_may_sign_later_and_the_other_way_round(engine: Engine) -> None:
    made = story(
        "丙丁",
        VOTE,
        CLOSE,
        act("丙", "dissent", reason="再核对一遍"),
        sign("丁"),
        {**DECLARE, "refused": "not_signed"},
        sign("丙"),
        act("丁", "dissent", reason="我数错了"),
        {**DECLARE, "refused": "not_signed"},
        sign("丁"),
        DECLARE,
    )
    told(engine, made, files(), signatures__dissent=[], passed=True)


def test_without_a_rule_all_sign_and_nobody_declares(engine: Engine) -> None:
    made = story("丙丁", VOTE, CLOSE, act("丙", "dissent", reason="不对", refused="all_sign"))
    made["step"] += [sign("丙"), {**DECLARE, "refused": "not_counting"}, sign("丁")]
    told(engine, made, definitions.read(HALL), elected=["member:代表甲"])


def test_who_left_the_hall_does_not_count_until_they_are_back(engine: Engine) -> None:
    made = story(
        "丙丁", VOTE, CLOSE, gone("丙"), sign("丙", refused="left_hall"), sign("丁"), back("丙")
    )
    made["step"] += [sign("丙"), DECLARE]
    told(engine, made, files(), elected=["member:代表甲"])


def test_nobody_is_replaced_against_their_will_and_not_by_everybody(engine: Engine) -> None:
    made = story(
        "丙丁",
        VOTE,
        CLOSE,
        replace("丙", "戊", "不配合", refused="at_table"),
        gone("丙"),
        act(
            "丁",
            "replace_teller",
            teller="member:代表丙",
            successor="member:代表戊",
            reason="离会",
            refused="refused",
        ),
        replace("丙", "戊", refused="invalid"),
        replace("丙", "甲", "离会", refused="invalid"),  # a candidate
        replace("丙", "丁", "离会", refused="invalid"),  # a teller
        replace("己", "戊", "离会", refused="invalid"),  # no teller
        gone("庚"),
        replace("丙", "庚", "离会", refused="invalid"),  # not in the hall
        replace("丙", "戊", "身体不适，离会"),
        back("丙"),
        sign("丙", refused="not_found"),
        sign("丁戊"),
        DECLARE,
    )
    replaced = [{"who": "member:代表丙", "successor": "member:代表戊", "reason": "身体不适，离会"}]
    told(engine, made, files(), signatures__replaced=replaced, elected=["member:代表甲"])


def test_a_teller_asks_to_be_replaced_and_signs_no_more(engine: Engine) -> None:
    made = story(
        "丙丁",
        VOTE,
        CLOSE,
        act("丙", "resign_teller", reason="", refused="invalid"),
        act("己", "resign_teller", reason="不是我", refused="not_found"),
        sign("丙"),
        act("丙", "resign_teller", reason="与候选人甲是亲属"),
        act("丙", "resign_teller", reason="再说一次", refused="answered"),
        act("丙", "dissent", reason="不同意", refused="resigned"),
        sign("丁"),
        replace("丙", "戊", "别的话"),
        {**DECLARE, "refused": "not_signed"},
        sign("戊"),
        DECLARE,
    )
    replaced = [
        {"who": "member:代表丙", "successor": "member:代表戊", "reason": "与候选人甲是亲属"}
    ]
    told(engine, made, files(), signatures__replaced=replaced)


def paper(who: str, **counts: int) -> dict[str, Any]:
    given = {"issued": 3, "returned": 3, "invalid": 0, "counts": counts}
    return {"who": f"代表{who}", "does": "paper", **TASK, "with": given}


def test_the_entry_of_one_who_left_goes_unless_it_was_agreed_on(engine: Engine) -> None:
    """Two entries that differ: the one of who leaves would stand against all others for ever."""
    give = act("丙", "give_paper", members=[f"member:代表{each}" for each in "庚辛壬"])  # type: ignore[arg-type]
    made = story(
        "丙丁",
        choose(people(9)[:6], "代表甲"),
        give,
        CLOSE,
        paper("丙", abstain=3),
        paper("丁", abstain=3) | {"with": {"returned": 2, "invalid": 0, "counts": {"abstain": 2}}},
        gone("丙"),
        replace("丙", "戊", "生病"),
        paper("戊", abstain=3),
        sign("丁", refused="paper_differs"),
        paper("丁", abstain=3),
        sign("丁戊"),
        DECLARE,
    )
    told(engine, made, files(), returned=9, abstain=3, elected=["member:代表甲"])


def test_a_key_not_taken_is_taken_by_the_successor(engine: Engine) -> None:
    """Before the poll opens: a teller who left without a key, and one who had taken it."""
    key = {"does": "count", **TASK}
    made = story(
        "丙丁",
        {**key, "who": "代表丙"},
        gone("丁"),
        {**key, "who": "代表丁", "refused": "left_hall"},
        replace("丁", "戊", "离会"),
        gone("丙"),
        replace("丙", "己", "离会"),
        {**key, "who": "代表戊"},
        {**key, "who": "代表己"},
        choose(["代表甲", "代表乙", *people(9)[4:8]], "代表甲"),
        CLOSE,
        sign("戊己"),
        DECLARE,
    )
    told(engine, made, files(secret=True), elected=["member:代表甲"], issued=6)


def test_two_of_three_keys_open_after_one_teller_is_replaced(engine: Engine) -> None:
    made = story(
        "丙丁戊",
        VOTE,
        CLOSE,
        sign("丙"),
        gone("丁"),
        replace("丁", "己", "急诊"),
        sign("己", refused="no_key"),
        sign("丙戊"),
        sign("己"),
        DECLARE,
    )
    told(engine, made, files(secret=True), elected=["member:代表甲"], issued=6)


def test_the_only_other_key_is_handed_over(engine: Engine) -> None:
    """Two of two: who leaves hands the part to the successor; without that the box stays shut."""
    made = story(
        "丙丁",
        VOTE,
        CLOSE,
        sign("丙"),
        act("丁", "resign_teller", reason="要赶车"),
        act("丁", "key", refused="resigned"),
        replace("丁", "己"),
        act("丁", "key", refused="no_newcomer"),
        act("己", "key"),
        act("己", "key", refused="keys_taken"),
        sign("己", refused="no_part"),
        act("丁", "key"),
        sign("己"),  # with the part of 丁, and that of 丙, who had joined before
        DECLARE,
    )
    told(engine, made, files(secret=True), elected=["member:代表甲"], issued=6)


def test_the_checker_knows_signs_and_declared() -> None:
    whole = files(secret=True)
    assert not [f for f in check.faults(whole, rulebook(), set()) if "elect" in f.element]
    for old, new in (("signed, tellers", "signed, people"), ("put.tellers'\nsigns", "'\nsigns")):
        broken = {**whole, "process.toml": whole["process.toml"].replace(old, new)}
        assert broken != whole
        assert [f for f in check.faults(broken, rulebook(), set()) if "elect" in f.element]
