"""The limits on what reading the files shows, and that each measure sees what it is there for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from engine.settings import ROOT
from tests.measure import bodies, features, figures, imports, layout, signatures
from tests.measure.limits import LIMITS
from tests.measure.tree import Source
from tests.measure.within import limits, once, worse


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> figures.Figures:
    return once(tmp_path_factory, "figures", lambda: figures.read(ROOT))


READ = [name for name in LIMITS if not name.startswith(("errand ", "motion ", "files per "))]


@pytest.mark.parametrize("name", limits(READ))
def test_the_limit_holds(found: figures.Figures, name: str) -> None:
    assert found[name] <= LIMITS[name].most, LIMITS[name].why


def test_no_mark_hides_that_a_figure_got_worse(found: figures.Figures) -> None:
    assert not worse(found)


def source(text: str, module: str = "engine.a") -> Source:
    return Source(Path(f"{module.replace('.', '/')}.py"), module, text)


# --- imports ----------------------------------------------------------------------------------------------------------
def test_a_circle_through_a_lazy_import_is_one_and_a_circle_of_types_only_with_types() -> None:
    lazy = [
        source("from engine import b", "engine.a"),
        source("def f():\n    import engine.a", "engine.b"),
    ]
    assert imports.circles(imports.graph(lazy, types=False)) == [["engine.a", "engine.b"]]
    typed = [
        source("from engine.b import f", "engine.a"),
        source("if TYPE_CHECKING:\n    from engine.a import G", "engine.b"),
    ]
    assert imports.circles(imports.graph(typed, types=False)) == []
    assert imports.circles(imports.graph(typed, types=True)) == [["engine.a", "engine.b"]]


def test_relative_imports_count_and_what_is_outside_does_not() -> None:
    files = [
        source("from . import b\nfrom .b import x\nimport flask", "engine.p.a"),
        source("from .. import c", "engine.p.b"),
        source("", "engine.c"),
    ]
    edges = imports.graph(files, types=False)
    assert edges == {"engine.p.a": {"engine.p.b"}, "engine.p.b": {"engine.c"}, "engine.c": set()}


def test_an_import_from_one_door_to_the_other_is_seen_in_both_directions() -> None:
    files = [
        source("from engine.queries import b", "engine.commands.a"),
        source("from engine.commands.a import f", "engine.queries.b"),
        source("from engine.commands.a import f", "engine.jobs"),
    ]
    assert imports.between_doors(imports.graph(files, types=False)) == [
        ("engine.commands.a", "engine.queries.b"),
        ("engine.queries.b", "engine.commands.a"),
    ]


# --- functions --------------------------------------------------------------------------------------------------------
def test_a_docstring_is_no_node_and_a_nested_function_counts_in_both() -> None:
    plain, told = source("def f(): return 1"), source('def f():\n    "Say."\n    return 1')
    assert bodies.bodies([plain]) == bodies.bodies([told])
    nested = bodies.bodies([source("def f():\n    def g():\n        return 1\n    return g")])
    assert nested.functions == 2 and nested.sum > 2 * bodies.bodies([plain]).sum


def test_a_shred_is_private_short_and_used_once() -> None:
    text = "def _a(): return 1\ndef b(): return _a()\n"
    assert bodies.shreds([source(text)]) == ["engine.a._a"]
    assert bodies.shreds([source(text + "c = _a()")]) == []
    assert bodies.shreds([source(text.replace("_a", "a"))]) == []


def test_any_is_counted_on_parameters_and_rows_by_their_name() -> None:
    file = [source("def f(row: Any, *args: Any, x: Any = 1, y: list[Any] = 1) -> Any: ...")]
    assert signatures.any_parameters(file) == ["engine.a.f(row)", "engine.a.f(x)"]
    assert signatures.any_rows(file) == ["engine.a.f(row)"]


def test_only_calls_of_our_own_with_more_than_five_by_position_are_long() -> None:
    text = (
        "def own(*a): ...\nown(1, 2, 3, 4, 5, 6)\nown(1, 2, 3, 4, 5, x=6)\nprint(1, 2, 3, 4, 5, 6)"
    )
    assert signatures.long_calls([source(text)]) == ["engine/a.py:2 own"]


# --- layout -----------------------------------------------------------------------------------------------------------
def test_a_chinese_sign_takes_two_columns_and_a_string_excuses_its_line() -> None:
    assert layout.width("议行a") == 5
    wide = "x = 1  # " + "议" * 46
    assert layout.long_lines([source(wide)]) == ["engine/a.py:1"]
    assert layout.long_lines([source(f"x = f({'议' * 46!r})")]) == []
    names = ", ".join("x" * 10 for _ in range(10))
    assert layout.long_lines([source(f'f("议", {names})')]) == ["engine/a.py:1"]
    doc = source(f'def f():\n    """{"Say. " * 20}"""')
    assert layout.long_lines([doc]) == []
    assert layout.long_docstrings([doc]) == ["engine/a.py:2"]


def test_an_exception_from_the_formatter_is_found_with_its_reason() -> None:
    text = 'a = 1  # fmt: skip\nb = 2  # fmt: skip  # one row a line\nc = "fmt: skip"\n'
    assert layout.skips([source(text)]) == [
        ("engine/a.py:1", ""),
        ("engine/a.py:2", "one row a line"),
    ]


def test_what_is_offered_is_seen_down_to_fields_arguments_and_stories() -> None:
    offered = features.offered(ROOT)
    kinds = {
        kind: sum(each.startswith(f"{kind} ") for each in offered)
        for kind in ("api", "cli", "story")
    }
    assert kinds["api"] > 8000 and kinds["cli"] > 100 and kinds["story"] > 500
    assert "api POST /api/v1/tasks/{task_id}/complete takes.answers" in offered
    assert "cli check --no-stories" in offered


def test_the_limits_parse_as_one_table() -> None:
    """Names are unique: a second entry of the same name would silently win."""
    tree = ast.parse((ROOT / "tests" / "measure" / "limits.py").read_text("utf-8"))
    keys = [
        k.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Dict)
        for k in n.keys
        if isinstance(k, ast.Constant)
    ]
    assert len(keys) == len(set(keys)) == len(LIMITS)
