"""A live server on a fresh database and the system's Chromium, for journeys as people make them."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from engine import db
from engine.settings import ROOT, Settings
from tests.conftest import fresh
from tests.journeys.desk import PHONE, Desk
from tests.journeys.university import University
from webui import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from playwright.sync_api import Browser
    from sqlalchemy import Engine


@dataclass(frozen=True)
class Site:
    """A running product: where it is, and its database."""

    address: str
    engine: Engine
    home: Path
    town: University


def _timed(app: WSGIApplication, town: University) -> WSGIApplication:
    """Each page at the time of the university."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        with town.time():
            return app(environ, start)

    return answer


@contextmanager
def _served(
    server: str,
    home: Path,
    who: tuple[str, ...],
    *,
    english: bool = False,
    now: str = "",
    undo: int = 0,
) -> Iterator[Site]:
    with fresh(server) as url:
        told = Settings(home, url, ROOT / "processes", undo=undo)
        app = create_app(told)
        engine = app.extensions["engine"]
        town = University.built(engine, english=english, logs_in=who, now=now)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        live = make_server("127.0.0.1", 0, _timed(app, town), threaded=True)
        thread = threading.Thread(target=live.serve_forever, daemon=True)
        thread.start()
        yield Site(f"http://127.0.0.1:{live.server_port}", engine, home, town)
        live.shutdown()
        thread.join()
        live.server_close()
        db.release(url)


@pytest.fixture(scope="module")
def site(
    server: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """The product as the people of one module share it; only those in the module's LOGS_IN can log in.

    Its clock is the true one, unless the module says NOW, a moment in China. What is done is done at once, unless it says
    UNDO, in how many seconds it may be taken back.
    """
    now, undo = getattr(request.module, "NOW", ""), getattr(request.module, "UNDO", 0)
    with _served(
        server, tmp_path_factory.mktemp("site"), request.module.LOGS_IN, now=now, undo=undo
    ) as running:
        yield running


@pytest.fixture(scope="module")
def english_site(
    server: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """The same with people, units and motions whose names are in Latin letters."""
    with _served(
        server, tmp_path_factory.mktemp("site"), request.module.LOGS_IN, english=True
    ) as running:
        yield running


@pytest.fixture
def desk(browser: Browser, site: Site) -> Iterator[Callable[..., Desk]]:
    """Opens a browser for a person and logs them in; afterwards no page of any of them may have shown a fault."""
    opened: list[Desk] = []

    def sit_down(username: str, path: str = "/", size: tuple[int, int] = PHONE) -> Desk:
        made = Desk(browser, site.address, size=size)
        opened.append(made)
        made.log_in(username, path=path)
        return made

    yield sit_down
    faults = [fault for each in opened for fault in each.close()]
    assert not faults, "\n".join(dict.fromkeys(faults))
