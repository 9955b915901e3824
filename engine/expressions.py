"""The safe expression language of conditions, timers, recusals, poll rules and decision tables.

Plain data in, plain data out: an allow-list of Python's syntax, named functions, exact numbers and hard limits. It
knows no process, no database and no clock; whatever an expression may ask is handed in as facts and functions.
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from simpleeval import SimpleEval

from engine.errors import Conflict, EngineError, ProcessFault

MAX_CHARACTERS = 500
MAX_NODES = 120
MAX_DEPTH = 20
MAX_STEPS = 2_000
MAX_STRING = 10_000
MAX_NUMBER = 10**18
ELEMENTS_PER_STEP = 50  # a list costs one step for each 50 elements, so no expression passes over more than 100,000

CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}  # DMN, TOML and FEEL write them so


class _Mistake(Exception):
    """What is wrong in an expression, in the author's words; `evaluate` makes a ProcessFault of it."""


# --- values -----------------------------------------------------------------------------------------------------------

_KINDS: dict[type, str] = {
    int: "数字",
    Fraction: "数字",
    str: "文字",
    bool: "是否",
    type(None): "空值",
    date: "日期",
    datetime: "时刻",
    list: "清单",
    dict: "一组事实",
}
_ORDERED = frozenset({"数字", "文字", "日期", "时刻"})
_SCALARS = frozenset({int, Fraction, str, bool, type(None), date, datetime})


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _within_limits(number: int | Fraction) -> bool:
    if type(number) is int:
        return -MAX_NUMBER <= number <= MAX_NUMBER
    return abs(number.numerator) <= MAX_NUMBER and number.denominator <= MAX_NUMBER


def _plain(value: Any, source: str) -> Any:
    """`value` if it is plain data (a tuple becomes a list), else a mistake that names its `source`."""
    kind = type(value)
    if kind is str or kind is bool or value is None or kind is dict or kind is datetime or kind is date:
        return value
    if kind is int or kind is Fraction:
        if not _within_limits(value):
            raise _Mistake(f"{source} 的数字太大")
        return value
    if kind is list or kind is tuple:
        if not set(map(type, value)) <= _SCALARS - {Fraction, int}:
            return [_plain(each, source) for each in value]
        return value if kind is list else list(value)
    if kind is float:
        raise _Mistake(f"{source} 是小数,只能使用整数或分数")
    raise _Mistake(f"{source} 的值不是普通数据({kind.__name__})")


def _has_facts_inside(value: Any) -> bool:
    return type(value) is dict or (type(value) is list and any(map(_has_facts_inside, value)))


# --- operators --------------------------------------------------------------------------------------------------------


def _numbers(left: Any, right: Any, sign: str) -> None:
    if _kind(left) != "数字" or _kind(right) != "数字":
        raise _Mistake(f"{_kind(left)}与{_kind(right)}之间不能用 {sign}")


def _add(left: Any, right: Any) -> Any:
    if type(left) is list and type(right) is list:
        return left + right
    if type(left) is str and type(right) is str:
        if len(left) + len(right) > MAX_STRING:
            raise _Mistake(f"拼出的文字超过 {MAX_STRING} 个字")
        return left + right
    _numbers(left, right, "+")
    return left + right


def _subtract(left: Any, right: Any) -> Any:
    if type(left) is list and type(right) is list:
        _hashable(left)
        gone = _hashable(right)
        return [each for each in left if each not in gone]
    _numbers(left, right, "-")
    return left - right


def _hashable(elements: list[Any]) -> set[Any]:
    try:
        return set(elements)
    except TypeError:
        raise _Mistake("清单里还有清单,不能相减或去重") from None


def _multiply(left: Any, right: Any) -> Any:
    _numbers(left, right, "*")
    return left * right


def _divisor(left: Any, right: Any, sign: str) -> None:
    _numbers(left, right, sign)
    if right == 0:
        raise _Mistake("除数为零")


def _divide(left: Any, right: Any) -> Fraction:
    _divisor(left, right, "/")
    return Fraction(left) / Fraction(right)


def _floor_divide(left: Any, right: Any) -> Any:
    _divisor(left, right, "//")
    return left // right


