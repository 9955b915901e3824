"""All that is wrong with a form, in the words of its author."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine import expressions
from engine.errors import ProcessFault
from engine.forms import hiding, patterns
from engine.forms.form import CHOOSING, KEY, MAX_LENGTH, MAX_ROWS, SHOWN, Field
from engine.forms.formjs import load
from engine.messages import _

SOURCES = re.compile(
    r"(units|members|instances):[a-z][a-z0-9_]*|members:|duties"
    r"|people:[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*"
)  # "members:" is everybody, "duties" the catalogue, "people:nominate.candidates" whom a fact names
_NOT_FEEL = re.compile(r"==|\b(in|if|is|None|True|False)\b|['\[%]|//")
# What the editor writes by itself stands for nothing and may stay.
_EDITOR = {
    "group": frozenset({"showOutline", "verticalAlignment", "path"}),
    "dynamiclist": frozenset(
        {"showOutline", "verticalAlignment", "isRepeating", "allowAddRemove", "nonCollapsedItems"}
        | {"defaultRepetitions", "disableCollapse"}
    ),
    "expression": frozenset({"computeOn"}),
}
_FORM = frozenset(
    {"type", "id", "components", "schemaVersion", "exporter", "executionPlatform"}
    | {"executionPlatformVersion"}
)
_COMMON = frozenset({"type", "id", "key", "label", "layout", "conditional", "properties"})
_ASKED = frozenset({"description", "validate"})
_OF_KIND = {
    **dict.fromkeys(("textfield", "textarea", "checkbox"), _ASKED),
    **dict.fromkeys(CHOOSING, _ASKED | {"values"}),
    "datetime": _ASKED | {"subtype", "dateLabel"},
    "text": frozenset({"text"}),
    "filepicker": _ASKED | {"multiple"},
    "number": _ASKED | {"decimalDigits", "appearance", "serializeToString"},
    "expression": _ASKED | {"expression", "decimalDigits", "appearance"},
    "dynamiclist": _ASKED | {"path", "components"},
    "group": frozenset({"components"}),
}
_REQUIRED = frozenset({"required"})
_RULES_OF_KIND = {
    **dict.fromkeys(("checkbox", "datetime", "filepicker", *CHOOSING), _REQUIRED),
    **dict.fromkeys(
        ("textfield", "textarea"),
        _REQUIRED | {"minLength", "maxLength", "pattern", "validationType"},
    ),
    "number": _REQUIRED | {"min", "max"},
    "expression": _REQUIRED | {"min", "max"},
    "dynamiclist": _REQUIRED,
}
_PROPERTIES = frozenset({"label_en", "text_en", "description_en", "room", "differs"})
_CHOICES = frozenset({"values_en", "source", "among"})
_AMOUNT = frozenset({"money", "unit_en", "sum"})
_HOLDS = frozenset({"holds", "bounds", "bounds_en"})
_PROPERTIES_OF_KIND = {
    "number": _AMOUNT,
    "expression": _AMOUNT,
    "dynamiclist": frozenset({"min_rows", "max_rows"}),
    "textfield": frozenset({"once"}),
    **dict.fromkeys(CHOOSING, _CHOICES),
    "datetime": frozenset({"not_before", "not_after", "usual_from", "usual_to"}),
}
_SAID = {"validate": frozenset(), "properties": frozenset({"source"}), "conditional": frozenset()}


def faults(schema: dict[str, Any], known_names: set[str]) -> list[str]:
    """All that is wrong with a form, in plain words. `known_names` are the facts that hide
    conditions may use.
    """
    try:
        form = load(schema)
    except ProcessFault as fault:
        return [fault.message]
    own = {each.key for each in form.asked}
    names = known_names | own
    found = [wrong for each in form.fields for wrong in _field_faults(each, names, own)]
    components = list(_all(schema["components"]))
    return [*found, *_component_faults(components), *_unheeded(schema, components)]


def _all(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The components, and those inside groups and tables."""
    for each in components:
        yield each
        if each["type"] in _EDITOR:
            yield from _all(each.get("components") or [])


