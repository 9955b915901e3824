"""Witnesses are real: a registered key signed, or a service stamped; a typed name is neither. And keys follow one another on record."""

from __future__ import annotations

import base64
import shutil
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import clock, db, jobs
from engine.commands import deciding, reads, sealing, witnesses
from engine.db import tables
from engine.errors import Conflict, EngineError, Invalid, Refused
from engine.history import event_log, keyring, keys, merkle, seals, signing, timestamps
from engine.history import witnesses as known
from engine.history.kept import Log
from engine.history.signing import Signer
from engine.queries import checkpoints
from engine.settings import ROOT, Settings
from tests.engine.errands import Errands
from tests.engine.forgery import unprotect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

OTHER = keys.from_pem(
    b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n-----END PRIVATE KEY-----\n",
    "other",
)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url="", processes=ROOT / "processes")


@pytest.fixture
def world(engine: Engine, home: Settings) -> Errands:
    """An installation that has sealed, with two people who answer for it."""
    made = Errands.built(engine, keys.load_or_create(home.home / "keys"))
    with db.transaction(engine) as session, clock.set_to(made.at):
        made._member(session, "副总管", "工会", "installation")
    with clock.set_to(made.at):
        jobs.seal(engine, home)
    return made


def does(world: Errands, who: str, command: Any, *given: Any) -> Any:
    actor = world.actor(who)
    world.at += timedelta(seconds=5)
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        return command(session, actor, *given)


def register(world: Errands, key: keys.SigningKey = OTHER) -> None:
    proposal = does(world, "总管", witnesses.propose, "省教育工会", key.public.hex())
    does(world, "副总管", deciding.decide, proposal, True)


def newest(world: Errands) -> keys.Checkpoint:
    actor = world.actor("总管")
    with db.transaction(world.engine) as session:
        return keys.parse_checkpoint(checkpoints.checkpoints(session, actor).points[0].text)


def countersigned(world: Errands, key: keys.SigningKey = OTHER, **other: Any) -> str:
    point = replace(newest(world), **other)
    return known.countersigned(point, key, world.at.replace(microsecond=0)).note()


def held(world: Errands) -> int:
    with db.transaction(world.engine) as session:
        return known.newest(session)


def test_a_typed_name_is_no_witness(world: Errands) -> None:
    size = newest(world).size
    does(world, "总管", reads.witness, size, "上级单位办公室")
    assert held(world) == 0
    seal = does(world, "孙审计", checkpoints.checkpoints)
    assert (seal.witnessed, seal.points[0].witness, seal.points[0].held) == (
        0,
        "上级单位办公室",
        (),
    )


def test_a_witness_takes_two_people_and_its_own_key(world: Errands) -> None:
    with pytest.raises(Refused):
        does(world, "陈秘书", witnesses.propose, "省教育工会", OTHER.public.hex())
    with pytest.raises(Conflict):
        does(world, "总管", witnesses.propose, "自己", world.key.public.hex())
    for wrong in ("", "zz" * 32, "ab" * 31):
        with pytest.raises(Invalid):
            does(world, "总管", witnesses.propose, "省教育工会", wrong)
    proposal = does(world, "总管", witnesses.propose, "省教育工会", OTHER.public.hex())
    with pytest.raises(Refused):
        does(world, "总管", deciding.decide, proposal, True)
    with pytest.raises(Invalid, match="没有登记"):
        does(world, "总管", witnesses.accept, countersigned(world))
    does(world, "副总管", deciding.decide, proposal, True)
    with pytest.raises(Conflict):
        does(world, "总管", witnesses.propose, "再来", OTHER.public.hex())
    size = newest(world).size
    assert does(world, "总管", witnesses.accept, countersigned(world)) == size == held(world)
    with pytest.raises(Conflict):
        does(world, "总管", witnesses.accept, countersigned(world))
    seal = does(world, "孙审计", checkpoints.checkpoints)
    (proof,) = seal.points[0].held
    assert (proof.name, proof.way, seal.witnessed) == ("省教育工会", "key", size)
    does(world, "总管", witnesses.end, OTHER.key_id)
    assert does(world, "孙审计", checkpoints.checkpoints).witnesses == () and held(world) == size


