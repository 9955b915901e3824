"""Two universities with their people, each with a token, as programs meet them: through the test client alone."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import db
from engine.commands import definitions, people
from engine.definitions import read
from engine.settings import ROOT, Settings
from webui import create_app

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

BASE = "/api/v1"
FROM = date(2025, 9, 1)
ERRAND = Path(__file__).parents[2] / "processes" / "errand"
MOTION = ROOT / "processes" / "congress_motion"
CAST = {  # user name: posts as kind@unit
    "zhang": ("formal_delegate@XX",),
    "li": ("formal_delegate@SX",),
    "wang": ("formal_delegate@SX",),
    "zhao": ("formal_delegate@XX",),
    "secretary": ("union_secretary@XD",),
    "auditor": ("auditor@XD",),
    "admin": ("administrator@XD",),
    "runner": ("installation@XD",),
    "admin2": ("administrator@XD", "union_secretary@XD", "installation@XD"),
    "head": ("delegation_head@XX",),
    "committee": ("motions_committee@XD",),
    "chair": ("motions_committee_chair@XD",),
    "hq": ("unit_head@HQ",),
    "leader": ("vice_president@XD",),
    "plain": (),
    "b.secretary": ("union_secretary@MB",),
    "b.li": ("formal_delegate@MBX",),
}


@dataclass
class Api:
    """The application with its people; `as_` gives the client of one of them."""

    app: Flask
    engine: Engine
    units: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    term: str = "第八届"

    @classmethod
    def built(cls, app: Flask, engine: Engine, *folders: Path) -> Api:
        world = cls(app, engine)
        with db.transaction(engine) as session:
            for code, kind, name, parent, more in (
                ("ZGH", "provincial_federation", "省总工会", None, {}),
                ("JYGH", "provincial_education_union", "省教育工会", "ZGH", {}),
                ("HZ", "municipal_federation", "杭州市总工会", "ZGH", {"city": "杭州"}),
                (
                    "XD",
                    "university_union",
                    "信大工会",
                    None,
                    {"owner_type": "province", "city": "杭州"},
                ),
                ("XX", "college_union", "信息学院", "XD", {}),
                ("SX", "college_union", "数学学院", "XD", {}),
                ("HQ", "department", "后勤处", "XD", {}),
                (
                    "MB",
                    "university_union",
                    "民办大学工会",
                    None,
                    {"owner_type": "private", "affiliation": "city", "city": "杭州"},
                ),
                ("MBX", "college_union", "民办学院", "MB", {}),
            ):
                above = world.units[parent] if parent else None
                world.units[code] = people.create_unit(
                    session, None, code, kind, name, parent_id=above, **more
                )
            for username, posts in CAST.items():
                home = posts[0].partition("@")[2] if posts else "XX"
                made = people.create_member(
                    session, None, username, f"姓名{username}", world.units[home]
                )
                world.people[username] = made
                for post in posts:
                    kind, _, unit = post.partition("@")
                    people.grant_post(
                        session, None, made, kind, world.units[unit], FROM, term=world.term
                    )
                world.tokens[username] = people.create_token(session, None, made, "test")
            for folder in folders or (ERRAND,):
                definitions.publish_shipped(session, read(folder))
        return world

    def as_(self, username: str) -> Person:
        return Person(self.app.test_client(use_cookies=False), self.tokens[username])


@dataclass
class Person:
    """A client with a token: JSON in, the response out."""

    client: FlaskClient
    token: str

    def call(
        self, method: str, path: str, sent: Any = None, *, key: str | None = None, **more: Any
    ) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        if key is not None:
            headers["Idempotency-Key"] = key
        if sent is not None:
            more["data"], more["content_type"] = (
                json.dumps(sent),
                more.get("content_type", "application/json"),
            )
        return self.client.open(BASE + path, method=method, headers=headers, **more)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def post(self, path: str, sent: Any = None, **more: Any) -> TestResponse:
        return self.call("POST", path, sent, **more)

    def read(self, path: str, **query: Any) -> Any:
        """A GET that must succeed."""
        found = self.get(path, **query)
        assert found.status_code == 200, found.text
        return found.json

    def do(self, path: str, sent: Any = None, **more: Any) -> Any:
        """A POST that must succeed."""
        found = self.post(path, sent, **more)
        assert found.status_code in (200, 201, 204), found.text
        return found.json if found.status_code != 204 else None

    def launch(
        self, subject: str = "修缮会议室", process_id: str = "errand", **answers: Any
    ) -> str:
        made = self.do(
            "/process-instances",
            {"process_id": process_id, "answers": {"subject": subject, **answers}},
        )
        return str(made["id"])

    def waiting(self, what: str, instance_id: str, element: str) -> dict[str, Any]:
        """The one thing of this instance in my inbox."""
        found = [
            i
            for i in self.read("/tasks", limit=200)["items"]
            if i["instance_id"] == instance_id and i["what"] == what
        ]
        assert [i["element"] for i in found] == [element], found
        return dict(found[0])

    def complete(self, instance_id: str, element: str, **answers: Any) -> dict[str, Any]:
        task = self.waiting("task", instance_id, element)
        sent = {"answers": answers, "revision": task["revision"]}
        return dict(self.do(f"/tasks/{task['id']}/complete", sent))

    def respond(self, instance_id: str, element: str, choice: str) -> None:
        poll = self.waiting("poll", instance_id, element)
        self.do(f"/polls/{poll['id']}/respond", {"choice": choice})


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """Where a value is not what a JSON Schema promises; nothing where no validator is installed."""
    try:
        import jsonschema
    except ImportError:
        return []
    return [
        f"{list(e.absolute_path)}: {e.message[:200]}"
        for e in jsonschema.Draft202012Validator(schema).iter_errors(value)
    ]


def application(url: str, home: Path) -> Flask:
    """An application of its own on a database."""
    return create_app(settings_of(url, home))


def settings_of(url: str, home: Path) -> Settings:
    return Settings(home=home, database_url=url, processes=ROOT / "processes", secret_key="test")


def send(who: Person, path: str, **parts: Any) -> TestResponse:
    """A multipart form; a file is (bytes, name)."""
    data = {k: (io.BytesIO(v[0]), v[1]) if isinstance(v, tuple) else v for k, v in parts.items()}
    return who.client.post(BASE + path, data=data, headers={"Authorization": f"Bearer {who.token}"})


def problem(found: TestResponse, status: int, code: str | None = None) -> dict[str, Any]:
    assert found.status_code == status, found.text[:500]
    assert found.content_type == "application/problem+json"
    body = dict(found.json)
    assert {"type", "title", "status", "detail", "code"} <= set(body) and body["status"] == status
    assert body["type"] == f"urn:yixing:error:{body['code']}" and body["detail"]
    if code:
        assert body["code"] == code
    for texts in body.get("errors", {}).values():
        assert texts and all(isinstance(t, str) and t for t in texts)
    return body


def folder(path: Path = ERRAND) -> dict[str, str]:
    return {
        p.relative_to(path).as_posix(): p.read_text("utf-8") for p in path.rglob("*") if p.is_file()
    }


def zipped(files: dict[str, str | bytes]) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return kept.getvalue()
