"""One entry of the rulebook and the words it may use. Knows nothing of cases, units or files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Protocol

from engine.calendar import UNIT_WORDS as TIME_WORDS
from engine.calendar import in_words
from engine.messages import Both

LEVELS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "LAW": ("法定", "law"),
        "UNI": ("本单位规定", "rule of the institution"),
        "DEF": ("产品默认", "product default"),
    }
)
CONFIDENCES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "V": ("已核对原文", "checked against the text"),
        "M": ("凭记忆，待核对", "from memory, to be checked"),
        "P": ("本单位自定、产品默认", "set by the institution or by the product, no law fixes it"),
    }
)
_BINDING_LEVELS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        **LEVELS,
        "UNI": (
            "上级文件，下级不得放宽",
            "document of a superior body, may not be loosened",
        ),
        "DEF": ("产品的底线，不得放宽", "floor of the product, may not be loosened"),
    }
)
_SET: Final = (
    "本单位自定，法律未规定",
    "set by the institution, no law fixes it",
)
_MAY_BE_SET: Final = (
    "本单位可以自定，法律未规定",
    "the institution may set it, no law fixes it",
)
# op -> (family, words before and after the amount); one id never mixes families, so "strictest"
# always has a meaning
OPS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        ">=": ("floor", "不少于 {}", "at least {}"),
        ">": ("floor", "超过 {}", "more than {}"),
        "<=": ("ceiling", "不超过 {}", "at most {}"),
        "within": ("ceiling", "{}内", "within {}"),
        "before": ("ahead", "提前 {}", "{} before"),
        "opens": ("opens", "期满前 {}内", "in the last {}"),
        "=": ("exact", "{}", "{}"),
        "must": ("duty", "必须", "must"),
    }
)
SHARE_UNITS: Final[Mapping[str, int]] = MappingProxyType({"percent": 100, "permille": 1000})
_SIGNS: Final = {"percent": "%", "permille": "‰"}
COUNT_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "person": ("人", "person"),
        "count": ("个", ""),
        "times": ("次", "time"),
        "copies": ("份", "copy"),
        "yuan": ("元", "yuan"),
    }
)
# what each whole number of such a unit stands for, from 1 on
CHOICE_WORDS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "name_order": (
            ("按姓氏笔画", "by the strokes of the surname"),
            ("按汉语拼音", "by pinyin"),
            ("按提出的先后", "as they were put forward"),
        ),
    }
)
_PLURALS: Final = {"person": "persons", "time": "times", "copy": "copies"}
UNITS: Final = (*TIME_WORDS, "share", *SHARE_UNITS, *COUNT_WORDS, *CHOICE_WORDS, "none")
OF: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "all": ("全体", "of all"),
        "due": ("应到", "of those due"),
        "present": ("实到", "of those present"),
        "valid": ("有效票", "of valid votes"),
        "side": ("对照方人数", "of the side compared with"),
        "roll": ("名册", "of the roll"),
        "staff": ("职工总数", "of the staff"),
        "seats": ("应选名额", "of the seats"),
        "wages": ("工资总额", "of total wages"),
        "minimum_wage": ("当地最低工资", "of the local minimum wage"),
        "subsistence": ("当地最低生活保障标准", "of the local subsistence standard"),
        "item": ("该项数额", "of that item"),
    }
)


@dataclass(frozen=True)
class Place:
    """Where rules hold: what it is called, and in which city it is; empty: everywhere."""

    words: Both
    city: str = ""


NUMBERS_TOLD = ("total", "needed", "reached", "holds")


@dataclass(frozen=True)
class Rule:
    """One value from one source. value: whole number of `unit`; numerator/denominator: a share of
    `of`.

    valid_from, valid_to: days, both included, None = open. binding: units below may tighten it but
    never loosen it; true for every LAW, and for documents of a superior body. read: where the text
    was read, for a confidence of V. unused: why nothing uses it. told: how a share that was
    counted is told, with NUMBERS_TOLD in it; "" for the common sentence. silence: no answer within
    it counts as consent, for a union only that has set it as its own value. express: it demands a
    consent that was given in so many words.
    """

    id: str
    title: str
    title_en: str
    unit: str
    op: str
    source: str
    source_en: str
    jurisdiction: str
    level: str
    confidence: str
    text: str
    text_en: str
    of: str = ""
    article: str = ""
    read: str = ""
    unused: str = ""
    unused_en: str = ""
    note: str = ""
    note_en: str = ""
    told: str = ""
    told_en: str = ""
    value: int | None = None
    numerator: int | None = None
    denominator: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    binding: bool = False
    silence: bool = False
    express: bool = False
    file: str = ""

    @property
    def share(self) -> Fraction | None:
        """The share as an exact fraction (percent and permille too), or None for a plain number."""
        if self.numerator is not None and self.denominator is not None:
            return Fraction(self.numerator, self.denominator)
        if self.unit in SHARE_UNITS and self.value is not None:
            return Fraction(self.value, SHARE_UNITS[self.unit])
        return None

    @property
    def family(self) -> str:
        """What "strict" means for it: floor, ceiling, ahead, opens, exact or duty."""
        return OPS[self.op][0]

    @property
    def kind(self) -> str:
        """What it measures: time, share, or the unit of a count."""
        if self.unit in TIME_WORDS:
            return "time"
        return "share" if self.share is not None else self.unit

    def in_force(self, on: date) -> bool:
        """Whether it holds on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )

    @property
    def cited(self) -> Both:
        """Source and article as a value of a message."""
        return cited(self.source, self.source_en, self.article)

    def cite(self, lang: str = "zh") -> str:
        """Source and article, e.g. 《浙江省集体合同条例》第7条 / Zhejiang Collective Contract
        Regulation, art. 7.
        """
        return self.cited.in_(lang)

    def standing(self, lang: str = "zh") -> str:
        """How far it can be relied on: level and confidence in words."""
        n = 1 if lang == "en" else 0
        if self.confidence == "P":
            return (_SET if self.level == "UNI" else _MAY_BE_SET)[n]
        level = (_BINDING_LEVELS if self.binding else LEVELS)[self.level][n]
        sure = CONFIDENCES[self.confidence][n]
        return f"{level}, {sure}" if n else f"{level}，{sure}"


