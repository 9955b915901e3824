"""Events of the history as sentences: who did what, what it opened, what was refused. Words only, no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_babel import gettext

from engine.people import posts
from webui.http.words import lang
from webui.http.words import said as told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.definitions import Process
    from engine.queries.history import Happened


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


@dataclass(frozen=True)
class Opened:
    """A task that an event opened: its title, whose it is, and its last day."""

    title: str
    who: str
    due: str


@dataclass(frozen=True)
class Sentence:
    """`mark` is refused, incident, outcome, poll, document, clock, read or ""; `details` are further short lines."""

    text: str
    mark: str
    opened: tuple[Opened, ...]
    details: tuple[str, ...]


@dataclass(frozen=True)
class Teller:
    """Tells events. `process`: the version that gives elements their titles, None for a union's log; `names`: by id."""

    process: Process | None
    names: Mapping[str, str]

    def tell(self, event: Happened) -> Sentence:
        """One event as a sentence."""
        if event.kind in _WORDS:
            words, mark = _WORDS[event.kind]
            text = words() % _Values(self, event)  # type: ignore[operator]  # a mapping that looks things up
        else:
            said, mark = _TOLD.get(event.kind, (_unknown, ""))
            text = said(self, event)
        opened = tuple(self._opened(o) for o in event.body.get("opened", ()))
        return Sentence(text, mark, opened, tuple(_details(self, event)))

    def who(self, event: Happened) -> str:
        """The actor; the engine itself where nobody acted."""
        outside = event.body.get("outside")
        if isinstance(outside, dict):
            return _("%(unit)s %(office)s %(name)s（经一次性链接）", **outside)
        behalf = event.body.get("on_behalf_of")
        name = event.actor or _("系统")
        return (
            _("%(who)s（代%(for)s）", **{"who": name, "for": behalf["name"]})
            if isinstance(behalf, dict)
            else name
        )

    def title(self, element: object) -> str:
        """What a person calls an element of the diagram."""
        key = str(element or "")
        return self.process.title_of(key, lang()) if self.process else key

    def name(self, key: object) -> str:
        """The name behind an id."""
        return self.names.get(str(key), str(key)[:8])

    def seat(self, seat: object) -> str:
        """A seat as post and unit."""
        post, _at, unit = str(seat or "").partition("@")
        if not unit:  # a seat of the union itself
            return post_title(post) if post else ""
        return (
            f"{post_title(post)}（{self.name(unit)}）"
            if lang() == "zh"
            else f"{post_title(post)} ({self.name(unit)})"
        )

    def choice(self, event: Happened) -> str:
        """The label of a poll's choice; of an election the names chosen."""
        rule = self.process.tasks.get(str(event.body.get("task"))) if self.process else None
        key = str(event.body.get("choice", ""))
        if rule is None or rule.poll is None:
            return key
        labels = {c: words.in_(lang()) for c, words in rule.poll.labels.items()}
        if rule.poll.kind != "election":
            return labels.get(key, key)
        return (
            _("弃权")
            if key == "abstain"
            else _("、").join(labels.get(c) or self.name(c) for c in key.split(" "))
        )

    def passes(self, event: Happened) -> str:
        """The rule of a poll in words, else as it is written."""
        rule = self.process.tasks.get(str(event.body.get("task"))) if self.process else None
        words = rule.poll.words.in_(lang()) if rule and rule.poll else ""
        return words or str(event.body.get("rule"))

    def outcome(self, event: Happened) -> str:
        """The label of what a task's form decided."""
        key, rule = (
            event.body.get("outcome"),
            self.process.tasks.get(str(event.body.get("task"))) if self.process else None,
        )
        if key is None or rule is None or rule.form is None:
            return ""
        choices = next((f.choices for f in rule.form.fields if f.key == rule.outcomes), ())
        found = next((c for c in choices if c.value == key), None)
        return (
            str(key)
            if found is None
            else found.label_en
            if lang() == "en" and found.label_en
            else found.label
        )

    def counts(self, event: Happened) -> str:
        """A poll's numbers in words."""
        numbers = event.body.get("outcome") or {}
        rule = self.process.tasks.get(str(event.body.get("task"))) if self.process else None
        labels = rule.poll.labels if rule and rule.poll else {}
        fixed = {
            "roll": _("名册"),
            "answered": _("作答"),
            "silent": _("未作答"),
            "issued": _("发出"),
            "returned": _("收回"),
            "valid": _("有效"),
            "invalid": _("无效"),
            "present": _("截止时到会"),
            "present_at_opening": _("开始时到会"),
            "abstain": _("弃权"),
            "seats": _("名额"),
        }
        order = {k: n for n, k in enumerate((*labels, *fixed))}
        parts = [
            f"{labels[k].in_(lang()) if k in labels else fixed.get(k, k)} {v}"
            for k, v in sorted(numbers.items(), key=lambda pair: order.get(pair[0], len(order)))
            if isinstance(v, int) and not isinstance(v, bool)
        ]
        votes = numbers.get("votes")
        parts += (
            [f"{self.name(k)} {v}" for k, v in votes.items()] if isinstance(votes, dict) else []
        )
        return _("、").join(parts)

    def _opened(self, task: Mapping[str, Any]) -> Opened:
        who = (
            self.name(task["for"])
            if task.get("for")
            else self.seat(task.get("seat")) or _("名册上的人")
        )
        return Opened(self.title(task.get("task")), who, str(task.get("due") or ""))


