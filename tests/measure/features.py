"""What a user can call: the API's document, the command line's help, the stories. Two checkouts compared: what vanished.

As a program it prints, as JSON, what the product that it can import offers.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.measure import elsewhere
from tests.measure.names import module

if TYPE_CHECKING:
    from collections.abc import Iterator


def offered(checkout: Path) -> list[str]:
    """Every thing offered, a line each: "api GET /api/v1/… 200.title", "cli publish FOLDER", "story …/101_….toml: title"."""
    found: list[str] = elsewhere.run(checkout, "tests.measure.features", str(checkout))
    return found


def vanished(before: Path, after: Path) -> list[str]:
    """What the one offers and the other does not: the promise is that there is nothing."""
    return sorted(set(offered(before)) - set(offered(after)))


def _all(checkout: Path) -> list[str]:
    return sorted({*_api(checkout), *_commands(module("usage").parser(), ""), *_stories(checkout)})


# --- the API: paths, methods, parameters, fields of what goes in and comes out -----------------------------------------
def _api(checkout: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as home:
        own = module("settings").Settings(
            home=Path(home),
            database_url="postgresql://nobody@localhost/never",  # the document asks no database
            processes=checkout / "processes",
        )
        document = module("webui").create_app(own).test_client().get("/api/v1/openapi.json").json
    for path, methods in document["paths"].items():
        shared = methods.get("parameters", [])
        for method, operation in methods.items():
            if method != "parameters":
                yield from _operation(document, f"api {method.upper()} {path}", operation, shared)


def _operation(
    document: dict[str, Any], name: str, operation: dict[str, Any], shared: list[Any]
) -> Iterator[str]:
    yield name
    for given in [*shared, *operation.get("parameters", [])]:
        parameter = _meant(document, given)
        yield f"{name} {parameter['in']} {parameter['name']}"
    body = _meant(document, operation.get("requestBody", {}))
    yield from _bodies(document, f"{name} takes", body)
    for status, answer in operation.get("responses", {}).items():
        yield f"{name} {status}"
        yield from _bodies(document, f"{name} {status}", _meant(document, answer))


def _bodies(document: dict[str, Any], name: str, holder: dict[str, Any]) -> Iterator[str]:
    for kind, content in holder.get("content", {}).items():
        yield f"{name} {kind}"
        yield from _fields(document, name, content.get("schema", {}), ())


def _fields(
    document: dict[str, Any], name: str, schema: dict[str, Any], inside: tuple[str, ...]
) -> Iterator[str]:
    """The fields of a schema by dotted path; one that contains itself is followed once."""
    reference = schema.get("$ref", "")
    if reference in inside:
        return
    inside = (*inside, reference) if reference else inside
    schema = _meant(document, schema)
    for field, inner in schema.get("properties", {}).items():
        yield f"{name}.{field}"
        yield from _fields(document, f"{name}.{field}", inner, inside)
    for word in schema.get("enum", []):
        yield f"{name} = {word}"
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from _fields(document, f"{name}[]", inner, inside)
    for inner in (each for way in ("allOf", "anyOf", "oneOf") for each in schema.get(way, [])):
        yield from _fields(document, name, inner, inside)


def _meant(document: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The thing itself where a reference to it stands."""
    while "$ref" in found:
        place: Any = document
        for part in found["$ref"].removeprefix("#/").split("/"):
            place = place[part.replace("~1", "/").replace("~0", "~")]
        found = place
    return found


# --- the command line: verbs and arguments; their words may become better ----------------------------------------------
def _commands(parser: argparse.ArgumentParser, verb: str) -> Iterator[str]:
    yield f"cli{verb}"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _commands(inner, f"{verb} {name}")
        else:
            names = action.option_strings or [str(action.metavar or action.dest)]
            yield from (f"cli{verb} {name}" for name in names)
            yield from (f"cli{verb} {names[-1]} = {each}" for each in action.choices or ())


# --- stories ----------------------------------------------------------------------------------------------------------
def _stories(checkout: Path) -> Iterator[str]:
    for file in sorted((checkout / "processes").glob("*/scenarios/*.toml")):
        told = tomllib.loads(file.read_text("utf-8"))
        steps = len(told.get("step", []))
        yield f"story {file.relative_to(checkout)}: {told['title']}, {steps} steps"


if __name__ == "__main__":
    print(json.dumps(_all(Path(sys.argv[1])), ensure_ascii=False))
