"""Reads a form from form-js, the open JSON format of bpmn.io; what cannot be understood is a
ProcessFault.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import expressions
from engine.errors import ProcessFault
from engine.forms import hiding
from engine.forms.form import (
    CHOOSING,
    KEY,
    KINDS,
    MAX_LENGTH,
    MAX_NUMBER,
    Bounds,
    Choice,
    Field,
    Form,
    Limits,
)
from engine.messages import Listed, _

DEFAULT_LENGTH = {"textfield": 500, "textarea": 10_000}
MAX_COMPONENTS = 200
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
    form = Form(str(form_id), tuple(_field(n, each) for n, each in enumerate(components, 1)))
    keys = [each.key for each in form.asked]
    for key in keys:
        _expect(keys.count(key) == 1, _("有两项都叫 {key}", key=key))
    hiding.order(form)
    _among(form)
    return form


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

    def flag(self, name: str) -> bool:
        """Only what says true is true."""
        return self.values.get(name) is True


def _field(number: int, given: object) -> Field:
    if not isinstance(given, dict):
        raise ProcessFault(_("第 {number} 项应是一组属性", number=number))
    values: dict[str, Any] = given
    kind, key = _kind_and_key(number, values)
    component = _Group(values, f"“{key}”" if key else _("第 {number} 项", number=number))
    properties, rules = component.group("properties"), component.group("validate")
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
        limits=_limits(kind, rules),
        bounds=_bounds(properties) if kind == "datetime" else Bounds(),
        once=properties.text("once"),
        among=properties.text("among"),
    )


def _differs(properties: _Group) -> bool:
    """Must the answer differ from the one of a former round?"""
    said = properties.text("differs")
    sound = said in ("", "former")
    _expect(sound, _("{place} 的 differs 只能写 former", place=properties.place))
    return bool(said)


def _bounds(properties: _Group) -> Bounds:
    return Bounds(
        not_before=properties.text("not_before"),
        not_after=properties.text("not_after"),
        usual_from=properties.text("usual_from"),
        usual_to=properties.text("usual_to"),
        words=properties.text("bounds"),
        words_en=properties.text("bounds_en"),
    )


def _kind_and_key(number: int, values: Mapping[str, Any]) -> tuple[str, str]:
    """The type of a component, and its key: "" of a text."""
    kind, key = values.get("type"), values.get("key", "")
    known = isinstance(kind, str) and kind in KINDS
    wrong_kind = _(
        "第 {number} 项的类型 {kind} 不能用，可用 {kinds}",
        number=number,
        kind=repr(kind),
        kinds=Listed(sorted(KINDS)),
    )
    _expect(known, wrong_kind)
    if kind == "text":
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


def _limits(kind: str, rules: _Group) -> Limits:
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
