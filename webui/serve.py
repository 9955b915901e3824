"""`yixing serve`: brings the database up, then keeps web workers and one job worker running until it is told to stop.

The supervisor itself serves nothing. Its children are this module again, as `web` and `work`; they read their settings
from the environment, like any other process of the product, and end when the supervisor is gone.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine import settings as own_settings

if TYPE_CHECKING:
    from pathlib import Path

    from engine.settings import Settings

PARENT = "YIXING_PARENT"  # process id of the supervisor, for its children
GRACE = 10.0  # seconds between "please end" and "end"
STEADY = 30.0  # seconds after which a child counts as well
LONGEST_WAIT = 30.0  # seconds between two tries to start a child that keeps dying


class Unable(Exception):
    """The product cannot start; the text says why and what to do."""


# --- the supervisor -------------------------------------------------------------------------------------------------
@dataclass
class Child:
    """A process that is started again when it dies, later each time."""

    name: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    deaths: int = 0
    due: float = field(default=0.0)

    def start(self) -> None:
        """Start it in a group of its own, so that Ctrl-C reaches the supervisor only, which ends it in order."""
        self.process = subprocess.Popen(_command(self.name), env=self.environment, start_new_session=True)
        self.born = time.monotonic()

    def tend(self) -> None:
        """Start it again when it has died and has waited long enough."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.deaths = 1 if now - self.born > STEADY else self.deaths + 1
            wait = 0.0 if self.deaths == 1 else min(LONGEST_WAIT, 0.5 * 2**self.deaths)
            self.due, code = now + wait, self.process.returncode
            self.process = None
            _say(f"{self.name} worker ended ({_how(code)}); starting it again" + (f" in {wait:.0f} s" if wait else ""))
        if self.process is None and now >= self.due:
            self.start()


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "webui.serve", name]


