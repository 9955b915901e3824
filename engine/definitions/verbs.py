"""The verbs beside a task's own decision, which a process allows or forbids on each of its tasks."""

from __future__ import annotations

COMMENT, HAND_OVER = "comment", "hand_over"  # 评论, 转办
SEND_BACK, RECALL = "send_back", "recall"  # 退回, 拿回
ALL = (COMMENT, HAND_OVER, SEND_BACK, RECALL)
UNSAID = frozenset({COMMENT, HAND_OVER})  # what a version allows that says nothing
OF_POLLS = frozenset({COMMENT})  # a vote is each person's own
OF_MEETINGS = frozenset({COMMENT, HAND_OVER})  # a meeting that was held was held


def possible(*, poll: bool, meeting: bool) -> frozenset[str]:
    """Those that there are on a task."""
    return OF_POLLS if poll else OF_MEETINGS if meeting else frozenset(ALL)
