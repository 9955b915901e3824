"""A page evaluates hide conditions as the server does: the same trees, the same answers, the same values."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import playwright
import pytest

from engine import expressions, forms
from engine.commands import definitions
from engine.definitions import read
from engine.errors import ProcessFault
from engine.expressions.evaluation import OPERATIONS
from engine.forms import Field, Form, hiding
from engine.settings import ROOT
from tests.webui.conftest import ERRAND
from webui.http.fields import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from playwright.sync_api import Browser

    from tests.webui.conftest import House

NODE = shutil.which("node") or str(Path(playwright.__file__).parent / "driver" / "node")
DRIVER = """
const fs = require("fs"), vm = require("vm");
const page = vm.runInThisContext(fs.readFileSync(process.argv[1], "utf8") + "\\nexpressions");
const given = (v) => Array.isArray(v) ? v.map(given) : v === null || typeof v !== "object" ? v
  : v.number !== undefined ? BigInt(v.number) : answers(v);
const inner = (v) => typeof v === "bigint" ? new page.Exact(v) : Array.isArray(v) ? v.map(inner)
  : v instanceof Map ? new Map([...v].map(([key, each]) => [key, inner(each)])) : v;
const told = (v) => Array.isArray(v) ? v.map(told) : v instanceof page.Exact ? { number: `${v.n}/${v.d}` } : v;
const answers = (values) => new Map(Object.entries(values).map(([key, v]) => [key, given(v)]));
const value = ({ tree, values }) => {
  const known = answers(values);
  try { return { value: told(page.evaluate(tree, (name) => inner(known.get(name) ?? null))) }; }
  catch (error) { if (error instanceof page.Mistake) return { fault: true }; throw error; }
};
const hidden = ({ rules, values }) => [...page.hidden(new Map(Object.entries(rules)), answers(values))].sort();
const amount = ({ amount, ...unit }) => {
  const n = page.amount(amount, unit);
  return n === null ? null : [`${n}`, page.written(n, unit.decimals)];
};
const kept = (v) => v instanceof Map ? Object.fromEntries([...v].map(([key, each]) => [key, kept(each)]))
  : Array.isArray(v) ? v.map(kept) : told(v);
const formed = ({ hide, calculated, tables }) => ({ hide: new Map(Object.entries(hide)), calculated: new Map(Object.entries(calculated)),
  tables: new Map(Object.entries(tables).map(([key, form]) => [key, formed(form)])) });
const settled = ({ form, values }) => {
  const of = (found) => ({ hidden: [...found.hidden].sort(), values: kept(found.values),
    rows: Object.fromEntries([...found.rows].map(([key, rows]) => [key, rows.map(of)])) });
  return of(page.settle(formed(form), answers(values)));
};
const cases = JSON.parse(fs.readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map((each) => each.tree ? value(each) : each.form ? settled(each) : "amount" in each ? amount(each)
  : hidden(each))));
"""
ANSWERS: dict[str, list[Any]] = {
    "kind": ["a", "b", "ab", "中文", "\U0001f600", "\uff01", None],
    "n": [0, 1, -7, 12, 10**15, None],
    "m": [1, 3, None],
    "on": [True, False],
    "many": [[], ["a"], ["b", "a", "b"], ["x"] * 60],
    "constructor": ["a", None],
    "rows": [
        [],
        [{"n": 3, "kind": "a"}],
        [{"n": 5, "kind": "a"}, {"kind": "b"}, {"n": -2, "on": True}],
        None,
    ],
}
LEAVES = [
    *ANSWERS,
    *ANSWERS,
    "kind.x",
    "rows.n",
    "rows.kind",
    "row.n",
    "row.kind",
    "0",
    "1",
    "-7",
    "12",
    "999999999999999999",
    "true",
    "false",
    "null",
    '"a"',
    '"中"',
    '""',
    '"\uff01"',
    "[]",
]
BINARY = [
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "and",
    "or",
]
ONE = ["len", "count", "unique", "yuan", "rounded", "sum", "min", "any"]
MANY = ["sum", "min", "max", "any", "all"]


def _expression(dice: random.Random, depth: int) -> str:
    if depth == 0 or dice.random() < 0.1:
        return dice.choice(LEAVES)
    a, b, c = (_expression(dice, depth - 1) for _ in range(3))
    signs = dice.choices(BINARY, k=2)
    return dice.choice(
        [f"({a} {signs[0]} {b})"] * 6
        + [f"({a} {dice.choice(['<', '!=', '>='])} {b} {dice.choice(['==', '<=', 'in'])} {c})"]
        + [f"{dice.choice(ONE)}({a})", f"{dice.choice(MANY)}({a}, {b})", f"quantity({a}, {b})"]
        + [f"{dice.choice(MANY)}({dice.choice(['rows.n', f'each(rows, {a})'])})"]
        + [f"each(rows, {a})", f"count(where(rows, {a}))", f"each(where(rows, {a}), row.n)"]
        + [f"(not {a})", f"(-{a})", f"(+{a})", f"[{a}, {b}]", f"({a} if {b} else {c})"]
    )


def _answers(dice: random.Random) -> dict[str, Any]:
    return {key: dice.choice(values) for key, values in ANSWERS.items()}


def _sent(value: Any) -> Any:
    if type(value) is list:
        return [_sent(each) for each in value]
    if type(value) is dict:
        return {key: _sent(each) for key, each in value.items()}
    return {"number": str(value)} if type(value) is int else value


def _told(value: Any) -> Any:
    if type(value) is list:
        return [_told(each) for each in value]
    if type(value) in (int, Fraction):
        return {"number": "/".join(map(str, Fraction(value).as_integer_ratio()))}
    return value


def _in_a_page(cases: list[dict[str, Any]]) -> list[Any]:
    """What the script of the pages makes of the cases."""
    if not Path(NODE).is_file():
        pytest.skip("no node on this machine and none in playwright: pages were not compared")
    script = ROOT / "webui" / "static" / "expressions.js"
    done = subprocess.run(
        [NODE, "-e", DRIVER, str(script)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


def _here(text: str, values: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": _told(expressions.evaluate(text, values))}
    except ProcessFault:
        return {"fault": True}


def _compared(asked: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The values, which a page and the server must find alike."""
    cases = [
        {
            "tree": expressions.tree_in(text),
            "values": {key: _sent(value) for key, value in values.items()},
        }
        for text, values in asked
    ]
    here = [_here(text, values) for text, values in asked]
    for told, there, (text, values) in zip(here, _in_a_page(cases), asked, strict=True):
        assert json.dumps(there) == json.dumps(told), (text, values)
    return here


