"""Somebody without Python opens verify.html of a pack in a browser: it finds what verify.py finds."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from engine.history import verify_pack
from tests.engine import halls, packs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PAGE = packs.HTML.as_uri()
CHECK = """async ([files, witness, expected]) => verifyPack(
  files.map(([name, data]) => [name, Uint8Array.from(atob(data), c => c.charCodeAt(0))]),
  witness, expected)"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """The verifier on a phone, in Chinese; it asks the network for nothing."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    opened = context.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(PAGE)
    yield opened
    assert asked == [PAGE]
    context.close()


def checked(page: Page, folder: Path, witness: str = "") -> dict[str, Any]:
    files = [
        [file.relative_to(folder).as_posix(), base64.b64encode(file.read_bytes()).decode()]
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    found: dict[str, Any] = page.evaluate(CHECK, [files, witness, ""])
    return found


def agree(page: Page, folder: Path, witness: str = "") -> int:
    """Both verifiers say the same: the code, the first false check, the event that is named."""
    more: list[str] = []
    if witness:
        file = folder.parent / "witness.txt"
        file.write_text(witness)
        more = ["--witness", str(file)]
    code, lines = packs.run(folder, *more)
    found = checked(page, folder, witness)
    last = lines[-1]
    assert (found["code"], found["verdict"]) == (code, last.split()[0]), (found["text"], last)
    if code == 1:
        number, _, name = found["at"].partition(" ")
        assert last.startswith(f"FALSE {number} ") and f" {name}: " in last, (found, last)
        event = found["event"] or {"number": 0, "when": ""}
        named = last.rpartition("event: #")[2].split()[0].partition("（")[0] if "#" in last else "0"
        assert str(event["number"]) == named, (found, last)
        assert last.endswith(event["when"]) and ("缺失 missing）" in last) == bool(
            event.get("missing")
        )
        assert ("first false event" in last) == bool(event["number"] and not event["beside"])
    return code


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return packs.story().pack(tmp_path / "pack")


def test_a_true_pack_holds(page: Page, folder: Path, tmp_path: Path) -> None:
    assert agree(page, folder) == 0
    assert agree(page, packs.rolled(tmp_path / "more")) == 0
    assert agree(page, folder, packs.story().checkpoint(packs.KEY, 11).decode()) == 0
    assert agree(page, folder, packs.story().checkpoint(packs.KEY, 7).decode()) == 3
    assert agree(page, folder, packs.story().checkpoint(packs.FORGER, 11).decode()) == 1


@pytest.mark.parametrize(
    "tamper", [t[1] for t in packs.TAMPERING], ids=[t[0] for t in packs.TAMPERING]
)
def test_both_verifiers_find_the_same(
    page: Page, folder: Path, tamper: Callable[[Path], None]
) -> None:
    tamper(folder)
    assert agree(page, folder) == 1
    assert agree(page, packs.remanifest(folder)) == 1
    assert agree(page, packs.unsigned(folder)) == 1


@pytest.mark.parametrize("lie", halls.LIES, ids=[lie[0] for lie in halls.LIES])
def test_both_find_what_an_event_says_falsely_of_the_hall(
    page: Page, tmp_path: Path, lie: tuple[str, int, dict[str, Any], str]
) -> None:
    assert agree(page, halls.pack(tmp_path / "pack", halls.held({lie[1]: lie[2]}))) == 1


def test_both_find_what_stands_falsely_beside_the_events(page: Page, tmp_path: Path) -> None:
    true = halls.pack(tmp_path / "true", halls.held())
    assert agree(page, true) == 0
    assert agree(page, halls.pack(tmp_path / "older", halls.older())) == 0
    for number, (what, change, _check) in enumerate(halls.BESIDE):
        folder = halls.pack(tmp_path / str(number), halls.held())
        change(folder)
        assert agree(page, packs.remanifest(folder)) == 1, what
    assert agree(page, packs.texted(tmp_path / "texts")) == 0
    for what in packs.DRESSED:
        assert agree(page, packs.dressed(packs.texted(tmp_path / what), what)) == 1, what
    for number, lie in enumerate(({"yes": 2}, {"present": 3}, {"passed": True})):
        assert agree(page, halls.pack(tmp_path / f"paper{number}", halls.held(paper=lie))) == 1


def test_both_demand_the_same(page: Page, tmp_path: Path) -> None:
    for number, name in enumerate((*verify_pack.DEMANDED, "answers.jsonl", "prints/交办单.pdf")):
        folder = packs.story().pack(tmp_path / str(number))
        (folder / name).unlink()
        if name != "manifest.note":
            packs.remanifest(folder)
        assert agree(page, folder) == 1


def test_neither_passes_a_pack_without_its_end(page: Page, folder: Path) -> None:
    packs.cut_events(folder, keep=4)
    assert agree(page, packs.unsigned(folder)) == 1
    assert agree(page, packs.as_format_1(folder)) == 3


def test_both_refuse_what_cannot_be_read(page: Page, tmp_path: Path) -> None:
    for number, text in enumerate(
        ("{", "[]", '{"a": 1.5}', '{"seq": 1, "seq": 1}', '{"a": 1e3}', "[" * 5000)
    ):
        folder = packs.story().pack(tmp_path / str(number))
        (folder / "proofs.json").write_text(text)
        assert agree(page, packs.remanifest(folder)) == 2, text


def test_signatures_hold_with_and_without_the_browsers_own(page: Page) -> None:
    """RFC 8032 §7.1, by WebCrypto and by the plain numbers for browsers that lack Ed25519."""
    call = """async ([name, pub, sig, text]) =>
        ({ed25519, ed25519Plain})[name](unhex(pub), unhex(sig), unhex(text))"""
    for public, message, signature in packs.RFC_8032:
        for name in ("ed25519", "ed25519Plain"):
            assert page.evaluate(call, [name, public, signature, message])
            assert not page.evaluate(call, [name, public, signature, message + "00"])
            assert not page.evaluate(call, [name, public, signature[:-2], message])


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_reads_a_zip_in_both_languages(browser: Browser, folder: Path, width: int) -> None:
    context = browser.new_context(locale="zh-CN", viewport={"width": width, "height": 900})
    opened = context.new_page()
    opened.goto(PAGE)
    opened.locator("#zip").set_input_files(packs.zipped(folder, "提案/"))
    opened.get_by_role("button", name="校验").click()
    verdict = opened.locator("#verdict")
    verdict.filter(has_text="PASS 全部 22 项属实").wait_for()
    opened.screenshot(path=folder.parent / "true.png", full_page=True)
    packs.forged(folder)
    opened.locator("#zip").set_input_files(packs.zipped(folder))
    opened.get_by_role("button", name="校验").click()
    verdict.filter(has_text="第一条不实的记录：第 3 条 2026-03-02T01:03:00+00:00").wait_for()
    opened.get_by_role("button", name="English").click()
    verdict.filter(has_text="first false event: #3 2026-03-02T01:03:00+00:00").wait_for()
    assert opened.locator("li.NO").count() >= 1
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    opened.screenshot(path=folder.parent / "forged.png", full_page=True)
    context.close()
