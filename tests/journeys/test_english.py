"""The English interface: no page leaves a Chinese word in its navigation, headings, buttons and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.journeys.desk import DESKTOP, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.journeys.conftest import Site

LOGS_IN = ("zhang", "committee", "li", "secretary", "auditor", "admin")
# Left out: the names of the languages, official numbers of papers and matters, headers of decision tables (the open format
# has one label for each), and what a select offers besides (units, people).
LEFT = r"""() => [...document.querySelectorAll(
  "title, nav, h1, h2, h3, legend, label, button, summary, th, .btn, .badge, .yx-empty, .form-hint, .yx-fault, [role=alert], [role=status]"
)].filter((e) => !e.closest("[aria-hidden=true], #tables table"))
  .map((e) => { const c = e.cloneNode(true); c.querySelectorAll("[aria-hidden=true], select").forEach((x) => x.remove()); return c.textContent; })
  .concat([...document.querySelectorAll("[aria-label], [placeholder], [title]")].flatMap((e) => ["aria-label", "placeholder", "title"].map((a) => e.getAttribute(a) || "")))
  .map((text) => text.replace(/教代提.?〔\d+〕\d+/g, "").trim().replace(/\s+/g, " ").slice(0, 120))
  .filter((text) => /[\u4e00-\u9fff]/.test(text) && text !== "中文")"""
PLACES = {
    "zhang": (
        "/",
        "/launch",
        "/launch/congress_motion",
        "/matters",
        "/matters?state=ended",
        "/me",
        "/definitions",
        "/rules",
        "/rules/MO-SECOND",
    ),
    "committee": ("/", "task"),
    "li": ("/", "poll"),
    "secretary": (
        "/audit",
        "/audit/log",
        "/audit/seal",
        "/people",
        "/people/units",
        "/people/new",
        "/people/import",
        "/rules/calendar",
        "matter",
        "member",
        "/definitions/propose",
        "/definitions/process/congress_motion",
        "version",
        "/definitions/nowhere",
    ),
    "auditor": ("audit", "/audit?words=nothing&since=no-day"),
    "admin": ("member",),
}


def english(desk: Desk) -> None:
    """A person with a Chinese browser wants English."""
    desk.page.goto("/login")
    desk.press("English")


def test_no_chinese_word_is_left_in_the_english_interface(
    browser: Browser, english_site: Site
) -> None:
    town = english_site.town
    closed = town.closed("Keep the canteen open in the evening")
    review = town.waiting(town.reviewable("Repair the roof of the sports hall"), "review").id
    poll = town.waiting(town.motion("A new bus stop on the campus"), "second").poll_id
    found: dict[str, list[str]] = {}
    faults: list[str] = []
    for username, paths in PLACES.items():
        desk = Desk(browser, english_site.address, size=DESKTOP, locale="zh-CN")
        desk.expected = (404,)
        page = desk.page
        english(desk)
        found[f"{username} /login"] = page.evaluate(LEFT)
        desk.log_in(username)
        named = {
            "task": f"/tasks/{review}",
            "poll": f"/polls/{poll}",
            "matter": f"/matters/{closed}",
            "audit": f"/audit/{closed}",
            "member": f"/people/{town.people['li']}",
        }
        for path in paths:
            if path == "version":
                page.goto("/definitions")
                page.locator("h2 a").first.click()
                page.wait_for_load_state()
            else:
                page.goto(named.get(path, path))
            assert page.locator("html").get_attribute("lang") == "en", path
            found[f"{username} {path}"] = page.evaluate(LEFT)
        faults += desk.close()
    left = {place: texts for place, texts in found.items() if texts}
    assert not left, "\n".join(
        f"{place}: {list(dict.fromkeys(texts))}" for place, texts in left.items()
    )
    assert not faults, "\n".join(dict.fromkeys(faults))


def test_validation_errors_are_in_english(browser: Browser, english_site: Site) -> None:
    desk = Desk(browser, english_site.address, size=DESKTOP, locale="zh-CN")
    english(desk)
    page = desk.log_in("zhang", path="/launch/congress_motion")
    desk.expected = (422,)
    desk.submit()
    assert page.evaluate(LEFT) == []
    assert not desk.close()
