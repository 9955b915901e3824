"""The shapes in which process definitions and their versions are asked for and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from webui.api import schemas
from webui.api.schemas import Moment, Said, Text
from webui.http.messages import in_language
from webui.http.words import lang

HASH = 64


class OwnShape(Schema):
    """A version that one union has for itself: its matters get it while it is in force, those of
    all others the common one.
    """

    id = fields.UUID(required=True)
    union_id = fields.UUID()
    union = fields.String()
    process_id = fields.String()
    version = fields.String(metadata={"description": "Its hash."})
    number = fields.Integer()
    state = schemas.Choice("proposed", "in_force", "refused", "ended")
    based_on = fields.String(
        metadata={"description": "Hash of what was in force for all when it was proposed."}
    )
    behind = fields.Boolean(
        metadata={"description": "Another version is in force for all by now: see common_version."}
    )
    common_version = fields.String()
    note = fields.String()
    author = fields.String()
    approver = fields.String()
    created_at = Moment()
    decided_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    mine = fields.Boolean()
    decides = fields.Boolean()
    ends = fields.Boolean()
    played = fields.Integer()
    wrong = fields.Integer()
    stories = fields.Integer()


class VersionShape(Schema):
    """A version; `latest`: new instances get it, but in unions that have one of their own."""

    hash = fields.String(required=True)
    process_id = fields.String()
    number = fields.Integer()
    state = schemas.Choice("proposed", "published", "refused", "retired", "own")
    title = fields.String()
    note = Said()
    author = fields.String()
    approver = fields.String()
    created_at = Moment()
    decided_at = Moment(allow_none=True)
    latest = fields.Boolean()
    mine = fields.Boolean()
    own = fields.List(fields.Nested(OwnShape))


class DefinitionRow(Schema):
    """A process with its version in force for all, the proposals that wait, for those who handle
    them, and what unions that you belong to have for themselves.
    """

    process_id = fields.String(required=True)
    title = fields.String()
    summary = fields.String()
    basis = fields.String()
    current = fields.Nested(VersionShape, allow_none=True)
    versions = fields.Integer()
    waiting = fields.List(fields.Nested(VersionShape))
    own = fields.List(fields.Nested(OwnShape))
    launchable = fields.Boolean(metadata={"description": "I may start it."})


class Branch(Schema):
    choice = fields.String()
    leads_to = fields.String()


class DefinitionStep(Schema):
    """A user task or a message in words."""

    id = fields.String()
    title = fields.String()
    asks = fields.String()
    due = fields.String()
    poll = fields.String()
    not_by = fields.List(fields.String())
    recuse = fields.String()
    next = fields.List(fields.Nested(Branch))


class Rehearsal(Schema):
    """A story of the version and how it went before approval; `ok` is null until it was played."""

    file = fields.String()
    title = fields.String()
    proves = fields.String()
    ok = fields.Boolean(allow_none=True)
    why = Said()


class LaneShape(Schema):
    title = fields.String()
    steps = fields.List(fields.Nested(DefinitionStep))


class DefinitionForm(Schema):
    """A form and, as JSON Schema, the answers that it takes; sources and hidden fields are checked
    on top of that.
    """

    form = fields.Nested(schemas.Form)
    answers = fields.Dict()


class Definition(Schema):
    """A version with its lanes, tasks, messages and forms; the form `launch` starts an instance."""

    version = fields.Nested(VersionShape, required=True)
    title = fields.String()
    summary = fields.String()
    basis = fields.String()
    launch = fields.List(fields.String(), metadata={"description": "The posts that may start it."})
    lanes = fields.List(fields.Nested(LaneShape))
    forms = fields.Dict(keys=fields.String(), values=fields.Nested(DefinitionForm))
    messages = fields.List(fields.String())
    decisions = fields.List(fields.String())
    outline = fields.String()
    stories = fields.List(fields.String())
    rehearsals = fields.List(fields.Nested(Rehearsal))
    others = fields.List(fields.Nested(VersionShape))


class Files(Schema):
    hash = fields.String(required=True)
    files = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    beside = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "Stories and notes that came with the version."},
    )


class Opening(Schema):
    """What I need to start it: the form, what its fields offer, whom it goes to first, and my
    draft.
    """

    process_id = fields.String(required=True)
    title = fields.String()
    union_id = fields.UUID()
    union = fields.String()
    version = fields.String()
    own = fields.Boolean(metadata={"description": "By a version that the union has for itself."})
    form = fields.Nested(schemas.Form)
    offers = schemas.Offers()
    next = fields.List(
        fields.Nested(
            Schema.from_dict({"title": fields.String(), "who": fields.String()}, name="FirstTask")
        )
    )
    draft = fields.Dict()
    saved_at = Moment(allow_none=True)


class ChangedLine(Schema):
    sign = fields.String()
    old = fields.Integer(allow_none=True)
    new = fields.Integer(allow_none=True)
    text = fields.String()


class ChangedFile(Schema):
    name = fields.String()
    what = schemas.Choice("added", "removed", "changed")
    plus = fields.Integer()
    minus = fields.Integer()
    lines = fields.List(fields.Nested(ChangedLine))
    cut = fields.Boolean()


class DifferenceShape(Schema):
    """What changed from one version to another of the same process."""

    old = fields.Nested(VersionShape)
    new = fields.Nested(VersionShape)
    outline = fields.List(fields.Nested(ChangedLine))
    files = fields.List(fields.Nested(ChangedFile))


class Decided(Schema):
    hash = fields.String(required=True)
    own = fields.UUID(metadata={"description": "Of one union only: the id of its own version."})


class _Message(fields.String):
    """A message of the engine, in the language that was asked for."""

    def _serialize(self, value: object, *_more: Any, **__: Any) -> str:
        return in_language(value, lang())


class FaultShape(Schema):
    file = fields.String()
    element = fields.String()
    what = _Message()
    advice = _Message()


class Checked(Schema):
    """All that is wrong with a folder, in its author's words; empty when it may be proposed."""

    faults = fields.List(fields.Nested(FaultShape), required=True)


class Proposal(schemas.Sent):
    files = fields.Dict(
        keys=Text(200, 1),
        values=fields.String(),
        required=True,
        metadata={"description": "Text of each file by its path."},
    )
    note = Text(500, 1, required=True, metadata={"description": "What was changed, and why."})
    union_id = fields.UUID(metadata={"description": "For this union only, of which you are."})


class Zipped(schemas.Sent):
    note = Text(500, 1, required=True)
    union_id = fields.UUID()


class Since(schemas.Asked):
    old = Text(HASH, HASH, required=True, metadata={"description": "Hash of the older version."})


DefinitionPage = schemas.page("DefinitionPage", DefinitionRow)
VersionPage = schemas.page("VersionPage", VersionShape)