def serve(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; gives the exit code."""
    _must_be_free(settings)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    children: list[Child] = []
    try:
        url = _prepare(settings)
        environment = _environment(settings, url)
        children = [Child("web", environment), Child("job", environment)]
        for child in children:
            child.start()
        if _ready(settings, children, stopping):
            _welcome(settings)
        while not stopping.wait(0.5):
            for child in children:
                child.tend()
            _revive(settings)
    finally:
        _end(children)
        _stop_database(settings)
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _must_be_free(settings: Settings) -> None:
    """Find out before anything is started whether the port can be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            raise Unable(
                f"cannot listen on {settings.host} port {settings.port}: {fault.strerror}. "
                "Stop what uses it, or choose another port: YIXING_PORT=8001"
            ) from fault
        except OverflowError as fault:
            raise Unable(f"YIXING_PORT must be at most 65535, not {settings.port}") from fault


def _prepare(settings: Settings) -> str:
    """Database, schema, keys, process definitions, demo data; gives the database's URL."""
    from engine import db, migrate, shipped

    url = db.url_of(settings)
    if migrate.migrate(url):
        _say("database schema is up to date")
    _make_cookie_key(settings)
    engine = db.connect(url)
    for folder in shipped.folders(settings.processes):
        with db.transaction(engine) as session:
            _, new = shipped.publish(session, folder)
        if new:
            _say(f"published {folder.name}")
    with db.transaction(engine) as session:
        empty = shipped.nobody(session)
    if settings.demo and empty:
        from webui import demo

        _say("loading the demo data ...")
        demo.load(engine, settings)
    engine.dispose()
    return url


def _make_cookie_key(settings: Settings) -> None:
    """The key that signs cookies, whole before any web worker reads it."""
    file = settings.home / "keys" / "cookies"
    if settings.secret_key or file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"cookies.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_hex(32))
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()


def _environment(settings: Settings, url: str) -> dict[str, str]:
    """What the children get; with the URL they need not look after the embedded database themselves."""
    values = {
        "HOME": settings.home, "DATABASE_URL": url, "PROCESSES": settings.processes, "HOST": settings.host,
        "PORT": settings.port, "DEMO": int(settings.demo), "SECRET_KEY": settings.secret_key,
        "SECURE_COOKIES": int(settings.secure_cookies), "TRUSTED_PROXIES": settings.trusted_proxies,
        "WEB_WORKERS": settings.web_workers, "WEB_THREADS": settings.web_threads,
    }  # fmt: skip
    own = {f"YIXING_{name}": str(value) for name, value in values.items()}
    return {**os.environ, **own, PARENT: str(os.getpid())}


def address(settings: Settings) -> str:
    """Where a browser on this machine finds the product."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.port}/"


def _ready(settings: Settings, children: list[Child], stopping: threading.Event) -> bool:
    """Wait for the first answer. Raises Unable when the web worker dies again and again before it."""
    probe = f"{address(settings)}healthz"
    while not stopping.wait(0.1):
        for child in children:
            child.tend()
            if child.deaths >= 3:
                raise Unable(f"the {child.name} worker does not start; the reason stands above")
        with suppress(OSError), urllib.request.urlopen(probe, timeout=5) as answer:
            return bool(answer.status == 200)
    return False


def _welcome(settings: Settings) -> None:
    _say(f"\nYixing is ready: {address(settings)}   (Ctrl-C stops it)")
    if settings.demo:
        from webui import demo

        _say("\nDemo accounts (one click on the login page, or by password):")
        for username, password, words in demo.ACCOUNTS:
            _say(f"  {username:<11} {password:<14} {words}")
    _say("")


def _end(children: list[Child]) -> None:
    """Ask all to end, wait, then make them. A second Ctrl-C does not wait."""
    running = [c.process for c in children if c.process is not None and c.process.poll() is None]
    if running:
        _say("stopping ...")
    hurry = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: hurry.set())
    for process in running:
        process.terminate()
    last = time.monotonic() + GRACE
    while any(p.poll() is None for p in running) and time.monotonic() < last and not hurry.wait(0.05):
        pass
    for process in running:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the whole group: gunicorn's workers too
        process.wait()


# --- the embedded database ------------------------------------------------------------------------------------------
def _postmaster(home: Path) -> int | None:
    """The process id of the running embedded server."""
    with suppress(OSError, ValueError, IndexError):
        pid = int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        return pid if _alive(pid) else None
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _revive(settings: Settings) -> None:
    """Start the embedded server again when it was killed; it recovers what was committed."""
    if not settings.database_url and _postmaster(settings.home) is None:
        _say("the embedded database has ended; starting it again")
        _embedded(settings, "database")


def _stop_database(settings: Settings) -> None:
    """Stop the embedded server unless another process uses it."""
    if settings.database_url or _postmaster(settings.home) is None:
        return
    handles: list[int] = []
    with suppress(OSError, ValueError):
        handles = json.loads((settings.home / "postgres" / ".handle_pids.json").read_text() or "[]")
    if not any(pid != os.getpid() and _alive(pid) for pid in handles):
        _embedded(settings, "no-database")


def _embedded(settings: Settings, what: str) -> None:
    """In a process of its own: the library remembers a server that it has started, dead or alive."""
    environment = {**os.environ, "YIXING_HOME": str(settings.home), "YIXING_DATABASE_URL": ""}
    subprocess.run(_command(what), env=environment, start_new_session=True, check=False)


# --- the children ---------------------------------------------------------------------------------------------------
def _end_with_parent() -> None:
    """End this process in order when the supervisor is gone, however it went."""
    parent = os.environ.get(PARENT, "")
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def web(settings: Settings) -> None:
    """The web workers: gunicorn with threads; every worker makes its own application and database pool."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    host = f"[{settings.host}]" if ":" in settings.host else settings.host

    class Web(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            values = {
                "bind": f"{host}:{settings.port}", "worker_class": "gthread",
                "workers": settings.web_workers, "threads": settings.web_threads,
                "timeout": 60, "graceful_timeout": 8, "keepalive": 5, "control_socket_disable": True,
                "loglevel": "warning", "proc_name": "yixing", "forwarded_allow_ips": "",
            }  # fmt: skip
            for name, value in values.items():
                self.cfg.set(name, value)

        def load(self) -> object:
            from webui import create_app

            return create_app(settings)

    Web().run()


def main(what: str) -> None:
    """The entry of a child."""
    settings = own_settings.load()
    if what in ("database", "no-database"):
        from engine import embedded

        embedded.start(settings.home) if what == "database" else embedded.stop(settings.home)
        return
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("yixing").setLevel(logging.INFO)
    _end_with_parent()
    if what == "web":
        web(settings)
        return
    from engine import jobs

    jobs.run_worker(settings, settings.database_url)


if __name__ == "__main__":
    main(sys.argv[1])