def cited(source: str, source_en: str, article: str) -> Both:
    """A source and an article of it: the number of an item ("item 16") or of articles ("7(5)",
    "3, 5"); "" for none.
    """
    item = article.removeprefix("item ")
    if item != article:
        return Both(f"{source}第{item}项", f"{source_en}, item {item}")
    if not article:
        return Both(source, source_en)
    number, _bracket, point = article.partition("(")
    number = number.replace(", ", "、")
    where = f"第{number}条" + (f"第（{point[:-1]}）项" if point else "")
    several = re.search("[,-]", article)
    return Both(source + where, f"{source_en}, {'arts.' if several else 'art.'} {article}")


def unit_words(unit: str, n: int) -> str:
    """The unit that `amount_words` puts behind a number: 人, 个工作日, %; "" for none."""
    if unit in COUNT_WORDS or unit in TIME_WORDS:
        return (COUNT_WORDS.get(unit) or TIME_WORDS[unit])[n]
    return _SIGNS.get(unit, "")


def amount_words(amount: int | Fraction, unit: str, of: str, n: int) -> str:
    """An amount in words, n = 0 Chinese, 1 English: 10 个工作日， 3 人， 全体的 2/3, 3‰,
    按姓氏笔画.
    """
    if unit in TIME_WORDS:
        return in_words(int(amount), unit, "en" if n else "zh")
    if unit in COUNT_WORDS:
        word = COUNT_WORDS[unit][n]
        return f"{amount} {_PLURALS.get(word, word) if amount != 1 else word}".strip()
    if unit in CHOICE_WORDS:
        return CHOICE_WORDS[unit][int(amount) - 1][n]
    sign = _SIGNS.get(unit, "")
    return _of_what(f"{amount}{sign}", amount == 1, of, n)


def _of_what(share: str, whole: bool, of: str, n: int) -> str:
    if of not in OF:
        return share
    zh, en = OF[of]
    if whole:
        return (zh, en.removeprefix("of "))[n]
    return (f"{zh}的 {share}", f"{share} {en}")[n]


_SHARE: Final = re.compile(r"\s*([0-9]{1,6})\s*[/／]\s*([0-9]{1,6})\s*")
_NARROW: Final = str.maketrans("０１２３４５６７８９", "0123456789")


def fraction(text: str) -> Fraction | None:
    """A share as people write it: 2/3, with the full-width signs and blanks of a Chinese keyboard;
    None for all else.
    """
    found = _SHARE.fullmatch(text.translate(_NARROW))
    return Fraction(int(found[1]), int(found[2])) if found and int(found[2]) else None


def exact(value: int, per: int) -> int | Fraction:
    """The amount that is kept as a numerator and a denominator."""
    return value if per == 1 else Fraction(value, per)


def closed_up(words: str) -> str:
    """Words without doubled spaces and without spaces between two Chinese characters."""
    return re.sub(
        r"(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff])", "", re.sub(" +", " ", words)
    ).strip()


class Dated(Protocol):
    """Whatever holds from a day to a day."""

    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...


def overlap(a: Dated, b: Dated) -> bool:
    """Whether there is a day on which both hold."""
    starts = max(a.valid_from or date.min, b.valid_from or date.min)
    return starts <= min(a.valid_to or date.max, b.valid_to or date.max)
