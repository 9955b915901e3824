"""What the `yixing` command understands: its verbs, their arguments and their help. It does
nothing itself.
"""

from __future__ import annotations

import argparse
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

from engine.messages import _
from webui.cli.terminal import LANGUAGES, text

KINDS = ("units", "people", "posts", "delegates")  # of tables that can be imported
Verbs = Any  # what argparse gives for its sub-parsers, a class without a public name


def parser() -> argparse.ArgumentParser:
    """The parser; what it gives has `verb`, the name of one, or None and `about`, whose help is
    to be shown.
    """
    made = argparse.ArgumentParser(
        prog="yixing",
        description=text(_("Yixing 议行：民主管理流程引擎。")),
        epilog=text(
            _(
                "退出码：0 一切正常，1 发现问题，2 命令没有看懂。设置写在环境变量里：YIXING_HOME（数据目录，默认 ./var），"
                "YIXING_DATABASE_URL（自备的 PostgreSQL 15 以上），YIXING_HOST，YIXING_PORT（8000），"
                "YIXING_DEMO（1：演示数据），YIXING_PROCESSES。语言按 LC_ALL 或 LANG。"
            )
        ),
    )
    made.set_defaults(verb=None, about=made)
    release = f"yixing {version('yixing')}"
    _add(made, "--version", action="version", version=release, about=_("显示版本号后退出"))
    _add_language(made)
    verbs = made.add_subparsers(title=text(_("命令")), metavar="VERB")
    _add_verb(verbs, "serve", _("启动数据库、网页和后台任务；按 Ctrl-C 停止"))
    _add_verb(verbs, "worker", _("单独再运行一个后台任务进程"))
    _add_verb(verbs, "migrate", _("把数据库更新到本版本的结构"))
    _add_processes(verbs)
    _add_import(verbs)
    _add_terms(verbs)
    _add_accounts(verbs)
    _add_safety(verbs)
    return made


def _add_language(to: argparse.ArgumentParser) -> None:
    help_text = text(_("用哪种语言说话（默认按 LC_ALL 或 LANG）"))
    to.add_argument("--lang", choices=LANGUAGES, default=argparse.SUPPRESS, help=help_text)


def _add_verb(verbs: Verbs, name: str, words: str, verb: str = "") -> argparse.ArgumentParser:
    made = _add_parser(verbs, name, words)
    made.set_defaults(verb=verb or name)
    _add_language(made)
    return made


def _add_parser(verbs: Verbs, name: str, words: str) -> argparse.ArgumentParser:
    help_text = text(words)
    sentence = text(_("{words}。", words=words))
    made: argparse.ArgumentParser = verbs.add_parser(
        name, help=help_text, description=f"{sentence[0].upper()}{sentence[1:]}"
    )
    return made


def _add(to: argparse.ArgumentParser, *names: str, about: str = "", **more: Any) -> None:
    """An argument and its help."""
    to.add_argument(*names, help=text(about) if about else None, **more)


