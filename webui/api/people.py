"""Members, their posts and tokens, units, imports and exports. Telephone and e-mail only reach who may see the people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import g, request
from marshmallow import Schema, fields

from engine import clock
from engine.commands import imports, people
from engine.queries import history as told
from engine.queries import people as reading
from webui.api import schemas, strict
from webui.api.edge import Binary, Routes, multipart
from webui.api.instances import EventPage
from webui.api.schemas import Both, Day, Flag, Id, Moment, Text, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from engine.commands.imports import Batch, Report
    from engine.db import Session
    from engine.organisation import Actor
    from engine.queries.people import Import, MemberFile, UnitNode, UnitTree

members = Routes("members", "People, their posts and tokens.")
units = Routes("units", "Units and unions.")
batches = Routes("imports", "Units, people, posts and delegates from and to .xlsx.")
ONE = "/members/<uuid:member_id>"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROOM = 64 * 1024  # for what a multipart body holds besides the file
MAX_SHEET = 10_000_000


# --- shapes ---------------------------------------------------------------------------------------------------------------
class Post(Schema):
    """A post with its term; `state` today: past, present or future."""

    id = fields.UUID(required=True)
    kind = fields.String()
    title = Both()
    unit_id = fields.UUID()
    unit = fields.String()
    term = fields.String()
    from_on = fields.Date()
    to_on = fields.Date(allow_none=True)
    ended_why = fields.String()
    state = schemas.Choice("past", "present", "future")


class MemberRow(Schema):
    """A line of the roster; the posts are those of today."""

    id = fields.UUID(required=True)
    username = fields.String()
    name = fields.String()
    unit_id = fields.UUID()
    unit = fields.String()
    phone = fields.String()
    email = fields.String()
    active = fields.Boolean()
    posts = fields.List(fields.Nested(Post))


class Token(Schema):
    """An API token, without its secret."""

    id = fields.String(required=True)
    name = fields.String()
    created_at = Moment()
    expires_at = Moment(allow_none=True)


class Member(Schema):
    """All there is on a member."""

    id = fields.UUID(required=True)
    username = fields.String()
    name = fields.String()
    union_id = fields.UUID()
    union = fields.String()
    unit_id = fields.UUID()
    unit = fields.String()
    phone = fields.String()
    email = fields.String()
    locale = fields.String()
    active = fields.Boolean()
    can_log_in = fields.Boolean()
    created_at = Moment()
    posts = fields.List(fields.Nested(Post))
    tokens = fields.List(fields.Nested(Token))


class Unit(Schema):
    """A unit; `members` counts its own active members, `parent_id` is empty for the union itself."""

    id = fields.UUID(required=True)
    parent_id = fields.UUID(allow_none=True)
    code = fields.String()
    kind = fields.String()
    title = Both()
    name = fields.String()
    name_en = fields.String()
    active = fields.Boolean()
    members = fields.Integer()


class UnitBranch(Schema):
    """A unit with what stands under it."""

    id = fields.UUID(required=True)
    code = fields.String()
    kind = fields.String()
    title = Both()
    name = fields.String()
    name_en = fields.String()
    active = fields.Boolean()
    members = fields.Integer()
    children = fields.List(fields.Nested(lambda: UnitBranch()))


class Tree(Schema):
    """A union's units, and which unions manage and guide it."""

    root = fields.Nested(UnitBranch, required=True)
    managing = fields.String()
    guiding = fields.String()
    owner_type = fields.String()
    city = fields.String()


class ImportLine(Schema):
    number = fields.Integer()
    values = fields.Dict(keys=fields.String(), values=fields.String())
    level = schemas.Choice("ok", "warning", "error")
    messages = fields.List(fields.String())
    does = fields.String()


class ImportShape(Schema):
    """An import with what was found on each row; nothing is written before it is confirmed."""

    id = fields.UUID(required=True)
    kind = fields.String()
    file = fields.String()
    state = fields.String()
    at = Moment()
    by = fields.String()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    notes = fields.List(fields.String())
    rows = fields.List(fields.Nested(ImportLine))


class Previewed(Schema):
    """What a preview found; its rows are at /imports/<id>."""

    id = fields.UUID(required=True)
    kind = fields.String()
    file = fields.String()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    notes = fields.List(fields.String())


class Imported(Schema):
    batch_id = fields.UUID(required=True)
    kind = fields.String()
    created = fields.Integer()
    changed = fields.Integer()
    skipped = fields.Integer()


class Plain(Schema):
    """A new token. It is shown this once."""

    token = fields.String(required=True)


class Changed(Schema):
    changed = fields.Boolean(required=True, metadata={"description": "False: nothing was new."})


# --- input ----------------------------------------------------------------------------------------------------------------
class Roster(schemas.Paged):
    union = Id(load_default=None, metadata={"description": "Without it one's own."})
    q = Text(100, load_default="", metadata={"description": "In name or user name."})
    unit = Id(load_default=None, metadata={"description": "With all units below it."})
    post = Text(50, load_default=None)
    inactive = Flag(load_default=False)


