"""Verbs of proof and safety: verify, erase, backup, restore."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

from engine.messages import _
from webui.cli.installation import database
from webui.cli.schema import baselined
from webui.cli.terminal import (
    OK,
    UNPROVED,
    USAGE,
    CannotDo,
    agreed,
    complain,
    note,
    progress,
    say,
    text,
)

if TYPE_CHECKING:
    import argparse
    from pathlib import Path
    from typing import Any

    from engine.history.keys import Checkpoint
    from engine.history.seals import Verdict
    from engine.settings import Settings


# --- verify --------------------------------------------------------------------------------------
def verify(given: argparse.Namespace, settings: Settings) -> int:
    """Prove the database, or an evidence pack, and name the first false line.

    Exit codes: OK, FAULT (false), USAGE (not understood), UNPROVED (could not be, or not yet be,
    proved).
    """
    if given.pack:
        from engine.history import verify_pack

        return verify_pack.verify(given.pack, given.witness, given.key)
    witnesses = _kept(settings, given.witness) if given.witness else []
    found = _verdict(settings, witnesses)
    progress("")
    say(
        _(
            "{chains} 条链上共 {events} 个事件，已封存 {leaves} 个，检查点 {points} 个",
            chains=found.chains,
            events=found.events,
            leaves=found.leaves,
            points=found.checkpoints,
        )
    )
    if found.fault or found.broken:
        return complain(_falsehood(found))
    if witnesses:
        say(_("库外留存的 {n} 个检查点与本记录相符", n=len(witnesses)))
    if found.late:
        note(_("有 {n} 条记录比先前签名的检查点早两分钟以上", n=found.late))
    if found.since:
        say(found.since)
    if found.unproved:
        return complain(_("未能证明：{why}", why=found.unproved), UNPROVED)
    say(_("全部属实；还有 {n} 个事件没有封存", n=found.unsealed))
    return OK


def _verdict(settings: Settings, witnesses: list[Checkpoint]) -> Verdict:
    from engine import db
    from engine.history import seals
    from engine.history.kept import Log
    from engine.history.signing import signing

    # the state of one moment, however long it takes
    url = db.url_of(settings)
    engine = db.connect(url, home=settings.home).execution_options(
        isolation_level="REPEATABLE READ"
    )
    with db.transaction(engine) as session:
        session.exec_driver_sql("SET LOCAL statement_timeout = 0")
        signer = signing(session, settings, make=False).signer
        public = signer.key.public if signer else None
        lines = Log(settings.home / "keys").lines()
        return seals.verify(
            session, public, _checked, witnesses, lines, url=url, home=settings.home
        )


def _checked(events: int) -> None:
    progress(_("已核对 {n} 个事件", n=events))


def _falsehood(found: Verdict) -> str:
    fault = found.fault
    if found.broken is None:
        return _("记录不实：{fault}", fault=fault)
    chain, seq = found.broken.chain_id, found.broken.seq
    return _("记录不实：链 {chain} 的事件 {seq}：{fault}", chain=chain, seq=seq, fault=fault)


def _kept(settings: Settings, file: Path) -> list[Checkpoint]:
    """The checkpoints and countersignatures that somebody kept outside of the database."""
    from engine import db
    from engine.errors import Invalid
    from engine.history import witnesses

    if not file.is_file():
        raise CannotDo(_("没有这个文件：{file}", file=file), USAGE)
    try:
        with db.transaction(database(settings)) as session:
            found = witnesses.parse_kept(session, file.read_text("utf-8"))
    except (Invalid, UnicodeDecodeError) as fault:
        raise CannotDo(
            _("{file} 里的检查点读不懂：{fault}", file=file, fault=fault), USAGE
        ) from fault
    if not found:
        raise CannotDo(_("{file} 里没有检查点", file=file), USAGE)
    return found


# --- witness --------------------------------------------------------------------------------------
def witness(given: argparse.Namespace, settings: Settings) -> int:
    """Keep what came back from outside by hand: a countersignature, or a time-stamp with --size."""
    from engine import db
    from engine.commands import witnesses
    from engine.errors import EngineError
    from engine.people import organisation
    from engine.queries import operator

    if not given.file.is_file():
        raise CannotDo(_("没有这个文件：{file}", file=given.file), USAGE)
    data, size = given.file.read_bytes(), given.size
    try:
        with db.transaction(database(settings)) as session:
            actor = organisation.actor(session, operator.member_named(session, given.actor))
            if size:
                witnesses.accept_stamp(session, actor, size, data, settings.tsa_ca)
            else:
                size = witnesses.accept(session, actor, data.decode("utf-8", "replace"))
    except EngineError as fault:
        return complain(fault.message)
    say(_("检查点 {size} 的证明已核对并留存", size=size))
    return OK


# --- retention ------------------------------------------------------------------------------------
def retention(given: argparse.Namespace, settings: Settings) -> int:
    """What is due for erasure among the matters that somebody may see, as lines or as CSV."""
    from engine import db
    from engine.people import organisation
    from engine.queries import operator
    from engine.queries import retention as kept
    from webui.http.sheets import csv_text

    with db.transaction(database(settings)) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        found = kept.report(session, actor)
    lines = [[text(cell) for cell in line] for line in kept.lines(found)]
    if given.csv:
        sys.stdout.write(csv_text(lines))
        return OK
    for line in lines[1:]:
        print("  ".join(line))
    due = sum(each.state == "due" for each in found)
    say(_("共 {n} 件，其中 {due} 件保存期已满", n=len(found), due=due))
    return OK


# --- despatch ------------------------------------------------------------------------------------
def despatch(given: argparse.Namespace, settings: Settings) -> int:
    """The numbers that a union has given in a year, as lines or as CSV."""
    from engine import db
    from engine.people import access, organisation
    from engine.queries import despatch as register
    from engine.queries import operator
    from webui.http.sheets import csv_text

    with db.transaction(database(settings)) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        union = access.unions(actor, "see_desk")[0]
        entries = register.register(session, actor, union, given.year)
    lines = [[text(cell) for cell in line] for line in register.lines(entries)]
    if given.csv:
        sys.stdout.write(csv_text(lines))
        return OK
    for line in lines[1:]:
        print("  ".join(cell for cell in line if cell))
    say(_("共 {n} 个文号", n=len(entries)))
    return OK


# --- the ledger of duties ------------------------------------------------------------------------
def ledger(given: argparse.Namespace, settings: Settings) -> int:
    """How the duties of a person's union stand in a year, as lines or as CSV."""
    from engine import clock, db
    from engine.people import organisation
    from engine.queries import ledger as reading
    from engine.queries import ledger_report, ledger_words, operator
    from webui.http.sheets import csv_text

    with db.transaction(database(settings)) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        year = given.year or clock.today().year
        told = reading.ledger(session, actor, actor.union_id, year)
    lines = [[text(cell) for cell in line] for line in ledger_words.lines(told)]
    if given.csv:
        sys.stdout.write(csv_text(lines))
        return OK
    for key, title, *_about, state, _light, about, _count, numbers in lines[1:]:
        print("  ".join(cell for cell in (key, state, title, about, numbers) if cell))
    say(ledger_report.summary(told))
    return OK


