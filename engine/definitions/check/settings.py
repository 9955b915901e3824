"""Faults of process.toml against the diagram, the forms and the law: the process itself, its lanes,
guards and messages.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any

from engine.definitions.check import (
    booklet,
    books,
    claims,
    duties,
    indicators,
    plans,
    publications,
    rolls,
    rounds,
    several,
    starts,
    tasks,
)
from engine.definitions.check.diagram import named
from engine.definitions.check.draft import KEY
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.language import named_root
from engine.definitions.check.names import messages, notified
from engine.definitions.check.shape import FILE
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language
    from engine.definitions.diagram import Diagram

CONFIDENTIALITY = ("public", "internal", "named")
DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
ANYBODY = "member"  # in `launch`: any member of the union
ENDS = ("withdrawn", "ended")  # how a message may leave an instance that it ends
GUARDED = frozenset({"userTask", "serviceTask", "endEvent"})
DONE = frozenset({"userTask", "serviceTask", "businessRuleTask"})
MOST_CHARACTERS = 60  # of a numbering
_WIDTH = re.compile(r"(0?[1-9]d?)?")
_PROCESS, _MESSAGE = _("流程"), _("消息")
_KEY_ADVICE = _("用小写字母、数字、下划线。")


def faults(draft: Draft, language: Language, folder: str) -> Iterator[Fault]:
    """All faults of what process.toml says, as far as it could be read."""
    if not draft.raw:
        return
    yield from _head(draft, language, folder)
    for key, lane in draft.table("lanes").items():
        yield from _lane(key, lane, draft, language)
    for key, roll in draft.table("rolls").items():
        yield from rolls.faults(key, roll, language)
    for key, task in draft.table("tasks").items():
        yield from tasks.faults(key, task, draft, language)
    for path, lanes in draft.table("rooms").items():
        yield from tasks.rooms("rooms", {"room": lanes}, draft)
        yield from _fact("rooms", path, language)
    for key, message in draft.table("messages").items():
        yield from _message(key, message, draft, language)
    for key, table in draft.table("publications").items():
        yield from publications.faults(key, table, draft, language)
    for key, table in draft.table("books").items():
        yield from books.faults(key, table, draft, language)
    for key, table in draft.table("rounds").items():
        yield from rounds.faults(key, table, draft, language)
    for name, form in draft.forms.items():
        for field in form.asked if form else ():
            yield from tasks.rooms(f"forms.{shown(name)}", {"room": field.room}, draft)
    for guard in draft.raw.get("guards", ()):
        yield from _guard(guard, draft, language)
    for claim in draft.raw.get("claims", ()):
        yield from claims.faults(claim, draft, language)
    yield from duties.faults(draft.raw.get("duty", ()), draft, language)
    yield from starts.faults(draft.raw.get("starts", ()), draft, language)
    yield from several.faults(draft.table("several"), draft, language)
    yield from plans.faults(draft.table("plan"), language)
    yield from indicators.faults(draft.table("indicators"), draft.table("columns"), language)
    yield from booklet.faults(
        draft, language, lambda place, told: _column(place, told, draft, language)
    )
    if draft.diagram is not None:
        yield from _undescribed(draft, draft.diagram)


# --- the process ----------------------------------------------------------------------------------
def _head(draft: Draft, language: Language, folder: str) -> Iterator[Fault]:
    raw = draft.raw
    yield from _id(raw.get("id", ""), folder)
    yield from numbering("numbering", raw.get("numbering", ""))
    if "number_key" in raw and not KEY.fullmatch(raw["number_key"]):
        yield Fault(FILE, "number_key", _("number_key 不合规定。"), _KEY_ADVICE)
    yield from _confidentiality(draft)
    yield from tasks.allowed("verbs", raw)
    yield from _binding(draft)
    if raw.get("retention_years", 0) < 0:
        what = _("保存年限不能是负数。")
        yield Fault(FILE, "retention_years", what, _("请写整数年。"))
    for post in set(raw.get("launch", ())) - {ANYBODY}:
        yield from language.post(FILE, "launch", "launch", post)
    if "owner" in raw:
        yield from _owner(raw["owner"], draft)
    yield from _found_by("subject", raw.get("subject", ""), draft, language)
    for path in raw.get("search", ()):
        yield from _found_by("search", path, draft, language)
    for path in raw.get("present", ()):
        yield from _fact("present", path, language)
    if "entry" in raw:
        yield from _entry(raw["entry"], draft, language)
    for key, column in draft.table("columns").items():
        yield from _column(f"columns.{shown(key)}", column, draft, language)
        if column.get("like", key) not in draft.table("columns"):
            what = _("like 里的 {key} 不是一列。", key=shown(column["like"]))
            yield Fault(FILE, f"columns.{shown(key)}", what, _("请写另一列的编号。"))
    told = draft.table("statistics")
    if "kind" in told and "outcome" in told:
        yield from _column(
            "statistics", {"facts": [told["kind"], told["outcome"]]}, draft, language
        )


def _id(key: str, folder: str) -> Iterator[Fault]:
    if not key:
        return
    yield from named(FILE, key, _PROCESS)
    if folder and key != folder:
        what = _("id 是 {key}，文件夹叫 {folder}。", key=shown(key), folder=shown(folder))
        yield Fault(FILE, "id", what, _("两处应当一致。"))


def _owner(path: str, draft: Draft) -> Iterator[Fault]:
    """Who owns an instance: an answer of the launch. If its form asks for it, then for a member."""
    what = None
    if not re.fullmatch(r"launch\.[a-z][a-z0-9_]*", path):
        what = _("owner 里的 {path} 不是发起时的一项。", path=shown(path))
    form = draft.forms.get("launch")
    for field in form.fields if form else ():
        if f"launch.{field.key}" == path and not field.source.startswith("members"):
            what = _("{path} 不是选人的一项。", path=shown(path))
    if what:
        yield Fault(FILE, "owner", what, _("请写成 launch.applicant 这样的形式。"))


def _confidentiality(draft: Draft) -> Iterator[Fault]:
    level = draft.raw.get("confidentiality", "internal")
    if level not in CONFIDENTIALITY:
        what = _("没有 {level} 这一档。", level=shown(level))
        advice = _("可以写：{allowed}。", allowed=Listed(CONFIDENTIALITY))
        yield Fault(FILE, "confidentiality", what, advice)
    disclosed_by = draft.raw.get("disclosed_by", ())
    if disclosed_by and level != "named":
        what = _("本流程不保密，谈不上不再保密。")
        advice = _('写上 confidentiality = "named"，或删去 disclosed_by。')
        yield Fault(FILE, "disclosed_by", what, advice)
    for key in disclosed_by if draft.diagram else ():
        if draft.kind_of(key) not in DONE:
            what = _("{key} 不是图中的环节、动作或判定。", key=shown(key))
            yield Fault(FILE, "disclosed_by", what, _("请写用户任务、服务任务或判定的 id。"))


def _binding(draft: Draft) -> Iterator[Fault]:
    """The actions after which nobody ends an instance alone."""
    for key in draft.raw.get("binding_after", ()):
        if key not in draft.table("actions"):
            what = _("binding_after 里的 {key} 不是动作。", key=shown(key))
            yield Fault(FILE, "binding_after", what, _("请写 [actions] 里的 id。"))


def _found_by(place: str, path: str, draft: Draft, language: Language) -> Iterator[Fault]:
    """The facts by which an instance is called and searched: everybody who sees it finds it by
    them.
    """
    if not path:
        return
    yield from _fact(place, path, language)
    step = path.partition(".")[0]
    if any(draft.table(kind).get(step, {}).get("room") for kind in ("tasks", "messages")):
        what = _(
            "{place} 里的 {path} 是在室内说的，看得到本件的人都会看到它。",
            place=place,
            path=shown(path),
        )
        yield Fault(FILE, place, what, _("请写室外的事实。"))


def _entry(entry: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """Who enters for others does not choose in the form who owns it, and keeps the paper."""
    for post in entry.get("posts", ()):
        yield from language.post(FILE, "entry", "entry.posts", post)
    form, owner = draft.forms.get("launch"), str(draft.raw.get("owner", ""))
    asked = {field.key: field.kind for field in form.asked} if form else {}
    if owner.removeprefix("launch.") in asked:
        what = _("发起表自己问提出人，不用另写代为登记。")
        yield Fault(FILE, "entry", what, _("请删去 [entry]。"))
    if form and asked.get(entry.get("scan", "")) != "filepicker":
        what = _("entry.scan 里的 {key} 不是发起表的附件。", key=shown(entry.get("scan", "")))
        yield Fault(FILE, "entry", what, _("请写放原件扫描件的那一项附件的 key。"))


def _column(
    place: str, column: Mapping[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    """Everybody who sees the table reads its columns, so what is for some lanes is no column."""
    if not column["facts"]:
        yield Fault(FILE, place, _("这一列没有写事实。"), _("请写成 launch.subject 这样的形式。"))
    for path in column["facts"]:
        yield from _found_by(place, path, draft, language)
        step, _dot, key = path.partition(".")
        form = draft.forms.get(step)
        for field in form.asked if form else ():
            if field.room and key in ("", field.key):
                what = _("{path} 只给部分泳道看，不能列在表里。", path=shown(path))
                yield Fault(FILE, place, what, _("请写看得到本件的人都可以看的事实。"))


def _fact(place: str, path: str, language: Language) -> Iterator[Fault]:
    """A dotted fact, written as one and known to the folder."""
    if DOTTED.fullmatch(path):
        yield from language.faults(FILE, place, place, path)
        return
    what = _("{place} 里的 {path} 不是事实的名称。", place=place, path=shown(path))
    yield Fault(FILE, place, what, _("请写成 launch.subject 这样的形式。"))


def numbering(place: str, template: str) -> Iterator[Fault]:
    """Only {year} and {n} (with a width up to nine digits) may stand in a numbering."""
    if not template or (len(template) <= MOST_CHARACTERS and _is_numbering(template)):
        return
    what = _("编号格式 {template} 不对。", template=shown(template))
    advice = _('请写成 "办〔{year}〕{n:03}" 这样的形式，只能用 {year} 和 {n}。')
    yield Fault(FILE, place, what, advice)


def _is_numbering(template: str) -> bool:
    try:
        holes = [(n, form, how) for _text, n, form, how in string.Formatter().parse(template)]
    except ValueError:
        return False
    found = [(name, form, how) for name, form, how in holes if name is not None]
    counts = any(name == "n" for name, _form, _how in found)
    return counts and all(_is_hole(name, form or "") and not how for name, form, how in found)


def _is_hole(name: str, form: str) -> bool:
    return not form if name == "year" else name == "n" and bool(_WIDTH.fullmatch(form))


# --- lanes ----------------------------------------------------------------------------------------
def _lane(key: str, lane: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    place = f"lanes.{shown(key)}"
    if not KEY.fullmatch(key):
        yield Fault(FILE, place, _("泳道的编号不合规定。"), _KEY_ADVICE)
    yield from _holder(place, lane, language)
    for rung in lane.get("urging", ()):
        if not language.known_rule(rung["after"]):
            what = _("urging 里没有规则 {rule}。", rule=shown(rung["after"]))
            yield Fault(FILE, place, what, _("请写 processes/law 里的规则编号。"))
        if rung["lane"] not in draft.table("lanes"):
            what = _("urging 里没有泳道 {lane}。", lane=shown(rung["lane"]))
            yield Fault(FILE, place, what, _("请写 [lanes] 里的一条。"))
    used = {message.get("lane") for message in draft.table("messages").values()}
    used |= {draft.table("tasks")[task]["poll"].get("presider") for task in draft.polls}
    used |= {publication.get("lane") for publication in draft.table("publications").values()}
    idle = not lane.get("sees") and key not in used
    if draft.diagram and key not in draft.diagram.lanes and idle:
        what = _("流程图和消息里都没有用到这条泳道。")
        yield Fault(FILE, place, what, _("请删去，或在流程图里画上名称相同的泳道。"))


def _holder(place: str, lane: dict[str, Any], language: Language) -> Iterator[Fault]:
    """A lane is a post in a unit, or a person."""
    post, person, unit = lane.get("post"), lane.get("person"), lane.get("unit")
    if bool(post) == bool(person):
        what = _("泳道没有说明由谁办，或说了两次。")
        advice = _('post = "职务" 和 unit = "tenant"，或 person = "launch.applicant"，二者写一。')
        yield Fault(FILE, place, what, advice)
    if post:
        yield from language.post(FILE, place, _("[{place}] 的 post", place=place), post)
        if not unit:
            advice = _('写 unit = "tenant"，或给出单位的表达式，例如 "review.lead_unit"。')
            yield Fault(FILE, place, _("有 post，没有 unit。"), advice)
        elif unit not in ("union", "tenant"):
            yield from language.faults(FILE, place, _("单位 unit"), unit)
    if person:
        yield from language.faults(FILE, place, _("人员 person"), person)
    yield from _by_person(place, lane, language)


def _by_person(place: str, lane: dict[str, Any], language: Language) -> Iterator[Fault]:
    """What only a lane of persons says: by which posts they act, and that they see the matter."""
    holding = lane.get("holding", ())
    for post in (holding,) if isinstance(holding, str) else holding:
        yield from language.post(FILE, place, _("[{place}] 的 holding", place=place), post)
    if holding and not lane.get("person"):
        advice = _("只有 person 的泳道写 holding；有 post 的，职务就是 post。")
        yield Fault(FILE, place, _("没有 person，却写了 holding。"), advice)
    if lane.get("sees") and not lane.get("person"):
        advice = _("只有 person 的泳道写 sees；有 post 的，轮到其办理时自然看得到。")
        yield Fault(FILE, place, _("没有 person，却写了 sees。"), advice)
    if lane.get("leaves") and not lane.get("sees"):
        advice = _("不在其中就看不到的，也要写 sees = true。")
        yield Fault(FILE, place, _("没有 sees，却写了 leaves。"), advice)


# --- guards and messages --------------------------------------------------------------------------
def _guard(guard: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    place = "guards"
    for element in guard.get("at", ()) if draft.diagram else ():
        if draft.kind_of(element) not in GUARDED:
            what = _("流程图里没有可以把守的 {element}。", element=shown(element))
            yield Fault(FILE, place, what, _("请写用户任务、服务任务或结束事件的 id。"))
    if guard.get("holds"):
        yield from language.faults(FILE, place, _("前提 guards.holds"), guard["holds"])
    yield from tasks.basis(place, guard, language)


def _message(
    key: str, message: dict[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    place, name = f"messages.{shown(key)}", shown(key)
    yield from named(FILE, key, _MESSAGE)
    if key in language.tasks:
        what = _("消息与用户任务都叫 {name}。", name=name)
        yield Fault(FILE, place, what, _("请给消息换一个名称。"))
    if draft.diagram and not any(e.message == key for e in draft.diagram.elements.values()):
        what = _("流程图里没有等待消息 {name} 的事件。", name=name)
        yield Fault(FILE, place, what, _("请在流程图里画上消息事件，或删去这一段。"))
    if message.get("state", ENDS[0]) not in ENDS:
        what = _("没有 {state} 这种状态。", state=shown(message["state"]))
        advice = _("可以写：{allowed}。", allowed=Listed(ENDS))
        yield Fault(FILE, place, what, advice)
    yield from _sender(key, place, message.get("lane"), draft)
    yield from tasks.gates(place, message, language)
    yield from tasks.rooms(place, message, draft)
    yield from tasks.confided(place, message, draft, language)


def _sender(key: str, place: str, lane: str | None, draft: Draft) -> Iterator[Fault]:
    """Who may send a message; without a form another instance does."""
    lanes = draft.table("lanes")
    if lane and lane not in lanes:
        what = _("没有泳道 {lane}。", lane=shown(lane))
        yield Fault(FILE, place, what, _("可以写：{allowed}。", allowed=Listed(lanes)))
    elif not lane and key in draft.forms and key not in notified(draft):
        advice = _('请写 lane = "泳道编号"；由另一件告知的消息不用表单。')
        yield Fault(FILE, place, _("没有说明谁可以提出。"), advice)


# --- what stands in the diagram and needs words in process.toml -----------------------------------
def _undescribed(draft: Draft, diagram: Diagram) -> Iterator[Fault]:
    for name in map(
        shown, sorted(messages(draft) - set(draft.table("messages")) - notified(draft))
    ):
        what = _("消息 {name} 没有说明。", name=name)
        advice = _("请写 [messages.{name}]，写明 title、title_en 和 lane。", name=name)
        yield Fault(FILE, f"messages.{name}", what, advice)
    for key in draft.elements("userTask"):
        yield from _untitled(key, draft.table("tasks").get(key, {}), diagram)
    yield from _english_names(draft, diagram)


def _untitled(key: str, task: dict[str, Any], diagram: Diagram) -> Iterator[Fault]:
    name, place = shown(key), f"tasks.{shown(key)}"
    if not task.get("title") and not diagram.elements[key].name:
        what = _("环节 {name} 没有名称。", name=name)
        yield Fault(FILE, place, what, _("请在 [{place}] 写上 title。", place=place))
    if not task.get("title_en"):
        what = _("环节 {name} 没有英文名称 title_en。", name=name)
        root = "" if task else named_root(key)  # of which nothing at all is said
        yield Fault(FILE, place, what, _("请在 [{place}] 写上 title_en。", place=place), root)


def _english_names(draft: Draft, diagram: Diagram) -> Iterator[Fault]:
    english, actions = draft.raw.get("names_en", {}), draft.table("actions")
    for element in diagram.elements.values():
        titled = element.type == "userTask" or actions.get(element.id, {}).get("title_en")
        if element.name and not titled and element.id not in english:
            key = shown(element.id)
            what = _("“{name}”（{key}）没有英文名。", name=shown(element.name), key=key)
            advice = _('请在 [names_en] 下写上 {key} = "…"', key=key)
            yield Fault(FILE, "names_en", what, advice)
    drawn = diagram.elements.keys() | {flow.id for flow in diagram.flows}
    for key in english:
        if key not in drawn:
            what = _("流程图里没有 {key}。", key=shown(key))
            yield Fault(FILE, "names_en", what, _("请删去这一行，或改成流程图里的 id。"))
