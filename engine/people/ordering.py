"""Lists of people in an order that people know, never in that of code points."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from pypinyin import Style, lazy_pinyin

from engine.people import strokes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")
Key = tuple[object, ...]


class Order(StrEnum):
    """By 姓氏笔画, by 拼音, or as somebody put them."""

    STROKES = "strokes"
    PINYIN = "pinyin"
    GIVEN = "given"


# Surnames of two characters, in names of three and more.
_COMPOUND = frozenset(
    re.findall(
        r"\S+",
        """
        欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶
        太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良
        漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 梁丘 左丘 东门 西门 南荣
        第五 达奚 纳兰 歐陽 司馬 東方 獨孤 南宮 萬俟 聞人 諸葛 尉遲 赫連 澹臺 濮陽 公孫 仲孫 鍾離 長孫 鮮于
        閭丘 子車 巫馬 顓孫 壤駟 樂正 穀梁 夾谷 軒轅 東郭 東門 達奚 納蘭
        """,
    )
)
# Surnames that are read otherwise than the same characters elsewhere.
_READ_AS_SURNAME = {
    surname: reading.strip().split()
    for surnames, reading in re.findall(
        r"(\S+) ([a-z0-9 ]+)",
        """
        单單 shan4; 区區 ou1; 华華 hua4; 盖蓋 ge3; 缪繆 miao4; 员員 yun4; 纪紀 ji3; 宁寧 ning4; 应應 ying1; 车車 che1;
        乐樂 yue4; 种 chong2; 曾 zeng1; 仇 qiu2; 解 xie4; 查 zha1; 任 ren2; 翟 zhai2; 朴 piao2; 覃 qin2; 洗 xian3;
        折 she2; 召 shao4; 祭 zhai4; 秘 bi4; 那 na1; 能 nai4; 句 gou1; 宿 su4; 燕 yan1;
        """,
    )
    for surname in surnames
} | {
    "万俟": ["mo4", "qi2"],
    "萬俟": ["mo4", "qi2"],
    "尉迟": ["yu4", "chi2"],
    "尉遲": ["yu4", "chi2"],
    "长孙": ["zhang3", "sun1"],
    "長孫": ["zhang3", "sun1"],
    "澹台": ["tan2", "tai2"],
    "澹臺": ["tan2", "tai2"],
}


def in_effect(wanted: Order) -> Order:
    """The order that lists take: 拼音 where 姓氏笔画 is wanted and the data of strokes are not
    installed.
    """
    return Order.PINYIN if wanted is Order.STROKES and not strokes.installed() else wanted


def ordered(items: Iterable[Item], name: Callable[[Item], str], order: Order) -> list[Item]:
    """The items by the names of the people that they are about; those of one name stay as they
    were.
    """
    listed, way = list(items), in_effect(order)
    if way is Order.GIVEN:
        return listed
    key = by_strokes if way is Order.STROKES else by_pinyin
    return sorted(listed, key=lambda item: key(name(item)))


def on_screen(items: Iterable[Item], name: Callable[[Item], str]) -> list[Item]:
    """The items of a list that is looked through: by 拼音."""
    return ordered(items, name, Order.PINYIN)


def surname(name: str) -> tuple[str, str]:
    """Surname and given name; of a name that is not Chinese all is the surname."""
    plain = "".join(name.split())
    if not plain or not strokes.is_chinese(plain[0]):
        return plain, ""
    length = 2 if len(plain) > 2 and plain[:2] in _COMPOUND else 1
    return plain[:length], plain[length:]


@lru_cache(maxsize=20_000)
def by_strokes(name: str) -> Key:
    """姓氏笔画: the surname by the number of its strokes, by their kinds from the first on (横竖撇
    点折), by their forms; then given names of one character before longer ones; then the next
    characters in the same way. A character without data comes after all that have them.
    """
    family, given = surname(name)
    return _written(family), len(given) > 1, _written(given), name


@lru_cache(maxsize=20_000)
def by_pinyin(name: str) -> Key:
    """拼音: character by character by syllable and tone, as surnames are read; where these are
    equal, by strokes, so that one surname stays together.
    """
    family, given = surname(name)
    syllables = [*(_READ_AS_SURNAME.get(family) or _read(family)), *_read(given)]
    both = zip(syllables, family + given, strict=True)
    return tuple((*_sound(syllable, c), *_character(c)) for syllable, c in both), name


def _read(text: str) -> list[str]:
    """A syllable with its tone for each character, as the characters are read together."""
    return lazy_pinyin(
        text,
        style=Style.TONE3,
        neutral_tone_with_five=True,
        errors=list,  # type: ignore[arg-type]  # each unread character by itself
    )


def _sound(syllable: str, character: str) -> Key:
    if not strokes.is_chinese(character) or not syllable[-1:].isdigit():
        return (1, "", 0)
    return 0, syllable[:-1], int(syllable[-1])


def _written(text: str) -> Key:
    return tuple(_character(c) for c in text)


def _character(character: str) -> Key:
    """Characters with strokes, then those without, then what is no Chinese character."""
    found = strokes.of(character)
    if found is not None:
        return 0, len(found.kinds), found.kinds, found.forms, ord(character)
    return 1 if strokes.is_chinese(character) else 2, 0, (), (), ord(character.casefold()[0])
