"""The `yixing` command: each verb is one function. It says what it did, and its exit code says
how it went.

0: done, all is well. 1: a fault was found, or it could not be done. 2: the command was not
understood.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.messages import _
from webui.cli import (
    accounts,
    faults,
    installation,
    notices,
    postmaster,
    processes,
    safety,
    succession,
    terminal,
    usage,
)
from webui.cli.terminal import FAULT, OK, UNPROVED, USAGE, CannotDo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.settings import Settings

__all__ = ["FAULT", "OK", "UNPROVED", "USAGE", "VERBS", "main"]

VERBS: dict[str, Callable[[argparse.Namespace, Settings], int]] = {
    "serve": installation.serve,
    "worker": installation.worker,
    "migrate": installation.migrate,
    "new": processes.new,
    "check": processes.check,
    "publish": processes.publish,
    "versions": processes.versions,
    "decide": processes.decide,
    "play": processes.play,
    "import": accounts.import_table,
    "undo-import": accounts.undo_import,
    "token": accounts.token,
    "unit": accounts.unit,
    "end-term": succession.end_term,
    "user hand-over": succession.hand_over,
    "user join": succession.join,
    "user move": succession.move,
    "user replace": succession.replace,
    "user create": accounts.user_create,
    "user disable": accounts.user_disable,
    "user password": accounts.user_password,
    "user post": accounts.user_post,
    "notices test": notices.test,
    "notices failed": notices.failed,
    "verify": safety.verify,
    "witness": safety.witness,
    "despatch": safety.despatch,
    "ledger": safety.ledger,
    "retention": safety.retention,
    "erase": safety.erase,
    "backup": safety.backup,
    "restore": safety.restore,
    "repair": safety.repair,
    "rotate-key": safety.rotate_key,
}
WITHOUT_PROCESSES = {"worker", "migrate", "token", "user disable", "user password"} | {
    "verify",
    "witness",
    "backup",
    "restore",
    "repair",
    "rotate-key",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb in the language asked for; gives the exit code."""
    with terminal.speaking(_language(arguments)):
        given = usage.parser().parse_args(arguments)
        if given.verb is None:
            given.about.print_help()
            return USAGE
        return _run(given)


def _language(arguments: Sequence[str] | None) -> str:
    """That of `--lang`, wherever it stands, else that of the environment; the parser itself
    speaks it already.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("--lang", nargs="?")
    chosen = first.parse_known_args(arguments)[0].lang
    return chosen if chosen in terminal.LANGUAGES else terminal.language()


def _run(given: argparse.Namespace) -> int:
    from engine.errors import EngineError, Unavailable

    try:
        settings = _settings()
        _must_have_processes(given.verb, settings)
        with _database_as_before(settings):
            return int(VERBS[given.verb](given, settings))
    except Unavailable as fault:  # of the database, which has told the reason
        return terminal.complain(faults.sentence(fault) or fault.message, _failed(given))
    except CannotDo as fault:
        return terminal.complain(fault.message, fault.code)
    except EngineError as fault:
        return terminal.complain(fault.message, _failed(given))
    except KeyboardInterrupt:
        return terminal.complain(_("已中断"))
    except BrokenPipeError:  # `yixing ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT
    except Exception as fault:
        said = faults.sentence(fault)
        if said is None:
            raise  # a fault of the program: whoever mends it wants to see where
        return terminal.complain(said, _failed(given))


def _failed(given: argparse.Namespace) -> int:
    """The exit code of what could not be done: of `verify` 1 would mean that the record is
    false.
    """
    return UNPROVED if given.verb == "verify" else FAULT


def _settings() -> Settings:
    from engine import settings

    try:
        return settings.load()
    except ValueError as fault:
        raise CannotDo(fault.args[0]) from fault


def _must_have_processes(verb: str, settings: Settings) -> None:
    """Say it at once when what the union decided is not where the settings say."""
    folder = settings.processes
    if verb not in WITHOUT_PROCESSES and not (folder / "posts.toml").is_file():
        raise CannotDo(
            _(
                "{folder} 不是流程文件夹的所在（其中没有 posts.toml）：请改正 YIXING_PROCESSES",
                folder=folder,
            )
        )


@contextmanager
def _database_as_before(settings: Settings) -> Iterator[None]:
    """Stop the embedded server afterwards when it did not run before and nobody else has come
    to use it.
    """
    home = settings.home
    ran = settings.database_url or postmaster.running(home)
    try:
        yield
    finally:
        if not ran and postmaster.running(home) and not postmaster.used_by_others(home):
            from engine.db import embedded

            embedded.stop(home)
