"""The Ed25519 key that signs checkpoints, and the notes it signs: short texts to print, mail or put
in a QR code.

The key lives in a file beside the database, not in it: who can rewrite the rows must not be able to
sign them.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from engine.errors import EngineError, Invalid
from engine.messages import _

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

FILE_NAME = "signing.key"
CHECKPOINT = "yixing/checkpoint/1"
HEAD = "yixing/head/1"
PACK = "yixing/pack/2"
HANDOVER = "yixing/key/1"
_PARTS = (  # the lines of a checkpoint: pattern, and what a reader is told when it does not match
    (re.escape(CHECKPOINT), _("应为 {checkpoint}", checkpoint=CHECKPOINT)),
    (r"0|[1-9][0-9]{0,18}", _("应为叶的个数")),
    (r"[0-9a-f]{64}", _("应为 64 位十六进制的根")),
    (r"at ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)", _("应为 at 加 UTC 时刻")),
    (r"key ([0-9a-f]{16})", _("应为 key 加 16 位十六进制的密钥编号")),
    (r"sig ([0-9a-f]{128})", _("应为 sig 加 128 位十六进制的签名")),
)


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key: `public` is 32 bytes, `key_id` the first 16 hex digits of its SHA-256."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> bytes:
        """The public key, 32 raw bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The short name of the public key."""
        return key_id(self.public)

    def sign(self, data: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self.private.sign(data)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says: the tree of `size` leaves had this root at that moment (aware, UTC,
    whole seconds).
    """

    size: int
    root: bytes
    at: datetime
    key_id: str
    signature: bytes | None = None

    def text(self) -> bytes:
        """The bytes that are signed."""
        return checkpoint_text(self.size, self.root, self.at, self.key_id)


def key_id(public: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of a public key."""
    return sha256(public).hexdigest()[:16]


def load_or_create(directory: Path) -> SigningKey:
    """The key in `directory`/signing.key (PEM, 0600), made if it is missing; processes that race
    get the same key.

    EngineError: the file can be read by others, or is not an Ed25519 key.
    """
    path = directory / FILE_NAME
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
    return load(path)


def load(path: Path) -> SigningKey:
    """The key in this file. EngineError: it can be read by others, or is not an Ed25519 key."""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise EngineError(
            _("签名密钥可被他人读取，请执行 chmod 600 {path}", path=path), code="key_exposed"
        )
    return from_pem(path.read_bytes(), str(path))


def from_pem(data: bytes, path: str) -> SigningKey:
    """The key of these bytes. EngineError: names `path`, where they come from."""
    try:
        private = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise EngineError(
            _("签名密钥文件无法读取：{path}", path=path), code="key_unreadable"
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise EngineError(_("签名密钥不是 Ed25519 密钥：{path}", path=path), code="key_unreadable")
    return SigningKey(private)


def make_next(path: Path) -> SigningKey:
    """A new key in this file, or the one that lies there since a rotation that was broken off."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
    return load(path)


def _create(path: Path) -> None:
    """Write the whole file under another name, then link it: a reader sees all of it or nothing,
    the first one wins.
    """
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    if os.name == "posix":  # the name must survive a power cut before anything is signed
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def verify(public: bytes, signature: bytes, data: bytes) -> bool:
    """True if `signature` over `data` was made with the key of `public`; False also for ill-formed
    ones.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def checkpoint_text(size: int, root: bytes, at: datetime, key_id: str) -> bytes:
    """The text of a checkpoint that is signed; after the C2SP tlog-checkpoint, in hex and ASCII so
    it can be typed.

    `at` is aware and cut to the second. Invalid: anything that `parse_checkpoint` could not read
    back.
    """
    lines = [CHECKPOINT, str(size), root.hex(), f"at {_second(at)}", f"key {key_id}"]
    _match(lines)
    return _joined(lines)


def head_text(instance: UUID, seq: int, event_hash: bytes, at: datetime, key_id: str) -> bytes:
    """The text by which an evidence pack says "at that moment this was the last event", so that no
    tail can be cut.
    """
    return _joined(
        [HEAD, str(instance), str(seq), event_hash.hex(), f"at {_second(at)}", f"key {key_id}"]
    )


def pack_text(instance: UUID, manifest: bytes, at: datetime, key_id: str) -> bytes:
    """The text by which an evidence pack says "this was all of it": the SHA-256 (32 bytes) of its
    manifest.
    """
    return _joined([PACK, str(instance), manifest.hex(), f"at {_second(at)}", f"key {key_id}"])


def handover_text(public: bytes, at: datetime, key_id: str) -> bytes:
    """The text by which the key of `key_id` names the one that follows it; `public`: 32 bytes."""
    return _joined([HANDOVER, public.hex(), f"at {_second(at)}", f"key {key_id}"])


def note(text: bytes, signature: bytes) -> bytes:
    """A signed text: the text, an empty line, the signature in hex. Notes can be put one after
    another in a file.
    """
    return text + b"\nsig " + signature.hex().encode() + b"\n"


def parse_checkpoint(data: bytes | str) -> Checkpoint:
    """Read one checkpoint, signed (`note`) or not; what mail does (CRLF, empty lines, spaces at the
    ends) is ignored.

    It does not verify the signature. Invalid: names the line and what should stand there.
    """
    try:
        text = data.decode("ascii") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise Invalid(_("检查点只含 ASCII 字符")) from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not 5 <= len(lines) <= 6:
        raise Invalid(_("检查点应有 5 行，另加 1 行签名，现有 {lines} 行", lines=len(lines)))
    _mark, size, root, at, key, *signature = _match(lines)
    try:
        moment = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Invalid(_("检查点第 4 行的时刻不存在：{at}", at=at)) from error
    return Checkpoint(
        int(size),
        bytes.fromhex(root),
        moment,
        key,
        bytes.fromhex(signature[0]) if signature else None,
    )


def parse_checkpoints(text: str) -> list[Checkpoint]:
    """The signed checkpoints of a file that somebody kept, one after another. Invalid: names the
    first that is ill-formed.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) % len(_PARTS):
        raise Invalid(
            _("每份检查点应有 {parts} 行，现共有 {lines} 行", parts=len(_PARTS), lines=len(lines))
        )
    return [
        parse_checkpoint("\n".join(lines[at : at + len(_PARTS)]))
        for at in range(0, len(lines), len(_PARTS))
    ]


def _match(lines: list[str]) -> list[str]:
    values = []
    for number, (line, (pattern, advice)) in enumerate(zip(lines, _PARTS, strict=False), 1):
        found = re.fullmatch(pattern, line)
        if not found:
            raise Invalid(
                _(
                    "检查点第 {number} 行{advice}，现为：{line}",
                    number=number,
                    advice=advice,
                    line=line[:80],
                )
            )
        values.append(found[found.re.groups])
    return values


def _second(at: datetime) -> str:
    if at.tzinfo is None:
        raise Invalid(_("时刻须带时区"))
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _joined(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("ascii")
