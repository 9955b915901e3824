"""What tests may import: no other tests, and nothing of the product whose name says that it is private.

`DEBTS` are those that still do. It may only shrink: a line that is true no more fails as well.
"""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parent
PRODUCT = ("engine", "webui")
DEBTS = {
    "engine/test_kept.py: tests.engine.test_meetings",
    "races/test_machine_long.py: tests.engine.test_machine",
    "webui/test_meetings.py: tests.webui.test_ballots",
    "webui/test_outside.py: tests.webui.test_confidence",
    "webui/test_security.py: tests.webui.test_access_matrix",
}


def wrong(source: str) -> set[str]:
    """The imports of tests, and of private names of the product or of helpers, in a source text."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for module, name in names:
            parts = [*module.split("."), *([name] if name else [])]
            if parts[0] not in (*PRODUCT, "tests"):
                continue
            if any(p.startswith("_") and not p.startswith("__") for p in parts):
                found.add(".".join(parts))
            test = next((n for n, p in enumerate(parts) if p.startswith("test_")), None)
            if parts[0] == "tests" and test is not None:
                found.add(".".join(parts[: test + 1]))
    return found


def test_no_test_imports_tests_or_private_names() -> None:
    found = {
        f"{path.relative_to(TESTS).as_posix()}: {name}"
        for path in sorted(TESTS.rglob("*.py"))
        for name in wrong(path.read_text("utf-8"))
    }
    assert found - DEBTS == set()
    assert DEBTS - found == set()


def test_the_rule_sees_what_it_forbids() -> None:
    assert wrong("from engine.db import _engines") == {"engine.db._engines"}
    assert wrong("def f():\n    from tests.webui.test_ballots import Ballot") == {
        "tests.webui.test_ballots"
    }
    assert wrong("from tests.engine import test_meetings") == {"tests.engine.test_meetings"}
    assert wrong("import webui._secret as s") == {"webui._secret"}
    assert wrong("from engine import db\nfrom tests.conftest import fresh\nimport _thread") == set()