class NewMember(schemas.Sent):
    username = Text(64, 2, required=True)
    name = Text(60, 1, required=True)
    unit_id = Id(required=True)
    phone = Text(20, load_default="")
    email = Text(320, load_default="")
    locale = schemas.Choice("zh", "en", load_default="zh")


class MemberChange(schemas.Sent):
    name = Text(60, 1)
    unit_id = Id()
    phone = Text(20)
    email = Text(320)
    locale = schemas.Choice("zh", "en")
    active = Flag()


class NewPost(schemas.Sent):
    kind = Text(50, 1, required=True)
    unit_id = Id(required=True)
    from_on = Day(required=True)
    to_on = Day(load_default=None, allow_none=True)
    term = Text(40, load_default="")


class EndPost(schemas.Sent):
    on = Day(required=True, metadata={"description": "The last day."})
    why = Text(200, 2, required=True)


class Password(schemas.Sent):
    password = Text(1000, 1, required=True)


class OwnPassword(schemas.Sent):
    old = Text(1000, 1, required=True)
    new = Text(1000, 1, required=True)


class NewToken(schemas.Sent):
    name = Text(60, 1, required=True)
    days = Whole(1, 730, load_default=365)


class OfUnion(schemas.Asked):
    union = Id(load_default=None, metadata={"description": "Without it one's own."})


class NewUnit(schemas.Sent):
    code = Text(32, 1, required=True)
    kind = Text(50, 1, required=True)
    name = Text(100, 1, required=True)
    parent_id = Id(load_default=None, allow_none=True)
    name_en = Text(200, load_default="")
    owner_type = Text(20, load_default="")
    city = Text(50, load_default="")


class UnitChange(schemas.Sent):
    name = Text(100, 1)
    name_en = Text(200)
    parent_id = Id()
    owner_type = Text(20)
    city = Text(50)
    active = Flag()


class Log(schemas.Asked):
    limit = Whole(1, schemas.MOST, load_default=50)
    after = Whole(1, 2**31 - 1, load_default=None, metadata={"description": "`next` of the page before: a seq."})


class WhichImports(schemas.Asked):
    union = Id(load_default=None)
    state = schemas.Choice("previewed", "done", load_default=None)


MemberPage = schemas.page("MemberPage", MemberRow)
UnitPage = schemas.page(
    "UnitPage", Unit, managing=fields.String(), guiding=fields.String(), owner_type=fields.String(), city=fields.String()
)
ImportPage = schemas.page("ImportPage", ImportShape)


# --- members --------------------------------------------------------------------------------------------------------------
@members.look("/members", MemberPage, query=Roster)
def list_members(session: Session, actor: Actor, given: dict[str, Any]) -> Any:
    """The roster of a union, by name; for its secretary, auditor and administrator."""
    return reading.roster(
        session, actor, given["union"] or actor.union_id, given["q"], given["unit"], given["post"], given["after"],
        given["limit"], given["inactive"],
    )  # fmt: skip


@members.look("/members/me", Member)
def get_me(session: Session, actor: Actor) -> MemberFile:
    """Who I am, which posts I hold, and my tokens."""
    return reading.member_file(session, actor, actor.id)


@members.look(ONE, Member)
def get_member(session: Session, actor: Actor, member_id: UUID) -> MemberFile:
    """One member with all posts."""
    return reading.member_file(session, actor, member_id)


@members.act("/members", schemas.Made, body=NewMember, status=201, at="/members/{id}")
def create_member(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, UUID]:
    """Enter a person. Nobody can log in as them before a password is set."""
    return {"id": people.create_member(session, actor, **given)}


@members.act(ONE, Changed, body=MemberChange, method="PATCH")
def change_member(session: Session, actor: Actor, given: dict[str, Any], member_id: UUID) -> dict[str, bool]:
    """Change what is given; telephone, e-mail and language everybody changes themselves."""
    return {"changed": people.change_member(session, actor, member_id, **given)}


@members.act(f"{ONE}/posts", schemas.Made, body=NewPost, status=201)
def grant_post(session: Session, actor: Actor, given: dict[str, Any], member_id: UUID) -> dict[str, UUID]:
    """Give a member a post; the first and the last day count."""
    return {"id": people.grant_post(session, actor, member_id, **given)}


@members.act("/posts/<uuid:post_id>/end", body=EndPost, status=204)
def end_post(session: Session, actor: Actor, given: dict[str, Any], post_id: UUID) -> None:
    """End a post."""
    people.end_post(session, actor, post_id, **given)


@members.act(f"{ONE}/password", body=Password, status=204, keyed=False)
def set_password(session: Session, actor: Actor, given: dict[str, Any], member_id: UUID) -> None:
    """Give a member a new password and end their sessions (administrator)."""
    people.set_password(session, actor, member_id, given["password"])


