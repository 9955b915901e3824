"""The verbs beside a task's own decision, which a process allows or forbids on each of its
tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.definitions.actions import ACTIONS

if TYPE_CHECKING:
    from engine.definitions.process import Process, TaskRule

COMMENT, HAND_OVER = "comment", "hand_over"  # 评论, 转办
SEND_BACK, RECALL = "send_back", "recall"  # 退回, 拿回
DELEGATE, JOIN = "delegate", "join"  # 委派, 加签
DEPUTISE = "deputise"  # 代理: somebody else does it while whoever has it is away
COPY = "copy"  # 抄送: the matter is sent to others for information, and who has read it is seen
ALL = (COMMENT, HAND_OVER, SEND_BACK, RECALL, DELEGATE, JOIN, DEPUTISE, COPY)
ASKING = (DELEGATE, JOIN)  # somebody is asked, and whoever asks goes on deciding
UNSAID = frozenset({COMMENT, HAND_OVER})  # what a version allows that says nothing
OF_POLLS = frozenset({COMMENT, COPY})  # a vote is each person's own
OF_MEETINGS = frozenset({COMMENT, COPY, HAND_OVER})  # a meeting that was held was held
BINDING = frozenset({"vote", "election", "consent"})  # polls that decide, and do not only advise


def possible(*, poll: bool, meeting: bool) -> frozenset[str]:
    """Those that there are on a task."""
    return OF_POLLS if poll else OF_MEETINGS if meeting else frozenset(ALL)


def lasting(process: Process) -> frozenset[str]:
    """The elements behind which nothing goes back, for done anew they would leave twice what there
    is once: a paper, a number, a publication, another matter, a term that ended, a vote, a meeting.
    """
    told = {rule.after for rule in process.publications.values()}
    acts = {key for key, args in process.actions.items() if _leaves_twice(args)}
    many = {key for key, rule in process.tasks.items() if _binds(rule)}
    return frozenset(told | acts | many) | process.disclosed_by | process.binding_after


def _leaves_twice(args: dict[str, Any]) -> bool:
    """A list that grows and a fact that goes by what it was (a count) are told twice, too."""
    known = ACTIONS.get(args.get("do", ""))
    grows = (path in expressions.names_in(how) for path, how in args.get("set", {}).items())
    return known is None or not known.again or "append" in args or any(grows)


def _binds(rule: TaskRule) -> bool:
    return rule.meeting is not None or (rule.poll is not None and rule.poll.kind in BINDING)
