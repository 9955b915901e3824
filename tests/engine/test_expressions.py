"""The expression language: what it says, what it refuses, and where its limits lie."""

from __future__ import annotations

import ast
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import legacy
from engine.errors import Conflict, NotFound, ProcessFault
from engine.expressions import (
    BUILT_IN,
    FUNCTIONS,
    calls_in,
    check,
    evaluate,
    names_in,
    numbers_in,
    syntax,
    texts_in,
    tree_in,
)
from engine.expressions.evaluation import OPERATIONS
from engine.expressions.operators import ORDERINGS, RELATIONS
from engine.expressions.tree import READERS
from engine.settings import ROOT

FACTS: dict[str, Any] = {
    "review": {"decision": "file", "note": None, "score": 4},
    "second": {"yes": 3, "voters": {"yes": ["m1", "m2", "m3"]}},
    "launch": {"mover": "m1", "units": ["a", "b"], "agree": True, "items": "key"},
    "present": 201,
    "total": 300,
    "now": datetime(2026, 3, 2, tzinfo=UTC),
    "day": date(2026, 3, 2),
    "text": "中文 text",
}

ATTACKS = [
    "__import__('os').system('touch /tmp/pwned')",
    "__import__",
    "__builtins__",
    "__debug__",
    "_x",
    "().__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()",
    "[].__class__",
    "review.__class__",
    "review.__class__.__init__.__globals__",
    "review.decision.__class__",
    "review.decision.upper()",
    "review.get('decision')",
    "review.items()",
    "review.keys",
    "review['decision']",
    "launch.units[0]",
    "launch.units[::1]",
    "launch.units.append('x')",
    "launch.units.sort()",
    "text.format(review)",
    "'{0.__class__}'.format(review)",
    "'{0}'.format_map(review)",
    "'%s' % review",
    "'%1000000000d' % 1",
    "f'{review}'",
    "f'{9:>999999999}'",
    "getattr(review, 'decision')",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'eval')",
    "open('/etc/passwd')",
    "globals()",
    "locals()",
    "vars()",
    "dir()",
    "type(1)",
    "isinstance(1, 1)",
    "str(1)",
    "int('9' * 10)",
    "print(1)",
    "input()",
    "lambda: 1",
    "(lambda: 1)()",
    "(x := 1)",
    "[x for x in launch.units]",
    "{x for x in launch.units}",
    "{x: 1 for x in launch.units}",
    "(x for x in launch.units)",
    "{'a': 1}",
    "{**review}",
    "{1, 2}",
    "(1, 2)",
    "[*launch.units]",
    "max(*launch.units)",
    "max(key=1)",
    "9 ** 9 ** 9 ** 9",
    "2 ** 2",
    "pow(2, 1000)",
    "1 << 100000",
    "1 >> 1",
    "1 | 2",
    "1 & 2",
    "1 ^ 2",
    "~1",
    "1 @ 2",
    "'a' * 1000000000",
    "1000000000 * 'a'",
    "[1] * 1000000000",
    "[[1] * 1000] * 1000",
    "10000000000000000000",
    "999999999999999999 * 999999999999999999",
    "9" * 400,
    "0x" + "f" * 400,
    "1.5",
    "1e308 * 10",
    "1j",
    "b'x'",
    "...",
    "1 / 0",
    "1 // 0",
    "1 % 0",
    "yield 1",
    "await x",
    "import os",
    "del review",
    "x = 1",
    "1; 2",
    "1\n2",
    "raise x",
    "assert 1",
    "pass",
    "a is None",
    "not not not not not not not not not not not not not not not not not not not not not 1",
    "(" * 100 + "1" + ")" * 100 + "." * 2,
    "(" * 240 + "1" + ")" * 240,
    "[" * 100 + "]" * 100,
    "-" * 400 + "1",
    "a." * 100 + "a",
    "1+" * 200 + "1",
    "x" * 501,
    "",
    "   ",
    "\0",
    "1\0",
    "'\0'",
    "'\ud800'",
    "'\\x00'",
    "'\\N{DIGIT ONE}'",
    "1 \\\n + 1",
    "'\u202e'",
    "review\u200b.decision",
    "ｅｖａｌ('1')",
    "ｒｅｖｉｅｗ.decision",
    "_＿class_＿",
    "review.＿＿class＿＿",
    "𝓻eview.decision",
    "review。decision",
    "“file” == 1",
    "review.decision = 'file'",
    "review.decision && 1",
    "!review",
    "`id`",
    "$(id)",
    "review.decision.x",
    "text.x",
    "present.real",
    "review",
    "[review]",
    "review + 1",
    "review < review",
    "review.note < 1",
    "missing.x >= 1",
    "text < 1",
    "launch.agree + 1",
    "-text",
    "launch.units + 1",
    "[[1]] - [[1]]",
    "unique([[1]])",
    "1 in 2",
    "1 in text",
    "len(1)",
    "len(null)",
    "min([])",
    "min(1, 'a')",
    "sum(['a'])",
    "sum(1)",
    "any(1)",
    "now < day",
    "day - day",
    "max",
    "len()",
    "len(1, 2)",
]


