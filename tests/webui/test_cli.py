"""The `yixing` command: help, exit codes, clear errors, and the verbs that need only a database."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from engine import db, jobs
from engine.db import tables
from engine.history import keys, seals
from engine.settings import ROOT, Settings
from webui import cli
from webui.cli import usage
from webui.http import messages

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ("tests.empty",)
VERBS = [
    "serve",
    "worker",
    "rotate-key",
    "notices test",
    "notices failed",
    "migrate",
    "check",
    "publish",
    "versions",
    "decide",
    "new",
    "play",
    "import",
    "undo-import",
    "end-term",
    "token",
    "unit",
    "user create",
    "user disable",
    "user password",
    "user post",
    "user hand-over",
    "user join",
    "user replace",
    "user move",
    "verify",
    "witness",
    "despatch",
    "ledger",
    "retention",
    "erase",
    "backup",
    "restore",
    "repair",
]


CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


@pytest.fixture(autouse=True)
def language(monkeypatch: pytest.MonkeyPatch) -> None:
    """English, whatever the machine speaks."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def yixing(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command on an empty database."""
    monkeypatch.setenv("YIXING_DATABASE_URL", empty_url)
    monkeypatch.setenv("YIXING_HOME", str(tmp_path / "home"))
    return lambda *words: cli.main(list(words))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([*verb.split(), "--help"])
    assert end.value.code == 0
    assert f"usage: yixing {verb}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_in_one_language(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of verbs, options and values are the same in both; every sentence is in one."""
    with pytest.raises(SystemExit):
        cli.main([*verb.split(), "--help", "--lang", "en"])
    assert not CHINESE.search(capsys.readouterr().out)
    with pytest.raises(SystemExit):
        cli.main([*verb.split(), "--help", "--lang", "zh"])
    said = capsys.readouterr().out
    assert "用法：" in said and not re.search(r"[a-z] (the|a|of|and|is) [a-z]", said), said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "no such file: none.toml"),
        ({"LANG": "C.UTF-8"}, "no such file: none.toml"),
        ({"LANG": "zh_CN.UTF-8"}, "没有这个文件：none.toml"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "no such file: none.toml"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN"}, "没有这个文件：none.toml"),
    ],
)
def test_the_language_is_that_of_the_environment(
    environment: dict[str, str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["play", "none.toml"]) == cli.FAULT
    assert capsys.readouterr().err == f"yixing: {words}\n"
    other, its = ("en", "no such") if CHINESE.search(words) else ("zh", "没有这个")
    assert cli.main(["play", "none.toml", "--lang", other]) == cli.FAULT
    assert its in capsys.readouterr().err
    assert cli.main(["--lang", other, "play", "none.toml"]) == cli.FAULT
    assert its in capsys.readouterr().err


def test_what_is_not_understood_is_said_in_the_language(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["bogus", "--lang", "zh"])
    assert end.value.code == 2
    assert "没有 'bogus' 这一项" in capsys.readouterr().err


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert re.fullmatch(r"yixing \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_every_verb_that_is_understood_is_done() -> None:
    assert set(cli.VERBS) == set(VERBS)


@pytest.mark.parametrize(
    "words",
    [
        ["bogus"],
        ["publish"],
        ["import", "cats", "x.xlsx", "--as", "a"],
        ["user", "post", "a"],
        ["user", "post", "a", "b", "--unit", "c", "--from", "2026-02-30"],
    ],
)
def test_what_is_not_understood_gives_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code == 2
    assert "error" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["user"]])
