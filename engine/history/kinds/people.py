"""The kinds of events of units, people, posts and logins."""

from __future__ import annotations

from engine.history.kinds.kind import Facts, kind
from engine.messages import Message, _

_GIVEN = _("{name}任{unit}{post}，{from_on} 至 {to_on}（{who}登记）")
_SECONDED = {  # by whence the second person came
    "union": _("{name}任{unit}{post}，{from_on} 至 {to_on}（另一人登记，第二人{who}确认）"),
    "superior": _(
        "{name}任{unit}{post}，{from_on} 至 {to_on}（本级没有可以确认的第二人，由上级的{who}确认）"
    ),
    "installation": _(
        "{name}任{unit}{post}，{from_on} 至 {to_on}（本级没有可以确认的第二人，由全系统管理的{who}确认）"
    ),
}


def _granted(facts: Facts) -> Message:
    """A post that opens a confidential matter says who confirmed it."""
    return _SECONDED.get(facts.body.get("second", ""), _GIVEN)


_INVITED = _("{who}为{name}发出登录邀请")
_RENEWED = _("{who}为{name}重新发出登录邀请，原来的作废")


def _invited(facts: Facts) -> Message:
    return _RENEWED if facts.body.get("renewed") else _INVITED


PEOPLE = (
    kind("unit_created", _("单位已新增"), _("{who}新增单位“{name}”"), "unit"),
    kind("unit_changed", _("更改单位"), _("{who}更改单位“{name}”"), "unit"),
    kind("member_created", _("登记人员"), _("{who}登记人员{name}"), "member"),
    kind("member_changed", _("更改登记"), _("{who}更改{name}的登记"), "member"),
    kind(
        "post_granted",
        _("任职"),
        _granted,
        *("member", "post_kind"),
    ),
    kind(
        "post_proposed",
        _("任职待确认"),
        _("{who}登记{name}任{unit}{post}，{from_on} 至 {to_on}，能看到保密事项，待第二人确认"),
        *("member", "post_kind", "post", "proposal"),
    ),
    kind(
        "post_refused",
        _("任职未确认"),
        _("{who}未同意{name}任{unit}{post}，{from_on} 至 {to_on}"),
        *("member", "post_kind", "post", "proposal"),
    ),
    kind(
        "post_withdrawn",
        _("任职收回"),
        _("{who}收回登记：{name}任{unit}{post}，{from_on} 至 {to_on}"),
        *("member", "post_kind", "post", "proposal"),
    ),
    kind(
        "post_ended",
        _("免职"),
        _("{name}不再任{unit}{post}，至 {to_on}：{cause}（{who}登记）"),
        *("member", "post_kind"),
    ),
    kind(
        "deputy_named",
        _("指定代理人"),
        _("{who}自 {from_on} 至 {to_on} 不在，由{name}代理"),
        *("id", "member", "deputy", "processes", "due_only"),
    ),
    kind("deputy_ended", _("终止代理"), _("{who}终止{name}的代理"), *("id", "member", "deputy")),
    kind("password_set", _("密码已设置"), _("{who}为{name}设置密码"), "member"),
    kind("member_invited", _("发出登录邀请"), _invited, "member", "expires_at"),
    kind("invitation_ended", _("登录邀请作废"), _("{who}使{name}的登录邀请作废"), "member"),
    kind("invitation_used", _("凭邀请登录"), _("{name}凭邀请设置密码并登录"), "member"),
    kind("password_changed", _("密码已更改"), _("{who}更改了自己的密码"), "member"),
    kind("logged_in", _("登录系统"), _("{name}登录"), "member", mark="read"),
    kind("logged_out", _("退出系统"), _("{name}退出登录"), "member", mark="read"),
    kind(
        "login_locked",
        _("登录锁定"),
        _("{name}的登录因多次失败暂时锁定"),
        "member",
        mark="refused",
    ),
    kind("token_created", _("新建接口令牌"), _("{who}新建接口令牌（{name}）"), "name"),
    kind("token_ended", _("停用接口令牌"), _("{who}停用接口令牌（{name}）"), "name"),
    kind(
        "member_joined",
        _("合并重复登记"),
        _("{who}把重复登记的{name}并入账号 {username}：{why}"),
        *("member", "into", "why"),
    ),
    kind("import_undone", _("撤销导入"), _("{who}撤销了文件 {file} 的导入"), "batch", "file"),
    kind("import_confirmed", _("导入文件"), _("{who}导入文件 {file}"), "batch", "file"),
    kind(
        "people_exported",
        _("导出人员资料"),
        _("{who}导出人员资料 {rows} 行"),
        "rows",
        mark="read",
    ),
)
