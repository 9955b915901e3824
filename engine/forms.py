"""Forms: form-js schemas read as data, answers cleaned by a generated marshmallow schema.

What leaves this room is plain, normalised and JSON-ready; what does not fit is `Invalid` with every fault at once. It
draws nothing, stores nothing, and knows units, members and instances only through the `sources` handed in.
"""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from engine import expressions
from engine.errors import Invalid, ProcessFault

KINDS = frozenset(
    {"textfield", "textarea", "number", "select", "radio", "checkbox", "checklist", "datetime", "text", "filepicker"}
)
CHOOSING = frozenset({"select", "radio", "checklist"})
SOURCES = re.compile(r"(units|members|instances):[a-z][a-z0-9_]*")
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
ATTACHMENT = re.compile(r"[A-Za-z0-9-]{1,64}")

DEFAULT_LENGTH = {"textfield": 500, "textarea": 10_000}
MAX_LENGTH = 20_000
MAX_NUMBER = 10**15  # every JSON reader keeps whole numbers up to here exact
MAX_CHECKED = 2_000
MAX_FILES = 20
MAX_COMPONENTS = 200
MAX_BYTES = 64 * 1024
MAX_COMBINING = 30  # combining marks in a row, as in the Stream-Safe Text Format of UAX 15
MAX_SEARCHED = 20_000
MAX_BIGRAMS = 2_000