def post_title(kind: str) -> str:
    """What a post is called."""
    known = posts.kinds().posts.get(kind)
    return kind if known is None else known.title_en if lang() == "en" else known.title


def _unknown(_t: Teller, e: Happened) -> str:
    return f"{_t.who(e)}: {e.kind}"


def _task_completed(t: Teller, e: Happened) -> str:
    outcome, title = t.outcome(e), t.title(e.body.get("task"))
    if outcome:
        return _(
            "%(who)s办理了“%(task)s”，结论：%(outcome)s", who=t.who(e), task=title, outcome=outcome
        )
    return _("%(who)s办理了“%(task)s”", who=t.who(e), task=title)


def _poll_closed(t: Teller, e: Happened) -> str:
    if e.body.get("room"):
        return _("“%(task)s”截止，结果不向您显示", task=t.title(e.body.get("task")))
    passed = (e.body.get("outcome") or {}).get("passed")
    result = _("通过") if passed else _("未通过")
    return _("“%(task)s”截止：%(result)s", task=t.title(e.body.get("task")), result=result)


def _poll_answered(t: Teller, e: Happened) -> str:
    who, task, choice = t.who(e), t.title(e.body.get("task")), t.choice(e)
    if choice:
        return _("%(who)s在“%(task)s”中答：%(choice)s", who=who, task=task, choice=choice)
    return _("%(who)s在“%(task)s”中作答", who=who, task=task)


def _poll_opened(t: Teller, e: Happened) -> str:
    return _(
        "“%(task)s”开始，名册 %(n)s 人", task=t.title(e.body.get("task")), n=e.body.get("roll")
    )


def _refused(t: Teller, e: Happened) -> str:
    what = (
        t.title(e.body["element"]) if e.body.get("element") else verb(str(e.body.get("verb", "")))
    )
    if what:
        return _(
            "%(who)s想办理“%(what)s”，被拒绝：%(why)s",
            who=t.who(e),
            what=what,
            why=told(str(e.body.get("why", ""))),
        )
    return _("%(who)s的一次操作被拒绝：%(why)s", who=t.who(e), why=told(str(e.body.get("why", ""))))


def verb(key: str) -> str:
    """What a verb of the access table is called."""
    name = key.partition(":")[0]
    return {
        "remind": _("催办"),
        "suspend": _("暂停"),
        "resume": _("恢复"),
        "terminate": _("终止"),
        "retry": _("重试异常"),
        "reassign": _("改派"),
        "read_history": _("查看历史"),
        "verify": _("校验历史"),
        "export": _("导出证据"),
        "see_people": _("查看人员"),
        "manage_people": _("管理人员"),
        "import_people": _("导入人员"),
        "set_password": _("设置密码"),
        "propose_definition": _("提出流程"),
        "approve_definition": _("批准流程"),
        "propose_setting": _("提出本单位规则"),
        "approve_setting": _("批准本单位规则"),
        "load_notice": _("载入放假安排或假期"),
        "see_rules": _("查看规则"),
        "see_desk": _("查询全部事项"),
        "complete": _("办理"),
        "respond": _("作答"),
        "take_back": _("撤回作答"),
        "close_poll": _("提前截止"),
        "run_meeting": _("主持会议"),
        "arrive": _("签到"),
        "leave": _("离场"),
        "count": _("计票"),
        "void_poll": _("宣布表决无效"),
        "cast": _("投票"),
        "take_key": _("领取密钥"),
        "join_key": _("开箱"),
        "launch": _("发起"),
        "message": _("提出申请"),
        "withdraw": _("撤回"),
    }.get(name, key)