def test_a_page_and_the_server_find_the_same_value() -> None:
    dice = random.Random(20261129)
    texts = {_expression(dice, dice.choice([1, 2, 2, 3])) for _ in range(900)}
    found = _compared([(text, _answers(dice)) for text in sorted(texts) for _ in range(5)])
    kinds = Counter("fault" if "fault" in each else type(each["value"]).__name__ for each in found)
    assert len(texts) > 600
    assert kinds.keys() == {"fault", "bool", "dict", "list", "str", "NoneType"}, kinds
    assert min(kinds.values()) > 30, kinds


PLAIN: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 7, -7, 10**15),
    *("", "a", "b", "ab", "1", "\U0001f600", "\uff01", "中"),
    *([], ["a"], ["b", "a"], ["a", "b", "a"]),
]
EACH = [
    "not x",
    "-x",
    "+x",
    "x if y else 0",
    "x / 3 < y",
    "[x] == [y]",
    "x in [y, 1]",
    "x // 2 % 3",
]


def test_a_page_and_the_server_agree_on_every_operator_between_any_two_values() -> None:
    texts = [*EACH, *(f"x {sign} y" for sign in BINARY)]
    _compared([(text, {"x": x, "y": y}) for text in texts for x in PLAIN for y in PLAIN])


def _operations(tree: list[Any]) -> set[str]:
    return {tree[0]}.union(*(_operations(each) for each in tree[1:] if isinstance(each, list)))


def test_the_page_knows_every_operation_and_the_functions_of_arguments_alone() -> None:
    dice = random.Random(1)
    texts = [_expression(dice, 3) for _ in range(900)]
    trees = [expressions.tree_in(text) for text in texts]
    assert set().union(*map(_operations, trees)) == OPERATIONS.keys()
    called = {name for text in texts for name, _given in expressions.calls_in(text)}
    assert called == expressions.BUILT_IN.keys()
    call = {"tree": expressions.tree_in('rule("CG-VOTE")'), "values": {}}
    assert _in_a_page([call]) == [{"fault": True}]


BIG = 10**15
LIMITS = [
    ("n * 1000", BIG, True),  # 10**18 is the largest number
    ("n * 1000 + 1", BIG, False),
    ("1 / n / 1000", BIG, True),
    ("1 / n / 1001", BIG, False),
    ("n + n", "x" * 5_000, True),  # 10,000 characters, whatever they take to store
    ("n + n + 'a'", "x" * 5_000, False),
    ("n + n", "\U0001f600" * 5_000, True),
    ("n + n != n", ["x"] * 50 * 1999, True),  # 5 nodes, and 5 steps for each 50 elements: 10,000
    ("[n + n != n]", ["x"] * 50 * 1999, False),
]


def test_a_page_and_the_server_have_the_same_limits() -> None:
    found = _compared([(text, {"n": value}) for text, value, _ in LIMITS])
    assert ["value" in each for each in found] == [within for *_, within in LIMITS]