# --- erase ---------------------------------------------------------------------------------------
def erase(given: argparse.Namespace, settings: Settings) -> int:
    """Erase what a confidential matter holds; asks first, for nothing brings it back but an
    older backup.
    """
    from engine import db
    from engine.commands import edge, erasure
    from engine.people import organisation
    from engine.queries import operator

    engine = database(settings)
    with db.transaction(engine) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        instance = operator.matter_numbered(session, actor, given.number)
    if not given.yes and not agreed(_("要永久清除 {number} 的内容吗？", number=given.number)):
        say(_("什么也没有清除；加上 --yes 才清除"))
        return OK
    edge.carry_out(
        engine, actor, lambda session: erasure.propose(session, actor, instance, given.reason)
    )
    say(
        _(
            "已提出清除 {number}，须由另一人在“等待第二人”批准。更早的备份里还有其内容。",
            number=given.number,
        )
    )
    return OK


# --- backup and restore --------------------------------------------------------------------------
def backup(given: argparse.Namespace, settings: Settings) -> int:
    """Write database and keys into one file."""
    from engine.db import backup as safe

    if given.file.exists() and not given.force:
        raise CannotDo(_("{file} 已存在；请换个文件名，或加上 --force", file=given.file))
    note(_("正在写入……"))
    done = safe.backup(settings, given.file)
    say(
        _(
            "{file}：{tables} 张表，{rows} 行，{size} 字节，SHA-256 {digest}",
            file=given.file,
            tables=len(done["tables"]),
            rows=_rows(done),
            size=done["size"],
            digest=done["sha256"],
        )
    )
    note(_("其中有密钥：请放在只有您能读到的地方"))
    for setting in safe.outside(settings):
        note(_("{setting} 由设置给出，不在备份里，请另行保管", setting=setting))
    return OK