def _remainder(left: Any, right: Any) -> Any:
    _divisor(left, right, "%")
    return left % right


def _signed(sign: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        if _kind(value) != "数字":
            raise _Mistake(f"{_kind(value)}前面不能加正负号")
        return sign(value)

    return apply


def _is_in(item: Any, container: Any) -> bool:
    if container is None:
        return False
    if type(container) is list:
        return item in container
    if type(container) is str:
        if item is not None and type(item) is not str:
            raise _Mistake(f"文字里不能找{_kind(item)}")
        return item is not None and item in container
    raise _Mistake(f"in 的右边要是清单,这里是{_kind(container)}")


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _add,
    ast.Sub: _subtract,
    ast.Mult: _multiply,
    ast.Div: _divide,
    ast.FloorDiv: _floor_divide,
    ast.Mod: _remainder,
    ast.Not: operator.not_,
    ast.USub: _signed(operator.neg),
    ast.UAdd: _signed(operator.pos),
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: _is_in,
    ast.NotIn: lambda item, container: not _is_in(item, container),
}
_ORDERINGS: dict[type[ast.AST], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}


# --- functions that are always there ----------------------------------------------------------------------------------


def _elements(name: str, arguments: tuple[Any, ...]) -> list[Any]:
    """The elements meant by f([a, b]) or by f(a, b)."""
    elements = arguments[0] if len(arguments) == 1 else list(arguments)
    if type(elements) is not list:
        raise _Mistake(f"{name}() 里要是清单,这里是{_kind(elements)}")
    return elements


def _comparable(name: str, arguments: tuple[Any, ...]) -> list[Any]:
    elements = _elements(name, arguments)
    kinds = {_kind(each) for each in elements}
    if len(kinds) != 1 or not kinds <= _ORDERED:
        raise _Mistake(f"{name}() 里要有同一类可以比较的值,这里是{'、'.join(sorted(kinds)) or '空清单'}")
    return elements


def _sum(*arguments: Any) -> int | Fraction:
    elements = _elements("sum", arguments)
    if any(_kind(each) != "数字" for each in elements):
        raise _Mistake("sum() 里只能有数字")
    total: int | Fraction = sum(elements)
    return total


def _len(value: Any) -> int:
    if type(value) is not list and type(value) is not str:
        raise _Mistake(f"len() 里要是清单或文字,这里是{_kind(value)}")
    return len(value)


def _count(value: Any) -> int:
    """How many elements a list has; a missing list has none."""
    return 0 if value is None else len(_elements("count", (value,)))


def _unique(value: Any) -> list[Any]:
    elements = _elements("unique", (value,))
    _hashable(elements)
    return list(dict.fromkeys(elements))


BUILT_IN: dict[str, Callable[..., Any]] = {
    "len": _len,
    "min": lambda *arguments: min(_comparable("min", arguments)),
    "max": lambda *arguments: max(_comparable("max", arguments)),
    "sum": _sum,
    "any": lambda *arguments: any(_elements("any", arguments)),
    "all": lambda *arguments: all(_elements("all", arguments)),
    "count": _count,
    "unique": _unique,
}


# --- reading ----------------------------------------------------------------------------------------------------------

_FORBIDDEN: dict[type[ast.AST], str] = {
    ast.Pow: "不能用乘方 **",
    ast.Is: "不能用 is,请写 == null",
    ast.IsNot: "不能用 is not,请写 != null",
    ast.Tuple: "圆括号里不能列多个值,清单请用方括号:[\"a\", \"b\"]",
    ast.Subscript: "不能用方括号取值,请写 a.b",
    ast.Lambda: "不能定义函数",
    ast.NamedExpr: "不能用 := 赋值",
    ast.JoinedStr: "不能用 f\"…\",请直接写文字",
    ast.Starred: "不能用 * 展开",
    ast.keyword: "函数的参数请按顺序写,不写参数名",
}
_ALLOWED: tuple[type[ast.AST], ...] = (
    ast.BoolOp, ast.And, ast.Or, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Call, ast.Name, ast.Attribute,
    ast.Constant, ast.List, ast.Load, *_OPERATORS, *_ORDERINGS,
)  # fmt: skip
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_FULL_WIDTH = re.compile("[\uff01\uff08\uff09\uff0c\uff1a-\uff1e\u3001\u3002\u2018-\u201d\u3010\u3011]")