def test_only_what_is_signed_over_our_own_checkpoint_counts(world: Errands) -> None:
    register(world)
    point = newest(world)
    good = countersigned(world)
    for wrong, why in (
        (good.replace("sig ", "sig 00")[:-3] + "\n", "签名|不是证人"),
        (countersigned(world, root=bytes(32)), "不符"),
        (countersigned(world, key_id="0" * 16), "不符"),
        (good.replace(f"\n{point.size}\n", f"\n{point.size - 1}\n"), "签名无效"),
        ("", "不是证人"),
        (good + good, "不是证人"),
    ):
        with pytest.raises(Invalid, match=why):
            does(world, "总管", witnesses.accept, wrong)
    assert held(world) == 0
    mailed = good.replace("\n", "\r\n  ")
    assert does(world, "总管", witnesses.accept, mailed) == point.size


def test_what_was_kept_is_checked_with_the_whole_history(world: Errands, tmp_path: Path) -> None:
    """Pasted in the page or given to the command line: a rewritten history does not give its root any more."""
    register(world)
    does(world, "总管", reads.witness, newest(world).size, "某人")
    kept = countersigned(world) + "\n" + _text(world)
    log = Log(tmp_path / "keys")
    verdict = does(world, "孙审计", reads.verify, world.key.public, log, kept)
    assert (verdict.broken, verdict.fault) == (None, "")
    forged = countersigned(world, root=bytes(32))
    verdict = does(world, "孙审计", reads.verify, world.key.public, log, forged)
    assert "与数据库不符" in verdict.fault
    stranger = keys.load_or_create(tmp_path / "stranger")
    with pytest.raises(Invalid, match="不是已登记证人"):
        does(world, "孙审计", reads.verify, world.key.public, log, countersigned(world, stranger))


def _text(world: Errands) -> str:
    return str(does(world, "总管", checkpoints.checkpoints).points[0].text)


def test_as_a_witness_it_signs_only_what_goes_on(world: Errands) -> None:
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(250)]
    root = merkle.root

    def ask(size: int, root: bytes, *since: int) -> str:
        text_ = keys.checkpoint_text(size, root, world.at, OTHER.key_id)
        note = keys.note(text_, OTHER.sign(text_)).decode()
        for old in since:
            path = tuple(merkle.consistency_proof(leaves, old, size))
            note += known.Continuation(old, size, path).text()
        return str(does(world, "总管", witnesses.countersign, lambda _: Signer(world.key), note))

    said = known.parse(ask(100, root(leaves[:100])))
    assert said.signed_by(world.key.public) and (said.size, said.origin) == (100, OTHER.key_id)
    assert known.parse(ask(100, root(leaves[:100]))).size == 100
    with pytest.raises(Invalid, match="须附上从检查点 100 起的延续证明"):
        ask(250, root(leaves))
    for rewritten, since in ((b"b" * 32, 100), (root(leaves), 99)):
        with pytest.raises(Invalid, match="没有接上"):
            ask(250, rewritten, since)
    assert does(world, "总管", witnesses.given_size, OTHER.key_id) == 100
    assert known.parse(ask(250, root(leaves), 40, 100)).size == 250
    assert does(world, "总管", witnesses.given_size, OTHER.key_id) == 250
    for size, other in ((249, b"c" * 32), (250, b"c" * 32)):
        with pytest.raises(Invalid, match="没有接上"):
            ask(size, other)
    with pytest.raises(Conflict):
        own = _text(world)
        does(world, "总管", witnesses.countersign, lambda _: Signer(world.key), own)
    with pytest.raises(Refused):
        does(world, "陈秘书", witnesses.countersign, lambda _: Signer(world.key), own)


