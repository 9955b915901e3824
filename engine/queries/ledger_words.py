"""The ledger of duties in words: each state, what stands behind it, and the whole as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import law
from engine.messages import Both, Listed, Message, _, worded
from engine.queries.duty_cases import FINISHED, Came, Light, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.definitions.duties import Duty
    from engine.queries.duty_cases import Span, Standing
    from engine.queries.ledger import Ledger, Row

STATES: Mapping[State, Message] = {
    State.DONE: _("已履行"),
    State.LATE: _("逾期后履行"),
    State.OPEN: _("正在办理"),
    State.SOON: _("即将到期"),
    State.NOT_DUE: _("未到期"),
    State.OVERDUE: _("逾期未履行"),
    State.BREACHED: _("违反"),
    State.NO_CASE: _("没有发生"),
    State.NOT_APPLICABLE: _("不适用"),
    State.UNKNOWN: _("没有记录"),
    State.BEFORE: _("启用以前"),
    State.SECRET: _("保密，不列"),
    State.NOT_KEPT: _("未在本系统办理"),
}
LIGHTS: Mapping[Light, Message] = {
    Light.GREEN: _("绿灯"),
    Light.AMBER: _("黄灯"),
    Light.RED: _("红灯"),
    Light.GREY: _("不亮灯"),
}
CAME: Mapping[Came, Message] = {
    Came.DONE: _("按期"),
    Came.LATE: _("逾期"),
    Came.OPEN: _("在办"),
    Came.OVERDUE: _("逾期未办"),
    Came.BREACHED: _("违反"),
    Came.NONE: _("不适用"),
    Came.CLOSED: _("没有办成"),
    Came.VOID: _("撤回、终止、不再算"),
}
HEAD = (
    *(_("编号"), _("职责"), _("出处"), _("责任人"), _("周期"), _("期间")),
    *(_("状态"), _("灯"), _("说明"), _("件数"), _("由哪些事项")),
)
NO_WORDS = ""


def told(row: Row) -> Message:
    """What stands behind the state of a row."""
    standing = row.standing
    found = [_of_state(row), *_counts(standing), *_left(standing)]
    if elsewhere := sum(case.elsewhere for case in standing.cases):
        found.append(_("系统外办理、事后补记 {n} 件", n=elsewhere))
    if row.guarded and standing.state != State.SECRET:
        found.append(_("保密的事项不在其中"))
    return Listed([part for part in found if part], "；")


def _of_state(row: Row) -> str:
    standing, state, span = row.standing, row.standing.state, row.standing.span
    if state == State.DONE and span:
        first = min(c.day for c in standing.cases if c.came in FINISHED)
        return _("{day} 履行", day=first.isoformat())
    if state == State.OVERDUE and span:
        return _("{last} 已过，没有履行", last=span.last.isoformat())
    if state == State.UNKNOWN and standing.count(*FINISHED):
        return _("没有写明管到哪一天")
    if state in (State.UNKNOWN, State.BEFORE):
        since = row.since.isoformat() if row.since else ""
        return _("本系统自 {since} 起记入台账，以前办过没有，这里看不出", since=since)
    if state == State.NOT_APPLICABLE and not standing.cases:
        return worded(row.duty.why)
    return NO_WORDS


def _left(standing: Standing) -> list[Message]:
    """The days to spare."""
    spare, term = standing.spare, [c.until for c in standing.cases if c.until]
    if spare is None:
        return []
    if standing.state in (State.SOON, State.NOT_DUE, State.OPEN) and not term:
        return [_("还有 {n} 天", n=spare)]
    if term:
        return [_("管到 {until}，还有 {n} 天", until=max(term).isoformat(), n=spare)]
    if standing.span:
        return [_("比最后一天早 {n} 天", n=spare)]
    return [
        _("办结的最紧一件早 {n} 天", n=spare)
        if spare >= 0
        else _("办结的最晚一件迟 {n} 天", n=-spare)
    ]


def _counts(standing: Standing) -> list[Message]:
    """How many came to what; of one that is done once in its period only where there are more."""
    counts = {came: standing.count(came) for came in Came}
    if standing.span and counts[Came.DONE] == len(standing.cases) == 1:
        return []
    return [_("{came} {n} 件", came=CAME[came], n=n) for came, n in counts.items() if n]


def cited(duty: Duty) -> Both:
    """Where a duty stands, as rules of law are cited."""
    return law.cited(duty.source.zh, duty.source.en, duty.article)


def source(duty: Duty) -> Both:
    """The same; what was not checked says so."""
    found = cited(duty)
    if duty.confidence == "V":
        return found
    unsure = law.CONFIDENCES[duty.confidence]
    return Both(f"{found.zh}（{unsure[0]}）", f"{found.en} ({unsure[1]})")


def period(span: Span | None) -> str:
    """From when to when."""
    return f"{span.first.isoformat()} – {span.last.isoformat()}" if span else ""


def lines(ledger: Ledger) -> list[list[str]]:
    """One line for each row, the head first; of matters the numbers of those the reader may see."""
    return [list(HEAD), *(_line(row) for row in ledger.rows)]


def _line(row: Row) -> list[str]:
    duty, standing = row.duty, row.standing
    numbers = [matter.number for _case, matter in row.told]
    return [
        *(duty.key, worded(duty.title), worded(source(duty)), worded(duty.owner)),
        *(
            worded(duty.period.title),
            period(standing.span),
            STATES[standing.state],
            LIGHTS[standing.light],
        ),
        *(told(row), str(len(standing.cases) or ""), "、".join(numbers)),
    ]
