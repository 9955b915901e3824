"""Backup and restore: one file with the whole database, the keys and a manifest that says what must
be in it.

The file holds the signing key: whoever has it can sign checkpoints. It is written for its owner's
eyes only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import conninfo, sql

from engine import clock, db
from engine.db import embedded, migrate
from engine.errors import Conflict, EngineError, Invalid
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.settings import Settings

FORMAT = "yixing/backup/1"
DUMP, MANIFEST = "database.dump", "manifest.json"
LOG = "checkpoints.log"  # beside the signing key, see engine/history/kept.py
KEY_NAME = re.compile(r"keys/[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
# How many rows, and a digest of their contents that does not depend on their order.
_CONTENT = """
SELECT count(*), coalesce(sum(('x' || left(digest, 16))::bit(64)::bigint), 0)::text
FROM (SELECT encode(sha256(convert_to(t::text, 'UTF8')), 'hex') AS digest FROM {} t) AS every
"""


def backup(settings: Settings, file: Path) -> dict[str, Any]:
    """Write the backup while the product runs; gives its manifest. All of it is the state of one
    moment.

    EngineError: no fitting pg_dump, or the file cannot be written. It appears under its name only
    when it is whole.
    """
    url = db.url_of(settings)
    program = _program("pg_dump", url)
    with (
        tempfile.TemporaryDirectory(dir=_folder(file)) as folder,
        psycopg.connect(url) as connection,
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = str(_one(connection, "SELECT pg_export_snapshot()"))
        dump = Path(folder) / DUMP
        _call(
            program,
            *("-Fc", "--no-owner", "--no-acl"),
            f"--snapshot={snapshot}",
            f"--file={dump}",
            url=url,
        )
        parts = {DUMP: dump, **_keys(settings)}
        manifest = {
            "format": FORMAT,
            "at": clock.now().isoformat(timespec="seconds"),
            "postgresql": _major(url),
            "schema": _one(connection, "SELECT version_num FROM alembic_version"),
            "files": {name: _sha256(path) for name, path in parts.items()},
            "tables": _contents(connection),
        }
        whole = Path(folder) / "whole.tar"
        _pack(whole, parts, manifest)
        os.replace(whole, file)
    return {**manifest, "sha256": _sha256(file), "size": file.stat().st_size}


def restore(settings: Settings, file: Path, *, force: bool = False) -> dict[str, Any]:
    """Put a backup in the place of the database and the keys; gives its manifest. Nothing is lost
    when it fails.

    Conflict: the database holds members or matters (`force` replaces it), or the product is
    running. Invalid: the file is damaged or no backup. EngineError: the rows are not those that
    were backed up; then the old ones are back.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        manifest = unpack(file, Path(folder))
        url = db.url_of(settings)
        with psycopg.connect(url, autocommit=True) as connection:
            _refuse_unless_free(connection, force)
            with _set_aside(connection):
                put_rows(url, Path(folder), manifest)
        migrate.migrate(url)  # a backup of an older release
        migrate.grant(url)
        _put_keys(settings, Path(folder))
    return manifest


def put_rows(url: str, folder: Path, manifest: dict[str, Any]) -> None:
    """Restore what `unpack` took out into an empty database and compare every row. EngineError."""
    _call(
        _program("pg_restore", url),
        "--no-owner",
        "--no-acl",
        "--exit-on-error",
        str(folder / DUMP),
        url=url,
    )
    with psycopg.connect(url) as connection:
        _compare(manifest["tables"], _contents(connection))


# --- the file -------------------------------------------------------------------------------------
def _pack(target: Path, parts: dict[str, Path], manifest: dict[str, Any]) -> None:
    data = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
    target.touch(mode=0o600)
    with tarfile.open(target, "w") as tar:
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(data), 0o600
        tar.addfile(entry, io.BytesIO(data))
        for name, path in parts.items():
            tar.add(path, name)