@members.act("/members/me/password", body=OwnPassword, status=204, keyed=False, afterwards=lambda: g.attempt.must())
def change_password(session: Session, actor: Actor, given: dict[str, Any]) -> None:
    """Change my password; a wrong old one is counted, so this is decided after it has been kept."""
    g.attempt = people.change_own_password(session, actor, given["old"], given["new"])


@members.act("/members/me/tokens", Plain, body=NewToken, status=201, keyed=False)
def create_token(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, str]:
    """A new token for me. It is shown once and not kept, so there is no key."""
    return {"token": people.create_token(session, actor, actor.id, **given)}


@members.act("/tokens/<token_id>", method="DELETE", status=204)
def end_token(session: Session, actor: Actor, token_id: str) -> None:
    """End a token by its id."""
    people.end_token(session, actor, token_id)


# --- units ----------------------------------------------------------------------------------------------------------------
@units.look("/units", UnitPage, query=OfUnion)
def list_units(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The units of a union, closed ones too, parents before what stands under them."""
    tree = reading.unit_tree(session, actor, given["union"] or actor.union_id)
    return {**vars(tree), "items": list(_flat(tree.root, None)), "next": None}


def _flat(node: UnitNode, parent_id: UUID | None) -> Iterator[Any]:
    yield _Unit(node, parent_id)
    for child in node.children:
        yield from _flat(child, node.id)


class _Unit:
    """A node of the tree with its parent."""

    def __init__(self, node: UnitNode, parent_id: UUID | None) -> None:
        self.__dict__.update(vars(node), parent_id=parent_id)


@units.look("/units/tree", Tree, query=OfUnion)
def unit_tree(session: Session, actor: Actor, given: dict[str, Any]) -> UnitTree:
    """The same as a tree."""
    return reading.unit_tree(session, actor, given["union"] or actor.union_id)


@units.act("/units", schemas.Made, body=NewUnit, status=201)
def create_unit(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, UUID]:
    """Enter a unit; a university's union finds its managing union by itself."""
    return {"id": people.create_unit(session, actor, **given)}


@units.act("/units/<uuid:unit_id>", Changed, body=UnitChange, method="PATCH")
def change_unit(session: Session, actor: Actor, given: dict[str, Any], unit_id: UUID) -> dict[str, bool]:
    """Change what is given."""
    return {"changed": people.change_unit(session, actor, unit_id, **given)}


@units.look("/units/<uuid:unit_id>/history", EventPage, query=Log)
def union_history(session: Session, actor: Actor, given: dict[str, Any], unit_id: UUID) -> dict[str, Any]:
    """What happened in a union besides its instances, newest first (secretary, auditor)."""
    found = told.union_log(session, actor, unit_id, given["after"], given["limit"] + 1)
    shown = found[: given["limit"]]
    return {"items": shown, "next": shown[-1].seq if len(found) > len(shown) else None}


# --- imports and exports --------------------------------------------------------------------------------------------------
def _sheet() -> dict[str, Any]:
    given = strict.uploaded({"kind"}, MAX_SHEET + ROOM)
    file = request.files["file"]
    return {"kind": given.get("kind", ""), "name": file.filename or "", "data": file.stream.read(MAX_SHEET + 1)}


@batches.act(
    "/imports", Previewed, status=201, at="/imports/{id}", read=_sheet,
    sent=multipart(kind={"type": "string", "enum": sorted(imports.KINDS)}),
)  # fmt: skip
def preview_import(session: Session, actor: Actor, given: dict[str, Any]) -> Batch:
    """Read a file and check every row; nothing but the preview is kept."""
    return imports.preview(session, actor, given["kind"], given["name"], given["data"])


@batches.look("/imports", ImportPage, query=WhichImports)
def list_imports(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The last fifty imports of a union, newest first, without their rows."""
    found = reading.imports(session, actor, given["union"] or actor.union_id, state=given["state"])
    return {"items": found, "next": None}


@batches.look("/imports/<uuid:batch_id>", ImportShape)
def get_import(session: Session, actor: Actor, batch_id: UUID) -> Import:
    """One import with its rows."""
    return reading.one_import(session, actor, batch_id)


@batches.act("/imports/<uuid:batch_id>/confirm", Imported)
def confirm_import(session: Session, actor: Actor, batch_id: UUID) -> Report:
    """Write all rows of an import, or none."""
    return imports.confirm(session, actor, batch_id)


@batches.look("/imports/templates/<kind>", None, media_type=XLSX)
def import_template(_session: Session, _actor: Actor, kind: str) -> Binary:
    """The .xlsx to be filled in."""
    return Binary(XLSX, imports.template(kind), f"{kind}.xlsx")


@batches.act("/exports/<kind>", media_type=XLSX, keyed=False)
def export_people(session: Session, actor: Actor, kind: str) -> Binary:
    """What is registered, in the shape of the imports. Every export is put on record, so there is no key."""
    return Binary(XLSX, imports.export(session, actor, kind), f"{kind}-{clock.today()}.xlsx")
