"""Secret means destroyed: who takes the disk, the write-ahead log and a backup, and knows every passphrase, learns nothing."""

from __future__ import annotations

import ast
import base64
import os
import re
import subprocess
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nacl import pwhash
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine import ballots, clock, db, jobs, scenarios
from engine.ballots import Slip, keys
from engine.commands import (
    attachments,
    confidence,
    deciding,
    envelopes,
    erasure,
    instances,
    polls,
    teller_keys,
    voiding,
)
from engine.commands import ballots as voting
from engine.db import backup, blobs, migrate, shred
from engine.definitions import read
from engine.documents import pdf
from engine.errors import Conflict, EngineError
from engine.history.verification import papers
from engine.queries import health
from engine.settings import ROOT, Settings
from tests.engine.secret_polls import WORDS, Poll, delegates
from tests.races.union import Union, folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import Engine

pytest_plugins = ("tests.empty",)
VOTERS = [f"d{n}" for n in range(12)]


@pytest.fixture
def own(empty_url: str, tmp_path: Path) -> Settings:
    migrate.migrate(empty_url)
    return Settings(home=tmp_path / "home", database_url=empty_url, processes=ROOT / "processes")


@pytest.fixture
def union(own: Settings) -> Union:
    """A union in a database with a home."""
    made = Union.built(db.connect(own.database_url, size=3, home=own.home), folder("secret"))
    delegates(made, len(VOTERS))
    return made


def shreds(own: Settings) -> list[str]:
    return shred.Folder(own.home / shred.FOLDER).names()


class Disk:
    """Everything that lies on the disk of the database, and a backup, as bytes."""

    def __init__(self, union: Union, own: Settings, *files: Path) -> None:
        with union.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            session.execute(text("CHECKPOINT"))
            folder_ = Path(str(session.execute(text("SHOW data_directory")).scalar()))
        self.parts: dict[str, bytes] = {}
        for path in _files(folder_):
            with suppress(FileNotFoundError):  # the server took it away meanwhile
                self.parts[str(path)] = path.read_bytes()
        for file in files:
            self.parts[str(file)] = _restored(own, file)

    def holds(self, secret: bytes) -> list[str]:
        """The files in which these bytes stand, raw or in hexadecimal digits."""
        written = (secret, secret.hex().encode(), secret.hex().upper().encode())
        return [name for name, data in self.parts.items() if any(w in data for w in written)]


def _files(place: Path) -> Iterable[Path]:
    """Data files of all databases, write-ahead log, temporary files, whatever else lies there."""
    found = [p for p in place.rglob("*") if p.is_file()]
    assert any("pg_wal" in str(p) for p in found) and any("base" in str(p) for p in found)
    return found


def _restored(own: Settings, file: Path) -> bytes:
    """A backup with its dump unpacked to SQL."""
    place = file.parent / "unpacked"
    place.mkdir(exist_ok=True)
    backup.unpack(file, place)
    program = backup._program("pg_restore", own.database_url)
    done = subprocess.run(
        [program, "-f", "-", place / backup.DUMP], capture_output=True, check=True
    )
    keys = b"".join(p.read_bytes() for p in place.rglob("*") if p.is_file())
    return done.stdout + keys


def derived(union: Union, poll: Poll) -> dict[str, bytes]:
    """The private keys that passphrases give, made anew by somebody who knows them all."""
    rows = union.ask("SELECT member_id, salt FROM teller_key WHERE poll_id = :p", p=poll.id)
    names = {key: name for name, key in union.people.items()}
    return {
        names[row.member_id]: pwhash.argon2id.kdf(
            32,
            WORDS[names[row.member_id]].encode(),
            bytes(row.salt),
            opslimit=keys.PASSES,
            memlimit=keys.MEMORY,
        )
        for row in rows
    }


def parts_of(union: Union, poll: Poll) -> list[bytes]:
    """The parts of the inner key, opened with the passphrases."""
    opened = []
    for who, words in WORDS.items():
        key = union.people[who]
        salt, public = union.ask(
            "SELECT salt, public FROM teller_key WHERE poll_id = :p AND member_id = :m",
            p=poll.id,
            m=key,
        )[0]
        sealed = union.ask(
            "SELECT sealed FROM teller_part WHERE poll_id = :p AND holder_id = :m",
            p=poll.id,
            m=key,
        )
        opened += ballots.unwrap([bytes(r[0]) for r in sealed], words, bytes(salt), bytes(public))
    return opened


