"""The facts of a case in words, Chinese and English: the answer, the timeline, the rolls."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.ballots import rolls
from engine.queries.words import about, answered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.definitions import Process
    from engine.queries.evidence.case import Case, Entry, Hall, Question

KINDS: Mapping[str, tuple[str, str]] = {
    "instance_launched": ("提出", "launched"),
    "task_completed": ("办理完毕", "completed"),
    "task_claimed": ("签收", "claimed"),
    "task_released": ("退回签收", "given back"),
    "task_reassigned": ("改派", "reassigned"),
    "poll_opened": ("表决开始", "poll opened"),
    "poll_answered": ("作答", "answered the poll"),
    "poll_answer_withdrawn": ("撤回作答", "took an answer back"),
    "poll_closed": ("表决截止", "poll closed"),
    "poll_recounted": ("重新计票", "poll recounted"),
    "document_issued": ("签发文书", "document issued"),
    "decision_taken": ("按决策表判定", "decided by table"),
    "timer_fired": ("到期", "a time was up"),
    "message_sent": ("提出", "sent"),
    "deadline_extended": ("延长期限", "deadline extended"),
    "matter_reminded": ("催办", "urged"),
    "reminder_sent": ("催办", "reminded"),
    "mover_replaced": ("更换提案人", "mover replaced"),
    "instance_merged": ("并案", "merged"),
    "origin_merged": ("并入他案", "another one was merged in"),
    "instance_suspended": ("暂停", "suspended"),
    "instance_resumed": ("恢复", "resumed"),
    "instance_withdrawn": ("撤回", "withdrawn"),
    "instance_terminated": ("终止", "terminated"),
    "instance_archived": ("归档", "archived"),
    "incident_noted": ("异常", "incident"),
    "incident_retried": ("异常重试", "incident retried"),
    "attempt_refused": ("办理被拒", "attempt refused"),
    "added_to_report": ("列入报告", "added to the report"),
    "evidence_exported": ("导出证据包", "evidence exported"),
    "history_read": ("查看历史", "history read"),
    "deadline_kept": ("已办理，不再延期", "already done, not extended"),
    "deadline_recomputed": ("重新计算期限", "deadline computed anew"),
    "meeting_called": ("召集会议", "meeting called"),
    "meeting_opened": ("宣布开会", "meeting opened"),
    "meeting_closed": ("散会", "meeting closed"),
    "poll_called": ("等监票人领取密钥", "poll waits for its tellers' keys"),
    "poll_stopped": ("表决截止，等待计票", "poll stopped, to be counted"),
    "poll_signed": ("监票人签字", "signed by a teller"),
    "poll_voided": ("宣布表决无效", "poll declared void"),
    "paper_ballots_given": ("发出纸质票", "paper ballots given out"),
    "paper_ballots_counted": ("录入纸质票", "paper ballots entered"),
    "key_taken": ("领取密钥", "key taken"),
    "ballots_cast": ("投票结束，公布回执", "voting over, receipts published"),
    "key_joined": ("输入口令", "passphrase entered"),
    "ballots_opened": ("开启选票", "ballots opened"),
    "link_sent": ("发送一次性链接", "one-time link sent"),
    "matter_begun": ("发起关联事项", "another matter begun"),
    "matter_linked": ("关联另一事项", "linked to another matter"),
    "matter_told": ("告知关联事项", "another matter told"),
    "matter_read": ("查看本件", "matter read"),
    "member_let_in": ("准许查阅", "reader let in"),
    "matter_disclosed": ("解除保密", "no longer confidential"),
    "matter_erased": ("删除内容", "contents erased"),
}
STATES = {
    "running": ("正在办理", "running"),
    "suspended": ("已暂停", "suspended"),
    "ended": ("已办结", "ended"),
    "withdrawn": ("已撤回", "withdrawn"),
    "terminated": ("已终止", "terminated"),
}
_DETAILS = {
    "number": ("编号", "number"),
    "outcome": ("结论", "outcome"),
    "choice": ("选择", "choice"),
    "comment": ("意见", "comment"),
    "reason": ("理由", "reason"),
    "why": ("原因", "why"),
    "due": ("期限", "due"),
    "closes": ("截止", "closes"),
    "roll": ("名册人数", "on the roll"),
    "rule": ("规则", "rule"),
    "result": ("结果", "result"),
    "into": ("并入", "into"),
    "present": ("实到", "present"),
    "needed": ("须到", "needed"),
    "issued": ("发出", "issued"),
    "returned": ("收回", "returned"),
    "cast": ("投票人数", "voters"),
    "invalid": ("无效票", "invalid"),
    "to": ("收件人", "to"),
    "name": ("姓名", "name"),
    "stopped_days": ("暂停天数", "days stopped"),
    "documents": ("文书份数", "documents"),
    "verb": ("所欲办理", "attempted"),
    "message": ("说明", "message"),
    "old": ("原", "old"),
    "new": ("现", "new"),
    "ended": ("办结于", "ended at"),
}
_WHY = {
    "window_ended": ("期满", "the window ended"),
    "early": ("结果已定，提前截止", "early: decided"),
    "all_answered": ("全部作答，截止", "all have answered"),
    "closed_by_mover": ("提案人截止", "closed by the mover"),
}
_VERBS = {
    "complete": "办理",
    "respond": "作答",
    "take_back": "撤回作答",
    "close_poll": "截止表决",
    "withdraw": "撤回",
    "export": "导出",
    "remind": "催办",
    "suspend": "暂停",
    "resume": "恢复",
    "terminate": "终止",
    "retry": "重试",
    "reassign": "改派",
    "read_history": "查阅历史",
}
_COUNTS = {
    "roll": ("名册", "roll"),
    "present_at_opening": ("开始时到会", "present at the opening"),
    "present": ("到会", "present"),
    "issued": ("发出", "issued"),
    "returned": ("收回", "returned"),
    "invalid": ("无效", "invalid"),
    "answered": ("已答", "answered"),
    "silent": ("未答", "silent"),
    "abstain": ("弃权", "abstained"),
    "seats": ("应选", "seats"),
}


def moment(at: datetime | None) -> str:
    """A moment in Beijing time."""
    return at.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _labelled(label: str, words: str, n: int) -> str:
    return f"{label}: {words}" if n else f"{label}：{words}"


def answer(case: Case) -> str:
    """answer.txt: what happened, in Chinese and then in English."""
    return "\n".join([*_answer(case, 0), "", "", *_answer(case, 1), ""])


def _answer(case: Case, n: int) -> list[str]:
    row, process, lang = case.row, case.process, ("zh", "en")[n]
    name = case.named.names
    end = process.title_of(row.outcome, lang) if row.outcome in process.diagram.elements else ""
    state = STATES.get(row.state, (row.state, row.state))[n]
    ended = (f"（{end}）", f" ({end})")[n] if end else ""
    head = [
        f"{row.number} {row.title}",
        "",
        _labelled(
            ("流程", "Process")[n],
            f"{process.title.in_(lang)} ({('版本', 'version')[n]} {row.version})",
            n,
        ),
        _labelled(("依据", "Legal basis")[n], process.basis.in_(lang), n),
        _labelled(("工会", "Union")[n], name.get(str(row.union_id), ""), n),
        _labelled(
            ("提出", "Launched")[n],
            f"{name.get(str(row.starter_id), '')} {moment(row.started_at)}",
            n,
        ),
        _labelled(("状态", "State")[n], f"{state}{ended} {moment(row.ended_at)}".rstrip(), n),
        (
            "时间均为北京时间；# 后为本件历史记录的序号。",
            "All times are Beijing time; # is the event's number.",
        )[n],
    ]
    parts = (
        (("一、经过", "1. What happened"), _events(case, n)),
        (
            ("二、会议", "2. Meetings"),
            [line for hall in case.meetings for line in _meeting(case, hall, n)],
        ),
        (("三、表决", "3. Polls"), [line for q in case.polls for line in _poll(case, q, n)]),
        (("四、签发的文书", "4. Documents issued"), _documents(case, n)),
        (
            ("五、附件", "5. Attachments"),
            [f"{a.name}  SHA-256 {a.sha256}" for a in case.attachments],
        ),
        (
            ("六、被拒绝的办理", "6. Refused attempts"),
            [_line(case, e, n) for e in case.events if e.kind == "attempt_refused"],
        ),
        (("七、流程引用的规则", "7. Rules that the steps refer to"), _rulings(case, lang)),
        (("八、校验", "8. Proof"), _proof(case, n)),
        (("九、以上在什么情况下不成立", "9. What would have to be false"), _trust(n)),
    )
    for titles, lines in parts:
        head += ["", titles[n], *(lines or [("（无）", "(none)")[n]])]
    return head


def _events(case: Case, n: int) -> list[str]:
    lines = []
    for entry in case.events:
        lines.append(_line(case, entry, n))
        lines += [f"      {_labelled(label, text, n)}" for label, text in said(case, entry, n)]
    return lines


def said(case: Case, entry: Entry, n: int) -> list[tuple[str, str]]:
    """What was answered with an event, as (label, text); nothing when it was erased."""
    kept = case.said_at(entry.seq)
    rule = case.process.tasks.get(kept.element) if kept else None
    if kept is None or rule is None or not isinstance(kept.value, dict):
        return []
    found = answered(rule.form, kept.value, case.named, ("zh", "en")[n])
    return [(a.label, a.text or "、".join(name for _, name in a.files)) for a in found]


def _line(case: Case, entry: Entry, n: int) -> str:
    who, step, details = by(entry), step_of(case, entry, n), details_of(case, entry, n)
    return (
        f"#{entry.seq} {moment(entry.at)} {f'{who} ' if who else ''}{kind_of(entry, n)}{step and f' [{step}]'}"
        + (f" {details}" if details else "")
    )


def kind_of(entry: Entry, n: int) -> str:
    """The kind of an event in words."""
    return KINDS.get(entry.kind, (entry.kind, entry.kind.replace("_", " ")))[n]


def by(entry: Entry) -> str:
    """Who did it, by name, with whoever it was done for."""
    names = [
        str(p["name"])
        for p in (entry.says.get("actor"), entry.says.get("on_behalf_of"))
        if isinstance(p, dict)
    ]
    return " ← ".join(names)


def step_of(case: Case, entry: Entry, n: int) -> str:
    """The task, message, document, decision or timer that an event is about."""
    lang, says, process = ("zh", "en")[n], entry.says, case.process
    if entry.kind == "document_issued":
        rule = process.documents.get(str(says.get("document")))
        return rule.title.in_(lang) if rule else str(says.get("document", ""))
    for key in ("task", "element", "decision") + (
        ("message",) if entry.kind == "message_sent" else ()
    ):
        if says.get(key):
            return process.title_of(str(says[key]), lang)
    return ""


def details_of(case: Case, entry: Entry, n: int) -> str:
    """The rest of an event in one line: outcome, reason, number, counts, dates."""
    shown = []
    for key, labels in _DETAILS.items():
        value = entry.says.get(key)
        if value in (None, "") or (key == "message" and entry.kind == "message_sent"):
            continue
        if key == "outcome" and case.said_at(entry.seq):
            continue  # it stands among the answers
        label = (
            ("应到", "due")[n] if key == "due" and entry.kind.startswith("meeting_") else labels[n]
        )
        shown.append(_labelled(label, _value(case, entry, key, value, n), n))
    return "; ".join(shown) if n else ";".join(shown)


def _value(case: Case, entry: Entry, key: str, value: Any, n: int) -> str:
    lang, rule = ("zh", "en")[n], case.process.tasks.get(str(entry.says.get("task")))
    if key == "result" and isinstance(value, dict):
        shown = [
            f"{k} = {case.named.names.get(str(v), v)}"
            for k, v in value.items()
            if not k.endswith(("_en", "_zh")[n])
        ]
        return ", ".join(shown)
    if isinstance(value, dict):
        return _counts(value, case.process, str(entry.says.get("task")), n)
    if key == "why":
        return _WHY.get(str(value), (str(value), str(value)))[n]
    if key == "verb" and not n:
        return _VERBS.get(str(value), str(value))
    if key == "due" and entry.kind.startswith("meeting_"):
        return str(value)
    if key in ("due", "closes") and "T" in str(value):
        return moment(datetime.fromisoformat(str(value)))
    if key == "ended":
        return case.process.title_of(str(value), lang)
    if key == "choice" and rule and rule.poll and value in rule.poll.labels:
        return rule.poll.labels[value].in_(lang)
    if key == "outcome" and rule and rule.form:
        found = answered(rule.form, {rule.outcomes: value}, case.named, lang)
        return found[0].text if found else str(value)
    return case.named.names.get(str(value), str(value))


def _counts(outcome: Mapping[str, Any], process: Process, element: str, n: int) -> str:
    """The numbers of a poll, each with its name; the verdict last. Ballots given out and back only where tellers count."""
    rule = process.tasks.get(element)
    labels = rule.poll.labels if rule and rule.poll else {}
    lang = ("zh", "en")[n]
    words = {
        **{key: both[n] for key, both in _COUNTS.items()},
        **{key: label.in_(lang) for key, label in labels.items()},
    }
    hidden = () if rule and rule.poll and rule.poll.tellers else ("issued", "returned", "invalid")
    shown = [
        f"{label} {outcome[key]}"
        for key, label in words.items()
        if key in outcome and key not in hidden
    ]
    if isinstance(outcome.get("passed"), bool):
        shown.append((("未通过", "not passed"), ("通过", "passed"))[outcome["passed"]][n])
    return (", " if n else "，").join(shown)


def _poll(case: Case, question: Question, n: int) -> list[str]:
    row, lang = question.row, ("zh", "en")[n]
    numbers = ", ".join(f"{k} = {v}" for k, v in row.rule.get("numbers", {}).items())
    opened = next(
        (e for e in case.events if e.kind == "poll_opened" and e.says.get("poll") == str(row.id)),
        None,
    )
    closed = next(
        (e for e in case.events if e.kind == "poll_closed" and e.says.get("poll") == str(row.id)),
        None,
    )
    asked = about(case.process, row.rule.get("about", ()), case.named, lang)
    roll = rolls.digest(str(v.member_id) for v in question.voices)
    same = opened is not None and opened.says.get("roll_hash") == row.roll_hash == roll
    outcome = closed.says.get("outcome", {}) if closed else {**row.counts, "roll": row.roll_size}
    lines = [
        f"[{case.process.title_of(question.element, lang)}] {moment(row.opened_at)} – {moment(row.closed_at) or '…'}",
        *(f"      {_labelled(a.label, a.text, n)}" for a in asked.all),
        "      "
        + _labelled(
            ("规则", "rule")[n],
            f"{row.rule.get('passes', '')}{f'（{numbers}）' if numbers else ''}",
            n,
        ),
        f"      {_counts(outcome, case.process, question.element, n)}",
        *([f"      {why}"] if (why := outcome.get(("why", "why_en")[n])) else []),
        "      "
        + (
            ("名册与开始时一致", "the roll is the one frozen at the opening")
            if same
            else ("名册与开始时所载不符", "the roll differs from the one frozen at the opening")
        )[n],
    ]
    seen = [f"#{e.seq}" for e in (opened, closed) if e]
    return [*lines, f"      {('见', 'see')[n]} {' '.join(seen)}"] if seen else lines


_ROLL = (
    ("名册与开会时所载不符", "名册与开会时一致"),
    ("the roll was altered", "the roll is that of the opening"),
)
_LEDGER = (
    ("签到记录与散会时所载不符", "签到记录与散会时一致"),
    ("the ledger was altered", "the ledger is as it was closed"),
)


def _meeting(case: Case, hall: Hall, n: int) -> list[str]:
    """Who was due, needed and there at the opening and the closing, and whether roll and ledger are those on record."""
    told = {entry.kind: entry for entry in case.events if entry.says.get("meeting") == str(hall.id)}
    opened, closed = told.get("meeting_opened"), told.get("meeting_closed")
    span = f"{moment(hall.row.opened_at)} – {moment(hall.row.closed_at) or '…'}"
    lines = [f"[{case.process.title_of(hall.element, ('zh', 'en')[n])}] {span}"]
    if opened:
        formal = rolls.digest(str(d.member_id) for d in hall.due if d.kind == "formal")
        same = formal == opened.says["roll_hash"]
        lines += [_there(opened, ("开会时", "at the opening")[n], n), _ROLL[n][same]]
    if closed:
        same = rolls.ledger_digest(hall.ledger) == closed.says["ledger"]
        lines += [_there(closed, ("散会时", "at the closing")[n], n), _LEDGER[n][same]]
    return [lines[0], *(f"      {line}" for line in lines[1:])]


def _there(entry: Entry, at: str, n: int) -> str:
    due, needed, present = (entry.says.get(key, "") for key in ("due", "needed", "present"))
    reached = (("未达到法定人数", "达到法定人数"), ("no quorum", "quorate"))[n][
        bool(entry.says.get("quorate"))
    ]
    zh = f"{at}应到 {due}，须到 {needed}，实到 {present}，{reached}，见 #{entry.seq}"
    return (
        f"{at}: due {due}, needed {needed}, present {present}, {reached}, see #{entry.seq}"
        if n
        else zh
    )


def due(hall: Hall) -> bytes:
    """The roll of a meeting as CSV: who was due, and as what."""
    kinds = {"formal": "正式 formal", "observer": "列席 observer", "guest": "特邀 guest"}
    rows: list[list[object]] = [
        [str(d.member_id), d.name, kinds.get(d.kind, d.kind)] for d in hall.due
    ]
    return table([["member", "姓名 name", "身份 kind"], *rows])


def _documents(case: Case, n: int) -> list[str]:
    seqs = {str(e.says.get("id")): e.seq for e in case.events if e.kind == "document_issued"}
    lines = []
    for paper in case.documents:
        rule = case.process.documents.get(paper.kind)
        title = rule.title.in_(("zh", "en")[n]) if rule else paper.title
        seen = f"#{seqs.get(str(paper.id), '?')} {moment(paper.issued_at)}"
        lines.append(f"{seen} {paper.number} {title}  SHA-256 {paper.data_sha256}")
    return lines


def _rulings(case: Case, lang: str) -> list[str]:
    missing = ("规则库中已无此规则。", "The rulebook no longer has this rule.")[lang == "en"]
    return [
        f"{key}  {ruling.words(lang) if ruling else missing}"
        for key, ruling in case.rulings.items()
    ]


def _proof(case: Case, n: int) -> list[str]:
    sealed = sum(1 for e in case.events if e.leaf_no is not None)
    last = case.checkpoints[-1] if case.checkpoints else None
    broken = case.broken
    lines = [
        (
            f"本件共 {len(case.events)} 条记录，已封存 {sealed} 条。",
            f"{len(case.events)} events, {sealed} of them sealed.",
        )[n],
        (
            f"哈希链在第 {broken.seq} 条断开：{broken.why}。",
            f"The chain breaks at #{broken.seq}: {broken.why_en}.",
        )[n]
        if broken
        else ("哈希链完整，导出时已重算。", "The chain holds; it was computed anew for this pack.")[
            n
        ],
    ]
    if last is not None:
        lines.append(
            (
                f"最后的检查点：{last.size} 条，{moment(last.at)}，根 {last.root.hex()}。",
                f"Last checkpoint: {last.size} events, {moment(last.at)}, root {last.root.hex()}.",
            )[n]
        )
    lines.append(
        (
            f"系统记载由外部留存的最大检查点：{case.witnessed or '无'}。",
            f"Largest checkpoint on record as held by a witness outside: {case.witnessed or 'none'}.",
        )[n]
    )
    return lines


def _trust(n: int) -> list[str]:
    return [
        (
            "- 服务器时钟：时间由服务器记录，不是第三方时间戳。",
            "- The server's clock: no third party stamped the times.",
        )[n],
        (
            "- 登录人身份：账号须由本人使用。",
            "- Who logged in: that each account was used by its owner.",
        )[n],
        (
            "- 规则版本：以 rules/ 所载条文和可信度为准。",
            "- The rules: text and confidence stand in rules/.",
        )[n],
        (
            "- 扫描件、附件的真实性：只能证明上传后未改动。",
            "- Scanned papers: unchanged since the upload, no more.",
        )[n],
    ]


def timeline(case: Case) -> bytes:
    """timeline.csv for a spreadsheet: UTF-8 with byte order mark; no cell can be taken for a formula."""
    lines: list[list[object]] = [
        [
            "序号 no.",
            "时间 time (UTC+8)",
            "事项 event",
            "环节 step",
            "办理人 by",
            "说明 details",
            "kind",
            "hash",
            "leaf_no",
        ]
    ]
    for e in case.events:
        words = ";".join(
            [details_of(case, e, 0), *(_labelled(*pair, 0) for pair in said(case, e, 0))]
        ).strip(";")
        leaf = "" if e.leaf_no is None else e.leaf_no
        lines.append(
            [
                e.seq,
                moment(e.at),
                kind_of(e, 0),
                step_of(case, e, 0),
                by(e),
                words,
                e.kind,
                e.hash.hex(),
                leaf,
            ]
        )
    return table(lines)


def roll(case: Case, question: Question) -> bytes:
    """The roll of a poll as CSV: who could answer, and what they answered."""
    rule = case.process.tasks[question.element].poll
    lines: list[list[object]] = [
        ["member", "姓名 name", "选择 choice", "choice", "意见 comment", "时间 time (UTC+8)"]
    ]
    for v in question.voices:
        label = rule.labels[v.choice].zh if rule and v.choice in rule.labels else v.choice or ""
        lines.append([str(v.member_id), v.name, label, v.choice or "", v.comment, moment(v.at)])
    return table(lines)


def table(lines: list[list[object]]) -> bytes:
    """CSV in UTF-8 with byte order mark."""
    out = io.StringIO()
    csv.writer(out).writerows([[_cell(value) for value in line] for line in lines])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cell(value: object) -> object:
    return (
        f"'{value}"
        if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
        else value
    )
