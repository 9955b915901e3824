"""What offices write, and what is meant: full-width digits, blanks inside a name, invisible
characters, days and terms in many spellings. No database in here.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta

# pasted along from web pages and telephone books; marks that turn the order of letters are none
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202c"))
_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))  # other scripts need them
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_NAME = re.compile(rf"[{_HAN}]+(?:\s*[·•‧・．.]?\s*[{_HAN}]+)*")
_DOT = re.compile(r"\s*[·•‧・．]\s*")
_HAS_HAN = re.compile(rf"[{_HAN}]")
_DAY = re.compile(
    r"(\d{4})\s*[-/.,。、年]\s*(\d{1,2})\s*[-/.,。、月]\s*(\d{1,2})\s*[日号]?(?: 00:00(?::00)?)?"
)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_TERM = re.compile(r"第?(\d{1,2}|[一二三四五六七八九十]{1,3})届?")
_NUMERALS = "零一二三四五六七八九"
EPOCH = date(1899, 12, 30)  # day 0 of a spreadsheet's serials
SERIALS = range(18264, 73051)  # 1950 to 2099
OPEN = ("至今", "现在", "未定", "在任", "今")


def unseen_out(text: str) -> str:
    """The text without characters that nobody sees, odd blanks made plain ones."""
    text = text.translate(_UNSEEN)
    if _HAS_HAN.search(text):
        text = text.translate(_JOINERS)
    return " ".join(text.replace("\u00a0", " ").replace("\u3000", " ").split())


def code(text: str) -> str:
    """A number, code or user name: plain width; blanks between digits are none."""
    plain = unicodedata.normalize("NFKC", unseen_out(text))
    return plain.replace(" ", "") if re.fullmatch(r"[\d -]+", plain) else plain


def name(text: str) -> str:
    """A person's name: a Chinese one has no blanks inside, its dot is one of a kind."""
    plain = unseen_out(text)
    if _HAN_NAME.fullmatch(plain):
        return _DOT.sub("·", plain).replace(" ", "")
    return plain


def words(text: str) -> str:
    """A name of a unit or a choice: as a name, with plain digits and letters."""
    plain = unseen_out(text)
    return plain.replace(" ", "") if _HAS_HAN.search(plain) else plain


def term(text: str) -> str:
    """第八届 for 八届, 8届, 第8届, 第 八 届; anything else without blanks, as it stands."""
    plain = words(unicodedata.normalize("NFKC", unseen_out(text)))
    found = _TERM.fullmatch(plain)
    if found is None or not (plain.startswith("第") or plain.endswith("届")):
        return plain
    number = int(found[1]) if found[1].isdecimal() else _counted(found[1])
    return f"第{_numeral(number)}届" if number else plain


def _counted(numeral: str) -> int:
    """The number of a Chinese numeral up to ninety-nine; 0 for none."""
    tens, ten, ones = numeral.rpartition("十")
    if not ten:
        return _NUMERALS.find(numeral) if len(numeral) == 1 else 0
    if len(tens) > 1 or len(ones) > 1:
        return 0
    return 10 * (_NUMERALS.find(tens) if tens else 1) + (_NUMERALS.find(ones) if ones else 0)


def _numeral(number: int) -> str:
    tens, ones = divmod(number, 10)
    head = ("" if tens == 1 else _NUMERALS[tens]) + "十" if tens else ""
    return head + (_NUMERALS[ones] if ones or not tens else "")


def day(value: object) -> str:
    """A day as 2025-09-01; what is none stays as it was written, for a person to correct."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    text = unicodedata.normalize("NFKC", unseen_out(plain(value)))
    if text in OPEN:
        return ""
    if text.isdecimal() and len(text) == 5 and int(text) in SERIALS:
        return (EPOCH + timedelta(days=int(text))).isoformat()
    found = _DAY.fullmatch(text) or _COMPACT.fullmatch(text)
    try:
        return date(*map(int, found.groups())).isoformat() if found else text
    except ValueError:
        return text


def shown(value: object) -> str:
    """What a cell shows: its text, a whole number without a point, a day as 2025-09-01."""
    return (day(value) if isinstance(value, date) else plain(value)).strip()


def plain(value: object) -> str:
    """The value of a cell as text: whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return str(value)