def _add_processes(verbs: Verbs) -> None:
    one = _add_verb(
        verbs, "new", _("做一个可以改起来的流程文件夹：一个环节、一份文书、两个故事，没有问题")
    )
    _add(one, "name", metavar="NAME", about=_("小写英文字母、数字和下划线"))
    _add(one, "--title", default="", about=_("流程的名称"))
    _add(one, "--title-en", default="", about=_("流程的英文名称"))
    _add(one, "--into", type=Path, default=Path(), about=_("放在哪个文件夹里（当前文件夹）"))

    one = _add_verb(verbs, "check", _("找出流程文件夹里的全部问题，并演练其中的故事"))
    installed = _("默认为已安装的全部")
    _add(one, "folders", nargs="*", type=Path, metavar="FOLDER", about=installed)
    _add(one, "--no-stories", action="store_true", about=_("不演练故事"))
    covered = _("列出故事遇到和没有遇到的连线、边界定时、关口和决策表的行")
    _add(one, "--coverage", action="store_true", about=covered)
    outline = _("在没有问题的文件夹里写入 OUTLINE.txt，即流程的文字说明")
    _add(one, "--write", action="store_true", about=outline)

    one = _add_verb(verbs, "publish", _("施行一个流程文件夹"))
    _add(one, "folder", type=Path, metavar="FOLDER")

    one = _add_verb(verbs, "versions", _("各流程施行的是哪一版：全系统通用的，和各单位自己的"))
    _add(one, "process", nargs="?", default="", metavar="PROCESS", about=_("只看这一个流程"))

    one = _add_verb(verbs, "decide", _("看决策表在某种情形下得出什么、依据哪一条；什么也不保存"))
    named = _("表名，流程里的写 流程.表名")
    _add(one, "table", metavar="TABLE", about=named)
    facts = _("如 vote.kind=election vote.total=100；一项也不写时，列出这张表要问什么")
    _add(one, "facts", nargs="*", metavar="KEY=VALUE", about=facts)
    _add(one, "--on", type=_day, metavar="DAY", about=_("依这一天的规定（今天）"))

    one = _add_verb(verbs, "play", _("在单独的数据库上演练故事（scenarios/*.toml）"))
    _add(one, "files", nargs="+", type=Path, metavar="FILE")
    _add(one, "--brief", action="store_true", about=_("只说与所写不符的"))


def _add_import(verbs: Verbs) -> None:
    one = _add_verb(
        verbs, "import", _("从 .xlsx、.xls、.csv 表导入单位、人员、职务，或按类别登记的人")
    )
    _add(one, "kind", metavar="KIND", choices=KINDS, about=" | ".join(KINDS))
    _add(one, "file", type=Path, metavar="FILE")
    actor = _("由谁导入，记录在案")
    _add(one, "--as", dest="actor", required=True, metavar="USERNAME", about=actor)
    _add(one, "--union", metavar="CODE", about=_("此人不属于这个单位时不导入"))
    _add(one, "--yes", action="store_true", about=_("没有错误就办，不再询问"))
    _add(one, "--all", action="store_true", about=_("没有提示的行也列出"))
    corrected = _("改一行的一列，如 12:from_on=2026-03-01；12:same_as=new 表示是另一个人")
    _add(
        one,
        "--set",
        dest="corrected",
        action="append",
        default=[],
        metavar="ROW:COLUMN=VALUE",
        about=corrected,
    )
    _add(one, "--good", action="store_true", about=_("有错误的行留下，其余的照办"))

    one = _add_verb(verbs, "undo-import", _("撤销一次导入，在还没有人据此办事时"))
    _add(one, "batch", type=UUID, metavar="ID", about=_("批号，导入时给出"))
    _add(
        one, "--as", dest="actor", required=True, metavar="USERNAME", about=_("由谁撤销，记录在案")
    )


def _add_terms(verbs: Verbs) -> None:
    one = _add_verb(verbs, "end-term", _("换届：终止上一届代表的任期"))
    _add(one, "term", metavar="TERM", about=_("届次的名称"))
    _add(one, "--last", type=_day, required=True, metavar="DAY", about=_("最后一天"))
    _add(
        one, "--as", dest="actor", required=True, metavar="USERNAME", about=_("由谁办理，记录在案")
    )


def _add_accounts(verbs: Verbs) -> None:
    one = _add_verb(verbs, "token", _("为某人生成并显示新的接口令牌"))
    _add(one, "username", metavar="USERNAME")
    _add(one, "--name", default="command line", about=_("用途"))
    _add(one, "--days", type=int, default=365, about=_("有效天数（365）"))

    one = _add_verb(verbs, "unit", _("登记单位，如新装系统的第一个单位"))
    _add(one, "code", metavar="CODE", about=_("简短而不重复的代码"))
    _add(one, "kind", metavar="KIND", about=_("单位类型，写键或名称"))
    _add(one, "name", metavar="NAME")
    _add(one, "--name-en", default="", metavar="NAME")
    _add(one, "--parent", metavar="CODE", about=_("上级单位"))
    _add(one, "--owner", default="", metavar="TYPE", about=_("举办者类型"))
    _add(one, "--affiliation", default="", metavar="LINE", about=_("隶属哪一级，先于举办者"))
    _add(one, "--city", default="")
    _add(
        one,
        "--ruling",
        default="",
        metavar="TEXT",
        about=_("上级由裁定确定的，裁定机关、文号和日期"),
    )

    group = _add_parser(verbs, "user", _("登记和停用账号，设置密码，授予职务"))
    group.set_defaults(about=group)
    _add_language(group)
    _add_users(group.add_subparsers(title=text(_("命令")), metavar="VERB"))

    told = _add_parser(verbs, "notices", _("向外通知：会给某人发什么，哪些没有发成"))
    told.set_defaults(about=told)
    _add_language(told)
    _add_notices(told.add_subparsers(title=text(_("命令")), metavar="VERB"))


