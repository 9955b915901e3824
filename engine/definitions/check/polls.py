"""Faults of the polls in process.toml: their choices, their roll and end, elections, tellers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.names import COUNTS, ELECTED, OUTCOME
from engine.definitions.check.shape import FILE
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

_ALLOWED = {
    "kind": ("seconding", "rating", "countersign", "consent", "vote", "election"),
    "early": ("never", "decided", "all", "first"),
    "closable": ("never", "passes", "lane"),
    "void": ("again", "back"),
    "sight": ("always", "open"),
}
SIGNATURES = frozenset({"signed", "tellers"})  # what `signs` may name
VOTES = frozenset({"votes", "roll", "present", "valid"})  # what `wins` may name
_CHOICE = _("表决选项")


def faults(place: str, poll: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """All faults of one poll."""
    for name, allowed in _ALLOWED.items():
        if name in poll and poll[name] not in allowed:
            what = _("{name} 不能是 {value}。", name=name, value=shown(poll[name]))
            yield Fault(FILE, place, what, _("可以写：{allowed}。", allowed=Listed(allowed)))
    yield from _choices(place, poll)
    yield from _expressions(place, poll, language)
    if poll.get("about") and draft.raw.get("confidentiality") == "named":
        advice = _("表决内容随表决长期保存，不能随事项删除；请写在 asks 里。")
        yield Fault(FILE, place, _("保密事项不能写 about。"), advice)
    yield from _election(place, poll, language)
    yield from _write_in(place, poll, language)
    yield from _tellers(place, poll, language)
    yield from _secret(place, poll, language)
    yield from _presider(place, poll, draft)
    yield from _remarks(place, poll, draft, language)
    yield from _names(place, poll, draft)
    meeting = poll.get("meeting", "")
    if meeting and "meeting" not in draft.table("tasks").get(meeting, {}):
        what = _("{meeting} 不是开会的环节。", meeting=shown(meeting))
        yield Fault(FILE, place, what, _("请写有 [tasks.<环节>.meeting] 的环节。"))


def _choices(place: str, poll: dict[str, Any]) -> Iterator[Fault]:
    choices = poll.get("choices", [])
    if len(set(choices)) < len(choices):
        yield Fault(FILE, place, _("选项有重复。"), _("每个选项只写一次。"))
    for choice in choices:
        yield from named(FILE, choice, _CHOICE)
        if choice in OUTCOME:
            what = _("选项不能叫 {choice}，这个名称已有用途。", choice=choice)
            yield Fault(FILE, place, what, _("请换一个编号。"))
        if choice not in poll.get("labels", {}):
            key = shown(choice)
            what = _("选项 {key} 没有名称。", key=key)
            advice = _('请在 [{place}.labels] 下写上 {key} = "…"', place=place, key=key)
            yield Fault(FILE, place, what, advice)
    for table in ("labels", "labels_en"):
        for label in poll.get(table, {}):
            if label not in choices:
                what = _("{table} 里的 {choice} 不是选项。", table=table, choice=shown(label))
                yield Fault(FILE, place, what, choices_are(choices))


def choices_are(choices: Iterable[str]) -> Message:
    """Advice: the choices that there are."""
    return _("选项有：{choices}。", choices=Listed(map(shown, choices)))


def _expressions(place: str, poll: dict[str, Any], language: Language) -> Iterator[Fault]:
    if poll.get("roll"):
        yield from language.faults(FILE, place, _("名册 {name}", name="roll"), poll["roll"])
    if poll.get("closes"):
        label = _("截止 closes")
        yield from language.faults(FILE, place, label, poll["closes"], moment=True)
    if poll.get("passes"):
        names = COUNTS | ELECTED | set(poll.get("choices", []))
        yield from language.faults(FILE, place, _("通过条件 passes"), poll["passes"], more=names)
    for fact in poll.get("about", []):
        yield from language.faults(FILE, place, _("表决内容 about"), fact)


def _election(place: str, poll: dict[str, Any], language: Language) -> Iterator[Fault]:
    """An election has candidates (or choices, of which several are taken), seats and a way to win;
    every other poll choices.
    """
    if bool(poll.get("candidates")) == bool(poll.get("choices")):
        advice = _("选人写 candidates；从几项里选几项写 choices；只选一项的表决也写 choices。")
        yield Fault(FILE, place, _("candidates 和 choices 应当写一样，也只写一样。"), advice)
    election = poll.get("kind") == "election"
    for name, more in (("candidates", frozenset()), ("seats", frozenset()), ("wins", VOTES)):
        if election and poll.get(name):
            yield from language.faults(FILE, place, name, poll[name], more=more)
        elif election and (name != "candidates" or not poll.get("choices")):
            advice = _("选举要写候选人 candidates、名额 seats、当选条件 wins。")
            yield Fault(FILE, place, _("选举没有写 {name}。", name=name), advice)
        elif not election and poll.get(name):
            what = _("只有选举才写 {name}。", name=name)
            yield Fault(FILE, place, what, _('请写 kind = "election"，或删去。'))


def _write_in(place: str, poll: dict[str, Any], language: Language) -> Iterator[Fault]:
    """Who may be written in: beside candidates, in sealed ballots or on paper, and whether one of
    them may win.
    """
    if bool(poll.get("write_in")) != bool(poll.get("write_in_wins")):
        advice = _("write_in 写可以另选哪些人，write_in_wins 写另选的人能不能当选。")
        yield Fault(FILE, place, _("write_in 和 write_in_wins 应当一起写。"), advice)
    for name in ("write_in", "write_in_wins"):
        if poll.get(name):
            yield from language.faults(FILE, place, name, poll[name])
    if poll.get("write_in") and not (poll.get("candidates") and poll.get("secret")):
        what = _("只有无记名、选人的选举才可以另选他人。")
        yield Fault(FILE, place, what, _("请写 candidates 和 secret = true，或者删去 write_in。"))


def _tellers(place: str, poll: dict[str, Any], language: Language) -> Iterator[Fault]:
    if poll.get("tellers"):
        yield from language.faults(FILE, place, _("监票人 tellers"), poll["tellers"])
        if poll.get("signs"):
            label = _("签字条件 signs")
            yield from language.faults(FILE, place, label, poll["signs"], more=SIGNATURES)
        return
    for name in ("secret", "paper", "signs", "declared"):
        if poll.get(name):
            what = _("写了 {name}，没有监票人。", name=name)
            yield Fault(FILE, place, what, _("请写 tellers，即给出监票人的表达式。"))


def _secret(place: str, poll: dict[str, Any], language: Language) -> Iterator[Fault]:
    """Before a secret ballot is opened nobody knows how it stands."""
    if not poll.get("secret"):
        return
    if not language.known_rule(poll.get("keys", "")):
        what = _("无记名投票没有写几名监票人共同开票。")
        yield Fault(FILE, place, what, _('请写 keys = "BALLOT-KEYS" 这样的规则编号。'))
    counts_early = poll.get("early") in ("decided", "first") or poll.get("closable") == "passes"
    if poll.get("in_order") or counts_early:
        what = _("无记名投票开票以后才有票数，不能依次作答，也不能按票数提前截止。")
        advice = _("请删去 in_order；early 只能是 never 或 all，closable 只能是 never 或 lane。")
        yield Fault(FILE, place, what, advice)


def _remarks(place: str, poll: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """What is said with an answer enters the outcome by name: not of a sealed ballot, not of a
    confidential matter, whose words may have to be erased.
    """
    post = poll.get("remarks", "")
    if not post:
        return
    if language.posts and post not in language.posts:
        what = _("remarks 里的职务 {post} 不存在。", post=shown(post))
        yield Fault(FILE, place, what, _("请写 posts.toml 里的职务。"))
    if poll.get("secret") or draft.raw.get("confidentiality") == "named":
        what = _("无记名投票和保密事项不能写 remarks。")
        yield Fault(FILE, place, what, _("请删去 remarks：意见随结果长期保存，署名。"))


def _names(place: str, poll: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    """Lanes that see who answered what: of a sealed ballot nobody does, and what is said by name in
    the outcome is for all.
    """
    if "names" not in poll:
        return
    for lane in poll["names"]:
        if lane not in draft.table("lanes"):
            what = _("names 里的泳道 {lane} 不存在。", lane=shown(lane))
            yield Fault(FILE, place, what, _("请写 [lanes] 里的编号。"))
    if poll.get("secret") or poll.get("remarks"):
        what = _("无记名投票、写了 remarks 的表决不能写 names。")
        yield Fault(
            FILE, place, what, _("请删去 names：无记名的本来就没有人知道，写入结果的人人看得到。")
        )


def _presider(place: str, poll: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    """Who closes or voids a poll presides over it; the voters' own lane would be all of them."""
    lanes, own = draft.table("lanes"), draft.lane_of(place.removeprefix("tasks.").split(".")[0])
    presider = poll.get("presider", "")
    if presider and presider not in lanes:
        what = _("主持人 {lane} 不是泳道。", lane=shown(presider))
        yield Fault(FILE, place, what, _("泳道有：{lanes}。", lanes=Listed(map(shown, lanes))))
        return
    lane = presider or (own if poll.get("closable") == "lane" else "")
    if lane and _are_the_voters(lanes.get(lane, {}), poll):
        what = _("泳道 {lane} 就是表决人，任何一名表决人都能截止表决或宣布无效。", lane=shown(lane))
        advice = _("请在 presider 写上主持表决的泳道，如办公室。")
        yield Fault(FILE, place, what, advice)


def _are_the_voters(lane: dict[str, Any], poll: dict[str, Any]) -> bool:
    """Does a lane mean everybody on the roll: the same expression, or the post it lists?"""
    roll = str(poll.get("roll", ""))
    if lane.get("person"):
        return str(lane["person"]) == roll
    return bool(lane.get("post")) and f'holders("{lane["post"]}")' in roll
