"""Time-stamps by RFC 3161, made and checked by `openssl ts`: a service outside says that a
checkpoint was there at a moment.

What is stamped is the SHA-256 of the signed note of a checkpoint, as the page shows it.
"""

from __future__ import annotations

import subprocess
import urllib.request
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError

from engine.errors import Invalid, Unavailable
from engine.messages import _

SECONDS = 20
LARGEST = 200_000  # bytes of a reply


def ask(url: str, note: bytes) -> bytes:
    """The reply of the service at this address, DER. Unavailable: it does not answer."""
    request = urllib.request.Request(
        url, query(note), {"Content-Type": "application/timestamp-query"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return bytes(answer.read(LARGEST))
    except (URLError, TimeoutError, ValueError, OSError) as fault:
        said = _("时间戳服务 {url} 没有回应：{fault}", url=url, fault=str(fault))
        raise Unavailable(said, code="no_stamp") from fault


def query(note: bytes) -> bytes:
    """A request for a time-stamp, DER. Unavailable: there is no openssl here."""
    asked = ["-query", "-digest", sha256(note).hexdigest(), "-sha256", "-cert", "-no_nonce"]
    return _openssl(*asked).stdout


def check(note: bytes, reply: bytes, authority: Path) -> datetime:
    """The moment at which the service says that this note was there, aware. `authority`: the
    certificates (PEM) that it must come from.

    Invalid: the reply is not of this note, or not of that authority.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder, "reply.tsr")
        file.write_bytes(reply)
        proved = ["-verify", "-digest", sha256(note).hexdigest(), "-in", str(file)]
        done = _openssl(*proved, "-CAfile", str(authority))
        if done.returncode or b"Verification: OK" not in done.stdout + done.stderr:
            raise Invalid(_("时间戳不是对这个检查点的，或不是由所设的机构签发"))
        said = _openssl("-reply", "-in", str(file), "-text").stdout.decode("utf-8", "replace")
    return _moment(said)


def _moment(said: str) -> datetime:
    for line in said.splitlines():
        name, _colon, value = line.partition(":")
        if name.strip() == "Time stamp":
            plain = value.strip().removesuffix(" GMT").split(".")[0]
            if len(value.strip().removesuffix(" GMT").split(".")) > 1:
                plain += " " + value.strip().removesuffix(" GMT").rsplit(" ", 1)[1]
            return datetime.strptime(plain, "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    raise Invalid(_("时间戳里没有时刻"))


def _openssl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["openssl", "ts", *arguments], capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise Unavailable(_("这台机器上没有 openssl，不能核对时间戳"), code="no_stamp") from fault
