"""Reads a form from form-js, the open JSON format of bpmn.io; what cannot be understood is a ProcessFault."""

from __future__ import annotations

import keyword
import re
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
    Choice,
    Field,
    Form,
    Limits,
)

DEFAULT_LENGTH = {"textfield": 500, "textarea": 10_000}
MAX_COMPONENTS = 200


def load(schema: dict[str, Any]) -> Form:
    """The form that a form-js `schema` describes; ProcessFault if it cannot be understood."""
    _expect(
        isinstance(schema, dict) and schema.get("type") == "default",
        "表单应是 form-js 格式，type 为 default",
    )
    _expect(isinstance(schema.get("id"), str) and bool(schema["id"]), "表单缺少 id")
    components = schema.get("components")
    _expect(isinstance(components, list), "表单缺少 components 清单")
    _expect(len(components) <= MAX_COMPONENTS, f"表单最多 {MAX_COMPONENTS} 项")  # type: ignore[arg-type]
    form = Form(schema["id"], tuple(_field(n, each) for n, each in enumerate(components or [], 1)))
    keys = [each.key for each in form.asked]
    for key in keys:
        _expect(keys.count(key) == 1, f"有两项都叫 {key}")
    hiding.order(form)
    return form


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ProcessFault(otherwise)


def _field(number: int, component: Any) -> Field:
    _expect(isinstance(component, dict), f"第 {number} 项应是一组属性")
    kind, key = component.get("type"), component.get("key", "")
    known = isinstance(kind, str) and kind in KINDS
    _expect(known, f"第 {number} 项的类型 {kind!r} 不能用，可用 {'、'.join(sorted(KINDS))}")
    key = "" if kind == "text" else key
    _expect(
        kind == "text" or _is_key(key),
        f"第 {number} 项的 key 要用小写字母开头的字母、数字、下划线，这里是 {key!r}",
    )
    place = f"“{key}”" if key else f"第 {number} 项"
    properties, rules = _group(component, "properties", place), _group(component, "validate", place)
    label_name = {"text": "text", "datetime": "dateLabel"}.get(kind, "label")
    return Field(
        key=key,
        kind=kind,
        label=_string(component, label_name, place) or _string(component, "label", place),
        label_en=_string(properties, "label_en", place) or _string(properties, "text_en", place),
        description=_string(component, "description", place),
        description_en=_string(properties, "description_en", place),
        required=rules.get("required") is True,
        choices=_choices(component, properties, place) if kind in CHOOSING else (),
        source=_string(properties, "source", place),
        hide=_string(_group(component, "conditional", place), "hide", place)
        .strip()
        .removeprefix("=")
        .strip(),
        multiple=component.get("multiple") is True,
        limits=_limits(kind, rules, place),
    )


def _is_key(key: Any) -> bool:
    """A key must also be a name that expressions can read."""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        return False
    return not keyword.iskeyword(key) and key not in expressions.CONSTANTS


def _group(component: dict[str, Any], name: str, place: str) -> dict[str, Any]:
    group = component.get(name) or {}
    _expect(isinstance(group, dict), f"{place} 的 {name} 应是一组属性")
    return dict(group)


def _string(group: dict[str, Any], name: str, place: str) -> str:
    text = group.get(name) or ""
    _expect(isinstance(text, str), f"{place} 的 {name} 应是文字")
    return str(text)


def _choices(
    component: dict[str, Any], properties: dict[str, Any], place: str
) -> tuple[Choice, ...]:
    values = component.get("values") or []
    sound = isinstance(values, list) and all(
        isinstance(each, dict)
        and isinstance(each.get("value"), str)
        and isinstance(each.get("label"), str)
        for each in values
    )
    _expect(sound, f"{place} 的 values 应是 label 和 value（文字）的清单")
    english = _string(properties, "values_en", place).split("|")
    english += [""] * (len(values) - len(english))
    return tuple(
        Choice(v["value"], v["label"], en.strip()) for v, en in zip(values, english, strict=False)
    )


def _limits(kind: str, rules: dict[str, Any], place: str) -> Limits:
    low, high = _whole(rules, "minLength", place), _whole(rules, "maxLength", place)
    _expect((high or 0) <= MAX_LENGTH, f"{place} 的 maxLength 最多 {MAX_LENGTH}")
    pattern = _string(rules, "pattern", place) or None
    _expect(
        pattern is None or _compiled(pattern) is not None,
        f"{place} 的 pattern 不是正确的正则表达式",
    )
    return Limits(
        min_length=low,
        max_length=DEFAULT_LENGTH.get(kind) if high is None else high,
        minimum=_whole(rules, "min", place),
        maximum=_whole(rules, "max", place),
        pattern=pattern,
    )


def _whole(rules: dict[str, Any], name: str, place: str) -> int | None:
    number = rules.get(name)
    if number is None or number == "":
        return None
    sound = (
        type(number) is int
        and abs(number) <= MAX_NUMBER
        and (number >= 0 or name in {"min", "max"})
    )
    _expect(sound, f"{place} 的 {name} 应是整数")
    return int(number)


def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
