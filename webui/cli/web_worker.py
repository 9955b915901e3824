"""The web workers of `yixing serve`: gunicorn with threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.settings import Settings


def web(settings: Settings) -> None:
    """The web workers: gunicorn with threads; every worker makes its own application and
    database pool.
    """
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    from engine import db
    from webui import create_app

    host = f"[{settings.host}]" if ":" in settings.host else settings.host

    class Web(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            values = {
                "bind": f"{host}:{settings.port}",
                "worker_class": "gthread",
                "workers": settings.web_workers,
                "threads": settings.web_threads,
                "timeout": 60,
                "graceful_timeout": 8,
                "keepalive": 5,
                "control_socket_disable": True,
                "loglevel": "warning",
                "proc_name": "yixing",
                "forwarded_allow_ips": "",
            }
            for name, value in values.items():
                self.cfg.set(name, value)

        def load(self) -> object:
            db.connect_web(settings).dispose(
                close=False
            )  # what the parent had open is the parent's
            return create_app(settings)

    create_app(
        settings
    )  # the modules are loaded once, before the fork, and what is wrong with them is said once
    Web().run()
