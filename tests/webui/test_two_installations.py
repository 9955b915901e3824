"""Two installations on two databases with two keys: one is the other's witness, day by day, over HTTP."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from werkzeug.serving import make_server

from engine import clock, db, jobs
from engine.commands import deciding, instances, witnesses
from engine.errors import Unavailable
from engine.history import keys, merkle
from engine.history import witnesses as known
from engine.people import organisation
from engine.settings import ROOT, Settings
from tests.conftest import fresh
from tests.webui.api.world import Api, application
from webui import cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@dataclass
class Installation:
    """One of them."""

    world: Api
    settings: Settings

    @property
    def engine(self) -> Engine:
        return self.world.engine

    @property
    def key(self) -> keys.SigningKey:
        return keys.load_or_create(self.settings.home / "keys")

    def seal(self) -> None:
        jobs.seal(self.engine, self.settings)

    def does(self, who: str, command: Callable[..., object], *given: object) -> object:
        with db.transaction(self.engine) as session:
            actor = organisation.actor(session, self.world.people[who])
            return command(session, actor, *given)

    def happens(self) -> None:
        """Something, and its seal."""
        self.does("wang", instances.launch, "errand", {"subject": "修好三教的灯"})
        self.seal()

    @property
    def held(self) -> int:
        with db.transaction(self.engine) as session:
            return known.newest(session)


def _installation(url: str, home: Path) -> Installation:
    app = application(url, home)
    settings = Settings(home=home, database_url=url, processes=ROOT / "processes")
    made = Installation(Api.built(app, db.connect(url)), settings)
    made.seal()
    return made


@pytest.fixture
def two(server: str, tmp_path: Path) -> Iterator[tuple[Installation, Installation]]:
    """Ours, and that of the superior union, which answers over HTTP."""
    with fresh(server) as one, fresh(server) as other:
        ours = _installation(one, tmp_path / "ours")
        theirs = _installation(other, tmp_path / "theirs")
        proposal = ours.does("runner", witnesses.propose, "省教育工会", theirs.key.public.hex())
        ours.does("admin2", deciding.decide, proposal, True)
        live = make_server("127.0.0.1", 0, theirs.world.app, threaded=True)
        thread = threading.Thread(target=live.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{live.server_port}"
        token = theirs.world.tokens["runner"]
        ours.settings = replace(ours.settings, witness_url=address, witness_token=token)
        yield ours, theirs
        live.shutdown()
        thread.join()
        db.release(one)
        db.release(other)


def _size(of: Installation) -> int:
    with db.transaction(of.engine) as session:
        return int(session.execute(text("SELECT max(size) FROM checkpoint")).scalar_one())


def test_every_day_the_other_installation_countersigns_what_goes_on(
    two: tuple[Installation, Installation],
) -> None:
    ours, theirs = two
    sizes = []
    for _day in range(3):
        ours.happens()
        jobs.witness(ours.engine, ours.settings)
        sizes.append(_size(ours))
        assert ours.held == sizes[-1]
        ours.seal()  # what came back is an event too
    assert sorted(set(sizes)) == sizes
    with db.transaction(theirs.engine) as session:
        given = "SELECT count(*) FROM event WHERE kind = 'countersignature_given'"
        assert session.execute(text(given)).scalar_one() == 3


def test_a_history_that_was_rewritten_gets_no_countersignature(
    two: tuple[Installation, Installation],
) -> None:
    ours, _theirs = two
    ours.happens()
    jobs.witness(ours.engine, ours.settings)
    before = ours.held
    ours.seal()
    with db.transaction(ours.engine) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        changed = "UPDATE event SET hash = sha256(hash) WHERE leaf_no = 0"
        assert session.execute(text(changed)).rowcount == 1
        leaves = session.execute(
            text("SELECT hash FROM event WHERE leaf_no IS NOT NULL ORDER BY leaf_no")
        ).scalars()
        root = merkle.root([merkle.leaf_hash(bytes(leaf)) for leaf in leaves])
        size, at = _size(ours), clock.now().replace(microsecond=0)
        said = keys.checkpoint_text(size, root, at, ours.key.key_id)
        resigned = "UPDATE checkpoint SET root = :root, at = :at, signature = :sig WHERE size = :n"
        given = {"root": root, "at": at, "sig": ours.key.sign(said), "n": size}
        session.execute(text(resigned), given)
    (way,) = witnesses.ways(ours.settings)
    since = way.since(ours.key.key_id)
    assert since == before
    with db.transaction(ours.engine) as session:
        note = witnesses.outgoing(session, size, since)
    with pytest.raises(Unavailable):
        way.ask(note)
    jobs.witness(ours.engine, ours.settings)
    assert ours.held == before


def test_a_countersignature_that_came_by_hand_is_kept_by_the_command_line(
    two: tuple[Installation, Installation],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours, theirs = two
    ours.happens()
    page = ours.world.as_("runner").client
    headers = {"Authorization": f"Bearer {ours.world.tokens['runner']}"}
    listed = page.get("/api/v1/checkpoints", headers=headers).json
    sent = listed["items"][0]["text"]
    headers = {
        "Authorization": f"Bearer {theirs.world.tokens['runner']}",
        "Idempotency-Key": "1" * 20,
    }
    answer = theirs.world.app.test_client().post(
        "/api/v1/countersignatures", json={"checkpoint": sent}, headers=headers
    )
    assert answer.status_code == 201, answer.text
    note = tmp_path / "note.txt"
    note.write_text(answer.json["note"], "utf-8")
    # the database of the tests has the newest schema, but no note of it
    monkeypatch.setattr(cli.safety, "database", lambda _settings: ours.engine)
    monkeypatch.setenv("YIXING_DATABASE_URL", ours.settings.database_url)
    monkeypatch.setenv("YIXING_HOME", str(ours.settings.home))
    assert cli.main(["witness", str(note), "--as", "wang"]) != 0
    assert cli.main(["witness", str(note), "--as", "runner"]) == 0
    assert ours.held == _size(ours)
    assert cli.main(["witness", str(note), "--as", "runner"]) != 0  # it is kept already
    assert cli.main(["witness", str(tmp_path / "none"), "--as", "runner"]) == 2
    capsys.readouterr()
