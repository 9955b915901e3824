"""The only reader of the environment: one frozen object, made once at an edge and handed on."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "processes"
CHANNELS = ("email", "wecom", "dingtalk", "feishu")  # by which people may be told
_PLATFORMS = {  # channel -> its address, and how many parts its credentials have
    "wecom": ("https://qyapi.weixin.qq.com", 3),
    "dingtalk": ("https://oapi.dingtalk.com", 3),
    "feishu": ("https://open.feishu.cn", 2),
}


@dataclass(frozen=True)
class Platform:
    """An app of ours on a messaging platform. `parts`: its credentials, e.g. corpid, agentid,
    secret.
    """

    url: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Mail:
    """A server that takes e-mail. `tls`: from the first byte; else as soon as it offers it."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    sender: str


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
    tsa_url: str = ""  # a time-stamping service (RFC 3161), asked every day
    tsa_ca: Path | None = None  # the certificates from which its stamps must come, PEM
    witness_url: str = ""  # another installation of Yixing that countersigns, asked every day
    witness_token: str = ""  # an API token there
    shared_key: str = ""  # of the secrets that all hosts share; else the file keys/shared.key
    signing_key: str = ""  # PEM; else the file keys/signing.key
    secure_cookies: bool = False
    trusted_proxies: int = 0
    web_workers: int = 2
    web_threads: int = 8
    database_direct_url: str = ""  # past the pooler, for workers and the command line
    backup_days: int = 14  # how long daily backups are kept; 0: none are made
    shred: tuple[Path, ...] = ()  # folders of keys that will be destroyed; the home's without any
    backups: Path | None = None  # their folder; the home's without it
    database_pooled: bool = False  # database_url is a pgbouncer in transaction mode
    undo: int = 0  # seconds in which an act in the pages may be taken back; 0: it is done at once
    undo_most: int = 30  # that anybody may ask for, as for a batch
    drafts: int = 200  # that one person may keep
    uploads_megabytes: int = 500  # of one person, in files that no form has taken yet
    packs_megabytes: int = 1000  # of one person, in evidence packs that were made for them
    metrics: tuple[
        IPv4Network | IPv6Network, ...
    ] = ()  # who may read /metrics besides this machine

    mail: Mail | None = None
    platforms: Mapping[str, Platform] = field(default_factory=dict)  # by channel

    @property
    def channels(self) -> tuple[str, ...]:
        """By which people can be told here."""
        there = {*self.platforms, *(("email",) if self.mail else ())}
        return tuple(each for each in CHANNELS if each in there)

    @property
    def by_https(self) -> bool:
        """Do people reach it by https only, as the address says?"""
        return self.address.startswith("https://")


def processes() -> Path:
    """The folder of processes alone, for what is asked often."""
    return _processes(os.environ.get("YIXING_PROCESSES", ""))


@lru_cache(maxsize=8)
def _processes(named: str) -> Path:
    return Path(named or SHIPPED).resolve()


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks with commas between. Raises ValueError."""
    try:
        return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError:
        wrong = _("YIXING_METRICS 应写成 10.0.0.0/8,192.0.2.7 这样，而不是“{text}”", text=text)
        raise ValueError(wrong) from None


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read YIXING_HOME, _DATABASE_URL, _PROCESSES, _HOST, _PORT, _ADDRESS, _DEMO, _SECRET_KEY,
    _SHARED_KEY, _SECURE_COOKIES, _TRUSTED_PROXIES, _WEB_WORKERS, _WEB_THREADS, _METRICS, and
    limits. Raises ValueError with a message when a number or the address is none.
    """
    env = os.environ if environ is None else environ
    address = _address(env)
    if _flag(env, "DATABASE_POOLED") and not _text(env, "DATABASE_DIRECT_URL"):
        raise ValueError(
            _(
                "设了 YIXING_DATABASE_POOLED，还要设 YIXING_DATABASE_DIRECT_URL：后台任务和命令要直接连接数据库"
            )
        )
    return Settings(
        home=Path(env.get("YIXING_HOME", "") or "var").resolve(),
        database_url=_database_url("DATABASE_URL", env),
        processes=_processes(env.get("YIXING_PROCESSES", "")),
        host=env.get("YIXING_HOST", "") or "127.0.0.1",
        port=_number(env, "PORT", 8000),
        address=address,
        demo=_flag(env, "DEMO"),
        secret_key=env.get("YIXING_SECRET_KEY", ""),
        shared_key=_text(env, "SHARED_KEY"),
        tsa_url=_text(env, "TSA_URL"),
        tsa_ca=_path(env, "TSA_CA"),
        witness_url=_text(env, "WITNESS_URL").rstrip("/"),
        witness_token=_text(env, "WITNESS_TOKEN"),
        signing_key=env.get("YIXING_SIGNING_KEY", "").replace("\\n", "\n"),
        secure_cookies=_flag(env, "SECURE_COOKIES") or address.startswith("https://"),
        trusted_proxies=_number(env, "TRUSTED_PROXIES", 0),
        web_workers=_number(env, "WEB_WORKERS", 2, 1),
        web_threads=_number(env, "WEB_THREADS", 8, 1),
        database_direct_url=_database_url("DATABASE_DIRECT_URL", env),
        database_pooled=_flag(env, "DATABASE_POOLED"),
        backup_days=_number(env, "BACKUP_DAYS", 14),
        backups=_path(env, "BACKUPS"),
        shred=tuple(Path(each).resolve() for each in _text(env, "SHRED").split(os.pathsep) if each),
        undo=_number(env, "UNDO", 10),
        undo_most=_number(env, "UNDO_MOST", 30),
        drafts=_number(env, "DRAFTS", 200, 1),
        uploads_megabytes=_number(env, "UPLOADS_MEGABYTES", 500, 50),
        packs_megabytes=_number(env, "PACKS_MEGABYTES", 1000, 1),
        metrics=_networks(env.get("YIXING_METRICS", "")),
        mail=_mail(env),
        platforms={each: made for each in _PLATFORMS if (made := _platform(env, each))},
    )


