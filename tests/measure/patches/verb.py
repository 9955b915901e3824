"""A verb of the desk, `applaud`: in the access table, as a command, page, API, and in the words of every history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.measure.ground import AUDITOR, SECRETARY
from tests.measure.patches.edit import Edit

if TYPE_CHECKING:
    from tests.measure.patches.place import Place

EDITS = (
    Edit('    "applaud": (is_secretary,),', after='    "remind": (is_secretary,),'),
    Edit(
        '''def applaud(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Praise those who have a matter in hand, on record."""
    run = _desk(session, actor, instance_id, "applaud", "running")
    run.ledger.add("matter_applauded", actor, reason=reasons.plain(reason))
    settle.save(run)
    return instance_id

''',
        before="def suspend(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:",
    ),
    Edit(
        '    "matter_applauded": ("喝彩", "applauded"),',
        after='    "matter_reminded": ("催办", "urged"),',
    ),
    Edit('"remind": "催办", "applaud": "喝彩",', instead='"remind": "催办",'),
    Edit('"remind": _("催办"), "applaud": _("喝彩"),', instead='"remind": _("催办"),'),
    Edit(
        '    "matter_applauded": (lambda: _("%(who)s喝彩：%(reason)s"), "outcome"),',
        after='    "matter_reminded": (lambda: _(',
    ),
    Edit('    "matter_applauded": _plain("喝彩"),', after='    "matter_reminded": _plain("催办"),'),
    Edit(
        '''@routes.act(f"{ONE}/applaud", Moved, body=schemas.Reason, sees=sees)
def applaud(session: Session, actor: Actor, given: dict[str, Any], instance_id: UUID) -> dict[str, UUID]:
    """Praise those who have a matter in hand (secretary)."""
    return {"instance_id": instances.applaud(session, actor, instance_id, given["reason"])}

''',
        before='@routes.act(f"{ONE}/suspend"',
    ),
    Edit("<any(remind, applaud, suspend, ", instead="<any(remind, suspend, "),
    Edit(
        '        "applaud": lambda s: instances.applaud(s, me(), instance_id, reason),',
        after='        "remind": lambda s: instances.remind(',
    ),
    Edit('        "applaud": _("已喝彩。"),', after='"remind": _("已催办'),
    Edit(
        "  {{ with_reason('applaud', _('喝彩'), _('记录在案。'), _('喝彩'), '') }}",
        before="{{ with_reason('terminate', _('终止本件')",
    ),
)


def check(place: Place) -> None:
    """The secretary may and does, the auditor may not; page, histories and API say so."""
    from tests.measure.patches.place import LAUNCH

    place.play(LAUNCH)
    key, _ = place.open("check")
    matter, audit = f"/matters/{key}", f"/audit/{key}"
    assert f"{matter}/applaud" in place.ask(SECRETARY, matter)[1]
    assert place.ask(AUDITOR, f"{matter}/applaud", {"reason": "好"})[0] == 403
    assert place.ask(SECRETARY, f"{matter}/applaud", {"reason": "办得快"})[0] == 303
    told = place.ask(AUDITOR, audit)[1]
    assert "喝彩：办得快" in told and "想办理“喝彩”" in told
    assert "/applaud" in place.ask(SECRETARY, "/api/v1/openapi.json")[1]
