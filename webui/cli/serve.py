"""`yixing serve`: brings the database up, then keeps web workers and one job worker running
until it is told to stop.

The supervisor itself serves nothing. Its children are this module again, as `web` and `work`;
they read their settings from the environment, like any other process of the product, and end when
the supervisor is gone.
"""

from __future__ import annotations

import logging
import os
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
from engine.messages import _
from engine.stopping import Stopping
from webui.cli import demo_start, postmaster
from webui.cli.faults import why
from webui.cli.terminal import CannotDo, note, text

if TYPE_CHECKING:
    from engine.db import Engine
    from engine.settings import Settings

PARENT = "YIXING_PARENT"  # process id of the supervisor, for its children
GRACE = 10.0  # seconds between "please end" and "end"
STEADY = 30.0  # seconds after which a child counts as well
LONGEST_WAIT = 30.0  # seconds between two tries to start a child that keeps dying


# --- the supervisor ------------------------------------------------------------------------------
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
        """Start it in a group of its own, so that Ctrl-C reaches the supervisor only, which
        ends it in order.
        """
        self.process = subprocess.Popen(
            _command(self.name), env=self.environment, start_new_session=True
        )
        self.born = time.monotonic()

    def tend(self) -> None:
        """Start it again when it has died and has waited long enough."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.deaths = 1 if now - self.born > STEADY else self.deaths + 1
            wait = 0.0 if self.deaths == 1 else min(LONGEST_WAIT, 0.5 * 2**self.deaths)
            self.due, code = now + wait, self.process.returncode
            self.process = None
            note(_restarting(self.name, code, wait))
        if self.process is None and now >= self.due:
            self.start()


def _restarting(name: str, code: int, wait: float) -> str:
    """A child of this name has ended with this exit code and is started again in `wait` seconds."""
    how = (
        _("信号 {name}", name=signal.Signals(-code).name)
        if code < 0
        else _("退出码 {code}", code=code)
    )
    if not wait:
        return _("{worker} 进程已结束（{how}），正在重新启动", worker=name, how=how)
    seconds = round(wait)
    return _("{worker} 进程已结束（{how}），{n} 秒后重新启动", worker=name, how=how, n=seconds)


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "webui.cli.serve", name]


def serve(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; gives the exit code."""
    _must_be_free(settings)
    stopping = Stopping()
    children: list[Child] = []
    stopping.listen(breaks_off=True)  # until all is set up
    try:
        url = _database(settings)
        environment = _environment(settings, url)
        first = demo_start.is_empty(url)
        if first:
            _fill(settings, url)
        stopping.listen()
        children = [Child("web", environment), Child("job", environment)]
        for child in children:
            child.start()
        if not first:
            _fill(settings, url)  # meanwhile the children load what they need
        if _ready(settings, children, stopping):
            _welcome(settings)
        while not stopping.wait(0.5):
            for child in children:
                child.tend()
            _revive(settings)
    finally:
        _end(children, stopping)
        _stop_database(settings)
    return 0


def _must_be_free(settings: Settings) -> None:
    """Find out before anything is started whether the port can be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            raise CannotDo(
                _(
                    "不能在 {host} 的 {port} 端口监听：{reason}。请停掉占用它的程序，或另选端口：YIXING_PORT=8001",
                    host=settings.host,
                    port=settings.port,
                    reason=why(fault),
                )
            ) from fault
        except OverflowError as fault:
            raise CannotDo(
                _("YIXING_PORT 不得大于 65535，现为 {port}", port=settings.port)
            ) from fault


def _database(settings: Settings) -> str:
    """Start the database when need be, bring its schema up to date, see to the keys; gives
    the URL.
    """
    from engine import db
    from engine.db import migrate
    from webui.cli.schema import ROLE_MISSING, migrated

    url = db.url_of(settings)
    demo_start.drop_half(settings, url)
    if migrated(settings, url):
        note(_("数据库结构已是最新"))
    if not migrate.has_role(url):
        note(ROLE_MISSING)
    _say_secrets(settings, db.connect(url, home=settings.home))
    return url


def _fill(settings: Settings, url: str) -> None:
    """Publish the process folders that are new or changed; load the demo data into an empty
    database.
    """
    from engine import db
    from engine.commands import bundled
    from engine.errors import EngineError

    engine = db.connect(url, home=settings.home)
    for folder in bundled.folders(settings.processes):
        try:
            with db.transaction(engine) as session:
                _digest, new = bundled.publish(session, folder)
        except EngineError as fault:
            note(_("{folder} 没有发布：{reason}", folder=folder.name, reason=fault.message))
            continue
        if new:
            note(_("已发布 {folder}", folder=folder.name))
    must_serve(settings, engine)
    if settings.demo:
        demo_start.load(settings, url)
    engine.dispose()


def must_serve(settings: Settings, engine: Engine) -> None:
    """Raise CannotDo where the demo, whose passwords everybody knows, would serve in earnest."""
    from engine import db
    from engine.db import demo

    with db.transaction(engine) as session:
        if demo.is_demo(session) and not settings.demo:
            raise CannotDo(
                _(
                    "这个数据库里是演示数据，密码人人知道，不能用于正式工作：请另设 YIXING_HOME（或 YIXING_DATABASE_URL），要看演示请用 YIXING_DEMO=1"
                )
            )


def _say_secrets(settings: Settings, engine: Engine) -> None:
    """What this host does not do because a key is not here."""
    from engine import db
    from engine.db import shared
    from engine.history.signing import signing

    with db.transaction(engine) as session:
        lacking = [
            shared.cookies(session, settings).why,
            signing(session, settings, make=False).why,
        ]
    for why_not in filter(None, lacking):
        note(_("注意：{what}", what=why_not))


def _environment(settings: Settings, url: str) -> dict[str, str]:
    """What the children get; with the URL they need not look after the embedded database
    themselves.
    """
    values = {
        "HOME": settings.home,
        "DATABASE_URL": settings.database_url or url,
        "DATABASE_DIRECT_URL": settings.database_direct_url,
        "DATABASE_POOLED": int(settings.database_pooled),
        "PROCESSES": settings.processes,
        "HOST": settings.host,
        "PORT": settings.port,
        "DEMO": int(settings.demo),
        "SECRET_KEY": settings.secret_key,
        "SHARED_KEY": settings.shared_key,
        "SECURE_COOKIES": int(settings.secure_cookies),
        "TRUSTED_PROXIES": settings.trusted_proxies,
        "BACKUP_DAYS": settings.backup_days,
        "BACKUPS": settings.backups or "",
        "WEB_WORKERS": settings.web_workers,
        "WEB_THREADS": settings.web_threads,
    }
    own = {f"YIXING_{name}": str(value) for name, value in values.items()}
    return {**os.environ, **own, PARENT: str(os.getpid())}  # LANGUAGE among them


def address(settings: Settings) -> str:
    """Where a browser on this machine finds the product."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.port}/"