def _mail(env: Mapping[str, str]) -> Mail | None:
    """YIXING_SMTP, smtp[s]://user:password@host:port, and _SMTP_FROM. Raises ValueError, without
    the password.
    """
    text, sender = _text(env, "SMTP"), _text(env, "SMTP_FROM")
    if not text:
        return None
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("smtp", "smtps") and parts.hostname
        port = parts.port or (465 if parts.scheme == "smtps" else 25)
    except ValueError:  # a port that is no number
        known = None
    if not known or "@" not in sender:
        raise ValueError(
            _(
                "YIXING_SMTP 应写成 smtp://用户:密码@主机:25 这样（smtps 为全程加密，密码里的符号写成百分号编码），"
                "YIXING_SMTP_FROM 是发件地址"
            )
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Mail(known, port, parts.scheme == "smtps", user=user, password=password, sender=sender)


def _platform(env: Mapping[str, str], channel: str) -> Platform | None:
    """YIXING_<CHANNEL>, credentials with colons between, and _<CHANNEL>_URL for an installation of
    the platform's own. Raises ValueError, without the credentials.
    """
    url, number = _PLATFORMS[channel]
    name = channel.upper()
    parts = tuple(_text(env, name).split(":")) if _text(env, name) else ()
    if not parts:
        return None
    if len(parts) != number or not all(parts):
        wrong = _("YIXING_{name} 应是 {number} 项，用冒号隔开，见 README", name=name, number=number)
        raise ValueError(wrong)
    return Platform(_text(env, f"{name}_URL").rstrip("/") or url, parts)


def _text(env: Mapping[str, str], name: str) -> str:
    return env.get(f"YIXING_{name}", "").strip()


def _flag(env: Mapping[str, str], name: str) -> bool:
    return _text(env, name).lower() in {"1", "true", "yes", "on"}


def _path(env: Mapping[str, str], name: str) -> Path | None:
    given = env.get(f"YIXING_{name}")
    return Path(given).resolve() if given else None


def _number(env: Mapping[str, str], name: str, default: int, least: int = 0) -> int:
    text = _text(env, name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValueError(_("YIXING_{name} 应是整数，而不是“{text}”", name=name, text=text))
    if int(text) < least:
        raise ValueError(_("YIXING_{name} 不得小于 {least}", name=name, least=least))
    return int(text)


def _address(env: Mapping[str, str]) -> str:
    """How people reach the installation. Raises ValueError."""
    address = _text(env, "ADDRESS").rstrip("/")
    if address and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", address):
        raise ValueError(
            _(
                "YIXING_ADDRESS 应写成 https://yixing.example.edu.cn 这样，而不是“{text}”",
                text=address,
            )
        )
    return address


def _database_url(name: str, env: Mapping[str, str]) -> str:
    """The address of a database as it was written; what is wrong with it is said without its
    password.
    """
    text = _text(env, name)
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("postgresql", "postgres") and "//" in text and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        known = False
    if text and not known:
        raise ValueError(
            _(
                "YIXING_{name} 应写成 postgresql://用户:密码@主机:5432/数据库 这样（密码里的符号写成百分号编码）",
                name=name,
            )
        )
    return text