def cast(union: Union, poll: Poll) -> dict[str, bytes]:
    """All vote; gives their envelopes as they left the browsers."""
    sealed = {who: poll.seal(("yes", "no")[n % 2]) for n, who in enumerate(VOTERS)}
    for who, envelope in sealed.items():
        union.do(who, voting.cast, poll.id, envelope)
    return sealed


def links(disk: Disk, union: Union, poll: Poll, sealed: dict[str, bytes]) -> int:
    """How many voters can be joined to their votes by whoever has the disk and all passphrases."""
    return sum(bool(disk.holds(envelope)) for envelope in sealed.values())


def test_disk_log_and_backup_with_all_passphrases_join_nobody(
    union: Union, own: Settings, tmp_path: Path
) -> None:
    poll = Poll.opened(union)
    (name,) = shreds(own)
    secret = shred.Folder(own.home / shred.FOLDER).find(name)
    assert secret is not None and (own.home / "shred" / name).stat().st_mode & 0o077 == 0
    sealed = cast(union, poll)
    keys, parts = derived(union, poll), parts_of(union, poll)
    inner = ballots.join(parts, base64.b64decode(poll.box().public_key or ""))
    assert inner is not None and len(keys) == 3
    backup.backup(own, tmp_path / "during.backup")
    during = Disk(union, own, tmp_path / "during.backup")
    marks = [ballots.mark_of(envelope) for envelope in sealed.values()]
    for mark in marks:  # what is searched like this is found where it is
        found = during.holds(mark.encode())
        assert any("during.backup" in place for place in found) and len(found) >= 3, found
    never = [secret, bytes(inner), *keys.values(), *parts]
    receipts = [ballots.receipt_of(envelope) for envelope in sealed.values()]
    for bytes_ in (*never, *sealed.values(), *(e[:32] for e in sealed.values())):
        assert during.holds(bytes_) == []
    for receipt in receipts:
        assert during.holds(receipt.encode()) == during.holds(bytes.fromhex(receipt)) == []
    poll.close()
    poll.join("d0")
    poll.join("d1")
    poll.sign()
    after = Disk(union, own, tmp_path / "during.backup")
    for bytes_ in (*never, *sealed.values(), *(e[:32] for e in sealed.values())):
        assert after.holds(bytes_) == []
    assert shreds(own) == [] and links(after, union, poll, sealed) == 0
    board = [r.receipt for r in union.ask("SELECT receipt FROM board ORDER BY ctid")]
    assert board == sorted(receipts)  # in public, and in the order of their digits
    # the rows of the backup say who voted; what lies beside the name opens by no key that is left
    stored = _rows(during, "during.backup", "envelope")
    members = {str(union.people[who]) for who in VOTERS}
    slip = Slip(str(poll.id), ("yes", "no", "abstain"))
    assert {row[1] for row in stored} == members and len(stored) == 12
    for row in stored:
        wrapped = bytes.fromhex(row[3].removeprefix("\\\\x"))
        assert ballots.unseal(wrapped, inner, slip) is None
        assert not any(receipt in "".join(row) for receipt in receipts)
    assert poll.report().holds and union.row(poll.instance).facts["ballot"]["yes"] == 6
    union.whole()


def _rows(disk: Disk, file: str, table: str) -> list[list[str]]:
    """The rows of a table in the text of a backup."""
    (data,) = (data for name, data in disk.parts.items() if name.endswith(file))
    said = data.decode("utf-8", "replace")
    block = re.search(rf"COPY public\.{table} \(.*?\) FROM stdin;\n(.*?)\\\.\n", said, re.DOTALL)
    assert block
    return [line.split("\t") for line in block[1].splitlines()]


def test_polls_that_opened_before_go_on_and_are_what_this_is_about(
    union: Union, own: Settings
) -> None:
    """The same search finds every link in the scheme of before: it can fail."""
    poll = Poll.opened(union)
    union.ask("SELECT 1")
    with db.transaction(union.engine) as session:
        session.execute(text("UPDATE box SET outer_key = NULL, keeper = NULL"))
    sealed = cast(union, poll)
    assert poll.box("d0").receipt == ballots.receipt_of(sealed["d0"])
    poll.close()
    poll.join("d0")
    poll.join("d1")
    poll.sign()
    assert links(Disk(union, own), union, poll, sealed) == 12
    assert poll.report().holds and union.row(poll.instance).facts["ballot"]["yes"] == 6
    union.whole()