def _document(t: Teller, e: Happened) -> str:
    rule = t.process.documents.get(str(e.body.get("document"))) if t.process else None
    title = rule.title.in_(lang()) if rule else e.body.get("document", "")
    return _("签发文书《%(title)s》 %(number)s", title=title, number=e.body.get("number", ""))


def _recomputed(t: Teller, e: Happened) -> str:
    changes = [
        _(
            "“%(task)s”由 %(was)s 改为 %(due)s",
            task=t.title(d["element"]),
            was=d["was"],
            due=d["due"],
        )
        if d["was"] != d["due"]
        else _("“%(task)s”确认为 %(due)s", task=t.title(d["element"]), due=d["due"])
        for d in e.body.get("deadlines", ())
    ]
    return _("放假安排载入后重新计算期限：%(changes)s", changes=_(";").join(changes))


def _verified(t: Teller, e: Happened) -> str:
    if e.body.get("whole"):
        return _("%(who)s校验了全部 %(n)s 条记录，完整", who=t.who(e), n=e.body.get("events"))
    return _(
        "%(who)s校验了全部记录，发现断裂：%(fault)s",
        who=t.who(e),
        fault=told(str(e.body.get("fault", ""))),
    )


@dataclass(frozen=True)
class _Values:
    """What a sentence of fixed words may name: who, titles of elements, names behind ids, and the body as it is."""

    t: Teller
    e: Happened

    def __getitem__(self, key: str) -> object:
        body = self.e.body
        if key == "who":
            return self.t.who(self.e)
        if key == "message" and self.e.kind == "incident_noted":
            return told(str(body.get(key, "")))
        if key in ("task", "element", "message", "decision"):
            return self.t.title(body.get(key))
        if key == "name":
            return body.get("name") or self.t.name(body.get("member") or body.get("unit"))
        if key in ("old", "new"):
            return self.t.name(body.get(key))
        if key == "post":
            return post_title(str(body.get("post_kind", "")))
        if key == "unit":
            return body.get("unit_name", "")
        if key == "choice":
            return self.t.choice(self.e)
        if key in ("cast", "invalid"):
            return body.get(key, 0)
        if key == "version":
            return str(body.get(key, ""))[:12]
        return (
            body[key]
            if body.get(key) == 0
            else body.get(key) or (_("未定") if key == "to_on" else "")
        )


