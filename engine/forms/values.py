"""The kinds of answers as marshmallow fields: taken as JSON or as a browser sends them, given back
plain.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields

from engine.forms import amounts
from engine.forms.form import MAX_NUMBER, Unit
from engine.forms.text import tidy
from engine.messages import _

MAX_CHECKED = 2_000
_FULL_WIDTH_DIGITS = str.maketrans(
    {**{0xFF10 + n: str(n) for n in range(10)}, 0xFF0D: "-", 0xFF0B: "+"}
)


class _Verbatim(fields.Field[Any]):
    """A field that says its messages as they are: marshmallow formats them, which takes their
    translation away.
    """

    def make_error(self, key: str, **_values: Any) -> ValidationError:
        return ValidationError(self.error_messages[key])


class Text(_Verbatim, fields.String):
    """A text, tidied; an answer of nothing visible counts as none."""

    def __init__(self, longest: int, one_line: bool = False, **options: Any) -> None:
        self.longest, self.one_line = longest, one_line
        super().__init__(**options)

    def _deserialize(self, value: object, *_args: Any, **_kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError(_("应是文字"))
        text = tidy(value, self.longest)
        if self.one_line and "\n" in text:
            raise ValidationError(_("这一项只能写一行"))
        if self.required and not text:
            raise ValidationError(_("必填"))
        return text


class Whole(_Verbatim, fields.Integer):
    """A whole number, or its digits as a browser sends them; never a float, never a bool."""

    def _deserialize(self, value: object, *_args: Any, **_kwargs: Any) -> Any:
        if isinstance(value, str) and len(value) <= 40:
            digits = value.strip().translate(_FULL_WIDTH_DIGITS)
            value = int(digits) if re.fullmatch(r"[+-]?[0-9]{1,20}", digits) else value
        if type(value) is not int:
            raise ValidationError(_("应是整数"))
        if abs(value) > MAX_NUMBER:
            raise ValidationError(_("数字太大"))
        return value


class Amount(_Verbatim, fields.Raw):
    """Money or a quantity, as people write it; a whole number is one of the smallest unit, as the
    answer is kept and given back. Never a float.
    """

    def __init__(self, unit: Unit, **options: Any) -> None:
        self.unit = unit
        super().__init__(**options)

    def _deserialize(self, value: object, *_args: Any, **_kwargs: Any) -> Any:
        if isinstance(value, str):
            value = self._read(value)
        if type(value) is float:
            raise ValidationError(
                _("请写成文字，例如 {example}，不能是浮点数", example='"1234.50"')
            )
        if type(value) is not int:
            raise ValidationError(self._unclear())
        if abs(value) > MAX_NUMBER:
            raise ValidationError(_("数字太大"))
        return value

    def _read(self, text: str) -> int:
        unit = self.unit
        try:
            return amounts.read(text, unit.decimals, unit.zh, money=unit.money)
        except amounts.Unclear as fault:
            if fault.long:
                raise ValidationError(_("最多 {n} 位小数", n=unit.decimals)) from None
            raise ValidationError(self._unclear()) from None

    def _unclear(self) -> str:
        example = amounts.written(12345678 if self.unit.decimals else 1234, self.unit.decimals)
        return _("看不出是多少，请写成 {example} 这样", example=example)


class Day(_Verbatim, fields.Date):
    """A day, kept as "YYYY-MM-DD"."""

    def _deserialize(self, value: object, *_args: Any, **_kwargs: Any) -> Any:
        text = value.strip() if isinstance(value, str) and len(value) <= 40 else ""
        try:
            day = date.fromisoformat(
                text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else ""
            )
        except ValueError:
            raise ValidationError(_("应是日期，例如 2026-03-02")) from None
        if not 1900 <= day.year <= 2199:
            raise ValidationError(_("年份应在 1900 至 2199 之间"))
        return day.isoformat()


class Tick(_Verbatim, fields.Boolean):
    """Ticked or not, as JSON or as a browser says it."""

    def _deserialize(self, value: object, *_args: Any, **_kwargs: Any) -> Any:
        if value is True or value == "on" or value == "true":
            return True
        if value is False or value == "off" or value == "false":
            return False
        raise ValidationError(_("应是勾选或不勾选"))


class One(_Verbatim, fields.String):
    """One of the choices, by its value; with a source the caller's list is checked afterwards."""

    def _deserialize(self, value: object, *_args: Any, **_kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError(_("请从选项中选择"))
        if not (chosen := tidy(value, 200)):
            raise ValidationError(_("请从选项中选择"))
        return chosen


class Many(_Verbatim, fields.List[Any]):
    """Different choices; a single one may come bare, as a browser sends it."""

    def _deserialize(self, value: object, *rest: Any, **options: Any) -> Any:
        chosen = [value] if isinstance(value, str) else value
        if not isinstance(chosen, list) or len(chosen) > MAX_CHECKED:
            raise ValidationError(_("请从选项中选择"))
        values = super()._deserialize(chosen, *rest, **options)
        if len(set(values)) < len(values):
            raise ValidationError(_("选项有重复"))
        return values
