"""How pages and their parts travel: small, and each part once.

A part of the pages (style sheet, script) has an address that changes with its contents, so that a
browser keeps it for a year and never asks again. What is text is compressed. Of a page that holds
both a secret and words from outside, the length of the compressed text gives the secret away letter
by letter (BREACH); the one secret that our pages repeat is the token of their forms, which is
therefore masked anew for every request.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app, g, request
from flask_compress import Compress
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.security import safe_join

if TYPE_CHECKING:
    from flask import Flask, Response

KEPT = "public, max-age=31536000, immutable"  # a year; the address changes with the contents
TEXTS = (
    "text/html",
    "text/css",
    "text/plain",
    "text/javascript",
    "application/json",
    "application/problem+json",
    "image/svg+xml",
)


def init_app(app: Flask) -> None:
    """Compress what is text, and give the parts of the pages their addresses."""
    app.config.update(
        COMPRESS_MIMETYPES=TEXTS,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_ALGORITHM_STREAMING=["br", "gzip"],
        COMPRESS_BR_LEVEL=5,  # beyond it a page costs more time here than it saves on the way
    )
    Compress(app)
    app.url_defaults(_add_digest)


def caching(response: Response) -> None:
    """Say how long a part of the pages may be kept: under its own digest a year, else ask each
    time.
    """
    fresh = request.args.get("v") == _digest_of((request.view_args or {}).get("filename"))
    kept = fresh and response.status_code in (200, 304)
    response.headers["Cache-Control"] = KEPT if kept else "no-cache"


def _add_digest(endpoint: str, values: dict[str, object]) -> None:
    if endpoint == "static" and (digest := _digest_of(values.get("filename"))):
        values.setdefault("v", digest)


def _digest_of(filename: object) -> str | None:
    path = safe_join(str(current_app.static_folder), str(filename))
    if path is None or not Path(path).is_file():
        return None
    return _digest(path, Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(path: str, _changed: int) -> str:
    return blake2b(Path(path).read_bytes(), digest_size=6).hexdigest()


class MaskedTokens(CSRFProtect):  # type: ignore[misc]  # without types of its own
    """The tokens of forms, never written twice alike."""

    def init_app(self, app: Flask) -> None:
        """As its parent; templates get masked tokens."""
        super().init_app(app)
        app.jinja_env.globals["csrf_token"] = masked
        app.context_processor(lambda: {"csrf_token": masked})

    def _get_csrf_token(self) -> str | None:
        return unmasked(super()._get_csrf_token())


def masked() -> str:
    """The token of this session under a pad of this request: 8 random bytes, then the token
    combined with them in turn.
    """
    if "masked_token" not in g:
        pad = secrets.token_bytes(8)
        g.masked_token = urlsafe_b64encode(pad + _combined(generate_csrf().encode(), pad)).decode()
    return str(g.masked_token)


def unmasked(sent: str | None) -> str | None:
    """The token that was masked; None for what is none."""
    try:
        whole = urlsafe_b64decode((sent or "").encode())
        return _combined(whole[8:], whole[:8]).decode("ascii") or None
    except (binascii.Error, UnicodeError):
        return None


def _combined(text: bytes, pad: bytes) -> bytes:
    return bytes(byte ^ pad[place % len(pad)] for place, byte in enumerate(text))
