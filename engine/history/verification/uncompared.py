"""What `yixing verify` cannot compare, by table and column, and why. A test forges every column of
the schema and holds this list against what verification named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECRET = _("密码、令牌、会话等，不进记录")
_PRIVATE = _("电话、邮箱、语言设置等个人资料，不进记录")
_PASSING = _("草稿、登录尝试等临时内容，会自行清除")
_SEEN = _("谁看过提到本人的评论")
_ORDER = _("编号顺序、修改次数等内部标记")
_FOUND = _("检索和说明用的文字，不影响办理")
_COUNTED = _("编号用到第几号；已编的号由事项和文书自己的记录证明")
_PAPER = _("附件的类型、大小、上传人和时间；内容由散列证明")
_POLL = _("投票名册上的次序和是否等待；名册、作答和结果有记录")
_BALLOT = _("秘密投票封存中的信封和密钥，计票后销毁")
_KEYS = _("加密附件用的密钥的名称；内容由散列证明")
_OUTSIDE = _("一次性链接的状态；答复本身有记录")
_INCIDENT = _("异常的说明；发生异常有记录")
_REHEARSED = _("每个故事的演练结果；共几个、几个不符有记录")
_STARTED = _("按日历发起的登记；发起、没有发起成、不再发起都有记录")
_TIMES = _("登记时间等旁注")

ALL = "*"  # every column of a table, its rows too
# (table, column) -> why; ALL of a table stands for its rows as a whole
UNCOMPARED: Mapping[tuple[str, str], Message] = {
    **{
        (table, ALL): _SECRET
        for table in (
            "login",
            "login_invitation",
            "token",
            "teller_key",
            "teller_part",
            "shared_secret",
        )
    },
    **{
        (table, ALL): _PASSING
        for table in (
            "attempt",
            "draft",
            "reply",
            "batch",
            "operation",
            "pack",
            "verification",
            "opened",
            "saved_view",
            "phrase",
        )
    },
    ("member", "must_change"): _SECRET,
    ("counter", ALL): _COUNTED,
    ("calendar_start", ALL): _STARTED,
    ("envelope", ALL): _BALLOT,
    ("box", ALL): _BALLOT,
    ("paper", ALL): _POLL,
    ("invitation", ALL): _OUTSIDE,
    ("incident", ALL): _INCIDENT,
    ("comment", "read_by"): _SEEN,
    ("presence", "no"): _ORDER,
    ("blob", ALL): _PAPER,
    **dict.fromkeys((("blob", "key"), ("spent_key", ALL)), _KEYS),
    **{("attachment", c): _PAPER for c in ("member_id", "media_type", "size", "at")},
    **{("member", c): _PRIVATE for c in ("password", "phone", "email", "created_at")},
    **{("definition", c): _TIMES for c in ("number", "note", "created_at", "decided_at")},
    ("definition", "approver_id"): _TIMES,
    **{("definition", c): _FOUND for c in ("files", "batch", "lent", "beside")},
    ("own_version", "beside"): _FOUND,
    ("rehearsal", ALL): _REHEARSED,
    ("setting", "created_at"): _TIMES,
    ("checkpoint", "witness"): _TIMES,
    ("event", "id"): _ORDER,
    ("instance", "grams"): _FOUND,
    ("instance", "salt"): _ORDER,
    ("instance", "revision"): _ORDER,
    ("instance", "changed_at"): _TIMES,
    **{("task", c): _ORDER for c in ("id", "revision")},
    ("task", "due"): _FOUND,
    **{("timer", c): _ORDER for c in ("id", "ref", "task_id", "tries", "provisional")},
    ("timer", "expression"): _FOUND,
    ("meeting", "code"): _SECRET,
    **{("poll", c): _POLL for c in ("kind", "meeting_id")},
    **{("roll", c): _POLL for c in ("open", "position", "paper", ALL)},
    ("link", "at"): _TIMES,
    ("teller", ALL): _POLL,
}


def listed(table: str, column: str = ALL) -> bool:
    """May a change of this column, or of the rows of the table, go unnamed?"""
    return (table, column) in UNCOMPARED or (column != ALL and _whole(table))


def _whole(table: str) -> bool:
    """Is no column of the table compared for sure? A roll is listed for its rows only."""
    return (table, ALL) in UNCOMPARED and table not in ("roll", "teller", "blob")


def shown() -> list[tuple[str, Message]]:
    """The list for people: tables and columns by reason, in the order of the reasons."""
    by_reason: dict[str, tuple[Message, list[str]]] = {}
    for (table, column), why in UNCOMPARED.items():
        name = table if column == ALL else f"{table}.{column}"
        by_reason.setdefault(str(why), (why, []))[1].append(name)
    return [(", ".join(sorted(names)), why) for why, names in by_reason.values()]
