"""How lists of people stand: 姓氏笔画 and 拼音 against published lists and the norm, and their properties."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import definitions, scenarios
from engine.people import strokes
from engine.people.ordering import Order, by_pinyin, by_strokes, in_effect, ordered, surname
from tests.engine.sessions import HALL, STANDARD, put, start, votes

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

# The surnames of a published list of 204 persons "按姓氏笔画为序", in its order.
SURNAMES = (
    "丁于万习马王尤车尹巴艾石布卢白吉毕曲朱刘齐安许阮孙杜李杨肖吴邱何应冷汪沈宋张陆陈努苗苟范林尚金周郑房孟赵郝胡咸钟"
    "信侯娄洛骆秦袁聂栗钱铁倪徐高郭黄曹龚盛雪鄂鹿谌彭蒋韩傅谢楼蔡雒黎魏"
)
# Published lists "以姓氏笔画为序"; in the second a given name of one character stands before longer ones.
PUBLISHED = (
    "王宏 冯双白 刘劲 李丹 何加林 张凯 林永 赵保 姜昆 姚建萍 黄渤 龚宇 康辉 寒露",
    "王学东 王栋华 王锡君 冯文光 李其庆 沈红文 张钟朴 张海滨 周亮勋 胡永钦",
    "徐洋 章林 章丽莉 蒋仁祥",
)
# By the norm: number of strokes; 横竖撇点折 from the first stroke on; of strokes of one kind the plain form first; then
# the next characters.
BY_NORM = (
    "丁一 王一 石一 何一 陈三 章一",
    "王一 开一 天一 木一 毛一 文一 方一 尹一 孔一",
    "甲一 田一 白一 冯一",
    "干一 于一",
    "刘一 刘丁 刘三 刘一丁 刘三丁",
    "欧丹 欧明月 欧阳一 欧阳文 欧阳一丁",
    "司马文 司徒一",
    "张三 陈一 陳一 張三",
)
BY_SOUND = (
    "曹一 岑一 陈一 曾一",
    "任一 单一 尚一",
    "李民 李明 李一",
    "林一 令狐冲 刘一",
    "马一 万俟丽 区一 欧阳丹 欧阳修",
    "仇一 解一 尉迟恭 查一 翟一 长孙无忌",
)


def _shuffled(text: str) -> list[str]:
    names = text.split()
    return random.Random(8).sample(names, len(names))


def _by(order: Order, text: str) -> str:
    return " ".join(ordered(_shuffled(text), str, order))


def test_surnames_stand_as_in_a_published_list() -> None:
    wanted = " ".join(f"{each}一" for each in SURNAMES)
    assert len(SURNAMES) == 89 and _by(Order.STROKES, wanted) == wanted


@pytest.mark.parametrize("wanted", [*PUBLISHED, *BY_NORM])
def test_by_strokes(wanted: str) -> None:
    assert _by(Order.STROKES, wanted) == wanted


@pytest.mark.parametrize("wanted", BY_SOUND)
def test_by_pinyin_as_surnames_are_read(wanted: str) -> None:
    assert _by(Order.PINYIN, wanted) == wanted


def test_as_they_were_put() -> None:
    assert ordered(["王一", "丁一"], str, Order.GIVEN) == ["王一", "丁一"]


def test_a_compound_surname_only_in_a_longer_name() -> None:
    assert surname("欧阳修") == ("欧阳", "修") and surname("歐陽 修") == ("歐陽", "修")
    assert surname("欧阳") == ("欧", "阳") and surname("Smith J") == ("SmithJ", "")


def test_all_of_gb_2312_is_known_and_rare_ones_are_named() -> None:
    rows = [(high, low) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)]
    every = "".join(bytes(pair).decode("gb2312", "ignore") for pair in rows)
    missing = strokes.unknown(every)
    assert len(every) == 6763 and len(missing) == 31  # radicals, which nobody is called by
    assert set(missing) == set("丨丿丶匚刂亠冫冖讠卩阝廴艹扌彳彡犭夂饣忄丬氵宀辶彐屮纟灬礻疒衤")
    assert strokes.unknown("王𠮷 㛃〇Li·") == "𠮷㛃〇"


def test_what_is_not_known_comes_last() -> None:
    assert _by(Order.STROKES, "龚一 魏一 㛃一 𠮷一 Li") == "龚一 魏一 㛃一 𠮷一 Li"
    assert _by(Order.STROKES, "王一 王魏 王𠮷") == "王一 王魏 王𠮷"


def test_without_the_data_lists_go_by_pinyin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted = "安一 丁一 王一"
    monkeypatch.setattr(strokes, "FOLDER", tmp_path)
    for cached in (by_strokes, by_pinyin):
        cached.cache_clear()
    try:
        assert not strokes.installed() and in_effect(Order.STROKES) is Order.PINYIN
        assert _by(Order.STROKES, wanted) == wanted
        (tmp_path / strokes.FILES[0]).write_text("JSON.parse('{\"王\":')")
        (tmp_path / strokes.FILES[1]).write_text("")
        assert not strokes.installed()
    finally:
        for cached in (by_strokes, by_pinyin):
            cached.cache_clear()


NAMES = st.text(st.sampled_from("王丁欧阳司马𠮷㛃張一A·"), min_size=0, max_size=5)


@given(st.lists(NAMES, max_size=12), st.sampled_from(list(Order)), st.randoms())
def test_an_order_is_total_and_stable(
    names: list[str], order: Order, chance: random.Random
) -> None:
    numbered = list(enumerate(names))
    once = ordered(numbered, lambda pair: pair[1], order)
    assert sorted(once) == numbered and ordered(once, lambda pair: pair[1], order) == once
    assert all(a[0] < b[0] for a, b in pairwise(once) if a[1] == b[1])
    if order is not Order.GIVEN:
        again = ordered(chance.sample(names, len(names)), str, order)
        assert again == [name for _, name in once]


def test_one_surname_stays_together() -> None:
    names = [
        f"{family}{given}"
        for family in ("田", "由", "甲", "申", "刘", "柳", "劉")
        for given in "一丁龙"
    ]
    for order in (Order.STROKES, Order.PINYIN):
        families = [surname(name)[0] for name in ordered(names, str, order)]
        assert len([a for a, b in pairwise(families) if a != b]) == len(set(families)) - 1


@pytest.mark.parametrize(("rule", "second"), [(1, "乙甲"), (2, "甲乙"), (3, "甲乙")])
def test_the_candidates_of_a_ballot_stand_as_the_union_chose(
    engine: Engine, rule: int, second: str
) -> None:
    """代表甲 was nominated first; 乙 has fewer strokes."""
    made = start(9, 9)
    chair = {"who": "主席团主席", "task": "elect"}
    made["step"] += [put(), *votes(5), {**chair, "does": "close_poll"}]
    made["rules"] = {"LIST-ORDER": rule}
    for teller in "丙丁":
        made["step"].append({"who": f"代表{teller}", "does": "count", "task": "elect"})
    made["ends"] = {"facts": {"elect.candidates": [f"member:代表{each}" for each in second]}}
    played = scenarios.play(engine, made, definitions.read(HALL), STANDARD)
    assert played.ok, played.why
