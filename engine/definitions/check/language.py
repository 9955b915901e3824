"""What an expression in a process folder may say: which names, which functions, which rules; and no numbers of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine import expressions
from engine.definitions.actions import LEFT_BEHIND
from engine.definitions.check.fault import Fault, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.check.draft import Draft


class Rules(Protocol):
    """What the checks ask of the rulebook."""

    @property
    def ids(self) -> tuple[str, ...]: ...
    def get(self, id: str) -> tuple[Any, ...]: ...


MOMENTS = frozenset({"due", "before", "after"})  # functions that give the end of a time limit
MEASURES = frozenset(
    {"reaches", "satisfies", "needed"}
)  # functions that hold a number against a rule
STANDING = frozenset(
    {"in_force", "article"}
)  # functions that ask whether and by which article a rule holds on a day
FUNCTIONS = (
    MOMENTS
    | MEASURES
    | STANDING
    | {
        "rule",
        "heads",
        "holds",
        "delegates",
        "heads_of",
        "holders",
        "movers_of",
        "round",
        "day",
        "members",
        "meeting",
    }
    | {"at", "by", "matters"}
)
NAMES = frozenset(  # given in every expression
    {"union", "starter", "unit", "actor", "number", "now", "today", "superior", "superior_here"}
)
DONE = frozenset({"at", "times"})  # what every action leaves under its own name
COUNTS = frozenset(  # of a poll, beside its choices
    {
        "roll",
        "answered",
        "silent",
        "issued",
        "returned",
        "valid",
        "invalid",
        "present",
        "present_at_opening",
    }
)
ELECTED = frozenset({"elected", "tied", "candidates", "seats"})
BY_WAY = frozenset(
    {"by_way", "outside", "meeting"}
)  # what a task may have beside its form: see docs/architecture.md
OUTCOME = COUNTS | ELECTED | {"passed", "voters", "votes", "why"}
RESERVED = (
    NAMES
    | LEFT_BEHIND.keys()
    | {"launch", "task_due", "overdue"}
    | FUNCTIONS
    | expressions.BUILT_IN.keys()
)
_RULE_CALL = re.compile(
    r"\b(due|before|after|rule|reaches|satisfies|needed|in_force|article)\s*\(([^()]*)\)"
)
_LITERAL = re.compile(r"[\"']([^\"']*)[\"']")


@dataclass(frozen=True)
class Language:
    """`facts` name -> what stands under it: a set of keys, empty for a plain value, None for anything."""

    facts: Mapping[str, frozenset[str] | None]
    tasks: frozenset[str]
    rules: Rules
    posts: frozenset[str]

    def faults(
        self,
        file: str,
        element: str,
        place: str,
        text: str,
        more: frozenset[str] = frozenset(),
        moment: bool = False,
    ) -> Iterator[Fault]:
        """All that is wrong with one expression. `place` says which one; `more` are names that only it may use."""
        where = f"{place}“{shown(text, 80)}”"
        wrong = expressions.check(text, {*self.facts, *more}, FUNCTIONS)
        for each in wrong:
            yield Fault(file, element, f"{where}：{each}。", self._advice(each, more))
        if wrong:
            return
        yield from self._unknown_fields(file, element, where, text, more)
        yield from self._numbers(file, element, where, text)
        yield from self.calls(file, element, where, text)
        if moment and not _gives_moment(text):
            yield Fault(
                file,
                element,
                f"{where}没有给出期限。",
                '请写成 due("规则编号")、before(task_due, "规则编号") 这样的形式。',
            )

    def _advice(self, wrong: str, more: frozenset[str]) -> str:
        if wrong.startswith("没有名为"):
            return f"可以用的有：{'、'.join(sorted({*self.facts, *more})[:40])}。"
        if wrong.startswith("没有函数"):
            return f"可以用的有：{'、'.join(sorted(FUNCTIONS | expressions.BUILT_IN.keys()))}。"
        return "请按 docs/architecture.md 中的写法改正。"

    def _unknown_fields(
        self, file: str, element: str, where: str, text: str, more: frozenset[str]
    ) -> Iterator[Fault]:
        for dotted in sorted(expressions.names_in(text)):
            head, _, rest = dotted.partition(".")
            known = self.facts.get(head)
            field = rest.partition(".")[0]
            if rest and head not in more and known is not None and field not in known:
                there = (
                    f"{head} 里有：{'、'.join(sorted(known))}。"
                    if known
                    else f"{head} 本身就是值，后面不写点。"
                )
                yield Fault(file, element, f"{where}：{head} 里没有 {field}。", there)

    def _numbers(self, file: str, element: str, where: str, text: str) -> Iterator[Fault]:
        for number in expressions.numbers_in(text):
            if number not in (0, 1):
                yield Fault(
                    file,
                    element,
                    f"{where}写了数字 {number}。",
                    '人数、天数、比例都写在 processes/law 的规则里，这里写 rule("规则编号")。',
                )

    def calls(self, file: str, element: str, where: str, text: str) -> Iterator[Fault]:
        """Faults of the functions that a sound expression calls: rules, posts and tasks that do not exist."""
        for name, literals in expressions.calls_in(text):
            said = [each for each in literals if isinstance(each, str)]
            if name in MOMENTS | MEASURES | STANDING or name == "rule":
                if said:
                    yield from self._rule(
                        file,
                        element,
                        where,
                        name,
                        said[0] if name in MEASURES | STANDING else said[-1],
                    )
                else:
                    yield Fault(
                        file,
                        element,
                        f"{where}：{name}() 里没有规则编号。",
                        f'请写成 {name}（…"规则编号"…），编号写在引号里。',
                    )
            elif name in {"holds", "holders", "delegates"} and said:
                post = (
                    f"{said[-1]}_delegate"
                    if name == "delegates"
                    else said[-1 if name == "holds" else 0]
                )
                yield from self.post(file, element, where, post)
            elif name == "matters":
                for wrong in expressions.check(said[1] if len(said) > 1 else "", None, set()):
                    advice = """写成 matters("流程", "state == 'ended'")。"""
                    yield Fault(file, element, f"{where}：matters() 的条件{wrong}。", advice)
            elif name in {"round", "meeting"} and said and said[0] not in self.tasks:
                yield Fault(
                    file,
                    element,
                    f"{where}：没有环节 {shown(said[0])}。",
                    f"{name}() 里写用户任务的编号。",
                )
            elif name in {"at", "by"} and said and said[0] not in self.facts:
                yield Fault(
                    file,
                    element,
                    f"{where}：没有环节或消息 {shown(said[0])}。",
                    f"{name}() 里写环节或消息的编号。",
                )

    def _rule(self, file: str, element: str, where: str, name: str, rule: str) -> Iterator[Fault]:
        found = self.known_rule(rule)
        if not found:
            yield Fault(file, element, f"{where}：没有规则 {shown(rule)}。", self.near(rule))
        elif name == "rule" and any(each.value is None for each in found):
            yield Fault(
                file,
                element,
                f"{where}：规则 {rule} 不是一个整数。",
                "rule() 只用于人数、次数、天数这样的整数规则。",
            )
        elif name in {"reaches", "needed"} and any(each.kind != "share" for each in found):
            yield Fault(
                file,
                element,
                f"{where}：规则 {rule} 不是比例。",
                f"{name}() 只用于几分之几、百分之几的规则。",
            )
        elif name == "satisfies" and any(each.value is None for each in found):
            yield Fault(
                file,
                element,
                f"{where}：规则 {rule} 不是一个整数。",
                "satisfies() 只用于整数的规则。",
            )
        elif name in MOMENTS and any(each.kind != "time" for each in found):
            yield Fault(
                file,
                element,
                f"{where}：规则 {rule} 不是期限。",
                f"{name}() 只用于以日、工作日、月、年计的规则。",
            )

    def known_rule(self, rule: str) -> tuple[Any, ...]:
        """The entries of a rule; empty when there is none."""
        return self.rules.get(rule) if rule in self.rules.ids else ()

    def near(self, rule: str) -> str:
        """What to write instead of an unknown rule."""
        family = [known for known in self.rules.ids if known.split("-")[0] == rule.split("-")[0]]
        return (
            f"processes/law 里有：{'、'.join(sorted(family)[:30])}。"
            if family
            else "规则编号见 processes/law，没有的先在那里写明。"
        )

    def post(self, file: str, element: str, where: str, post: str) -> Iterator[Fault]:
        """A fault when nobody can hold such a post."""
        if self.posts and post not in self.posts:
            yield Fault(
                file,
                element,
                f"{where}：没有职务 {shown(post)}。",
                "职务的编号见 processes/posts.toml。",
            )

    def cell(self, file: str, element: str, where: str, text: str) -> Iterator[Fault]:
        """Unknown rules in a cell of a decision table."""
        for name, inside in _RULE_CALL.findall(text):
            said = _LITERAL.findall(inside)
            if said:
                first = said[0] if name in MEASURES | STANDING else said[-1]
                yield from self._rule(file, element, f"{where}“{shown(text, 80)}”", name, first)


def _gives_moment(text: str) -> bool:
    return "task_due" in expressions.names_in(text) or any(
        name in MOMENTS for name, _ in expressions.calls_in(text)
    )


def language(draft: Draft, rules: Rules, posts: frozenset[str]) -> Language:
    """The names that expressions of this folder may use."""
    facts: dict[str, frozenset[str] | None] = {name: frozenset() for name in NAMES}
    facts.update(LEFT_BEHIND)
    facts["launch"] = _form_keys(draft, "launch", frozenset({"mover", "first_mover", "unit"}))
    tasks = draft.table("tasks")
    for key in {*draft.elements("userTask"), *([] if draft.diagram else tasks)}:
        poll = tasks.get(key, {}).get("poll")
        facts[key] = (
            OUTCOME | set(poll.get("choices", ())) if poll else _form_keys(draft, key, BY_WAY)
        )
    for key in draft.elements("businessRuleTask"):
        table = draft.tables.get(key)
        facts[key] = (
            frozenset({output.name for output in table.outputs} | {"because", "row"})
            if table
            else None
        )
    for name in messages(draft):
        facts[name] = _form_keys(draft, name)
    for name in notified(draft):
        facts[name] = None
    for name in _set(draft):
        head, _, field = name.partition(".")
        known = facts.get(head, frozenset())
        facts[head] = None if not field or known is None else known | {field.partition(".")[0]}
    for key in draft.table("actions"):
        known = facts.get(key, frozenset())
        facts[key] = None if known is None else known | DONE
    return Language(facts, frozenset(draft.elements("userTask")), rules, posts)


def _form_keys(
    draft: Draft, name: str, more: frozenset[str] = frozenset()
) -> frozenset[str] | None:
    form = draft.forms.get(name)
    return frozenset(each.key for each in form.asked) | more if form else None


def _set(draft: Draft) -> Iterator[str]:
    """The dotted names of the facts that actions set."""
    for action in draft.table("actions").values():
        if action.get("do") == "set_fact":
            told = action.get("set")
            yield from (name for name in (told if isinstance(told, dict) else ()) if name)


def messages(draft: Draft) -> set[str]:
    """All messages of the folder: of the table and of the diagram."""
    drawn = (
        {e.message for e in draft.diagram.elements.values() if e.message}
        if draft.diagram
        else set()
    )
    return drawn | set(draft.table("messages"))


def notified(draft: Draft) -> set[str]:
    """The messages that instances send one another."""
    actions = draft.table("actions").values()
    return {
        str(a.get("message", "lead_replied")) for a in actions if a.get("do") == "notify_merged"
    }
