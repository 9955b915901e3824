"""Verbs of units, people and their accounts: import, token, unit, user create | disable |
password | post.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import Listed, _
from webui.cli.installation import database
from webui.cli.terminal import OK, CannotDo, agreed, password, say, text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from uuid import UUID

    from engine.commands.imports.batches import Batch, RowReport
    from engine.db import Session
    from engine.settings import Settings

_LEVELS = {"ok": _("无误"), "warning": _("提醒"), "error": _("错误")}
_DEEDS = {"create": _("新增"), "change": _("更改"), "skip": _("未变"), "empty": _("空行")}
MANY = 5  # rows with one remark: then it is said once
_COUNTS = {"rows": _("行"), **_LEVELS, **_DEEDS}


# --- import --------------------------------------------------------------------------------------
def import_table(given: argparse.Namespace, settings: Settings) -> int:
    """Show what a table would do, row by row; with --yes (or a "y" on the terminal) do it."""
    from engine import db
    from engine.commands import imports
    from engine.people import organisation
    from engine.queries import operator

    if not given.file.is_file():
        raise CannotDo(_("没有这个文件：{file}", file=given.file))
    engine = database(settings)
    with db.transaction(engine) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        if given.union and operator.unit_coded(session, given.union) != actor.union_id:
            other = _("{who}不属于 {union}，什么也没有导入", who=given.actor, union=given.union)
            raise CannotDo(other)
        data = given.file.read_bytes()
        batch = imports.preview(session, actor, given.kind, given.file.name, data)
        for number, key, value in map(_correction, given.corrected):
            batch = imports.correct(session, actor, batch.id, number, {key: value})
    _show(batch, every_row=given.all)
    if not batch.clean and not given.good:
        raise CannotDo(_("有错误，什么也没有导入"))
    if not given.yes and not agreed(_("要导入吗？")):
        say(_("什么也没有导入；加上 --yes 才导入"))
        return OK
    with db.transaction(engine) as session:
        done = imports.confirm(session, actor, batch.id, good_only=given.good)
    numbers = {"created": done.created, "changed": done.changed, "skipped": done.skipped}
    say(_("已导入：新增 {created}，更改 {changed}，未变 {skipped}", **numbers))
    say(_("批号 {id}；七天内可用 undo-import 撤销", id=batch.id))
    if done.left is not None:
        say(_("有错误的行没有导入，留在页面“导入导出”里，批号 {id}", id=done.left))
    return OK


def _correction(said: str) -> tuple[int, str, str]:
    """ROW:COLUMN=VALUE in its parts."""
    place, equals, value = said.partition("=")
    row, colon, key = place.partition(":")
    if not equals or not colon or not row.isdecimal():
        raise CannotDo(_("应写成 行号:列=值，如 12:from_on=2026-03-01，写的是 {said}", said=said))
    return int(row), key, value


def undo_import(given: argparse.Namespace, settings: Settings) -> int:
    """Take an import back."""
    from engine import db
    from engine.commands import imports
    from engine.people import organisation
    from engine.queries import operator

    with db.transaction(database(settings)) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        imports.undo(session, actor, given.batch)
    say(_("已撤销"))
    return OK


def _show(batch: Batch, *, every_row: bool) -> None:
    from engine.queries.imports import remarks

    said = remarks(batch.rows)
    often = {remark.text for remark in said if remark.count >= MANY and remark.level != "error"}
    for row in batch.rows:
        told = [message for message in row.messages if message not in often]
        if told or every_row:
            print(f"  {text(_line(row, told))}")
    for remark in said:
        if remark.text in often or remark.level == "read":
            say(_("  {text}（{n} 行）", text=remark.text, n=remark.count))
    for total in batch.totals:
        if total.before != total.now:
            say(_("  {unit}：上一届 {before} 人，本次 {now} 人", **total._asdict()))
    say(*batch.notes)
    counts = [
        _("{name}：{n}", name=_COUNTS.get(name, name), n=count)
        for name, count in batch.counts.items()
    ]
    say(Listed(counts))


def _line(row: RowReport, told: Sequence[str]) -> str:
    return _(
        "第 {number} 行，{level}，{deed}：{remarks}",
        number=row.number,
        level=_LEVELS.get(row.level, row.level),
        deed=_DEEDS.get(row.does, _("不办")),
        remarks=Listed(told, "；"),
    )


# --- units and people ----------------------------------------------------------------------------
def token(given: argparse.Namespace, settings: Settings) -> int:
    """A new API token, printed once."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    with db.transaction(database(settings)) as session:
        member = operator.member_named(session, given.username)
        plain = people.create_token(session, None, member, given.name, given.days)
    print(plain)
    return OK


def unit(given: argparse.Namespace, settings: Settings) -> int:
    """Enter a unit; the first of an installation can be entered in no other way."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    with db.transaction(database(settings)) as session:
        parent = operator.unit_coded(session, given.parent) if given.parent else None
        people.create_unit(
            session,
            None,
            given.code,
            given.kind,
            given.name,
            parent_id=parent,
            name_en=given.name_en,
            owner_type=given.owner,
            city=given.city,
            affiliation=given.affiliation,
            ruling=given.ruling,
        )
    say(_("已登记 {what}", what=given.code))
    return OK


def user_create(given: argparse.Namespace, settings: Settings) -> int:
    """Enter a person; the password comes from the terminal or from standard input."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    secret = None if given.no_password else password()
    name = given.name or given.username
    with db.transaction(database(settings)) as session:
        at = operator.unit_coded(session, given.unit)
        people.create_member(session, None, given.username, name, unit_id=at, secret=secret)
    say(_("已登记 {what}", what=given.username))
    return OK


def user_disable(given: argparse.Namespace, settings: Settings) -> int:
    """Put an account out of use: sessions and tokens end at once, the history stays."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    with db.transaction(database(settings)) as session:
        member = operator.member_named(session, given.username)
        people.change_member(session, None, member, active=False)
    say(_("已停用 {who}", who=given.username))
    return OK


def user_password(given: argparse.Namespace, settings: Settings) -> int:
    """Set a new password; it ends the person's sessions."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    secret = password()
    with db.transaction(database(settings)) as session:
        people.set_password(session, None, operator.member_named(session, given.username), secret)
    say(_("已设置 {who} 的密码", who=given.username))
    return OK


def user_post(given: argparse.Namespace, settings: Settings) -> int:
    """Give a person a post in a unit."""
    from engine import clock, db
    from engine.commands import people
    from engine.queries import operator

    begin = given.from_on or clock.today()
    with db.transaction(database(settings)) as session:
        member = operator.member_named(session, given.username)
        unit = _unit_of_post(session, given, member)
        post_id = people.grant_post(
            session,
            None,
            member,
            given.post,
            unit,
            from_on=begin,
            to_on=given.to_on,
            term=given.term,
        )
        code, waits = operator.code_of(session, unit), people.waits(session, post_id)
    values = {"who": given.username, "post": given.post, "unit": code, "day": begin}
    if waits:
        say(_("{post} 能看到保密事项，待第二人在“等待第二人”一页确认后生效", post=given.post))
        return OK
    say(_("{who} 自 {day} 起任 {unit} 的 {post}", **values))
    return OK


def _unit_of_post(session: Session, given: argparse.Namespace, member_id: UUID) -> UUID:
    """Where the post is held; the one for the installation in whatever unit the person is of."""
    from engine.people import organisation
    from engine.queries import operator

    if given.unit:
        return operator.unit_coded(session, given.unit)
    if given.post != organisation.RUNNER:
        raise CannotDo(_("请用 --unit 写明单位"))
    return organisation.actor(session, member_id).unit_id
