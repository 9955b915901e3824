"""Which address people reach, and whether something stands before us that nobody told us of.

What is wrong with the settings is seen in the requests; it is said in the log, once a process, and on
the page to whoever can do something about it. `at_start` says what the settings alone give away.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import current_app, request

from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

    from engine.settings import Settings

log = logging.getLogger("yixing.web")
PROXIED = "yixing.proxied"  # in the environment of a request
_SIGNS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


class AsReached:
    """Links and QR codes carry the configured address, whatever Host a request names."""

    def __init__(self, inner: WSGIApplication, address: str) -> None:
        self.inner = inner
        self.scheme, _, self.host = address.partition("://")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        own = {"HTTP_HOST": self.host, "wsgi.url_scheme": self.scheme}
        return self.inner({**environ, **own}, start_response)


class Unannounced:
    """Notes that a request came through a proxy although the settings trust none."""

    def __init__(self, inner: WSGIApplication) -> None:
        self.inner = inner
        self.said = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if any(sign in environ for sign in _SIGNS):
            environ[PROXIED] = True
            if not self.said:
                self.said = True
                log.warning(
                    "requests come through a proxy, and YIXING_TRUSTED_PROXIES is not set: "
                    "everybody seems to come from %s, and wrong passwords lock out all",
                    environ.get("REMOTE_ADDR", "?"),
                )
        return self.inner(environ, start_response)


def init_app(app: Flask, own: Settings) -> None:
    """Tell pages where they should be (`our_address`), and of a `hidden_proxy`."""
    if own.address:  # innermost: what a proxy says of the host comes first
        app.wsgi_app = AsReached(app.wsgi_app, own.address)  # type: ignore[method-assign]
    if not own.trusted_proxies:
        app.wsgi_app = Unannounced(app.wsgi_app)  # type: ignore[method-assign]
    app.context_processor(_on_the_page)


def _on_the_page() -> dict[str, object]:
    own: Settings = current_app.config["YIXING"]
    return {"our_address": own.address, "hidden_proxy": bool(request.environ.get(PROXIED))}


def elsewhere() -> str:
    """The configured address when the browser says that it stands at another; else nothing."""
    address: str = current_app.config["YIXING"].address
    stands = urlsplit(request.headers.get("Origin") or request.referrer or "")
    here = f"{stands.scheme}://{stands.netloc}".lower()
    return address if address and stands.netloc and here != address.lower() else ""


def at_start(own: Settings) -> list[str]:
    """What the settings alone give away."""
    found: list[str] = []
    behind = own.address.startswith("https://")  # we do not speak TLS ourselves
    if behind and not own.trusted_proxies:
        found.append(
            _(
                "YIXING_ADDRESS 是 https，前面必有反向代理，而 YIXING_TRUSTED_PROXIES 没有设置："
                "所有人看起来来自同一个地址，几个人输错密码就会把全体锁在外面。只有一层代理时设为 1"
            )
        )
    if own.trusted_proxies and not own.address:
        found.append(
            _(
                "设了 YIXING_TRUSTED_PROXIES 而没有设 YIXING_ADDRESS：链接和二维码照请求里的主机名写。"
                "请设为大家访问的网址，如 https://yixing.example.edu.cn"
            )
        )
    return found
