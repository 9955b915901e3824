"""Faults of process.toml against the diagram, the forms and the law: who, until when, under which condition, with what."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any

from engine.definitions.check.diagram import named
from engine.definitions.check.draft import KEY
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.language import COUNTS, ELECTED, OUTCOME, messages, notified
from engine.definitions.check.shape import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

CONFIDENTIALITY = ("public", "internal", "named")
TOLD = re.compile(r"\{([^{}]*)\}")  # what tells put into their words: facts and rules
EARLY = ("never", "decided", "all", "first")
CLOSABLE = ("never", "passes", "lane")
KINDS = ("seconding", "rating", "countersign", "consent", "vote", "election")
DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_WIDTH = re.compile(r"(0?[1-9]d?)?")
ANYBODY = "member"  # in `launch`: any member of the union
GUARDED = frozenset({"userTask", "serviceTask", "endEvent"})
DONE = frozenset({"userTask", "serviceTask", "businessRuleTask"})
VOTES = frozenset({"votes", "roll", "present", "valid"})  # what `wins` may name
MEETING = frozenset({"due", "present", "observers", "guests"})  # what `quorum` may name
TASK_DUE, OVERDUE = frozenset({"task_due"}), frozenset({"overdue"})


def faults(draft: Draft, language: Language, folder: str) -> Iterator[Fault]:
    """All faults of what process.toml says, as far as it could be read."""
    if not draft.raw:
        return
    yield from _head(draft, language, folder)
    for key, lane in draft.table("lanes").items():
        yield from _lane(key, lane, draft, language)
    for key, task in draft.table("tasks").items():
        yield from _task(key, task, draft, language)
    for key, message in draft.table("messages").items():
        yield from _message(key, message, draft, language)
    for guard in draft.raw.get("guards", ()):
        yield from _guard(guard, draft, language)
    yield from _undescribed(draft)


# --- the process ------------------------------------------------------------------------------------------------------
def _head(draft: Draft, language: Language, folder: str) -> Iterator[Fault]:
    raw = draft.raw
    key = raw.get("id", "")
    if key:
        yield from named(FILE, key, "流程")
        if folder and key != folder:
            yield Fault(
                FILE, "id", f"id 是 {shown(key)}，文件夹叫 {shown(folder)}。", "两处应当一致。"
            )
    yield from numbering("numbering", raw.get("numbering", ""))
    if "number_key" in raw and not KEY.fullmatch(raw["number_key"]):
        yield Fault(FILE, "number_key", "number_key 不合规定。", "用小写字母、数字、下划线。")
    if raw.get("confidentiality", "internal") not in CONFIDENTIALITY:
        yield Fault(
            FILE,
            "confidentiality",
            f"没有 {shown(raw['confidentiality'])} 这一档。",
            f"可以写：{'、'.join(CONFIDENTIALITY)}。",
        )
    if raw.get("disclosed_by") and raw.get("confidentiality") != "named":
        said = '写上 confidentiality = "named"，或删去 disclosed_by。'
        yield Fault(FILE, "disclosed_by", "本流程不保密，谈不上不再保密。", said)
    known = draft.diagram.elements if draft.diagram else {}
    for key in raw.get("disclosed_by", ()):
        if draft.diagram and (key not in known or known[key].type not in DONE):
            said = "请写用户任务、服务任务或判定的 id。"
            yield Fault(FILE, "disclosed_by", f"{shown(key)} 不是图中的环节、动作或判定。", said)
    if raw.get("retention_years", 0) < 0:
        yield Fault(FILE, "retention_years", "保存年限不能是负数。", "请写整数年。")
    for post in set(raw.get("launch", ())) - {ANYBODY}:
        yield from language.post(FILE, "launch", "launch", post)
    for place, path in (
        ("subject", raw.get("subject", "")),
        *(("search", each) for each in raw.get("search", ())),
    ):
        if path and not DOTTED.fullmatch(path):
            yield Fault(
                FILE,
                place,
                f"{place} 里的 {shown(path)} 不是事实的名称。",
                "请写成 launch.subject 这样的形式。",
            )
        elif path:
            yield from language.faults(FILE, place, f"{place} ", path)
            yield from _not_in_a_room(place, path, draft)


def numbering(place: str, template: str) -> Iterator[Fault]:
    """Only {year} and {n} (with a width up to nine digits) may stand in a numbering."""
    try:
        parts = [part[1:] for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError:
        parts = [("?", "", None)]
    sound = all(
        not how and ((n == "year" and not form) or (n == "n" and _WIDTH.fullmatch(form or "")))
        for n, form, how in parts
    )
    counts = any(name == "n" for name, _, _ in parts)
    if template and (not sound or not counts or len(template) > 60):
        yield Fault(
            FILE,
            place,
            f"编号格式 {shown(template)} 不对。",
            '请写成 "教代提〔{year}〕{n:03}" 这样的形式，只能用 {year} 和 {n}。',
        )


# --- lanes ------------------------------------------------------------------------------------------------------------
def _lane(key: str, lane: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    place = f"lanes.{shown(key)}"
    if not KEY.fullmatch(key):
        yield Fault(FILE, place, "泳道的编号不合规定。", "用小写字母、数字、下划线。")
    post, person, unit = lane.get("post"), lane.get("person"), lane.get("unit")
    if bool(post) == bool(person):
        yield Fault(
            FILE,
            place,
            "泳道没有说明由谁办，或说了两次。",
            'post = "职务" 和 unit = "union"，或 person = "launch.mover"，二者写一。',
        )
    if post:
        yield from language.post(FILE, place, f"[{place}] 的 post", post)
        if not unit:
            yield Fault(
                FILE,
                place,
                "有 post，没有 unit。",
                '写 unit = "union"，或给出单位的表达式，例如 "review.lead_unit"。',
            )
        elif unit != "union":
            yield from language.faults(FILE, place, "单位 unit ", unit)
    if person:
        yield from language.faults(FILE, place, "人员 person ", person)
    used = {m.get("lane") for m in draft.table("messages").values()}
    if draft.diagram and key not in draft.diagram.lanes and key not in used:
        yield Fault(
            FILE,
            place,
            "流程图和消息里都没有用到这条泳道。",
            "请删去，或在流程图里画上名称相同的泳道。",
        )


# --- tasks ------------------------------------------------------------------------------------------------------------
def _task(key: str, task: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    place = f"tasks.{shown(key)}"
    if draft.diagram and key not in language.tasks:
        yield Fault(
            FILE, place, f"流程图里没有用户任务 {shown(key)}。", "请改成流程图里的 id，或删去。"
        )
    for other in task.get("not_by", ()):
        if draft.diagram and other not in language.tasks:
            yield Fault(
                FILE,
                place,
                f"not_by 里的 {shown(other)} 不是用户任务。",
                "请写流程图里用户任务的 id。",
            )
    if task.get("basis") and not language.known_rule(task["basis"]):
        yield Fault(
            FILE,
            place,
            f"依据 basis 没有规则 {shown(task['basis'])}。",
            language.near(task["basis"]),
        )
    if task.get("due"):
        yield from language.faults(FILE, place, "到期时间 due ", task["due"], moment=True)
    if task.get("recuse"):
        yield from language.faults(FILE, place, "回避条件 recuse ", task["recuse"])
    for fact in task.get("prefill", ()):
        if fact not in language.facts:
            yield Fault(
                FILE,
                place,
                f"prefill 里的 {shown(fact)} 不是本流程的事实。",
                "请写环节的 id，例如 review。",
            )
    yield from _gates(place, task, language)
    yield from _tells(place, task, language)
    yield from _rooms(place, task, draft)
    yield from _link(key, place, task, draft)
    if "meeting" in task:
        yield from _meeting(f"{place}.meeting", task["meeting"], language)
    yield from _outcomes(key, task, draft)
    if "poll" in task:
        yield from _poll(f"{place}.poll", task["poll"], draft, language)
        if task.get("due"):
            yield Fault(
                FILE,
                place,
                "表决的期限写了两处（due 和 closes）。",
                "请只在 [tasks.<环节>.poll] 里写 closes。",
            )


def _guard(guard: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    for element in guard.get("at", ()):
        found = draft.diagram.elements.get(element) if draft.diagram else None
        if draft.diagram and (found is None or found.type not in GUARDED):
            yield Fault(
                FILE,
                "guards",
                f"流程图里没有可以把守的 {shown(element)}。",
                "请写用户任务、服务任务或结束事件的 id。",
            )
    if guard.get("holds"):
        yield from language.faults(FILE, "guards", "前提 guards.holds ", guard["holds"])
    if guard.get("basis") and not language.known_rule(guard["basis"]):
        yield Fault(
            FILE,
            "guards",
            f"依据 basis 没有规则 {shown(guard['basis'])}。",
            language.near(guard["basis"]),
        )


def _meeting(place: str, meeting: dict[str, Any], language: Language) -> Iterator[Fault]:
    for name in ("formal", "observers", "guests"):
        if meeting.get(name):
            yield from language.faults(FILE, place, f"名册 {name} ", meeting[name])
    if meeting.get("quorum"):
        yield from language.faults(FILE, place, "法定人数 quorum ", meeting["quorum"], MEETING)


def _rooms(place: str, table: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    for lane in table.get("room", ()):
        if lane not in draft.table("lanes"):
            yield Fault(
                FILE,
                place,
                f"room 里没有泳道 {shown(lane)}。",
                f"可以写：{'、'.join(draft.table('lanes'))}。",
            )


def _not_in_a_room(place: str, path: str, draft: Draft) -> Iterator[Fault]:
    """By its title and by its searched facts everybody in a matter finds it."""
    said = path.partition(".")[0]
    if draft.table("tasks").get(said, {}).get("room") or draft.table("messages").get(said, {}).get(
        "room"
    ):
        yield Fault(
            FILE,
            place,
            f"{place} 里的 {shown(path)} 是在室内说的，看得到本件的人都会看到它。",
            "请写室外的事实。",
        )


def _link(key: str, place: str, task: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    """Whoever answers from outside is not shown the people and matters of the union."""
    form = draft.forms.get(key)
    if task.get("link") and f"forms/{key}.json" not in draft.files:
        yield Fault(FILE, place, "外单位在线答复的环节没有表单。", f"请补上 forms/{key}.json。")
    for field in form.fields if task.get("link") and form else ():
        if field.source:
            advice = "请改成填写的文字，或者固定的选项。"
            yield Fault(
                FILE,
                place,
                f"外单位在线答复的表单里，{shown(field.key)} 的选项来自本单位的数据。",
                advice,
            )
        if field.kind == "filepicker" and field.required and not field.hide:
            yield Fault(
                FILE,
                place,
                f"外单位在线答复时不能上传，{shown(field.key)} 却是必填。",
                "请改成不必填。",
            )


def _gates(place: str, table: dict[str, Any], language: Language) -> Iterator[Fault]:
    for gate in table.get("gates", ()):
        if gate.get("holds"):
            yield from language.faults(FILE, place, "前提 gates.holds ", gate["holds"], OVERDUE)


def _tells(place: str, task: dict[str, Any], language: Language) -> Iterator[Fault]:
    for tell in task.get("tells", ()):
        if tell.get("when"):
            yield from language.faults(FILE, place, "条件 tells.when ", tell["when"])
        for text in (tell.get("text", ""), tell.get("text_en", "")):
            for name in TOLD.findall(text):
                if name[:1].isupper() and not language.known_rule(name):
                    yield Fault(
                        FILE, place, f"tells 里没有规则 {shown(name)}。", language.near(name)
                    )
                elif not name[:1].isupper():
                    yield from language.faults(FILE, place, "tells ", name)


def _outcomes(key: str, task: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    place, field = f"tasks.{shown(key)}", task.get("outcomes")
    poll = task.get("poll")
    choices = set(poll.get("choices", ())) if poll else set()
    if field and not poll:
        form = draft.forms.get(key)
        if form is None:
            return
        asked = {each.key: each for each in form.asked}
        if field not in asked:
            yield Fault(
                FILE,
                place,
                f"outcomes 写的 {shown(field)} 不在表单里。",
                f"表单里有：{'、'.join(asked)}。",
            )
            return
        if asked[field].kind not in {"radio", "select"} or asked[field].source:
            yield Fault(
                FILE,
                place,
                f"outcomes 写的 {field} 不是列出选项的单选。",
                "请用 radio 或 select，并列出 values。",
            )
            return
        choices = {choice.value for choice in asked[field].choices}
    elif task.get("next") and not poll:
        yield Fault(
            FILE, place, "有 next，没有 outcomes。", '请写 outcomes = "…"，即哪一项答案决定下一步。'
        )
        return
    for table in ("next", "next_en"):
        for choice in task.get(table, ()):
            if choice not in choices:
                yield Fault(
                    FILE,
                    place,
                    f"{table} 里的 {shown(choice)} 不是选项。",
                    f"选项有：{'、'.join(sorted(choices))}。",
                )


def _poll(place: str, poll: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    choices = poll.get("choices", [])
    for name, allowed in (("kind", KINDS), ("early", EARLY), ("closable", CLOSABLE)):
        if name in poll and poll[name] not in allowed:
            yield Fault(
                FILE,
                place,
                f"{name} 不能是 {shown(poll[name])}。",
                f"可以写：{'、'.join(allowed)}。",
            )
    if len(set(choices)) < len(choices):
        yield Fault(FILE, place, "选项有重复。", "每个选项只写一次。")
    for choice in choices:
        yield from named(FILE, choice, "选项")
        if choice in OUTCOME:
            yield Fault(FILE, place, f"选项不能叫 {choice}，这个名称已有用途。", "请换一个编号。")
        if choice not in poll.get("labels", {}):
            yield Fault(
                FILE,
                place,
                f"选项 {shown(choice)} 没有名称。",
                f'请在 [{place}.labels] 下写上 {shown(choice)} = "…"',
            )
    for table in ("labels", "labels_en"):
        for label in poll.get(table, {}):
            if label not in choices:
                yield Fault(
                    FILE,
                    place,
                    f"{table} 里的 {shown(label)} 不是选项。",
                    f"选项有：{'、'.join(map(shown, choices))}。",
                )
    if poll.get("roll"):
        yield from language.faults(FILE, place, "名册 roll ", poll["roll"])
    if poll.get("closes"):
        yield from language.faults(FILE, place, "截止 closes ", poll["closes"], moment=True)
    if poll.get("passes"):
        yield from language.faults(
            FILE, place, "通过条件 passes ", poll["passes"], COUNTS | ELECTED | set(choices)
        )
    for fact in poll.get("about", []):
        yield from language.faults(FILE, place, "表决内容 about ", fact)
    if poll.get("about") and draft.raw.get("confidentiality") == "named":
        yield Fault(
            FILE,
            place,
            "保密事项不能写 about。",
            "表决内容随表决长期保存，不能随事项删除；请写在 asks 里。",
        )
    yield from _election(place, poll, language)
    yield from _counting(place, poll, draft, language)


def _election(place: str, poll: dict[str, Any], language: Language) -> Iterator[Fault]:
    """An election has candidates (or choices, of which several are taken), seats and a way to win; every other poll choices."""
    election = poll.get("kind") == "election"
    for name in ("candidates", "seats", "wins"):
        if election and not poll.get(name) and (name != "candidates" or not poll.get("choices")):
            yield Fault(
                FILE,
                place,
                f"选举没有写 {name}。",
                "选举要写候选人 candidates、名额 seats、当选条件 wins。",
            )
        elif not election and poll.get(name):
            yield Fault(FILE, place, f"只有选举才写 {name}。", '请写 kind = "election"，或删去。')
    if bool(poll.get("candidates")) == bool(poll.get("choices")):
        advice = "选人写 candidates；从几项里选几项写 choices；只选一项的表决也写 choices。"
        yield Fault(FILE, place, "candidates 和 choices 应当写一样，也只写一样。", advice)
    for name, more in (("candidates", frozenset()), ("seats", frozenset()), ("wins", VOTES)):
        if election and poll.get(name):
            yield from language.faults(FILE, place, f"{name} ", poll[name], more)


def _counting(
    place: str, poll: dict[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    """Tellers, secret ballots, paper ballots, the meeting under which it is held."""
    if poll.get("tellers"):
        yield from language.faults(FILE, place, "监票人 tellers ", poll["tellers"])
    for name in ("secret", "paper"):
        if poll.get(name) and not poll.get("tellers"):
            yield Fault(
                FILE, place, f"写了 {name}，没有监票人。", "请写 tellers，即给出监票人的表达式。"
            )
    if poll.get("secret") and not language.known_rule(poll.get("keys", "")):
        yield Fault(
            FILE,
            place,
            "无记名投票没有写几名监票人共同开票。",
            '请写 keys = "BALLOT-KEYS" 这样的规则编号。',
        )
    counted = (
        poll.get("in_order")
        or poll.get("early") in ("decided", "first")
        or poll.get("closable") == "passes"
    )
    if poll.get("secret") and counted:
        text = "无记名投票开票以后才有票数，不能依次作答，也不能按票数提前截止。"
        yield Fault(
            FILE,
            place,
            text,
            "请删去 in_order；early 只能是 never 或 all，closable 只能是 never 或 lane。",
        )
    held = draft.table("tasks").get(poll.get("meeting", ""), {})
    if poll.get("meeting") and "meeting" not in held:
        yield Fault(
            FILE,
            place,
            f"{shown(poll['meeting'])} 不是开会的环节。",
            "请写有 [tasks.<环节>.meeting] 的环节。",
        )


# --- messages ---------------------------------------------------------------------------------------------------------
def _message(
    key: str, message: dict[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    place = f"messages.{shown(key)}"
    yield from named(FILE, key, "消息")
    if key in language.tasks:
        yield Fault(FILE, place, f"消息与用户任务都叫 {shown(key)}。", "请给消息换一个名称。")
    if draft.diagram and key not in {e.message for e in draft.diagram.elements.values()}:
        yield Fault(
            FILE,
            place,
            f"流程图里没有等待消息 {shown(key)} 的事件。",
            "请在流程图里画上消息事件，或删去这一段。",
        )
    lane = message.get("lane")
    if (
        not lane and key in draft.forms and key not in notified(draft)
    ):  # without a form another matter tells it
        yield Fault(
            FILE,
            place,
            "没有说明谁可以提出。",
            '请写 lane = "泳道编号"；由另一件告知的消息不用表单。',
        )
    elif lane and lane not in draft.table("lanes"):
        yield Fault(
            FILE, place, f"没有泳道 {shown(lane)}。", f"可以写：{'、'.join(draft.table('lanes'))}。"
        )
    yield from _gates(place, message, language)
    yield from _rooms(place, message, draft)


def _undescribed(draft: Draft) -> Iterator[Fault]:
    """What stands in the diagram and needs words in process.toml."""
    if draft.diagram is None:
        return
    for name in sorted(messages(draft) - set(draft.table("messages")) - notified(draft)):
        yield Fault(
            FILE,
            f"messages.{shown(name)}",
            f"消息 {shown(name)} 没有说明。",
            f"请写 [messages.{shown(name)}]，写明 title、title_en 和 lane。",
        )
    tasks = draft.table("tasks")
    english = draft.raw.get("names_en", {})
    for key in draft.elements("userTask"):
        element = draft.diagram.elements[key]
        if not tasks.get(key, {}).get("title") and not element.name:
            yield Fault(
                FILE,
                f"tasks.{shown(key)}",
                f"环节 {shown(key)} 没有名称。",
                f"请在 [tasks.{shown(key)}] 写上 title。",
            )
        if not tasks.get(key, {}).get("title_en"):
            yield Fault(
                FILE,
                f"tasks.{shown(key)}",
                f"环节 {shown(key)} 没有英文名称 title_en。",
                f"请在 [tasks.{shown(key)}] 写上 title_en。",
            )
    for element in draft.diagram.elements.values():
        known = (
            element.id in english
            or element.type == "userTask"
            or draft.table("actions").get(element.id, {}).get("title_en")
        )
        if element.name and not known:
            yield Fault(
                FILE,
                "names_en",
                f"“{shown(element.name)}”（{shown(element.id)}）没有英文名。",
                f'请在 [names_en] 下写上 {shown(element.id)} = "…"',
            )
    drawn = draft.diagram.elements.keys() | {flow.id for flow in draft.diagram.flows}
    for key in english:
        if key not in drawn:
            yield Fault(
                FILE,
                "names_en",
                f"流程图里没有 {shown(key)}。",
                "请删去这一行，或改成流程图里的 id。",
            )
