"""What an attacker tries first: forged requests, scripts, cookies, guesses, redirects, odd characters, large bodies."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from flask import render_template_string

from engine import clock
from engine.commands import people
from engine.commands.people import lockouts, logins
from engine.commands.verbs import asking
from engine.settings import ROOT, Settings
from tests.drawn import some
from tests.webui import roles as matrix
from webui import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Engine
    from werkzeug.routing import Rule
    from werkzeug.test import TestResponse

    from tests.webui.conftest import House
    from tests.webui.roles import World

SECRET = "correct horse battery"
TEMPLATES = sorted((ROOT / "webui" / "templates").rglob("*.html"))
ID = "01a20509-42be-7875-a54e-608a92498ac0"


@pytest.fixture(scope="module")
def unions(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with matrix.two_unions(server, tmp_path_factory.mktemp("matrix")) as made:
        yield made


@pytest.fixture
def strict(app: Flask, house: House) -> Flask:
    """The application as it runs: with CSRF protection; the office has a password."""
    app.config["WTF_CSRF_ENABLED"] = True
    house.look(
        lambda s: people.set_password(s, None, house.people["office"], SECRET, temporary=False)
    )
    return app


def token_of(browser: FlaskClient, path: str = "/login") -> str:
    found = re.search(r'<meta name="csrf" content="([^"]+)">', browser.get(path).text)
    assert found
    return found[1]


def log_in(
    browser: FlaskClient,
    username: str = "office",
    secret: str = SECRET,
    environ: dict[str, str] | None = None,
    **more: str,
) -> TestResponse:
    sent = {"username": username, "password": secret, "csrf_token": token_of(browser), **more}
    return browser.post("/login", data=sent, environ_base=environ or {})


def secret_of(browser: FlaskClient) -> str:
    with browser.session_transaction() as cookie:
        return str(cookie.get("key", ""))


def unsafe(app: Flask) -> list[tuple[str, str]]:
    """(method, path) of every page route that changes something."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            if not rule.rule.startswith(
                ("/api/", "/outside/")
            ):  # a link from outside has no session to ride on
                found.append((method, address(app, rule, method)))
    return found


def address(app: Flask, rule: Rule, method: str) -> str:
    words: dict[str, Any] = {
        "size": 1,
        "seq": 1,
        "number": 1,
        "no": 1,
        "how": "move",
        "kind": "people",
        "filename": "app.css",
        "form": "csv",
    }
    for each in (
        "claim",
        "report",
        "answer",
        "suspend",
        "readers",
        "check-in",
        "approve",
        "keep",
        "undo",
        "over",
    ):
        with suppress(ValueError):  # not one of this route's words
            values = {a: each if a == "what" else words.get(a, ID) for a in rule.arguments}
            return app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
    raise AssertionError(rule)


# --- forged requests ----------------------------------------------------------------------------------------------------
def test_every_change_wants_the_token_of_this_session(strict: Flask, client: Any) -> None:
    routes = unsafe(strict)
    assert len(routes) > 25
    other = token_of(client("plain"), "/me")
    for method, path in routes:
        browser = client("office")
        for sent in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": other}):
            reply = browser.open(path, method=method, data=sent)
            assert reply.status_code == 400 and "页面已过期" in reply.text, (
                path,
                sent,
                reply.status_code,
            )
        reply = browser.open(path, method=method, json={}, headers={"X-CSRFToken": other})
        assert reply.status_code == 400, path


def test_with_the_token_the_same_request_passes(strict: Flask, client: Any) -> None:
    browser = client("office")
    token = token_of(browser, "/me")
    assert browser.post(
        "/drafts/launch:errand", json={"subject": "甲"}, headers={"X-CSRFToken": token}
    ).json == {"saved": True, "revision": 1}
    assert browser.post("/logout", data={"csrf_token": token}).status_code == 302


# --- scripts ------------------------------------------------------------------------------------------------------------
def test_the_policy_allows_no_inline_script_on_any_answer(strict: Flask, client: Any) -> None:
    browser = client("office")
    for path in (
        "/",
        "/login",
        "/nowhere",
        "/audit",
        "/people",
        "/static/app.js",
        "/healthz",
        "/matters/" + ID,
        "/tasks/x",
        "/logout",
    ):
        headers = browser.get(path).headers
        policy = {
            p.split()[0]: p.split()[1:] for p in headers["Content-Security-Policy"].split(";")
        }
        for kind in ("default-src", "script-src", "style-src"):
            assert policy[kind] == ["'self'"], (path, kind)
        assert (
            policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
        ), path
        assert (
            policy["form-action"] == ["'self'"] and headers["X-Content-Type-Options"] == "nosniff"
        )
        assert (
            headers["Referrer-Policy"] == "same-origin"
            and headers["Cross-Origin-Opener-Policy"] == "same-origin"
        )
    assert browser.get("/").headers["Cache-Control"] == "no-store"


INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)|<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|\|\s*safe\b|autoescape\s+false|<iframe|<object|<embed",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    "file", TEMPLATES, ids=lambda f: f.relative_to(ROOT / "webui" / "templates").as_posix()
)
def test_no_template_has_inline_code(file: Path) -> None:
    found = [
        f"{n}: {m[0]}"
        for n, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        for m in INLINE.finditer(line)
    ]
    assert not found


def test_the_search_for_inline_code_finds_it() -> None:
    for bad in (
        "<script>1</script>",
        '<p style="x">',
        "<a onclick='x'>",
        '<a href="javascript:x">',
        "{{ x|safe }}",
        "<style>",
    ):
        assert INLINE.search(bad), bad
    assert not INLINE.search(
        '<script src="/static/app.js" defer></script><p data-on="x" class="style">'
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("甲\n<b>乙</b>\r\n丙 & 丁", "甲<br>&lt;b&gt;乙&lt;/b&gt;<br>丙 &amp; 丁"),
        ("\"><img src=x onerror='y'>", "&#34;&gt;&lt;img src=x onerror=&#39;y&#39;&gt;"),
        ("<br>", "&lt;br&gt;"),
    ],
)
def test_text_with_line_breaks_is_escaped(strict: Flask, text: str, html: str) -> None:
    """Every line of what people wrote; the line breaks between them alone are markup."""
    with strict.test_request_context():
        page = render_template_string("{{ said|lines }}|{{ (said|lines)|lines }}", said=text)
    once, _, again = page.partition("|")
    assert once == html
    assert "<script" not in again and "<img" not in again and "<b>" not in again


def test_every_form_that_posts_carries_a_token_and_no_link_leaves_the_site() -> None:
    for file in TEMPLATES:
        text = file.read_text("utf-8")
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
            if 'method="post"' in form and "url_for('outside.answer'" not in form:
                assert "f.csrf()" in form or "csrf_token()" in form, (file, form[:120])
        assert not re.findall(r'(?:href|src|action)="(?:https?:)?//', text), file


# --- cookies and sessions -----------------------------------------------------------------------------------------------
def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(strict: Flask) -> None:
    cookie = log_in(strict.test_client()).headers["Set-Cookie"]
    assert (
        "HttpOnly" in cookie
        and "SameSite=Lax" in cookie
        and "Path=/" in cookie
        and "Domain" not in cookie
    )
    assert "Secure" not in cookie
    strict.config["SESSION_COOKIE_SECURE"] = True
    assert "Secure" in log_in(strict.test_client()).headers["Set-Cookie"]


def test_the_setting_for_https_makes_cookies_secure(url: str, tmp_path: Path) -> None:
    made = create_app(
        Settings(home=tmp_path, database_url=url, processes=ROOT / "processes", secure_cookies=True)
    )
    assert made.config["SESSION_COOKIE_SECURE"] is True


def test_logging_in_gives_a_new_session_and_a_new_token(strict: Flask) -> None:
    browser = strict.test_client()
    before = token_of(browser)
    with browser.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    assert log_in(browser).status_code == 302
    first = secret_of(browser)
    with browser.session_transaction() as cookie:
        assert "planted" not in cookie
    after = token_of(browser, "/me")
    assert before != after
    assert log_in(browser).status_code == 302
    assert first and secret_of(browser) != first


def test_logging_out_ends_the_session_on_the_server(strict: Flask) -> None:
    browser, thief = strict.test_client(), strict.test_client()
    log_in(browser)
    with thief.session_transaction() as cookie:
        cookie["key"] = secret_of(browser)
    assert thief.get("/me").status_code == 200
    browser.post("/logout", data={"csrf_token": token_of(browser, "/me")})
    assert thief.get("/me").status_code == 302 and browser.get("/me").status_code == 302


def test_a_session_ends_when_it_idles_and_when_it_is_old(strict: Flask) -> None:
    now = clock.now()
    browser = strict.test_client()
    with clock.set_to(now):
        log_in(browser)
    with clock.set_to(now + logins.IDLE - timedelta(minutes=1)):
        assert browser.get("/me").status_code == 200
    with clock.set_to(now + 2 * logins.IDLE - timedelta(minutes=3)):
        assert browser.get("/me").status_code == 200  # it was used meanwhile
    with clock.set_to(now + 3 * logins.IDLE):
        assert browser.get("/me").status_code == 302
    with clock.set_to(now):
        log_in(browser)
    step = logins.IDLE / 2
    for n in range(1, int(logins.ABSOLUTE / step)):
        with clock.set_to(now + n * step):
            assert browser.get("/me").status_code == 200, n
    with clock.set_to(now + logins.ABSOLUTE + timedelta(minutes=1)):
        assert browser.get("/me").status_code == 302