def restore(given: argparse.Namespace, settings: Settings) -> int:
    """Put a backup in the place of the database and keys, and say since when it proves."""
    from engine import db
    from engine.db import backup as safe

    note(_("正在读取……"))
    done = safe.restore(settings, given.file, force=given.force)
    numbers = {"at": done["at"], "tables": len(done["tables"]), "rows": _rows(done)}
    say(_("已恢复到 {at} 时的状态：{tables} 张表，{rows} 行，均与备份时相同", **numbers))
    _resume(settings, "restored", source=done["at"])
    if not baselined(settings, db.url_of(settings)):
        _say_since(settings)
    return OK


def _say_since(settings: Settings) -> None:
    """Since when what a restored database holds of before can be compared."""
    from engine import db
    from engine.history import seals

    with db.transaction(db.connect(db.url_of(settings), home=settings.home)) as session:
        found = seals.since(session)
    if found:
        note(found)


def repair(given: argparse.Namespace, settings: Settings) -> int:
    """Let the sealing go on from what the database holds now; it waits for two people."""
    if not given.yes and not agreed(_("要从数据库现有的记录继续封存吗？须由两人确认。")):
        say(_("什么也没有改；加上 --yes 才修复"))
        return OK
    _resume(settings, "repaired", why=given.reason)
    return OK


def rotate_key(given: argparse.Namespace, settings: Settings) -> int:
    """Let a new key sign from now on, introduced by the old one; or by two people, where that is
    lost.
    """
    from engine import db
    from engine.commands import sealing
    from engine.history import keys, signing
    from engine.history.kept import Log

    if settings.signing_key:
        raise CannotDo(
            _("签名密钥由 YIXING_SIGNING_KEY 给出，请先去掉这个设置，把密钥放回 keys/signing.key")
        )
    if not given.yes and not agreed(_("要更换签名密钥吗？各证人须另行登记新的公钥。")):
        say(_("什么也没有改；加上 --yes 才更换"))
        return OK
    folder, engine = settings.home / "keys", database(settings)
    new = keys.make_next(folder / sealing.NEXT)
    with db.transaction(engine) as session:
        if given.lost:
            by = getpass.getuser()
            sealing.replace_lost(session, Log(folder), new, by, given.lost)
        elif not signing.introduced_next(session, new.key_id):
            sealing.rotate(session, signing.signer(session, settings), new)
    old = folder / keys.FILE_NAME
    if old.exists():
        old.replace(folder / f"retired.{keys.load(old).key_id}.key")
    (folder / sealing.NEXT).replace(old)
    say(_("新的签名密钥 {key}，公钥 {public}", key=new.key_id, public=new.public.hex()))
    if given.lost:
        note(_("须由两人在“封存与校验”确认"))
    return OK


def _resume(settings: Settings, kind: str, **words: str) -> None:
    """On record, in the log beside the key and in the history, by the name of the operator."""
    from engine import db
    from engine.commands import sealing
    from engine.history import resumed
    from engine.history.kept import Log

    by = getpass.getuser()
    with db.transaction(db.connect(db.url_of(settings), home=settings.home)) as session:
        sealing.resume(session, Log(settings.home / "keys"), kind, by, **words)
        found = resumed.newest(session)
    assert found is not None
    note(found.told())


def _rows(done: dict[str, Any]) -> int:
    return sum(count for count, _size in done["tables"].values())