def _ready(settings: Settings, children: list[Child], stopping: Stopping) -> bool:
    """Wait for the first answer. Raises CannotDo when the web worker dies again and again
    before it.
    """
    probe = f"{address(settings)}healthz"
    while not stopping.wait(0.1):
        for child in children:
            child.tend()
            if child.deaths >= 3:
                raise CannotDo(_("{worker} 进程启动不了，原因见上", worker=child.name))
        with suppress(OSError), urllib.request.urlopen(probe, timeout=5) as answer:
            return bool(answer.status == 200)
    return False


def _welcome(settings: Settings) -> None:
    from engine.documents import fonts
    from engine.people import strokes
    from webui.http import proxies

    for warning in proxies.at_start(settings):
        note(_("注意：{what}", what=warning))
    note(_("字体：{found}", found=fonts.described()))
    if not strokes.installed():
        note(
            _(
                "注意：没有找到随安装附带的笔画资料，正式名单改按汉语拼音排列；运行 make setup 补装。"
            )
        )
    note("")
    note(_("议行已就绪：{address}   （按 Ctrl-C 停止）", address=address(settings)))
    if settings.demo:
        from webui.cli import demo

        note("")
        note(_("演示账号（登录页上点一下，或用密码）："))
        for username, password, words in demo.ACCOUNTS:
            note(f"  {username:<11} {password:<14} {text(words)}")
    note("")


def _end(children: list[Child], stopping: Stopping) -> None:
    """Ask all to end, wait, then make them. A second Ctrl-C does not wait."""
    running = [c.process for c in children if c.process is not None and c.process.poll() is None]
    if running:
        note(_("正在停止……"))
    for process in running:
        process.terminate()
    last = time.monotonic() + GRACE
    while (
        any(p.poll() is None for p in running)
        and time.monotonic() < last
        and not stopping.hurried()
    ):
        time.sleep(0.05)
    for process in running:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the whole group: gunicorn's workers too
        process.wait()


# --- the embedded database -----------------------------------------------------------------------
def _revive(settings: Settings) -> None:
    """Start the embedded server again when it was killed; it recovers what was committed."""
    if not settings.database_url and postmaster.running(settings.home) is None:
        note(_("内置数据库已结束，正在重新启动"))
        _embedded(settings, "database")


def _stop_database(settings: Settings) -> None:
    """Stop the embedded server unless another process uses it."""
    if (
        not settings.database_url
        and postmaster.running(settings.home)
        and not postmaster.used_by_others(settings.home)
    ):
        _embedded(settings, "no-database")


def _embedded(settings: Settings, what: str) -> None:
    """In a process of its own: the library remembers a server that it has started, dead or
    alive.
    """
    environment = {**os.environ, "YIXING_HOME": str(settings.home), "YIXING_DATABASE_URL": ""}
    subprocess.run(_command(what), env=environment, start_new_session=True, check=False)


# --- the children --------------------------------------------------------------------------------
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


def main(what: str) -> None:
    """The entry of a child."""
    settings = own_settings.load()
    if what in ("database", "no-database"):
        from engine.db import embedded

        embedded.start(settings.home) if what == "database" else embedded.stop(settings.home)
        return
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("yixing").setLevel(logging.INFO)
    _end_with_parent()
    if what == "web":
        from webui.cli.web_worker import web

        web(settings)
        return
    from engine import db
    from engine.jobs.worker import run_worker
    from webui.http.messages import language

    run_worker(settings, db.url_of(settings), english=language("en"))


if __name__ == "__main__":
    main(sys.argv[1])
