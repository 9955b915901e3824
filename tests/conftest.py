"""The real PostgreSQL for tests: one embedded server per test process, one template, a fresh database per test."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask
from jinja2 import BytecodeCache
from playwright.sync_api import sync_playwright
from procrastinate.schema import SchemaManager

from engine import db
from engine.ballots import keys
from engine.db import embedded, tables
from engine.people import password
from tests import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2.bccache import Bucket
    from playwright.sync_api import Browser
    from sqlalchemy import Engine

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
)
_count = itertools.count(1)
TEMPLATE = "tpl"
_templates: dict[str, str] = {}  # by the URL of a server
_empty: dict[str, list[str]] = {}  # by the URL of a server: databases without a row
_shape: dict[str, list[tuple[object, ...]]] = {}  # of a database as it was made
# Of what is ours in the catalogues of a database: how many rows, and which transactions wrote them.
SHAPE = " UNION ALL ".join(
    f"SELECT '{table}', count(*), sum(xmin::text::bigint) FROM {table} WHERE {ours}"
    for table, ours in {
        "pg_class": "relnamespace >= 16384 OR relnamespace = 2200",
        "pg_attribute": "attrelid >= 16384",
        "pg_attrdef": "true",
        "pg_constraint": "oid >= 16384",
        "pg_db_role_setting": "true",
        "pg_default_acl": "true",
        "pg_event_trigger": "true",
        "pg_extension": "true",
        "pg_namespace": "nspname NOT LIKE 'pg\\_temp%' AND nspname NOT LIKE 'pg\\_toast%'",
        "pg_proc": "oid >= 16384",
        "pg_roles": "true",
        "pg_trigger": "true",
        "pg_type": "oid >= 16384",
    }.items()
).replace("sum(xmin::text::bigint) FROM pg_roles", "sum(oid::bigint) FROM pg_roles")
OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
FILLED = (
    "SELECT string_agg(format('(SELECT %L FROM %s LIMIT 1)', oid::regclass, oid::regclass), ' UNION ALL ')"
    " FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
)
# YIXING_DATABASE_URL is for the tests' own server; the product, as they start it, must not take it
OUTSIDE = "YIXING_TEST_DATABASE_URL"
if "YIXING_DATABASE_URL" in os.environ:
    os.environ[OUTSIDE] = os.environ.pop("YIXING_DATABASE_URL")


class Compiled(BytecodeCache):
    """Templates compiled once a process, however many applications its tests make."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()


def pytest_configure(config: pytest.Config) -> None:
    drawn.settle()  # before other processes are started, so that all of them draw the same
    Flask.jinja_options = {"bytecode_cache": Compiled()}
    for costly in (
        password,
        keys,
    ):  # in earnest a guess shall cost; thousands of tests need not pay
        costly.PASSES, costly.MEMORY = 1, 64 << 10
    config.addinivalue_line("markers", "prove: takes long; only `make prove` runs it")
    config.addinivalue_line("markers", "journey: in a browser; `make journeys` runs all of them")
    config.addinivalue_line("markers", "desk: the one journey of a desk that `make test` runs")


def pytest_report_header() -> str:
    return f"drawn by {drawn.SEED}={drawn.settle()}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long waits for its own command: `make prove`, and `make journeys` for what lies in tests/journeys."""
    chosen = config.getoption("-m") or ""
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.journey)
    for item in drawn.left_out(items, chosen):
        item.add_marker(pytest.mark.prove)
    waiting = [item for item in items if _waits(item, chosen)]
    config.hook.pytest_deselected(items=waiting)
    items[:] = [item for item in items if not _waits(item, chosen)]