HARMLESS = {"max", "review.keys"}  # a missing fact

_watched: list[str] | None = None
_FORBIDDEN_EVENTS = (
    "open",
    "exec",
    "import",
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
    "shutil.",
)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    # The tokenizer itself imports unicodedata to normalise a name.
    if (
        _watched is not None
        and event.startswith(_FORBIDDEN_EVENTS)
        and "unicodedata" not in map(str, arguments)
    ):
        _watched.append(event)


sys.addaudithook(_watch)


def _reached(work: Callable[[], Any]) -> list[str]:
    """What `work` touched of the system, by the interpreter's own audit."""
    global _watched
    _watched = touched = []
    try:
        work()
    finally:
        _watched = None
    return touched


def test_the_watch_sees_what_it_should() -> None:
    assert _reached(lambda: eval("__import__('os').getcwd()"))


def _refusal(text: str) -> ProcessFault:
    try:
        value = evaluate(text, FACTS)
    except ProcessFault as fault:
        return fault
    pytest.fail(f"not refused: {value!r}")


@pytest.mark.parametrize("text", [a for a in ATTACKS if a not in HARMLESS])
def test_hostile_text_is_refused_quickly_and_without_effects(text: str) -> None:
    before, refusals = repr(FACTS), []
    touched = _reached(lambda: refusals.append(_refusal(text)))
    assert touched == []
    assert any("\u4e00" <= c <= "\u9fff" for c in refusals[0].message)
    assert repr(FACTS) == before


def test_there_are_enough_attacks() -> None:
    assert len(set(ATTACKS)) >= 60


def test_a_method_name_is_only_a_key() -> None:
    assert evaluate("review.keys", FACTS) is None
    assert evaluate("launch.items", FACTS) == "key"
    assert evaluate("max", FACTS) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('review.decision == "file" and second.yes >= 3', True),
        ("review.decision != 'file' or not second.yes", False),
        ("missing", None),
        ("missing.deeper.still", None),
        ("missing == null", True),
        ("launch.agree == true and launch.agree != false", True),
        ("launch.agree == True", True),
        ('"x" in missing', False),
        ('"x" not in missing', True),
        ('"a" in launch.units', True),
        ('"m9" not in second.voters.yes', True),
        ('"中" in text', True),
        ("null in text", False),
        ("second.voters.yes - [launch.mover]", ["m2", "m3"]),
        ("second.voters.yes - [missing]", ["m1", "m2", "m3"]),
        ("launch.units + ['b']", ["a", "b", "b"]),
        ("unique(launch.units + ['b'])", ["a", "b"]),
        ("count(launch.units) + count(missing)", 2),
        ("len(text)", 7),
        ("max(1, 3, 2) - min([4, 5])", -1),
        ("sum([1, 1/2])", Fraction(3, 2)),
        ("any([null, 0, 1])", True),
        ("all([1, 0])", False),
        ("1 < 2 < 3", True),
        ("1 < 3 < 2", False),
        ("7 // 2 + 7 % 4", 6),
        ("-3 + +5", 2),
        ('"a" + "b"', "ab"),
        ('"a" if second.yes > 2 else "b"', "a"),
        ("now", FACTS["now"]),
        ("day", FACTS["day"]),
        ("now <= now and day >= day", True),
        ("second.yes\n  >= 3\n  and true", True),
        ("  present  ", 201),
        ("3 * present >= 2 * total", True),
    ],
)
def test_an_expression_gives_its_value(text: str, value: Any) -> None:
    assert evaluate(text, FACTS) == value


