"""Two hosts, each with a home and an address of its own, on one PostgreSQL: one of them has the signing key, both know the same cookies."""

from __future__ import annotations

import json
import shutil
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

import webui
from engine import db, jobs
from engine.commands.people.logins import open_login
from engine.db import migrate, shared
from engine.history import keys, seals
from engine.history.kept import Log
from engine.settings import ROOT, Settings
from tests.chaos.house import PATIENCE, Customer, House, motion
from tests.conftest import fresh
from tests.races.latches import attempt
from tests.races.union import Union
from tests.webui.api.world import ERRAND, MOTION, Api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Houses(House):
    """Web process and worker 0 have one home, those of number 1 another."""

    def __init__(self, url: str, home: Path) -> None:
        self.homes = [home / "one", home / "two"]
        for each in self.homes:
            (each / "keys").mkdir(parents=True)
        super().__init__(url, home)

    def start(self, name: str) -> None:
        self.environment["YIXING_HOME"] = str(self.homes[int(name[3])])
        self.environment["YIXING_SECRET_KEY"] = ""
        if name == "web0":  # the first host puts the secret of cookies into the database
            super().start(name)
            self.await_key()
            shutil.copy(self.homes[0] / "keys" / shared.KEY, self.homes[1] / "keys")
            return
        super().start(name)
        if name == "job0":
            self.await_file(self.homes[0] / "keys" / "checkpoints.log")

    def await_key(self) -> None:
        for name in (shared.COPY, shared.KEY):  # the second is made once the database was asked
            self.await_file(self.homes[0] / "keys" / name)

    def await_file(self, file: Path) -> None:
        until = time.monotonic() + PATIENCE
        while not (file.exists() and file.stat().st_size):
            assert time.monotonic() < until, file
            time.sleep(0.1)


@pytest.fixture
def town(server: str, tmp_path: Path) -> Iterator[tuple[Houses, Api, Union, str]]:
    with fresh(server) as url:
        engine = db.connect(url, size=5)
        api = Api.built(None, engine, MOTION, ERRAND)  # type: ignore[arg-type]
        with db.transaction(engine) as session:  # readiness looks on only where the schema is right
            session.execute(text("CREATE TABLE alembic_version (version_num text)"))
            made = text("INSERT INTO alembic_version VALUES (:head)")
            session.execute(made, {"head": migrate.head()})
        houses = Houses(url, tmp_path)
        yield houses, api, Union(engine, None, api.units, api.people), url
        houses.end()
        db.release(url)


def login(url: str, home: Path, union: Union) -> str:
    """A login cookie as the host of this home signs it."""
    own = Settings(home=home, database_url=url, processes=ROOT / "processes")
    with db.transaction(union.engine) as session:
        key = open_login(session, union.people["zhang"])
    browser = webui.create_app(own).test_client()
    with browser.session_transaction() as cookies:
        cookies["key"] = key
    found = browser.get_cookie("yixing")
    assert found is not None
    return found.value


def visited(port: int, cookie: str) -> str:
    """Where somebody with this cookie comes to who asks for the own page."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/me", headers={"Cookie": f"yixing={cookie}"}
    )
    with urllib.request.urlopen(asked, timeout=15) as answer:
        return str(answer.url)


def ready(port: int) -> Any:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=15) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as fault:
        return json.loads(fault.read())


@pytest.mark.parametrize("seconds", [60, pytest.param(600, marks=pytest.mark.prove)])
def test_two_homes_on_one_database(town: Any, seconds: int) -> None:
    houses, api, union, url = town
    houses.await_answer()
    cookies = [login(url, home, union) for home in houses.homes]
    customers = [Customer(houses, api, number) for number in range(2)]
    answers, acts = motion(api)
    done: list[str] = []
    until = time.monotonic() + seconds

    def work(customer: Customer, number: int) -> None:
        while time.monotonic() < until:
            title = f"第 {number}-{len(done)} 号提案"
            done.append(customer.carry(title, "congress_motion", answers, acts))

    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda c=c, n=n: found.append(attempt(lambda: work(c, n))))
        for n, c in enumerate(customers)
    ]
    for thread in threads:
        thread.start()
    logins = 0
    while any(thread.is_alive() for thread in threads):
        for port in houses.ports:
            for cookie in cookies:
                assert visited(port, cookie).endswith("/me"), (port, cookie)
                logins += 1
        time.sleep(1)
    assert [f.error for f in found] == [None] * 2 and done and logins >= seconds
    told = [ready(port)["checks"] for port in houses.ports]
    assert [each["secrets"] for each in told] == ["ok", "ok"]
    assert told[0]["key"] == "ok" and "nothing is sealed by this host" in told[1]["key"]
    proved(houses, union)


def proved(houses: Houses, union: Union) -> None:
    """One key has signed everything, and the history holds under it."""
    one, two = (home / "keys" for home in houses.homes)
    assert not (two / keys.FILE_NAME).exists() and not (two / "checkpoints.log").exists()
    key = keys.load(one / keys.FILE_NAME)
    assert {r.key_id for r in union.ask("SELECT DISTINCT key_id FROM checkpoint")} == {key.key_id}
    houses.end()
    own = Settings(home=houses.homes[0], database_url="", processes=ROOT / "processes")
    jobs.seal(union.engine, own)  # what was left when the workers ended
    with db.transaction(union.engine) as session:
        verdict = seals.verify(session, key.public, None, (), Log(one).lines())
    assert (verdict.broken, verdict.fault) == (None, "") and verdict.leaves == verdict.events > 100
    assert "nothing is sealed" in (houses.homes[0].parent / "log").read_text("utf-8", "replace")
