"""The English of the product is complete: every text has one, nothing Chinese is left in it or outside of gettext."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

import webui
from engine.errors import Conflict, Invalid, Refused
from engine.messages import Listed, Message
from engine.settings import ROOT
from tests.webui import pseudo
from webui.http import messages, words
from webui.translations.carry import carry

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

TRANSLATIONS = ROOT / "webui" / "translations"
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
WORDS = re.compile(r"[\u3400-\u9fff]")
HOLES = re.compile(r"%\(\w+\)s|\{\w+\}")
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """What `make setup` does, so that these tests see the texts as they are now."""
    CommandLineInterface().run(
        ["pybabel", "-q", "compile", "-D", "messages engine argparse", "-d", str(TRANSLATIONS)]
    )
    messages.catalogue.cache_clear()


def _catalogue(domain: str) -> Catalog:
    with (TRANSLATIONS / "en" / "LC_MESSAGES" / f"{domain}.po").open("rb") as file:
        return read_po(file, locale="en")


@pytest.mark.parametrize("domain", ["messages", "engine"])
def test_every_text_is_translated(domain: str) -> None:
    """When this fails: `make words`, then fill in what is empty."""
    known = {m.id if isinstance(m.id, str) else m.id[0]: m for m in _catalogue(domain) if m.id}
    wanted = dict(pseudo.texts(domain))
    assert not {text: path for text, path in wanted.items() if text not in known}
    assert not [
        text
        for text, m in known.items()
        if m.fuzzy or not all(m.string if isinstance(m.string, tuple) else [m.string])
    ]
    assert not known.keys() - wanted.keys(), "texts that nobody says any more: make words"


@pytest.mark.parametrize("domain", ["messages", "engine"])
def test_translations_are_english_and_fill_in_the_same(domain: str) -> None:
    for message in _catalogue(domain):
        if not message.id:
            continue
        original = message.id if isinstance(message.id, str) else message.id[0]
        for said in [message.string] if isinstance(message.string, str) else message.string:
            left = " ".join(word for word in said.split() if not _quoted(word, original))
            for word in ("并且", "或者", "不是"):  # what not to write
                left = left.replace(word, "")
            assert not CHINESE.search(left), (original, said)
            holes = set(HOLES.findall(original)) - _DROPPED.get(original, set())
            assert set(HOLES.findall(said)) == holes, (original, said)
            assert "%" not in HOLES.sub("", said), (original, said)


_QUOTATION = re.compile(
    r"""["“\[]([^"”\]]*)["”\]]"""
)  # an example may be Chinese, as it stands in the original


def _quoted(word: str, original: str) -> bool:
    """An example of what an author may write, as it stands in the original."""
    return bool(re.search(r'["“[@]', word)) and word.strip(".,;:") in original


_DROPPED = {" {0}（周{1}）": {"{1}"}}  # the day of the week


def test_a_text_whose_holes_get_names_keeps_its_english() -> None:
    known, template = Catalog(locale="en"), Catalog()
    known.add("{0}已于 {1} 办理了此项。", "At {1} {0} handled this.")
    known.add("{a}和{b}", "{a} and {b}")
    for text in ("{who}已于 {at} 办理了此项。", "{b}和{a}", "{n} 件", "没有{what}"):
        template.add(text)
    assert carry(template, known, {"{n} 件": "{n} matters", "{a}和{b}": "never asked for"}) == 3
    found = {m.id: m.string for m in known if m.id}
    assert found["{who}已于 {at} 办理了此项。"] == "At {at} {who} handled this."
    assert found["{b}和{a}"] == "{b} and {a}"
    assert found["{n} 件"] == "{n} matters"
    assert "没有{what}" not in found


# --- nothing Chinese outside of gettext -------------------------------------------------------------------------------

_JINJA = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"_\((?:\s*'[^']*')+|_\(\s*\"[^\"]*\"|ngettext\(\s*'[^']*',\s*'[^']*'")
_SIGNS = ("议", "'中文'")  # the seal of the product, and the language switch


@pytest.mark.parametrize(
    "path", sorted((ROOT / "webui" / "templates").rglob("*.html")), ids=lambda p: p.stem
)
def test_templates_say_nothing_outside_of_gettext(path: Path) -> None:
    text = path.read_text("utf-8")
    code = "".join(
        _QUOTED.sub("", part) for part in _JINJA.findall(text) if not part.startswith("{#")
    )
    for part in (_JINJA.sub("", text), code):
        for sign in _SIGNS:
            part = part.replace(sign, "")
        assert not CHINESE.search(part), [
            line for line in part.splitlines() if CHINESE.search(line)
        ]


