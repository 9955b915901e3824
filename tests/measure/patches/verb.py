"""A verb of the desk, `applaud`: in the access table with its name, as a command, and in the words of every history; page and API follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.measure.ground import AUDITOR, SECRETARY
from tests.measure.patches.edit import Edit

if TYPE_CHECKING:
    from tests.measure.patches.place import Place

EDITS = (
    Edit('    "applaud": Verb(_("喝彩"), (is_secretary,)),', after='    "remind": Verb('),
    Edit(
        '''@on_desk(
    hint=_("记录在案。"),
    done=_("已喝彩。"),
    states=(InstanceState.RUNNING,),
)
def applaud(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Praise those who have a matter in hand, on record."""
    work = desk(session, actor, instance_id, "applaud", InstanceState.RUNNING)
    work.log.add("matter_applauded", actor, reason=reasons.plain(reason))
    unit_of_work.save(work)
    return instance_id

''',
        before='@on_desk(\n    title=_("终止本件"),',
    ),
    Edit(
        '    kind("matter_applauded", _("喝彩"), _("{who}喝彩：{reason}"), "reason", mark="outcome"),',
        after='    kind("matter_reminded", ',
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