def _add_notices(verbs: Verbs) -> None:
    tried = _("说明现在会给某人发什么、经哪些渠道；什么也不发")
    _add(
        _add_verb(verbs, "test", tried, "notices test"),
        "--to",
        required=True,
        metavar="USERNAME",
        about=_("给谁"),
    )
    lost = _add_verb(verbs, "failed", _("各状态的通知各有几条；有没有发成的"), "notices failed")
    _add(lost, "--to", metavar="USERNAME", about=_("列出给此人而没有发成的"))


def _add_users(verbs: Verbs) -> None:
    create = _add_verb(
        verbs, "create", _("登记人员；密码当场询问，或从标准输入读取"), "user create"
    )
    _add(create, "username", metavar="USERNAME")
    _add(create, "--name", about=_("此人的姓名"))
    _add(create, "--unit", required=True, metavar="CODE", about=_("所属单位"))
    _add(create, "--no-password", action="store_true", about=_("此人暂时不能登录"))

    disable = _add_verb(verbs, "disable", _("停用账号；其记录仍在"), "user disable")
    _add(disable, "username", metavar="USERNAME")

    asked = _("设置某人的密码；密码当场询问，或从标准输入读取")
    change = _add_verb(verbs, "password", asked, "user password")
    _add(change, "username", metavar="USERNAME")

    post = _add_verb(verbs, "post", _("授予某人在某单位的职务"), "user post")
    _add(post, "username", metavar="USERNAME")
    _add(post, "post", metavar="POST", about=_("processes/posts.toml 里的键，如 secretary"))
    unit = _("单位；installation 不必写")
    _add(post, "--unit", default="", metavar="CODE", about=unit)
    first = _("起日，如 2026-03-01（今天）")
    _add(post, "--from", dest="from_on", type=_day, metavar="DAY", about=first)
    _add(post, "--to", dest="to_on", type=_day, metavar="DAY", about=_("止日（不定）"))
    _add(post, "--term", default="", about=_("届次"))
    _add_succession(verbs)


def _add_succession(verbs: Verbs) -> None:
    """Of the group `user`: when people change."""
    over = _add_verb(
        verbs, "hand-over", _("把某人的未办事项移交给另一人，逐项记录"), "user hand-over"
    )
    twin = _add_verb(verbs, "join", _("同一个人登记了两次：并入另一账号，本账号停用"), "user join")
    other = _add_verb(verbs, "replace", _("由另一人接任职务，到任期结束（替补）"), "user replace")
    place = _add_verb(verbs, "move", _("改在另一单位任职（转代表团）"), "user move")
    for one in (over, twin):
        _add(one, "username", metavar="USERNAME")
    for one in (other, place):
        _add(one, "post", type=UUID, metavar="POST", about=_("职务的编号，见接口 /members/ID"))
        _add(one, "--on", type=_day, required=True, metavar="DAY", about=_("接任或转任的第一天"))
    for one in (over, other):
        _add(one, "to", metavar="TO", about=_("接任的人的用户名"))
    _add(twin, "into", metavar="INTO", about=_("保留的账号"))
    _add(place, "unit", metavar="CODE", about=_("单位编码"))
    for one in (over, twin, other, place):
        _add(
            one,
            "--as",
            dest="actor",
            required=True,
            metavar="USERNAME",
            about=_("由谁办理，记录在案"),
        )
        _add(one, "--reason", required=True, metavar="TEXT", about=_("理由，记录在案"))


