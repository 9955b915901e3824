"""A union's own value of a rule: proposed by one person, decided by another."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import insert, select, update

from engine import clock, law
from engine.commands import separation
from engine.commands.rules.fields import MOST_AHEAD, Faults, line
from engine.db import tables
from engine.db.states import SettingState
from engine.errors import Conflict, Invalid
from engine.history import event_log
from engine.instance.union_law import UnionLaw, rulebook
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from fractions import Fraction
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_setting = tables.setting


def propose_setting(
    session: Session,
    actor: Actor,
    union_id: UUID,
    rule_id: str,
    value: int | Fraction,
    valid_from: date,
    source: str,
    valid_to: date | None = None,
) -> UUID:
    """Propose a union's own value for a rule, a Fraction for a share; somebody else decides. Gives
    the setting's id.

    `valid_from` is tomorrow at the earliest. Raises NotFound, Refused, Invalid by field (it loosens
    what binds), Conflict.
    """
    access.check_own(actor, "propose_setting", union_id)
    faults = _day_faults(valid_from, valid_to)
    source = line("source", source, 200, faults)
    if faults:
        raise Invalid(faults)
    wanted = law.Setting(rule_id, value, valid_from, valid_to, source)
    _check(session, union_id, wanted)
    _must_not_wait(session, union_id, rule_id)
    key = tables.new_id()
    session.execute(
        insert(_setting).values(
            id=key,
            unit_id=union_id,
            rule_id=rule_id,
            value=value.numerator,
            per=value.denominator,
            valid_from=valid_from,
            valid_to=valid_to,
            source=source,
            state=SettingState.PROPOSED,
            proposer_id=actor.id,
            created_at=clock.now(),
        )
    )
    event_log.note(session, union_id, "setting_proposed", actor, **_details(key, wanted))
    return key


def _day_faults(valid_from: date, valid_to: date | None) -> Faults:
    ahead = (valid_from - clock.today()).days
    faults: Faults = {}
    if ahead <= 0:
        faults["valid_from"] = [_("最早自明天起施行；已经发起的事项仍按发起当日的规则办理。")]
    elif ahead > MOST_AHEAD:
        faults["valid_from"] = [_("施行日太远，请在五年之内。")]
    if valid_to is not None and valid_to < valid_from:
        faults["valid_to"] = [_("结束日早于开始日。")]
    return faults


def _check(session: Session, union_id: UUID, setting: law.Setting) -> None:
    law.check_setting(rulebook(), setting, UnionLaw.of(session, union_id).jurisdictions)


def _must_not_wait(session: Session, union_id: UUID, rule_id: str) -> None:
    column = _setting.c
    waiting = select(column.id).where(
        column.unit_id == union_id,
        column.rule_id == rule_id,
        column.state == SettingState.PROPOSED,
    )
    if session.execute(waiting).first():
        raise Conflict(_("这条规则已有一项提议等待批准。"), code="waiting")


def _details(key: UUID, setting: law.Setting) -> dict[str, Any]:
    """What the history keeps of a setting."""
    value, first, last = setting.value, setting.valid_from, setting.valid_to
    return {
        "setting": str(key),
        "rule": setting.rule_id,
        "value": value.numerator if value.denominator == 1 else str(value),
        "valid_from": first.isoformat() if first else None,
        "valid_to": last.isoformat() if last else None,
        "source": setting.source,
    }


def decide_setting(session: Session, actor: Actor, setting_id: UUID, approve: bool) -> UUID:
    """Put a proposed value in force, or refuse it; never by whoever proposed it. Gives the union's
    id.

    It holds from the day after the approval, if it was to hold earlier: instances of today keep
    what they began with. Raises NotFound, Refused, Conflict, Invalid (the law has become stricter
    in between).
    """
    row = _proposed(session, actor, setting_id)
    setting = law.Setting(
        row.rule_id,
        law.exact(row.value, row.per),
        valid_from=max(row.valid_from, clock.today() + timedelta(days=1)),
        valid_to=row.valid_to,
        source=row.source,
    )
    if approve:
        _must_still_hold(session, row.unit_id, setting)
    state = SettingState.IN_FORCE if approve else SettingState.REFUSED
    decided = update(_setting).where(_setting.c.id == setting_id)
    session.execute(
        decided.values(
            state=state,
            approver_id=actor.id,
            decided_at=clock.now(),
            valid_from=setting.valid_from,
        )
    )
    kind = "setting_approved" if approve else "setting_refused"
    event_log.note(session, row.unit_id, kind, actor, **_details(setting_id, setting))
    return row.unit_id


def _proposed(session: Session, actor: Actor, setting_id: UUID) -> rows.Setting:
    """The row of a proposal, locked, that this actor may decide on. Raises as `decide_setting`."""
    query = select(_setting).where(_setting.c.id == setting_id).with_for_update()
    found = session.execute(query).first()
    own = found if found and access.is_own_union(actor, found.unit_id) else None
    row = cast("rows.Setting", access.must_see(own))
    access.check(actor, "approve_setting", row.unit_id)
    if row.state != SettingState.PROPOSED:
        raise Conflict(_("这项提议已有结论。"), code="decided")
    separation.check(session, actor, "approve_setting", row.unit_id, row.proposer_id)
    return row


def _must_still_hold(session: Session, union_id: UUID, setting: law.Setting) -> None:
    first, last = setting.valid_from, setting.valid_to
    if first and last and last < first:
        raise Conflict(_("这项提议的施行期已经过去，请重新提出。"), code="too_late")
    _check(session, union_id, setting)