_WORDS: dict[str, tuple[Callable[[], str], str]] = {
    # an instance
    "instance_launched": (lambda: _("%(who)s提出，编号 %(number)s"), "outcome"),
    "task_claimed": (lambda: _("%(who)s签收“%(task)s”"), ""),
    "task_released": (lambda: _("%(who)s把“%(task)s”退回同岗位"), ""),
    "task_reassigned": (lambda: _("%(who)s改派“%(task)s”"), ""),
    "poll_answer_withdrawn": (lambda: _("%(who)s撤回在“%(task)s”中的答复"), ""),
    "key_taken": (lambda: _("监票人%(who)s领取“%(task)s”的密钥"), "poll"),
    "ballots_cast": (lambda: _("“%(task)s”投票 %(cast)s 人，回执公布，散列 %(board)s"), "poll"),
    "key_joined": (lambda: _("监票人%(who)s为“%(task)s”输入口令"), "poll"),
    "ballots_opened": (
        lambda: _("“%(task)s”的选票开启，无效票 %(invalid)s 张，选票散列 %(urn)s"),
        "outcome",
    ),
    "poll_called": (lambda: _("“%(task)s”等监票人领取密钥"), "poll"),
    "poll_stopped": (lambda: _("“%(task)s”截止，等监票人计票"), "poll"),
    "poll_signed": (lambda: _("%(who)s在“%(task)s”的计票结果上签字"), ""),
    "poll_voided": (lambda: _("%(who)s宣布“%(task)s”无效，重新表决：%(reason)s"), "outcome"),
    "paper_ballots_given": (lambda: _("%(who)s在“%(task)s”中发出纸质票"), ""),
    "paper_ballots_counted": (
        lambda: _("%(who)s录入“%(task)s”的纸质票：发出 %(issued)s，收回 %(returned)s"),
        "",
    ),
    "meeting_called": (lambda: _("召集“%(task)s”，应到 %(due)s 人"), ""),
    "meeting_opened": (
        lambda: _(
            "%(who)s宣布“%(task)s”开始，应到 %(due)s 人，须到 %(needed)s 人，实到 %(present)s 人"
        ),
        "outcome",
    ),
    "meeting_closed": (
        lambda: _("“%(task)s”结束，应到 %(due)s 人，实到 %(present)s 人"),
        "outcome",
    ),
    "poll_recounted": (lambda: _("%(who)s退出后重新计票：“%(task)s”"), "outcome"),
    "decision_taken": (lambda: _("按决策表“%(decision)s”判定"), "clock"),
    "timer_fired": (lambda: _("“%(element)s”到时"), "clock"),
    "message_sent": (lambda: _("%(who)s提出“%(message)s”"), "outcome"),
    "deadline_extended": (lambda: _("“%(task)s”延期至 %(due)s"), "clock"),
    "deadline_kept": (lambda: _("“%(task)s”已办理，不再延期"), "clock"),
    "reminder_sent": (lambda: _("提醒“%(task)s”的期限"), "clock"),
    "mover_replaced": (lambda: _("提案人由%(old)s改为%(new)s"), "outcome"),
    "instance_merged": (lambda: _("%(who)s确认并入 %(number)s"), "outcome"),
    "origin_merged": (lambda: _("%(number)s 并入本件"), "outcome"),
    "matter_reminded": (lambda: _("%(who)s催办：%(reason)s"), "outcome"),
    "instance_suspended": (lambda: _("%(who)s暂停本件：%(reason)s"), "outcome"),
    "instance_resumed": (lambda: _("%(who)s恢复本件，停了 %(stopped_days)s 天"), "outcome"),
    "instance_withdrawn": (lambda: _("%(who)s撤回本件：%(reason)s"), "outcome"),
    "instance_terminated": (lambda: _("%(who)s终止本件：%(reason)s"), "outcome"),
    "instance_archived": (
        lambda: _("归档，文书 %(documents)s 份，保存 %(retention_years)s 年"),
        "",
    ),
    "added_to_report": (lambda: _("列入向下次大会的报告"), ""),
    "incident_noted": (lambda: _("出现异常：%(message)s"), "incident"),
    "incident_retried": (lambda: _("%(who)s重试异常"), "incident"),
    "link_sent": (lambda: _("%(who)s为“%(task)s”向%(to)s发送一次性链接"), ""),
    "matter_begun": (lambda: _("由本件发起关联事项 %(number)s"), "outcome"),
    "matter_linked": (lambda: _("与 %(number)s 关联"), "outcome"),
    "matter_told": (lambda: _("把结果告知 %(number)s"), "outcome"),
    "matter_read": (lambda: _("%(who)s查看了本件"), "read"),
    "member_let_in": (lambda: _("%(who)s准许%(name)s查阅：%(reason)s"), "read"),
    "matter_disclosed": (lambda: _("“%(element)s”以后不再保密"), "outcome"),
    "matter_erased": (lambda: _("%(who)s按规定删除了内容：%(reason)s"), "outcome"),
    "evidence_exported": (lambda: _("%(who)s导出证据包"), "read"),
    "history_read": (lambda: _("%(who)s查看了历史"), "read"),
    # people
    "unit_created": (lambda: _("%(who)s新增单位“%(name)s”"), ""),
    "unit_changed": (lambda: _("%(who)s更改单位“%(name)s”"), ""),
    "member_created": (lambda: _("%(who)s登记人员%(name)s"), ""),
    "member_changed": (lambda: _("%(who)s更改%(name)s的登记"), ""),
    "post_granted": (
        lambda: _("%(name)s任%(unit)s%(post)s,%(from_on)s 至 %(to_on)s(%(who)s登记)"),
        "",
    ),
    "post_ended": (
        lambda: _("%(name)s不再任%(unit)s%(post)s，至 %(to_on)s:%(why)s(%(who)s登记)"),
        "",
    ),
    "password_set": (lambda: _("%(who)s为%(name)s设置密码"), ""),
    "password_changed": (lambda: _("%(who)s更改了自己的密码"), ""),
    "logged_in": (lambda: _("%(name)s登录"), "read"),
    "logged_out": (lambda: _("%(name)s退出登录"), "read"),
    "login_locked": (lambda: _("%(name)s的登录因多次失败暂时锁定"), "refused"),
    "token_created": (lambda: _("%(who)s新建接口令牌（%(name)s）"), ""),
    "token_ended": (lambda: _("%(who)s停用接口令牌（%(name)s）"), ""),
    "import_confirmed": (lambda: _("%(who)s导入文件 %(file)s"), ""),
    "people_exported": (lambda: _("%(who)s导出人员资料 %(rows)s 行"), "read"),
    # rules, definitions, seals
    "setting_proposed": (
        lambda: _("%(who)s提议把规则 %(rule)s 定为 %(value)s，自 %(valid_from)s 起"),
        "",
    ),
    "setting_approved": (
        lambda: _("%(who)s批准规则 %(rule)s 定为 %(value)s，自 %(valid_from)s 起"),
        "outcome",
    ),
    "setting_refused": (lambda: _("%(who)s未批准规则 %(rule)s 定为 %(value)s"), "outcome"),
    "vacation_added": (lambda: _("%(who)s登记假期“%(name)s”，%(from_on)s 至 %(to_on)s"), ""),
    "vacation_removed": (lambda: _("%(who)s删除假期“%(name)s”，%(from_on)s 至 %(to_on)s"), ""),
    "notice_loaded": (lambda: _("%(who)s载入 %(year)s 年放假安排（%(source)s）"), "outcome"),
    "definition_proposed": (lambda: _("%(who)s提出流程 %(process)s 的新版本 %(version)s"), ""),
    "definition_published": (
        lambda: _("流程 %(process)s 的版本 %(version)s 施行（%(who)s）"),
        "outcome",
    ),
    "definition_refused": (
        lambda: _("%(who)s未批准流程 %(process)s 的版本 %(version)s"),
        "outcome",
    ),
    "checkpoint_witnessed": (
        lambda: _("%(who)s登记检查点 %(size)s 已交%(witness)s保存"),
        "outcome",
    ),
}
_TOLD: dict[str, tuple[Callable[[Teller, Happened], str], str]] = {
    "task_completed": (_task_completed, "outcome"),
    "poll_answered": (_poll_answered, ""),
    "poll_opened": (_poll_opened, "poll"),
    "poll_closed": (_poll_closed, "outcome"),
    "document_issued": (_document, "document"),
    "deadline_recomputed": (_recomputed, "clock"),
    "attempt_refused": (_refused, "refused"),
    "history_verified": (_verified, "outcome"),
}


