"""Faults of the user tasks in process.toml: until when, under which condition, with what, and what
follows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.definitions import verbs
from engine.definitions.check import polls, provisos
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.forms import path_of
from engine.definitions.check.keys import POLL, PROVISOS
from engine.definitions.check.language import named_root
from engine.definitions.check.shape import FILE, lacks
from engine.law import unit_words
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language
    from engine.forms import Field, Form

AFTER_RULE = re.compile(r"\{([A-Z][A-Z0-9-]*)\}([^{}]{0,40})")
HINT = re.compile(r"\{([^{}]*)\}")  # what tells put into their words: facts and rules
MEETING = frozenset({"due", "present", "observers", "guests"})  # what `quorum` may name
OVERDUE = frozenset({"overdue"})  # what `gates` may name


def faults(key: str, task: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """All faults of one task."""
    place = f"tasks.{shown(key)}"
    yield from _drawn(key, place, task, draft)
    yield from basis(place, task, language)
    if task.get("due"):
        label = _("到期时间 due")
        yield from language.faults(FILE, place, label, task["due"], moment=True)
    if task.get("recuse"):
        yield from language.faults(FILE, place, _("回避条件 recuse"), task["recuse"])
    for fact in task.get("prefill", ()):
        if fact not in language.facts:
            what = _("prefill 里的 {fact} 不是本流程的事实。", fact=shown(fact))
            yield Fault(FILE, place, what, _("请写环节的 id，例如 review。"))
    for field, fact in task.get("suggests", {}).items():
        if field not in task.get("each", ()):
            what = _("suggests 里的 {field} 不在 each 里。", field=shown(field))
            yield Fault(FILE, place, what, _("只有逐件写的一项可以先列出建议。"))
        yield from language.faults(FILE, place, _("建议 suggests"), fact)
    yield from gates(place, task, language)
    yield from _tells(place, task, language)
    yield from rooms(place, task, draft)
    yield from confided(place, task, draft, language)
    if task.get("link"):
        yield from _link(key, place, draft)
    if task.get("batch") or task.get("each"):
        yield from _batch(key, place, task, draft, language)
    if "meeting" in task:
        yield from _meeting(f"{place}.meeting", task["meeting"], language)
        yield from _beside(key, f"{place}.meeting", draft, language)
    yield from _outcomes(place, task, draft.forms.get(key))
    if task.get("undo") and ("poll" in task or "meeting" in task):
        what = _("表决和会议不能撤回（undo），票一经投出、会一经结束即为有效。")
        yield Fault(FILE, place, what, _("请删去 undo。"))
    if "provisos" in task and not lacks(task["provisos"], PROVISOS):
        yield from provisos.faults(key, place, task, draft, language)
    on_it = verbs.possible(poll="poll" in task, meeting="meeting" in task)
    yield from allowed(place, task, on_it)
    if "poll" in task:
        if not lacks(task["poll"], POLL):  # of half a poll nothing more is to be said
            yield from polls.faults(f"{place}.poll", task["poll"], draft, language)
        if task.get("due"):
            what = _("表决的期限写了两处（due 和 closes）。")
            yield Fault(FILE, place, what, _("请只在 [tasks.<环节>.poll] 里写 closes。"))


def allowed(
    place: str, table: dict[str, Any], possible: frozenset[str] = frozenset(verbs.ALL)
) -> Iterator[Fault]:
    """The verbs that a process, or one of its tasks, allows beside the decision."""
    for verb in table.get("verbs", ()):
        if verb not in verbs.ALL:
            what = _("verbs 里的 {verb} 不是办理方式。", verb=shown(verb))
            yield Fault(FILE, place, what, _("可以写：{allowed}。", allowed=Listed(verbs.ALL)))
        elif verb not in possible:
            what = _("verbs：表决、征求同意和会议不能 {verb}。", verb=verb)
            advice = _("可以写：{allowed}。", allowed=Listed(sorted(possible)))
            yield Fault(FILE, place, what, advice)


def _drawn(key: str, place: str, task: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    drawn = draft.elements("userTask")
    if draft.diagram is None:
        return
    if key not in drawn:
        what = _("流程图里没有用户任务 {key}。", key=shown(key))
        yield Fault(FILE, place, what, _("请改成流程图里的 id，或删去。"), named_root(key))
    for other in task.get("not_by", ()):
        if other not in drawn:
            what = _("not_by 里的 {other} 不是用户任务。", other=shown(other))
            yield Fault(FILE, place, what, _("请写流程图里用户任务的 id。"))


def basis(place: str, table: dict[str, Any], language: Language) -> Iterator[Fault]:
    """The basis of a task or guard is a rule of law."""
    rule = table.get("basis")
    if rule and not language.known_rule(rule):
        what = _("依据 basis 没有规则 {rule}。", rule=shown(rule))
        yield Fault(FILE, place, what, language.near(rule))


def _meeting(place: str, meeting: dict[str, Any], language: Language) -> Iterator[Fault]:
    for name in ("formal", "observers", "guests"):
        if meeting.get(name):
            label = _("名册 {name}", name=name)
            yield from language.faults(FILE, place, label, meeting[name])
    if meeting.get("quorum"):
        label = _("法定人数 quorum")
        yield from language.faults(FILE, place, label, meeting["quorum"], more=MEETING)


def _beside(key: str, place: str, draft: Draft, language: Language) -> Iterator[Fault]:
    """A meeting that shares its hall says with which one, and when it is the one that decides."""
    tasks = draft.table("tasks")
    meeting = tasks[key]["meeting"]
    first, decides = meeting.get("beside", ""), meeting.get("decides", "")
    if bool(first) != bool(decides):
        what = _("beside 和 decides 应当一起写。")
        advice = _("beside 写与哪个环节的会议同时召开，decides 写什么时候归这场会议表决。")
        yield Fault(FILE, place, what, advice)
    if decides:
        yield from language.faults(FILE, place, _("归这场会议表决 decides"), decides)
    if not first:
        return
    other = tasks.get(first, {}).get("meeting")
    if first == key or other is None or other.get("beside"):
        what = _("{meeting} 不是可以与之同时召开的会议。", meeting=shown(first))
        yield Fault(FILE, place, what, _("请写有 meeting、其中没有 beside 的另一环节。"))
    elif draft.lane_of(first) != draft.lane_of(key):
        what = _("同时召开的会议 {first} 和 {second} 不在一条泳道里。", first=first, second=key)
        yield Fault(FILE, place, what, _("一个会场由同一泳道的人主持签到。"))


def rooms(place: str, table: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    """The room of a task or message is made of lanes."""
    lanes = draft.table("lanes")
    for lane in table.get("room", ()):
        if lane not in lanes:
            what = _("room 里没有泳道 {lane}。", lane=shown(lane))
            yield Fault(FILE, place, what, _("可以写：{allowed}。", allowed=Listed(lanes)))


def confided(
    place: str, table: dict[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    """What is confided is said in a room to persons, who change; a poll is said to a roll."""
    lanes, room, said = draft.table("lanes"), table.get("room", ()), table.get("confided", ())
    for lane in said:
        if lane not in room:
            what = _("confided 里的泳道 {lane} 不在 room 里。", lane=shown(lane))
            yield Fault(FILE, place, what, _("可以写：{allowed}。", allowed=Listed(room)))
        elif not lanes.get(lane, {}).get("person"):
            what = _("confided 里的泳道 {lane} 不是由具体的人组成的。", lane=shown(lane))
            yield Fault(FILE, place, what, _("请写用 person 说明是谁的泳道。"))
    if said and table.get("poll"):
        what = _("表决不能写 confided。")
        yield Fault(FILE, place, what, _("谁看得到表决，由名册、room 和 names 决定。"))
    if handed_on := table.get("handed_on"):
        yield from language.faults(FILE, place, _("转告 handed_on"), handed_on)
        if not said:
            what = _("写了 handed_on，没有写 confided。")
            yield Fault(FILE, place, what, _("请写明只说给当时在哪些泳道的人。"))


def gates(place: str, table: dict[str, Any], language: Language) -> Iterator[Fault]:
    """What must hold before a task or message is accepted."""
    for gate in table.get("gates", ()):
        if gate.get("holds"):
            label = _("前提 gates.holds")
            yield from language.faults(FILE, place, label, gate["holds"], more=OVERDUE)
        for name in HINT.findall(gate.get("text", "") + gate.get("text_en", "")):
            what = _("前提的说明里写了 {{{name}}}，这里不会替换。", name=shown(name))
            yield Fault(FILE, place, what, _("请写成普通的话；要给出数字的，写在 tells 里。"))


# --- answers from outside -------------------------------------------------------------------------
def _link(key: str, place: str, draft: Draft) -> Iterator[Fault]:
    """Whoever answers from outside is not shown the people and instances of the union."""
    form = draft.forms.get(key)
    if path_of(key) not in draft.files:
        what = _("外单位在线答复的环节没有表单。")
        yield Fault(FILE, place, what, _("请补上 {path}。", path=path_of(key)))
    for field in form.fields if form else ():
        yield from _field_of_link(place, field)


def _field_of_link(place: str, field: Field) -> Iterator[Fault]:
    key = shown(field.key)
    if field.source:
        what = _("外单位在线答复的表单里，{key} 的选项来自本单位的数据。", key=key)
        yield Fault(FILE, place, what, _("请改成填写的文字，或者固定的选项。"))
    if field.kind == "filepicker" and field.required and not field.hide:
        what = _("外单位在线答复时不能上传，{key} 却是必填。", key=key)
        yield Fault(FILE, place, what, _("请改成不必填。"))


# --- several by one act ---------------------------------------------------------------------------
def _batch(
    key: str, place: str, task: dict[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    """Votes, consents, meetings and what the law guards are done one by one."""
    why = _("表决和征求同意") if "poll" in task else _("会议") if "meeting" in task else None
    guarded = [basis for basis in _guards(key, draft) if _of_law(basis, language)]
    if guarded:
        why = _("以法律规定 {rules} 为前提的环节", rules=Listed(sorted(set(guarded))))
    if why is not None:
        what = _("batch：{why}必须逐件办理，不能一并办理。", why=why)
        yield Fault(FILE, place, what, _("请删去 batch。"))
    if task.get("each") and not task.get("batch"):
        yield Fault(FILE, place, _("有 each，没有 batch。"), _("请写 batch = true，或删去 each。"))
    form = draft.forms.get(key)
    alone = {"filepicker", "dynamiclist", "expression"}
    fields = [field.key for field in form.asked if field.kind not in alone] if form else []
    for name in task.get("each", ()):
        if name not in fields:
            what = _("each 里的 {field} 不在表单里。", field=shown(name))
            yield Fault(FILE, place, what, _("表单里有：{keys}。", keys=Listed(fields)))


def _guards(key: str, draft: Draft) -> Iterator[str]:
    """The basis of each guard that finishing the task passes: of the task, and of what follows it
    before another person acts.
    """
    near, waiting = {key}, [key]
    while draft.diagram is not None and waiting:
        here = waiting.pop()
        for flow in draft.diagram.flows:
            target = draft.diagram.elements.get(flow.target) if flow.source == here else None
            if target is not None and target.id not in near and target.type != "userTask":
                near.add(target.id)
                waiting.append(target.id)
    for guard in draft.raw.get("guards", ()):
        if near & set(guard.get("at", ())) and guard.get("basis"):
            yield guard["basis"]


def _of_law(basis: str, language: Language) -> bool:
    return any(entry.level == "LAW" for entry in language.known_rule(basis))


# --- words beside a task --------------------------------------------------------------------------
def _tells(place: str, task: dict[str, Any], language: Language) -> Iterator[Fault]:
    for tell in task.get("tells", ()):
        if tell.get("when"):
            yield from language.faults(FILE, place, _("条件 tells.when"), tell["when"])
        for name in HINT.findall(tell.get("text", "") + tell.get("text_en", "")):
            yield from _hint(place, name, language)
        for language_of, key in enumerate(("text", "text_en")):
            yield from _doubled(place, tell.get(key, ""), language, language_of)


def _doubled(place: str, text: str, language: Language, n: int) -> Iterator[Fault]:
    """A unit after a rule whose words have it already: "3 人 人". n = 0 Chinese, 1 English."""
    for name, after in AFTER_RULE.findall(text):
        for entry in language.known_rule(name):
            unit = unit_words(entry.unit, n)
            if unit and after.lstrip().lower().startswith(unit):
                what = _("{{{rule}}} 已带单位“{unit}”，后面又写了一次。", rule=name, unit=unit)
                yield Fault(FILE, place, what, _("请删去后面的“{unit}”。", unit=unit))
                break


def _hint(place: str, name: str, language: Language) -> Iterator[Fault]:
    """A name in braces: of a rule in capitals, of a fact else."""
    if not name[:1].isupper():
        yield from language.faults(FILE, place, "tells", name)
    elif not language.known_rule(name):
        what = _("tells 里没有规则 {name}。", name=shown(name))
        yield Fault(FILE, place, what, language.near(name))


# --- what follows ---------------------------------------------------------------------------------
def _outcomes(place: str, task: dict[str, Any], form: Form | None) -> Iterator[Fault]:
    """The choices that decide what follows: those of a poll, or of one field of the form."""
    field, poll = task.get("outcomes"), task.get("poll")
    if poll:
        yield from _next(place, task, set(poll.get("choices", ())))
    elif field and form is not None:
        yield from _outcomes_of_form(place, task, field, form)
    elif task.get("next") and not field:
        advice = _('请写 outcomes = "…"，即哪一项答案决定下一步。')
        yield Fault(FILE, place, _("有 next，没有 outcomes。"), advice)
    elif not field:
        yield from _next(place, task, set())


def _outcomes_of_form(place: str, task: dict[str, Any], field: str, form: Form) -> Iterator[Fault]:
    asked = {each.key: each for each in form.asked}
    if field not in asked:
        what = _("outcomes 写的 {field} 不在表单里。", field=shown(field))
        advice = _("表单里有：{keys}。", keys=Listed(asked))
        yield Fault(FILE, place, what, advice, f"fact:{place.removeprefix('tasks.')}.{field}")
    elif asked[field].kind not in {"radio", "select"} or asked[field].source:
        what = _("outcomes 写的 {field} 不是列出选项的单选。", field=field)
        yield Fault(FILE, place, what, _("请用 radio 或 select，并列出 values。"))
    else:
        yield from _next(place, task, {choice.value for choice in asked[field].choices})


def _next(place: str, task: dict[str, Any], choices: set[str]) -> Iterator[Fault]:
    """Where it is said what follows, it is said of every choice, and of nothing else."""
    lacking = sorted(choices - task["next"].keys()) if task.get("next") else []
    for choice in map(shown, lacking):
        what = _("next 里没有选项 {choice}。", choice=choice)
        advice = _('请在 [{place}.next] 下写上 {choice} = "…"', place=place, choice=choice)
        yield Fault(FILE, place, what, advice)
    for table in ("next", "next_en"):
        for choice in task.get(table, ()):
            if choice not in choices:
                what = _("{table} 里的 {choice} 不是选项。", table=table, choice=shown(choice))
                yield Fault(FILE, place, what, polls.choices_are(sorted(choices)))
