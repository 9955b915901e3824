"""The syntax that an expression may have: an allow-list of Python's, within hard limits."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable

from engine.expressions.values import MAX_NUMBER, SCALARS
from engine.messages import _

MAX_CHARACTERS = 500
MAX_NODES = 120
MAX_DEPTH = 20
_FORBIDDEN: dict[type[ast.AST], str] = {
    ast.Pow: _("不能用乘方 **"),
    ast.Is: _("不能用 is，请写 == null"),
    ast.IsNot: _("不能用 is not，请写 != null"),
    ast.Tuple: _('圆括号里不能列多个值，清单请用方括号：["a", "b"]'),
    ast.Subscript: _("不能用方括号取值，请写 a.b"),
    ast.Lambda: _("不能定义函数"),
    ast.NamedExpr: _("不能用 := 赋值"),
    ast.JoinedStr: _('不能用 f"…"，请直接写文字'),
    ast.Starred: _("不能用 * 展开"),
    ast.keyword: _("函数的参数请按顺序写，不写参数名"),
}
SIGNS: dict[type[ast.AST], str] = {  # how the tree of an expression calls Python's operators
    ast.And: "and",
    ast.Or: "or",
    ast.Not: "not",
    ast.USub: "minus",
    ast.UAdd: "plus",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
ALLOWED: tuple[type[ast.AST], ...] = (
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Attribute,
    ast.Constant,
    ast.List,
    ast.Load,
    *SIGNS,
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_FULL_WIDTH = re.compile(
    "[\uff01\uff08\uff09\uff0c\uff1a-\uff1e\u3001\u3002\u2018-\u201d\u3010\u3011]"
)


def parsed(text: str) -> tuple[ast.expr | None, tuple[str, ...], str]:
    """Python's tree of `text` (None if there is none), every fault of the syntax, and the source it
    was read from.
    """
    if wrong := _spelling(text):
        return None, (wrong,), text
    source = text.strip()
    if "#" not in source:
        source = " ".join(source.splitlines())
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, (_("读不懂：{advice}", advice=_advice(text)),), source
    if wrong := _oversize(tree):
        return None, (wrong,), source
    return tree, tuple(dict.fromkeys(_node_faults(tree, source))), source


def _spelling(text: str) -> str | None:
    """The first thing that is wrong with the bare characters."""
    if len(text) > MAX_CHARACTERS:
        return _(
            "表达式太长（{count} 个字符），最多 {most} 个",
            count=len(text),
            most=MAX_CHARACTERS,
        )
    if not text.strip():
        return _("表达式是空的")
    for character in text:
        if character not in "\n\r\t" and unicodedata.category(character) in {
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Cn",
        }:
            return _("有看不见的字符（U+{code}），请删去重写", code=f"{ord(character):04X}")
    return _("不能用反斜杠") if "\\" in text else None


def _advice(text: str) -> str:
    """What most likely made the text unreadable."""
    bare = _QUOTED.sub('""', text)
    if found := _FULL_WIDTH.search(bare):
        return _("有全角符号 {sign}，请改用半角", sign=found[0])
    if bare.lstrip().startswith("="):
        return _("开头不要写 =")
    if re.search(r"(?<![=!<>])=(?!=)", bare):
        return _("判断相等请写 ==，不是 =")
    if re.search(r"&|\||!(?!=)", bare):
        return _("“并且”请写 and，“或者”请写 or，“不是”请写 not")
    return _("请检查括号和引号是否成对，各部分之间是否缺少 and 或 or")


def _oversize(tree: ast.expr) -> str | None:
    nodes, level = 0, 0
    row: list[ast.AST] = [tree]
    while row:
        level += 1
        nodes += len(row)
        if nodes > MAX_NODES:
            return _("表达式太复杂，最多 {most} 项", most=MAX_NODES)
        if level > MAX_DEPTH:
            return _("表达式套得太深，最多 {most} 层", most=MAX_DEPTH)
        row = [
            child
            for node in row
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.expr)
        ]
    return None


def _node_faults(tree: ast.expr, source: str) -> Iterable[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ALLOWED):
            yield _FORBIDDEN.get(
                type(node), _("不能用这种写法（{type}）", type=type(node).__name__)
            )
        elif isinstance(node, ast.Constant):
            yield from _literal_faults(node.value)
        elif isinstance(node, ast.Name):
            yield from _name_faults(node.id, ast.get_source_segment(source, node))
        elif isinstance(node, ast.Attribute):
            yield from _attribute_faults(node, ast.get_source_segment(source, node))
        elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            yield _("只能写“函数名（…）”，不能写“事实.函数（…）”")


def _literal_faults(value: object) -> Iterable[str]:
    if type(value) is float:
        yield _("不能写小数 {value}，请写成分数，例如 1/2", value=value)
    elif type(value) not in SCALARS:
        yield _("不能写这种值（{type}）", type=type(value).__name__)
    elif type(value) is int and value > MAX_NUMBER:
        yield _("数字太大")


def _name_faults(name: str, written: str | None) -> Iterable[str]:
    if name.startswith("_"):
        yield _("名称不能以下划线开头：{name}", name=name)
    elif not (written or name).endswith(name):
        yield _("名称 {name} 里有全角或变体字母，请改用普通字母", name=name)


def _attribute_faults(node: ast.Attribute, written: str | None) -> Iterable[str]:
    yield from _name_faults(node.attr, written)
    if not isinstance(node.value, (ast.Name, ast.Attribute)):
        yield _("“.{attr}”前面只能是事实的名称", attr=node.attr)
