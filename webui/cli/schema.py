"""The schema of the database brought up to date, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import _
from webui.cli.terminal import note

if TYPE_CHECKING:
    from engine.settings import Settings

ROLE_MISSING = _(
    "注意：数据库用户不能建立角色，所以没有只可追加记录的角色 yixing_app；"
    "请数据库管理员执行 CREATE ROLE yixing_app，然后运行 yixing migrate"
)


def migrated(settings: Settings, url: str) -> bool:
    """Bring the schema up to date; a database that holds something is backed up first, so that one
    can go back. False when there was nothing to do.
    """
    from engine.db import migrate as steps
    from engine.db import safekeeping

    kept = safekeeping.before_upgrade(settings, url)
    if kept is not None:
        note(
            _(
                "升级前已备份到 {file}；要退回，请停机后用原来版本的程序运行 yixing restore {file} --force",
                file=kept,
            )
        )
    done = steps.migrate(url)
    baselined(settings, url)
    return done


def baselined(settings: Settings, url: str) -> bool:
    """What older events do not tell is told now, so that verification has it from here on. False
    when there was nothing to tell, or what is told does not hold.
    """
    from engine import db
    from engine.commands import baseline
    from engine.errors import HistoryBroken

    try:
        with db.transaction(db.connect(url, home=settings.home)) as session:
            session.exec_driver_sql("SET LOCAL statement_timeout = 0")
            matters, unions = baseline.write(session)
    except HistoryBroken as fault:
        note(_("记录不实，没有补记现状，请先运行 yixing verify：{fault}", fault=fault.message))
        return False
    if matters or unions:
        note(
            _(
                "{matters} 件事项和 {unions} 个单位的早期记录较简，已补记现状：自此逐项核对，此前的只能核对到当时所记的内容；须由两人在“封存与校验”确认",
                matters=matters,
                unions=unions,
            )
        )
    return bool(matters or unions)
