"""One person at one browser. Every page that loads is looked over by itself: errors, policy, width, labels, tap targets."""

from __future__ import annotations

import itertools
import os
import re
from typing import TYPE_CHECKING

from playwright.sync_api import Error

from tests.journeys.university import SECRET

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PHONE, DESKTOP = (390, 844), (1440, 900)
SHOTS = os.environ.get(
    "YIXING_SHOTS"
)  # a folder: then each page is photographed as its person left it, on phone and desktop
_shots = itertools.count(1)
# Runs in each page when it has loaded; what it finds comes out as a console error, which fails the journey.
INSPECTION = """
addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
addEventListener("load", () => {
  const wrong = (what, element) => console.error(`page ${location.pathname}: ${what} ${element ? element.outerHTML.slice(0, 200) : ""}`);
  const shut = [...document.querySelectorAll("details:not([open])")];
  shut.forEach((d) => { d.open = true; });
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth > Math.min(width, screen.width)) {
    wrong(`is ${document.scrollingElement.scrollWidth} px wide, not ${Math.min(width, screen.width)}`);
    for (const e of document.querySelectorAll("main *")) if (e.getBoundingClientRect().right > screen.width + 1) { wrong("too wide", e); break; }
  }
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const named = [...(e.labels || [])].some((l) => l.innerText.trim()) || e.getAttribute("aria-label") || e.closest("fieldset[disabled]");
    if (!named) wrong("no label", e);
  }
  for (const e of document.querySelectorAll("button, a.btn, input[type=submit]")) {
    const box = e.getBoundingClientRect();
    if (!box.width) continue;
    if (screen.width < 500 && box.height < 39.5) wrong(`only ${box.height} px high`, e);
    if (!(e.innerText || e.value || e.getAttribute("aria-label") || "").trim()) wrong("a button without a name", e);
  }
  const bar = document.querySelector(".yx-nav"), main = document.querySelector("main"), end = main.getBoundingClientRect().bottom - parseFloat(getComputedStyle(main).paddingBottom) + scrollY;
  if (bar && getComputedStyle(bar).position === "fixed" && end + bar.offsetHeight > document.scrollingElement.scrollHeight + 1) wrong("its end is behind the navigation");
  const ids = [...document.querySelectorAll("[id]")].filter((e) => !e.closest("svg")).map((e) => e.id);
  const twice = ids.filter((id, n) => ids.indexOf(id) !== n);
  if (twice.length) wrong(`ids twice: ${twice.join(" ")}`);
  if (document.querySelectorAll("h1").length !== 1 && !document.querySelector(".display-6")) wrong("not exactly one h1");
  shut.forEach((d) => { d.open = false; });
});
"""


class Desk:
    """A browser of one person. `faults` are what went wrong on any page; `visited` the paths seen."""

    def __init__(
        self, browser: Browser, base: str, *, size: tuple[int, int] = PHONE, locale: str = "zh-CN"
    ) -> None:
        phone = size[0] < 500
        self.base = base
        self.faults: list[str] = []
        self.visited: list[str] = []
        self.name, self.size = "", size
        self.expected: tuple[
            int, ...
        ] = ()  # statuses that the next pages may have, besides those below 400
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            screen={"width": size[0], "height": size[1]},
            is_mobile=phone,
            has_touch=phone,
            locale=locale,
            base_url=base,
            accept_downloads=True,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(15_000)
        self.context.add_init_script(INSPECTION)
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self._said(m.type, m.text))
        self.page.on("pageerror", lambda e: self.faults.append(f"error: {e}"))
        self.page.on("response", lambda r: self._answered(r.status, r.url))

    def _said(self, kind: str, text: str) -> None:
        if kind == "error" and not re.match(
            r"Failed to load resource: the server responded with a status of 4", text
        ):
            self.faults.append(text)

    def _answered(self, status: int, url: str) -> None:
        self.visited.append(url.removeprefix(self.base))
        # a page left open while days pass asks once more after its login has ended, then loads anew
        ended = status == 401 and url.partition("?")[0].endswith("/now")
        if status >= 400 and status not in self.expected and not ended:
            self.faults.append(f"{status} {url}")

    def log_in(self, username: str, secret: str = SECRET, path: str = "/") -> Page:
        """By name and password, through the login page."""
        self.name = username
        self.page.goto(path)
        self.page.get_by_label("用户名").or_(self.page.get_by_label("Username")).fill(username)
        self.page.locator("#password").fill(secret)
        self.page.locator("form.card button[type=submit]").click()
        self.page.wait_for_url(re.compile(r"^(?!.*/login)"))
        return self.page

    def see(self, path: str) -> None:
        """Open the page on which one may be already, though it may just be reloading by itself."""
        try:
            self.page.goto(path)
        except Error as fault:
            if "interrupted by another navigation" not in str(fault):
                raise
            self.page.wait_for_load_state()

    def open(self, title: str) -> Page:
        """A thing in the inbox, by its title."""
        self.page.goto("/")
        self.shot()
        self.page.locator(".yx-row", has_text=title).first.click()
        self.page.wait_for_load_state()
        return self.page

    def field(self, key: str) -> Locator:
        """A field of the form on the page."""
        return self.page.locator(f"[name='f.{key}']")

    def fill(self, **answers: str | list[str]) -> None:
        """Fill in a form: text in fields, the label of what is chosen."""
        for key, value in answers.items():
            first = self.field(key).first
            if first.evaluate("e => e.tagName") == "SELECT":
                first.select_option(label=str(value))
            elif first.get_attribute("type") in ("radio", "checkbox"):
                for wanted in [value] if isinstance(value, str) else value:
                    label = self.page.locator(f"[data-field='{key}'] label", has_text=wanted).first
                    if label.is_visible():
                        label.click()
                    else:  # a verb of the bar: chosen now, pressed by `submit`
                        label.evaluate("e => e.click()")
            else:
                first.fill(str(value))

    def submit(self) -> None:
        """Hand in the form of the page and wait for the next page."""
        self.shot()
        chosen = self.page.locator(".yx-bar [data-verb][aria-pressed=true]")
        with self.page.expect_navigation():
            chosen.or_(self.page.locator(".yx-bar button[type=submit]:visible")).first.click()

    def press(self, name: str) -> None:
        """Press a button or link that leads to another page."""
        self.shot()
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name).or_(
                self.page.get_by_role("link", name=name)
            ).first.click()

    def vote(self, choice: str) -> None:
        """Answer a poll: by one tap where it can be taken back, else by a choice and a confirmation."""
        picked = self.page.get_by_role("radio", name=choice, exact=True)
        if picked.count():
            picked.check()
            self.submit()
        else:
            self.press(choice)

    def said(self) -> str:
        """What the page says was done."""
        return str(self.page.locator(".yx-flash").first.inner_text())

    def shot(self) -> None:
        """A picture of the page for whoever wants to look."""
        if SHOTS:
            n = next(_shots)
            for width, height in (PHONE, DESKTOP):
                self.page.set_viewport_size({"width": width, "height": height})
                self.page.screenshot(path=f"{SHOTS}/{n:03}-{self.name}-{width}.png", full_page=True)
            self.page.set_viewport_size({"width": self.size[0], "height": self.size[1]})

    def close(self) -> list[str]:
        """Leave; gives what was wrong on any page."""
        self.page.wait_for_load_state()
        self.shot()
        self.context.close()
        return self.faults