def _form(dice: random.Random) -> Form:
    """A form in which fields hide fields: each condition names fields above it."""
    keys, fields = list(ANSWERS), []
    for n, key in enumerate(keys):
        others = dice.sample(keys[:n], min(n, 2)) if dice.random() < 0.8 else []
        parts = [
            f"{other} {dice.choice(['!=', '==', '<', '>'])} {dice.choice(LEAVES[-11:-1])}"
            for other in others
        ]
        fields.append(Field(key, "textfield", key, hide=dice.choice([" and ", " or "]).join(parts)))
    return Form("x", tuple(fields))


def test_a_page_and_the_server_hide_the_same_fields() -> None:
    """Also those that are hidden because a hidden answer counts as missing."""
    dice = random.Random(7)
    asked = [(_form(dice), _answers(dice)) for _ in range(400)]
    cases = [
        {
            "rules": {f.key: expressions.tree_in(f.hide) for f in form.asked if f.hide},
            "values": {key: _sent(value) for key, value in values.items()},
        }
        for form, values in asked
    ]
    here = [sorted(hiding.hidden(form, values, {})) for form, values in asked]
    assert _in_a_page(cases) == here
    assert len({tuple(keys) for keys in here}) > 15


def test_a_condition_over_facts_of_the_matter_is_left_to_the_server() -> None:
    rules = {
        "b": expressions.tree_in('launch.kind != "a"'),
        "c": expressions.tree_in('a != "x" or not launch.kind'),
    }
    assert _in_a_page([{"rules": rules, "values": {"a": "x", "b": None, "c": None}}]) == [[]]
    assert _in_a_page([{"rules": rules, "values": {"a": "y", "b": None, "c": None}}]) == [["c"]]


def test_a_page_decides_every_condition_of_the_processes() -> None:
    """A condition that a page left to the server would show fields, even lists of everybody, that are not asked for."""
    assert (
        tree('kind != "a" and not(n < 1)')
        == '["and", ["compare", ["fact", "kind"], "!=", ["value", "a"]],'
        ' ["not", ["compare", ["fact", "n"], "<", ["number", "1"]]]]'
    )
    loaded = [
        forms.load(json.loads(file.read_text("utf-8")))
        for file in sorted((ROOT / "processes").glob("*/forms/*.json"))
    ]
    hiding_fields = [(form, each) for form in loaded for each in form.asked if each.hide]
    assert len(hiding_fields) > 50
    for form, each in hiding_fields:
        strange = expressions.names_in(each.hide) - {other.key for other in form.asked}
        # facts of the matter, which a page gets settled
        assert all("." in name for name in strange), each
        called = {name for name, _given in expressions.calls_in(each.hide)}
        assert called <= expressions.BUILT_IN.keys(), each


def _component(kind: str, key: str, hide: str = "", **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "label": key, "conditional": {"hide": hide}, **more}


def _option(value: str) -> dict[str, str]:
    return {"value": value, "label": value}


def test_a_form_in_a_browser_shows_what_the_answers_call_for(
    client: Callable[[str], FlaskClient], house: House, browser: Browser
) -> None:
    """The answers reach the conditions as what they are: numbers, ticks, lists, texts, and nothing."""
    components = [
        _component("textfield", "subject", validate={"required": True}),
        _component("number", "n"),
        _component("checkbox", "sure"),
        _component("checklist", "how", values=[_option("meet"), _option("call")]),
        _component("radio", "kind", values=[_option("a"), _option("b")]),
        _component("textfield", "of_n", "=n < 10"),
        _component("textfield", "of_sure", "=sure != true"),
        _component("textfield", "of_how", "=not(how)"),
        _component("textfield", "of_kind", '=kind != "a"'),
        _component("textfield", "of_that", "=of_kind != null"),
    ]
    form = {"type": "default", "id": "launch", "components": components}
    files = {**read(ERRAND), "forms/launch.json": json.dumps(form)}
    house.look(lambda s: definitions.publish_shipped(s, files))
    page = browser.new_page()
    page.set_content(
        re.sub(r"<(script|link)\b.*?>", "", client("mover").get("/launch/errand").text)
    )
    for script in ("expressions.js", "app.js"):
        page.add_script_tag(path=ROOT / "webui" / "static" / script)

    def hidden() -> set[str]:
        found = page.eval_on_selector_all(
            "[data-field]", "all => all.filter((e) => e.hidden).map((e) => e.dataset.field)"
        )
        return set(found)

    assert hidden() == {"of_sure", "of_how", "of_kind"}  # a missing number hides nothing
    page.fill("#f-n", "９")
    assert hidden() == {"of_n", "of_sure", "of_how", "of_kind"}
    page.fill("#f-n", "10")
    page.check("#f-sure")
    page.check("[value=meet]")
    page.check("[value=a]")
    assert hidden() == set()
    page.fill("#f-of_kind", "x")
    assert hidden() == {"of_that"}
    page.check("[value=b]")  # what is hidden counts as missing, whatever stands in it
    assert hidden() == {"of_kind"}
    page.close()
