"""The verbs beside a task's own decision, which a process allows or forbids on each of its tasks."""

from __future__ import annotations

COMMENT, HAND_OVER = "comment", "hand_over"
ALL = (COMMENT, HAND_OVER)  # comment: 评论; hand_over: 转办
UNSAID = frozenset({COMMENT, HAND_OVER})  # what a version allows that says nothing
OF_POLLS = frozenset({COMMENT})  # a vote is each person's own
