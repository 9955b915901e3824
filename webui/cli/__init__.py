"""The `yixing` command: each verb is one function. It says what it did, and its exit code says how it went.

0: done, all is well. 1: a fault was found, or it could not be done. 2: the command was not understood.
"""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from webui.cli import postmaster, usage

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from engine.db import Engine
    from engine.history.keys import Checkpoint
    from engine.settings import Settings

OK, FAULT, USAGE = 0, 1, 2


class _Fault(Exception):
    """Something that the person at the command line can do something about."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; gives the exit code."""
    given = usage.parser().parse_args(arguments)
    if given.run is None:
        given.about.print_help()
        return USAGE
    from engine.errors import EngineError

    try:
        settings = _settings()
        with _as_it_was(settings):
            return int(_VERBS[given.run](given, settings))
    except (_Fault, EngineError) as fault:
        return _complain(getattr(fault, "message", "") or str(fault))
    except KeyboardInterrupt:
        return _complain("interrupted")
    except BrokenPipeError:  # `yixing ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT
    except Exception as fault:
        if _is_of_the_database(fault):
            return _complain(f"the database cannot be used: {str(fault).splitlines()[0]}")
        raise


@contextmanager
def _as_it_was(settings: Settings) -> Iterator[None]:
    """Stop the embedded server afterwards when it did not run before and nobody else has come to use it."""
    ran = settings.database_url or postmaster.running(settings.home)
    try:
        yield
    finally:
        if (
            not ran
            and postmaster.running(settings.home)
            and not postmaster.used_by_others(settings.home)
        ):
            from engine.db import embedded

            embedded.stop(settings.home)


def _is_of_the_database(fault: Exception) -> bool:
    return any(kind.__name__ == "OperationalError" for kind in type(fault).__mro__)


def _complain(text: str) -> int:
    print(f"yixing: {text}", file=sys.stderr)
    return FAULT


def _settings() -> Settings:
    from engine import settings

    try:
        return settings.load()
    except ValueError as fault:
        raise _Fault(str(fault)) from fault


def _engine(settings: Settings) -> Engine:
    """The database, started and migrated when need be."""
    from engine import db
    from engine.db import migrate

    url = db.url_of(settings)
    migrate.migrate(url)
    return db.connect(url)


