"""A registered action, `cheer`, that a service task may name: known to the checks, performed, told in every history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.measure.ground import AUDITOR
from tests.measure.patches.edit import Edit

if TYPE_CHECKING:
    from tests.measure.patches.place import Place

EDITS = (
    Edit(
        '''def cheer(work: UnitOfWork, args: Args) -> None:
    """`task`: put on record that those who have the task were cheered on."""
    work.log.add("task_cheered", None, task=args.get("task"))


@action
''',
        before="def recount(work: UnitOfWork, args: Args) -> None:",
    ),
    Edit(
        '    "cheer": Declared({}, {"task": "task"}),',
        after='    "remind": Declared({}, {"task": "task"}, again=True),',
    ),
    Edit(
        '    kind("task_cheered", _("加油"), _("为“{task}”加油"), mark="clock"),',
        after='    kind("reminder_sent", ',
    ),
    Edit('do = "cheer"', instead='do = "remind"', toy=True),
)


def check(place: Place) -> None:
    """When the toy's deadline passes, it is performed and told."""
    from tests.measure.patches.place import LAUNCH, PASS

    place.play(LAUNCH, PASS, {"does": "wait", "after": "60 days"})
    key, _ = place.open("do")
    assert "为“办理”加油" in place.ask(AUDITOR, f"/audit/{key}")[1]
