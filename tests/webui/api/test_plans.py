"""What is counted back from a day, for programs: before a launch, and of what runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine import clock, db
from engine.commands import instances
from engine.commands.people import tokens
from tests.journeys.university import University
from tests.webui import apps

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

NOW = "2026-03-02T09:00"
GIVEN = {"kind": "annual", "title": "第八届教职工代表大会第三次会议", "meeting_on": "2026-07-01"}
PLAN = "/api/v1/process-definitions/congress_session/plan"


def test_a_program_reads_the_plan_of_a_launch_and_of_what_runs(
    engine: Engine, url: str, tmp_path: Path
) -> None:
    town = University.built(engine, logs_in=(), now=NOW)
    town.published("congress_session")
    with clock.set_to(datetime.fromisoformat(NOW).replace(tzinfo=clock.CHINA)):
        app = apps.of(town, url, tmp_path)
        office, other = (Program(app, town, who) for who in ("secretary", "logistics"))
        plan = office.plan(GIVEN).json
        lasts = {step["title"]: step["last"] for step in plan["steps"]}
        assert plan["on"] == "2026-07-01" and "2026-06-24" in lasts.values()
        assert {step["state"] for step in plan["steps"]} <= {"next", "open"}
        assert any(rule["id"] == "CG-NOTICE" for step in plan["steps"] for rule in step["rules"])
        undated = office.plan({**GIVEN, "meeting_on": ""})
        assert undated.status_code == 409 and undated.json["code"] == "no_day"
        assert other.plan(GIVEN).status_code == 403
        assert office.running() == []
        town.do("secretary", instances.launch, "congress_session", GIVEN)
        (running,) = office.running()
        assert running["subject"] == GIVEN["title"] and running["plan"]["steps"]
        assert other.running() == []


class Program:
    """A program that acts for somebody."""

    def __init__(self, app: Flask, town: University, who: str) -> None:
        with db.transaction(town.engine) as session:
            token = tokens.create_token(session, None, town.people[who], "program")
        self._client, self._head = app.test_client(), {"Authorization": f"Bearer {token}"}

    def plan(self, answers: dict[str, Any]) -> TestResponse:
        return self._client.post(PLAN, json={"answers": answers}, headers=self._head)

    def running(self) -> list[dict[str, Any]]:
        listed = self._client.get("/api/v1/plans", headers=self._head).json
        return list(listed["items"])