def _progress(text: str) -> None:
    """A line that replaces itself; only where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


# --- the product ----------------------------------------------------------------------------------------------------
def serve(_given: argparse.Namespace, settings: Settings) -> int:
    """Start everything and run until Ctrl-C."""
    from webui.cli import serve as supervisor

    try:
        return supervisor.serve(settings)
    except supervisor.Unable as fault:
        raise _Fault(str(fault)) from fault


def worker(_given: argparse.Namespace, settings: Settings) -> int:
    """One more job worker, e.g. on another machine with the same YIXING_DATABASE_URL."""
    import logging

    from engine import db, jobs
    from engine.db import migrate

    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    url = db.url_of(settings)
    migrate.migrate(url)
    print("working; Ctrl-C stops", file=sys.stderr)
    jobs.run_worker(settings, url)
    return OK


def migrate(_given: argparse.Namespace, settings: Settings) -> int:
    """Bring the database to the schema of this release."""
    from engine import db
    from engine.db import migrate as steps

    done = steps.migrate(db.url_of(settings))
    print(f"schema {steps.head()}: {'migrated' if done else 'up to date'}")
    return OK


# --- processes ------------------------------------------------------------------------------------------------------
def check(given: argparse.Namespace, settings: Settings) -> int:
    """Every fault of every folder, then the stories of those that have none."""
    from engine import scenarios
    from engine.commands import bundled

    folders = given.folders or bundled.folders(settings.processes)
    wrong, stories = 0, []
    for place in () if given.folders else _tables(settings):
        wrong += _told(place, _table_faults(place))
    for folder in folders:
        if not (folder / "process.toml").exists() and any(folder.glob("*.dmn")):
            wrong += _told(folder, _table_faults(folder))
            continue
        faults = _faults(folder)
        wrong += _told(folder, faults)
        stories += [] if faults else scenarios.stories(folder)
        if given.write and not faults:
            _write_outline(folder)
    if stories and not given.no_stories:
        wrong += _play(stories, settings)
    return FAULT if wrong else OK


def _tables(settings: Settings) -> list[Path]:
    """The folders of decision tables that belong to no single process."""
    places = {path.parent for path in settings.processes.glob("*/*.dmn")}
    return sorted(place for place in places if not (place / "process.toml").exists())


def _told(folder: Path, faults: Sequence[str]) -> int:
    """Say the faults of a folder; gives their number."""
    print(f"{folder}: " + (f"{len(faults)} faults" if faults else "no faults"))
    for fault in faults:
        print(f"  {fault}")
    return len(faults)


def _table_faults(place: Path) -> list[str]:
    from engine.definitions.check import check_tables
    from engine.instance import union_law

    return [str(fault) for fault in check_tables(place, union_law.rulebook())]


def decide(given: argparse.Namespace, _settings: Settings) -> int:
    """What a table comes to in a case, and by which article; without facts, what it asks for."""
    from engine.errors import Invalid
    from engine.queries import decisions

    if not given.facts:
        for question in decisions.questions_on_disk(given.table, given.lang):
            choices = ", ".join(f"{code} {words}" for code, words in question.choices)
            print(f"{question.key}  {question.label}  ({choices or question.type})")
        return OK
    pairs = [fact.partition("=") for fact in given.facts]
    if wrong := next((key + sign for key, sign, _ in pairs if not sign), ""):
        raise _Fault(f"{wrong!r} is no KEY=VALUE")
    try:
        found = decisions.evaluate_on_disk(
            given.table, {key: value for key, _, value in pairs}, given.on, given.lang
        )
    except Invalid as fault:
        raise _Fault(
            "; ".join(f"{key}: {' '.join(said)}" for key, said in fault.fields.items())
        ) from fault
    for result in found.results:
        print(f"{result.name} = {result.value}  {result.label}: {result.words}")
    print(f"row {found.row}  {found.confidence}  {found.because}")
    for ground in found.grounds:
        print(f"  {ground.label}: {ground.value} ({ground.cell})")
    return OK


def _write_outline(folder: Path) -> None:
    from engine import definitions
    from engine.definitions.outline import outline

    (folder / "OUTLINE.txt").write_text(
        outline(definitions.load(definitions.read(folder))), encoding="utf-8"
    )


def _faults(folder: Path) -> list[str]:
    from engine.definitions.check import check_folder
    from engine.instance import union_law
    from engine.people import posts

    return [
        str(fault) for fault in check_folder(folder, union_law.rulebook(), set(posts.kinds().posts))
    ]


def publish(given: argparse.Namespace, settings: Settings) -> int:
    """Put a folder in force on the operator's word; the web asks for two people instead."""
    from engine import db
    from engine.commands import bundled

    if faults := _faults(given.folder):
        for fault in faults:
            print(f"  {fault}", file=sys.stderr)
        raise _Fault(f"{given.folder} has {len(faults)} faults; nothing was published")
    with db.transaction(_engine(settings)) as session:
        digest, new = bundled.publish(session, given.folder)
    print(
        f"{digest[:16]} " + ("published" if new else "was registered before; nothing has changed")
    )
    return OK


def play(given: argparse.Namespace, settings: Settings) -> int:
    """Play stories on a database of their own."""
    missing = [str(f) for f in given.files if not f.is_file()]
    if missing:
        raise _Fault(f"no such file: {', '.join(missing)}")
    return FAULT if _play(given.files, settings, given.brief) else OK


def _play(files: Sequence[Path], settings: Settings, brief: bool = True) -> int:
    """Play each story; gives the number of those that went otherwise than told. Unless `brief`, every step is told."""
    from engine import scenarios

    engine = scenarios.theatre(settings)
    wrong = 0
    _progress(f"playing {len(files)} stories ...")
    for number, (file, played) in enumerate(
        scenarios.play_files(engine, files, scenarios.standard(settings.processes)), 1
    ):
        _progress(f"{number} of {len(files)} stories played: {file.name}")
        if not brief:
            _progress("")
            print(
                f"{played.title}（{file.name}）", *(step.words() for step in played.steps), sep="\n"
            )
        if not played.ok:
            wrong += 1
            _progress("")
            print(f"  {file}: {played.title}: {played.why}")
    _progress("")
    print(f"{len(files) - wrong} of {len(files)} stories went as told")
    return wrong