# --- time-stamps ----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A time-stamping authority of `openssl ts`."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here: time-stamps are not tested")
    place = tmp_path_factory.mktemp("tsa")
    (place / "tsa.cnf").write_text(
        "[req]\ndistinguished_name=dn\n[dn]\n[ext]\nextendedKeyUsage=critical,timeStamping\n"
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\n"
        "signer_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\n"
        "ess_cert_id_chain=no\nordering=yes\ntsa_name=no\n"
    )
    (place / "serial").write_text("01")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key"]
    made += ["-out", "tsa.pem", "-days", "9", "-subj", "/CN=TSA", "-config", "tsa.cnf"]
    subprocess.run([*made, "-extensions", "ext"], cwd=place, check=True, capture_output=True)
    return place


def stamp(place: Path, query: bytes) -> bytes:
    (place / "q").write_bytes(query)
    asked = ["openssl", "ts", "-reply", "-queryfile", "q", "-config", "tsa.cnf", "-out", "r"]
    subprocess.run(asked, cwd=place, check=True, capture_output=True)
    return (place / "r").read_bytes()


def test_a_time_stamp_is_checked_before_it_counts(world: Errands, authority: Path) -> None:
    size, note = newest(world).size, _text(world).encode()
    good = stamp(authority, timestamps.query(note))
    other = stamp(authority, timestamps.query(b"another one"))
    ca = authority / "tsa.pem"
    for wrong in (other, b"", good[:-9]):
        with pytest.raises(Invalid):
            does(world, "总管", witnesses.accept_stamp, size, wrong, ca)
    with pytest.raises(Conflict):
        does(world, "总管", witnesses.accept_stamp, size, good, None)
    does(world, "总管", witnesses.accept_stamp, size, good, ca)
    (proof,) = does(world, "孙审计", checkpoints.checkpoints).points[0].held
    assert proof.way == "stamp" and base64.b64decode(proof.proof) == good
    assert held(world) == size
    assert abs((timestamps.check(note, good, ca) - clock.now()).total_seconds()) < 3600


@pytest.fixture
def service(authority: Path) -> Iterator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(stamp(authority, asked[-1]))

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    thread.join()


def test_every_day_by_itself_where_a_service_is_set(
    world: Errands, home: Settings, authority: Path, service: tuple[str, list[bytes]]
) -> None:
    url, asked = service
    own = replace(home, tsa_url=url, tsa_ca=authority / "tsa.pem")
    with clock.set_to(world.at):
        jobs.witness(world.engine, home)  # nothing is set
        assert held(world) == 0 and not asked
        jobs.witness(world.engine, own)
        jobs.witness(world.engine, own)  # the newest one is held
    assert held(world) == newest(world).size and len(asked) == 1
    with clock.set_to(world.at):
        jobs.seal(world.engine, home)
        jobs.witness(world.engine, replace(own, tsa_url="http://127.0.0.1:9/"))  # said in the log
    assert held(world) < newest(world).size


# --- keys -----------------------------------------------------------------------------------------
def rotate(world: Errands, home: Settings) -> keys.SigningKey:
    """As the command does it."""
    folder = home.home / "keys"
    new = keys.make_next(folder / sealing.NEXT)
    world.at += timedelta(seconds=5)
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        sealing.rotate(session, signing.signer(session, home), new)
    (folder / keys.FILE_NAME).rename(folder / "old.key")
    (folder / sealing.NEXT).rename(folder / keys.FILE_NAME)
    with clock.set_to(world.at):
        jobs.seal(world.engine, home)
    return new


def verdict(world: Errands, home: Settings, public: bytes) -> seals.Verdict:
    with db.transaction(world.engine) as session:
        return seals.verify(session, public, log=Log(home.home / "keys").lines())


