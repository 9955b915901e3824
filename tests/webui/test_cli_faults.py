"""What hinders a verb from outside is one line with cause and remedy, in one language, with exit code 1 and no traceback."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from engine import settings
from engine.db import embedded, migrate
from engine.settings import ROOT
from webui.cli import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ("tests.empty",)
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
ENGLISH = re.compile(r"\b(the|is|not|cannot|failed|error|such|file|connection)\b", re.I)


def said(*words: str, lang: str = "en", **own: object) -> str:
    """The one line that the verb says, run as an operator runs it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("YIXING_", "LC_", "LANG"))}
    own = {f"YIXING_{name}": str(value) for name, value in own.items()}
    done = subprocess.run(
        [sys.executable, "-m", "webui.cli", *words],
        cwd=ROOT,
        env={**kept, **own, "LANG": {"en": "en_US.UTF-8", "zh": "zh_CN.UTF-8"}[lang]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, (done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.startswith("yixing: ")]
    assert "Traceback" not in done.stderr and len(lines) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == lines[0]
    return lines[0].removeprefix("yixing: ")


def test_every_sentence_is_in_one_language(empty_url: str, tmp_path: Path) -> None:
    """The same faults in both languages: no Chinese in English lines, no English sentence in Chinese ones."""
    cases: list[tuple[str, dict[str, object]]] = [
        ("migrate", {"DATABASE_URL": "http://nope/"}),
        ("migrate", {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}),
        ("migrate", {"DATABASE_URL": "postgresql://h.invalid/x"}),
        ("serve", {"DATABASE_URL": empty_url, "PROCESSES": "/nowhere"}),
        ("migrate", {"HOME": "/proc/nowhere"}),
        ("migrate", {"WEB_WORKERS": "0"}),
    ]
    for verb, own in cases:
        own = {"HOME": tmp_path / "home", **own}
        assert not CHINESE.search(said(verb, lang="en", **own))
        assert not ENGLISH.search(said(verb, lang="zh", **own))
    assert len(cases) == 6


@pytest.mark.parametrize(
    "url",
    [
        *("http://x/y", "nonsense", "postgresql:/nope", "mysql://h/x", "postgresql://[::1/x"),
        *("postgresql://a:secret@h:port/x", "postgresql://a:secret@h:99999/x"),
    ],
)
def test_a_malformed_url_is_named_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="YIXING_DATABASE_URL") as told:
        settings.load({"YIXING_DATABASE_URL": url})
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        *("", "postgresql://a:b@h:5432/x", "postgres://h/x"),
        *("postgresql:///x?host=/run", "postgresql://postgres:@/yixing?host=%2Ftmp%2Fpostgres"),
    ],
)
def test_a_good_url_is_kept_as_it_is(url: str) -> None:
    assert settings.load({"YIXING_DATABASE_URL": url}).database_url == url


def test_missing_processes_are_named(empty_url: str, tmp_path: Path) -> None:
    own = {"DATABASE_URL": empty_url, "HOME": tmp_path, "PROCESSES": tmp_path}
    for words in (["check"], ["serve"], ["unit", "X", "university_union", "N"]):
        told = said(*words, **own)
        assert str(tmp_path) in told and "YIXING_PROCESSES" in told


def test_an_unknown_kind_of_unit_is_answered_with_the_known_ones(
    empty_url: str, tmp_path: Path
) -> None:
    told = said("unit", "X", "nonsense", "N", DATABASE_URL=empty_url, HOME=tmp_path)
    assert "nonsense" in told and "university_union" in told


def test_a_newer_schema_is_named(empty_url: str, tmp_path: Path) -> None:
    migrate.migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    told = said("serve", DATABASE_URL=empty_url, HOME=tmp_path, PORT=0)
    assert "newer release" in told


def test_a_held_migration_lock_is_named_with_its_holder(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "PATIENCE", 1)
    with psycopg.connect(empty_url) as holder:
        holder.execute(f"SELECT pg_advisory_xact_lock({migrate.LOCK})".encode())
        pid = holder.info.backend_pid
        with pytest.raises(migrate.EngineError) as told:
            migrate.migrate(empty_url)
    assert f"pg_terminate_backend({pid})" in str(told.value)
    assert migrate.migrate(empty_url)


def test_what_the_server_refuses_is_named(own_server: str, tmp_path: Path) -> None:
    def told(url: str) -> str:
        return said("migrate", DATABASE_URL=url, HOME=tmp_path)

    assert "no such database" in told(own_server.replace("/yixing", "/absent", 1))
    assert "does not accept" in told(own_server.replace("postgres:@", "locked:wrong@", 1))
    assert "has no right" in told(own_server.replace("postgres:@", "locked:right@", 1))


@pytest.fixture
def own_server() -> Iterator[str]:
    """A server that asks one of its users for a password."""
    home = Path(tempfile.mkdtemp(prefix="yixing-locked-"))
    url = embedded.start(home)
    (home / "postgres" / "pg_hba.conf").write_text(
        "local all locked scram-sha-256\nlocal all all trust\n"
    )
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        admin.execute("SELECT pg_reload_conf()")
    yield url
    embedded.stop(home)
    shutil.rmtree(home, ignore_errors=True)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can make a small disk")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(small)])
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        told = said("migrate", HOME=small / "home")
        assert "disk is full" in told and str(small) in told
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "磁盘已满（/data/x）"),
        (OSError(errno.EDQUOT, "Quota exceeded", "/data/x"), "磁盘已满"),
        (OSError(errno.EROFS, "Read-only file system", "/data"), "只读"),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), "YIXING_HOME"),
        (psycopg.errors.DiskFull("could not extend file"), "数据库所在的磁盘已满"),
        (psycopg.errors.InvalidPassword("no"), "用户或密码"),
        (psycopg.errors.ReadOnlySqlTransaction("no"), "主服务器"),
        (psycopg.errors.TooManyConnections("no"), "max_connections"),
        (psycopg.OperationalError("something new"), "something new"),
    ],
)
def test_each_fault_has_its_sentence(fault: Exception, part: str) -> None:
    assert part in str(faults.sentence(fault))
    outer = RuntimeError("outer")
    outer.__cause__ = fault
    assert part in str(faults.sentence(outer))


def test_a_fault_of_the_program_has_none() -> None:
    none: list[Any] = [KeyError("x"), ValueError("x"), psycopg.ProgrammingError("syntax")]
    assert [faults.sentence(fault) for fault in none] == [None] * 3