# --- people ---------------------------------------------------------------------------------------------------------
def import_(given: argparse.Namespace, settings: Settings) -> int:
    """Show what a table would do, row by row; with --yes (or a "y" on the terminal) do it."""
    from engine import db
    from engine.commands import imports
    from engine.people import organisation
    from engine.queries import operator

    if not given.file.is_file():
        raise _Fault(f"no such file: {given.file}")
    engine = _engine(settings)
    with db.transaction(engine) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        if given.union and operator.unit_coded(session, given.union) != actor.union_id:
            raise _Fault(
                f"{given.actor} belongs to another union than {given.union}; nothing was imported"
            )
        batch = imports.preview(
            session, actor, given.kind, given.file.name, given.file.read_bytes()
        )
    for row in batch.rows:
        if row.messages or given.all:
            print(
                f"  row {row.number}: {row.level}: {row.does or 'nothing'}: {'; '.join(row.messages)}"
            )
    print(
        *batch.notes, ", ".join(f"{count} {name}" for name, count in batch.counts.items()), sep="\n"
    )
    if not batch.clean:
        raise _Fault("there are errors; nothing was imported")
    if not given.yes and not _agreed("import this?"):
        print("nothing was imported; add --yes to import")
        return OK
    with db.transaction(engine) as session:
        done = imports.confirm(session, actor, batch.id)
    print(f"imported: {done.created} created, {done.changed} changed, {done.skipped} as before")
    return OK


def _agreed(question: str) -> bool:
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes", "是")


def token(given: argparse.Namespace, settings: Settings) -> int:
    """A new API token, printed once."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    with db.transaction(_engine(settings)) as session:
        member = operator.member_named(session, given.username)
        plain = people.create_token(session, None, member, given.name, given.days)
    print(plain)
    return OK


def unit(given: argparse.Namespace, settings: Settings) -> int:
    """Enter a unit; the first of an installation can be entered in no other way."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    with db.transaction(_engine(settings)) as session:
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
        )
    print(f"{given.code} created")
    return OK


def user_create(given: argparse.Namespace, settings: Settings) -> int:
    """Enter a person; the password comes from the terminal or from standard input."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    secret = None if given.no_password else _password()
    with db.transaction(_engine(settings)) as session:
        unit = operator.unit_coded(session, given.unit)
        people.create_member(
            session, None, given.username, given.name or given.username, unit, secret=secret
        )
    print(f"{given.username} created")
    return OK


def user_disable(given: argparse.Namespace, settings: Settings) -> int:
    """Put an account out of use: sessions and tokens end at once, the history stays."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    with db.transaction(_engine(settings)) as session:
        people.change_member(
            session, None, operator.member_named(session, given.username), active=False
        )
    print(f"{given.username} disabled")
    return OK


def user_password(given: argparse.Namespace, settings: Settings) -> int:
    """Set a new password; it ends the person's sessions."""
    from engine import db
    from engine.commands import people
    from engine.queries import operator

    secret = _password()
    with db.transaction(_engine(settings)) as session:
        people.set_password(session, None, operator.member_named(session, given.username), secret)
    print(f"password of {given.username} set")
    return OK


def user_post(given: argparse.Namespace, settings: Settings) -> int:
    """Give a person a post in a unit."""
    from engine import clock, db
    from engine.commands import people
    from engine.queries import operator

    begin = given.from_on or clock.today()
    with db.transaction(_engine(settings)) as session:
        member, unit = (
            operator.member_named(session, given.username),
            operator.unit_coded(session, given.unit),
        )
        people.grant_post(session, None, member, given.post, unit, begin, given.to_on, given.term)
    print(f"{given.username} is {given.post} of {given.unit} from {begin}")
    return OK


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != first:
        raise _Fault("the two passwords differ")
    return first


