"""Several tasks of one kind, done and taken back together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields
from marshmallow.validate import Length

from engine.commands import together
from webui.api import schemas
from webui.api.schemas import Answers, Moment, Whole
from webui.api.tasks.group import routes
from webui.api.tasks.shapes import held_seconds

if TYPE_CHECKING:
    from uuid import UUID

    from engine.people.organisation import Actor


class BatchTask(schemas.Sent):
    id = fields.UUID(required=True)
    revision = Whole(0, 2**31 - 1, load_default=None, allow_none=True)
    answers = Answers(
        load_default=dict, metadata={"description": "Of this task alone, over those for all."}
    )


class BatchOf(schemas.Sent):
    batch = fields.UUID(
        required=True,
        metadata={
            "description": "Made by you; the same one again does what is left and nothing twice."
        },
    )
    tasks = fields.List(
        fields.Nested(BatchTask), required=True, validate=Length(min=1, max=together.MOST)
    )
    answers = Answers(
        load_default=dict,
        metadata={
            "description": "For all; what is left out here and there is taken from earlier steps."
        },
    )
    hold = held_seconds()


class FailedTask(Schema):
    id = fields.UUID(required=True)
    code = fields.String()
    message = schemas.Said()


class BatchReport(Schema):
    """What came of a batch: each task by itself, done or not."""

    batch = fields.UUID(required=True)
    done = fields.List(
        fields.UUID(), metadata={"description": "Done, or held as it was asked for."}
    )
    failed = fields.List(fields.Nested(FailedTask))
    held_until = Moment(
        allow_none=True,
        metadata={
            "description": "Until when something of it may be taken back (/undo); "
            "null when all is done."
        },
    )


class BatchForeseen(Schema):
    """What a batch would do if it were carried out now. Nothing of it is done."""

    ready = fields.List(fields.UUID())
    papers = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Title of a paper -> how many it would issue."},
    )
    failed = fields.List(fields.Nested(FailedTask))


class NotTakenBack(FailedTask):
    number = fields.String(metadata={"description": "Of its matter."})


class TakenBack(Schema):
    """Which tasks of a batch are open again, and which are not."""

    tasks = fields.List(fields.UUID())
    failed = fields.List(fields.Nested(NotTakenBack))


@routes.act("/tasks/batch", BatchReport, body=BatchOf, keyed=False, many=True)
def complete_together(
    carry_out: together.CarryOut, actor: Actor, given: dict[str, Any]
) -> dict[str, Any]:
    """Finish several tasks of one kind, where the process allows it (`alike` in the inbox); each is
    done and recorded by itself. Of those drawn as a spot check each must have been opened (409
    `spot_check` names them).
    """
    batch = _batch(given)
    carry_out(lambda session: together.check(session, actor, batch))
    report = together.run(carry_out, actor, batch)
    until = report.held_until
    return {
        "batch": batch.id,
        "done": report.done,
        "failed": report.failed,
        "held_until": until,
    }


def _batch(given: dict[str, Any]) -> together.Batch:
    chosen = tuple(together.Chosen(**each) for each in given["tasks"])
    return together.Batch(given["batch"], chosen, given["answers"], given["hold"])


@routes.act("/tasks/batch/preview", BatchForeseen, body=BatchOf, keyed=False, many=True)
def preview_together(
    carry_out: together.CarryOut, actor: Actor, given: dict[str, Any]
) -> together.Foreseen:
    """Say which tasks of a batch would be finished, what papers that would issue, and what would
    stay as it is, and why. Nothing is done, and no spot check is asked for.
    """
    return together.foresee(carry_out, actor, _batch(given))


@routes.act("/tasks/batch/<uuid:batch_id>/undo", TakenBack, keyed=False, many=True)
def undo_together(carry_out: together.CarryOut, actor: Actor, batch_id: UUID) -> together.TakenBack:
    """Take back what of a batch of mine is held, each task by itself; what of it was carried out
    within the last day fails with `too_late`.
    """
    return together.take_back(carry_out, actor, batch_id)