def _field_faults(each: Field, names: set[str], own: set[str]) -> Iterator[str]:
    place = f"“{each.key or each.label[:20]}”"
    if not each.label:
        yield _("{place} 缺少名称（label）", place=place)
    if not each.label_en:
        yield _("{place} 缺少英文名称（properties.label_en）", place=place)
    if each.description and not each.description_en:
        yield _("{place} 缺少英文说明（properties.description_en）", place=place)
    if each.once and not KEY.fullmatch(each.once):
        yield _("{place} 的登记簿（once）用小写字母、数字、下划线", place=place)
    if each.unit and each.unit.zh and not each.unit.en:
        yield _("{place} 的单位缺少英文（properties.unit_en）", place=place)
    for wrong in (
        *_choice_faults(each),
        *_limit_faults(each),
        *_expression_faults(each, names, own),
        *_table_faults(each),
    ):
        yield f"{place} {wrong}"
    columns = {column.key for column in each.fields}
    for column in each.fields:
        for wrong in _field_faults(column, names | columns, own | columns):
            yield _("{place} 的一列 {wrong}", place=place, wrong=wrong)


def _table_faults(table: Field) -> Iterator[str]:
    """A table has columns and says how many rows it may have."""
    if table.kind != "dynamiclist":
        return
    if table.limits.minimum is None or not table.limits.maximum:
        yield _(
            "没有写最少和最多几行，请在 properties 里写 min_rows、max_rows（不超过 {most}）",
            most=MAX_ROWS,
        )
    elif table.limits.minimum > table.limits.maximum:
        yield _("的 min_rows 大于 max_rows")
    for column in table.fields:
        if column.summed and column.kind not in ("number", "expression"):
            yield _("的一列“{key}”不是数，不能求和（sum）", key=column.key)


def _choice_faults(each: Field) -> Iterator[str]:
    if each.source and not SOURCES.fullmatch(each.source):
        yield _(
            "的来源 {source} 读不懂，可写 units:… members:… people:… instances:… duties",
            source=each.source,
        )
    if each.kind not in CHOOSING:
        if each.source:
            yield _("不是选择项，不能有来源")
        return
    if bool(each.source) == bool(each.choices):
        yield _("要么列出 values，要么在 properties.source 写来源，只能有一种")
    values = [choice.value for choice in each.choices]
    if len(set(values)) < len(values) or "" in values:
        yield _("的选项值有重复或为空")
    if any(not choice.label or not choice.label_en for choice in each.choices):
        yield _("的选项缺少名称或英文名称（properties.values_en，用 | 隔开）")


def _limit_faults(each: Field) -> Iterator[str]:
    limits = each.limits
    if each.kind == "dynamiclist":
        return
    if (limits.min_length or 0) > (limits.max_length or MAX_LENGTH):
        yield _("的 minLength 大于 maxLength")
    if (
        limits.minimum is not None
        and limits.maximum is not None
        and limits.minimum > limits.maximum
    ):
        yield _("的 min 大于 max")
    if limits.pattern is not None:
        yield from _pattern_faults(limits.pattern)
        if (limits.max_length or MAX_LENGTH) > 500:
            yield _("有 pattern 时 maxLength 最多 500")


def _pattern_faults(pattern: str) -> Iterator[str]:
    """A pattern must be anchored, and so simple that no answer can keep it busy."""
    if len(pattern) > 200 or not pattern.startswith("^") or not pattern.endswith("$"):
        yield _("的 pattern 要以 ^ 开头、以 $ 结尾，最多 200 个字符")
    if _is_intricate(pattern) or not patterns.is_shape(pattern):
        yield _(
            "的 pattern 太复杂：括号后不能再重复，* 和 + 最多三个，| 和 ? 最多八个，不能引用前面的组"
        )