def _add_safety(verbs: Verbs) -> None:
    one = _add_verb(verbs, "verify", _("证明记录无人改动；指出第一处不实"))
    _add(one, "--pack", type=Path, metavar="FILE", about=_("核对证据包，而不是数据库"))
    witness = _("您自己留存的检查点：证据包或数据库必须仍能证明其中每一个")
    _add(one, "--witness", type=Path, metavar="FILE", about=witness)
    expected = _("您留存的密钥编号：证据包须由它签名")
    _add(one, "--key", default="", metavar="ID", about=expected)

    one = _add_verb(verbs, "witness", _("收下库外送回的会签或时间戳，核对后留存"))
    _add(one, "file", type=Path, metavar="FILE", about=_("会签的文字，或者时间戳服务的回复"))
    stamped = _("时间戳所盖的检查点的大小")
    _add(one, "--size", type=int, default=0, metavar="N", about=stamped)
    runner = _("由谁收下：担任“全系统管理”的人")
    _add(one, "--as", dest="actor", required=True, metavar="USERNAME", about=runner)

    one = _add_verb(verbs, "despatch", _("发文登记簿：一个工会一年里给出的全部文号"))
    viewer = _("以谁的身份查看：该工会的秘书或审计员")
    _add(one, "--as", dest="actor", required=True, metavar="USERNAME", about=viewer)
    _add(one, "--year", type=int, metavar="YEAR", about=_("年份（今年）"))
    _add(one, "--csv", action="store_true", about=_("输出 CSV"))

    one = _add_verb(verbs, "ledger", _("履职台账：一个工会一年里各项职责履行得怎样"))
    reader = _("以谁的身份查看：该工会的人")
    _add(one, "--as", dest="actor", required=True, metavar="USERNAME", about=reader)
    _add(one, "--year", type=int, metavar="YEAR", about=_("年份（今年）"))
    _add(one, "--csv", action="store_true", about=_("输出 CSV"))

    one = _add_verb(verbs, "retention", _("已办结的保密件保存到何时，哪些可以删除、哪些依法保留"))
    seen = _("以谁的身份查看：只列其看得到的事项")
    _add(one, "--as", dest="actor", required=True, metavar="USERNAME", about=seen)
    _add(one, "--csv", action="store_true", about=_("输出 CSV"))

    one = _add_verb(verbs, "erase", _("清除已办结的保密件的内容"))
    _add(one, "number", metavar="NUMBER", about=_("该件的编号"))
    actor = _("由在该件中任职的谁办理")
    _add(one, "--as", dest="actor", required=True, metavar="USERNAME", about=actor)
    _add(one, "--reason", required=True, metavar="TEXT", about=_("理由，记录在案"))
    _add(one, "--yes", action="store_true", about=_("直接办，不再询问"))

    one = _add_verb(verbs, "backup", _("把数据库和密钥写入一个文件，不必停机"))
    _add(one, "file", type=Path, metavar="FILE")
    _add(one, "--force", action="store_true", about=_("替换该文件"))

    one = _add_verb(verbs, "restore", _("用备份替换数据库和密钥"))
    _add(one, "file", type=Path, metavar="FILE")
    _add(one, "--force", action="store_true", about=_("替换数据库里现有的内容"))

    one = _add_verb(verbs, "rotate-key", _("更换签名密钥；旧钥遗失的，须由两人确认"))
    _add(one, "--lost", default="", metavar="TEXT", about=_("旧钥已经遗失，写明经过"))
    _add(one, "--yes", action="store_true", about=_("直接办，不再询问"))

    one = _add_verb(verbs, "repair", _("从数据库现有的记录继续封存，须由两人确认"))
    _add(one, "--reason", required=True, metavar="TEXT", about=_("理由，记录在案"))
    _add(one, "--yes", action="store_true", about=_("直接办，不再询问"))


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        wrong = _("“{day}”不是日期；请写成 2026-03-01 这样", day=given)
        raise argparse.ArgumentTypeError(text(wrong)) from None