def test_a_new_key_is_introduced_by_the_old_one(world: Errands, home: Settings) -> None:
    old = world.key
    one = rotate(world, home)
    two = rotate(world, home)
    with db.transaction(world.engine) as session:
        used = {r.key_id for r in session.execute(select(tables.checkpoint.c.key_id))}
        listed = keyring.introduced(session)
        assert list(keyring.trusted(session, two.public)) == [k.key_id for k in (old, one, two)]
    assert used == {old.key_id, one.key_id, two.key_id}
    assert [k.key_id for k in listed] == [old.key_id, one.key_id, two.key_id]
    assert [k.until for k in listed] == [listed[1].at, listed[2].at, None]
    assert verdict(world, home, two.public).fault == ""
    assert "签名无效" in verdict(world, home, old.public).fault
    other = replace(home, home=home.home / "other")
    (other.home / "keys").mkdir(parents=True)
    shutil.copy(home.home / "keys" / "old.key", other.home / "keys" / keys.FILE_NAME)
    with db.transaction(world.engine) as session:
        assert signing.signing(session, other).signer is None  # a retired key signs no more


def test_a_handover_that_the_old_key_did_not_sign_is_none(world: Errands, home: Settings) -> None:
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        details = {"before": world.key.key_id, "signature": "00" * 64}
        told = {"key": OTHER.key_id, "public": OTHER.public.hex(), **details}
        event_log.note(session, event_log.INSTALLATION, "key_introduced", None, **told)
    forged = replace(home, signing_key="")
    with db.transaction(world.engine) as session:
        assert list(keyring.trusted(session, OTHER.public)) == [OTHER.key_id]
        assert not keyring.follows(session, OTHER.key_id, world.key.key_id)
        assert signing.signing(session, forged).signer is not None  # the true key goes on
        seals.seal(session, OTHER)
    assert "签名无效" in verdict(world, home, OTHER.public).fault
    assert "签名无效" in verdict(world, home, world.key.public).fault


def test_a_retired_key_cannot_sign_afterwards(world: Errands, home: Settings) -> None:
    old = world.key
    new = rotate(world, home)
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        event_log.note(session, event_log.INSTALLATION, "history_read", None)
        seals.seal(session, old)
    assert "签名无效" in verdict(world, home, new.public).fault


def test_a_lost_key_has_a_road_by_two_people(world: Errands, home: Settings) -> None:
    folder = home.home / "keys"
    (folder / keys.FILE_NAME).unlink()
    world.at += timedelta(seconds=5)
    new = keys.make_next(folder / sealing.NEXT)
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        sealing.replace_lost(session, Log(folder), new, "root", "磁盘损坏")
    (folder / sealing.NEXT).rename(folder / keys.FILE_NAME)
    with clock.set_to(world.at):
        jobs.seal(world.engine, home)
    found = verdict(world, home, new.public)
    assert found.fault == "" and "须" in found.unproved
    with db.transaction(world.engine) as session:
        (seq,) = session.execute(
            text("SELECT seq FROM event WHERE kind = 'history_repaired'")
        ).scalars()
    for who in ("总管", "副总管"):
        does(world, who, sealing.confirm, seq)
    with clock.set_to(world.at):
        jobs.seal(world.engine, home)
    found = verdict(world, home, new.public)
    assert (found.fault, found.unproved) == ("", "")
    with db.transaction(world.engine) as session:
        assert keyring.introduced(session)[-1].lost == "磁盘损坏"


def test_a_witness_noted_in_the_database_alone_counts_for_nothing(world: Errands) -> None:
    with db.transaction(world.engine) as session:
        unprotect(session)
        session.execute(text("UPDATE checkpoint SET witness = '省教育工会'"))
    assert held(world) == 0


def test_there_is_nothing_to_replace_where_no_key_is_named(engine: Engine, home: Settings) -> None:
    with db.transaction(engine) as session, pytest.raises(EngineError):
        sealing.replace_lost(session, Log(home.home / "keys"), OTHER, "root", "没有")