def _is_intricate(pattern: str) -> bool:
    """More than its author's readers would follow; a `(?` begins what is no plain group."""
    bare = re.sub(r"\[[^]]*\]", "x", re.sub(r"\\.", "x", pattern))
    repeats, choices = re.findall(r"[*+]|\{\d*,\d*\}", bare), re.findall(r"\||(?<!\()\?", bare)
    nested = re.search(r"\)[*+{]", bare) is not None
    special = re.search(r"\(\?(?!:)", pattern) is not None
    return nested or special or len(repeats) > 3 or len(choices) > 8


def _expression_faults(each: Field, names: set[str], own: set[str]) -> Iterator[str]:
    """What is wrong with what hides a field, what calculates it, and what it must fulfil."""
    yield from _hide_faults(each.hide, names, own)
    for label, text in ((_("计算"), each.expression), (_("条件 holds"), each.bounds.holds)):
        for wrong in expressions.check(text, names) if text else ():
            yield _("的{label} {text}：{wrong}", label=label, text=text, wrong=wrong)
    if each.bounds.holds and not (each.bounds.words and each.bounds.words_en):
        yield _("写了 holds，没有写不符时怎样提示（properties.bounds、bounds_en）")


def _hide_faults(hide: str, names: set[str], own: set[str]) -> Iterator[str]:
    if not hide:
        return
    wrongs = expressions.check(hide, names)
    for wrong in wrongs:
        yield _("的隐藏条件 {hide}:{wrong}", hide=hide, wrong=wrong)
    if not wrongs and _NOT_FEEL.search(re.sub(r'"[^"]*"', "", hide)):
        yield _(
            "的隐藏条件 {hide} 只能用 !=、<、>、and、or、not(…)、true、false、null 和双引号文字",
            hide=hide,
        )
    if not wrongs and any(_strangers(part, own) for part in hiding.parts(hide, own)[1]):
        yield _("的隐藏条件 {hide} 把事项的事实和本表单的项混在一起，请用 or 分开", hide=hide)


def _strangers(part: str, own: set[str]) -> set[str]:
    """Facts in a part of a condition that also speaks of fields of the form."""
    return {name for name in expressions.names_in(part) if name.partition(".")[0] not in own}


def _unheeded(schema: dict[str, Any], components: list[dict[str, Any]]) -> Iterator[str]:
    """What a form says and nothing heeds: it would be taken for a rule that holds."""
    for name in sorted(schema.keys() - _FORM):
        yield _("表单里的 {name} 不起作用，请删去", name=name)
    for component in components:
        place = _place(component)
        kind = component["type"]
        known = _COMMON | _OF_KIND.get(kind, frozenset()) | _EDITOR.get(kind, frozenset())
        for name in sorted(component.keys() - known):
            yield _("{place} 的 {name} 不起作用，请删去", place=place, name=name)
        for group, heeded in (
            ("validate", _RULES_OF_KIND.get(kind, frozenset())),
            ("properties", _PROPERTIES | _heeded(kind)),
            ("conditional", frozenset({"hide"})),
        ):
            for name in sorted((component.get(group) or {}).keys() - heeded - _SAID[group]):
                yield _(
                    "{place} 的 {group}.{name} 不起作用，请删去",
                    place=place,
                    group=group,
                    name=name,
                )


def _heeded(kind: str) -> frozenset[str]:
    """The properties that a kind of component has beside those of all."""
    return _PROPERTIES_OF_KIND.get(kind, frozenset()) | (frozenset() if kind in SHOWN else _HOLDS)


def _place(component: dict[str, Any]) -> str:
    names = (component.get(name) for name in ("key", "path", "text", "label"))
    return f"“{next(filter(None, names), '')}”"


def _component_faults(components: list[dict[str, Any]]) -> Iterator[str]:
    for component in components:
        place = _place(component)
        if component["type"] == "group" and component.get("path"):
            yield _("{place} 是分组，path 应空着：其中各项与组外的在一起", place=place)
        if component["type"] == "datetime" and component.get("subtype") != "date":
            yield _("{place} 只能问日期，subtype 应为 date", place=place)
        hide = (component.get("conditional") or {}).get("hide") or ""
        if hide and not hide.strip().startswith("="):
            yield _("{place} 的隐藏条件要以 = 开头", place=place)
