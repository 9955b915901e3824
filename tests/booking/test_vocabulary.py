"""The words of the shipped processes stand in their folders: engine/ and webui/ know a tenant, which their code calls `union`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from engine.settings import ROOT

WORDS = re.compile(
    "工会|教代会|职代会|提案|代表|职工|附议|会员|学校|高校|校领导|本会|大会|党委|干部|调解|协商|秘书|委员"
    r"|(?<![a-z])(?:congress|delegat|motion|mover|federation|universit|college|cadre|mediat|seconder"
    r"|secretar|committee(?!d)|transfer|provincial|municipal)[a-z]*",
    re.IGNORECASE,
)
ENGLISH = re.compile(r"(?<![a-z_])unions?(?![a-z_])", re.IGNORECASE)
# file -> why it may
EXCEPTIONS = {
    "engine/legacy.py": "what old versions and events mean by their words",
    "engine/history/kinds/matters.py": "two kinds that old histories hold: mover_replaced, added_to_report",
    "engine/queries/labels.py": "why old polls were closed: closed_by_mover",
    "engine/law/rules.py": "what a share may be of (职工总数) is vocabulary of the format, as units are",
    "engine/commands/imports/columns.py": "the import of posts by category is called delegates in addresses and commands",
    "engine/commands/imports/exports.py": "the same",
    "engine/commands/imports/batches.py": "the same",
    "engine/expressions/registry.py": "the functions of old, movers_of and delegates",
    "engine/instance/functions.py": "the same",
    "engine/definitions/check/language.py": "the same",
    "webui/cli/usage.py": "the import called delegates",
    "webui/pages/administrator/people/tables.py": "the same",
    "webui/pages/demo_accounts.py": "the demo of the shipped folder, which is about a university's union",
    "engine/definitions/outline.py": "附议 is what the poll kind `seconding` of the format is called",
}
FOLDERS = ("webui/cli/demo/",)  # that demo
CODE = re.compile(
    r"\b(is_secretary|holds_the_secretarys_desk|secretary|mover_replaced|closed_by_mover"
    r"|delegate|DELEGATE)\b"
)
"""The desk of the office is called the secretary's in code, as the tenant is called union: access.py, the folder of its
pages, the documentation of the interface. To delegate a task is what workflow engines call it. And what old histories hold under a word of old."""


def _files() -> list[Path]:
    found = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("webui/**/*.py")]
    found += [*ROOT.glob("webui/templates/**/*.html"), *ROOT.glob("webui/static/*.js")]
    return sorted(found)


def _said(path: Path) -> list[str]:
    """The words of a file, those of the desk in code left out."""
    return [word[0] for word in WORDS.finditer(CODE.sub("", path.read_text("utf-8")))]


def _is_exception(name: str) -> bool:
    return name in EXCEPTIONS or name.startswith(FOLDERS)


def test_the_engine_and_its_pages_use_no_word_of_a_field() -> None:
    files = _files()
    assert len(files) > 350
    names = {path: path.relative_to(ROOT).as_posix() for path in files}
    found = {name: _said(path) for path, name in names.items() if not _is_exception(name)}
    assert {name: words for name, words in found.items() if words} == {}


def test_every_exception_is_still_one() -> None:
    idle = [name for name in EXCEPTIONS if not _said(ROOT / name)]
    assert idle == []


def test_no_message_calls_the_tenant_a_union() -> None:
    """`union` is a name in code; what is said to people takes the tenant's word from the folder."""
    texts = [
        (path.relative_to(ROOT).as_posix(), node.value)
        for path in _files()
        if path.suffix == ".py" and not _is_exception(path.relative_to(ROOT).as_posix())
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("_", "Message", "gettext")
        for node in call.args[:1]
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert len(texts) > 1500
    holes = re.compile(r"[{(]\w+[})]s?")
    found = [(name, text) for name, text in texts if ENGLISH.search(holes.sub("", text))]
    assert found == []