def _spelling(text: str) -> str | None:
    """The first thing that is wrong with the bare characters."""
    if len(text) > MAX_CHARACTERS:
        return f"表达式太长({len(text)} 个字符),最多 {MAX_CHARACTERS} 个"
    if not text.strip():
        return "表达式是空的"
    for character in text:
        if character not in "\n\r\t" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
            return f"有看不见的字符(U+{ord(character):04X}),请删去重写"
    return "不能用反斜杠" if "\\" in text else None


def _advice(text: str) -> str:
    """What most likely made the text unreadable."""
    bare = _QUOTED.sub('""', text)
    if found := _FULL_WIDTH.search(bare):
        return f"有全角符号 {found[0]},请改用半角"
    if bare.lstrip().startswith("="):
        return "开头不要写 ="
    if re.search(r"(?<![=!<>])=(?!=)", bare):
        return "判断相等请写 ==,不是 ="
    if re.search(r"&|\||!(?!=)", bare):
        return "“并且”请写 and,“或者”请写 or,“不是”请写 not"
    return "请检查括号和引号是否成对,各部分之间是否缺少 and 或 or"


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[ast.expr | None, tuple[str, ...]]:
    """The tree of `text` and every fault that can be seen without knowing the names."""
    if wrong := _spelling(text):
        return None, (wrong,)
    source = text.strip()
    if "#" not in source:
        source = " ".join(source.splitlines())
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, ("读不懂:" + _advice(text),)
    if wrong := _oversize(tree):
        return None, (wrong,)
    return tree, tuple(dict.fromkeys(_node_faults(tree, source)))


def _oversize(tree: ast.expr) -> str | None:
    nodes, level = 0, 0
    row: list[ast.AST] = [tree]
    while row:
        level += 1
        nodes += len(row)
        if nodes > MAX_NODES:
            return f"表达式太复杂,最多 {MAX_NODES} 项"
        if level > MAX_DEPTH:
            return f"表达式套得太深,最多 {MAX_DEPTH} 层"
        row = [child for node in row for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return None


def _node_faults(tree: ast.expr, source: str) -> Iterable[str]:
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            yield _FORBIDDEN.get(type(node), f"不能用这种写法({type(node).__name__})")
        elif isinstance(node, ast.Constant):
            yield from _literal_faults(node.value)
        elif isinstance(node, ast.Name):
            yield from _name_faults(node.id, ast.get_source_segment(source, node))
        elif isinstance(node, ast.Attribute):
            yield from _attribute_faults(node, ast.get_source_segment(source, node))
        elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            yield "只能写“函数名(…)”,不能写“事实.函数(…)”"


def _literal_faults(value: Any) -> Iterable[str]:
    if type(value) is float:
        yield f"不能写小数 {value},请写成分数,例如 1/2"
    elif type(value) not in _SCALARS:
        yield f"不能写这种值({type(value).__name__})"
    elif type(value) is int and value > MAX_NUMBER:
        yield "数字太大"


def _name_faults(name: str, written: str | None) -> Iterable[str]:
    if name.startswith("_"):
        yield f"名称不能以下划线开头:{name}"
    elif not (written or name).endswith(name):
        yield f"名称 {name} 里有全角或变体字母,请改用普通字母"


def _attribute_faults(node: ast.Attribute, written: str | None) -> Iterable[str]:
    yield from _name_faults(node.attr, written)
    if not isinstance(node.value, (ast.Name, ast.Attribute)):
        yield f"“.{node.attr}”前面只能是事实的名称"


def _tree(text: str) -> ast.expr:
    tree, wrong = _readable(text)
    if tree is None or wrong:
        raise _fault(text, ";".join(wrong))
    return tree


def _readable(text: str) -> tuple[ast.expr | None, tuple[str, ...]]:
    if not isinstance(text, str):
        return None, (f"表达式应是文字,这里是 {type(text).__name__}",)
    return _read(text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS + 1])


def _fault(text: str, wrong: str) -> ProcessFault:
    shown = "".join(c if c.isprintable() else "?" for c in str(text)[:80])
    return ProcessFault(f"表达式“{shown}”有误:{wrong}", element=shown, advice=wrong)


