"""What an expression in a process folder may say: which names, which functions, which rules; and no
numbers of its own.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from engine import expressions, legacy
from engine.decisions.cell import cell_of
from engine.definitions.check.fault import Fault, shown
from engine.expressions import Gives, Takes
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.expressions import Function


Wrong = tuple[str, str]  # what is wrong, and what to do about it
Keys = (
    frozenset[str] | None
)  # what stands under a fact: keys, none for a plain value, None: anything


class Rules(Protocol):
    """What the checks ask of the rulebook."""

    @property
    def ids(self) -> tuple[str, ...]: ...
    def get(self, id: str) -> tuple[Any, ...]: ...


FUNCTIONS = frozenset(
    name
    for name, each in expressions.FUNCTIONS.items()
    if each.asks is not expressions.Asks.NOTHING
)  # handed in with the facts
NAMES = frozenset(  # given in every expression
    {
        *("union", "starter", "unit", "actor", "number"),
        *("now", "today", "entered", "superior", "superior_here"),
    }
)
_NO_ROLLS = _("名册在 process.toml 的 [rolls.…] 里写明。")
MOST_NAMES, MOST_RULES = 40, 30  # in one piece of advice


@dataclass(frozen=True)
class _RuleKind:
    """What must be true of each entry of a rule, and what to say if it is not."""

    suits: Callable[[Any], bool]
    wrong: str
    kind: str


_RULE_KINDS: dict[Takes, _RuleKind] = {
    Takes.NUMBER_RULE: _RuleKind(
        lambda entry: entry.value is not None,
        _("不是一个整数"),
        _("人数、次数、天数这样的整数规则"),
    ),
    Takes.SHARE_RULE: _RuleKind(
        lambda entry: entry.kind == "share", _("不是比例"), _("几分之几、百分之几的规则")
    ),
    Takes.TIME_RULE: _RuleKind(
        lambda entry: entry.kind == "time", _("不是期限"), _("以日、工作日、月、年计的规则")
    ),
}


@dataclass(frozen=True)
class _Place:
    """Where an expression stands."""

    file: str
    element: str
    where: str

    def fault(self, wrong: str, advice: str, root: str = "") -> Fault:
        what = _("{where}：{wrong}", where=self.where, wrong=wrong)
        return Fault(self.file, self.element, what, advice, root)


@dataclass(frozen=True)
class Language:
    """`facts` name -> what stands under it: a set of keys, empty for a plain value, None for
    anything.
    """

    facts: Mapping[str, Keys]
    tasks: frozenset[str]
    rules: Rules
    posts: frozenset[str]
    choices: Mapping[str, frozenset[str]] = field(default_factory=dict)  # dotted fact -> its texts
    rolls: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()  # of its plan

    def faults(
        self,
        file: str,
        element: str,
        label: str,
        text: str,
        *,
        more: frozenset[str] = frozenset(),
        moment: bool = False,
    ) -> Iterator[Fault]:
        """All that is wrong with one expression. `label` says which one; `more` are names that only
        it may use.

        With `moment` it must give the end of a time limit.
        """
        place = _Place(file, element, _quoted(label, text))
        wrong = expressions.check(text, {*self.facts, *more}, FUNCTIONS)
        for each in wrong:
            yield place.fault(_("{wrong}。", wrong=each), self._advice(each, more), _root(each))
        if wrong:
            return
        for dotted, what, advice in self._unknown_fields(text, more):
            yield place.fault(what, advice, f"fact:{dotted}")
        for what, advice in (
            *self.choice_faults(expressions.compared_in(text)),
            *_number_faults(text),
            *self._call_faults(text),
        ):
            yield place.fault(what, advice)
        if moment and not _gives_moment(text):
            what = _("{where}没有给出期限。", where=place.where)
            advice = _('请写成 due("规则编号")、before(task_due, "规则编号") 这样的形式。')
            yield Fault(file, element, what, advice)

    def _advice(self, wrong: str, more: frozenset[str]) -> str:
        if expressions.is_unknown_fact(wrong):
            known = sorted({*self.facts, *more})[:MOST_NAMES]
            return _("可以用的有：{known}。", known=Listed(known))
        if expressions.is_unknown_function(wrong):
            known = sorted((FUNCTIONS | expressions.BUILT_IN.keys()) - legacy.FUNCTIONS)
            return _("可以用的有：{known}。", known=Listed(known))
        return _("请按 docs/architecture.md 中的写法改正。")

    def fact_faults(self, path: str) -> Iterator[Wrong]:
        """What is wrong with a dotted fact that a document names; names given in every
        expression are no facts.
        """
        name = path.partition(".")[0]
        facts = self.facts.keys() - NAMES
        if name in facts:
            for _dotted, what, advice in self._unknown_fields(path, frozenset()):
                yield what, advice
            return
        near = difflib.get_close_matches(name[:60], facts, n=1)
        advice = (
            _("是不是 {near}?", near=near[0])
            if near
            else _("事实是各环节、消息、决策表和动作留下的。")
        )
        yield _("没有事实 {path}。", path=shown(path)), advice

    def _unknown_fields(self, text: str, more: frozenset[str]) -> Iterator[tuple[str, str, str]]:
        """The dotted fact that is not there, with what is wrong and what to do about it."""
        for dotted in sorted(expressions.names_in(text)):
            fact, *fields = dotted.split(".")
            known = self.facts.get(fact)
            if not fields or fact in more or known is None or fields[0] in known:
                continue
            what = _("{fact} 里没有 {field}。", fact=fact, field=fields[0])
            if known:
                advice = _("{fact} 里有：{known}。", fact=fact, known=Listed(sorted(known)))
            else:
                advice = _("{fact} 本身就是值，后面不写点。", fact=fact)
            yield f"{fact}.{fields[0]}", what, advice

    def choice_faults(self, compared: Iterable[tuple[str, str]]) -> Iterator[Wrong]:
        """Facts compared with a value that they never have: the form offers others, or the table
        gives others.
        """
        for fact, text in dict.fromkeys(compared):
            known = self.choices.get(fact)
            if known is not None and text not in known:
                what = _("{fact} 不会是“{text}”。", fact=fact, text=shown(text))
                yield what, _("它的值有：{known}。", known=Listed(sorted(known)))

    def calls(self, file: str, element: str, where: str, text: str) -> Iterator[Fault]:
        """Faults of the calls in a readable expression: their number of arguments, and names that
        do not exist.
        """
        place = _Place(file, element, where)
        for wrong, advice in self._call_faults(text):
            yield place.fault(wrong, advice)

    def cell(self, file: str, element: str, label: str, text: str) -> Iterator[Fault]:
        """Faults of the calls in a cell of a decision table; what cannot be read there is found
        elsewhere.
        """
        for operand in cell_of(text).operands:
            if not expressions.check(operand, None, FUNCTIONS):
                yield from self.calls(file, element, _quoted(label, text), operand)

    def _call_faults(self, text: str) -> Iterator[Wrong]:
        for name, given in expressions.texts_in(text):
            function = expressions.FUNCTIONS.get(name)
            if function is None:  # found with the names
                continue
            if not function.fits(len(given)):
                what = _("{name}() 里写了 {count} 个参数。", name=name, count=len(given))
                yield what, _arguments_needed(function)
            for takes, argument in zip(function.takes, given, strict=False):
                yield from self._argument_faults(name, takes, argument)

    def _argument_faults(self, name: str, takes: Takes, argument: str | None) -> Iterator[Wrong]:
        """`argument`: the text written there; None for anything that must be worked out."""
        if takes in expressions.RULES:
            yield from self._rule_faults(name, takes, argument)
        elif takes is Takes.CONDITION:
            yield from _condition_faults(name, argument or "")
        elif takes is Takes.ROLL:
            yield from self._roll_faults(name, argument)
        elif argument is None:
            return
        elif takes is Takes.PLANNED and argument not in self.steps:
            what = _("倒排计划里没有 {key}。", key=shown(argument))
            yield what, _("计划的各步在 process.toml 的 [plan.steps.…] 里写明。")
        elif takes is Takes.POST:
            yield from self._post_faults(argument)
        elif takes is Takes.DELEGATES:
            yield from self._post_faults(legacy.DELEGATES.format(argument))
        elif takes is Takes.TASK and argument not in self.tasks:
            what = _("没有环节 {key}。", key=shown(argument))
            yield what, _("{name}() 里写用户任务的编号。", name=name)
        elif takes is Takes.STEP and argument not in self.facts:
            what = _("没有环节或消息 {key}。", key=shown(argument))
            yield what, _("{name}() 里写环节或消息的编号。", name=name)

    def _rule_faults(self, name: str, takes: Takes, rule: str | None) -> Iterator[Wrong]:
        if rule is None:
            what = _("{name}() 里没有规则编号。", name=name)
            yield what, _('请写成 {name}（…"规则编号"…），编号写在引号里。', name=name)
            return
        entries, kind = self.known_rule(rule), _RULE_KINDS.get(takes)
        if not entries:
            yield _("没有规则 {key}。", key=shown(rule)), self.near(rule)
        elif kind is not None and not all(map(kind.suits, entries)):
            what = _("规则 {rule} {wrong}。", rule=rule, wrong=kind.wrong)
            yield what, _("{name}() 只用于{kind}。", name=name, kind=kind.kind)

    def _roll_faults(self, name: str, roll: str | None) -> Iterator[Wrong]:
        if roll is None:
            what = _("{name}() 里没有名册。", name=name)
            yield what, _('请写成 {name}("名册的编号")，编号写在引号里。', name=name)
        elif roll not in self.rolls:
            known = Listed(sorted(self.rolls))
            advice = _("可以用的有：{known}。", known=known) if self.rolls else _NO_ROLLS
            yield _("没有名册 {key}。", key=shown(roll)), advice

    def _post_faults(self, post: str) -> Iterator[Wrong]:
        if self.posts and post not in self.posts:
            what = _("没有职务 {post}。", post=shown(post))
            yield what, _("职务的编号见 processes/posts.toml。")

    def known_rule(self, rule: str) -> tuple[Any, ...]:
        """The entries of a rule; empty when there is none."""
        return self.rules.get(rule) if rule in self.rules.ids else ()

    def near(self, rule: str) -> str:
        """What to write instead of an unknown rule."""
        family = [known for known in self.rules.ids if known.split("-")[0] == rule.split("-")[0]]
        if not family:
            return _("规则编号见 processes/law，没有的先在那里写明。")
        return _("processes/law 里有：{rules}。", rules=Listed(sorted(family)[:MOST_RULES]))

    def post(self, file: str, element: str, where: str, post: str) -> Iterator[Fault]:
        """A fault when nobody can hold such a post."""
        place = _Place(file, element, where)
        for wrong, advice in self._post_faults(post):
            yield place.fault(wrong, advice)


def _root(wrong: str) -> str:
    """The name that does not exist, for which much else may be wrong."""
    known = isinstance(wrong, Message) and expressions.is_unknown_fact(wrong)
    return named_root(wrong.values["name"]) if known and isinstance(wrong, Message) else ""


def named_root(name: object) -> str:
    """The root of all faults that come from a step, or what it leaves, not being there."""
    return f"name:{name}"


def _quoted(label: str, text: str) -> str:
    return _("{label}“{text}”", label=label, text=shown(text, 80))


def _number_faults(text: str) -> Iterator[Wrong]:
    for number in expressions.numbers_in(text):
        if number not in (0, 1):
            what = _("写了数字 {number}。", number=number)
            yield (
                what,
                _('人数、天数、比例都写在 processes/law 的规则里，这里写 rule("规则编号")。'),
            )


def _condition_faults(name: str, condition: str) -> Iterator[Wrong]:
    for wrong in expressions.check(condition, None, set()):
        what = _("{name}() 的条件{wrong}。", name=name, wrong=wrong)
        yield what, _("""写成 {name}("流程", "state == 'ended'")。""", name=name)


def _arguments_needed(function: Function) -> str:
    """Advice: how many arguments a function takes."""
    name, least, most = function.name, function.least, len(function.takes)
    if function.many:
        return _("{name}() 要至少 {least} 个。", name=name, least=least)
    if most == least:
        return _("{name}() 要 {most} 个。", name=name, most=most)
    return _("{name}() 要 {least} 至 {most} 个。", name=name, least=least, most=most)


def _gives_moment(text: str) -> bool:
    if "task_due" in expressions.names_in(text):
        return True
    called = [expressions.FUNCTIONS[name] for name, _arguments in expressions.calls_in(text)]
    return any(function.gives is Gives.DEADLINE for function in called)