# --- proof and safety -----------------------------------------------------------------------------------------------
def verify(given: argparse.Namespace, settings: Settings) -> int:
    """Prove the database, or an evidence pack, and name the first false line."""
    if given.pack:
        from engine.history import verify_pack

        return OK if verify_pack.verify(given.pack, given.witness) == 0 else FAULT
    from engine import db
    from engine.history import keys, seals
    from webui.http import messages

    outside = _kept_outside(given.witness) if given.witness else []
    engine = db.connect(db.url_of(settings)).execution_options(
        isolation_level="REPEATABLE READ"
    )  # one moment's state
    signing = settings.home / "keys" / keys.FILE_NAME
    public = keys.load_or_create(signing.parent).public if signing.exists() else None
    with db.transaction(engine) as session:
        session.exec_driver_sql("SET LOCAL statement_timeout = 0")
        found = seals.verify(
            session, public, lambda seen: _progress(f"{seen} events checked"), outside
        )
    _progress("")
    print(
        f"{found.events} events in {found.chains} chains, {found.leaves} sealed, {found.checkpoints} checkpoints"
    )
    if public is None and found.checkpoints:
        print(
            "the signing key is not on this machine: signatures were not checked", file=sys.stderr
        )
    if found.fault or found.broken:
        where = f"chain {found.broken.chain_id} event {found.broken.seq}: " if found.broken else ""
        fault = messages.in_language(found.fault, "en")
        return _complain(f"the history is false. {where}{fault} ({found.fault})")
    if outside:
        print(f"{len(outside)} checkpoints kept outside are those of this history")
    print(f"all of it holds; {found.unsealed} events are not sealed yet")
    return OK


def _kept_outside(file: Path) -> list[Checkpoint]:
    from engine.history import keys

    if not file.is_file():
        raise _Fault(f"no such file: {file}")
    found = keys.parse_checkpoints(file.read_text("utf-8"))
    if not found:
        raise _Fault(f"{file} holds no checkpoint")
    return found


def erase(given: argparse.Namespace, settings: Settings) -> int:
    """Erase what a confidential matter holds; asks first, for nothing brings it back but an older backup."""
    from engine import db
    from engine.commands import edge, erasure
    from engine.people import organisation
    from engine.queries import operator

    engine = _engine(settings)
    with db.transaction(engine) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        matter = operator.matter_numbered(session, actor, given.number)
    if not given.yes and not _agreed(f"erase the contents of {given.number} for good?"):
        print("nothing was erased; add --yes to erase")
        return OK
    edge.carry_out(
        engine, actor, lambda session: erasure.erase(session, actor, matter, given.reason)
    )
    print(f"erased: {given.number}. The history stays; older backups still hold the contents.")
    return OK


def backup(given: argparse.Namespace, settings: Settings) -> int:
    """Write database and keys into one file."""
    from engine.db import backup as safe

    if given.file.exists() and not given.force:
        raise _Fault(f"{given.file} exists; choose another name or add --force")
    print("writing ...", file=sys.stderr)
    done = safe.backup(settings, given.file)
    rows = sum(count for count, _ in done["tables"].values())
    print(
        f"{given.file}: {len(done['tables'])} tables, {rows} rows, {done['size']} bytes, SHA-256 {done['sha256']}"
    )
    print("it holds the signing key: keep it where only you can read it", file=sys.stderr)
    return OK


def restore(given: argparse.Namespace, settings: Settings) -> int:
    """Put a backup in the place of the database and keys."""
    from engine.db import backup as safe

    print("reading ...", file=sys.stderr)
    done = safe.restore(settings, given.file, force=given.force)
    rows = sum(count for count, _ in done["tables"].values())
    print(
        f"restored the state of {done['at']}: {len(done['tables'])} tables, {rows} rows, all as they were backed up"
    )
    return OK


_VERBS: dict[str, Callable[[argparse.Namespace, Settings], int]] = {
    "serve": serve,
    "worker": worker,
    "migrate": migrate,
    "check": check,
    "publish": publish,
    "decide": decide,
    "play": play,
    "import": import_,
    "token": token,
    "unit": unit,
    "user create": user_create,
    "user disable": user_disable,
    "user password": user_password,
    "user post": user_post,
    "verify": verify,
    "erase": erase,
    "backup": backup,
    "restore": restore,
}
