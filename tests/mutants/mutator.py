"""Finds every mutation of a Python source: an exact edit of its text, so that a survivor can be shown as a diff."""

from __future__ import annotations

import ast
import bisect
import difflib
import io
import re
import tokenize
from dataclasses import dataclass

_FLIPPED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),  # the boundary, and the opposite
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
}
_OPERATOR_TOKENS = {"<", "<=", ">", ">=", "==", "!=", "in", "not", "is"}
_GUARD_CALL = re.compile(r"_?(check|must|refuse|require|demand)(_|$)")
_LOCK_TEXT = re.compile(
    r"\s+FOR\s+(NO\s+KEY\s+)?(UPDATE|SHARE)(\s+OF\s+\w+)?(\s+SKIP\s+LOCKED|\s+NOWAIT)?"
)
_LOCK_NAME = re.compile(r"_?FOR_(UPDATE|SHARE)$")
_ESCAPE_FLAGS = {
    "autoescape",
    "ensure_ascii",
    "allow_nan",
    "sort_keys",
}  # of LIKE; of canonical JSON
_ACCESS_TABLE = "VERBS"


@dataclass(frozen=True)
class Mutation:
    """Replace `text[start:end]` (characters) by `new`. `line` counts from 1."""

    kind: str
    line: int
    start: int
    end: int
    new: str

    def apply(self, text: str) -> str:
        """The source with this one fault in it."""
        return text[: self.start] + self.new + text[self.end :]

    def diff(self, text: str, name: str) -> str:
        """The fault as a unified diff without surroundings."""
        before, after = text.split("\n"), self.apply(text).split("\n")
        lines = difflib.unified_diff(before, after, name, name, lineterm="", n=0)
        return "\n".join(lines)


def mutations(text: str) -> list[Mutation]:
    """Every mutation of a source, in the order of the text. Annotations and code for type checkers have none.

    SyntaxError: the text is not Python.
    """
    return _Finder(text).found()


