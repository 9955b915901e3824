"""The four kinds of import and their columns, and the template of each."""

from __future__ import annotations

from engine.commands.imports import workbook
from engine.commands.imports.workbook import EXAMPLE, Column
from engine.commands.people import OWNERS
from engine.errors import NotFound
from engine.messages import _
from engine.people import posts

KINDS = {"units": "单位", "people": "人员", "posts": "职务", "delegates": "代表"}
CATEGORIES = {"正式": "formal_delegate", "列席": "observer_delegate", "特邀": "invited_guest"}
CATEGORIES_EN = {
    "formal": "formal_delegate",
    "observer": "observer_delegate",
    "guest": "invited_guest",
}

_USERNAME = Column(
    "username",
    "用户名",
    "Username",
    _("登录用，一般是工号；2 至 64 个字母、数字或 . _ @ -，不分大小写。"),
    f"{EXAMPLE}20180123",
    True,
    also=("工号", "工号/用户名", "Staff number"),
)
_NAME = Column("name", "姓名", "Name", _("本人姓名。"), "张敏", True)
_PHONE = Column(
    "phone",
    "手机",
    "Phone",
    _("可空；空白不清除已登记的。"),
    "13800000000",
    also=("电话", "手机号", "Mobile"),
)
_EMAIL = Column(
    "email",
    "邮箱",
    "Email",
    _("可空；空白不清除已登记的。"),
    "zm@example.edu.cn",
    also=("电子邮箱", "E-mail"),
)
_FROM = Column(
    "from_on",
    "起",
    "From",
    _("任职第一天，如 2026-03-01。"),
    "2026-03-01",
    True,
    also=("起日", "开始", "任期起", "From date"),
    is_day=True,
)
_TO = Column(
    "to_on",
    "止",
    "To",
    _("任职最后一天，当天仍在任；空白为未定。"),
    "2031-02-28",
    also=("止日", "结束", "任期止", "To date"),
    is_day=True,
)
_CATEGORY = Column(
    "category",
    "代表类别",
    "Category",
    _("正式、列席或特邀；只有正式代表有附议权和表决权。"),
    "正式",
    True,
    also=("类别",),
    choices=tuple(CATEGORIES),
)


def of(kind: str) -> tuple[Column, ...]:
    """The columns of a kind of import. Raises NotFound."""
    if kind == "units":
        return _units()
    if kind == "people":
        return (_USERNAME, _NAME, _unit(_("所在单位的编码，须已登记。")), _PHONE, _EMAIL)
    if kind == "posts":
        return (_USERNAME, _post(), _unit(_("任职单位的编码。")), _term(False), _FROM, _TO)
    if kind == "delegates":
        return (
            _USERNAME,
            _NAME,
            _unit(_("所在代表团对应单位的编码。")),
            _CATEGORY,
            _term(True),
            _FROM,
            _TO,
        )
    raise NotFound


def _unit(about: str) -> Column:
    also = ("代表团", "代表团编码", "Unit", "Delegation")
    return Column("unit_code", "单位编码", "Unit code", about, "XXGC", True, also=also)


def _term(required: bool) -> Column:
    return Column(
        "term", "届次", "Term", _("如 第八届；有任期的职务必填。"), "第八届", required, also=("届",)
    )


def _post() -> Column:
    titles = tuple(p.title for p in posts.kinds().posts.values())
    example = titles[0] if titles else "delegation_head"
    return Column("post", "职务", "Post", _("从列表中选择。"), example, True, choices=titles)


def _units() -> tuple[Column, ...]:
    kinds = tuple(u.title for u in posts.kinds().units.values())
    code = _("1 至 32 个字母、数字或 . _ -，全系统唯一。")
    parent = _("上级的编码，可以在同一文件中；校工会可空，按举办者类型和城市确定。")
    return (
        Column("code", "编码", "Code", code, f"{EXAMPLE}-XXGC", True, also=("单位编码",)),
        Column(
            "name", "名称", "Name", _("单位全称。"), "信息工程学院工会", True, also=("单位名称",)
        ),
        Column(
            "name_en", "英文名称", "English name", _("可空。"), "School of Information Engineering"
        ),
        Column(
            "kind",
            "类型",
            "Kind",
            _("从列表中选择。"),
            "学院工会",
            True,
            also=("单位类型",),
            choices=kinds,
        ),
        Column("parent_code", "上级编码", "Parent code", parent, "XGH", also=("上级",)),
        Column(
            "owner_type",
            "举办者类型",
            "Owner type",
            _("校工会必填。"),
            "",
            choices=tuple(OWNERS.values()),
        ),
        Column(
            "city",
            "城市",
            "City",
            _("市总工会必填；校工会由市总工会管理的必填。"),
            "杭州",
            also=("所在城市",),
        ),
    )


def template(kind: str) -> bytes:
    """The .xlsx to be filled in: header, an example row, explanations, lists. Raises NotFound."""
    columns = of(kind)
    return workbook.write(KINDS[kind], columns, [[c.example for c in columns]])