def test_without_a_verb_it_shows_the_help(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == cli.USAGE
    assert "usage: yixing" in capsys.readouterr().out


def test_help_loads_no_heavy_part() -> None:
    heavy = "import sys; sys.argv = ['yixing', '--help']\nimport webui.cli\ntry:\n    webui.cli.main()\nexcept SystemExit:\n    pass\n"
    told = "print('loaded:', sorted({'SpiffWorkflow', 'procrastinate', 'lxml', 'typst', 'openpyxl'} & set(sys.modules)))"
    said = subprocess.run(
        [sys.executable, "-c", heavy + told], check=True, capture_output=True, text=True
    ).stdout
    assert said.strip().endswith("loaded: []"), said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["token", "nobody"], "nobody"),
        (["publish", "no/such/folder"], "no/such/folder"),
        (["play", "no/such/story.toml"], "no such file"),
        (["import", "people", "no/such.xlsx", "--as", "a"], "no such file"),
        (["restore", "no/such.backup"], "no/such.backup"),
        (["user", "post", "nobody", "secretary", "--unit", "X"], "nobody"),
    ],
)
def test_what_is_missing_is_named(
    yixing: Callable[..., int], words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert yixing(*words) == cli.FAULT
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_a_setting_that_is_no_number_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIXING_PORT", "http")
    assert cli.main(["migrate"]) == cli.FAULT
    assert "YIXING_PORT" in capsys.readouterr().err


def test_a_database_that_cannot_be_reached_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIXING_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert cli.main(["migrate"]) == cli.FAULT
    assert "the database does not run" in capsys.readouterr().err


def test_migrate_says_whether_it_did_anything(
    yixing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert yixing("migrate") == cli.OK
    assert "migrated" in capsys.readouterr().out
    assert yixing("migrate") == cli.OK
    assert "up to date" in capsys.readouterr().out


def test_an_operator_makes_the_first_unit_person_post_and_token(
    yixing: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _type(monkeypatch, "a long enough phrase\n")
    assert yixing("unit", "ZJ", "provincial_federation", "浙江省总工会") == cli.OK
    assert yixing("user", "create", "wang", "--name", "王芳", "--unit", "ZJ") == cli.OK
    assert (
        yixing("user", "post", "wang", "administrator", "--unit", "ZJ", "--from", "2026-03-01")
        == cli.OK
    )
    capsys.readouterr()
    assert yixing("token", "wang") == cli.OK
    assert capsys.readouterr().out.startswith("yx_")
    _type(monkeypatch, "another long phrase\n")
    assert yixing("user", "password", "wang") == cli.OK
    assert yixing("user", "disable", "wang") == cli.OK
    assert yixing("verify") == cli.OK
    assert "all of it holds" in capsys.readouterr().out


def _type(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_verify_names_the_first_false_line(
    yixing: Callable[..., int], empty_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    yixing("unit", "ZJ", "provincial_federation", "浙江省总工会")
    with psycopg.connect(empty_url) as attacker:
        attacker.execute("ALTER TABLE event DISABLE TRIGGER USER")
        attacker.execute("UPDATE event SET body = replace(body, 'ZJ', 'XX')")
    assert yixing("verify") == cli.FAULT
    told = capsys.readouterr().err
    assert "the history is false" in told and "event 1" in told


def test_verify_proves_the_checkpoints_kept_outside(
    yixing: Callable[..., int], empty_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All checkpoints deleted and every leaf taken back: the database alone then looks as if nothing was ever sealed."""
    yixing("unit", "ZJ", "provincial_federation", "浙江省总工会")
    home, file = Path(os.environ["YIXING_HOME"]), tmp_path / "kept.txt"
    key = keys.load_or_create(home / "keys")
    with db.connect(empty_url).begin() as session:
        seals.seal(session, key)
        point = seals.latest(session)
    db.connect(empty_url).dispose()
    assert point is not None
    text = keys.checkpoint_text(point.size, point.root, point.at, point.key_id)
    file.write_bytes(
        keys.note(text, point.signature).replace(b"\n", b"\r\n")
    )  # as it comes back from mail
    assert yixing("verify", "--witness", str(file)) == cli.OK
    assert "1 checkpoints kept outside" in capsys.readouterr().out
    with psycopg.connect(empty_url) as attacker:
        for table in ("event", "checkpoint"):
            attacker.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        attacker.execute("DELETE FROM checkpoint")
        attacker.execute("UPDATE event SET leaf_no = NULL")
    assert yixing("verify") == cli.OK  # nothing inside can know it
    assert yixing("verify", "--witness", str(file)) == cli.FAULT
    assert f"the kept checkpoint {point.size} cannot be proved any more" in capsys.readouterr().err
    with db.connect(empty_url).begin() as session:
        session.exec_driver_sql("UPDATE event SET hash = sha256(hash)")
        seals.seal(session, key)
        broken = seals._check_tree(session, None, keys.parse_checkpoints(file.read_text()))
    db.connect(empty_url).dispose()
    assert (
        messages.in_language(broken[3], "en")
        == f"the kept checkpoint {point.size} is not that of the database"
    )
    for text_ in ("", "hello"):
        file.write_text(text_)
        assert yixing("verify", "--witness", str(file)) == cli.USAGE
    assert yixing("verify", "--witness", str(tmp_path / "none")) == cli.USAGE


def test_what_cannot_be_proved_is_neither_true_nor_false(
    yixing: Callable[..., int],
    empty_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    yixing("unit", "ZJ", "provincial_federation", "浙江省总工会")
    with db.connect(empty_url).begin() as session:
        seals.seal(session, keys.load_or_create(tmp_path / "elsewhere"))
    db.connect(empty_url).dispose()
    assert yixing("verify") == cli.UNPROVED
    assert "not proved: the signing key is not on this machine" in capsys.readouterr().err
    monkeypatch.setenv("YIXING_DATABASE_URL", empty_url.replace("yixing", "nobody") + "x")
    assert yixing("verify") == cli.UNPROVED
    assert yixing("verify", "--pack", str(tmp_path / "none.zip")) == cli.USAGE


def test_backup_and_restore_keep_every_row(
    yixing: Callable[..., int], empty_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.backup"
    yixing("unit", "ZJ", "provincial_federation", "浙江省总工会")
    assert yixing("backup", str(file)) == cli.OK
    assert file.stat().st_mode & 0o077 == 0
    assert yixing("backup", str(file)) == cli.FAULT
    yixing("unit", "SZ", "provincial_federation", "江苏省总工会")
    db.connect(empty_url).dispose()
    assert yixing("restore", str(file)) == cli.OK
    assert "restored the state of" in capsys.readouterr().out
    with db.connect(empty_url).begin() as session:
        assert [row.code for row in session.execute(tables.unit.select())] == ["ZJ"]
    db.connect(empty_url).dispose()
    assert yixing("verify") == cli.UNPROVED
    told = capsys.readouterr().err
    assert "restored to size 0 from the backup of" in told and "two people must confirm" in told


def test_a_repair_lets_the_sealing_go_on_and_waits_for_two_people(
    yixing: Callable[..., int], empty_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    yixing("unit", "ZJ", "provincial_federation", "浙江省总工会")
    home = Settings(Path(os.environ["YIXING_HOME"]), empty_url, ROOT / "processes")
    jobs.seal(db.connect(empty_url), home)
    db.connect(empty_url).dispose()
    assert yixing("verify") == cli.OK
    with psycopg.connect(empty_url) as attacker:
        for table in ("event", "checkpoint"):
            attacker.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        attacker.execute("DELETE FROM checkpoint")
        attacker.execute("UPDATE event SET leaf_no = NULL")
    jobs.seal(db.connect(empty_url), home)
    db.connect(empty_url).dispose()
    assert yixing("verify") == cli.FAULT
    assert "cannot be proved any more" in capsys.readouterr().err
    assert yixing("repair", "--reason", "disk failed") == cli.OK  # nobody says yes
    assert yixing("verify") == cli.FAULT
    assert yixing("repair", "--reason", "disk failed", "--yes") == cli.OK
    capsys.readouterr()
    assert yixing("verify") == cli.UNPROVED
    assert "going on from size 0 (disk failed)" in capsys.readouterr().err
    jobs.seal(db.connect(empty_url), home)
    db.connect(empty_url).dispose()
    assert yixing("verify") == cli.UNPROVED


def signer_of(home: Settings) -> str:
    """The id of the key that signs here now."""
    return keys.load(home.home / "keys" / keys.FILE_NAME).key_id


def sealed(home: Settings) -> None:
    jobs.seal(db.connect(home.database_url), home)
    db.connect(home.database_url).dispose()


def test_a_key_is_rotated_only_on_a_yes_and_the_history_holds_under_both(
    yixing: Callable[..., int], empty_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    yixing("unit", "ZJ", "provincial_federation", "浙江省总工会")
    home = Settings(Path(os.environ["YIXING_HOME"]), empty_url, ROOT / "processes")
    sealed(home)
    old = signer_of(home)
    assert yixing("rotate-key") == cli.OK  # nobody says yes
    assert signer_of(home) == old
    capsys.readouterr()
    assert yixing("rotate-key", "--yes") == cli.OK
    new = signer_of(home)
    assert new != old and f"signing key {new}" in capsys.readouterr().out
    assert keys.load(home.home / "keys" / f"retired.{old}.key").key_id == old
    yixing("unit", "JY", "provincial_education_union", "省教育工会", "--parent", "ZJ")
    sealed(home)
    with psycopg.connect(empty_url) as look:
        signers = look.execute("SELECT DISTINCT key_id FROM checkpoint").fetchall()
    assert {each for (each,) in signers} == {old, new}
    assert yixing("verify") == cli.OK


def test_a_lost_key_is_replaced_by_a_new_one_that_waits_for_two_people(
    yixing: Callable[..., int], empty_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    yixing("unit", "ZJ", "provincial_federation", "浙江省总工会")
    home = Settings(Path(os.environ["YIXING_HOME"]), empty_url, ROOT / "processes")
    sealed(home)
    old = signer_of(home)
    (home.home / "keys" / keys.FILE_NAME).unlink()
    assert yixing("rotate-key", "--yes") != cli.OK  # there is no old key to introduce it
    assert yixing("rotate-key", "--yes", "--lost", "disk failed") == cli.OK
    assert signer_of(home) != old
    capsys.readouterr()
    assert yixing("verify") == cli.UNPROVED
    assert "two people must confirm" in capsys.readouterr().err


def test_a_key_from_the_environment_is_not_rotated(
    yixing: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIXING_SIGNING_KEY", "PEM")
    assert yixing("rotate-key", "--yes") != cli.OK
    assert "YIXING_SIGNING_KEY" in capsys.readouterr().err


def test_the_kinds_of_tables_are_those_of_the_import() -> None:
    from engine.commands import imports

    assert set(usage.KINDS) == set(imports.KINDS)


def test_a_new_folder_has_no_faults_and_its_stories_go_as_told(
    yixing: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--into", str(tmp_path), "--title", "母婴室", "--title-en", "Nursing rooms")
    assert yixing("new", "nursing_room", *words) == cli.OK
    folder = tmp_path / "nursing_room"
    assert 'id="nursing_room" name="母婴室"' in (folder / "process.bpmn").read_text("utf-8")
    assert "starter" not in "".join(p.read_text("utf-8") for p in folder.rglob("*.*"))
    assert yixing("check", str(folder)) == cli.OK
    told = capsys.readouterr().out
    assert "2 of 2" in told or "2 个" in told or "2/2" in told, told
    for wrong in ("nursing_room", "Nursing", "launch", "congress_motion"):
        assert yixing("new", wrong, "--into", str(tmp_path)) == cli.FAULT, wrong
    assert yixing("new", "other", "--into", str(tmp_path), "--title", 'a"b') == cli.FAULT
    assert not (tmp_path / "other").exists()