def _dotted(node: ast.AST) -> str | None:
    """`a.b.c` for a name with its attributes."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def _calls(tree: ast.expr) -> list[ast.Call]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


# --- what others may ask of a text ------------------------------------------------------------------------------------


def check(
    text: str, names: set[str] | None = None, functions: set[str] | frozenset[str] = frozenset()
) -> list[str]:
    """Every fault that can be seen without facts, in plain words; empty if the text is sound.

    `names` are the first names it may use (None: any); `functions` those it may call beside `BUILT_IN`.
    """
    tree, wrong = _readable(text)
    if tree is None:
        return list(wrong)
    return [*wrong, *_unknown_functions(tree, functions), *_unknown_names(tree, names, functions)]


def _unknown_functions(tree: ast.expr, functions: set[str] | frozenset[str]) -> Iterable[str]:
    known = functions | BUILT_IN.keys()
    for name in dict.fromkeys(call.func.id for call in _calls(tree) if isinstance(call.func, ast.Name)):
        if name not in known:
            yield f"没有函数 {name}(){_nearest(name, known)}"


def _unknown_names(
    tree: ast.expr, names: set[str] | None, functions: set[str] | frozenset[str]
) -> Iterable[str]:
    for name in sorted({dotted.partition(".")[0] for dotted in _names(tree)}):
        if names is not None and name in names:
            continue
        if name in functions or name in BUILT_IN:
            yield f"{name} 是函数,后面要写括号"
        elif names is not None:
            yield f"没有名为 {name} 的事实{_nearest(name, names)}"


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f",是不是 {near[0]}?" if near else ""


def _names(tree: ast.expr) -> set[str]:
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    inner |= {id(call.func) for call in _calls(tree)}
    found = {_dotted(node) for node in ast.walk(tree) if id(node) not in inner}
    return {name for name in found if name and name not in CONSTANTS}


def names_in(text: str) -> set[str]:
    """The dotted names of the facts that `text` uses, e.g. {"review.decision"}; ProcessFault if it cannot be read."""
    return _names(_tree(text))


def numbers_in(text: str) -> list[int]:
    """The numbers written in `text`, from left to right, a minus sign included; ProcessFault if it cannot be read."""
    tree = _tree(text)
    signed = {
        id(node.operand) for node in ast.walk(tree) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    }
    numbers = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is int]
    numbers.sort(key=lambda node: (node.lineno, node.col_offset))
    return [-int(node.value) if id(node) in signed else int(node.value) for node in numbers]  # type: ignore[arg-type]


def calls_in(text: str) -> list[tuple[str, list[object]]]:
    """Each function that `text` calls, from left to right, with those of its arguments that are literals."""
    return [(call.func.id, _literals(call)) for call in _calls(_tree(text)) if isinstance(call.func, ast.Name)]


def _literals(call: ast.Call) -> list[object]:
    values: list[object] = []
    for argument in call.args:
        if isinstance(argument, ast.Name) and argument.id in CONSTANTS:
            values.append(CONSTANTS[argument.id])
            continue
        try:
            values.append(ast.literal_eval(argument))
        except (ValueError, TypeError):
            continue
    return values


# --- evaluating -------------------------------------------------------------------------------------------------------


class _Evaluator(SimpleEval):  # type: ignore[misc]
    """simpleeval's walk over the tree with our nodes, our values and a step counter; made anew for each evaluation."""

    def __init__(self, facts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> None:
        # The parent's constructor is left out on purpose: it installs nodes that we refuse and costs more than a run.
        self.names, self.functions, self.operators = facts, functions, _OPERATORS
        self.steps = 0

    def _eval(self, node: ast.AST) -> Any:
        self._spend(1)
        return _HANDLERS[type(node)](self, node)

    def _spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise _Mistake("计算量太大")

    def _taken(self, value: Any, source: str) -> Any:
        """A plain value; a list is paid for by its length."""
        if type(value) is list or type(value) is tuple:
            self._spend(len(value) // ELEMENTS_PER_STEP)
        return _plain(value, source)

    def _eval_constant(self, node: ast.Constant) -> Any:
        return node.value

    def _eval_name(self, node: ast.Name) -> Any:
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        return self._taken(self.names.get(node.id), node.id)

    def _eval_attribute(self, node: ast.Attribute) -> Any:
        owner = self._eval(node.value)
        if owner is None:
            return None
        if type(owner) is not dict:
            raise _Mistake(f"{ast.unparse(node.value)} 是{_kind(owner)},没有下一级 {node.attr}")
        return self._taken(owner.get(node.attr), node.attr)

    def _eval_list(self, node: ast.List) -> list[Any]:
        return [self._eval(each) for each in node.elts]

    def _eval_unaryop(self, node: ast.UnaryOp) -> Any:
        value = self._eval(node.operand)
        if not isinstance(node.op, ast.Not):
            _present(node.operand, value)
        return self.operators[type(node.op)](value)

    def _eval_binop(self, node: ast.BinOp) -> Any:
        left, right = self._eval(node.left), self._eval(node.right)
        _present(node.left, left)
        _present(node.right, right)
        return self._taken(self.operators[type(node.op)](left, right), "计算结果")

    def _eval_compare(self, node: ast.Compare) -> bool:
        left_node, left = node.left, self._eval(node.left)
        for sign, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._eval(right_node)
            if not self._holds(sign, (left_node, left), (right_node, right)):
                return False
            left_node, left = right_node, right
        return True

    def _holds(self, sign: ast.cmpop, left: tuple[ast.expr, Any], right: tuple[ast.expr, Any]) -> bool:
        ordering = _ORDERINGS.get(type(sign))
        if ordering is None:
            return bool(self.operators[type(sign)](left[1], right[1]))
        _present(*left)
        _present(*right)
        if _kind(left[1]) != _kind(right[1]) or _kind(left[1]) not in _ORDERED:
            raise _Mistake(f"{_kind(left[1])}与{_kind(right[1])}不能用 {ordering[0]} 比较")
        return ordering[1](left[1], right[1])

    def _eval_call(self, node: ast.Call) -> Any:
        name: str = node.func.id  # type: ignore[attr-defined]
        function = self.functions.get(name) or BUILT_IN.get(name)
        if function is None:
            raise _Mistake(f"没有函数 {name}()")
        return self._taken(_called(name, function, [self._eval(each) for each in node.args]), f"{name}()")


_HANDLERS: dict[type[ast.AST], Callable[[_Evaluator, Any], Any]] = {
    ast.Constant: _Evaluator._eval_constant,
    ast.Name: _Evaluator._eval_name,
    ast.Attribute: _Evaluator._eval_attribute,
    ast.List: _Evaluator._eval_list,
    ast.UnaryOp: _Evaluator._eval_unaryop,
    ast.BinOp: _Evaluator._eval_binop,
    ast.BoolOp: _Evaluator._eval_boolop,
    ast.Compare: _Evaluator._eval_compare,
    ast.IfExp: _Evaluator._eval_ifexp,
    ast.Call: _Evaluator._eval_call,
}


def _present(node: ast.expr, value: Any) -> None:
    if value is None:
        raise _Mistake(f"事实 {ast.unparse(node)} 还没有值,不能比较大小或计算")


def _called(name: str, function: Callable[..., Any], arguments: list[Any]) -> Any:
    """The function's result. A database error passes through untouched: whoever holds the transaction may retry."""
    try:
        return function(*arguments)
    except (_Mistake, ProcessFault, Conflict):
        raise
    except EngineError as error:
        raise _Mistake(f"{name}() 不成立:{error.message}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise _Mistake(f"{name}() 的参数不对") from error


def evaluate(
    text: str, facts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None
) -> Any:
    """The value of `text`: int, Fraction, str, bool, None, date, datetime or a list of them.

    A missing fact is None. Every failure is a ProcessFault that says what is wrong in the author's words.
    """
    tree = _tree(text)
    try:
        value = _Evaluator(facts, functions or {})._eval(tree)
    except _Mistake as mistake:
        raise _fault(text, str(mistake)) from mistake.__cause__
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise _fault(text, "值的类型不合") from error
    if _has_facts_inside(value):
        raise _fault(text, "结果是一组事实,请写到其中一项")
    return value
