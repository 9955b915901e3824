"""No page, answer, event, title, column or line of the command passes the catalogues by: see tests/webui/pseudo.py."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engine import db
from engine.db import tables
from engine.db.words import STATES
from engine.history.kinds import KINDS
from engine.messages import Bilingual, Message
from engine.people import access
from engine.queries import labels
from tests.webui import pseudo, roles
from webui import cli
from webui.http import messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

pytest_plugins = ("tests.empty",)
ROLES = ("plain", "delegate", "committee", "secretary", "auditor", "admin")
SEAL = "议"  # the product's sign on every page
OTHER_LANGUAGE = "中文"  # how a reader of English finds Chinese
NUMBERS = r"教代提〔\d+〕\d+|[会密示]〔\d+〕\d+"  # of matters, made by the processes of the world
WRITTEN = (  # what people of the world wrote or uploaded besides names and titles
    OTHER_LANGUAGE,
    *(roles.WORDS, *roles.MOTION.values(), *roles.CANARY.values()),
    *("第八届", "草稿", "决议", "假", "新人", "修订说明", "附议", "试", "某单位", "坏行", "通知"),
    *("不应发出", "国务院通知", "请看"),
    *("鹭岛", "有关单位已经解决", "不再需要立案", "延长图书馆开放时间"),
)

# What stands in the language of the author of a process, in full: folders and what compares or draws them.
FOLDERS = {
    "api_process-definitions.difference": "lines of two folders",
    "api_process-definitions.get_definition": "outline of a folder, as its author reads it",
    "api_process-definitions.get_definition proposed": "the same",
    "api_process-definitions.get_definition_files": "the folder",
    "api_process-instances.diagram": "labels of arrows in the drawing",
    "definitions.diff": "lines of two folders",
    "definitions.version": "stories, outline and tables of a folder",
    "definitions.version proposed": "the same",
    "despatch.paper": "facts of a paper as it is printed, which a correction would change",
    "despatch.propose": "the same",
    "entries.choose": "names of the fields of a folder's form, with which a table is headed",
    "entries.confirm": "the same",
    "entries.preview": "the same",
}
# Other names of columns that an import knows, how rows of examples begin, and one example
COLUMNS = {"电子邮箱", "用户名", "电话", "代表团编码", "张敏", "手机号", "工号", "代表团", "示例"}
# What is quoted, or a value that programs send: it may only become less.
QUOTED = {
    "api.openapi": {"休", "班"},  # values of the published API
    "api_decision-tables.evaluate": {"关系不明", "先由负责人决定", "决定以前不参加"},  # a value
    "api_imports.export_people": COLUMNS,
    "api_imports.import_template": COLUMNS,
    "people.export": COLUMNS,
    "people.template": COLUMNS,
    # the row of a decision table, quoted from the version as it was then
    "audit.instance": {"其他情形", "建议立案", "符合受理条件"},
}
RAW = {"body", "raw"}  # fields of the API with data as they are stored


@pytest.fixture(scope="module")
def world(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[roles.World]:
    with pytest.MonkeyPatch.context() as patch:
        pseudo.speak(patch)
        with roles.two_unions(server, tmp_path_factory.mktemp("pseudo")) as made:
            yield made


@pytest.fixture(scope="module")
def replies(world: roles.World) -> dict[str, str]:
    """What each request of the matrix is answered, by one role after another until one gets what it asks for, as text
    that a person reads.
    """
    rows = sorted({*roles.methods(world.app), *roles.SENT} - {"static"})
    answers = {row: "\n".join(_text(reply) for reply in _until_given(world, row)) for row in rows}
    anonymous = "\n".join(
        _text(world.app.test_client().get(path, headers={"Accept-Language": "en"}))
        for path in ("/login", "/nowhere", "/api/v1/me", "/outside/nothing")
    )
    return {**answers, "nobody": anonymous}


def _until_given(world: roles.World, row: str) -> Iterator[TestResponse]:
    for role in ROLES:
        reply = roles.ask(world, f"a.{role}", row, "a", english=True)
        yield reply
        if reply.status_code < 400:
            return


def _text(reply: TestResponse) -> str:
    """What a person or a program reads of a reply; packs and folders, which speak for themselves, are left out."""
    if reply.is_json:
        return "\n".join(_strings(reply.json))
    if "spreadsheetml" in reply.content_type:
        with zipfile.ZipFile(io.BytesIO(reply.data)) as archive:
            shown = [name for name in archive.namelist() if re.search("sheet|shared", name)]
            return html.unescape("\n".join(archive.read(name).decode() for name in shown))
    if not reply.content_type.startswith("text/"):
        return ""
    page = re.sub(r"<script.*?</script>|<!--.*?-->|<pre>.*?</pre>", "", reply.text, flags=re.DOTALL)
    page = page.replace(f'<span class="yx-seal" aria-hidden="true">{SEAL}</span>', "")
    page = re.sub(r'(aria-hidden="true">)\w<', r"\1<", page)  # the first letter of a name
    return html.unescape(page)


def _strings(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        for key, value in found.items():
            if key not in RAW:
                yield from _strings(value)
    elif isinstance(found, list):
        for value in found:
            yield from _strings(value)
    elif isinstance(found, str):
        yield found


def _data(world: roles.World) -> re.Pattern[str]:
    """Names and titles of the world, and what its people wrote."""
    columns = (
        tables.unit.c.name,
        tables.member.c.name,
        tables.instance.c.title,
        tables.unit.c.city,
    )
    found = set(WRITTEN)
    with db.transaction(world.engine) as session:
        for column in columns:
            found |= set(filter(None, session.execute(select(column)).scalars()))
    longest_first = map(re.escape, sorted(found, key=len, reverse=True))
    return re.compile("|".join([NUMBERS, *longest_first]))


def test_nothing_is_said_past_the_catalogues(world: roles.World, replies: dict[str, str]) -> None:
    data = _data(world)
    left = {row: pseudo.outside(text, data) for row, text in replies.items() if row not in FOLDERS}
    assert {row: words for row, words in left.items() if words - QUOTED.get(row, set())} == {}
    gone = {row: words - left.get(row, set()) for row, words in QUOTED.items()}
    assert not any(gone.values()), f"no longer there, take it off the list: {gone}"


def test_exceptions_are_still_needed(world: roles.World, replies: dict[str, str]) -> None:
    data = _data(world)
    assert [row for row in FOLDERS if not pseudo.outside(replies[row], data)] == []


# How many texts of each room the walk meets, at least: a walk that sees nothing would find nothing.
MET = {
    "engine/calendar": 8,
    "engine/commands": 43,
    "engine/db": 7,
    "engine/definitions": 7,
    "engine/forms": 2,
    "engine/history": 18,
    "engine/queries": 20,
    "webui/pages": 32,
    "webui/templates": 570,
}


def test_the_walk_meets_the_texts(replies: dict[str, str]) -> None:
    seen = pseudo.met("\n".join(replies.values()))
    counts = Counter(
        "/".join(path.split("/")[:2])
        for domain, found in seen.items()
        for text, path in set(pseudo.texts(domain))
        if text in found
    )
    assert {room: counts[room] for room in MET if counts[room] < MET[room]} == {}, sorted(
        counts.items()
    )


# --- registries -------------------------------------------------------------------------------------------------------
LABELS = (
    labels.DETAILS,
    labels.NUMBERS,
    labels.CLOSINGS,
    labels.VERBS,
    {key: verb.title for key, verb in access.VERBS.items()},
)
SIZES = {
    "kinds of events": len(KINDS),
    "states": sum(map(len, STATES)),
    "labels": sum(map(len, LABELS)) + 1,
}


def _registered() -> dict[str, list[object]]:
    states = [word for words in STATES.values() for word in words.values()]
    named = [word for words in LABELS for word in words.values()]
    return {
        "kinds of events": [kind.label for kind in KINDS.values()],
        "states": states,
        "labels": [*named, labels.DUE_MEMBERS],
    }


@pytest.mark.parametrize("registry", SIZES)
def test_every_word_of_a_registry_is_in_the_catalogue(
    registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudo.speak(monkeypatch)
    found = _registered()[registry]
    assert len(found) == SIZES[registry]
    assert all(isinstance(word, Message | Bilingual) for word in found)
    said = [messages.in_language(word, "en") for word in found]
    assert not [
        text
        for text in said
        if not pseudo.BRACKETS.search(text) or pseudo.CHINESE.search(pseudo.BRACKETS.sub("", text))
    ]


# --- the command line -------------------------------------------------------------------------------------------------
def test_the_command_line_says_everything_through_the_catalogue(
    empty_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pseudo.speak(monkeypatch)
    monkeypatch.setenv("YIXING_DATABASE_URL", empty_url)
    monkeypatch.setenv("YIXING_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough phrase\n" * 3))
    lines = []
    for words in (
        *([*verb.split(), "--help"] for verb in cli.VERBS),
        ["--help"],
        ["migrate"],
        ["unit", "ZJ", "provincial_federation", "Union"],
        ["unit", "ZJ", "provincial_federation", "Union"],
        ["user", "create", "wang", "--unit", "ZJ"],
        ["user", "create", "w", "--unit", "nowhere"],
        ["user", "post", "wang", "administrator", "--unit", "ZJ"],
        ["user", "post", "wang", "nothing", "--unit", "ZJ"],
        ["user", "password", "wang"],
        ["user", "disable", "wang"],
        ["token", "nobody"],
        ["verify"],
        ["verify", "--witness", "none.txt"],
        ["erase", "1", "--as", "wang", "--reason", "x", "--yes"],
        ["check", "--no-stories", str(tmp_path)],
        ["publish", str(tmp_path)],
        ["play", "none.toml"],
        ["decide", "none"],
        ["decide", "recusal", "x"],
        ["import", "people", "none.xlsx", "--as", "wang"],
        ["backup", str(tmp_path / "a.backup")],
        ["backup", str(tmp_path / "a.backup")],
        ["restore", str(tmp_path / "a.backup")],
        ["restore", str(tmp_path / "none.backup")],
        ["unit", "A", "b", "c", "--lang", "fr"],
        ["user", "post", "a", "b", "--unit", "c", "--from", "2026-02-30"],
    ):
        with suppress(SystemExit):  # of help, and of what is not understood
            cli.main(words if "--lang" in words else [*words, "--lang", "en"])
        out = capsys.readouterr()
        lines.append(out.out + out.err)
    text = "\n".join(lines)
    assert pseudo.outside(text, re.compile("(?!)")) == set()
    help_texts = {words for words, path in pseudo.texts("engine") if path == "webui/cli/usage.py"}
    met = pseudo.met(text)["engine"]
    assert help_texts <= met
    others = {
        words
        for words, path in pseudo.texts("engine")
        if path.startswith("webui/cli/") and words in met
    }
    assert len(others - help_texts) >= 19
