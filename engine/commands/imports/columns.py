"""The kinds of import and their columns, and the template of each."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from engine.commands.imports import workbook
from engine.commands.imports.workbook import EXAMPLE, Column
from engine.errors import NotFound
from engine.messages import Listed, Message, _, worded
from engine.people import posts, spelling

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.commands.imports.workbook import Say
    from engine.people.posts import UnitKind

BY_CATEGORY = "delegates"
KINDS = ("units", "people", "posts", BY_CATEGORY)  # as addresses and commands name them
TITLES = {
    "username": _("用户名"),
    "name": _("姓名"),
    "phone": _("手机"),
    "email": _("邮箱"),
    "unit_code": _("单位编码"),
    "post": _("职务"),
    "term": _("届次"),
    "from_on": _("起"),
    "to_on": _("止"),
    "code": _("编码"),
    "name_en": _("英文名称"),
    "kind": _("类型"),
    "parent_code": _("上级编码"),
    "owner_type": _("举办者类型"),
    "city": _("城市"),
    "ruling": _("裁定依据"),
}


def title_of(key: str) -> Message:
    """The title of a column."""
    known = posts.kinds()
    told = {"category": known.categories.kind, "affiliation": known.affiliation}
    return worded(told[key]) if key in told else TITLES[key]


def _column(key: str, about: Message, example: str, **more: Any) -> Column:
    return Column(key, more.pop("title", None) or title_of(key), about, example, **more)


_USERNAME = _column(
    "username",
    _("登录用，一般是工号；2 至 64 个字母、数字或 . _ @ -，不分大小写。"),
    f"{EXAMPLE}20180123",
    required=True,
    also=("Username", "工号", "工号/用户名", "Staff number"),
    heard=("职工号", "教工号", "教职工号", "人事编号", "工作证号", "账号", "职工编号"),
    spelt=spelling.code,
)
_NAME = _column(
    "name",
    _("本人姓名。"),
    "张敏",
    required=True,
    also=("Name",),
    heard=("姓名全称", "教职工姓名", "代表姓名", "职工姓名"),
    spelt=spelling.name,
)
_PHONE = _column(
    "phone",
    _("可空；空白不清除已登记的。"),
    "13800000000",
    also=("Phone", "电话", "手机号", "Mobile"),
    heard=("手机号码", "联系电话", "联系方式", "移动电话"),
    spelt=lambda text: unicodedata.normalize("NFKC", spelling.unseen_out(text)),
)
_EMAIL = _column(
    "email",
    _("可空；空白不清除已登记的。"),
    "zm@example.edu.cn",
    also=("Email", "电子邮箱", "E-mail"),
    heard=("电子邮件", "邮件", "邮箱地址"),
    spelt=spelling.code,
)
_FROM = _column(
    "from_on",
    _("任职第一天，如 2026-03-01。"),
    "2026-03-01",
    required=True,
    also=("From", "起日", "开始", "任期起", "From date"),
    heard=(
        "任期开始",
        "起始日期",
        "开始日期",
        "任职时间",
        "任职日期",
        "任期起始",
        "当选日期",
        "起止起",
    ),
    is_day=True,
)
_TO = _column(
    "to_on",
    _("任职最后一天，当天仍在任；空白为未定。"),
    "2031-02-28",
    also=("To", "止日", "结束", "任期止", "To date"),
    heard=("任期结束", "截止日期", "结束日期", "任期届满", "届满日期", "离任日期"),
    is_day=True,
)


def kinds() -> dict[str, Message]:
    """What can be imported, in the order in which it has to be: by category only where a post has
    one.
    """
    known = posts.kinds()
    found = {"units": _("单位"), "people": _("人员"), "posts": _("职务")}
    return found | ({BY_CATEGORY: worded(known.categories.title)} if known.by_category else {})


def notes(kind: str) -> list[Message]:
    """What is noted to every table of a kind."""
    note = posts.kinds().categories.note
    return [worded(note)] if kind == BY_CATEGORY and note.zh else []


def _category() -> Column:
    known = posts.kinds()
    words = tuple(post.category for post in known.by_category)
    return _column(
        "category",
        worded(known.categories.about),
        words[0],
        required=True,
        also=("Category", "类别"),
        heard=("代表类型", "代表性质", "身份"),
        spelt=spelling.words,
        choices=words,
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
    if kind == BY_CATEGORY and kind in kinds():
        where = _unit(worded(posts.kinds().categories.unit))
        return (_USERNAME, _NAME, where, _category(), _term(required=True), _FROM, _TO)
    raise NotFound


def _unit(about: Message) -> Column:
    also = ("Unit code", "Unit", *posts.kinds().categories.unit_names)
    return _column(
        "unit_code",
        about,
        "XXGC",
        required=True,
        also=also,
        heard=(
            "单位",
            "所在单位",
            "部门",
            "所在部门",
            "单位名称",
            "学院",
            "分工会",
            "代表团",
            "代表团名称",
        ),
        spelt=spelling.words,
    )


def _term(*, required: bool) -> Column:
    about = _("如 第八届；有任期的职务必填。")
    return _column(
        "term",
        about,
        "第八届",
        required=required,
        also=("Term", "届"),
        heard=("届别", "第几届", "所属届次"),
        spelt=spelling.term,
    )


def _post() -> Column:
    titles = tuple(p.title for p in posts.kinds().posts.values())
    example = titles[0] if titles else "office_head"
    return _column(
        "post",
        _("从列表中选择。"),
        example,
        required=True,
        also=("Post",),
        heard=("职务名称", "工会职务", "担任职务"),
        choices=titles,
        spelt=spelling.words,
    )


def _units() -> tuple[Column, ...]:
    units = posts.kinds().units.values()
    return (*_names_of_units(units), *_places_of_units(units))


def _names_of_units(units: Collection[UnitKind]) -> tuple[Column, ...]:
    """What a unit is called, and of which kind it is."""
    shown = next((unit for unit in units if unit.example.zh), None)
    return (
        _column(
            "code",
            _("1 至 32 个字母、数字或 . _ -，全系统唯一。"),
            f"{EXAMPLE}-XXGC",
            required=True,
            also=("Code", "单位编码"),
            spelt=spelling.code,
        ),
        _column(
            "name",
            _("单位全称。"),
            shown.example.zh if shown else "",
            title=_("名称"),
            required=True,
            also=("Name", "单位名称"),
            spelt=spelling.words,
        ),
        _column(
            "name_en",
            _("可空。"),
            shown.example.en if shown else "",
            also=("English name",),
        ),
        _column(
            "kind",
            _("从列表中选择。"),
            shown.title if shown else "",
            required=True,
            also=("Kind", "单位类型"),
            spelt=spelling.words,
            choices=tuple(u.title for u in units),
        ),
    )


def _places_of_units(units: Collection[UnitKind]) -> tuple[Column, ...]:
    """What stands above a unit, and in which city it is."""
    decided = Listed(unit.words for unit in units if unit.superiors)
    urban = Listed(unit.words for unit in units if unit.city)
    return (
        _column(
            "parent_code",
            _(
                "上级的编码，可以在同一文件中；{kinds}可空，按隶属关系、举办者类型和城市确定。",
                kinds=decided,
            )
            if decided
            else _("上级的编码，可以在同一文件中。"),
            "XGH",
            also=("Parent code", "上级"),
            spelt=spelling.words,
        ),
        _column(
            "owner_type",
            _("{kinds}必填。", kinds=decided) if decided else _("可空。"),
            "",
            also=("Owner type",),
            choices=tuple(owner.zh for owner in posts.kinds().owners.values()),
        ),
        _column(
            "city",
            _("{cities}必填；{kinds}由其管理的必填。", cities=urban, kinds=decided)
            if urban
            else _("可空。"),
            "杭州",
            also=("City", "所在城市"),
        ),
        *(_affiliation(decided) if decided and posts.kinds().affiliations else ()),
    )


def _affiliation(decided: Listed) -> tuple[Column, ...]:
    return (
        _column(
            "affiliation",
            _("{kinds}由谁管理先看它，再看举办者类型。", kinds=decided),
            "",
            choices=tuple(line.zh for line in posts.kinds().affiliations.values()),
        ),
        _column(
            "ruling",
            _("不按决策表确定上级的，写明裁定机关、文号和日期；其余留空。"),
            "",
            also=("Ruling",),
        ),
    )


def template(kind: str, say: Say = str) -> bytes:
    """The .xlsx to be filled in: header, an example row, explanations, lists, in words that `say`
    gives. Raises NotFound.
    """
    columns = of(kind)
    return workbook.write(kinds()[kind], columns, [[c.example for c in columns]], say)