@pytest.mark.parametrize("total", [1, 2, 3, 7, 99, 100, 101, 999])
def test_two_thirds_is_exact_at_the_boundary(total: int) -> None:
    for present in range(max(0, 2 * total // 3 - 2), min(total, 2 * total // 3 + 3) + 1):
        facts = {"present": present, "total": total}
        exact = Fraction(present, total) >= Fraction(2, 3)
        assert evaluate("3*present >= 2*total", facts) is exact
        assert evaluate("present/total >= 2/3", facts) is exact


def test_division_gives_a_fraction_and_never_a_float() -> None:
    assert evaluate("1/3 + 1/3 + 1/3 == 1", {}) is True
    assert type(evaluate("6/3", {})) is Fraction


def test_comparing_a_missing_fact_names_it() -> None:
    with pytest.raises(ProcessFault, match=r"事实 second\.no 还没有值"):
        evaluate("second.yes > 1 and second.no >= 3", FACTS)
    with pytest.raises(ProcessFault, match="事实 absent 还没有值"):
        evaluate("absent * 2", FACTS)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("'1' < 2", "文字与数字不能用 < 比较"),
        ("[1] <= [2]", "清单与清单不能用 <= 比较"),
        ("sum('12')", r"sum\(\) 里要是清单，这里是文字"),
        ("max(1)", r"max\(\) 里要是清单，这里是数字"),
    ],
)
def test_what_does_not_belong_together_is_named(text: str, wrong: str) -> None:
    with pytest.raises(ProcessFault, match=wrong):
        evaluate(text, {})


@pytest.mark.parametrize(
    "value", [1.5, object(), {1}, b"x", lambda: 1, Exception(), 10**18 + 1, [1.5], [[object()]]]
)
def test_a_fact_or_result_that_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(ProcessFault):
        evaluate("x", {"x": value})
    with pytest.raises(ProcessFault):
        evaluate("f()", {}, {"f": lambda: value})


def test_a_tuple_from_a_function_becomes_a_list() -> None:
    assert evaluate("f() - ['a']", {}, {"f": lambda: ("a", "b")}) == ["b"]


def _raising(error: Exception) -> Callable[..., Any]:
    def function(*_: Any) -> Any:
        raise error

    return function


@pytest.mark.parametrize(
    "error", [TypeError(), ValueError(), KeyError(), ZeroDivisionError(), NotFound()]
)
def test_a_failing_function_is_a_process_fault(error: Exception) -> None:
    with pytest.raises(ProcessFault, match=r"f\(\)"):
        evaluate("f(1)", {}, {"f": _raising(error)})


