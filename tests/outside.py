"""Servers that are not ours, as an operator has them: the machine's own PostgreSQL, and a pgbouncer before a server.

A machine without them skips, and says so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0  # seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _user() -> str | None:
    """Who runs a server that refuses to be run by root."""
    if os.geteuid():
        return None
    for name in ("pgserver", "postgres"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip("root has no other user to run PostgreSQL as")


@contextmanager
def _folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="yixing-outside-"))
    user = _user()
    if user:
        shutil.chown(place, user)
    yield place
    shutil.rmtree(place, ignore_errors=True)


@contextmanager
def machines_own() -> Iterator[str]:
    """The machine's PostgreSQL with a database `yixing` and a password; gives the URL of its superuser."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("this machine has no PostgreSQL of its own")
    bin_ = programs[-1].parent
    with _folder() as place:
        secret, port, user = place / "secret", free_port(), _user()
        secret.write_text("two words\n")
        secret.chmod(0o644)
        made = ["-U", "owner", "-A", "scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        _run(user, bin_ / "initdb", "-D", place / "data", f"--pwfile={secret}", *made)
        options = f"-p {port} -h 127.0.0.1 -k {place} -F"
        _run(
            user,
            bin_ / "pg_ctl",
            "-w",
            "-D",
            place / "data",
            "-l",
            place / "log",
            "-o",
            options,
            "start",
        )
        try:
            url = f"postgresql://owner:two%20words@127.0.0.1:{port}"
            with psycopg.connect(f"{url}/postgres", autocommit=True) as admin:
                admin.execute("CREATE DATABASE yixing")
            yield f"{url}/yixing"
        finally:
            _run(user, bin_ / "pg_ctl", "-D", place / "data", "-m", "immediate", "stop")


def _run(user: str | None, *words: object) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        user=user,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """A pgbouncer in transaction mode with three connections before the server of `url`; gives the URL through it."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("this machine has no pgbouncer")
    parts = psycopg.conninfo.conninfo_to_dict(url)
    target = " ".join(
        f"{name}='{parts[key]}'"
        for name, key in (
            ("host", "host"),
            ("port", "port"),
            ("user", "user"),
            ("password", "password"),
        )
        if parts.get(key)
    )
    with _folder() as place:
        port = free_port()
        (place / "users").write_text(f'"{parts["user"]}" ""\n')
        (place / "pgbouncer.ini").write_text(
            f"[databases]\n* = {target}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            f"unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n"
            f"max_client_conn = 200\nserver_reset_query =\nlogfile = {place}/log\npidfile = {place}/pid\n"
        )
        running = subprocess.Popen(
            [program, "-q", str(place / "pgbouncer.ini")], user=_user(), cwd="/"
        )
        through = f"postgresql://{parts['user']}@127.0.0.1:{port}/{parts['dbname']}"
        try:
            _await(through)
            yield through
        finally:
            running.terminate()
            running.wait(10)


def _await(url: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < until, "pgbouncer does not answer"
            time.sleep(0.1)