Source = Callable[[str], list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that may be chosen."""

    value: str
    label: str
    label_en: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of an answer: characters of a text, size of a number, shape of a text; None where there is none."""

    min_length: int | None = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A component. A `text` is only shown: its label is the markdown and its key is empty."""

    key: str
    kind: str
    label: str
    label_en: str = ""
    description: str = ""
    description_en: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    source: str = ""
    hide: str = ""  # an expression; true means not shown, not asked, not kept
    multiple: bool = False  # of a filepicker
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its id and its components from top to bottom."""

    id: str
    fields: tuple[Field, ...]

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields that take an answer."""
        return tuple(each for each in self.fields if each.key)


# --- reading a schema -------------------------------------------------------------------------------------------------


def load(schema: dict[str, Any]) -> Form:
    """The form that a form-js `schema` describes; ProcessFault if it cannot be understood."""
    _expect(isinstance(schema, dict) and schema.get("type") == "default", "表单应是 form-js 格式,type 为 default")
    _expect(isinstance(schema.get("id"), str) and bool(schema["id"]), "表单缺少 id")
    components = schema.get("components")
    _expect(isinstance(components, list), "表单缺少 components 清单")
    _expect(len(components) <= MAX_COMPONENTS, f"表单最多 {MAX_COMPONENTS} 项")  # type: ignore[arg-type]
    form = Form(schema["id"], tuple(_field(n, each) for n, each in enumerate(components or [], 1)))
    keys = [each.key for each in form.asked]
    for key in keys:
        _expect(keys.count(key) == 1, f"有两项都叫 {key}")
    _hiding_order(form)
    return form


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ProcessFault(otherwise)


def _field(number: int, component: Any) -> Field:
    _expect(isinstance(component, dict), f"第 {number} 项应是一组属性")
    kind, key = component.get("type"), component.get("key", "")
    known = isinstance(kind, str) and kind in KINDS
    _expect(known, f"第 {number} 项的类型 {kind!r} 不能用,可用 {'、'.join(sorted(KINDS))}")
    key = "" if kind == "text" else key
    _expect(kind == "text" or _is_key(key), f"第 {number} 项的 key 要用小写字母开头的字母、数字、下划线,这里是 {key!r}")
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
        hide=_string(_group(component, "conditional", place), "hide", place).strip().removeprefix("=").strip(),
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


def _choices(component: dict[str, Any], properties: dict[str, Any], place: str) -> tuple[Choice, ...]:
    values = component.get("values") or []
    sound = isinstance(values, list) and all(
        isinstance(each, dict) and isinstance(each.get("value"), str) and isinstance(each.get("label"), str)
        for each in values
    )
    _expect(sound, f"{place} 的 values 应是 label 和 value(文字)的清单")
    english = _string(properties, "values_en", place).split("|")
    english += [""] * (len(values) - len(english))
    return tuple(Choice(v["value"], v["label"], en.strip()) for v, en in zip(values, english, strict=False))


def _limits(kind: str, rules: dict[str, Any], place: str) -> Limits:
    low, high = _whole(rules, "minLength", place), _whole(rules, "maxLength", place)
    _expect((high or 0) <= MAX_LENGTH, f"{place} 的 maxLength 最多 {MAX_LENGTH}")
    pattern = _string(rules, "pattern", place) or None
    _expect(pattern is None or _compiled(pattern) is not None, f"{place} 的 pattern 不是正确的正则表达式")
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
    sound = type(number) is int and abs(number) <= MAX_NUMBER and (number >= 0 or name in {"min", "max"})
    _expect(sound, f"{place} 的 {name} 应是整数")
    return int(number)


def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


@lru_cache(maxsize=1024)
def _hiding_order(form: Form) -> tuple[str, ...]:
    """Keys so ordered that whatever hides a field comes before it; ProcessFault on a circle or an unreadable text."""
    keys = {each.key for each in form.asked}
    before = {each.key: _first_names(each.hide) & keys for each in form.asked}
    try:
        return tuple(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise ProcessFault(f"隐藏条件互相依赖:{'、'.join(dict.fromkeys(error.args[1]))}") from error


def _first_names(expression: str) -> set[str]:
    return {name.partition(".")[0] for name in expressions.names_in(expression)} if expression else set()


# --- faults of a schema -----------------------------------------------------------------------------------------------


def faults(schema: dict[str, Any], known_names: set[str]) -> list[str]:
    """All that is wrong with a form, in plain words. `known_names` are the facts that hide conditions may use."""
    try:
        form = load(schema)
    except ProcessFault as fault:
        return [fault.message]
    names = known_names | {each.key for each in form.asked}
    found = [wrong for each in form.fields for wrong in _field_faults(each, names)]
    return [*found, *_component_faults(schema["components"])]


def _field_faults(each: Field, names: set[str]) -> Iterator[str]:
    place = f"“{each.key or each.label[:20]}”"
    if not each.label:
        yield f"{place} 缺少名称(label)"
    if not each.label_en:
        yield f"{place} 缺少英文名称(properties.label_en)"
    if each.description and not each.description_en:
        yield f"{place} 缺少英文说明(properties.description_en)"
    for wrong in (*_choice_faults(each), *_limit_faults(each.limits), *_hide_faults(each.hide, names)):
        yield f"{place} {wrong}"


def _choice_faults(each: Field) -> Iterator[str]:
    if each.source and not SOURCES.fullmatch(each.source):
        yield f"的来源 {each.source} 读不懂,可写 units:… members:… instances:…"
    if each.kind not in CHOOSING:
        if each.source:
            yield "不是选择项,不能有来源"
        return
    if bool(each.source) == bool(each.choices):
        yield "要么列出 values,要么在 properties.source 写来源,只能有一种"
    values = [choice.value for choice in each.choices]
    if len(set(values)) < len(values) or "" in values:
        yield "的选项值有重复或为空"
    if any(not choice.label or not choice.label_en for choice in each.choices):
        yield "的选项缺少名称或英文名称(properties.values_en,用 | 隔开)"


def _limit_faults(limits: Limits) -> Iterator[str]:
    if (limits.min_length or 0) > (limits.max_length or MAX_LENGTH):
        yield "的 minLength 大于 maxLength"
    if limits.minimum is not None and limits.maximum is not None and limits.minimum > limits.maximum:
        yield "的 min 大于 max"
    if limits.pattern is not None:
        yield from _pattern_faults(limits.pattern)
        if (limits.max_length or MAX_LENGTH) > 500:
            yield "有 pattern 时 maxLength 最多 500"


def _pattern_faults(pattern: str) -> Iterator[str]:
    """A pattern must be anchored, and so simple that no answer can keep it busy."""
    if len(pattern) > 200 or not pattern.startswith("^") or not pattern.endswith("$"):
        yield "的 pattern 要以 ^ 开头、以 $ 结尾,最多 200 个字符"
    bare = re.sub(r"\[[^]]*\]", "x", re.sub(r"\\.", "x", pattern))
    repeats, choices = re.findall(r"[*+]|\{\d*,\d*\}", bare), re.findall(r"\||(?<!\()\?", bare)
    if re.search(r"\)[*+{]", bare) or re.search(r"\\[1-9]|\(\?P=", pattern) or len(repeats) > 3 or len(choices) > 8:
        yield "的 pattern 太复杂:括号后不能再重复,* 和 + 最多三个,| 和 ? 最多八个,不能引用前面的组"


def _hide_faults(hide: str, names: set[str]) -> Iterator[str]:
    if not hide:
        return
    wrongs = expressions.check(hide, names)
    for wrong in wrongs:
        yield f"的隐藏条件 {hide}:{wrong}"
    if not wrongs and (expressions.calls_in(hide) or _NOT_FEEL.search(re.sub(r'"[^"]*"', "", hide))):
        yield f"的隐藏条件 {hide} 只能用 !=、<、>、and、or、not(…)、true、false、null 和双引号文字"


_NOT_FEEL = re.compile(r"==|\b(in|if|is|None|True|False)\b|['\[%]|//")


def _component_faults(components: list[dict[str, Any]]) -> Iterator[str]:
    for component in components:
        place = f"“{component.get('key') or component.get('text') or ''}”"
        if component["type"] == "datetime" and component.get("subtype") != "date":
            yield f"{place} 只能问日期,subtype 应为 date"
        for name in (component.get("validate") or {}).keys() - _RULES:
            yield f"{place} 的 validate 里不能用 {name}"
        hide = (component.get("conditional") or {}).get("hide") or ""
        if hide and not hide.strip().startswith("="):
            yield f"{place} 的隐藏条件要以 = 开头"


_RULES = frozenset({"required", "minLength", "maxLength", "min", "max", "pattern", "validationType"})


# --- text -------------------------------------------------------------------------------------------------------------

# Bidirectional overrides and isolates only change what a reader believes to see; a byte order mark is noise.
_DECEIVING = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_LINE_ENDS = re.compile("\r\n|\r|\u2028|\u2029")
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_FULL_WIDTH_DIGITS = str.maketrans({**{0xFF10 + n: str(n) for n in range(10)}, 0xFF0D: "-", 0xFF0B: "+"})


def _tidy(text: str, longest: int) -> str:
    """`text` in NFC and stripped; ValidationError if it cannot be stored or shown, or is longer than `longest`."""
    if len(text) > 4 * longest + 1_000:
        raise ValidationError(f"最多 {longest} 个字")
    text = _LINE_ENDS.sub("\n", text.replace("\x85", "\n"))
    if _REFUSED.search(text):
        raise ValidationError("含有不能保存的字符,请删去后重新填写")
    text = _DECEIVING.sub("", text)
    if not text.isascii():
        if _unpiled(text) != text:
            raise ValidationError("叠加的符号太多")
        text = unicodedata.normalize("NFC", text)
    text = text.strip()
    if len(text) > longest:
        raise ValidationError(f"最多 {longest} 个字")
    return text if any(map(_visible, text)) else ""


def _unpiled(text: str) -> str:
    """`text` without more than 30 combining marks in a row: a long pile takes quadratic time to normalise."""
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MAX_COMBINING:
            kept.append(character)
    return "".join(kept)


def _visible(character: str) -> bool:
    return unicodedata.category(character) not in {"Cf", "Cc", "Zs", "Zl", "Zp"}


# --- the generated schema ---------------------------------------------------------------------------------------------

_MESSAGES = {"required": "必填", "null": "必填", "invalid": "填写的格式不对", "validator_failed": "填写的内容不对"}


class _Answers(Schema):
    """Ancestor of every generated schema: unknown fields refused, an empty answer is no answer."""

    error_messages = {"unknown": "本表单没有这一项", "type": "应是一组答案"}

    class Meta:
        unknown = RAISE

    @pre_load
    def drop_empty(self, data: Any, **_: Any) -> Any:
        return {key: value for key, value in data.items() if not _empty(value)} if isinstance(data, Mapping) else data


def _empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value or (len(value) <= 1_000 and value.isspace())
    return value is None or value == []


class _Text(fields.String):
    """A text, tidied; an answer of nothing visible counts as none."""

    def __init__(self, longest: int, one_line: bool = False, **options: Any) -> None:
        self.longest, self.one_line = longest, one_line
        super().__init__(**options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError("应是文字")
        text = _tidy(value, self.longest)
        if self.one_line and "\n" in text:
            raise ValidationError("这一项只能写一行")
        if self.required and not text:
            raise ValidationError("必填")
        return text


class _Whole(fields.Integer):
    """A whole number, or its digits as a browser sends them; never a float, never a bool."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, str) and len(value) <= 40:
            digits = value.strip().translate(_FULL_WIDTH_DIGITS)
            value = int(digits) if re.fullmatch(r"[+-]?[0-9]{1,20}", digits) else value
        if type(value) is not int:
            raise ValidationError("应是整数")
        if abs(value) > MAX_NUMBER:
            raise ValidationError("数字太大")
        return value


class _Day(fields.Date):
    """A day, kept as "YYYY-MM-DD"."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        text = value.strip() if isinstance(value, str) and len(value) <= 40 else ""
        try:
            day = date.fromisoformat(text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else "")
        except ValueError:
            raise ValidationError("应是日期,例如 2026-03-02") from None
        if not 1900 <= day.year <= 2199:
            raise ValidationError("年份应在 1900 至 2199 之间")
        return day.isoformat()


class _Tick(fields.Boolean):
    """Ticked or not, as JSON or as a browser says it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if value is True or value == "on" or value == "true":
            return True
        if value is False or value == "off" or value == "false":
            return False
        raise ValidationError("应是勾选或不勾选")


class _One(fields.String):
    """One of the choices, by its value; with a source the caller's list is checked afterwards."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError("请从选项中选择")
        if not (chosen := _tidy(value, 200)):
            raise ValidationError("请从选项中选择")
        return chosen


class _Many(fields.List[Any]):
    """Different choices; a single one may come bare, as a browser sends it."""

    def _deserialize(self, value: Any, *rest: Any, **options: Any) -> Any:
        chosen = [value] if isinstance(value, str) else value
        if not isinstance(chosen, list) or len(chosen) > MAX_CHECKED:
            raise ValidationError("请从选项中选择")
        values = super()._deserialize(chosen, *rest, **options)
        if len(set(values)) < len(values):
            raise ValidationError("选项有重复")
        return values


@lru_cache(maxsize=1024)
def schema_of(form: Form) -> type[Schema]:
    """The marshmallow schema of the answers, also for OpenAPI. It knows neither hiding nor sources: see `clean`."""
    name = "".join(part.capitalize() for part in re.findall(r"[A-Za-z0-9]+", form.id)) + "Answers"
    return _Answers.from_dict({each.key: _answer(each) for each in form.asked}, name=name)


def _answer(each: Field) -> fields.Field[Any]:
    options: dict[str, Any] = {
        "required": each.required,
        "error_messages": {**_MESSAGES, **({"required": "请勾选"} if each.kind == "checkbox" else {})},
        "metadata": {"title": each.label, "description": each.description or each.label},
        "validate": list(_validators(each)),
    }
    if not each.required and each.kind in {"checkbox", "checklist", "filepicker"}:
        options["load_default"] = False if each.kind == "checkbox" else list
    match each.kind:
        case "textfield" | "textarea":
            longest = MAX_LENGTH if each.limits.max_length is None else each.limits.max_length
            return _Text(longest, each.kind == "textfield", **options)
        case "number":
            return _Whole(**options)
        case "checkbox":
            return _Tick(**options)
        case "datetime":
            return _Day(**options)
        case "checklist":
            return _Many(_One(validate=list(_member_of(each))), **options)
        case "filepicker":
            return _Many(_One(validate=validate.Regexp(ATTACHMENT, error="附件编号不对")), **options)
        case _:
            return _One(**options)


def _validators(each: Field) -> Iterator[validate.Validator]:
    limits = each.limits
    if each.kind in {"textfield", "textarea"}:
        if limits.min_length:
            yield _Unless("", validate.Length(min=limits.min_length, error=f"至少 {limits.min_length} 个字"))
        if limits.pattern:
            yield _Unless("", _Matches(limits.pattern))
    elif each.kind == "number":
        if limits.minimum is not None:
            yield validate.Range(min=limits.minimum, error=f"不能小于 {limits.minimum}")
        if limits.maximum is not None:
            yield validate.Range(max=limits.maximum, error=f"不能大于 {limits.maximum}")
    elif each.kind == "checkbox" and each.required:
        yield validate.Equal(True, error="请勾选")
    elif each.kind in {"select", "radio"}:
        yield from _member_of(each)
    elif each.kind in {"checklist", "filepicker"}:
        yield from _how_many(each)


def _member_of(each: Field) -> Iterator[validate.Validator]:
    if not each.source:
        values = [choice.value for choice in each.choices]
        yield validate.OneOf(values, [choice.label for choice in each.choices], error="请从选项中选择")


def _how_many(each: Field) -> Iterator[validate.Validator]:
    if each.kind == "filepicker":
        most = MAX_FILES if each.multiple else 1
        yield validate.Length(max=most, error=f"最多 {most} 个附件")
    if each.required:
        yield validate.Length(min=1, error="必填")


class _Unless(validate.Validator):
    """Leaves one value alone and asks another validator about the rest."""

    def __init__(self, value: Any, other: validate.Validator) -> None:
        self.value, self.other = value, other

    def __call__(self, value: Any) -> Any:
        return value if value == self.value else self.other(value)


class _Matches(validate.Validator):
    """The whole text must have the shape."""

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(pattern)

    def __call__(self, value: str) -> str:
        if not self.pattern.fullmatch(value):
            raise ValidationError("填写的格式不对")
        return value


# --- cleaning answers -------------------------------------------------------------------------------------------------


def clean(
    form: Form, answers: Mapping[str, Any], facts: Mapping[str, Any] | None = None, sources: Source | None = None
) -> dict[str, Any]:
    """The answers as they may be kept, JSON-ready, in the order of the form; `Invalid` with all faults by field.

    Hidden fields are dropped; so are empty answers, but a checkbox always says true or false and a checklist or
    filepicker always gives a list. `sources` gives (value, label) pairs; without it a source is not checked.
    """
    if not isinstance(answers, Mapping):
        raise Invalid("应是一组答案")
    wrong = _strangers(form, answers)
    known = {each.key: answers[each.key] for each in form.asked if each.key in answers}
    hidden = _hidden(form, known, facts or {})
    values, found = _loaded(form, {key: value for key, value in known.items() if key not in hidden}, hidden)
    wrong |= found
    for each in form.asked:
        if sources and each.source and each.key in values and not _offered(values[each.key], sources(each.source)):
            wrong[each.key] = ["请从选项中选择"]
    if wrong:
        raise Invalid(wrong)
    return _of_bearable_size({each.key: values[each.key] for each in form.asked if values.get(each.key, "") != ""})


def _of_bearable_size(kept: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(kept, ensure_ascii=False).encode()) > MAX_BYTES:
        raise Invalid(f"填写的内容太多,合计不能超过 {MAX_BYTES // 1024} KB")
    return kept


def _strangers(form: Form, answers: Mapping[str, Any]) -> dict[str, list[str]]:
    keys = {each.key for each in form.asked}
    strange = [key for key in answers if key not in keys]
    named = [key for key in strange if isinstance(key, str) and KEY.fullmatch(key)][:5]
    return {"_": [f"本表单没有这些项:{'、'.join(named) or len(strange)}"]} if strange else {}


def _loaded(form: Form, given: dict[str, Any], optional: set[str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The valid values, and the faults by field; `optional` keys may be missing."""
    try:
        return dict(schema_of(form)().load(given, partial=tuple(optional))), {}
    except ValidationError as error:
        messages: Any = error.messages
        valid: Any = error.valid_data
        return dict(valid), {key: list(dict.fromkeys(_flat(each))) for key, each in messages.items()}


def _flat(messages: Any) -> Iterable[str]:
    if isinstance(messages, dict):
        for each in messages.values():
            yield from _flat(each)
    elif isinstance(messages, list):
        for each in messages:
            yield from _flat(each)
    else:
        yield str(messages)


def _offered(value: Any, pairs: list[tuple[str, str]]) -> bool:
    offered = {each for each, _ in pairs}
    return all(each in offered for each in (value if isinstance(value, list) else [value]))


def _hidden(form: Form, answers: Mapping[str, Any], facts: Mapping[str, Any]) -> set[str]:
    """The keys of hidden fields; an answer that is itself hidden or invalid counts as missing for what follows."""
    by_key = {each.key: each for each in form.asked}
    if not any(each.hide for each in form.asked):
        return set()
    valid, _ = _loaded(form, dict(answers), set(by_key))
    values: dict[str, Any] = {**facts, **dict.fromkeys(by_key)}
    hidden: set[str] = set()
    for key in _hiding_order(form):
        if not _true(by_key[key].hide, values):
            answer = valid.get(key, _UNANSWERED.get(by_key[key].kind))
            values[key] = None if answer == "" else answer
        else:
            hidden.add(key)
    return hidden


_UNANSWERED: dict[str, Any] = {"checkbox": False, "checklist": [], "filepicker": []}


def _true(hide: str, values: Mapping[str, Any]) -> bool:
    """As in FEEL, a condition that cannot be decided, say because a number is still missing, does not hold."""
    try:
        return bool(hide) and bool(expressions.evaluate(hide, values))
    except ProcessFault:
        return False


# --- full-text search -------------------------------------------------------------------------------------------------


def search_key(text: str) -> str:
    """`text` as it is searched: NFKC, case folded, without invisible characters; the first 20,000 characters."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _unpiled(text[:MAX_SEARCHED])).casefold())
    return "".join(" " if c.isspace() else c for c in key if c.isspace() or not _unsearchable(c))


def _unsearchable(character: str) -> bool:
    return unicodedata.category(character) in {"Cf", "Cc", "Cs"}


def bigrams(text: str) -> list[str]:
    """The sorted unique pairs of neighbours in each run of `search_key(text)`; a lone character gives itself."""
    found: dict[str, None] = {}
    for run in search_key(text).split():
        for at in range(max(1, len(run) - 1)):
            found[run[at : at + 2]] = None
            if len(found) == MAX_BIGRAMS:
                return sorted(found)
    return sorted(found)
