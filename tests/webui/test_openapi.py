"""The document that describes the API: valid OpenAPI 3.1, complete, and true to what the routes answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from engine import db
from tests.conftest import fresh
from tests.webui.api.world import BASE, application

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def made(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with fresh(server) as url:
        yield application(url, tmp_path_factory.mktemp("openapi"))
        db.release(url)


@pytest.fixture(scope="module")
def document(made: Flask) -> dict[str, Any]:
    found = made.test_client().get(f"{BASE}/openapi.json")
    assert found.status_code == 200 and found.content_type == "application/json"
    return dict(found.json)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, item[method])
        for path, item in document["paths"].items()
        for method in ("get", "post", "put", "patch", "delete")
        if method in item
    ]


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    assert document["openapi"].startswith("3.1")
    validator.validate(document, cls=validator.OpenAPIV31SpecValidator)


def test_every_route_is_in_it(made: Flask, document: dict[str, Any]) -> None:
    routed = {
        (method.lower(), re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in made.url_map.iter_rules()
        if rule.rule.startswith(f"{BASE}/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routed == {(method, path) for method, path, _ in operations(document)}
    assert len(routed) > 60


def test_every_operation_says_what_it_does_and_has_its_own_id(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert [
        path for _, path, operation in operations(document) if not operation.get("summary")
    ] == []


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    named = document["components"]["responses"]
    assert {
        "UNAUTHORIZED",
        "NOT_FOUND",
        "CONFLICT",
        "UNPROCESSABLE_ENTITY",
        "DEFAULT_ERROR",
    } <= set(named)
    assert all(list(response["content"]) == [PROBLEM] for response in named.values())
    for _method, path, operation in operations(document):
        if operation["operationId"] != "openapi.get":
            assert {"401", "404", "422"} <= set(operation["responses"]), path


def test_changes_take_an_idempotency_key_but_for_those_that_must_not_be_kept(
    document: dict[str, Any],
) -> None:
    without = {
        operation["operationId"].partition(".")[2]
        for method, _path, operation in operations(document)
        if method != "get"
        and not any(p.get("name") == "Idempotency-Key" for p in operation.get("parameters", ()))
    }
    assert without == {
        "export_evidence",
        "export_people",
        "set_password",
        "invite",
        "change_password",
        "create_token",
        "give_key",
        "check_folder",
        "verify",
        "send_link",
        "take_key",
        "join_key",
        "evaluate",
        "plan_launch",
        "queue_verification",
        "queue_evidence",
        "complete_together",  # the number of the batch is its key
        "undo_together",
        "preview_together",  # nothing is done
        "act_on_many",  # each instance by itself: what was done is not waited for any more
    }


def test_only_the_document_itself_is_open(made: Flask) -> None:
    browser = made.test_client()
    for rule in made.url_map.iter_rules():
        if not rule.rule.startswith(f"{BASE}/") or rule.endpoint == "api.openapi":
            continue
        path = re.sub(r"<uuid:\w+>", "01a20509-42be-7875-a54e-608a92498ac0", rule.rule)
        for method in rule.methods - {"OPTIONS"}:
            path = re.sub(r"<int:\w+>", "1", path)
            found = browser.open(re.sub(r"<\w+>", "x", path), method=method)
            assert found.status_code == 401, (method, path)
            assert found.headers["WWW-Authenticate"] == 'Bearer realm="yixing"'
            assert method == "HEAD" or found.content_type == PROBLEM
