"""axe-core over pages as they are answered, without a server: a page is shown in the browser, its parts come from the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.settings import ROOT
from tests.webui.roles import SENT, ask, methods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Route
    from werkzeug.test import TestResponse

    from tests.webui.roles import World

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
HOST = "http://yixing.test"
ROLES = ("secretary", "committee", "delegate", "auditor", "admin", "second1", "chair")
_static: dict[str, TestResponse] = {}
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


def looked(
    world: World, browser: Browser, shown: Shown, *, dark: bool = False, size: tuple[int, int]
) -> Seen:
    """The page in the browser, in this theme and size, looked over by axe."""
    with browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    ) as context:
        context.add_init_script(path=str(AXE))
        page = context.new_page()
        page.route(f"{HOST}/**", lambda route: _answer(world, shown, route))
        page.goto(f"{HOST}{shown.answer.request.full_path}")
        found: dict[str, Any] = page.evaluate(LOOK)
    heavy = [f"{rule}: {what}" for impact, rule, what in found["wrong"] if impact in HEAVY]
    return Seen(found["passed"], tuple(heavy))


def _answer(world: World, shown: Shown, route: Route) -> None:
    path = route.request.url.removeprefix(HOST)
    answer = (
        shown.answer if route.request.is_navigation_request() else _part(world, shown.who, path)
    )
    kept = {k: v for k, v in answer.headers.items() if k.lower() != "content-encoding"}
    route.fulfill(status=answer.status_code, headers=kept, body=answer.data)


def _part(world: World, who: str, path: str) -> TestResponse:
    """A part of a page; those that are the same for everybody are asked for once."""
    if not path.startswith("/static/"):
        return _asked(world, who, path)
    if path not in _static:
        _static[path] = _asked(world, who, path)
    return _static[path]


def _asked(world: World, who: str, path: str) -> TestResponse:
    browser = world.app.test_client()
    if who:
        with browser.session_transaction() as cookie:
            cookie["key"] = world.secrets[who]
    return browser.get(path)