def test_a_new_password_ends_the_other_sessions_and_a_disabled_person_is_out(
    strict: Flask, house: House
) -> None:
    here, there = strict.test_client(), strict.test_client()
    log_in(here)
    log_in(there)
    sent = {"old": SECRET, "new": "another long secret", "csrf_token": token_of(here, "/me")}
    assert here.post("/me", data=sent).status_code == 200
    assert here.get("/me").status_code == 200 and there.get("/me").status_code == 302
    house.look(lambda s: people.change_member(s, None, house.people["office"], active=False))
    assert here.get("/me").status_code == 302
    assert log_in(there, secret="another long secret").status_code == 403


def test_a_made_up_or_altered_cookie_is_nobody(strict: Flask) -> None:
    browser = strict.test_client()
    log_in(browser)
    real = browser.get_cookie("yixing")
    assert real is not None
    for value in (
        "",
        "x",
        "x.y.z",
        real.value[:-2],
        real.value + "A",
        real.value.swapcase(),
        "\u4e00",
        "a" * 5000,
    ):
        other = strict.test_client()
        other.set_cookie("yixing", value)
        assert other.get("/me").status_code == 302, value


# --- guessing -----------------------------------------------------------------------------------------------------------
def test_guessing_is_limited_and_told(strict: Flask, house: House) -> None:
    now = clock.now()
    with clock.set_to(now):
        browser = strict.test_client()
        for _ in range(lockouts.PER_USER):
            reply = log_in(browser, secret="wrong wrong wrong")
            assert (
                reply.status_code == 403
                and "用户名或密码不对" in reply.text
                and 'value="office"' in reply.text
            )
        for secret in ("wrong wrong wrong", SECRET):  # the right one as well, or it would tell
            reply = log_in(strict.test_client(), secret=secret)
            assert reply.status_code == 429 and re.search(r"请在 \d+ 分钟后再试", reply.text)
    with clock.set_to(now + lockouts.WINDOW + timedelta(seconds=1)):
        assert log_in(strict.test_client()).status_code == 302
    events = house.look(_union_kinds(house))
    assert "login_locked" in events


def _union_kinds(house: House) -> Any:
    from engine.queries import history

    return lambda s: [
        e.kind for e in history.union_log(s, house.actor("auditor"), house.units["union"])
    ]


