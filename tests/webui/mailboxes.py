"""Stand-ins on loopback for what takes messages: an SMTP server and a messaging platform."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Mailbox:
    """What came in. `refuses`: what is answered to the next recipients, e.g. "451 later"."""

    port: int
    letters: list[Any] = field(default_factory=list)
    refuses: list[str] = field(default_factory=list)

    def texts(self) -> list[str]:
        return [f"{each['Subject']}\n{each.get_content()}" for each in self.letters]


@contextmanager
def smtp() -> Iterator[Mailbox]:
    """An SMTP server (RFC 5321, as much as smtplib says)."""
    box = Mailbox(0)

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    while (text := self.rfile.readline()) != b".\r\n":
                        lines.append(text)
                    box.letters.append(message_from_bytes(b"".join(lines), policy=policy.default))
                elif verb == b"RCPT" and box.refuses:
                    self.wfile.write(box.refuses.pop(0).encode() + b"\r\n")
                    continue
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield box
        server.shutdown()


@dataclass
class Calls:
    """What a platform was asked: path, body; and what it answers to what is not a token."""

    url: str = ""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)


@contextmanager
def platform() -> Iterator[Calls]:
    """One server that answers as WeCom, DingTalk and Feishu do."""
    calls = Calls()

    class Reply(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def _reply(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            calls.asked.append((self.path, body))
            token = re.search(r"token(/internal)?(\?|$)", self.path.partition("access_token=")[0])
            said = {"access_token": "T", "tenant_access_token": "T"} if token else calls.answer
            data = json.dumps({"errcode": 0, "code": 0, **said}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_given: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Reply) as server:
        calls.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield calls
        server.shutdown()
