"""Between HTML forms and the engine: what a browser sends as answers, and hide rules that the page can evaluate."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from engine.forms import Form

Hide = list[Any]


LITERALS = {"true": True, "false": False, "null": None}


def answers(form: Form | None, sent: MultiDict[str, str]) -> dict[str, Any]:
    """What a browser sent for a form, in the shapes that `forms.clean` wants: lists where several may be chosen."""
    found: dict[str, Any] = {}
    for field in form.asked if form else ():
        name = f"f.{field.key}"
        if field.kind in ("checklist", "filepicker"):
            found[field.key] = [v for v in sent.getlist(name) if v]
        elif name in sent:
            value = sent[name]
            found[field.key] = value.replace("\r\n", "\n") if field.kind == "textarea" else value
    return found


def hide_rule(expression: str) -> str:
    """A hide expression as a JSON tree: ["!=", "decision", "file"], ["and", a, b], ["not", a], ["<", "n", 1].

    "" when the expression says more than the page can evaluate; the field is then shown and the server decides.
    """
    try:
        return json.dumps(
            _tree(ast.parse(expression.strip().removeprefix("=").strip(), mode="eval").body),
            ensure_ascii=False,
        )
    except (SyntaxError, ValueError):
        return ""


def _tree(node: ast.expr) -> Hide:
    if isinstance(node, ast.BoolOp):
        return ["and" if isinstance(node.op, ast.And) else "or", *(_tree(v) for v in node.values)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ["not", _tree(node.operand)]
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "not"
        and len(node.args) == 1
    ):
        return ["not", _tree(node.args[0])]
    if isinstance(node, ast.Name):
        return ["is", node.id]
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.left, ast.Name):
        right = node.comparators[0]
        sign = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.Gt: ">"}.get(type(node.ops[0]))
        if sign and isinstance(right, ast.Name) and right.id in LITERALS and sign in ("==", "!="):
            return [sign, node.left.id, LITERALS[right.id]]
        if sign and isinstance(right, ast.Constant) and isinstance(right.value, str | bool | int):
            return [sign, node.left.id, right.value]
    raise ValueError("not for the page")
