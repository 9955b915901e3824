"""A client that another program makes of the OpenAPI document can be installed and does its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from engine import db
from tests.webui.api.world import BASE, ERRAND, MOTION, Api, application

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

CALLS = """
import json, sys
from yixing_client import AuthenticatedClient, Client
from yixing_client.api.process_instances import {launch}, {instances}
from yixing_client.api.tasks import {tasks}
from yixing_client.models import {body}
address, token = sys.argv[1:]
with AuthenticatedClient(base_url=address, token=token) as client:
    sent = {body}.from_dict(
        {{"process_id": "errand", "answers": {{"subject": "修好三教的灯"}}}}
    )
    made = {launch}.sync_detailed(client=client, body=sent)
    found = {instances}.sync_detailed(client=client)
    tasks = {tasks}.sync_detailed(client=client)
with Client(base_url=address) as nobody:
    refused = {tasks}.sync_detailed(client=nobody)
print(json.dumps({{
    "launched": int(made.status_code), "id": str(made.parsed.id),
    "listed": [str(each.id) for each in found.parsed.items],
    "tasks": int(tasks.status_code), "nobody": int(refused.status_code),
}}))
"""


@pytest.fixture
def app(url: str, tmp_path: Path) -> Flask:
    return application(url, tmp_path)


@pytest.fixture
def world(app: Flask, url: str) -> Api:
    return Api.built(app, db.connect(url), MOTION, ERRAND)


@pytest.fixture
def address(app: Flask, world: Api) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def run(*words: str, **environment: str) -> str:
    done = subprocess.run(
        words,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def made(app: Flask, tmp_path: Path) -> Path:
    """The folder of a client as openapi-python-client makes it, with its own name for the package."""
    pytest.importorskip("openapi_python_client", reason="make test installs it")
    document = tmp_path / "openapi.json"
    document.write_text(app.test_client().get(f"{BASE}/openapi.json").get_data(as_text=True))
    target = tmp_path / "client"
    run(
        *(sys.executable, "-m", "openapi_python_client", "generate"),
        *("--path", str(document), "--output-path", str(target), "--meta", "setup"),
    )
    return target


def names(made: Path, document: dict[str, Any]) -> dict[str, str]:
    """How the generator calls what is called below, from the ids of the operations."""
    paths = document["paths"]
    post = paths[f"{BASE}/process-instances"]["post"]
    sent = post["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]

    def module(operation: dict[str, Any]) -> str:
        return str(operation["operationId"]).replace(".", "_").replace("-", "_")

    return {
        "launch": module(post),
        "instances": module(paths[f"{BASE}/process-instances"]["get"]),
        "tasks": module(paths[f"{BASE}/tasks"]["get"]),
        "body": sent,
    }


def test_a_generated_client_can_be_installed_and_called(
    made: Path, app: Flask, world: Api, address: str, tmp_path: Path
) -> None:
    document = json.loads((tmp_path / "openapi.json").read_text())
    assert document["info"]["title"].isascii()
    place = tmp_path / "installed"
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--disable-pip-version-check", "--target", str(place), str(made)),
    )
    assert (place / "yixing_client" / "client.py").is_file()
    calls = CALLS.format(**names(made, document))
    told = json.loads(
        run(sys.executable, "-c", calls, address, world.tokens["zhang"], PYTHONPATH=str(place))
    )
    assert told["launched"] == 201 and told["id"] in told["listed"]
    assert (told["tasks"], told["nobody"]) == (200, 401)