def test_scripts_say_everything_twice() -> None:
    """As `zh ? "…" : "…"`, or as words("…", "…")."""
    twice = re.compile(
        r"""zh\s*\?\s*"[^"]*"\s*:\s*"[^"]*"|words\(\s*(["`])[^"`]*\1,\s*(["`])[^"`]*\2,?\s*\)"""
    )
    met = 0
    for name in ("app.js", "drafts.js"):
        script = ROOT / "webui" / "static" / name
        text, found = twice.subn("", script.read_text("utf-8"))
        met += found
        assert not [line for line in text.splitlines() if CHINESE.search(line)], script.name
    assert met > 20


OUTSIDE = {
    "engine/people/strokes.py": "what strokes are called by the data",
    "engine/people/ordering.py": "surnames, and how they are read",
    "engine/queries/ballot_papers.py": "printed on a ballot, which is a Chinese paper",
    "engine/people/spelling.py": "what offices write, to be recognised",
    "engine/commands/succession.py": "the reason on record for the end of a term, as people write it",  # files with Chinese that no catalogue has, and why
    "engine/calendar/moments.py": "days of the week, which English leaves out",
    "engine/calendar/notices.py": "words that the State Council's notices use",
    "engine/calendar/spans.py": "units of time, beside their English with its plurals",
    "engine/commands/corrections.py": "the mark in the title of a Chinese paper",
    "engine/commands/imports/": "other names of columns, and examples, of a table",
    "engine/commands/people/words.py": "how the name of a place ends",
    "engine/commands/provisos.py": "both languages side by side, as of the fields of a form",
    "engine/decisions/choice.py": "stands where the author's words of a row would",
    "engine/decisions/reach.py": "a value that no table names",
    "engine/definitions/loading_tasks.py": "both languages side by side, as authors give them",
    "engine/definitions/process.py": "both languages side by side, where a folder gives none",
    "engine/definitions/outline.py": "OUTLINE.txt is Chinese, as the folder is",
    "engine/documents/trial.py": "sample facts with which templates are tried",
    "engine/documents/volume.py": "what the template of a volume is tried with",
    "engine/forms/amounts.py": "numbers as people write them, to be recognised, and in capital numerals",
    "engine/forms/formjs.py": "the unit of money, beside its English",
    "engine/forms/serial.py": "numbers as people write them, to be recognised",
    "engine/forms/told.py": "both languages side by side",
    "engine/history/verification/": "both languages of a column side by side",
    "engine/history/verify_pack.py": "stands alone in a pack, in both languages",
    "engine/instance/counting.py": "both languages, stored in the history",
    "engine/law/": "units and shares, beside their English with its plurals",
    "engine/legacy.py": "both languages side by side, for folders of before",
    "engine/queries/background.py": "a stored key",
    "engine/queries/cells.py": "both languages side by side",
    "engine/queries/decisions/": "signs in authors' texts, and answers that programs send",
    "engine/queries/evidence/": "files of a pack, in both languages",
    "engine/queries/poll_summary.py": "both languages side by side",
    "engine/queries/words.py": "both languages side by side",
    "engine/scenarios/": "names of a story's own people and units",
    "webui/api/": "names of the published API; lazy texts",
    "webui/cli/demo/": "people, units and texts of the demo",
    "webui/cli/terminal.py": "an answer that a person types",
}


def test_python_says_nothing_outside_of_gettext() -> None:
    """All of engine/ and webui/; docstrings apart."""
    inside, outside = 0, set()
    for path in (*(ROOT / "engine").rglob("*.py"), *(ROOT / "webui").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text("utf-8"))
        said = [n for call in ast.walk(tree) if _says(call) for n in ast.walk(call)]
        inside += sum(map(_chinese, said))
        fine = {id(n) for n in said} | {
            id(e.value) for e in ast.walk(tree) if isinstance(e, ast.Expr)
        }
        if any(_chinese(n) and id(n) not in fine for n in ast.walk(tree)):
            outside.add(next((each for each in OUTSIDE if name.startswith(each)), name))
    assert inside > 1500
    assert outside - set(OUTSIDE) == set(), "say it by _() or name the reason above"
    assert set(OUTSIDE) - outside == set(), "no longer needed"


