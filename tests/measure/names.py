"""Every name of the product that the measuring uses, in one place: who moves a module puts its new home first and leaves
the old one, so that a checkout from before is still measured."""

from __future__ import annotations

from importlib import import_module
from typing import Any

COMMANDS, QUERIES, DEFINITIONS = "engine.commands", "engine.queries", "engine.definitions"

HOMES = {
    "db": ("engine.db",),
    "embedded": (
        "engine.db.embedded",
        "engine.embedded",
    ),
    "migrate": (
        "engine.db.migrate",
        "engine.migrate",
    ),
    "tables": (
        "engine.db.tables",
        "engine.tables",
    ),
    "clock": ("engine.clock",),
    "settings": ("engine.settings",),
    "catalogue": (
        "engine.definitions",
        "engine.catalogue",
    ),
    "scenarios": ("engine.scenarios",),
    "definitions": ("engine.commands.definitions",),
    "logins": ("engine.commands.people.logins",),
    "webui": ("webui",),
    "usage": (
        "webui.cli.usage",
        "webui.usage",
    ),
}


def module(name: str) -> Any:
    """The module of this name at the first of its homes that is there. Raises ModuleNotFoundError naming them all."""
    for home in HOMES[name]:
        try:
            return import_module(home)
        except ModuleNotFoundError as fault:
            if not home.startswith(fault.name or "-"):
                raise
    raise ModuleNotFoundError(f"{name} is at none of {', '.join(HOMES[name])}: add its new home")