class _Finder(ast.NodeVisitor):
    """Walks the tree and notes the edits; positions of the tree (UTF-8 bytes) become positions in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = io.StringIO(text).readlines()  # splitlines would also part at U+2028
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.tokens = self._words()
        self.noted: set[Mutation] = set()

    def found(self) -> list[Mutation]:
        self.visit(ast.parse(self.text))
        return sorted(self.noted, key=lambda m: (m.start, m.end, m.kind, m.new))

    # --- positions ---------------------------------------------------------------------------------------------------

    def _words(self) -> list[tuple[int, int, str]]:
        """(start, end, text) of every token but comments and strings, so that neither is taken for an operator."""
        plain = (tokenize.NAME, tokenize.OP)
        return [
            (self._offset(t.start), self._offset(t.end), t.string)
            for t in tokenize.generate_tokens(io.StringIO(self.text).readline)
            if t.type in plain
        ]

    def _offset(self, at: tuple[int, int]) -> int:
        return self.starts[at[0] - 1] + at[1]

    def _place(self, line: int, column: int) -> int:
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._place(node.lineno, node.col_offset)

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._place(node.end_lineno, node.end_col_offset)

    def _source(self, node: ast.expr) -> str:
        return self.text[self._start(node) : self._end(node)]

    def _between(self, left: ast.expr, right: ast.expr, words: set[str]) -> tuple[int, int]:
        """Where the operator made of `words` stands between two operands."""
        first, last = self._end(left), self._start(right)
        inside = [t for t in self.tokens if first <= t[0] and t[1] <= last and t[2] in words]
        return inside[0][0], inside[-1][1]

    def _dot(self, node: ast.Attribute) -> int:
        """Where the `.` before the attribute stands."""
        after = self._end(node.value)
        return next(start for start, _, text in self.tokens if start >= after and text == ".")

    def _note(self, kind: str, start: int, end: int, new: str) -> None:
        line = bisect.bisect_right(self.starts, start)
        self.noted.add(Mutation(kind, line, start, end, new))

    def _replace(self, kind: str, node: ast.expr | ast.stmt, new: str) -> None:
        self._note(kind, self._start(node), self._end(node), new)

    # --- what is not run ---------------------------------------------------------------------------------------------

    def visit_arg(self, node: ast.arg) -> None:
        """Its annotation is not run."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._access(node.target, node.value)
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for each in [*node.decorator_list, node.args, *node.body]:
            self.visit(each)

    visit_AsyncFunctionDef = visit_FunctionDef

    # --- what is mutated ---------------------------------------------------------------------------------------------

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            start, end = self._between(left, right, _OPERATOR_TOKENS)
            for new in _FLIPPED[type(operator)]:
                self._note("comparison", start, end, new)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._note("logic", *self._between(left, right, {old}), new)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.Invert):  # `~` negates a condition in SQL
            start = self._start(node)
            sign = re.compile(r"not ?|~").match(self.text, start)
            assert sign is not None
            self._note("negation", start, sign.end(), "")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if type(node.value) is int:
            for changed in (node.value - 1, node.value + 1):
                self._replace("number", node, str(changed))
        elif isinstance(node.value, str):
            self._lock_text(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Only its locks: before Python 3.12 nothing inside an f-string knows where it stands."""
        self._lock_text(node)

    def _lock_text(self, node: ast.expr) -> None:
        for lock in _LOCK_TEXT.finditer(self._source(node)):
            start = self._start(node)
            self._note("lock", start + lock.start(), start + lock.end(), "")

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node.value, ast.Call) and _GUARD_CALL.match(_name_of(node.value.func)):
            self._replace("guard", node, "pass")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if _name_of(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node.body[-1], ast.Raise):
            self._replace("guard", node.test, "False")
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if _LOCK_NAME.match(node.id) and isinstance(node.ctx, ast.Load):
            self._replace("lock", node, '""')

    def visit_Call(self, node: ast.Call) -> None:
        method = node.func if isinstance(node.func, ast.Attribute) else None
        if method is not None and method.attr == "with_for_update":
            self._note("lock", self._dot(method), self._end(node), "")
        if method is not None and _doubles(method.attr, node.args):
            self._note("escape", self._dot(method), self._end(node), "")
        if _name_of(node.func) == "escape" and node.args:
            self._replace("escape", node, self._source(node.args[0]))
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg in _ESCAPE_FLAGS and isinstance(node.value, ast.Constant):
            self._replace("escape", node.value, str(not node.value.value))
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._access(node.targets[0], node.value)
        self.visit(node.value)

    def _access(self, target: ast.expr, value: ast.expr | None) -> None:
        """Rows of the access table: one taken away, a predicate taken away, a predicate added."""
        if _name_of(target) != _ACCESS_TABLE or not isinstance(value, ast.Dict):
            return
        rows = [(k, _row(v)) for k, v in zip(value.keys, value.values, strict=True) if k]
        known = {self._source(each) for _, row in rows for each in _elements(row)}
        for _, row in rows:
            self._replace("access", row, "()")
            held = [self._source(each) for each in _elements(row)]
            choices = [[h for h in held if h != gone] for gone in held]
            choices += [[*held, more] for more in sorted(known - set(held))]
            for chosen in filter(None, choices):
                self._replace("access", row, f"({', '.join(chosen)},)")


def _row(value: ast.expr) -> ast.expr:
    """Who may, of what stands at a verb: the row itself, or behind the verb's name."""
    return value.args[1] if isinstance(value, ast.Call) and len(value.args) == 2 else value


def _elements(row: ast.expr) -> list[ast.expr]:
    return row.elts if isinstance(row, ast.Tuple) else []


def _name_of(node: ast.expr) -> str:
    """The last name of `a.b.c`, or nothing."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _doubles(method: str, arguments: list[ast.expr]) -> bool:
    """Is it `.replace(mark, something that holds the mark and more)`, as every escape by hand is?"""
    texts = [a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return method == "replace" and len(texts) == 2 and texts[0] in texts[1] and texts[0] != texts[1]