def _chinese(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and bool(WORDS.search(str(node.value)))


def _says(node: ast.AST) -> bool:
    """A call of gettext, or a column of a table with its English name."""
    name = (
        node.func.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        else ""
    )
    return name == "Column" or (
        isinstance(node, ast.Call) and getattr(node.func, "id", "") in {*KEYWORDS, "_l"}
    )


# --- what the engine says ---------------------------------------------------------------------------------------------
def test_a_message_is_said_in_the_language_of_its_reader() -> None:
    paused = Message("此件{state}，不能再办理。", state=Message("已暂停"))
    assert paused == "此件已暂停，不能再办理。"
    assert messages.in_language(paused, "zh") == paused
    english = messages.in_language(paused, "en")
    assert not CHINESE.search(english)
    both = Listed([paused, Refused().message], "；")
    assert messages.in_language(both, "en") == f"{english}; You are not entitled to do this."


def test_what_is_no_message_stays_as_it_is() -> None:
    """A title that happens to be a word of ours is a title still."""
    for text in ("已暂停", "征求意见；表决", "already English", "", "第 1 行：" * 5000):
        assert messages.in_language(text, "en") == text
    noted = Message("此件{state}，不能再办理。", state="已暂停")
    assert "已暂停" in messages.in_language(noted, "en")


@pytest.mark.parametrize(
    "fault",
    [
        Conflict(Message("表决已截止。")),
        Invalid({"to_on": [Message("止日早于起日。")], "_": [Message("应是一组答案")]}),
    ],
)
def test_errors_are_answered_in_the_language_asked_for(app: Flask, fault: Any) -> None:
    app = webui.create_app(app.config["YIXING"])  # with routes of its own
    app.add_url_rule("/api/v1/broken", "broken", lambda: (none for none in ()).throw(fault))
    app.add_url_rule("/broken", "broken_page", lambda: (none for none in ()).throw(fault))
    browser = app.test_client()
    found = browser.get("/api/v1/broken", headers={"Accept-Language": "en"})
    assert found.status_code == fault.status
    assert not CHINESE.search(found.get_data(as_text=True))
    assert CHINESE.search(
        browser.get("/api/v1/broken", headers={"Accept-Language": "zh"}).get_data(as_text=True)
    )
    page = browser.get("/broken?lang=en").get_data(as_text=True)
    assert not CHINESE.search(_visible(page))


def test_several_messages_in_one_line(app: Flask) -> None:
    with app.test_request_context("/?lang=en"):
        assert (
            words.said([Message("必填"), Message("应是整数")]) == "Required; Must be a whole number"
        )
    with app.test_request_context("/?lang=zh"):
        assert words.said([Message("必填"), Message("应是整数")]) == "必填；应是整数"


# --- the pages --------------------------------------------------------------------------------------------------------


def _visible(page: str) -> str:
    """What a reader sees of a page, attributes that are read aloud or shown included."""
    page = re.sub(r"<script.*?</script>|<!--.*?-->", "", page, flags=re.DOTALL)
    for sign in ("中文", "议"):
        page = page.replace(sign, "")
    shown = re.findall(r"(?:title|placeholder|aria-label|alt)=\"([^\"]*)\"", page)
    return re.sub(r"<[^>]*>", " ", page) + " ".join(shown)


NAMES = re.compile(
    "校工会|外校工会|信息学院|张敏|李强|王芳|陈秘书|孙审计|周会员|外人|外校秘书|[张李王陈孙周外]"
)
PAGES = {
    "": ("/login", "/nowhere"),
    "mover": ("/", "/matters", "/launch", "/launch/errand", "/me", "/definitions", "/rules"),
    "office": (
        "/people",
        "/people/units",
        "/people/new",
        "/people/import",
        "/rules/calendar",
        "/audit",
        "/audit/log",
        "/audit/seal",
    ),
    "auditor": ("/audit", "/audit?since=yesterday", "/people"),
    "plain": ("/audit", "/people", "/launch"),
}


@pytest.mark.parametrize(
    ("who", "path"), [(who, path) for who, paths in PAGES.items() for path in paths]
)
def test_pages_in_english(client: Callable[[str], FlaskClient], who: str, path: str) -> None:
    """Names of people and units are data; everything else is English."""
    page = client(who).get(path + ("&" if "?" in path else "?") + "lang=en").get_data(as_text=True)
    text = NAMES.sub("", _visible(page))
    assert not CHINESE.search(text), sorted(set(re.findall(r"\S*[\u3000-\u9fff]+\S*", text)))[:20]