@pytest.mark.parametrize("error", [Conflict(), ConnectionError(), ProcessFault("本来的话")])
def test_faults_of_the_database_and_of_the_law_pass_through(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        evaluate("f(1)", {}, {"f": _raising(error)})
    assert caught.value is error


class TestLimits:
    def test_characters(self) -> None:
        assert evaluate('"' + "a" * 498 + '"', {}) == "a" * 498
        assert check('"' + "a" * 499 + '"') == ["表达式太长（501 个字符），最多 500 个"]

    def test_nodes(self) -> None:
        assert check("[" + ",".join("1" * 119) + "]") == []
        assert "太复杂" in check("[" + ",".join("1" * 120) + "]")[0]

    def test_depth(self) -> None:
        assert evaluate("not " * 18 + "1", {}) is True
        assert check("not " * 19 + "1") == []
        assert "太深" in check("not " * 20 + "1")[0]

    def test_numbers(self) -> None:
        assert evaluate("1000000000 * 1000000000", {}) == 10**18
        with pytest.raises(ProcessFault, match="数字太大"):
            evaluate("1000000000 * 1000000000 + 1", {})
        with pytest.raises(ProcessFault, match="数字太大"):
            evaluate("1 / 1000000000 / 1000000001", {})

    def test_strings(self) -> None:
        assert len(evaluate("a + b", {"a": "x" * 9_999, "b": "y"})) == 10_000
        with pytest.raises(ProcessFault, match="10000"):
            evaluate("a + b", {"a": "x" * 9_999, "b": "yy"})

    def test_steps(self) -> None:
        assert len(evaluate("a", {"a": ["x"] * 499_000})) == 499_000
        with pytest.raises(ProcessFault, match="计算量"):
            evaluate("a + a", {"a": ["x"] * 200_000})


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("a = 1", "判断相等请写 =="),
        ("a \uff1d 1", "半角"),
        ("f\uff081\uff09", "半角"),
        ("a && b", "and"),
        ("=a", "开头不要写"),
        ("0.5 * a", "1/2"),
        ("a is null", "== null"),
        ("(1, 2)", "方括号"),
        ("max", "后面要写括号"),
        ("rule('X')", "没有函数 rule"),
        ("reveiw.decision", "是不是 review?"),
        ("a.f()", "事实.函数"),
        ("(a", "成对"),
    ],
)
def test_a_fault_says_what_to_write(text: str, advice: str) -> None:
    assert any(advice in wrong for wrong in check(text, {"a", "b", "review"}))


def test_check_finds_all_faults_at_once() -> None:
    assert len(check("x.y + 0.5 + g(1) + (2, 3)", {"a"}, {"f"})) == 4
    assert check("f(a.b) > 1 and any([a])", {"a"}, {"f"}) == []
    assert check("whatever.it.may.be") == []


def test_what_a_text_uses() -> None:
    text = 'before(task_due, "MO-AMBER") >= now and rule("X", [1, -2], true) + a.b.c > 3 and not x'
    assert names_in(text) == {"task_due", "now", "a.b.c", "x"}
    assert numbers_in(text) == [1, -2, 3]
    assert calls_in(text) == [("before", ["MO-AMBER"]), ("rule", ["X", [1, -2], True])]
    for ask in (names_in, numbers_in, calls_in):
        with pytest.raises(ProcessFault):
            ask("(((")


def test_evaluating_a_known_text_is_quick() -> None:
    evaluate('review.decision == "file"', FACTS)
    best = min(_timed(lambda: evaluate('review.decision == "file"', FACTS)) for _ in range(200))
    assert best < 100e-6


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


# --- fuzz ---

PIECES = st.sampled_from(
    [
        "review",
        "second.yes",
        "launch.units",
        "missing",
        "now",
        "text",
        "1",
        "0",
        "10**9",
        "1.5",
        "'a'",
        '"%s"',
        "[",
        "]",
        "(",
        ")",
        ",",
        ".",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "==",
        "<",
        ">=",
        " in ",
        " not ",
        " and ",
        " or ",
        " if ",
        " else ",
        "len",
        "max",
        "sum",
        "unique",
        "count",
        "__class__",
        "lambda:",
        ":=",
        "{",
        "}",
        ":",
        "f'{1}'",
        "null",
        "true",
        "\\",
        "\n",
        "#",
        "é",
        "。",
        "\0",
        "for x in",
        "999999999999999999",
    ]
)
LEAVES = st.sampled_from(
    [
        "review.decision",
        "second.yes",
        "launch.units",
        "missing.x",
        "now",
        "day",
        "text",
        "1",
        "0",
        "-7",
        "null",
        "true",
        "'a'",
        "[]",
        "[1, 'a']",
        "999999999999999999",
        "review",
        "1.5",
    ]
)
SIGNS = st.sampled_from(
    ["+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", "in", "and", "or", "is", "@"]
)
CALLED = st.sampled_from(["len", "min", "max", "sum", "any", "all", "count", "unique", "eval", "f"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda a, o, b: f"({a} {o} {b})", inner, SIGNS, inner),
        st.builds(lambda f, a: f"{f}({a})", CALLED, inner),
        st.builds(lambda a: f"[{a}]", inner),
        st.builds(lambda a: f"not {a}", inner),
        st.builds(lambda a, b, c: f"({a} if {b} else {c})", inner, inner, inner),
        st.builds(lambda a: f"{a}.__class__", inner),
    ),
    max_leaves=12,
)
PLAIN = (int, str, bool, type(None), date, datetime, Fraction, list)


