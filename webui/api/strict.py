"""Reads what a program sends, more strictly than the libraries do: one meaning or none. It
knows no resource.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote_to_bytes

from flask import request
from flask_babel import gettext as _
from marshmallow import ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from engine.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask import Request
    from marshmallow import Schema

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1  # every reader of JSON keeps whole numbers up to here exact


class Parser(FlaskParser):
    """webargs with our readers; its faults become `Invalid`, by field."""

    DEFAULT_UNKNOWN_BY_LOCATION = {}  # the schemas refuse unknown fields themselves

    def load_json(self, req: Request, schema: Schema) -> Any:
        return body(req)

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        return query(req)

    def handle_error(
        self, error: ValidationError, req: Request, schema: Schema, **_more: Any
    ) -> NoReturn:
        found: Any = error.messages
        (messages,) = found.values()  # webargs puts them under the place where they were read
        raise Invalid(dict(by_field(messages))) from None


def loaded(schema: Schema, data: Mapping[str, Any]) -> Any:
    """Data through a schema. Raises Invalid by field."""
    try:
        return schema.load(data)
    except ValidationError as error:
        raise Invalid(dict(by_field(error.messages))) from None


def by_field(messages: object, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """marshmallow's nested messages as (dotted field, texts)."""
    if not isinstance(messages, dict):
        yield (
            path or "_",
            [_text(m) for m in (messages if isinstance(messages, list) else [messages])],
        )
        return
    for key, inner in messages.items():
        name = "" if key == "_schema" else printable(str(key))
        yield from by_field(inner, f"{path}.{name}" if path and name else path or name)


def _text(message: object) -> str:
    """A message as it is; a lazy text of marshmallow's in the language of the request."""
    return message if isinstance(message, str) else str(message)


def printable(text: str) -> str:
    """A name that came from outside, fit to be shown."""
    return "".join(c for c in text[:80] if c.isprintable()) or "_"


def body(req: Request) -> Any:
    """The JSON of the body. 415 for another type; 400 for what is no JSON, deeper than 32
    levels, has a key twice, NaN or Infinity; Invalid for characters and numbers that cannot be
    kept.
    """
    if req.mimetype != "application/json" or req.mimetype_params.get(
        "charset", "utf-8"
    ).lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(_("请以 application/json(UTF-8)发送内容。"))
    found = parse(req.get_data())
    check(found)
    return found


def parse(data: bytes) -> Any:
    """Bytes as JSON, in the one way that all readers agree on. Raises BadRequest."""
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_constant=_constant,
            parse_float=_float,
        )
    except UnicodeDecodeError:
        raise BadRequest(_("内容不是 UTF-8 编码。")) from None
    except RecursionError:
        raise BadRequest(_("内容嵌套超过 %(n)s 层。", n=MAX_DEPTH)) from None
    except ValueError as fault:  # also for a number of more than 4,300 digits
        raise BadRequest(_("内容不是有效的 JSON:%(why)s", why=printable(str(fault)))) from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


def check(value: object) -> None:
    """Refuse levels, characters and numbers that cannot be kept. Raises BadRequest, Invalid."""
    waiting = [(value, 1)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, str):
            text(found)
        elif isinstance(found, dict | list):
            if depth > MAX_DEPTH:
                raise BadRequest(_("内容嵌套超过 %(n)s 层。", n=MAX_DEPTH))
            inner = [*found, *found.values()] if isinstance(found, dict) else found
            waiting.extend((each, depth + 1) for each in inner)
        elif isinstance(found, int) and abs(found) > MAX_INTEGER:
            raise Invalid(_("整数过大。"))


def text(value: str) -> None:
    """Refuse NUL and halves of characters, which no column can hold. Raises Invalid."""
    if "\0" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise Invalid(_("内容中有不能保存的字符。"))


def query(req: Request) -> dict[str, str]:
    """The query string, each name once. Raises BadRequest, Invalid."""
    try:
        unquote_to_bytes(req.query_string).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(_("网址不是 UTF-8 编码。")) from None
    found: dict[str, str] = {}
    for name, values in req.args.lists():
        if len(values) != 1:
            raise Invalid({printable(name): [_("只能写一次。")]})
        text(name + values[0])
        found[name] = values[0]
    return found


def uploaded(names: set[str], limit: int) -> dict[str, str]:
    """The plain fields of a multipart form with one `file`; opens the body to `limit` bytes.
    Raises 415, Invalid.
    """
    request.max_content_length = limit
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(_("请以 multipart/form-data 发送文件。"))
    strange = (set(request.form) - names) | (set(request.files) - {"file"})
    if strange:
        raise Invalid({printable(name): [_("没有这一项。")] for name in strange})
    if len(request.files.getlist("file")) != 1:
        raise Invalid({"file": [_("请选择一个文件。")]})
    for value in request.form.values():
        text(value)
    return {name: request.form[name] for name in request.form}
