"""axe-core over pages as they were answered: each is shown in the browser again; what it asks for comes from the application."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from werkzeug.serving import make_server

from engine.settings import ROOT
from tests.webui.roles import SENT, ask, methods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Route
    from werkzeug.test import TestResponse

    from tests.webui.roles import World

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
NOT_STATIC = re.compile(r"^[^?]*?//[^/]+/(?!static/)")
ROLES = ("secretary", "committee", "delegate", "auditor", "admin", "second1", "chair")
HEAVY = ("serious", "critical")
# folds and menus are opened, so that what they hold is looked at too
LOOK = """async () => {
  for (const fold of document.querySelectorAll("main details")) fold.open = true;
  const found = await axe.run(document, { resultTypes: ["violations"] });
  const seen = (node) => `${node.html.slice(0, 160)} | ${(node.any[0] || node.all[0] || node.none[0] || {}).message || ""}`;
  return { passed: found.passes.length,
           wrong: found.violations.flatMap((v) => v.nodes.map((n) => [v.impact, v.id, seen(n)])) };
}"""


@dataclass(frozen=True)
class Seen:
    """What axe says of a page: how many of its rules the page passed, and each serious fault."""

    passed: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A page that somebody gets: the row of the matrix, whose page it is, and the answer."""

    row: str
    who: str
    answer: TestResponse


def _rows(world: World) -> tuple[str, ...]:
    routes = methods(world.app)
    looks = {name for name, (_rule, method) in routes.items() if method == "GET"}
    named = {
        row for row in SENT if " ".join(row.split(" ")[:2]) in looks or row.split(" ")[0] in looks
    }
    posts = {
        row for row in named if row.endswith("POST") or {"form", "json", "file"} & SENT[row].keys()
    }
    return tuple(sorted(row for row in looks | named - posts if not row.startswith("api")))


def pages(world: World, *, english: bool = False, rows: tuple[str, ...] = ()) -> Iterator[Shown]:
    """Every page, each by the first role that gets it."""
    for row in rows or _rows(world):
        for role in (*ROLES, ""):
            who = f"a.{role}" if role else ""
            answer = ask(world, who, row, "a", english=english)
            if answer.status_code == 200:
                if answer.mimetype == "text/html" and answer.text.startswith(("<!doctype", "{#")):
                    yield Shown(row, who, answer)
                break


@contextmanager
def looking(
    world: World, browser: Browser, *, dark: bool = False, size: tuple[int, int]
) -> Iterator[Callable[[Shown], Seen]]:
    """Shows pages in the browser, in this theme and size, one after another, and has axe look them over."""
    with (
        _serving(world) as host,
        browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            service_workers="block",
        ) as context,
    ):
        context.add_init_script(path=str(AXE))
        page = context.new_page()

        def look(shown: Shown) -> Seen:
            def answer(route: Route) -> None:
                asked = route.request
                here = asked.is_navigation_request()
                given = shown.answer if here else _asked(world, shown.who, asked.url[len(host) :])
                kept = {k: v for k, v in given.headers if k.lower() != "content-encoding"}
                route.fulfill(status=given.status_code, headers=kept, body=given.data)

            page.route(NOT_STATIC, answer)
            page.goto(f"{host}{shown.answer.request.full_path}")
            found: dict[str, Any] = page.evaluate(LOOK)
            page.unroute(NOT_STATIC)
            heavy = [f"{rule}: {what}" for impact, rule, what in found["wrong"] if impact in HEAVY]
            return Seen(found["passed"], tuple(heavy))

        yield look


@contextmanager
def _serving(world: World) -> Iterator[str]:
    """Where the application answers for what is the same for everybody: the browser keeps it from page to page."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _asked(world: World, who: str, path: str) -> TestResponse:
    browser = world.app.test_client()
    if who:
        with browser.session_transaction() as cookie:
            cookie["key"] = world.secrets[who]
    return browser.get(path)
