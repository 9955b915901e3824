"""answer.txt: what happened in a case, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.ballots import rolls
from engine.db.states import InstanceState
from engine.db.words import state_words
from engine.messages import CHINESE, Listed, Message, _
from engine.people import posts
from engine.queries import ruled
from engine.queries.claims import Verdict
from engine.queries.evidence.entries import (
    answers_of,
    by,
    details_of,
    kind_of,
    labelled,
    moment,
    numbers,
    step_of,
)
from engine.queries.telling import Facts, reasoned, titled
from engine.queries.words import about

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from engine.messages import Language
    from engine.queries.claims import Answer, Mark
    from engine.queries.evidence.case import Case, Entry, Hall, Question
    from engine.queries.telling import Words

_INDENT = "      "


def answer(case: Case, answers: Sequence[Answer], english: Language) -> str:
    """The whole text, in Chinese and then in English; what the process has to show comes first."""
    texts = (_answer(case, answers, say) for say in (CHINESE, english))
    return "\n\n\n".join("\n".join(map(_one, lines)) for lines in texts) + "\n"


def _one(line: str) -> str:
    """What people wrote in several lines goes on indented: no line of it begins like one of
    ours.
    """
    return line.replace("\r", "").replace("\n", f"\n{_INDENT}")


def _answer(case: Case, answers: Sequence[Answer], say: Language) -> list[str]:
    lines = [f"{case.row.number} {case.row.title}", "", *map(say, _head(case))]
    for each in answers:
        lines += ["", *map(say, _claim(each))]
    for title, part in _parts(case, say):
        lines += ["", say(title), *(part or [say(_("（无）"))])]
    return lines


def _head(case: Case) -> list[Words]:
    row, process, names = case.row, case.process, case.named.names
    named = {"process": process.title, "version": row.version}
    if case.by_own_version:
        version = _("{process}（本单位版本 {version}）", **named)
    else:
        version = _("{process}（版本 {version}）", **named)
    union, starter = names.get(str(row.union_id), ""), names.get(str(row.starter_id), "")
    return [
        labelled(_("办理流程"), version),
        labelled(_("依据"), process.basis),
        labelled(posts.kinds().tenant_label, union),
        labelled(_("提出人"), f"{starter} {moment(row.started_at)}"),
        labelled(_("状态"), _state(case)),
        _("时间均为北京时间；# 后为本件历史记录的序号。"),
    ]


def _state(case: Case) -> Words:
    row = case.row
    state, at = state_words(InstanceState, row.state), moment(row.ended_at)
    if row.outcome in case.process.diagram.elements:
        end = titled(case.process, row.outcome)
        return _("{state}（{end}） {at}", state=state, end=end, at=at)
    return _("{state} {at}", state=state, at=at) if at else state


# --- what the process has to show -----------------------------------------------------------------
_VERDICTS = {
    Verdict.YES: _("是。"),
    Verdict.NO: _("否。"),
    Verdict.LATE: _("否：有一项不早于它。"),
    Verdict.OPEN: _("还没有走到这一步。"),
    Verdict.NEVER: _("没有发生，本件已经结束。"),
    Verdict.ERASED: _("内容已按规定删除。"),
}


def _claim(answer: Answer) -> list[Words]:
    claim = answer.claim
    lines: list[Words] = [claim.asks, _VERDICTS[answer.verdict]]
    lines += [_given(each.text, each.event, each.day) for each in answer.given]
    lines.append(_given(claim.what, answer.event, answer.day))
    if answer.verdict == Verdict.YES and answer.spare:
        lines.append(_("最晚的一项早于它 {n} 天。", n=answer.spare))
    return lines


def _given(text: Words, event: Mark | None, day: date | None) -> Message:
    if event is None:
        return _("- {what}：没有记录", what=text)
    at, on = moment(event.at), day.isoformat() if day else ""
    return _("- {what}：{day}，{at} 记录，见 #{seq}", what=text, day=on, at=at, seq=event.seq)


def _parts(case: Case, say: Language) -> list[tuple[Message, list[str]]]:
    refused = (e for e in case.events if e.kind == "attempt_refused")
    return [
        (_("一、经过"), _events(case, say)),
        (_("二、会议"), [line for hall in case.meetings for line in _meeting(case, hall, say)]),
        (_("三、表决"), [line for poll in case.polls for line in _poll(case, poll, say)]),
        (_("四、签发的文书"), _documents(case, say)),
        (_("五、附件"), [f"· {a.name}  SHA-256 {a.sha256}" for a in case.attachments]),
        (_("六、被拒绝的办理"), [_line(case, entry, say) for entry in refused]),
        (_("七、流程引用的规则"), _rulings(case, say)),
        (_("八、校验"), [say(line) for line in _proof(case)]),
        (_("九、以上在什么情况下不成立"), [f"- {say(line)}" for line in _TRUST]),
    ]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{_INDENT}{line}" for line in lines]


# --- events ---------------------------------------------------------------------------------------
def _events(case: Case, say: Language) -> list[str]:
    lines = []
    for entry in case.events:
        lines.append(_line(case, entry, say))
        lines += _indented(say(labelled(*pair)) for pair in answers_of(case, entry, say))
    return lines


def _line(case: Case, entry: Entry, say: Language) -> str:
    step = say(step_of(case, entry))
    details = "; ".join(map(say, details_of(case, entry)))
    parts = (by(entry), say(kind_of(entry)), f"[{step}]" if step else "", details)
    return " ".join([f"#{entry.seq}", moment(entry.at), *filter(None, parts)])


# --- polls ----------------------------------------------------------------------------------------
def _poll(case: Case, question: Question, say: Language) -> list[str]:
    row = question.row
    told = {e.kind: e for e in reversed(case.events) if e.says.get("poll") == str(question.id)}
    opened, closed = told.get("poll_opened"), told.get("poll_closed")
    outcome = closed.says.get("outcome", {}) if closed else {**row.counts, "roll": row.roll_size}
    facts = Facts(case.teller, "poll_closed", {"task": question.element, "outcome": outcome})
    asked = case.process.tasks[question.element].poll
    put = about(case.process, row.rule.get("about", ()), case.named, say.code)
    lines: list[Words] = [
        *(labelled(each.label, each.text) for each in put.all),
        labelled(_("表决规则"), ruled.told(asked.words if asked else None, row.rule["numbers"])),
        _attended(row.rule.get("presence", {})),
        numbers(facts),
        reasoned(outcome),
        _roll_holds(question, opened),
    ]
    if seen := [f"#{entry.seq}" for entry in (opened, closed) if entry]:
        lines.append(_("见 {events}", events=" ".join(seen)))
    span = f"{moment(row.opened_at)} – {moment(row.closed_at) or '…'}"
    title = say(titled(case.process, question.element))
    return [f"[{title}] {span}", *_indented(filter(None, map(say, lines)))]


def _attended(noted: Mapping[str, int]) -> Words:
    """Who was in the hall while a poll was held under a meeting."""
    if "opening" not in noted:
        return ""
    parts = (
        (_("应到"), "due"),
        (_("须到"), "needed"),
        (_("开始表决时到会"), "opening"),
        (_("表决期间最少到会"), "least"),
        (_("截止时到会"), "closing"),
    )
    return Listed(
        (_("{what} {n} 人", what=what, n=noted[key]) for what, key in parts if key in noted), "、"
    )


def _roll_holds(question: Question, opened: Entry | None) -> Message:
    roll = rolls.digest(str(voice.member_id) for voice in question.voices)
    if opened is not None and opened.says.get("roll_hash") == question.row.roll_hash == roll:
        return _("名册与开始时一致")
    return _("名册与开始时所载不符")


# --- meetings -------------------------------------------------------------------------------------
def _meeting(case: Case, hall: Hall, say: Language) -> list[str]:
    """Who was due, needed and there at the opening and the closing, and whether roll and ledger are
    those on record.
    """
    told = {entry.kind: entry for entry in case.events if entry.says.get("meeting") == str(hall.id)}
    opened, closed = told.get("meeting_opened"), told.get("meeting_closed")
    lines: list[Words] = []
    if opened:
        formal = rolls.digest(str(d.member_id) for d in hall.due if d.kind == "formal")
        same = formal == told.get("meeting_struck", opened).says["roll_hash"]
        lines.append(_present(opened, _("开会时")))
        lines.append(_("名册与开会时一致") if same else _("名册与开会时所载不符"))
    if closed:
        same = rolls.ledger_digest(hall.ledger) == closed.says["ledger"]
        lines.append(_present(closed, _("散会时")))
        lines.append(_("签到记录与散会时一致") if same else _("签到记录与散会时所载不符"))
    span = f"{moment(hall.row.opened_at)} – {moment(hall.row.closed_at) or '…'}"
    title = say(titled(case.process, hall.element))
    return [f"[{title}] {span}", *_indented(map(say, lines))]


def _present(entry: Entry, when: Message) -> Message:
    quorate = bool(entry.says.get("quorate"))
    return _(
        "{when}应到 {due}，须到 {needed}，实到 {present}，{quorum}，见 #{seq}",
        when=when,
        due=entry.says.get("due", ""),
        needed=entry.says.get("needed", ""),
        present=entry.says.get("present", ""),
        quorum=_("达到法定人数") if quorate else _("未达到法定人数"),
        seq=entry.seq,
    )


# --- documents, rules, proof ----------------------------------------------------------------------
def _documents(case: Case, say: Language) -> list[str]:
    seqs = {str(e.says.get("id")): e.seq for e in case.events if e.kind == "document_issued"}
    lines = []
    for paper in case.documents:
        rule = case.process.documents.get(paper.kind)
        title = say(rule.title if rule else paper.title)
        seen = f"#{seqs.get(str(paper.id), '?')} {moment(paper.issued_at)}"
        lines.append(f"{seen} {paper.number} {title}  SHA-256 {paper.data_sha256}")
    return lines


def _rulings(case: Case, say: Language) -> list[str]:
    missing = _("规则库中已无此规则。")
    return [
        f"{key}  {ruling.words(say.code) if ruling else say(missing)}"
        for key, ruling in case.rulings.items()
    ]


def _proof(case: Case) -> list[Message]:
    sealed = sum(1 for e in case.events if e.leaf_no is not None)
    lines = [_("本件共 {n} 条记录，已封存 {sealed} 条。", n=len(case.events), sealed=sealed)]
    if case.broken:
        seq, why = case.broken.seq, case.broken.why
        lines.append(_("哈希链在第 {seq} 条断开：{why}。", seq=seq, why=why))
    else:
        lines.append(_("哈希链完整，导出时已重算。"))
    if case.checkpoints:
        last = case.checkpoints[-1]
        lines.append(
            _(
                "最后的检查点：{size} 条，{at}，根 {root}。",
                size=last.size,
                at=moment(last.at),
                root=last.root.hex(),
            )
        )
    held = case.witnessed or _("无")
    lines.append(_("系统记载由外部留存的最大检查点：{size}。", size=held))
    return lines


_TRUST = (
    _("服务器时钟：时间由服务器记录，不是第三方时间戳。"),
    _("登录人身份：账号须由本人使用。"),
    _("规则版本：以 rules/ 所载条文和可信度为准。"),
    _("扫描件、附件的真实性：只能证明上传后未改动。"),
)
