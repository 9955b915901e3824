"""What the `yixing` command understands: its verbs, their arguments and their help. It does nothing itself."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

KINDS = ("units", "people", "posts", "delegates")  # of tables that can be imported
_EPILOG = (
    "Exit codes: 0 all is well, 1 a fault was found, 2 the command was not understood. Settings are variables: "
    "YIXING_HOME (data, default ./var), YIXING_DATABASE_URL (a PostgreSQL 15+ of your own), YIXING_HOST, "
    "YIXING_PORT (8000), YIXING_DEMO (1: demo data), YIXING_PROCESSES."
)


def parser() -> argparse.ArgumentParser:
    """The parser; what it gives has `run`, the name of a verb, or None and `about`, whose help is to be shown."""
    made = argparse.ArgumentParser(
        prog="yixing",
        description="Yixing 议行： workflow engine for the democratic management of university trade unions.",
        epilog=_EPILOG,
    )
    made.set_defaults(run=None, about=made)
    verbs = made.add_subparsers(title="verbs", metavar="VERB")
    _verb(verbs, "serve", "start the database, the web and a job worker; Ctrl-C stops them")
    _verb(verbs, "worker", "run one more job worker alone")
    _verb(verbs, "migrate", "bring the database to the schema of this release")
    _of_processes(verbs)
    _of_people(verbs)
    _of_accounts(verbs)
    _of_safety(verbs)
    return made


def _verb(verbs: Any, name: str, words: str, run: str = "") -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(
        name, help=words, description=f"{words[0].upper()}{words[1:]}."
    )
    made.set_defaults(run=run or name)
    return made


def _of_processes(verbs: Any) -> None:
    one = _verb(verbs, "check", "find every fault of process folders and play their stories")
    one.add_argument(
        "folders", nargs="*", type=Path, metavar="FOLDER", help="default: all that are installed"
    )
    one.add_argument("--no-stories", action="store_true", help="do not play the stories")
    one.add_argument(
        "--write",
        action="store_true",
        help="write OUTLINE.txt, the process in words, into each faultless folder",
    )
    one = _verb(verbs, "publish", "put a process folder in force")
    one.add_argument("folder", type=Path, metavar="FOLDER")
    one = _verb(
        verbs,
        "decide",
        "show what a decision table comes to in a case, with the article; nothing is stored",
    )
    one.add_argument(
        "table", metavar="TABLE", help="e.g. quorum_vote or congress_motion.escalation"
    )
    asked = "e.g. vote.kind=election vote.total=100; without any, what the table asks for"
    one.add_argument("facts", nargs="*", metavar="KEY=VALUE", help=asked)
    one.add_argument("--on", type=_day, metavar="DAY", help="the law of this day (today)")
    one.add_argument("--lang", choices=("zh", "en"), default="zh")
    one = _verb(verbs, "play", "play stories (scenarios/*.toml) on a database of their own")
    one.add_argument("files", nargs="+", type=Path, metavar="FILE")
    one.add_argument("--brief", action="store_true", help="tell only what went otherwise than told")


def _of_people(verbs: Any) -> None:
    one = _verb(verbs, "import", "read units, people, posts or delegates from an .xlsx table")
    one.add_argument("kind", metavar="KIND", choices=KINDS, help=" | ".join(KINDS))
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument(
        "--as",
        dest="actor",
        required=True,
        metavar="USERNAME",
        help="on whose word; it is put on record",
    )
    one.add_argument("--union", metavar="CODE", help="refuse unless this is that person's union")
    one.add_argument(
        "--yes", action="store_true", help="do it without asking when no row is faulty"
    )
    one.add_argument("--all", action="store_true", help="show the rows without any remark too")
    one = _verb(verbs, "token", "print a new API token of a person")
    one.add_argument("username", metavar="USERNAME")
    one.add_argument("--name", default="command line", help="what it is for")
    one.add_argument("--days", type=int, default=365, help="how long it is valid (365)")


def _of_accounts(verbs: Any) -> None:
    one = _verb(verbs, "unit", "enter a unit, e.g. the first of a new installation")
    one.add_argument("code", metavar="CODE", help="short and unique")
    one.add_argument("kind", metavar="KIND", help="a kind of unit, by key or title")
    one.add_argument("name", metavar="NAME")
    one.add_argument("--name-en", default="", metavar="NAME")
    one.add_argument("--parent", metavar="CODE", help="the unit above it")
    one.add_argument("--owner", default="", metavar="TYPE", help="of a university: who runs it")
    one.add_argument("--city", default="")
    words = "create and disable accounts, set passwords, give posts"
    group = verbs.add_parser("user", help=words, description=f"{words[0].upper()}{words[1:]}.")
    group.set_defaults(about=group)
    of = group.add_subparsers(title="verbs", metavar="VERB")
    asked = "the password is asked for, or read from standard input"
    create = _verb(of, "create", f"enter a person; {asked}", "user create")
    disable = _verb(of, "disable", "put an account out of use; its history stays", "user disable")
    password = _verb(of, "password", f"set a person's password; {asked}", "user password")
    post = _verb(of, "post", "give a person a post in a unit", "user post")
    for one in (create, disable, password, post):
        one.add_argument("username", metavar="USERNAME")
    create.add_argument("--name", help="the person's name")
    create.add_argument("--unit", required=True, metavar="CODE", help="the unit they belong to")
    create.add_argument("--no-password", action="store_true", help="the person cannot log in yet")
    post.add_argument("post", metavar="POST", help="a key in processes/posts.toml, e.g. secretary")
    post.add_argument("--unit", required=True, metavar="CODE")
    post.add_argument(
        "--from",
        dest="from_on",
        type=_day,
        metavar="DAY",
        help="first day, e.g. 2026-03-01 (today)",
    )
    post.add_argument("--to", dest="to_on", type=_day, metavar="DAY", help="last day (open)")
    post.add_argument("--term", default="", help="届次")


def _of_safety(verbs: Any) -> None:
    one = _verb(verbs, "verify", "prove that nobody altered the history; name the first false line")
    one.add_argument(
        "--pack", type=Path, metavar="FILE", help="an evidence pack instead of the database"
    )
    kept = "checkpoints that you kept yourself: pack or database must still prove each of them"
    one.add_argument("--witness", type=Path, metavar="FILE", help=kept)
    one = _verb(verbs, "erase", "erase the contents of a confidential matter that has ended")
    one.add_argument("number", metavar="NUMBER", help="the number of the matter")
    one.add_argument(
        "--as", dest="actor", required=True, metavar="USERNAME", help="who acts in it by a post"
    )
    one.add_argument("--reason", required=True, metavar="TEXT", help="why; it is put on record")
    one.add_argument("--yes", action="store_true", help="do it without asking")
    one = _verb(
        verbs, "backup", "write the database and the keys into one file, while the product runs"
    )
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--force", action="store_true", help="replace the file")
    one = _verb(verbs, "restore", "put a backup in the place of the database and the keys")
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--force", action="store_true", help="replace what the database holds now")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-03-01") from None
