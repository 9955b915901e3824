"""What all resources share: the fields in which programs write, the shapes in which we answer,
and their language.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from engine.queries import history
from webui.http.fields import FIRST, LAST
from webui.http.words import lang, said

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 200
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WRONG: dict[str, Any] = {
    "required": _l("必填。"),
    "null": _l("必填。"),
    "invalid": _l("填写的格式不对。"),
    "validator_failed": _l("填写的内容不对。"),
    "unknown": _l("没有这一项。"),
    "type": _l("应是一组答案。"),
}
KeyHeader: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "The same key with the same request is carried out once; repetitions get the first reply, marked "
    "`Idempotency-Replayed: true`. With another request it is refused (422).",
}


# --- what programs send --------------------------------------------------------------------------
class Sent(Schema):
    """Ancestor of whatever is sent: unknown fields are refused."""

    error_messages = _WRONG
    from_query = False

    class Meta:
        unknown = RAISE


def _of_query(field: fields.Field[Any]) -> bool:
    return bool(getattr(field.parent, "from_query", False))


class Text(fields.String):
    """Text of `least` to `most` characters."""

    def __init__(self, most: int, least: int = 0, **options: Any) -> None:
        length = validate.Length(least, most, error=_l("应为 {min} 至 {max} 个字。"))
        super().__init__(validate=length, error_messages=_WRONG, **options)


class Choice(fields.String):
    """One of a few words."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(
            validate=validate.OneOf(words, error=_l("应为 {choices} 之一。")),
            error_messages=_WRONG,
            **options,
        )


class Whole(fields.Integer):
    """A whole number between two bounds; in a query string its digits."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        error = _l("应为 {min} 至 {max} 之间的整数。")
        super().__init__(
            validate=validate.Range(least, most, error=error), error_messages=_WRONG, **options
        )

    def _deserialize(self, value: object, *_more: Any, **__: Any) -> int:
        if isinstance(value, str) and _of_query(self) and re.fullmatch(r"-?[0-9]{1,15}", value):
            return int(value)
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class Id(fields.UUID):
    """A UUID in its usual form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages={**_WRONG, "invalid_uuid": _WRONG["invalid"]}, **options)

    def _deserialize(self, value: object, *_more: Any, **__: Any) -> UUID:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise self.make_error("invalid_uuid")
        return UUID(value)


class Day(fields.Date):
    """A day, YYYY-MM-DD, from 1900 to 2199."""

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages=_WRONG, **options)

    def _deserialize(self, value: object, *_more: Any, **__: Any) -> date:
        text = value if isinstance(value, str) and _DAY.fullmatch(value) else ""
        try:
            found = date.fromisoformat(text)
        except ValueError:
            raise self.make_error("invalid") from None
        if not FIRST <= found.year <= LAST:
            raise ValidationError(_("年份应在 1900 至 2199 之间。"))
        return found


