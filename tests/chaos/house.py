"""The processes of an installation on one database, and who uses them by the API."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from engine.settings import ROOT

if TYPE_CHECKING:
    from tests.webui.api.world import Api

PATIENCE = 90.0


GONE = (urllib.error.URLError, ConnectionError, TimeoutError, OSError)


Act = tuple[str, str, str, dict[str, Any]]  # who, does what, where, with what


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """The processes of an installation: each is the product's own child, in a group of its own."""

    def __init__(self, url: str, home: Path) -> None:
        self.environment = {
            **os.environ,
            "YIXING_DATABASE_URL": url,
            "YIXING_HOME": str(home),
            "YIXING_SECRET_KEY": "test",
            "YIXING_WEB_WORKERS": "1",
            "YIXING_WEB_THREADS": "4",
            "YIXING_PROCESSES": str(ROOT / "processes"),
        }
        self.ports = [free_port(), free_port()]
        self.log = (home / "log").open("wb")
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("web0", "web1", "job0", "job1"):
            self.start(name)

    def start(self, name: str) -> None:
        own = {"YIXING_PORT": str(self.ports[int(name[3])])} if name.startswith("web") else {}
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", "webui.cli.serve", name[:3]],
            cwd=ROOT,
            env={**self.environment, **own},
            start_new_session=True,
            stdout=self.log,
            stderr=self.log,
        )

    def kill(self, name: str) -> None:
        process = self.running[name]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def end(self) -> None:
        for name in self.running:
            self.kill(name)
        self.log.close()

    def await_answer(self) -> None:
        for port in self.ports:
            until = time.monotonic() + PATIENCE
            while True:
                with (
                    suppress(*GONE),
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5),
                ):
                    break
                assert time.monotonic() < until, "a web process never answered"
                time.sleep(0.1)


class Customer:
    """Drives matters through the API, each request at one of the two addresses, again with its key when nobody answers."""

    def __init__(self, house: House, api: Api, number: int) -> None:
        self.house, self.api, self.turn = house, api, number
        self.acknowledged: list[tuple[str, str]] = []  # instance or title, what

    def call(self, who: str, method: str, path: str, sent: Any = None, key: str = "") -> Any:
        headers = {
            "Authorization": f"Bearer {self.api.tokens[who]}",
            "Content-Type": "application/json",
        }
        if key:
            headers["Idempotency-Key"] = quote(key)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.turn += 1
            url = f"http://127.0.0.1:{self.house.ports[self.turn % 2]}/api/v1{path}"
            body = json.dumps(sent).encode() if sent is not None else None
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(url, body, headers, method=method), timeout=15
                ) as reply:
                    read = reply.read()
                    return json.loads(read) if read else None
            except urllib.error.HTTPError as fault:
                assert fault.code in (502, 503), (fault.code, path, fault.read().decode())
            except GONE:
                pass
            time.sleep(0.05)
        raise AssertionError(f"nobody answered {path}")

    def carry(self, title: str, process: str, answers: dict[str, Any], acts: list[Act]) -> str:
        starter = "zhang"
        sent = {"process_id": process, "answers": {"subject": title, **answers}}
        instance = str(
            self.call(starter, "POST", "/process-instances", sent, f"{title} launch")["id"]
        )
        self.acknowledged.append((title, "launch"))
        for number, (who, does, element, more) in enumerate(acts):
            steps = self.call(who, "GET", f"/process-instances/{instance}")["tasks"]
            step = next(s for s in steps if s["element"] == element and s["state"] == "open")
            path = (
                f"/tasks/{step['id']}/complete"
                if does == "complete"
                else f"/polls/{step['poll_id']}/{does}"
            )
            self.call(
                who,
                "POST",
                path,
                {"answers": more} if does == "complete" else more or None,
                f"{title} {number}",
            )
            self.acknowledged.append((instance, f"{number} {does} {element}"))
        return instance


def motion(api: Api) -> tuple[dict[str, Any], list[Act]]:
    """A motion by the shortest way through all of its desks."""
    hq, me = str(api.units["HQ"]), str(api.people["committee"])
    answers = {
        "reasons": "教职工晚间授课和值班结束后食堂已经停止供餐,近一年工会收到相关反映四十余次,周边又没有合适的就餐场所。",
        "measures": "建议东区食堂晚间供餐延长至二十一时,设一个值班窗口,试行一个学期后公布就餐人数再作调整。",
        "category": "welfare",
    }
    review = {
        "decision": "file",
        "grade": "general",
        "lead_unit": hq,
        "present": [me],
        "reason": "情况属实,措施可行,同意立案",
    }
    reply = {
        "met_on": "2026-03-20",
        "meeting_record": "与提案人当面沟通,提案人认可主要措施",
        "timetable": "四月底前完成",
        "code": "A",
        "measures": "已制定方案并与有关单位商定,自下月起分步实施,结果向教职工公布",
    }
    return answers, [
        *((who, "respond", "second", {"choice": "yes"}) for who in ("li", "wang", "zhao")),
        ("zhang", "close", "second", {}),
        ("head", "complete", "head_check", {"decision": "forward"}),
        ("committee", "complete", "review", review),
        ("chair", "complete", "dispatch_plan", {"decision": "approve", "lead_unit": hq}),
        ("hq", "complete", "accept", {"decision": "accept", "officer": "冯刚"}),
        ("hq", "complete", "reply", reply),
        ("leader", "complete", "sign", {"decision": "sign"}),
        ("zhang", "respond", "rate", {"choice": "satisfied"}),
        ("committee", "complete", "close", {"result": "A", "publication": "school"}),
    ]