def unpack(file: Path, folder: Path) -> dict[str, Any]:
    """Take out what a backup may hold, nothing else, and check every digest."""
    try:
        with tarfile.open(file) as tar:
            for entry in tar:
                _take_out(tar, entry, folder)
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as fault:
        missing = _("没有这个文件，或其中缺少 {part}:{file}", part=MANIFEST, file=file)
        raise Invalid(missing) from fault
    except (tarfile.TarError, EOFError, OSError, UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise Invalid(_("不是备份文件，或文件已损坏：{fault}", fault=fault)) from fault
    if manifest.get("format") != FORMAT:
        raise Invalid(_("备份的格式应为 {format}。", format=FORMAT))
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file() or _sha256(folder / name) != digest:
            raise Invalid(_("备份文件已损坏：{name} 与清单中的散列不符。", name=name))
    return manifest


def _take_out(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    known = entry.name in (DUMP, MANIFEST) or KEY_NAME.fullmatch(entry.name)
    if not entry.isfile() or not known:
        raise Invalid(_("备份文件里有不应有的内容：{name}", name=entry.name[:80]))
    target = folder / entry.name
    target.parent.mkdir(exist_ok=True)
    source = tar.extractfile(entry)
    assert source is not None
    with source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)


def _keys(settings: Settings) -> dict[str, Path]:
    found = {f"keys/{p.name}": p for p in sorted((settings.home / "keys").glob("*")) if p.is_file()}
    return {name: path for name, path in found.items() if KEY_NAME.fullmatch(name)}


def outside(settings: Settings) -> list[str]:
    """The settings by which keys come: what they hold is in no backup."""
    given = {
        "YIXING_SIGNING_KEY": settings.signing_key,
        "YIXING_SHARED_KEY": settings.shared_key,
        "YIXING_SECRET_KEY": settings.secret_key,
    }
    return [name for name, value in given.items() if value]


def _put_keys(settings: Settings, folder: Path) -> None:
    """The keys of the backup; other ones that lie there are kept beside them."""
    target = settings.home / "keys"
    if not (folder / "keys").is_dir():
        return
    before = None
    if target.exists():
        before = target.rename(target.with_name(f"keys.before-{clock.now():%Y%m%dT%H%M%SZ}"))
    shutil.move(folder / "keys", target)
    if before is not None and (before / LOG).exists():
        shutil.copy(before / LOG, target / LOG)  # what was sealed here is not forgotten
    target.chmod(0o700)
    for key in target.iterdir():
        key.chmod(0o600)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(file: Path) -> Path:
    folder = file.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise EngineError(_("不能在这里写文件：{folder}", folder=folder), code="folder")
    return folder


# --- the database ---------------------------------------------------------------------------------
def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _contents(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """Per table: the number of rows and the digest of their contents."""
    connection.execute("SET timezone = 'UTC'")
    names = [row[0] for row in connection.execute(_TABLES)]
    found = {}
    for name in names:
        row = connection.execute(
            sql.SQL(_CONTENT).format(sql.Identifier("public", name))
        ).fetchone()
        assert row is not None
        found[name] = list(row)
    return found


def _compare(wanted: dict[str, list[Any]], found: dict[str, list[Any]]) -> None:
    for name in sorted(set(wanted) | set(found)):
        if wanted.get(name) != found.get(name):
            raise EngineError(
                _("恢复后的表 {name} 与备份不一致，已恢复原状。", name=name), code="differs"
            )


PATIENCE = 5  # seconds: a program that has just stopped may still be leaving
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


def _refuse_unless_free(connection: psycopg.Connection[Any], force: bool) -> None:
    until = time.monotonic() + PATIENCE
    while (others := _one(connection, _OTHERS)) and time.monotonic() < until:
        connection.rollback()  # what others do is seen as of the transaction's first look
        time.sleep(0.1)
    if others:
        raise Conflict(_("数据库正在使用，请先停止程序，再恢复。"), code="running")
    for table in ("member", "instance"):
        known = _one(connection, f"SELECT to_regclass('public.{table}') IS NOT NULL")
        if (
            not force
            and known
            and _one(connection, f"SELECT EXISTS (SELECT 1 FROM public.{table})")
        ):
            raise Conflict(
                _("数据库不是空的。确要用备份替换现有数据，请加 --force。"), code="not_empty"
            )


@contextmanager
def _set_aside(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Inside: an empty schema. Afterwards the old one is gone, or back where it was when something
    failed.
    """
    connection.execute("ALTER SCHEMA public RENAME TO before_restore")
    connection.execute("CREATE SCHEMA public")
    try:
        yield
    except BaseException:
        with connection.transaction():
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("ALTER SCHEMA before_restore RENAME TO public")
        raise
    connection.execute("DROP SCHEMA before_restore CASCADE")


def _major(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10000


def _program(name: str, url: str) -> Path:
    """The pg_dump or pg_restore of the server's own version: the shipped one, else one that the
    machine has.
    """
    wanted = _major(url)
    for place in _places(name, wanted):
        if place.exists():
            version = _call(place, "--version").partition("PostgreSQL)")[2].partition(".")[0]
            if f" {wanted}" in version:
                return place
    raise EngineError(
        _(
            "数据库服务器是 PostgreSQL {wanted}，请安装同一版本的客户端程序（{name}）。",
            wanted=wanted,
            name=name,
        ),
        code="no_program",
    )


def _places(name: str, major: int) -> list[Path]:
    """Where a program of PostgreSQL may lie: ours, those of Linux and of Homebrew, the first on the
    path.
    """
    found = shutil.which(name)
    return [
        embedded.binary(name),
        Path(f"/usr/lib/postgresql/{major}/bin/{name}"),
        Path(f"/usr/pgsql-{major}/bin/{name}"),
        Path(f"/opt/homebrew/opt/postgresql@{major}/bin/{name}"),
        Path(f"/usr/local/opt/postgresql@{major}/bin/{name}"),
        *([Path(found)] if found else []),
    ]


def _call(program: Path, *args: str, url: str = "") -> str:
    """Run a program of PostgreSQL; the password of the URL goes by the environment, where others do
    not see it.
    """
    env = dict(os.environ)
    given = list(args)
    if url:
        parts: dict[str, Any] = conninfo.conninfo_to_dict(url)
        password = parts.pop("password", None)
        if password:
            env["PGPASSWORD"] = str(password)
        given.append(f"--dbname={conninfo.make_conninfo(**parts)}")
    done = subprocess.run(
        [str(program), *given], capture_output=True, text=True, check=False, env=env
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or [str(done.returncode)]
        raise EngineError(
            _("{program} 失败：{why}", program=program.name, why=words[0]),
            code="program",
            detail=done.stderr,
        )
    return done.stdout