def _details(t: Teller, e: Happened) -> list[str]:
    """What a reader wants to see besides the sentence."""
    body, found = e.body, []
    if body.get("seat") and e.kind in ("instance_launched", "task_completed"):
        found.append(_("以%(seat)s的身份", seat=t.seat(body["seat"])))
    if body.get("comment"):
        found.append(_("意见：%(comment)s", comment=body["comment"]))
    if e.kind == "poll_opened":
        found.extend(
            str(v) for v in list((body.get("about") or {}).values())[:1] if isinstance(v, str)
        )
        found.append(
            _(
                "规则：%(rule)s；名册散列 %(hash)s",
                rule=t.passes(e),
                hash=str(body.get("roll_hash"))[:16] + "…",
            )
        )
    if e.kind == "poll_closed":
        found.append(t.counts(e))
        found.append(_closing().get(str(body.get("why")), ""))
        found.append(
            str((body.get("outcome") or {}).get("why_en" if lang() == "en" else "why") or "")
        )
    if e.kind == "decision_taken" and isinstance(body.get("result"), dict):
        found.append(str(body["result"].get("because") or body["result"].get("reason") or ""))
        found.extend(str(v) for v in body["result"].get("faults") or ())
    if e.kind == "paper_ballots_given":
        found.append(_("、").join(map(t.name, body.get("members", ()))))
    if body.get("ended"):
        found.append(_("至此结束：%(end)s", end=t.title(body["ended"])))
    return [f for f in found if f]


def _closing() -> dict[str, str]:
    return {
        "window_ended": _("期满截止"),
        "early": _("结果已定，提前截止"),
        "all_answered": _("全部作答，截止"),
        "closed_by_mover": _("人数已够，由提案人截止"),
        "closed_by_chair": _("由主持人截止"),
        "signed": _("监票人全部签字"),
    }