def test_void_and_the_end_of_the_matter_destroy_the_key(union: Union, own: Settings) -> None:
    poll = Poll.opened(union)
    cast(union, poll)
    assert len(shreds(own)) == 1
    union.do("d0", voiding.void, poll.id, "重新表决")
    union.do("secretary", voiding.void, poll.id, "")
    assert shreds(own) == [] and poll.count("board") == 12
    other = Poll.opened(union)
    assert len(shreds(own)) == 1
    union.do("secretary", instances.terminate, other.instance, "不再办理")
    assert shreds(own) == []
    union.whole()


def test_a_count_that_is_taken_back_destroys_nothing(
    union: Union, own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = Poll.opened(union)
    cast(union, poll)
    poll.close()
    poll.join("d0")
    with monkeypatch.context() as broken:
        broken.setattr(envelopes.shreds.Folder, "destroy", _cannot)
        poll.join("d1")  # counted; the disk refuses
    assert poll.count("urn") == 12 and len(shreds(own)) == 1
    jobs.tend_keys(union.engine)
    assert shreds(own) == []
    again = Poll.opened(union)
    with pytest.raises(RuntimeError), db.transaction(union.engine) as session:
        envelopes.shred(session, again.id)
        raise RuntimeError
    assert len(shreds(own)) == 1
    jobs.tend_keys(union.engine)  # it is open
    assert len(shreds(own)) == 1


def _cannot(*_: Any) -> None:
    raise OSError("no")


def test_lost_before_the_count_means_void_and_everybody_hears_so(
    union: Union, own: Settings
) -> None:
    poll = Poll.opened(union)
    cast(union, poll)
    assert not poll.box("d0").lost and poll.box("d0").keeper
    with db.transaction(union.engine) as session:
        assert health.ready(session, own).checks["ballots"] == health.OK
    (file,) = (own.home / "shred").iterdir()
    file.unlink()
    assert poll.box("d5").lost
    with db.transaction(union.engine) as session:
        assert "lost" in health.ready(session, own).checks["ballots"]
    with pytest.raises(EngineError, match="作废") as caught:
        poll.close()
    assert caught.value.code == "key_lost" and poll.state == "open"
    union.do("d0", voiding.void, poll.id, "外层密钥丢失")
    union.do("secretary", voiding.void, poll.id, "")
    assert poll.state == "void" and poll.count("envelope") == 0
    again = Poll(union, poll.instance, union.poll(poll.instance))
    assert again.id != poll.id
    union.whole()


def test_another_host_takes_ballots_and_leaves_the_box_to_the_one_that_has_the_key(
    union: Union, own: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = Poll.opened(union)
    away = replace(union, engine=_second(union.engine, tmp_path / "second"))
    monkeypatch.setattr(envelopes, "gethostname", lambda: "second")
    for n, who in enumerate(VOTERS):
        away.do(who, voting.cast, poll.id, poll.seal("yes" if n else "no"))
        away.do(None, voting.close_when_all_voted, poll.id)
    assert poll.state == "open"
    with pytest.raises(Conflict, match="只在主机") as caught:
        away.do("secretary", polls.close, poll.id)
    assert caught.value.code == "elsewhere"
    for host, state in ((away, "open"), (union, "counting")):
        with clock.set_to(union.at or datetime.now(UTC)):
            jobs.tend_keys(host.engine)
        assert poll.state == state
    assert poll.count("board") == 12
    away.do("d0", teller_keys.join, poll.id, WORDS["d0"])
    with pytest.raises(Conflict, match="只在主机"):
        away.do("d1", teller_keys.join, poll.id, WORDS["d1"])
    poll.join("d1")
    poll.sign()
    assert union.row(poll.instance).facts["ballot"]["yes"] == 11 and shreds(own) == []
    union.whole()


def _second(engine: Engine, home: Path) -> Engine:
    """Another host on the same database, with a home of its own."""
    other = engine.execution_options()
    shred.settle(other, home)
    return other


def test_an_altered_outer_envelope_stops_the_close(union: Union) -> None:
    poll = Poll.opened(union)
    cast(union, poll)
    with db.transaction(union.engine) as session:
        session.execute(
            text("UPDATE envelope SET sealed = sealed || '\\x00'::bytea WHERE member_id = :m"),
            {"m": union.people["d3"]},
        )
    with pytest.raises(EngineError, match="改动"):
        poll.close()


def test_stories_leave_no_key_in_a_home(
    own: Settings, union: Union, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ROOT / "processes" / "congress_session"
    # four ballots, which are not opened: their key stays until the story is thrown away
    (file,) = (told / "scenarios").glob("514_*.toml")
    made = []

    class Watched(shred.Memory):
        def keep(self, name: str, secret: bytes) -> None:
            made.append(name)
            super().keep(name, secret)

    monkeypatch.setattr(shred, "Memory", Watched)
    played = scenarios.play(union.engine, file, read(told), scenarios.standard(ROOT / "processes"))
    assert played.ok and made, played.why
    assert shreds(own) == []


def test_every_door_to_an_installations_database_names_its_home() -> None:
    """An engine without a home would keep the keys of real polls in the memory of one process."""
    met = 0
    for path in (*ROOT.glob("engine/**/*.py"), *ROOT.glob("webui/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "db.connect"):
                continue
            met += 1
            named = any(word.arg == "home" for word in node.keywords)
            looks = path.name == "demo_start.py" and "nobody" in path.read_text("utf-8")
            assert named or looks or path.parent.name == "scenarios", (path, node.lineno)
    assert met >= 7


def test_a_destroyed_file_was_overwritten(tmp_path: Path) -> None:
    place = shred.Folder(tmp_path / "shred")
    place.keep("ab" * 32, b"secret")
    os.link(tmp_path / "shred" / ("ab" * 32), tmp_path / "other")  # the same place on the disk
    place.destroy("ab" * 32)
    place.destroy("ab" * 32)
    assert (tmp_path / "other").read_bytes() == bytes(6) and place.names() == []
    with pytest.raises(ValueError):
        place.find("../keys/signing.key")


# --- files of confidential matters ----------------------------------------------------------------
FILE, OPEN_FILE = b"payslips of the nightingale", b"a poster about the nightingale"


@pytest.fixture
def quiet(own: Settings) -> Union:
    made = Union.built(
        db.connect(own.database_url, size=3, home=own.home), folder("quiet"), folder("errand")
    )
    with db.transaction(made.engine) as session:
        for name in ("judge", "judge2"):
            made.member(session, name, "mediator", "union")
    return made


def matter(union: Union, *files: UUID) -> UUID:
    told = {"subject": "讨薪", "story": "经过", "other": str(union.people["d1"])}
    given = {**told, "files": [str(each) for each in files]}
    key: UUID = union.do("d0", instances.launch, "quiet", given)
    return key


def upload(union: Union, data: bytes = FILE, about: str = "launch:quiet") -> UUID:
    key: UUID = union.do("d0", attachments.add, "证据.txt", data, about)
    return key


def fetched(union: Union, key: UUID) -> bytes:
    who = union.actor("d0")
    with db.transaction(union.engine) as session:
        return pdf.attachment(session, who, key)[2]


def erased(union: Union, key: UUID) -> None:
    """It ends, its time goes by, and two people erase it: of the history only the words may go."""
    union.do("judge", confidence.let_in, key, union.people["d3"], "督办", until=clock.today())
    assert union.one("SELECT count(*) FROM event WHERE words IS NOT NULL") == 1
    for change in ("words = '{}'", "words = '{}' || words", "body = '{}', words = NULL"):
        with pytest.raises(DBAPIError, match="append-only"):
            union.run(f"UPDATE event SET {change} WHERE words IS NOT NULL")
    union.run("UPDATE instance SET state = 'ended', ended_at = :at, machine = NULL", at=union.at)
    assert union.at is not None
    union.at += timedelta(days=3700)
    proposal = union.do("judge", erasure.propose, key, "保存期满")
    union.do("judge2", deciding.decide, proposal, True)
    assert union.one("SELECT count(*) FROM event WHERE words IS NOT NULL") == 0


def test_a_file_of_a_confidential_matter_is_nowhere_on_the_disk_in_the_open(
    quiet: Union, own: Settings, tmp_path: Path
) -> None:
    """Neither before nor after: data files, write-ahead log, temporary files and a backup made meanwhile."""
    paper, poster = upload(quiet), upload(quiet, OPEN_FILE, about="launch:errand")
    key = matter(quiet, paper)
    assert fetched(quiet, paper) == FILE and fetched(quiet, poster) == OPEN_FILE
    kept = tmp_path / "kept.yixing"
    backup.backup(own, kept)
    (name,) = shreds(own)
    secret = (own.home / "shred" / name).read_bytes()
    before = Disk(quiet, own, kept)
    assert len(before.holds(OPEN_FILE)) >= 3  # the search finds what is there
    assert not before.holds(FILE) and not before.holds(secret)
    quiet.whole()
    erased(quiet, key)
    after = Disk(quiet, own, kept)
    assert shreds(own) == [] and not after.holds(FILE) and not after.holds(secret)
    assert quiet.one("SELECT count(*) FROM blob WHERE key IS NOT NULL") == 0
    assert quiet.one("SELECT name FROM spent_key") == name


def test_a_file_is_sealed_when_a_confidential_matter_takes_it_and_opened_when_another_does(
    quiet: Union, own: Settings
) -> None:
    late, waits = upload(quiet, about=""), upload(quiet, b"for nobody yet")
    assert len(shreds(own)) == 1
    matter(quiet, late)
    assert len(shreds(own)) == 2 and fetched(quiet, late) == FILE
    sealed = "SELECT key FROM blob WHERE sha256 = (SELECT sha256 FROM attachment WHERE id = :k)"
    assert quiet.one(sealed, k=late) and quiet.one(sealed, k=waits)
    errand = quiet.launch("d0")
    quiet.run("UPDATE attachment SET instance_id = :i WHERE id = :k", i=errand, k=waits)
    with db.transaction(quiet.engine) as session, session.begin_nested() as trial:
        blobs.settle(session, [waits])
        trial.rollback()
    assert len(shreds(own)) == 2  # what was only tried destroys nothing
    with db.transaction(quiet.engine) as session:
        blobs.settle(session, [waits])
        assert len(shreds(own)) == 2  # until that is committed
    assert quiet.one(sealed, k=waits) is None and fetched(quiet, waits) == b"for nobody yet"
    assert len(shreds(own)) == 1
    task = quiet.task(errand, "check")
    upload(quiet, b"about a task in the open", about=f"task:{task}")
    assert len(shreds(own)) == 1


def test_keys_lie_in_all_folders_and_each_host_destroys_its_own(
    quiet: Union, own: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    monkeypatch.setenv("YIXING_SHRED", os.pathsep.join(map(str, places)))
    shred.settle(quiet.engine, own.home)
    paper = upload(quiet)
    key = matter(quiet, paper)
    (name,) = shred.Folder(places[0]).names()
    assert shred.Folder(places[1]).names() == [name] and shreds(own) == []
    shred.Folder(places[0]).destroy(name)
    assert fetched(quiet, paper) == FILE  # one copy may be lost
    other = shred.Folder(own.home / shred.FOLDER)  # of a host that has it too
    other.keep(name, b"k" * 32)
    erased(quiet, key)
    assert shred.Folder(places[1]).names() == [] and other.names() == [name]
    monkeypatch.delenv("YIXING_SHRED")
    shred.settle(quiet.engine, own.home)
    jobs.tend_keys(quiet.engine)
    assert other.names() == []


def test_without_its_key_a_file_is_told_apart_from_a_false_one(quiet: Union, own: Settings) -> None:
    paper = upload(quiet)
    matter(quiet, paper)
    with db.transaction(quiet.engine) as session:
        assert blobs.missing(session) == 0 and papers.bad_blobs(session) == frozenset()
    (name,) = shreds(own)
    file = own.home / "shred" / name
    secret = file.read_bytes()
    file.write_bytes(b"x" * 32)
    with db.transaction(quiet.engine) as session:
        assert len(papers.bad_blobs(session)) == 1
    file.unlink()
    with pytest.raises(Conflict) as away:
        fetched(quiet, paper)
    assert away.value.code == "key_elsewhere"
    with db.transaction(quiet.engine) as session:
        assert papers.bad_blobs(session) == frozenset()
        assert "keys of 1 files" in health.ready(session, own).checks["secrets"]
    file.write_bytes(secret)
    assert fetched(quiet, paper) == FILE
