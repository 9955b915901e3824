"""What may be written in the fields of people and units: cleaned text out, or Invalid. No database
in here.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from engine.errors import Invalid
from engine.messages import _
from engine.people import spelling

# control, invisible and broken characters; rare Chinese ones pass
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_PHONE = re.compile(r"\+?[0-9][0-9 -]{4,19}")
_EMAIL = re.compile(r"[^@\s\"'<>,;:\\()\[\]]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
FIRST_DAY, LAST_DAY = date(1950, 1, 1), date(2100, 12, 31)


def hidden(text: str) -> bool:
    """Does the text hold control characters, invisible ones or halves of characters?"""
    return any(unicodedata.category(c) in _HIDDEN for c in text)


def line(field: str, value: str, most: int = 100, least: int = 1) -> str:
    """One line of plain text, blanks joined. It may not begin like a formula: lists are opened in
    spreadsheets.
    """
    text = unicodedata.normalize("NFC", " ".join(value.split(" "))).strip()
    if hidden(text):
        raise Invalid({field: [_("含有不可见的控制字符。")]})
    text = " ".join(text.split())
    if not text and least:
        raise Invalid({field: [_("不能为空。")]})
    if not least <= len(text) <= most:
        wrong = _("应为 {least} 至 {most} 个字。", least=least, most=most)
        raise Invalid({field: [wrong]})
    if text[:1] in ("=", "+", "-", "@"):
        raise Invalid({field: [_("不能以 = + - @ 开头。")]})
    return text


def person(value: str) -> str:
    """A person's name, as it is meant: a Chinese one has no blanks inside."""
    return line("name", spelling.name(value), 60)


def term(value: str) -> str:
    """The name of a term of office, in one spelling, or nothing."""
    return line("term", spelling.term(value), 40, 0)


def login_name(value: str) -> str:
    """A user name as it is compared: width and case folded."""
    return unicodedata.normalize("NFKC", value).strip().casefold()


def username(value: str) -> str:
    """A user name: 2 to 64 of a-z 0-9 . _ @ -, lower case."""
    name = login_name(value)
    if not _USERNAME.fullmatch(name):
        raise Invalid(
            {"username": [_("用户名应为 2 至 64 个字母、数字或 . _ @ -，以字母或数字开头。")]}
        )
    return name


def code(value: str) -> str:
    """A unit's code."""
    text = unicodedata.normalize("NFKC", value).strip()
    if not _CODE.fullmatch(text):
        raise Invalid({"code": [_("编码应为 1 至 32 个字母、数字或 . _ -，以字母或数字开头。")]})
    return text


def phone(value: str) -> str:
    """A telephone number, or nothing."""
    text = unicodedata.normalize("NFKC", value).strip()
    if text and not _PHONE.fullmatch(text):
        raise Invalid({"phone": [_("电话应为 5 至 20 位数字，可有 + 和 -。")]})
    return text


def email(value: str) -> str:
    """An e-mail address, or nothing."""
    text = unicodedata.normalize("NFKC", value).strip()
    if text and (len(text) > 254 or not _EMAIL.fullmatch(text)):
        raise Invalid({"email": [_("邮箱地址不对。")]})
    return text


def city(value: str) -> str:
    """A city's name without the closing 市， so that 杭州 and 杭州市 are one."""
    text = line("city", value, 30, 0)
    return text[:-1] if len(text) > 2 and text.endswith("市") else text


def days(from_on: date, to_on: date | None) -> None:
    """Raise Invalid unless the days are possible and in order; both count."""
    for field, day in (("from_on", from_on), ("to_on", to_on)):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            first, last = FIRST_DAY.year, LAST_DAY.year
            wrong = _("日期应在 {first} 至 {last} 年之间。", first=first, last=last)
            raise Invalid({field: [wrong]})
    if to_on is not None and to_on < from_on:
        raise Invalid({"to_on": [_("止日早于起日。")]})
