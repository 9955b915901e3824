"""From a request to a command or a query and back: token, transaction, Idempotency-Key, reply.
One decorator per kind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import IO, TYPE_CHECKING, Any, TypeVar

from flask import Response, current_app, g, request
from flask_babel import gettext as _
from flask_smorest import Blueprint

from engine import db
from engine.commands import edge, people
from engine.errors import Conflict, NotFound, Refused
from engine.people import organisation
from webui.api.schemas import KeyHeader
from webui.api.strict import Parser, text
from webui.http import errors
from webui.http.sheets import named

if TYPE_CHECKING:
    from marshmallow import Schema

    from engine.db import Session

BASE = "/api/v1"
View = Callable[..., Any]
Found = TypeVar("Found")
JSON = "application/json"
PROBLEMS = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    422: "UNPROCESSABLE_ENTITY",
}
CHANGING = {
    **PROBLEMS,
    409: "CONFLICT",
    413: "REQUEST_ENTITY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}


class Binary:
    """A reply that is a file: media type, bytes, and the name under which it is kept."""

    def __init__(self, media_type: str, data: bytes, name: str) -> None:
        self.media_type, self.data, self.name = media_type, data, name

    def answer(self) -> Response:
        reply = Response(self.data, content_type=self.media_type)
        reply.headers["Content-Disposition"] = f"attachment; {named(self.name)}"
        return reply


@dataclass(frozen=True)
class Later:
    """A reply that it is being done: what is known of it, its shape, and its address."""

    found: object
    shape: type[Schema]
    at: str

    def answer(self) -> edge.Reply:
        body, shown = _dumped(self.shape(), self.found)
        return edge.Reply(202, body, BASE + self.at.format(**shown))


@dataclass(frozen=True)
class Published:
    """What the document says of a route. `sent` describes a body that no schema `given` reads,
    as media types.
    """

    rule: str
    method: str
    reply: Schema | None
    status: int
    media_type: str
    given: type[Schema] | None
    problems: dict[int, str]
    location: str = "json"  # of what is given; or "query"
    keyed: bool = False
    sent: dict[str, Any] | None = None
    later: type[Schema] | None = None

    def shape(self) -> Schema | dict[str, str] | None:
        """That of the reply: a schema, a file, or nothing."""
        nothing = self.reply is None and self.status == 204
        return None if nothing else self.reply or {"type": "string", "format": "binary"}

    def more(self) -> dict[str, Any]:
        """Parts of the operation that flask-smorest has no words for."""
        found: dict[str, Any] = {"parameters": [KeyHeader]} if self.keyed else {}
        if self.sent is not None:
            found["requestBody"] = {"required": True, "content": self.sent}
        return found

    def replied(self, found: object, at: str) -> edge.Reply | Binary:
        """What a view gave, as it is kept and sent; `at`: the address of what was made."""
        if isinstance(found, Binary):
            return found
        if isinstance(found, Later):
            return found.answer()
        body, shown = _dumped(self.reply, found)
        return edge.Reply(self.status, body, BASE + at.format(**shown) if at else "")


class Routes(Blueprint):  # type: ignore[misc]
    """A group of routes. `look` reads and `act` changes; a view gets (session, actor, parsed
    input if any, **path ids).
    """

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, about: str) -> None:
        super().__init__(f"api_{name}", __name__, url_prefix=BASE, description=about)
        self.tag = name
        self.before_request(recognise)

    def look(
        self,
        rule: str,
        reply: type[Schema] | None,
        *,
        query: type[Schema] | None = None,
        media_type: str = JSON,
        recorded: bool = False,
    ) -> Callable[[View], View]:
        """A GET: one transaction, nothing changes; `recorded`: but that it was read, or
        refused, is put on record.
        """
        published = Published(
            rule=rule,
            method="GET",
            reply=reply() if reply else None,
            status=200,
            media_type=media_type,
            given=query,
            location="query",
            problems=PROBLEMS,
        )

        def decorate(view: View) -> View:
            @wraps(view)
            def run(*given: Any, **path: Any) -> Response:
                def work(session: Session) -> Response:
                    found = view(session, g.actor, *given, **path)
                    if isinstance(found, Binary):
                        return found.answer()
                    return _json(_dumped(published.reply, found)[0], 200)

                return _read(work, recorded)

            return self._publish(published, run)

        return decorate

    def act(
        self,
        rule: str,
        reply: type[Schema] | None = None,
        *,
        body: type[Schema] | None = None,
        method: str = "POST",
        status: int = 200,
        at: str = "",
        sees: Callable[..., None] | None = None,
        keyed: bool = True,
        repeatable: bool = False,
        media_type: str = JSON,
        read: Callable[[], Any] | None = None,
        sent: dict[str, Any] | None = None,
        afterwards: Callable[[], Any] | None = None,
        many: bool = False,
        later: type[Schema] | None = None,
    ) -> Callable[[View], View]:
        """A change: one transaction with the stored reply of its Idempotency-Key; refusals are
        put on record.

        `at` is the address of what was made, with names of the reply in braces. `sees(session,
        actor, **path)` raises NotFound when the thing is not this person's to see: then a refusal
        says no more than that. `read` reads a body that is no JSON, which `sent` describes.
        `keyed`: it takes an Idempotency-Key; `repeatable`: nothing is kept of it, as doing it again
        does and says the same. `many`: several changes, each in a transaction of its own, for which
        the view gets in place of a session what carries one out; it is repeatable by itself.
        `later`: the view may give a `Later` of this shape, which is answered with 202.
        """
        published = Published(
            rule=rule,
            method=method,
            reply=reply() if reply else None,
            status=status,
            media_type=media_type,
            given=body,
            problems=CHANGING,
            keyed=keyed,
            sent=sent,
            later=later,
        )

        def decorate(view: View) -> View:
            @wraps(view)
            def run(*given: Any, **path: Any) -> Response:
                given = (read(),) if read else given
                if many:
                    at_once = partial(edge.carry_out, current_app.extensions["engine"], g.actor)
                    return _answer(
                        published.replied(view(at_once, g.actor, *given, **path), at), False
                    )
                key = request.headers.get("Idempotency-Key") if keyed and not repeatable else None

                def work(session: Session) -> edge.Reply | Binary:
                    return published.replied(view(session, g.actor, *given, **path), at)

                try:
                    done, fresh = _carry_out(key, work)
                except (Refused, Conflict):
                    if sees is not None:
                        _read(lambda session: sees(session, g.actor, **path))
                    raise
                if afterwards is not None:
                    afterwards()
                return _answer(done, replayed=key is not None and not fresh)

            return self._publish(published, run)

        return decorate

    def _publish(self, it: Published, run: View) -> View:
        """Parse, document and route. What documents a view would wrap it once for each word it
        says: only that is kept.
        """
        documented = self.response(it.status, it.shape(), content_type=it.media_type)(run)
        for code, name in it.problems.items():
            documented = self.alt_response(code, name)(documented)
        if it.later is not None:
            about = "It is being done by a worker; `Location` says where to look."
            documented = self.alt_response(202, schema=it.later, description=about, success=True)(
                documented
            )
        if it.given is not None:
            documented = self.arguments(it.given, location=it.location)(documented)
        operation = f"{self.tag}.{run.__name__}"
        documented = self.doc(operationId=operation, **it.more())(documented)
        parsed = run
        if it.given is not None:
            parsed = self.ARGUMENTS_PARSER.use_args(it.given(), location=it.location)(run)
        parsed._apidoc = documented._apidoc  # type: ignore[attr-defined]
        self.route(it.rule, methods=[it.method], tags=[self.tag])(parsed)
        return run


def _read(work: Callable[[Session], Found], recorded: bool = False) -> Found:
    """Read in one transaction; `recorded`: as a command, so that a refusal is put on record."""
    engine = current_app.extensions["engine"]
    if recorded:
        return edge.carry_out(engine, g.actor, work)
    with db.transaction(engine) as session:
        return work(session)


def multipart(
    optional: dict[str, dict[str, Any]] | None = None, **fields: dict[str, Any]
) -> dict[str, Any]:
    """The description of a form with one file and some plain fields."""
    shape = {"file": {"type": "string", "format": "binary"}, **fields}
    schema = {"type": "object", "properties": shape | (optional or {}), "required": list(shape)}
    return {"multipart/form-data": {"schema": schema}}


def _carry_out(
    key: str | None, made: Callable[[Session], edge.Reply | Binary]
) -> tuple[edge.Reply | Binary, bool]:
    """Do it in one transaction, once for the key; gives the reply, and whether it was done now."""
    fresh = False

    def work(session: Session) -> edge.Reply | Binary:
        nonlocal fresh
        fresh = False

        def do() -> Any:
            nonlocal fresh
            fresh = True
            return made(session)

        return do() if key is None else edge.once(session, g.actor, key, _request_hash(), do)

    done = edge.carry_out(current_app.extensions["engine"], g.actor, work)
    return done, fresh


def recognise() -> Response | None:
    """The person whose token this is. Two reads; no cookie is looked at."""
    sent = request.authorization
    for value in (request.view_args or {}).values():
        if isinstance(value, str):
            _plain(value)
    if sent is None or sent.type != "bearer" or not sent.token:
        return _stranger("")
    with db.transaction(current_app.extensions["engine"]) as session:
        member_id = people.token_owner(session, sent.token[:200])
        if member_id is not None:
            g.actor = organisation.actor(session, member_id)
            return None
    return _stranger(', error="invalid_token"')


def _plain(value: str) -> None:
    try:
        text(value)
    except Exception:
        raise NotFound from None


def _stranger(why: str) -> Response:
    said = _("令牌无效或已过期。") if why else _("请以 Authorization: Bearer 带上令牌。")
    reply = errors.answer(401, "unauthenticated", said)
    reply.headers["WWW-Authenticate"] = f'Bearer realm="yixing"{why}'
    return reply


def _dumped(schema: Schema | None, found: object) -> tuple[str, dict[str, Any]]:
    """What a view gave, as the text of the reply and as data."""
    if schema is None:
        return "", {}
    made = schema.dump(found)
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")), made


def _json(body: str, status: int) -> Response:
    return Response(body, status, content_type="application/json")


def _answer(done: edge.Reply | Binary, replayed: bool) -> Response:
    if isinstance(done, Binary):
        return done.answer()
    reply = _json(done.body, done.status)
    if done.status == 204:
        reply.content_type = None  # type: ignore[assignment]
    if done.location:
        reply.headers["Location"] = done.location
        reply.autocorrect_location_header = False
    if replayed:
        reply.headers["Idempotency-Replayed"] = "true"
    return reply


def _request_hash() -> str:
    """What makes two requests the same; of a multipart form the fields and files, as its
    boundary is drawn each time.
    """
    if request.mimetype != "multipart/form-data":
        return edge.request_hash(request.method, request.path, request.get_data())
    parts = [f"{name}={value}" for name, value in sorted(request.form.items(multi=True))]
    for name, file in sorted(request.files.items(multi=True), key=lambda pair: pair[0]):
        parts.append(f"{name}:{file.filename}:{_digest(file.stream)}")
    return edge.request_hash(
        request.method, request.path, "\n".join(parts).encode("utf-8", "surrogatepass")
    )


def _digest(stream: IO[bytes]) -> str:
    """SHA-256 of a whole file, which stands at its beginning again afterwards."""
    found = hashlib.sha256()
    stream.seek(0)
    while piece := stream.read(1 << 20):
        found.update(piece)
    stream.seek(0)
    return found.hexdigest()
