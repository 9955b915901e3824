"""Verbs that run the product: serve, worker, migrate. And how the other verbs reach the
database.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from engine.messages import _
from webui.cli.schema import ROLE_MISSING, migrated
from webui.cli.terminal import OK, note, say

if TYPE_CHECKING:
    import argparse

    from engine.db import Engine
    from engine.settings import Settings

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def database(settings: Settings) -> Engine:
    """The database, started and migrated when need be."""
    from engine import db

    url = db.url_of(settings)
    migrated(settings, url)
    return db.connect(url, home=settings.home)


def serve(_given: argparse.Namespace, settings: Settings) -> int:
    """Start everything and run until Ctrl-C."""
    from webui.cli import serve as supervisor

    return supervisor.serve(settings)


def worker(_given: argparse.Namespace, settings: Settings) -> int:
    """One more job worker, e.g. on another machine with the same YIXING_DATABASE_URL."""
    from engine import db
    from engine.history.signing import signing
    from engine.jobs.worker import run_worker
    from webui.http.messages import language

    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    url = db.url_of(settings)
    migrated(settings, url)
    with db.transaction(db.connect(url, home=settings.home)) as session:
        why = signing(session, settings, make=False).why
    if why is not None:
        note(_("注意：{what}", what=why))
    note(_("正在工作；按 Ctrl-C 停止"))
    run_worker(settings, url, english=language("en"))
    return OK


def migrate(_given: argparse.Namespace, settings: Settings) -> int:
    """Bring the database to the schema of this release."""
    from engine import db
    from engine.db import migrate as steps

    url = db.url_of(settings)
    moved = migrated(settings, url)
    if steps.has_role(url):
        steps.grant(url)
    else:
        note(ROLE_MISSING)
    state = _("已迁移") if moved else _("已是最新")
    say(_("数据库结构 {revision}：{state}", revision=steps.head(), state=state))
    return OK