def _only_plain_or_fault(text: str) -> None:
    check(text, {"review"}, {"f"})
    try:
        value = evaluate(text, FACTS)
    except ProcessFault:
        return
    assert type(value) in PLAIN
    names_in(text), numbers_in(text), calls_in(text)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.text(max_size=600), st.lists(PIECES, max_size=25).map("".join)))
def test_random_text_gives_a_fault_or_a_plain_value(text: str) -> None:
    _only_plain_or_fault(text)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES)
def test_random_trees_give_a_fault_or_a_plain_value(text: str) -> None:
    _only_plain_or_fault(text)


@settings(max_examples=300, deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(1, 1000))
def test_arithmetic_agrees_with_exact_arithmetic(a: int, b: int, c: int) -> None:
    facts = {"a": a, "b": b, "c": c}
    assert evaluate("(a + b) / c - a % c", facts) == Fraction(a + b, c) - a % c
    assert evaluate("a * b // c", facts) == a * b // c


def test_every_allowed_node_has_a_handler() -> None:
    assert {kind for kind in syntax.ALLOWED if issubclass(kind, ast.expr)} == set(READERS)


def test_every_operation_of_a_tree_can_be_evaluated() -> None:
    signs = set(syntax.SIGNS.values())
    assert OPERATIONS.keys() - signs == {"number", "value", "fact", "list", "if", "compare", "call"}
    assert signs - OPERATIONS.keys() == RELATIONS.keys() | ORDERINGS.keys()


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("-12", ["minus", ["number", "12"]]),
        ('a.b == "c"', ["compare", ["fact", "a", "b"], "==", ["value", "c"]]),
        ("0 < n <= m", ["compare", ["number", "0"], "<", ["fact", "n"], "<=", ["fact", "m"]]),
        ("1 if a else null", ["if", ["number", "1"], ["fact", "a"], ["value", None]]),
        ("f([true]) // 2", ["//", ["call", "f", ["list", ["value", True]]], ["number", "2"]]),
        ("a or b or not c", ["or", ["fact", "a"], ["fact", "b"], ["not", ["fact", "c"]]]),
    ],
)
def test_a_tree_is_plain_json(text: str, tree: list[Any]) -> None:
    assert tree_in(text) == tree


def test_texts_keep_their_place_among_the_arguments() -> None:
    assert texts_in('before(at("x"), "MO-AMBER") < due("A", 1)') == [
        ("before", [None, "MO-AMBER"]),
        ("at", ["x"]),
        ("due", ["A", None]),
    ]


def test_every_function_is_documented() -> None:
    text = (ROOT / "docs" / "process-folders.md").read_text("utf-8")
    missing = {name for name in FUNCTIONS if not re.search(rf"\b{name}\(", text)}
    assert missing == legacy.FUNCTIONS  # nothing new relies on the names of old


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_takes_as_many_arguments_as_it_declares(name: str) -> None:
    for number in range(4):
        try:
            evaluate(f"{name}({', '.join(['[1]'] * number)})", {})
            refused = False
        except ProcessFault as fault:
            refused = "的参数不对" in fault.message
        assert refused is not FUNCTIONS[name].fits(number), number
