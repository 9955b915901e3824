"""Answers, cleaned: hidden and empty ones dropped, every fault told by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from marshmallow import ValidationError

from engine.errors import Invalid
from engine.forms import amounts, hiding
from engine.forms.form import KEY, MAX_ROWS, Field, Form, Unit
from engine.forms.schema import COMPOSED, empty, loader, size
from engine.messages import Both, Listed, _, worded

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
    found = _cleaned(form, answers, facts or {}, sources)
    kept = {key: found.values[key] for key in found.values if key not in found.wrong}
    if found.wrong:
        fault = Invalid(found.wrong)
        fault.sound = kept
        raise fault
    if len(json.dumps(kept, ensure_ascii=False).encode()) > MAX_BYTES:
        raise Invalid(_("填写的内容太多，合计不能超过 {most} KB", most=MAX_BYTES // 1024))
    return kept


@dataclass(slots=True)
class _Found:
    """The values as they may be kept, in the order of the form, and the faults by field; those of
    a table by `table.row.field`, rows counted from 0, in the words row and field.
    """

    values: dict[str, Any]
    wrong: dict[str, list[str]]


def _cleaned(
    form: Form, answers: Mapping[str, Any], facts: Mapping[str, Any], sources: Source | None
) -> _Found:
    known = {each.key: answers[each.key] for each in form.asked if each.key in answers}
    settled = hiding.settle(form, _sound(form, known), facts)
    return _settled(form, answers, (settled, {**facts, **settled.values}), sources)


def _sound(form: Form, known: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that are right by themselves, whatever else is there, those in rows too."""
    if not any(each.hide or each.kind in COMPOSED or each.bounds.holds for each in form.asked):
        return {}
    valid, _wrong = _loaded(form, dict(known), {each.key for each in form.asked})
    for each in form.asked:
        if each.kind == "dynamiclist":
            rows = (row for _n, row in _rows(known.get(each.key)))
            valid[each.key] = [_sound_row(each.row, row) for row in rows]
    return valid


def _sound_row(form: Form, row: object) -> dict[str, Any]:
    given = {each.key: row[each.key] for each in form.asked if each.key in row} if _is(row) else {}
    return _loaded(form, given, {each.key for each in form.asked})[0]


def _rows(given: object) -> list[tuple[int, object]]:
    """Rows with their number; those in which nothing was written are none."""
    rows = given if isinstance(given, list) else []
    return [
        (n, row) for n, row in enumerate(rows) if not (_is(row) and all(map(empty, row.values())))
    ]


