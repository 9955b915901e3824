"""Where a person can go: the places of the rail, the likeliest four of them on the bar of a phone,
by the desk that the person keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import g, request, url_for
from flask_babel import gettext as _

from engine.people import access, posts

if TYPE_CHECKING:
    from flask import Flask

    from engine.people.organisation import Actor

ON_PHONE = 4  # so many places stand on the bar of a phone; the fifth is "more"
THEMES = ("light", "dark")  # without one the system's is followed
THEME = "theme"  # the cookie that keeps it

# from the likeliest on; what follows the fourth stands under "more" on a phone
EVERYBODY = (
    *("inbox", "matters", "publications", "launch", "grid"),
    *("ledger", "definitions", "rules"),
)
BY_DESK = {
    posts.OFFICE: (
        *("inbox", "grid", "audit", "despatch", "ledger", "people", "launch", "matters"),
        *("publications", "log", "seal", "retention", "definitions", "rules"),
    ),
    posts.AUDIT: (
        *("audit", "log", "seal", "inbox", "ledger", "despatch", "retention", "people"),
        *("matters", "publications", "launch", "definitions", "rules"),
    ),
    posts.ADMINISTRATION: (
        *("inbox", "people", "definitions", "rules", "proposals", "matters", "publications"),
        "launch",
    ),
}
ENDPOINTS = {"log": "audit.log", "seal": "audit.seal"}
WITHIN = {
    "inbox": ("/tasks", "/polls", "/done", "/together", "/copies")
}  # pages of a place that stand elsewhere
COUNTED = ("inbox", "publications")

ICONS = {
    "inbox": "M4 13h4l1.5 3h5L16 13h4M5 5h14l1 8v6H4v-6z",
    "launch": "M12 5v14M5 12h14",
    "matters": "M6 4h9l4 4v12H6zM9 12h7M9 16h5",
    "publications": "M4 10v4h4l7 4V6l-7 4zM18 9.5c1 1.500 1 3.500 0 5",
    "grid": "M4 5h16v14H4zM4 10h16M4 14.500h16M10 5v14",
    "audit": "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20",
    "people": "M12 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM5 20c.5-4 3-6 7-6s6.500 2 7 6",
    "definitions": "M4 5h6v5H4zM14 14h6v5h-6zM7 10v6.500h7",
    "rules": "M12 4v16M7 20h10M5 8h14M5 8l-2 6h4zM19 8l-2 6h4z",
    "despatch": "M4 6h16v12H4zM4 7l8 6 8-6",
    "retention": "M5 4h14v4H5zM6 8v12h12V8M10 12h4",
    "log": "M5 6h14M5 10h14M5 14h14M5 18h9",
    "seal": "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
    "proposals": "M5 12l4 4L19 6",
    "ledger": "M6 4h12v16H6zM9 8l1.5 1.5L13 7M9 14l1.5 1.5L13 13M15 9h1M15 15h1",
}


@dataclass(frozen=True)
class Place:
    """One place: its name, its address, and whether the page belongs to it. `counted`: what the
    number beside it counts, "" for none.
    """

    name: str
    title: str
    href: str
    icon: str
    here: bool
    counted: str


def init_app(app: Flask) -> None:
    """What the frame of every page needs."""
    app.context_processor(lambda: {"places": _places(g.get("actor")), "theme": theme()})
    app.jinja_env.globals["on_phone"] = ON_PHONE


def theme() -> str:
    """The theme that this browser chose; "" follows the system."""
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in THEMES else ""


def _places(actor: Actor | None) -> list[Place]:
    if actor is None:
        return []
    titles, here = _titles(), _here(names := _names(actor))
    return [
        Place(
            name=name,
            title=titles[name],
            href=_address(name),
            icon=ICONS[name],
            here=name == here,
            counted=name if name in COUNTED else "",
        )
        for name in names
    ]


def _names(actor: Actor) -> tuple[str, ...]:
    """By the first desk that the person keeps; another desk's places follow."""
    kept = [names for desk, names in BY_DESK.items() if access.desk_unions(actor, desk)]
    return tuple(dict.fromkeys(name for names in (*kept, EVERYBODY) for name in names))


def _address(name: str) -> str:
    return url_for(ENDPOINTS.get(name, f"{name}.index"))


def _here(names: tuple[str, ...]) -> str:
    """The place to which the page belongs: the one with the longest address above it."""
    roots = [(root, name) for name in names for root in (_address(name), *WITHIN.get(name, ()))]
    above = [(len(root), name) for root, name in roots if _is_above(root, request.path)]
    return max(above, default=(0, ""))[1]


def _is_above(root: str, path: str) -> bool:
    return path == root or (root != "/" and path.startswith(f"{root}/"))


def _titles() -> dict[str, str]:
    return {
        "inbox": _("待办"),
        "launch": _("发起"),
        "matters": _("我的事项"),
        "publications": _("公示"),
        "grid": _("一览表"),
        "audit": _("查询"),
        "people": _("人员"),
        "definitions": _("流程"),
        "rules": _("规则"),
        "despatch": _("发文登记"),
        "retention": _("保存与删除"),
        "log": _("审计日志"),
        "seal": _("封存与校验"),
        "proposals": _("待批准"),
        "ledger": _("履职台账"),
    }