def pytest_collection_finish() -> None:
    """Ten thousand tests stay until the end: whoever looks for garbage need not look at them each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _waits(item: pytest.Item, chosen: str) -> bool:
    whole = "journey" in chosen or item.get_closest_marker("desk")
    return bool(
        (item.get_closest_marker("prove") and "prove" not in chosen)
        or (item.get_closest_marker("journey") and not whole)
    )


def named(uri: str, database: str) -> str:
    """The URL of another database of the same server."""
    return urlsplit(uri)._replace(path=f"/{database}").geturl()


@contextmanager
def running() -> Iterator[str]:
    """Start a server whose database `tpl` holds every table and nothing else; gives its URL."""
    home = Path(
        tempfile.mkdtemp(prefix="yixing-pg-")
    )  # not under pytest's own folder, which other runs tidy up
    uri = embedded.start(home)
    with psycopg.connect(uri, autocommit=True) as admin:
        for name in ("fsync", "full_page_writes", "autovacuum"):
            admin.execute(f"ALTER SYSTEM SET {name} = off".encode())  # tests may lose their data
        admin.execute("SELECT pg_reload_conf()")
    _make_template(uri, TEMPLATE)
    yield uri
    embedded.stop(home)
    shutil.rmtree(home, ignore_errors=True)


def _make_template(uri: str, name: str) -> None:
    """Make a database of this name that holds every table and nothing else."""
    with psycopg.connect(uri, autocommit=True) as admin:
        made = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        admin.execute(made.encode())
    engine = db.connect(named(uri, name))
    tables.metadata.create_all(engine)
    engine.dispose()
    with psycopg.connect(named(uri, name), autocommit=True) as template:
        template.execute(SchemaManager.get_schema())


@contextmanager
def _somebody_elses(uri: str) -> Iterator[str]:
    """A server that runs anyway, with a template of this process until the tests are done."""
    own = _templates[uri] = f"tpl_{os.getpid()}"
    _make_template(uri, own)
    yield uri
    with psycopg.connect(uri, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {own} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server: that of YIXING_DATABASE_URL, or of YIXING_TEST_SERVER as `running` starts it, or one of its own."""
    given, started = os.environ.get(OUTSIDE), os.environ.get("YIXING_TEST_SERVER")
    if given:
        with _somebody_elses(given) as outside:
            yield outside
    elif started:
        yield started
    else:
        with running() as own:
            yield own


@contextmanager
def fresh(server: str, template: str = "") -> Iterator[str]:
    """The URL of a database of one's own: a copy of `template`, to which nobody may be connected; dropped afterwards.

    Without one, all tables and nothing else; emptied afterwards and given to the next who asks.
    """
    waiting = [] if template else _empty.setdefault(server, [])
    uri = waiting.pop() if waiting else _made(server, template or _templates.get(server, TEMPLATE))
    yield uri
    db.release(uri)
    if not template and _emptied(uri):
        _empty[server].append(uri)
    else:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {urlsplit(uri).path[1:]} WITH (FORCE)".encode())


def _made(server: str, template: str) -> str:
    name = f"t_{os.getpid()}_{next(_count)}"  # several test processes may share the server
    with psycopg.connect(server, autocommit=True) as admin:
        made = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"  # half the time
        admin.execute(made.encode())
    uri = named(server, name)
    if template == _templates.get(server, TEMPLATE):
        with psycopg.connect(uri) as one:
            _shape[uri] = one.execute(SHAPE).fetchall()
    return uri


def _emptied(uri: str) -> bool:
    """Empty a database for the next test; False where a test changed more than rows, or where we may not."""
    try:
        with psycopg.connect(uri, autocommit=True) as one:
            one.execute(OTHERS)
            if one.execute(SHAPE).fetchall() != _shape[uri]:
                return False
            filled = one.execute(FILLED).fetchone()
            one.execute("SET session_replication_role = replica")  # no trigger, no foreign key
            for table in one.execute((filled or [""])[0]).fetchall():
                one.execute(f"DELETE FROM {table[0]}".encode())
            one.execute("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence")
    except psycopg.Error:
        return False
    return True


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """The URL of a fresh database."""
    with fresh(server) as made:
        yield made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The engine on a fresh database, for tests that need several transactions."""
    made = db.connect(url, size=5)
    yield made
    db.release(url)


@pytest.fixture
def session(engine: Engine) -> Iterator[db.Session]:
    """One open transaction on a fresh database."""
    with engine.begin() as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of the machine, else Playwright's own: one a test process, since Playwright cannot start twice in one."""
    own = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=own, args=list(QUIET))
        yield opened
        opened.close()