def _is(row: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(row, Mapping)


def _settled(
    form: Form,
    answers: Mapping[str, Any],
    known: tuple[hiding.Settled, Mapping[str, Any]],
    sources: Source | None,
) -> _Found:
    """The answers of a form of which it is known what is hidden and what is calculated."""
    settled, facts = known
    asked = [each for each in form.asked if each.key not in settled.hidden]
    given = {each.key: answers[each.key] for each in asked if each.key in answers}
    values, found = _loaded(form, given, settled.hidden)
    wrong = _strangers(form, answers) | found
    for each in asked:
        if each.kind == "dynamiclist":
            table = _table(each, given.get(each.key), known, sources)
            values |= table.values
            wrong |= table.wrong
        elif each.kind == "expression":
            wrong |= _calculated(each, given, settled.values[each.key])
            values[each.key] = settled.values[each.key]
    wrong |= _not_offered(form, values, sources) | _not_among(form, values)
    wrong |= _not_holding(asked, wrong, facts)
    kept = {each.key: values[each.key] for each in form.asked if not _nothing(values.get(each.key))}
    return _Found(kept, wrong)


def _nothing(value: object) -> bool:
    return value is None or value == ""


def _table(
    table: Field,
    given: object,
    known: tuple[hiding.Settled, Mapping[str, Any]],
    sources: Source | None,
) -> _Found:
    """The rows of a table, those with nothing in them left out."""
    settled, facts = known
    if not (given is None or given == "" or isinstance(given, list)):
        return _Found({table.key: []}, {table.key: [_("应是表格的各行")]})
    rows = _rows(given)
    if len(rows) > MAX_ROWS:
        return _Found({table.key: []}, {table.key: [_("最多 {most} 行", most=MAX_ROWS)]})
    found, wrong = [], dict[str, list[str]]()
    for (n, row), inner in zip(rows, settled.rows[table.key], strict=True):
        if not _is(row):
            wrong[f"{table.key}.{n}"] = [_("第 {n} 行：{wrong}", n=n + 1, wrong=_("应是一组答案"))]
            continue
        cleaned = _settled(table.row, row, (inner, {**facts, **inner.values}), sources)
        found.append(cleaned.values)
        for key, words in cleaned.wrong.items():
            wrong[f"{table.key}.{n}.{key}"] = [_of_row(table, n, key, each) for each in words]
    if words := [*_too_few_or_many(table, len(rows))]:
        wrong[table.key] = words
    return _Found({table.key: found}, wrong)


def _of_row(table: Field, n: int, key: str, wrong: str) -> str:
    """A fault of a cell, which names row and field."""
    labels = {each.key: Both(each.label, each.label_en) for each in table.fields}
    if key not in labels:
        return _("第 {n} 行：{wrong}", n=n + 1, wrong=wrong)
    return _("第 {n} 行“{field}”：{wrong}", n=n + 1, field=labels[key], wrong=wrong)


def _too_few_or_many(table: Field, rows: int) -> Iterable[str]:
    least, most = table.limits.minimum or 0, table.limits.maximum or MAX_ROWS
    if table.required and not rows:
        yield _("必填")
    elif rows < least:
        yield _("至少 {least} 行，现有 {rows} 行", least=least, rows=rows)
    if rows > most:
        yield _("最多 {most} 行，现有 {rows} 行", most=most, rows=rows)


def _calculated(each: Field, given: Mapping[str, Any], value: Any) -> dict[str, list[str]]:
    """What is wrong with what was calculated, or with what was sent in its place."""
    sent = given.get(each.key)
    if not empty(sent) and not _same(each, sent, value):
        return {each.key: [_("这一项由系统计算，不能填写")]}
    if value is None:
        return {each.key: [_("算不出来，请先填齐")]} if each.required else {}
    if type(value) is not int:
        return {}
    try:
        for check in size(each):
            check(value)
    except ValidationError as error:
        return {each.key: [*_flat(error.messages)]}
    return {}


def _same(each: Field, sent: object, value: Any) -> bool:
    """Was sent what comes out, as it is kept or as it is read?"""
    if type(sent) is type(value):
        return bool(sent == value)
    if type(value) is int and isinstance(sent, str):
        try:
            unit = each.unit or Unit()
            return amounts.read(sent, unit.decimals, unit.zh, money=unit.money) == value
        except amounts.Unclear:
            return False
    return type(value) is bool and sent == str(value).lower()


def _not_holding(
    asked: Iterable[Field], wrong: Mapping[str, Any], facts: Mapping[str, Any]
) -> dict[str, list[str]]:
    """What must be true of the answers and is not; asked where the answer itself is right."""
    faulty = {key.partition(".")[0] for key in wrong}
    bounds = [(each.key, each.bounds) for each in asked if each.key not in faulty]
    return {
        key: [worded(Both(bound.words, bound.words_en))]
        for key, bound in bounds
        if bound.holds and not hiding.holds(bound.holds, facts)
    }


def _not_offered(
    form: Form, values: Mapping[str, Any], sources: Source | None
) -> dict[str, list[str]]:
    """What was chosen and is not in the list that its source gives."""
    return {
        each.key: [_("请从选项中选择")]
        for each in form.asked
        if sources
        and each.source
        and each.key in values
        and not _offered(values[each.key], sources(each.source))
    }


def _strangers(form: Form, answers: Mapping[str, Any]) -> dict[str, list[str]]:
    keys = {each.key for each in form.asked}
    strange = [key for key in answers if key not in keys]
    named = [key for key in strange if isinstance(key, str) and KEY.fullmatch(key)][:5]
    return (
        {"_": [_("本表单没有这些项：{named}", named=Listed(named) or len(strange))]}
        if strange
        else {}
    )


def _loaded(
    form: Form, given: dict[str, Any], optional: set[str]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The valid values, and the faults by field; `optional` keys may be missing."""
    try:
        plain = {key: given[key] for key in given if key not in _composed(form)}
        return dict(loader(form).load(plain, partial=tuple(optional))), {}
    except ValidationError as error:
        messages: Any = error.messages
        valid: Any = error.valid_data
        return dict(valid), {
            key: list(dict.fromkeys(_flat(each))) for key, each in messages.items()
        }


def _composed(form: Form) -> set[str]:
    return {each.key for each in form.asked if each.kind in COMPOSED}


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
