"""Reads a form from form-js, the open JSON format of bpmn.io; what cannot be understood is a
ProcessFault.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine import expressions
from engine.errors import ProcessFault
from engine.forms import amounts, hiding
from engine.forms.form import (
    CHOOSING,
    IN_ROWS,
    KEY,
    KINDS,
    MAX_LENGTH,
    MAX_NUMBER,
    MAX_ROWS,
    SHOWN,
    Bounds,
    Choice,
    Field,
    Form,
    Limits,
    Unit,
)
from engine.messages import Listed, _

DEFAULT_LENGTH = {"textfield": 500, "textarea": 10_000}
MAX_COMPONENTS = 200
CURRENCY = "CNY"
_LABELS = {"text": "text", "datetime": "dateLabel"}  # where a component has its label, else "label"


def load(schema: dict[str, Any]) -> Form:
    """The form that a form-js `schema` describes; ProcessFault if it cannot be understood."""
    is_form = isinstance(schema, dict) and schema.get("type") == "default"
    _expect(is_form, _("表单应是 form-js 格式，type 为 default"))
    form_id, components = schema.get("id"), schema.get("components")
    _expect(isinstance(form_id, str) and bool(form_id), _("表单缺少 id"))
    if not isinstance(components, list):
        raise ProcessFault(_("表单缺少 components 清单"))
    few = len(components) <= MAX_COMPONENTS
    _expect(few, _("表单最多 {most} 项", most=MAX_COMPONENTS))
    form = Form(str(form_id), _fields(components))
    hiding.order(form)
    _among(form)
    return form


def _fields(components: list[Any]) -> tuple[Field, ...]:
    """Components from top to bottom; what stands in a group follows its heading. Each key once."""
    found = tuple(_flat(components))
    keys = [each.key for each in found if each.key]
    for key in keys:
        _expect(keys.count(key) == 1, _("有两项都叫 {key}", key=key))
    return found


def _flat(components: list[Any]) -> Iterator[Field]:
    for number, each in enumerate(components, 1):
        found = _field(number, each)
        yield found
        if found.kind == "group":
            inner = _inner(each, found.label)
            _expect(
                not any(isinstance(e, dict) and e.get("type") == "group" for e in inner),
                _("分组“{label}”里不能再分组", label=found.label),
            )
            yield from (_within(found, field) for field in _flat(inner))


def _inner(component: dict[str, Any], name: str) -> list[Any]:
    inner = component.get("components")
    sound = isinstance(inner, list) and 0 < len(inner) <= MAX_COMPONENTS
    _expect(sound, _("“{key}”缺少 components 清单", key=name))
    return list(inner or ())


def _within(group: Field, field: Field) -> Field:
    """A field of a group is hidden with the group."""
    both = filter(None, (group.hide, field.hide))
    hide = " or ".join(f"({each})" for each in both) if group.hide and field.hide else ""
    return replace(field, hide=hide or group.hide or field.hide)


def _among(form: Form) -> None:
    """What is chosen among the ticks of another list follows that list, and offers the same."""
    for place, each in enumerate(form.fields):
        before = {other.key: other for other in form.fields[:place] if other.kind == "checklist"}
        whole = before.get(each.among)
        sound = whole is not None and (each.source, each.choices) == (whole.source, whole.choices)
        wrong = _("“{key}”的 among 应是前面一项来源相同的清单（checklist）", key=each.key)
        _expect(not each.among or (sound and each.kind in CHOOSING), wrong)


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ProcessFault(otherwise)


@dataclass(frozen=True, slots=True)
class _Group:
    """A group of properties, and the words for the component it belongs to."""

    values: dict[str, Any]
    place: str

    def group(self, name: str) -> _Group:
        """A group inside the group; an empty one when it is not there."""
        inner = self.values.get(name) or {}
        wrong = _("{place} 的 {name} 应是一组属性", place=self.place, name=name)
        _expect(isinstance(inner, dict), wrong)
        return _Group(inner, self.place)

    def text(self, name: str) -> str:
        """A text; "" when it is not there."""
        text = self.values.get(name) or ""
        wrong = _("{place} 的 {name} 应是文字", place=self.place, name=name)
        _expect(isinstance(text, str), wrong)
        return str(text)

    def whole(self, name: str, least: int = -MAX_NUMBER) -> int | None:
        """A whole number; None when it is not there."""
        number = self.values.get(name)
        if number is None or number == "":
            return None
        sound = type(number) is int and least <= number <= MAX_NUMBER
        _expect(sound, _("{place} 的 {name} 应是整数", place=self.place, name=name))
        return int(number)

    def count(self, name: str, most: int) -> int | None:
        """A small whole number, which an editor of properties keeps as its digits."""
        number = self.values.get(name)
        if number is None or number == "":
            return None
        number = int(number) if isinstance(number, str) and number.isdecimal() else number
        sound = type(number) is int and 0 <= number <= most
        wrong = _(
            "{place} 的 {name} 应是 0 至 {most} 的整数", place=self.place, name=name, most=most
        )
        _expect(sound, wrong)
        return int(number)

    def amount(self, name: str, decimals: int) -> int | None:
        """A number with so many decimals, in its smallest unit. JSON's decimals come as they are
        written: the shortest digits of a float are those of the author.
        """
        number = self.values.get(name)
        if number is None or number == "":
            return None
        wrong = _(
            "{place} 的 {name} 应是最多 {n} 位小数的数", place=self.place, name=name, n=decimals
        )
        _expect(type(number) in (int, float, str), wrong)
        try:
            size = amounts.read(str(number), decimals)
        except amounts.Unclear:
            raise ProcessFault(wrong) from None
        _expect(abs(size) <= MAX_NUMBER, wrong)
        return size

    def flag(self, name: str) -> bool:
        """Only what says true is true."""
        return self.values.get(name) is True

    def ticked(self, name: str) -> bool:
        """A property that says true, as an editor of properties keeps it."""
        return self.values.get(name) in (True, "true")


def _field(number: int, given: object) -> Field:
    if not isinstance(given, dict):
        raise ProcessFault(_("第 {number} 项应是一组属性", number=number))
    values: dict[str, Any] = given
    kind, key = _kind_and_key(number, values)
    component = _Group(values, f"“{key}”" if key else _("第 {number} 项", number=number))
    properties, rules = component.group("properties"), component.group("validate")
    unit = _unit(kind, component, properties)
    return Field(
        key=key,
        kind=kind,
        label=component.text(_LABELS.get(kind, "label")) or component.text("label"),
        label_en=properties.text("label_en") or properties.text("text_en"),
        description=component.text("description"),
        description_en=properties.text("description_en"),
        required=rules.flag("required"),
        choices=_choices(component, properties) if kind in CHOOSING else (),
        source=properties.text("source"),
        room=tuple(properties.text("room").replace(",", " ").split()),
        hide=component.group("conditional").text("hide").strip().removeprefix("=").strip(),
        multiple=component.flag("multiple"),
        differs=_differs(properties),
        limits=_limits(kind, rules, properties, unit),
        bounds=_bounds(properties),
        unit=unit,
        expression=_expression(component) if kind == "expression" else "",
        fields=_columns(component) if kind == "dynamiclist" else (),
        summed=properties.ticked("sum"),
        once=properties.text("once"),
        among=properties.text("among"),
    )


def _differs(properties: _Group) -> bool:
    """Must the answer differ from the one of a former round?"""
    said = properties.text("differs")
    sound = said in ("", "former")
    _expect(sound, _("{place} 的 differs 只能写 former", place=properties.place))
    return bool(said)


def _expression(component: _Group) -> str:
    said = component.text("expression").strip().removeprefix("=").strip()
    _expect(bool(said), _("{place} 没有写怎样计算（expression）", place=component.place))
    return said


def _columns(component: _Group) -> tuple[Field, ...]:
    found = _fields(_inner(component.values, component.place.strip("“”")))
    for each in found:
        wrong = _(
            "{place} 的一列“{key}”是 {kind}，表格里可用 {kinds}",
            place=component.place,
            key=each.key or each.label,
            kind=each.kind,
            kinds=Listed(sorted(IN_ROWS)),
        )
        _expect(each.kind in IN_ROWS, wrong)
    return found


def _unit(kind: str, component: _Group, properties: _Group) -> Unit | None:
    """The unit of a number, or of what is calculated; None of a plain whole number."""
    if kind not in ("number", "expression"):
        return None
    decimals = component.count("decimalDigits", amounts.MAX_DECIMALS)
    unit = component.group("appearance").text("suffixAdorner")
    currency = properties.text("money")
    if currency:
        _expect(currency == CURRENCY, _("{place} 的 money 只能写 CNY", place=component.place))
        _expect(
            decimals in (None, 2), _("{place} 是金额，decimalDigits 应为 2", place=component.place)
        )
        return Unit(2, unit or "元", properties.text("unit_en") or "yuan", money=True)
    if not decimals and not unit:
        return None
    return Unit(decimals or 0, unit, properties.text("unit_en"))


def _bounds(properties: _Group) -> Bounds:
    return Bounds(
        holds=properties.text("holds").strip().removeprefix("=").strip(),
        not_before=properties.text("not_before"),
        not_after=properties.text("not_after"),
        usual_from=properties.text("usual_from"),
        usual_to=properties.text("usual_to"),
        words=properties.text("bounds"),
        words_en=properties.text("bounds_en"),
    )


def _kind_and_key(number: int, values: Mapping[str, Any]) -> tuple[str, str]:
    """The type of a component, and its key: "" of a text."""
    kind = values.get("type")
    key = values.get("path" if kind == "dynamiclist" else "key", "")  # as form-js calls it
    known = isinstance(kind, str) and kind in KINDS
    wrong_kind = _(
        "第 {number} 项的类型 {kind} 不能用，可用 {kinds}",
        number=number,
        kind=repr(kind),
        kinds=Listed(sorted(KINDS)),
    )
    _expect(known, wrong_kind)
    if isinstance(kind, str) and kind in SHOWN:
        return kind, ""
    wrong_key = _(
        "第 {number} 项的 key 要用小写字母开头的字母、数字、下划线，这里是 {key}",
        number=number,
        key=repr(key),
    )
    _expect(_is_key(key), wrong_key)
    return str(kind), str(key)


def _is_key(key: object) -> bool:
    """A key must also be a name that expressions can read."""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        return False
    return not keyword.iskeyword(key) and key not in expressions.CONSTANTS


def _choices(component: _Group, properties: _Group) -> tuple[Choice, ...]:
    values = component.values.get("values") or []
    sound = isinstance(values, list) and all(map(_is_choice, values))
    wrong = _("{place} 的 values 应是 label 和 value（文字）的清单", place=component.place)
    _expect(sound, wrong)
    english = properties.text("values_en").split("|")
    english += [""] * (len(values) - len(english))
    return tuple(
        Choice(each["value"], each["label"], text.strip())
        for each, text in zip(values, english, strict=False)
    )


def _is_choice(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("value"), str) and isinstance(value.get("label"), str)


def _limits(kind: str, rules: _Group, properties: _Group, unit: Unit | None) -> Limits:
    """Of a number with a unit negative ones only where its min says so; of a table its rows."""
    if kind == "dynamiclist":
        rows = properties.count("min_rows", MAX_ROWS), properties.count("max_rows", MAX_ROWS)
        return Limits(minimum=rows[0], maximum=rows[1])
    if unit:
        least = rules.amount("min", unit.decimals)
        return Limits(
            minimum=0 if least is None and kind == "number" else least,
            maximum=rules.amount("max", unit.decimals),
        )
    low, high = rules.whole("minLength", 0), rules.whole("maxLength", 0)
    short = _("{place} 的 maxLength 最多 {most}", place=rules.place, most=MAX_LENGTH)
    _expect((high or 0) <= MAX_LENGTH, short)
    pattern = rules.text("pattern") or None
    regular = pattern is None or _compiled(pattern) is not None
    _expect(regular, _("{place} 的 pattern 不是正确的正则表达式", place=rules.place))
    return Limits(
        min_length=low,
        max_length=DEFAULT_LENGTH.get(kind) if high is None else high,
        minimum=rules.whole("min"),
        maximum=rules.whole("max"),
        pattern=pattern,
    )


def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
