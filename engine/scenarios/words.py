"""What happened in a step, in words: one clause for each event that is worth telling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.definitions import Process


def titled(process: Process, element: str) -> str:
    """An element with its title, e.g. 审查立案（review）."""
    title = process.title_of(element)
    return f"{title}（{element}）" if title != element else element


def listed(process: Process, elements: Iterable[str]) -> str:
    """Elements with their titles; "nothing" when there are none."""
    return "、".join(titled(process, each) for each in elements) or "（没有）"


def told(process: Process, kind: str, body: Mapping[str, Any]) -> str:
    """One event as a clause, or "" when it goes without saying."""
    tell = _CLAUSES.get(kind)
    clauses = [tell(process, body)] if tell else []
    opened = [each.get("task", "") for each in body.get("opened", [])]
    if opened:
        clauses.append(f"打开 {listed(process, opened)}")
    if body.get("ended"):
        clauses.append(f"结束于 {titled(process, body['ended'])}")
    return "，".join(clauses)


def _element(verb: str, key: str) -> Callable[[Process, Mapping[str, Any]], str]:
    return lambda process, body: f"{verb} {titled(process, str(body.get(key, '')))}"


def _plain(text: str) -> Callable[[Process, Mapping[str, Any]], str]:
    return lambda _process, _body: text


def _document(process: Process, body: Mapping[str, Any]) -> str:
    rule = process.documents.get(str(body.get("document")))
    number = body.get("number") or ""
    return f"出具《{rule.title.zh if rule else body.get('document')}》{number}"


def _closed(process: Process, body: Mapping[str, Any]) -> str:
    outcome = body.get("outcome", {})
    counts = "、".join(f"{k} {v}" for k, v in outcome.items() if type(v) is int)
    return f"{titled(process, str(body.get('task', '')))}截止：{'通过' if outcome.get('passed') else '未通过'}（{counts}）"


def _opened(_process: Process, body: Mapping[str, Any]) -> str:
    return f"开会，应到 {body.get('due')}，须到 {body.get('needed')}，实到 {body.get('present')}"


_CLAUSES: dict[str, Callable[[Process, Mapping[str, Any]], str]] = {
    "instance_launched": lambda _process, body: f"立号 {body.get('number', '')}",
    "task_completed": _element("办结", "task"),
    "task_claimed": _element("签收", "task"),
    "task_released": _element("退回签收", "task"),
    "message_sent": _element("收到", "message"),
    "timer_fired": _element("到期", "element"),
    "poll_answered": lambda _process, body: f"答 {body.get('choice', '')}",
    "poll_answer_withdrawn": _plain("撤回作答"),
    "poll_closed": _closed,
    "poll_recounted": _plain("重计人数"),
    "document_issued": _document,
    "decision_taken": _element("判定", "decision"),
    "deadline_extended": _element("延期", "task"),
    "matter_reminded": _plain("催办"),
    "reminder_sent": _plain("发出催办"),
    "mover_replaced": _plain("更换提案人"),
    "instance_merged": lambda _process, body: f"并入 {body.get('number', '')}",
    "origin_merged": _plain("登记并入件"),
    "added_to_report": _plain("列入报告"),
    "instance_archived": _plain("归档"),
    "instance_suspended": _plain("暂停"),
    "instance_resumed": _plain("恢复"),
    "instance_withdrawn": _plain("撤回"),
    "instance_terminated": _plain("终止"),
    "attempt_refused": _plain("拒绝在案"),
    "meeting_called": _plain("召集会议"),
    "meeting_opened": _opened,
    "meeting_closed": _plain("散会"),
    "poll_called": _plain("监票人领取密钥"),
    "poll_stopped": _plain("表决截止，等待计票"),
    "poll_signed": _plain("监票人签字"),
    "poll_voided": lambda _process, body: f"表决无效：{body.get('reason', '')}",
    "key_taken": _plain("领取密钥"),
    "ballots_cast": lambda _process, body: f"投票 {body.get('cast', '')} 人",
    "key_joined": _plain("输入口令"),
    "ballots_opened": _plain("开启选票"),
    "paper_ballots_given": _plain("发纸质票"),
    "paper_ballots_counted": _plain("清点纸质票"),
    "matter_begun": lambda _process, body: f"发起关联事项 {body.get('number', '')}",
    "matter_linked": lambda _process, body: f"关联 {body.get('number', '')}",
    "matter_told": lambda _process, body: f"告知 {body.get('number', '')}",
    "link_sent": lambda _process, body: f"向{body.get('to', '')}发出答复链接",
    "matter_disclosed": _plain("不再保密"),
    "member_let_in": lambda _process, body: f"准许{body.get('name', '')}查阅",
    "matter_read": _plain("查阅在案"),
    "incident_noted": lambda _process, body: f"异常：{body.get('message', '')}",
}
