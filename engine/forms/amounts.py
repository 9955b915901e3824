"""Money and quantities: read as people write them, kept as whole numbers of the smallest unit (of
money the fen), shown as people read them. Nowhere a float.
"""

from __future__ import annotations

import re
import unicodedata

from engine.expressions.values import MAX_DECIMALS

__all__ = ["MAX_DECIMALS", "Unclear", "capitals", "read", "scaled", "written"]
MAX_WRITTEN = 60
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\uff0d": "-", "\u3001": ","})
_PLAIN = r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)"
_TAIL = r"(?:\.([0-9]+))?"
_NUMBER = re.compile(rf"([+-]?)({_PLAIN}){_TAIL}")
# 1.5万, and 3万5000 with all four digits: 3万5 may mean 35,000 or 30,005
_MYRIADS = re.compile(rf"([+-]?)({_PLAIN}){_TAIL}(万|亿)([0-9]{{4}}|[0-9]{{8}})?{_TAIL}")
_OF_MONEY = re.compile(r"\A([+-]?)(?:人民币|RMB|CNY|[¥￥])", re.IGNORECASE)
_GAP = re.compile(r"(?<![0-9])\s+|\s+(?![0-9])")
_TENS = {"万": 4, "亿": 8}
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


class Unclear(ValueError):
    """A text that is no amount, or one that could be read in two ways. `long`: only its decimals
    are too many.
    """

    def __init__(self, *, long: bool = False) -> None:
        self.long = long


def read(text: str, decimals: int, unit: str = "", *, money: bool = False) -> int:
    """The amount in its smallest unit: "1,234.5 元" with two decimals is 123450, "1.2万" 1200000.

    Full-width digits are digits. Raises Unclear.
    """
    bare = unicodedata.normalize("NFKC", text[: MAX_WRITTEN + 1]).translate(_SIGNS)
    bare = _GAP.sub("", bare)  # between two digits it could be anything
    if len(bare) > MAX_WRITTEN:
        raise Unclear
    ends = {unit, *(("元", "圆", "块", "元整", "圆整") if money else ())}
    for end in sorted(filter(None, ends), key=len, reverse=True):
        if bare.endswith(end):
            bare = bare.removesuffix(end)
            break
    bare = _OF_MONEY.sub(r"\1", bare) if money else bare
    return _digits(bare, decimals)


def _digits(bare: str, decimals: int) -> int:
    if found := _NUMBER.fullmatch(bare):
        sign, whole, tail = found.groups()
        size = scaled(whole, tail or "", decimals)
    elif found := _MYRIADS.fullmatch(bare):
        sign, whole, tail, ten, rest, after = found.groups()
        if (rest and (tail or len(rest) != _TENS[ten])) or (after and not rest):
            raise Unclear
        size = scaled(whole, tail or "", decimals + _TENS[ten])
        size += scaled(rest or "0", after or "", decimals)
    else:
        raise Unclear
    return -size if sign == "-" else size


def scaled(whole: str, tail: str, decimals: int) -> int:
    """Digits before and after the point as a whole number of the smallest unit. Raises Unclear."""
    kept, lost = tail[:decimals], tail[decimals:]
    if lost.strip("0"):
        raise Unclear(long=True)
    return int(whole.replace(",", "") + kept.ljust(decimals, "0"))


def written(value: int, decimals: int) -> str:
    """123450 with two decimals is "1,234.50"."""
    size, sign = abs(value), "-" if value < 0 else ""
    whole, rest = divmod(size, 10**decimals)
    return f"{sign}{whole:,}" + (f".{rest:0{decimals}}" if decimals else "")


def capitals(fen: int) -> str:
    """Fen in the capital numerals of bills: 123450 is 壹仟贰佰叁拾肆元伍角整."""
    yuan, rest = divmod(abs(fen), 100)
    jiao, cents = divmod(rest, 10)
    said = f"{_whole(yuan)}元" if yuan or not rest else ""
    if jiao:
        said += f"{_DIGITS[jiao]}角"
    elif cents and yuan:
        said += "零"
    said += f"{_DIGITS[cents]}分" if cents else "整"
    return ("负" if fen < 0 else "") + said


def _whole(number: int) -> str:
    """A whole number by its groups of four digits, from the highest; what is skipped is one 零."""
    said, skipped = "", False
    for place in reversed(range(len(_GROUPS))):
        group = number // 10 ** (4 * place) % 10_000
        if not group:
            skipped = bool(said)
            continue
        said += "零" if said and (skipped or group < 1000) else ""
        said += _group(group) + _GROUPS[place]
        skipped = False
    return said or "零"


def _group(number: int) -> str:
    said, skipped = "", False
    for place in reversed(range(4)):
        digit = number // 10**place % 10
        if not digit:
            skipped = bool(said)
            continue
        said += ("零" if skipped else "") + _DIGITS[digit] + _PLACES[place]
        skipped = False
    return said
