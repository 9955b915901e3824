"""Answers, cleaned: hidden and empty ones dropped, every fault told by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from marshmallow import ValidationError

from engine.errors import Invalid
from engine.forms import hiding
from engine.forms.form import KEY, Form
from engine.forms.schema import loader
from engine.messages import Both, Listed, _

MAX_BYTES = 64 * 1024
Source = Callable[[str], list[tuple[str, str]]]


def clean(
    form: Form,
    answers: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    sources: Source | None = None,
) -> dict[str, Any]:
    """The answers as they may be kept, JSON-ready, in the order of the form; `Invalid` with all
    faults by field.

    Hidden fields are dropped; so are empty answers, but a checkbox always says true or false and a
    checklist or filepicker always gives a list. `sources` gives (value, label) pairs; without it a
    source is not checked.
    """
    if not isinstance(answers, Mapping):
        raise Invalid(_("应是一组答案"))
    wrong = _strangers(form, answers)
    known = {each.key: answers[each.key] for each in form.asked if each.key in answers}
    hidden = _hidden(form, known, facts or {})
    values, found = _loaded(
        form, {key: value for key, value in known.items() if key not in hidden}, hidden
    )
    wrong |= found
    for each in form.asked:
        if (
            sources
            and each.source
            and each.key in values
            and not _offered(values[each.key], sources(each.source))
        ):
            wrong[each.key] = [_("请从选项中选择")]
    wrong |= _not_among(form, values)
    kept = {each.key: values[each.key] for each in form.asked if values.get(each.key, "") != ""}
    if wrong:
        fault = Invalid(wrong)
        fault.sound = {key: value for key, value in kept.items() if key not in wrong}
        raise fault
    if len(json.dumps(kept, ensure_ascii=False).encode()) > MAX_BYTES:
        raise Invalid(_("填写的内容太多，合计不能超过 {most} KB", most=MAX_BYTES // 1024))
    return kept


def _strangers(form: Form, answers: Mapping[str, Any]) -> dict[str, list[str]]:
    keys = {each.key for each in form.asked}
    strange = [key for key in answers if key not in keys]
    named = [key for key in strange if isinstance(key, str) and KEY.fullmatch(key)][:5]
    return (
        {"_": [_("本表单没有这些项：{named}", named=Listed(named) or len(strange))]}
        if strange
        else {}
    )


def _hidden(form: Form, answers: dict[str, Any], facts: Mapping[str, Any]) -> set[str]:
    if not any(each.hide for each in form.asked):
        return set()
    valid, _ = _loaded(form, answers, {each.key for each in form.asked})
    return hiding.hidden(form, valid, facts)


def _loaded(
    form: Form, given: dict[str, Any], optional: set[str]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The valid values, and the faults by field; `optional` keys may be missing."""
    try:
        return dict(loader(form).load(given, partial=tuple(optional))), {}
    except ValidationError as error:
        messages: Any = error.messages
        valid: Any = error.valid_data
        return dict(valid), {
            key: list(dict.fromkeys(_flat(each))) for key, each in messages.items()
        }


def _flat(messages: object) -> Iterable[Any]:
    if isinstance(messages, dict):
        for each in messages.values():
            yield from _flat(each)
    elif isinstance(messages, list):
        for each in messages:
            yield from _flat(each)
    else:
        yield messages


def _not_among(form: Form, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """What was chosen beside what is ticked in the list it has to be chosen from."""
    labels = {each.key: Both(each.label, each.label_en) for each in form.asked}
    chosen = [each for each in form.asked if each.among and values.get(each.key)]
    return {
        each.key: [_("只能从“{list}”里已经选中的选", list=labels[each.among])]
        for each in chosen
        if not {*_as_list(values[each.key])} <= {*values.get(each.among, ())}
    }


def _offered(value: object, pairs: list[tuple[str, str]]) -> bool:
    offered = {each for each, _ in pairs}
    return all(each in offered for each in _as_list(value))


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
