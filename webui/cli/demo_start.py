"""Loading the demo data once, whole or not at all: half of them are of no use."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from engine.messages import _
from webui.cli.terminal import note

if TYPE_CHECKING:
    from engine.settings import Settings

HALF_DEMO = "demo-begun"  # a file in the home: loading the demo data has begun


def is_empty(url: str) -> bool:
    from engine import db
    from engine.commands import bundled

    with db.transaction(db.connect(url)) as session:
        return bundled.nobody(session)


def load(settings: Settings, url: str) -> None:
    """Load the demo data into an empty database; that it was begun is written down until it is
    done.
    """
    from engine import db

    if not is_empty(url):
        return
    from webui.cli import demo

    note(_("正在载入演示数据……"))
    settings.home.mkdir(parents=True, exist_ok=True)
    begun = settings.home / HALF_DEMO
    begun.write_text(_mark(settings))
    demo.load(db.connect(url, home=settings.home), settings)
    begun.unlink()


def drop_half(settings: Settings, url: str) -> None:
    """Half of the demo data are of no use: what a start left that was broken off in loading them
    goes.
    """
    from engine.db import migrate

    begun = settings.home / HALF_DEMO
    if not begun.exists():
        return
    older = not settings.database_url and not begun.read_text()  # wrote nothing into it
    if older or begun.read_text() == _mark(settings):
        note(_("演示数据上次没有载完，现在重新载入"))
        migrate.start_over(url)
        keys = settings.home / "keys"  # they have signed what is gone
        if keys.exists():
            keys.rename(keys.with_name(f"keys.before-{time.time_ns()}"))
    begun.unlink()


def _mark(settings: Settings) -> str:
    """Tells one database from another without telling its password."""
    return hashlib.sha256(settings.database_url.encode()).hexdigest()
