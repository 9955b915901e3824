"""What is closed unless somebody opens it: figures, plain http, the demo, the titles behind ids."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from engine import db, settings
from engine.commands import edge, instances, people
from engine.db import demo, tables
from engine.definitions.check import faults
from engine.errors import NotFound
from engine.forms.form import Field, Form
from engine.instance.union_law import rulebook
from engine.people import posts
from engine.queries.words import Named, answered
from tests.hostile.sound import edited, sound
from tests.races.union import Union
from webui import create_app
from webui.cli.serve import must_serve
from webui.cli.terminal import CannotDo

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Engine

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture
def union(engine: Engine) -> Union:
    return Union.built(engine)


def app_of(engine: Engine, home: Path, **environ: str) -> Flask:
    url = engine.url.render_as_string(hide_password=False)
    given = settings.load({f"YIXING_{k}": v for k, v in environ.items()})
    made = create_app(replace(given, home=home, database_url=url))
    made.extensions["engine"].dispose()
    made.extensions["engine"] = engine
    return made


def test_figures_are_for_this_machine_and_for_the_networks_named(
    engine: Engine, tmp_path: Path
) -> None:
    def status(app: Flask, environ: dict[str, str] | None = None, **headers: str) -> int:
        return (
            app.test_client()
            .get("/metrics", environ_base=environ or {}, headers=headers)
            .status_code
        )

    closed = app_of(engine, tmp_path)
    assert status(closed) == 200
    assert status(closed, ELSEWHERE) == 404
    assert status(closed, None, **{"X-Forwarded-For": "127.0.0.1"}) == 404
    opened = app_of(engine, tmp_path, METRICS="203.0.113.0/24, 2001:db8::/32")
    assert status(opened, ELSEWHERE) == 200
    assert status(opened, {"REMOTE_ADDR": "203.0.114.9"}) == 404
    behind = app_of(engine, tmp_path, TRUSTED_PROXIES="1")
    assert status(behind, None, **{"X-Forwarded-For": "203.0.113.9"}) == 404
    with pytest.raises(ValueError, match="YIXING_METRICS"):
        settings.load({"YIXING_METRICS": "everybody"})


def test_an_https_address_is_for_https_only(engine: Engine, tmp_path: Path) -> None:
    def answer(address: str) -> Any:
        browser: FlaskClient = app_of(engine, tmp_path, ADDRESS=address).test_client()
        return browser.post("/language/en") if address == "" else browser.get("/login")

    safe, plain = answer("https://yixing.example.edu.cn"), answer("http://localhost:8000")
    assert safe.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in plain.headers
    cookies = safe.headers.getlist("Set-Cookie")
    assert cookies and all(
        c.startswith("__Host-yixing=") and "Secure" in c and "Path=/" in c and "Domain" not in c
        for c in cookies
    )
    assert all("Secure" not in c for c in plain.headers.getlist("Set-Cookie"))


def test_the_demo_never_serves_in_earnest(union: Union) -> None:
    own = settings.load({})
    must_serve(own, union.engine)
    with db.transaction(union.engine) as session, pytest.raises(NotFound):
        people.log_in_demo(session, "admin")  # of a real one, whatever the settings say
    with db.transaction(union.engine) as session:
        demo.mark(session)
    with pytest.raises(CannotDo, match="演示数据"):
        must_serve(own, union.engine)
    must_serve(replace(own, demo=True), union.engine)
    with db.transaction(union.engine) as session:
        assert people.log_in_demo(session, "admin")


def test_an_id_typed_into_a_text_is_that_text(union: Union) -> None:
    key = union.launch("far.d0")
    with db.transaction(union.engine) as session:
        seen = Named.of(session, [str(key)], union.actor("d0"))
        own = Named.of(session, [str(key)], union.actor("far.d0"))
    typed = Form("f", (Field("note", "textfield", "说明"),))
    chosen = Form("f", (Field("note", "select", "事项", source="instances:errand"),))

    def said(form: Form, names: Named) -> str:
        return answered(form, {"note": str(key)}, names)[0].text

    assert said(typed, own) == str(key)
    assert "修缮会议室" in said(chosen, own)
    assert "修缮会议室" not in said(chosen, seen), "another union's matter"


def statements(union: Union, who: str, key: Any) -> int:
    """How many statements a refused try runs, from the command to the record."""
    from sqlalchemy import event

    ran: list[str] = []
    count = lambda *given: ran.append(given[2])  # noqa: E731
    actor = union.actor(who)
    event.listen(union.engine, "before_cursor_execute", count)
    try:
        with pytest.raises(NotFound):
            union.timed(
                lambda: edge.carry_out(
                    union.engine, actor, lambda s: instances.suspend(s, actor, key, "看看此件")
                )
            )
    finally:
        event.remove(union.engine, "before_cursor_execute", count)
    return len(ran)


def test_tries_of_outsiders_leave_no_mark_and_take_as_long_on_what_is_not_there(
    union: Union,
) -> None:
    key = union.launch("d0")
    with db.transaction(union.engine) as session:
        session.execute(text("UPDATE instance SET confidential = true WHERE id = :i"), {"i": key})
    events = union.events(key)
    there = statements(union, "far.secretary", key)
    nowhere = statements(union, "far.secretary", uuid4())
    assert there == nowhere > 0
    assert union.events(key) == events


def test_figures_leave_confidential_matters_out(union: Union, tmp_path: Path) -> None:
    def figures() -> str:
        return app_of(union.engine, tmp_path).test_client().get("/metrics").text

    key = union.launch("d0")
    with db.transaction(union.engine) as session:
        session.execute(
            tables.incident.insert().values(
                id=uuid4(), instance_id=key, what="x", message="y", detail={}, at=union.at
            )
        )
        session.execute(text("UPDATE timer SET due_at = now() - interval '1 day'"))
    shown = figures()
    assert "yixing_incidents_open 1.0" in shown and "yixing_instances_running 1.0" in shown
    with db.transaction(union.engine) as session:
        session.execute(text("UPDATE instance SET confidential = true"))
    hidden = [
        line for line in figures().splitlines() if "jobs" not in line and "_events_" not in line
    ]
    assert not [line for line in hidden if not line.startswith("#") and not line.endswith(" 0.0")]


@pytest.mark.parametrize("name", ["<b>通过</b>", "<img src=x onerror=alert(1)>", "&#60;b&#62;"])
def test_markup_in_a_diagram_is_a_fault(name: str) -> None:
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    files = edited("process.bpmn", 'name="', f'name="{escaped}')
    wrong = faults(files, rulebook(), set(posts.kinds().posts))
    assert [each for each in wrong if "标记" in str(each)]
    clean = faults(sound(), rulebook(), set(posts.kinds().posts))
    assert not [each for each in clean if "标记" in str(each)]
