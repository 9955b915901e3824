"""What an expression in a process folder may say: which names, which functions, which rules; and no numbers of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine import expressions
from engine.decisions.cell import cell_of
from engine.definitions.actions import LEFT_BEHIND
from engine.definitions.check.fault import Fault, shown
from engine.expressions import Gives, Takes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from engine.definitions.check.draft import Draft
    from engine.expressions import Function


Wrong = tuple[str, str]  # what is wrong, and what to do about it


class Rules(Protocol):
    """What the checks ask of the rulebook."""

    @property
    def ids(self) -> tuple[str, ...]: ...
    def get(self, id: str) -> tuple[Any, ...]: ...


FUNCTIONS = (
    frozenset(expressions.FUNCTIONS) - expressions.BUILT_IN.keys()
)  # handed in with the facts
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
_RULE_KINDS: dict[
    Takes, tuple[Callable[[Any], bool], str, str]
] = {  # what must be true of a rule; what to say if not
    Takes.NUMBER_RULE: (
        lambda rule: rule.value is not None,
        "不是一个整数",
        "人数、次数、天数这样的整数规则",
    ),
    Takes.SHARE_RULE: (
        lambda rule: rule.kind == "share",
        "不是比例",
        "几分之几、百分之几的规则",
    ),
    Takes.TIME_RULE: (
        lambda rule: rule.kind == "time",
        "不是期限",
        "以日、工作日、月、年计的规则",
    ),
}


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
        """Faults of the calls in a readable expression: their number of arguments, and names that do not exist."""
        for wrong, advice in self._call_faults(text):
            yield Fault(file, element, f"{where}：{wrong}", advice)

    def cell(self, file: str, element: str, where: str, text: str) -> Iterator[Fault]:
        """Faults of the calls in a cell of a decision table; what cannot be read there is told elsewhere."""
        for operand in cell_of(text).operands:
            if not expressions.check(operand, None, FUNCTIONS):
                yield from self.calls(file, element, f"{where}“{shown(text, 80)}”", operand)

    def _call_faults(self, text: str) -> Iterator[Wrong]:
        for name, given in expressions.texts_in(text):
            function = expressions.FUNCTIONS.get(name)
            if function is None:  # told with the names
                continue
            if not function.fits(len(given)):
                yield f"{name}() 里写了 {len(given)} 个参数。", f"{name}() 要{_many(function)}。"
            for takes, argument in zip(function.takes, given, strict=False):
                yield from self._argument_faults(name, takes, argument)

    def _argument_faults(self, name: str, takes: Takes, argument: str | None) -> Iterator[Wrong]:
        """`argument`: the text written there; None for anything that must be worked out."""
        if takes in expressions.RULES:
            yield from self._rule_faults(name, takes, argument)
        elif takes is Takes.CONDITION:
            for wrong in expressions.check(argument or "", None, set()):
                yield f"{name}() 的条件{wrong}。", f"""写成 {name}("流程", "state == 'ended'")。"""
        elif argument is None:
            return
        elif takes is Takes.POST:
            yield from self._post_faults(argument)
        elif takes is Takes.DELEGATES:
            yield from self._post_faults(f"{argument}_delegate")
        elif takes is Takes.TASK and argument not in self.tasks:
            yield f"没有环节 {shown(argument)}。", f"{name}() 里写用户任务的编号。"
        elif takes is Takes.STEP and argument not in self.facts:
            yield f"没有环节或消息 {shown(argument)}。", f"{name}() 里写环节或消息的编号。"

    def _rule_faults(self, name: str, takes: Takes, rule: str | None) -> Iterator[Wrong]:
        if rule is None:
            yield (
                f"{name}() 里没有规则编号。",
                f'请写成 {name}（…"规则编号"…），编号写在引号里。',
            )
        elif not (found := self.known_rule(rule)):
            yield f"没有规则 {shown(rule)}。", self.near(rule)
        elif takes in _RULE_KINDS:
            suits, wrong, kind = _RULE_KINDS[takes]
            if not all(map(suits, found)):
                yield f"规则 {rule} {wrong}。", f"{name}() 只用于{kind}。"

    def _post_faults(self, post: str) -> Iterator[Wrong]:
        if self.posts and post not in self.posts:
            yield f"没有职务 {shown(post)}。", "职务的编号见 processes/posts.toml。"

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
        for wrong, advice in self._post_faults(post):
            yield Fault(file, element, f"{where}：{wrong}", advice)


def _many(function: Function) -> str:
    """How many arguments a function takes."""
    most = len(function.takes)
    if function.many:
        return f"至少 {function.least} 个"
    return f" {most} 个" if most == function.least else f" {function.least} 至 {most} 个"


def _gives_moment(text: str) -> bool:
    return "task_due" in expressions.names_in(text) or any(
        expressions.FUNCTIONS[name].gives is Gives.DEADLINE
        for name, _ in expressions.calls_in(text)
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