def test_an_address_that_guesses_many_names_is_limited(
    strict: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lockouts.PER_ADDRESS <= 50
    monkeypatch.setattr(lockouts, "PER_ADDRESS", 7)  # each guess takes its time
    for n in range(lockouts.PER_ADDRESS):
        assert (
            log_in(
                strict.test_client(), username=f"nobody-{n}", secret="wrong wrong wrong"
            ).status_code
            == 403
        )
    assert log_in(strict.test_client()).status_code == 429


def test_a_stranger_locks_out_neither_the_owner_nor_those_behind_one_address(
    strict: Flask, house: House
) -> None:
    now = clock.now()
    known = strict.test_client()
    with clock.set_to(now):
        assert log_in(known).status_code == 302
        for _ in range(lockouts.PER_USER):
            assert log_in(strict.test_client(), secret="wrong wrong wrong").status_code == 403
        # the same address: locked for whoever comes new, not on the owner's own device
        assert log_in(strict.test_client()).status_code == 429
        assert log_in(known).status_code == 302
        elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
        assert log_in(strict.test_client(), environ=elsewhere).status_code == 302
        house.look(lambda s: fail_everywhere(s, lockouts.PER_ADDRESS))
        assert log_in(strict.test_client(), environ=elsewhere).status_code == 429
    with clock.set_to(now + lockouts.SLOW):  # slowed down, not locked out
        assert log_in(strict.test_client(), environ=elsewhere).status_code == 302
        forged = strict.test_client()
        forged.set_cookie("device", "WyJ4IiwieSJd.forged", path="/login")
        assert log_in(forged).status_code == 429


def fail_everywhere(session: Any, times: int) -> None:
    """Many tries from one address with as many names."""
    for n in range(times):
        lockouts.failed(session, lockouts.place(f"n{n}", "203.0.113.9", ""))


def test_an_unknown_name_gets_the_same_words_as_a_wrong_password(strict: Flask) -> None:
    wrong, unknown = (
        log_in(strict.test_client(), username=u, secret="wrong wrong wrong")
        for u in ("office", "nobody")
    )
    assert wrong.status_code == unknown.status_code == 403
    plain = [re.sub(r'content="[^"]+"|value="[^"]*"', "", r.text) for r in (wrong, unknown)]
    assert plain[0] == plain[1]


def test_a_wrong_old_password_is_told_beside_its_field_and_counted(strict: Flask) -> None:
    browser = strict.test_client()
    log_in(browser)
    token = token_of(browser, "/me")

    def change(old: str, new: str) -> TestResponse:
        return browser.post("/me", data={"old": old, "new": new, "csrf_token": token})

    short = change(SECRET, "short")
    assert short.status_code == 422 and 'name="new"' in short.text and "yx-fault" in short.text
    for _ in range(lockouts.PER_USER):
        wrong = change("wrong wrong wrong", "another long secret")
        assert (
            wrong.status_code == 422 and "原密码不对" in wrong.text and 'name="old"' in wrong.text
        )
    late = change(SECRET, "another long secret")
    assert late.status_code == 429 and "分钟后再试" in late.text


# --- redirects ----------------------------------------------------------------------------------------------------------
AWAY = (
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "/\n/evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "//evil.example/%2f..",
    "/%09/evil.example\r\nX: y",
    "http://localhost@evil.example",
    "\u2028//evil.example",
    " //evil.example",
    "/\x00/evil.example",
    "////evil.example",
    "?x",
    "",
    "/ \\evil",
)


@pytest.mark.parametrize("target", AWAY)
def test_no_redirect_leaves_the_site(strict: Flask, target: str) -> None:
    for reply in (
        log_in(strict.test_client(), next=target),
        _language(strict.test_client(), target),
    ):
        assert reply.status_code == 302
        assert (
            re.match(r"/(?![/\\])", reply.location)
            and "evil" not in reply.location.partition("%")[0]
        ), reply.location


def _language(browser: FlaskClient, target: str) -> TestResponse:
    return browser.post("/language/en", data={"next": target, "csrf_token": token_of(browser)})


def test_the_way_back_inside_the_site_is_kept(strict: Flask) -> None:
    browser = strict.test_client()
    reply = browser.get("/audit?words=a%26b")
    assert reply.location == "/login?next=/audit?words%3Da%2526b"
    page = browser.get(reply.location)
    assert 'name="next" value="/audit?words=a%26b"' in page.text
    assert log_in(browser, next="/audit?words=a%26b").location == "/audit?words=a%26b"


# --- odd characters -----------------------------------------------------------------------------------------------------
def _nasty() -> tuple[str, ...]:
    """More than 500 strings that broke something somewhere."""
    base = [
        "",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\0",
        "a\0b",
        "\ufeff",
        "\u200b",
        "\u202e",
        "\u2028",
        "\ud800",
        "\udfff",
        "\ud83d",
        "a\udc00b",
        "\U0001f600",
        "\U0010ffff",
        "\ufffe",
        "\uffff",
        "é",
        "e\u0301",
        "ﷺ",
        "İ",
        "ß",
        "𠮷",
        "議",
        "１２",
        "①",
        "Ⅷ",
        "㍻",
        "½",
        "\u0600",
        "null",
        "None",
        "undefined",
        "true",
        "false",
        "NaN",
        "Infinity",
        "-Infinity",
        "0",
        "-0",
        "-1",
        "1e309",
        "1e-400",
        "0x10",
        "08",
        "2147483648",
        "9223372036854775808",
        "9" * 400,
        "-" + "9" * 50,
        "1.5",
        "1,000",
        "1_000",
        "٣",
        "０",
        "²",
        "0000",
        "+5",
        "2026-02-30",
        "0000-00-00",
        "9999-12-31",
        "10000-01-01",
        "0001-01-01",
        "2026-1-1",
        "20260101",
        "2026-W01-1",
        "2026-13-01",
        "24:00",
        "2026-01-01T00:00",
        "-2026-01-01",
        "1970-01-01",
        ID,
        ID.upper(),
        ID[:-1],
        ID + "0",
        "{" + ID + "}",
        "urn:uuid:" + ID,
        "' OR '1'='1",
        "'; DROP TABLE task; --",
        "\\'; SELECT pg_sleep(9)--",
        "1; --",
        "%",
        "%%",
        "_",
        "\\",
        "\\\\",
        "%s",
        "%(x)s",
        "{}",
        "{0}",
        "{x.__class__}",
        "{{7*7}}",
        "{% raw %}",
        "${7*7}",
        "#{7*7}",
        "<%= 7 %>",
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "<svg/onload=alert(1)>",
        "javascript:alert(1)",
        "&lt;",
        "&#0;",
        "<!--",
        "]]>",
        "<![CDATA[",
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "../../etc/passwd",
        "..\\..\\x",
        "/etc/passwd",
        "C:\\x",
        "CON",
        "file:///x",
        "http://127.0.0.1/",
        "//x",
        "=1+1",
        "+1+1",
        "@SUM(A1)",
        "-2+3",
        "=cmd|' /C calc'!A0",
        "\t=1",
        "|x",
        "`id`",
        "$(id)",
        ";id",
        "&& id",
        "|| id",
        "%0d%0aX: y",
        "\r\nSet-Cookie: x=y",
        "*",
        "(",
        ")",
        "[",
        "]",
        "(((((",
        "[[[[",
        "a*" * 200,
        "(a+)+$",
        "^$",
        ".*",
        "\\d",
        "&|!()",
        "a & b",
        "!a",
        "a:*",
        "'a':*",
        "<->",
        "a <-> b",
        '"a',
        'a"',
        "''",
        "'",
        '"',
        "´",
        "’",
        "x" * 61,
        "x" * 201,
        "x" * 1001,
        "x" * 3001,
        "x" * 70_000,
        "议" * 61,
        "议" * 3001,
        "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 20,
        "a\u0300" * 200,
        "\u0300" * 50,
        "\u202e议\u202c",
        "\u00ad",
        "\u2066x\u2069",
        "A" * 10 + "\0" + "B" * 10,
        "\x01",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\v",
        "\f",
        "a\rb",
        "\u3000",
        "\xa0",
        "\u180e",
        "\u2800",
        "\u115f",
        "launch:errand",
        "task:" + ID,
        "members:all",
        "file",
        "decision",
        "yes",
        "~",
        "infinity~" + ID,
        "2026-01-01~" + ID,
        "now~x",
        "-infinity~" + ID,
        "infinity",
        "epoch",
        "today",
        "a~b~c",
        "1~" + ID,
        "~~~~",
    ]
    found = dict.fromkeys(base)
    for code in (*range(0x30), *range(0x3A, 0x41), *range(0x5B, 0x61), *range(0x7B, 0xA1), 0xAD):
        found.setdefault(f"甲{chr(code)}乙")
        found.setdefault(f"5{chr(code)}6")
    for start in range(0x2000, 0x2070):
        found.setdefault(f"x{chr(start)}y")
    for code in (
        0x2FF0,
        0x3164,
        0xD7FF,
        0xD800,
        0xDBFF,
        0xDC00,
        0xE000,
        0xF8FF,
        0xFDD0,
        0xFFF0,
        0xFFF9,
        0xFFFD,
        0x1D173,
        0xE0001,
        0xE0100,
        0xF0000,
    ):
        found.setdefault(chr(code) * 3)
    return tuple(found)


NASTY = _nasty()
SAMPLE = 25  # of how many strings the daily run takes one; which one differs from form to form, so all of them are used
FORMS: dict[str, tuple[str, ...]] = {  # a row of the matrix -> its text fields
    "auth.do_login": ("username", "password", "next"),
    "auth.mine POST": ("old", "new"),
    "auth.language": ("next",),
    "places.theme": ("next",),
    "device.keys": ("next",),
    "queued.act": ("key", "as_of", "f.decision", "f.reason"),
    "notices.wish": ("digest", "singly", "quiet_from", "quiet_to", "channels"),
    "auth.add_token": ("name", "days"),
    "proposals.again": ("note",),
    "proposals.decide": ("decision",),
    "inbox.complete": ("f.decision", "f.reason", "f.present", "f.lead_unit", "f.grade", "revision"),
    "inbox.respond": ("choice", "comment"),
    "deputies.name": ("to", "from_on", "to_on", "processes"),
    "asks.do_ask": ("what", "to", "text", "revision"),
    "asks.do": ("text", "view", "f.reason"),
    "verbs.comment": ("text", "element", "mention"),
    "provisos.say": ("f.text", "f.files", "text"),
    "copies.send": ("to", "words", "text", "element", "find"),
    "verbs.do_aside": ("reason",),
    "starts.drop": ("reason",),
    "verbs.do_hand": ("to", "reason", "revision"),
    "verbs.do_hand back": ("reason",),
    "verbs.do_send_back": ("to", "how", "reason", "revision"),
    "mine.save_view": ("name",),
    "mine.change_phrase": ("text",),
    "together.act": ("batch", "task", "f.reason", "f.decision"),
    "mine.drop_view": ("name",),
    "together.chosen": ("matter",),
    "grid.sheet": ("matter",),
    "entries.enter": ("f.subject", "f.reasons", "f.measures", "owner", "once"),
    "entries.confirm": ("rows",),
    "grid.act": ("matter", "reason"),
    "grid.papers": ("matter", "kind"),
    "grid.booklet": ("matter", "form", "session", "part"),
    "grid.save_view": ("name",),
    "grid.drop_view": ("name",),
    "matters.desk": ("reason",),
    "polls.dissent": ("dissent",),
    "publications.make": ("f.reason",),
    "polls.resign": ("leave",),
    "polls.replace_teller": ("teller", "successor", "left"),
    "matters.send": ("f.reason", "once"),
    "launch.start_several": ("f.subject", "once"),
    "launch.start": (
        "f.subject",
        "f.reasons",
        "f.measures",
        "f.category",
        "f.unit",
        "f.contact",
        "f.attachments",
        "f.session",
        "once",
    ),
    "audit.witness": ("who",),
    "audit.annotate": ("seq", "text"),
    "audit.check_kept": ("kept",),
    "audit.countersign": ("kept",),
    "audit.countersigned": ("kept",),
    "audit.propose_witness": ("name", "public"),
    "people.create": ("username", "name", "unit_id", "phone", "email"),
    "people.change": ("name", "unit_id", "phone", "email", "locale", "active"),
    "people.grant": ("kind", "unit_id", "term", "from_on", "to_on"),
    "people.end": ("on", "why"),
    "people.add_unit": ("code", "kind", "name", "name_en", "parent_id"),
    "people.change_unit": ("name", "name_en", "parent_id", "active"),
    "people.import_ POST": ("kind",),
    "people.correct": ("v.name", "v.unit_id"),
    "people.end_term": ("term", "last"),
    "people.hand_over": ("username", "reason"),
    "people.invite": ("q", "unit", "post", "renew", "union"),
    "welcome.come_in": ("password", "again"),
    "people.join": ("username", "why"),
    "people.succeed": ("username", "on", "why"),
    "despatch.propose": ("kind", "reason", "template", "path", "value"),
    "definitions.propose": ("note", "union"),
    "own_versions.decide": ("decision",),
    "own_versions.end": ("note",),
    "definitions.decide": ("decision",),
    "rules.propose": ("value", "valid_from", "valid_to", "source"),
    "rules.decide": ("decision", "rule"),
    "rules.load": ("year", "source", "rows"),
    "rules.add_vacation": ("name", "from_on", "to_on"),
    "inbox.draft": ("reason", "decision"),
    "confidence.guard": ("member", "reason"),
    "outside.invite": ("to",),
    "outside.answer": ("name", "office", "unit"),
    "meetings.arrive": ("code",),
    "meetings.match": ("names",),
    "meetings.seat": ("member", "came"),
    "polls.void": ("reason",),
    "polls.enter_paper": ("returned", "invalid", "n.abstain", "w.0", "v.0"),
    "polls.give_paper": ("member",),
    "polls.print_pad": ("ballots",),
    "polls.take_back": ("back_first", "back_last", "back_reason"),
    "tables.trial": ("f.launch.employer", "f.launch.known_on", "on"),
}
QUERIES: dict[str, tuple[str, ...]] = {
    "inbox.index": ("bucket", "process", "words", "after", "lang", "part", "of"),
    "inbox.task": ("part", "of", "words"),
    "inbox.paper": ("kind", "choice", "as"),
    "mine.done": ("words", "after"),
    "mine.save_view": ("part", "of", "words"),
    "matters.index": ("state", "words", "after"),
    "audit.index": ("words", "process", "state", "unit", "since", "until", "after", "format"),
    "audit.log": ("of", "before"),
    "audit.instance": ("after",),
    "audit.then": ("seq",),
    "audit.noted": ("seq", "text"),
    "audit.seal": ("before",),
    "launch.alike": ("title",),
    "people.index": ("q", "unit", "post", "after", "union"),
    "people.units": ("union",),
    "people.import_": ("kind",),
    "people.preview": ("level",),
    "rules.index": ("words", "union"),
    "rules.changes": ("a", "b", "union"),
    "rules.rule": ("union",),
    "rules.calendar": ("union",),
    "auth.login": ("next", "lang"),
    "people.new": ("union",),
}
ACTORS = {
    "inbox.complete": "a.committee",
    "inbox.draft": "a.committee",
    "inbox.respond": "a.second1",
    "matters.send": "a.delegate",
    "launch.start": "a.delegate",
    "launch.start_several": "a.delegate",
    "launch.alike": "a.delegate",
    "definitions.decide": "a.admin",
    "own_versions.decide": "a.admin",
    "own_versions.end": "a.admin",
    "auth.do_login": "",
    "auth.login": "",
    "inbox.index": "a.committee",
    "inbox.task": "a.committee",
    "inbox.paper": "a.committee",
    "mine.done": "a.committee",
    "matters.index": "a.delegate",
    "outside.invite": "a.committee",
    "outside.answer": "",
    "welcome.come_in": "",
}
SLOW = ("auth.do_login", "auth.mine POST")  # a hash of passwords each time: fewer strings do


@pytest.fixture(scope="module")
def patient(unions: World) -> Iterator[World]:
    """Whoever tries all of this would be locked out; here nobody is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lockouts, "PER_USER", 10**9)
        patch.setattr(lockouts, "PER_ADDRESS", 10**9)
        patch.setattr(lockouts, "PER_NAME", 10**9)
        task, other = UUID(unions.of["a"]["task"]), unions.people["a.secretary"]
        asked = unions.do("a.committee", asking.ask, task, "delegate", other, "请拟")
        patch.setitem(unions.of["a"], "ask", str(asked))
        yield unions


def test_there_are_enough_nasty_strings_and_every_form_is_met() -> None:
    assert len(NASTY) >= 500
    met = {row.split(" ")[0] for row in FORMS}
    posting = {
        m
        for f in TEMPLATES
        for form in re.findall(r"<form\b.*?</form>", f.read_text("utf-8"), re.DOTALL)
        if 'method="post"' in form
        and re.search(r"<textarea|<select|p\.line|p\.pick|f\.draw|f\.one|<input class", form)
        for m in re.findall(r"url_for\('([a-z_.]+)'", form.partition(">")[0]) or ["its own page"]
    }
    # a password may hold anything; how far a batch is, is asked for and not sent
    other = {"its own page", "people.password", "together.now"}
    assert not posting - met - other, posting - met


@pytest.mark.parametrize("row", some(FORMS, 20))
def test_no_form_breaks_on_odd_characters(patient: World, row: str) -> None:
    _try_all(patient, row, "form", FORMS[row])


@pytest.mark.parametrize("row", some(QUERIES, 8))
def test_no_address_breaks_on_odd_characters(patient: World, row: str) -> None:
    _try_all(patient, row, "query", QUERIES[row])


@pytest.mark.prove
@pytest.mark.parametrize("row", [*FORMS, *QUERIES])
def test_no_field_breaks_on_any_of_all_odd_strings(
    patient: World, row: str, request: pytest.FixtureRequest
) -> None:
    if "prove" not in (request.config.getoption("-m") or ""):
        pytest.skip("takes long: make prove")
    where = "form" if row in FORMS else "query"
    _try_all(patient, row, where, {**FORMS, **QUERIES}[row], every=1)


def _try_all(
    world: World, row: str, where: str, names: tuple[str, ...], every: int = SAMPLE
) -> None:
    """Each chosen string in each field, the other fields as they should be, or odd as well."""
    step = max(every, 120) if row in SLOW else every
    chosen = NASTY[sum(map(ord, row)) % step :: step]
    browser = _browser(world, row)
    broken = []
    for n, text in enumerate(chosen):
        odd = {name: chosen[(n + k) % len(chosen)] for k, name in enumerate(names)}
        alone = names if every == 1 else [names[n % len(names)]]
        for sent in [odd, *({name: text} for name in alone)]:
            status = _send(world, browser, row, where, sent)
            if status >= 500:
                broken.append(
                    (status, {k: v[:60].encode("unicode_escape") for k, v in sent.items()})
                )
    assert not broken, f"{len(broken)} of {len(chosen)}: {broken[:3]}"


def _browser(world: World, row: str) -> FlaskClient:
    browser = world.app.test_client()
    who = ACTORS.get(row, "a.secretary")
    if who:
        with browser.session_transaction() as cookie:
            cookie["key"] = world.secrets[who]
    return browser


def _send(world: World, browser: FlaskClient, row: str, where: str, odd: dict[str, str]) -> int:
    name = row.split(" ")
    rule, method = (
        matrix.methods(world.app).get(" ".join(name[:2])) or matrix.methods(world.app)[name[0]]
    )
    own = {**world.of["a"], "committee": ID, "delegate": ID}
    sent = matrix.SENT.get(row, {})
    values = {a: sent.get("path", {}).get(a, matrix.PATHS.get(a)) for a in rule.arguments}
    if row == "people.preview":
        values = {"batch_id": own["batch"]}
    path = world.app.url_map.bind("localhost").build(
        rule.endpoint, matrix.filled(values, own), method=method
    )
    query = {**matrix.filled(sent.get("query", {}), own), **(odd if where == "query" else {})}
    text = "&".join(f"{k}={_quoted(v)}" for k, v in query.items())
    if where == "query":
        return browser.open(path, method=method, query_string=text).status_code
    if "json" in sent:
        return browser.open(
            path, method=method, json={**matrix.filled(sent["json"], own), **odd}
        ).status_code
    body = {**matrix.filled(sent.get("form", {}), own), **odd}
    if "file" in sent:
        at, filename, data = sent["file"]
        plain = {
            k: v.encode("utf-8", "replace").decode() for k, v in body.items()
        }  # the test client cannot write surrogates
        return browser.open(
            path, method=method, query_string=text, data={**plain, at: (io.BytesIO(data), filename)}
        ).status_code
    encoded = "&".join(f"{k}={_quoted(v)}" for k, v in body.items())
    kind = "application/x-www-form-urlencoded"
    return browser.open(
        path, method=method, query_string=text, data=encoded, content_type=kind
    ).status_code


def _quoted(text: str) -> str:
    """As bytes on the wire, lone surrogates too, which no browser would send."""
    return "".join(f"%{b:02X}" for b in text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "path",
    [
        "/launch/{}",
        "/definitions/{}",
        "/definitions/process/{}",
        "/rules/{}",
        "/definitions/x/diff/{}",
        "/matters/" + ID + "/send/{}",
        "/launch/{}/alike",
        "/tasks/{}",
        "/static/{}",
        "/people/import/{}",
    ],
)
def test_no_path_breaks_on_odd_characters(patient: World, path: str) -> None:
    browser = _browser(patient, "audit.index")
    for text in NASTY[::SAMPLE]:
        if len(text) < 4000:
            status = browser.get(
                path.format(_quoted(text).replace("%2F", "-")) + "?title=x"
            ).status_code
            assert status < 500, text.encode("unicode_escape")


def test_odd_file_names_and_contents_break_nothing(patient: World) -> None:
    browser = _browser(patient, "audit.index")
    for text in NASTY[::SAMPLE]:
        name = text.encode("utf-8", "replace").decode().replace("\0", "")[:300] or "x"
        for path, more, at in (
            ("/files", {}, "file"),
            ("/people/import", {"kind": "people"}, "file"),
            ("/definitions/propose", {"note": "x"}, "folder"),
        ):
            for content in (name.encode(), b"PK\x03\x04" + name.encode()):
                reply = browser.post(path, data={**more, at: (io.BytesIO(content), name)})
                assert reply.status_code < 500, (path, name)


# --- accounts -----------------------------------------------------------------------------------------------------------
def test_nobody_can_log_in_to_a_new_installation(url: str, tmp_path: Path, engine: Engine) -> None:
    made = create_app(Settings(home=tmp_path, database_url=url, processes=ROOT / "processes"))
    made.config["WTF_CSRF_ENABLED"] = False
    made.extensions["engine"] = engine
    assert "演示" not in made.test_client().get("/login").text
    for username in (
        "secretary",
        "approver",
        "delegate",
        "auditor",
        "superior",
        "admin",
        "root",
        "administrator",
    ):
        for secret in ("yixing-demo-2026", username)[: 1 + (username == "admin")]:
            browser = made.test_client()
            assert (
                browser.post("/login", data={"username": username, "password": secret}).status_code
                == 403
            )
        assert made.test_client().post(f"/login/demo/{username}").status_code == 404


def test_one_click_login_is_for_the_demo_and_its_six_alone(
    app: Flask, house: House, tmp_path: Path, url: str
) -> None:
    office = house.people["office"]
    browser = app.test_client()
    assert (
        browser.post("/login/demo/office").status_code == 404
        and browser.post("/login/demo/secretary").status_code == 404
    )
    demo = create_app(
        Settings(home=tmp_path, database_url=url, processes=ROOT / "processes", demo=True)
    )
    demo.extensions["engine"] = house.engine
    browser = demo.test_client()
    assert browser.post("/login/demo/office").status_code == 400  # a token is wanted here too
    token = token_of(browser)
    assert browser.post("/login/demo/office", data={"csrf_token": token}).status_code == 404
    assert (
        browser.post("/login/demo/secretary", data={"csrf_token": token}).status_code == 404
    )  # there is no such person
    assert office and browser.get("/me").status_code == 302


# --- methods and sizes --------------------------------------------------------------------------------------------------
def test_head_and_options_answer_and_other_methods_are_refused(unions: World) -> None:
    app = unions.app
    browser = _browser(unions, "audit.index")
    token = {"Authorization": f"Bearer {unions.tokens['a.secretary']}"}
    for rule in app.url_map.iter_rules():
        allowed = (rule.methods or set()) - {"OPTIONS"}
        path = address(app, rule, sorted(allowed)[0])
        reply = browser.options(path, headers=token)
        assert reply.status_code == 200 and reply.headers["Allow"], path
        assert browser.open(path, method="TRACE", headers=token).status_code == 405, path
        if "GET" in allowed:
            head, full = browser.head(path, headers=token), browser.get(path, headers=token)
            assert head.status_code == full.status_code and head.data == b"", path
            assert full.status_code < 500 or path == "/readyz", path  # no worker runs here
        elif "GET" not in reply.headers["Allow"]:
            assert browser.head(path, headers=token).status_code == 405, path


def test_a_body_that_is_too_large_is_413_and_told(strict: Flask, client: Any) -> None:
    large = b"x=" + b"a" * (1024 * 1024 + 10)
    browser = client("office")
    for method, path in unsafe(strict):
        if path not in (
            "/files",
            "/files/lines",
            "/people/import",
            "/definitions/propose",
            "/rules/calendar",
        ):  # those take files
            reply = browser.open(
                path, method=method, data=large, content_type="application/x-www-form-urlencoded"
            )
            assert reply.status_code == 413 and "内容过大" in reply.text, path


def test_only_who_is_logged_in_may_send_large_files(app: Flask, client: Any) -> None:
    more = {"file": (io.BytesIO(b"a" * (2 * 1024 * 1024)), "a.txt")}
    app.config["WTF_CSRF_ENABLED"] = True
    assert app.test_client().post("/files", data=more).status_code == 413
    app.config["WTF_CSRF_ENABLED"] = False
    more = {"file": (io.BytesIO(b"a" * (2 * 1024 * 1024)), "a.txt")}
    assert client("office").post("/files", data=more).status_code == 201
    announced = {
        "CONTENT_LENGTH": str(60 * 1024 * 1024),
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
    }
    assert client("office").post("/files", environ_overrides=announced).status_code == 413


def test_a_form_of_too_many_parts_is_refused(client: Any) -> None:
    many = {f"x{n}": "1" for n in range(3000)} | {"file": (io.BytesIO(b"x"), "a.txt")}
    assert client("office").post("/files", data=many).status_code == 413
