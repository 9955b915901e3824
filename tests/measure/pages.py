"""Statements and transactions per page, and the walk of a completion; each in a process that has answered nothing before.

As a program it measures the product that it can import and prints JSON. The caller (`measure`) starts it in a process
of its own, because neither caches nor modules of another checkout may come along.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from tests.measure import elsewhere
from tests.measure.driver import counted
from tests.measure.ground import GROUNDS, Ground
from tests.measure.names import module
from tests.measure.walk import Walk, walked

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTHS = (1, 10)
EMPTY = "migrated"  # the database of which each ground gets a copy
Figures = dict[str, dict[str, dict[str, Any]]]


def measure(checkout: Path) -> Figures:
    """ "errand 1" (ground and rows) -> page -> statements (texts), transactions, changes and climbs. Takes about a minute.

    Raises CalledProcessError when a page of that checkout does not answer as it should.
    """
    found: Figures = elsewhere.run(checkout, "tests.measure.pages", str(checkout))
    return found


def _all(checkout: Path) -> Figures:
    with server() as home:
        app, empty = application(home, checkout), module("embedded").start(home, EMPTY)
        _in_child(lambda: module("migrate").migrate(empty))
        return {
            f"{name} {rows}": _ground(app, home, checkout, name, rows)
            for name in GROUNDS
            for rows in LENGTHS
        }


@contextmanager
def server() -> Iterator[Path]:
    """A home for an embedded server, which is stopped and thrown away afterwards."""
    home = Path(tempfile.mkdtemp(prefix="yixing-measure-"))
    try:
        yield home
    finally:
        module("embedded").stop(home)
        shutil.rmtree(home, ignore_errors=True)


def application(home: Path, checkout: Path) -> Any:
    """The application, without CSRF tokens; whoever uses it sets the engine to its own database."""
    own = module("settings").Settings(
        home=home,
        database_url="postgresql://nobody@localhost/never",  # each child connects to its own
        processes=checkout / "processes",
    )
    app = module("webui").create_app(own)
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True, WTF_CSRF_ENABLED=False)
    return app


def _ground(app: Any, home: Path, checkout: Path, name: str, rows: int) -> dict[str, Any]:
    with psycopg.connect(module("embedded").start(home), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}_{rows} TEMPLATE {EMPTY}".encode())
    url = module("embedded").start(home, f"{name}_{rows}")
    pages = _in_child(lambda: _prepared(url, checkout, name, rows))
    return {page: _in_child(lambda p=page: _asked(app, url, p, pages[p])) for page in pages}


def _prepared(url: str, checkout: Path, name: str, rows: int) -> dict[str, Any]:
    """Play the ground and log everybody in: page -> moment, cookie, path, form."""
    engine = module("db").connect(url)
    made: Ground = GROUNDS[name](engine, checkout, rows)
    with module("clock").set_to(made.at), module("db").transaction(engine) as session:
        return {
            page: {
                "at": made.at.isoformat(),
                "key": module("logins").open_login(session, made.members[who]),
                "path": path,
                "form": form,
            }
            for page, (who, path, form) in made.pages.items()
        }


def _asked(app: Any, url: str, page: str, how: dict[str, Any]) -> dict[str, Any]:
    """One request, counted. Raises RuntimeError unless it is answered with what the page should give."""
    engine = app.extensions["engine"] = _connected(url)
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["key"] = how["key"]
    moment = type(module("clock").now()).fromisoformat(how["at"])
    ask: Callable[[], Any] = (
        (lambda: browser.post(how["path"], data=how["form"]))
        if how["form"]
        else (lambda: browser.get(how["path"]))
    )
    # only the walk of a completion is asked for, and to follow one is slow
    following = walked() if how["form"] else nullcontext(Walk())
    with module("clock").set_to(moment), counted() as seen, following as walk:
        answer = ask()
    engine.dispose()
    if answer.status_code not in ((302, 303) if how["form"] else (200,)):
        raise RuntimeError(f"{page}: {answer.status_code} {answer.get_data(as_text=True)[:2000]}")
    return {
        "statements": seen.statements,
        "transactions": seen.transactions,
        "changes": [f"{one} -> {other}" for one, other in walk.changes],
        "with pages": [f"{one} -> {other}" for one, other in walk.with_pages],
        "climbs": sorted(walk.climbs),
    }


def _connected(url: str) -> Any:
    """The engine with two connections open: what a connection asks when it is made is nothing that a page asks."""
    engine = module("db").connect(url)
    with engine.connect(), engine.connect():
        return engine


def _in_child(work: Callable[[], Any]) -> Any:
    """What `work` gives (something for JSON), done by a fork: this process learns nothing from it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            with os.fdopen(writing, "w") as pipe:
                json.dump(work(), pipe)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    if os.waitpid(child, 0)[1]:
        raise subprocess.SubprocessError("a page could not be measured; see above")
    return json.loads(said)


if __name__ == "__main__":
    print(json.dumps(_all(Path(sys.argv[1])), ensure_ascii=False))
