"""The marshmallow schema of a form's answers, generated from its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from engine.forms import patterns
from engine.forms.form import MAX_LENGTH, Field, Form
from engine.forms.values import Amount, Day, Many, One, Text, Tick, Whole
from engine.messages import Both, _

ATTACHMENT = re.compile(r"[A-Za-z0-9-]{1,64}")
MAX_FILES = 20
COMPOSED = frozenset({"expression", "dynamiclist"})  # made of other answers
_WRONG = {
    "required": _("必填"),
    "null": _("必填"),
    "invalid": _("填写的格式不对"),
    "validator_failed": _("填写的内容不对"),
}


class _Answers(Schema):
    """Ancestor of every generated schema: unknown fields refused, an empty answer is no answer."""

    error_messages = {"unknown": _("本表单没有这一项"), "type": _("应是一组答案")}

    class Meta:
        unknown = RAISE

    @pre_load
    def drop_empty(self, data: object, **_kwargs: Any) -> Any:
        return (
            {key: value for key, value in data.items() if not empty(value)}
            if isinstance(data, Mapping)
            else data
        )


def empty(value: object) -> bool:
    """Is this no answer?"""
    if isinstance(value, str):
        return not value or (len(value) <= 1_000 and value.isspace())
    return value is None or value == []


@lru_cache(maxsize=1024)
def schema_of(form: Form) -> type[Schema]:
    """The marshmallow schema of the answers, also for OpenAPI. It knows neither hiding nor sources:
    see `clean`.
    """
    return _Answers.from_dict({each.key: _answer(each) for each in form.asked}, name=_name(form))


def _name(form: Form) -> str:
    return "".join(part.capitalize() for part in re.findall(r"[A-Za-z0-9]+", form.id)) + "Answers"


@lru_cache(maxsize=1024)
def loader(form: Form) -> Schema:
    """The schema of the plain answers, ready to load: tables and what is calculated are made of
    these, see `clean`. One serves all threads, since it keeps nothing of what it loads.
    """
    plain = {each.key: _answer(each) for each in form.asked if each.kind not in COMPOSED}
    return _Answers.from_dict(plain, name=_name(form))()


def _answer(each: Field) -> fields.Field[Any]:
    options = _options(each)
    match each.kind:
        case "textfield" | "textarea":
            longest = MAX_LENGTH if each.limits.max_length is None else each.limits.max_length
            return Text(longest, each.kind == "textfield", **options)
        case "number":
            return _number(each, options)
        case "expression":
            return Whole(**{**options, "dump_only": True, "required": False, "validate": []})
        case "dynamiclist":
            rows = [validate.Length(each.limits.minimum, each.limits.maximum)]
            row = fields.Nested(schema_of(each.row))
            return fields.List(row, **{**options, "validate": rows})
        case "checkbox":
            return Tick(**options)
        case "datetime":
            return Day(**options)
        case "checklist":
            return Many(One(validate=list(_member_of(each))), **options)
        case "filepicker":
            return Many(One(validate=_Regexp(ATTACHMENT, error=_("附件编号不对"))), **options)
        case _:
            return One(**options)


def _number(each: Field, options: dict[str, Any]) -> fields.Field[Any]:
    unit = each.unit
    if unit is None:
        return Whole(**options)
    smallest = unit.shown(1)
    said = f"As people write it, in {unit.zh}; a whole number is one of {smallest}."
    options["metadata"] |= {
        "oneOf": [{"type": "integer"}, {"type": "string"}],
        "description": f"{options['metadata']['description']} — {said}",
    }
    return Amount(unit, **options)


def _options(each: Field) -> dict[str, Any]:
    """What the fields of all kinds take."""
    unticked = {"required": _("请勾选")} if each.kind == "checkbox" else {}
    options: dict[str, Any] = {
        "required": each.required,
        "error_messages": {**_WRONG, **unticked},
        "metadata": {"title": each.label, "description": each.description or each.label},
        "validate": list(_validators(each)),
    }
    if not each.required and each.kind in {"checkbox", "checklist", "filepicker"}:
        options["load_default"] = False if each.kind == "checkbox" else list
    return options


def _validators(each: Field) -> Iterator[validate.Validator]:
    limits = each.limits
    if each.kind in {"textfield", "textarea"}:
        if least := limits.min_length:
            error = _("至少 {min_length} 个字", min_length=least)
            yield _Unless("", _Length(min=least, error=error))
        if limits.pattern:
            yield _Unless("", _Matches(limits.pattern))
    elif each.kind in {"number", "expression"}:
        yield from size(each)
    elif each.kind == "checkbox" and each.required:
        yield _Equal(True, error=_("请勾选"))
    elif each.kind in {"select", "radio"}:
        yield from _member_of(each)
    elif each.kind in {"checklist", "filepicker"}:
        yield from _how_many(each)


def size(each: Field) -> Iterator[validate.Validator]:
    """How large a number may be."""
    least, most = each.limits.minimum, each.limits.maximum
    if least is not None:
        yield _Range(min=least, error=_("不能小于 {minimum}", minimum=_said(each, least)))
    if most is not None:
        yield _Range(max=most, error=_("不能大于 {maximum}", maximum=_said(each, most)))


def _said(each: Field, value: int) -> object:
    return Both(each.said(value), each.said(value, "en")) if each.unit else value


def _member_of(each: Field) -> Iterator[validate.Validator]:
    if not each.source:
        values = [choice.value for choice in each.choices]
        yield _OneOf(values, [choice.label for choice in each.choices], error=_("请从选项中选择"))


def _how_many(each: Field) -> Iterator[validate.Validator]:
    if each.kind == "filepicker":
        most = MAX_FILES if each.multiple else 1
        yield _Length(max=most, error=_("最多 {most} 个附件", most=most))
    if each.required:
        yield _Length(min=1, error=_("必填"))


class _Verbatim:
    """A validator that says its message as it is: marshmallow formats messages, which takes their
    translation away.
    """

    error: Any  # as each validator declares it

    def _format_error(self, *_values: Any) -> Any:
        return self.error


class _Length(_Verbatim, validate.Length): ...


class _Range(_Verbatim, validate.Range): ...


class _Equal(_Verbatim, validate.Equal): ...


class _OneOf(_Verbatim, validate.OneOf): ...


class _Regexp(_Verbatim, validate.Regexp): ...


class _Unless(validate.Validator):
    """Leaves one value alone and asks another validator about the rest."""

    def __init__(self, value: object, other: validate.Validator) -> None:
        self.value, self.other = value, other

    def __call__(self, value: object) -> Any:
        return value if value == self.value else self.other(value)


class _Matches(validate.Validator):
    """The whole text must have the shape."""

    def __init__(self, pattern: str) -> None:
        self.fits = patterns.matcher(pattern)

    def __call__(self, value: str) -> str:
        if not self.fits(value):
            raise ValidationError(_("填写的格式不对"))
        return value
