"""The only reader of the environment: one frozen object, made once at an edge and handed on."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "processes"


@dataclass(frozen=True)
class Settings:
    """Where things are and how the product is run; each field is the variable YIXING_<NAME>."""

    home: Path
    database_url: str
    processes: Path
    host: str = "127.0.0.1"
    port: int = 8000
    address: str = (
        ""  # as people reach it, e.g. https://yixing.example.edu.cn; for links and QR codes
    )
    demo: bool = False
    secret_key: str = ""
    signing_key: str = ""  # PEM; else the file keys/signing.key
    secure_cookies: bool = False
    trusted_proxies: int = 0
    web_workers: int = 2
    web_threads: int = 8


def processes() -> Path:
    """The folder of processes alone, for what is asked often."""
    return _processes(os.environ.get("YIXING_PROCESSES", ""))


@lru_cache(maxsize=8)
def _processes(named: str) -> Path:
    return Path(named or SHIPPED).resolve()


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read YIXING_HOME, _DATABASE_URL, _PROCESSES, _HOST, _PORT, _ADDRESS, _DEMO, _SECRET_KEY,
    _SECURE_COOKIES, _TRUSTED_PROXIES, _WEB_WORKERS, _WEB_THREADS. Raises ValueError with a message
    when a number or the address is none.
    """
    env = os.environ if environ is None else environ

    def number(name: str, default: int) -> int:
        text = env.get(f"YIXING_{name}", "").strip()
        if not text:
            return default
        if not text.isdigit():
            raise ValueError(_("YIXING_{name} 应是整数，而不是“{text}”", name=name, text=text))
        return int(text)

    def flag(name: str) -> bool:
        return env.get(f"YIXING_{name}", "").strip().lower() in {"1", "true", "yes", "on"}

    address = env.get("YIXING_ADDRESS", "").strip().rstrip("/")
    if address and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", address):
        raise ValueError(
            _(
                "YIXING_ADDRESS 应写成 https://yixing.example.edu.cn 这样，而不是“{text}”",
                text=address,
            )
        )
    return Settings(
        home=Path(env.get("YIXING_HOME", "") or "var").resolve(),
        database_url=env.get("YIXING_DATABASE_URL", "").strip(),
        processes=_processes(env.get("YIXING_PROCESSES", "")),
        host=env.get("YIXING_HOST", "") or "127.0.0.1",
        port=number("PORT", 8000),
        address=address,
        demo=flag("DEMO"),
        secret_key=env.get("YIXING_SECRET_KEY", ""),
        signing_key=env.get("YIXING_SIGNING_KEY", "").replace("\\n", "\n"),
        secure_cookies=flag("SECURE_COOKIES"),
        trusted_proxies=number("TRUSTED_PROXIES", 0),
        web_workers=number("WEB_WORKERS", 2),
        web_threads=number("WEB_THREADS", 8),
    )