class Flag(fields.Boolean):
    """true or false, nothing else."""

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages=_WRONG, **options)

    def _deserialize(self, value: object, *_more: Any, **__: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        if _of_query(self) and value in ("true", "false"):
            return bool(value == "true")
        raise self.make_error("invalid")


class Answers(fields.Dict):
    """The answers of a form by field; which ones, the form of the task or process says."""

    def __init__(self, **options: Any) -> None:
        super().__init__(keys=fields.String(), error_messages=_WRONG, **options)


class Asked(Sent):
    """Ancestor of query strings."""

    from_query = True


class Paged(Asked):
    """Which page of a list."""

    limit = Whole(1, MOST, load_default=50, metadata={"description": "Length of the page."})
    after = Text(1000, load_default=None, metadata={"description": "`next` of the page before."})


class OfUnion(Asked):
    union = Id(load_default=None, metadata={"description": "Without it one's own."})


class Log(Asked):
    """A page of a log that runs backwards."""

    limit = Whole(1, MOST, load_default=50)
    after = Whole(
        1,
        2**31 - 1,
        load_default=None,
        metadata={"description": "`next` of the page before: a seq."},
    )
    who = Text(100, load_default="", metadata={"description": "The name of who acted."})
    since = Day(load_default=None)
    until = Day(load_default=None, metadata={"description": "Included."})
    refused = Flag(load_default=False, metadata={"description": "Refused attempts only."})


def which(given: Mapping[str, Any]) -> history.Which:
    """What `Log` asks for."""
    wanted = {key: given[key] for key in ("who", "since", "until", "refused")}
    return history.Which(**wanted, before=given["after"])


class Reason(Sent):
    reason = Text(500, 1, required=True)


# --- what we answer ------------------------------------------------------------------------------
def seen() -> Text:
    """What a late entry is sent with the second time."""
    words = (
        "Of the answer 409 `late_entry`, by which what follows from an act that happened on an earlier "
        "day is shown first; once anything else has moved the matter, it is shown anew."
    )
    return Text(100, load_default="", metadata={"description": words})


class Problem(Schema):
    """An error, as application/problem+json (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "The error's name, for programs."})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Faults by field; `_`: of the whole."},
    )
    seen = fields.String(
        metadata={
            "description": "With the code `late_entry`: nothing was done. The same request with this as its `seen` does it."
        }
    )
    day = fields.Date(metadata={"description": "With `late_entry`: when it happened."})
    consequences = fields.List(
        fields.String(),
        metadata={"description": "With `late_entry`: what would follow, as far as you may know."},
    )


class InWords(fields.String):
    """A text that is kept in both languages as `Words`."""

    def _serialize(self, value: Any, *_more: Any, **__: Any) -> str:
        return str(value.in_(lang()))


class Said(fields.String):
    """What the engine says, in the language of the caller."""

    def _serialize(self, value: Any, *_more: Any, **__: Any) -> str:
        return said(value)


class Both(fields.String):
    """A text whose English twin stands beside it under <name>_en."""

    def _serialize(self, value: object, attr: str | None, obj: object, **_more: Any) -> str:
        english = getattr(obj, f"{self.attribute or attr}_en", "") if lang() == "en" else ""
        return str(english or value or "")


class Moment(fields.AwareDateTime):
    """A moment, ISO 8601 in UTC."""


class Made(Schema):
    """Where something new is."""

    id = fields.UUID(required=True)


class PostMade(Made):
    """A new post. One that opens a confidential matter waits for a second person."""

    waits = fields.Boolean(
        required=True,
        metadata={"description": "It is proposed only, see /proposals; it opens nothing yet."},
    )


class Option(Schema):
    value = fields.String(required=True)
    label = fields.String(required=True)


class Offers(fields.Dict):
    """For fields whose choices are people, units or instances: (value, label) pairs by field."""

    def __init__(self, **options: Any) -> None:
        super().__init__(keys=fields.String(), values=fields.List(fields.Nested(Option)), **options)

    def _serialize(self, value: Any, *_more: Any, **__: Any) -> Any:
        return {
            key: [{"value": v, "label": shown} for v, shown in pairs]
            for key, pairs in value.items()
        }


class FormChoice(Schema):
    value = fields.String(required=True)
    label = Both(required=True)


class Limits(Schema):
    min_length = fields.Integer(allow_none=True)
    max_length = fields.Integer(allow_none=True)
    minimum = fields.Integer(allow_none=True)
    maximum = fields.Integer(allow_none=True)
    pattern = fields.String(allow_none=True)


class FormField(Schema):
    key = fields.String(
        required=True, metadata={"description": "Empty for a text that is only shown."}
    )
    kind = fields.String(required=True)
    label = Both(required=True)
    description = Both()
    required = fields.Boolean()
    choices = fields.List(fields.Nested(FormChoice))
    source = fields.String(
        metadata={"description": "Where the choices come from, e.g. `units:department`."}
    )
    hide = fields.String(
        metadata={"description": "When this holds, the field is neither shown, asked nor kept."}
    )
    multiple = fields.Boolean()
    limits = fields.Nested(Limits)


class Form(Schema):
    """A form: what may be answered, field by field."""

    id = fields.String(required=True)
    fields_ = fields.List(fields.Nested(FormField), attribute="fields", data_key="fields")


class NamedFile(Schema):
    id = fields.UUID()
    name = fields.String()


class Attached(fields.List[Any]):
    """(id, name) pairs of attachments."""

    def __init__(self, **options: Any) -> None:
        super().__init__(fields.Nested(NamedFile), **options)

    def _serialize(self, value: Any, *_more: Any, **__: Any) -> Any:
        return [{"id": key, "name": name} for key, name in value]


class Answered(Schema):
    """One answer in words."""

    key = fields.String()
    label = fields.String()
    text = fields.String()
    files = Attached()


class Paper(Schema):
    """A document (at /documents/<id>) or an attachment (at /files/<id>)."""

    id = fields.UUID()
    kind = Choice("document", "attachment")
    title = fields.String()
    number = fields.String()
    at = Moment()
    size = fields.Integer()
    sha256 = fields.String()
    media_type = fields.String()
    state = fields.String(
        metadata={
            "description": "Of a document: issued, corrected (another stands in its place), void."
        }
    )


def page(name: str, item: type[Schema], **more: fields.Field[Any]) -> type[Schema]:
    """The schema of a page of a list."""
    shape: dict[str, Any] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next": fields.String(allow_none=True, required=True),
        **more,
    }
    return Schema.from_dict(shape, name=name)
