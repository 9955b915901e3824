"""What the states of rows are called, as a union office writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.db.states import (
    BatchState,
    DefinitionState,
    DocumentState,
    InstanceState,
    MeetingState,
    OwnVersionState,
    PollState,
    ProposalState,
    SendingState,
    SettingState,
    StartState,
    TaskState,
    TimerState,
)
from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

STATES: Mapping[type[StrEnum], Mapping[str, Message]] = {
    SendingState: {
        SendingState.WAITING: _("待发"),
        SendingState.SENDING: _("正在发"),
        SendingState.SENT: _("已发出"),
        SendingState.VOID: _("不必再发"),
        SendingState.FAILED: _("没有发成"),
    },
    InstanceState: {
        InstanceState.RUNNING: _("办理中"),
        InstanceState.SUSPENDED: _("已暂停"),
        InstanceState.ENDED: _("已办结"),
        InstanceState.WITHDRAWN: _("已撤回"),
        InstanceState.TERMINATED: _("已终止"),
    },
    StartState: {
        StartState.BEGUN: _("已发起"),
        StartState.MISSED: _("没有发起成"),
        StartState.DROPPED: _("不再发起"),
    },
    TaskState: {
        TaskState.OPEN: _("待办"),
        TaskState.DONE: _("已办"),
        TaskState.CANCELLED: _("已取消"),
    },
    TimerState: {
        TimerState.WAITING: _("等待中"),
        TimerState.FIRED: _("已到时"),
        TimerState.CANCELLED: _("已取消"),
        TimerState.BROKEN: _("异常"),
    },
    PollState: {
        PollState.CALLED: _("待领密钥"),
        PollState.OPEN: _("表决中"),
        PollState.COUNTING: _("计票中"),
        PollState.CLOSED: _("已截止"),
        PollState.VOID: _("已作废"),
    },
    MeetingState: {
        MeetingState.CALLED: _("已召集"),
        MeetingState.OPEN: _("开会中"),
        MeetingState.CLOSED: _("已散会"),
        MeetingState.VOID: _("已作废"),
    },
    DefinitionState: {
        DefinitionState.PROPOSED: _("待批准"),
        DefinitionState.PUBLISHED: _("施行中"),
        DefinitionState.REFUSED: _("未批准"),
        DefinitionState.RETIRED: _("已停用"),
        DefinitionState.OWN: _("本单位版本"),
    },
    OwnVersionState: {
        OwnVersionState.PROPOSED: _("待批准"),
        OwnVersionState.IN_FORCE: _("施行中"),
        OwnVersionState.REFUSED: _("未批准"),
        OwnVersionState.ENDED: _("已停用"),
    },
    SettingState: {
        SettingState.PROPOSED: _("待批准"),
        SettingState.IN_FORCE: _("施行中"),
        SettingState.REFUSED: _("未批准"),
    },
    ProposalState: {
        ProposalState.PROPOSED: _("待批准"),
        ProposalState.DONE: _("已批准"),
        ProposalState.REFUSED: _("未批准"),
        ProposalState.WITHDRAWN: _("已收回"),
    },
    BatchState: {
        BatchState.PREVIEWED: _("已预览"),
        BatchState.DONE: _("已导入"),
        BatchState.UNDONE: _("已撤销"),
    },
    DocumentState: {
        DocumentState.ISSUED: _("有效"),
        DocumentState.CORRECTED: _("已更正"),
        DocumentState.VOID: _("作废"),
    },
}


def state_words(states: type[StrEnum], key: str) -> str:
    """What a state of this enumeration is called; the key itself when it is none of them."""
    return STATES[states].get(key, key)
