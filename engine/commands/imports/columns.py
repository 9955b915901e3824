"""The four kinds of import and their columns, and the template of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands.imports import workbook
from engine.commands.imports.workbook import EXAMPLE, Column
from engine.commands.people import OWNERS
from engine.errors import NotFound
from engine.messages import Message, _
from engine.people import posts

if TYPE_CHECKING:
    from engine.commands.imports.workbook import Say

KINDS = {"units": _("单位"), "people": _("人员"), "posts": _("职务"), "delegates": _("代表")}
CATEGORIES = {"正式": "formal_delegate", "列席": "observer_delegate", "特邀": "invited_guest"}
CATEGORIES_EN = {
    "formal": "formal_delegate",
    "observer": "observer_delegate",
    "guest": "invited_guest",
}
TITLES = {
    "username": _("用户名"),
    "name": _("姓名"),
    "phone": _("手机"),
    "email": _("邮箱"),
    "unit_code": _("单位编码"),
    "post": _("职务"),
    "category": _("代表类别"),
    "term": _("届次"),
    "from_on": _("起"),
    "to_on": _("止"),
    "code": _("编码"),
    "name_en": _("英文名称"),
    "kind": _("类型"),
    "parent_code": _("上级编码"),
    "owner_type": _("举办者类型"),
    "city": _("城市"),
}


def _column(key: str, about: Message, example: str, **more: Any) -> Column:
    return Column(key, more.pop("title", TITLES[key]), about, example, **more)


_USERNAME = _column(
    "username",
    _("登录用，一般是工号；2 至 64 个字母、数字或 . _ @ -，不分大小写。"),
    f"{EXAMPLE}20180123",
    required=True,
    also=("Username", "工号", "工号/用户名", "Staff number"),
)
_NAME = _column("name", _("本人姓名。"), "张敏", required=True, also=("Name",))
_PHONE = _column(
    "phone",
    _("可空；空白不清除已登记的。"),
    "13800000000",
    also=("Phone", "电话", "手机号", "Mobile"),
)
_EMAIL = _column(
    "email",
    _("可空；空白不清除已登记的。"),
    "zm@example.edu.cn",
    also=("Email", "电子邮箱", "E-mail"),
)
_FROM = _column(
    "from_on",
    _("任职第一天，如 2026-03-01。"),
    "2026-03-01",
    required=True,
    also=("From", "起日", "开始", "任期起", "From date"),
    is_day=True,
)
_TO = _column(
    "to_on",
    _("任职最后一天，当天仍在任；空白为未定。"),
    "2031-02-28",
    also=("To", "止日", "结束", "任期止", "To date"),
    is_day=True,
)
_CATEGORY = _column(
    "category",
    _("正式、列席或特邀；只有正式代表有附议权和表决权。"),
    "正式",
    required=True,
    also=("Category", "类别"),
    choices=tuple(CATEGORIES),
)


def of(kind: str) -> tuple[Column, ...]:
    """The columns of a kind of import. Raises NotFound."""
    if kind == "units":
        return _units()
    if kind == "people":
        return (_USERNAME, _NAME, _unit(_("所在单位的编码，须已登记。")), _PHONE, _EMAIL)
    if kind == "posts":
        where = _unit(_("任职单位的编码。"))
        return (_USERNAME, _post(), where, _term(required=False), _FROM, _TO)
    if kind == "delegates":
        where = _unit(_("所在代表团对应单位的编码。"))
        return (_USERNAME, _NAME, where, _CATEGORY, _term(required=True), _FROM, _TO)
    raise NotFound


def _unit(about: Message) -> Column:
    also = ("Unit code", "代表团", "代表团编码", "Unit", "Delegation")
    return _column("unit_code", about, "XXGC", required=True, also=also)


def _term(*, required: bool) -> Column:
    about = _("如 第八届；有任期的职务必填。")
    return _column("term", about, "第八届", required=required, also=("Term", "届"))


def _post() -> Column:
    titles = tuple(p.title for p in posts.kinds().posts.values())
    example = titles[0] if titles else "delegation_head"
    return _column(
        "post", _("从列表中选择。"), example, required=True, also=("Post",), choices=titles
    )


def _units() -> tuple[Column, ...]:
    return (
        _column(
            "code",
            _("1 至 32 个字母、数字或 . _ -，全系统唯一。"),
            f"{EXAMPLE}-XXGC",
            required=True,
            also=("Code", "单位编码"),
        ),
        _column(
            "name",
            _("单位全称。"),
            "信息工程学院工会",
            title=_("名称"),
            required=True,
            also=("Name", "单位名称"),
        ),
        _column(
            "name_en", _("可空。"), "School of Information Engineering", also=("English name",)
        ),
        _column(
            "kind",
            _("从列表中选择。"),
            "学院工会",
            required=True,
            also=("Kind", "单位类型"),
            choices=tuple(u.title for u in posts.kinds().units.values()),
        ),
        _column(
            "parent_code",
            _("上级的编码，可以在同一文件中；校工会可空，按举办者类型和城市确定。"),
            "XGH",
            also=("Parent code", "上级"),
        ),
        _column(
            "owner_type",
            _("校工会必填。"),
            "",
            also=("Owner type",),
            choices=tuple(OWNERS.values()),
        ),
        _column(
            "city",
            _("市总工会必填；校工会由市总工会管理的必填。"),
            "杭州",
            also=("City", "所在城市"),
        ),
    )


def template(kind: str, say: Say = str) -> bytes:
    """The .xlsx to be filled in: header, an example row, explanations, lists, in words that `say`
    gives. Raises NotFound.
    """
    columns = of(kind)
    return workbook.write(KINDS[kind], columns, [[c.example for c in columns]], say)
