"""What the command line says and asks: one language at a time, all of it through the catalogues."""

from __future__ import annotations

import getpass
import gettext
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.messages import _
from webui.http import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.messages import Language

LANGUAGES = ("zh", "en")
OK, FAULT, USAGE = 0, 1, 2
UNPROVED = (
    3  # of `verify`, whose 1 means "false" and 2 "not understood": could not, or not yet, be proved
)
_VARIABLES = (
    "LANGUAGE",
    "LC_ALL",
    "LC_MESSAGES",
    "LANG",
)  # the first that is set, as gettext has it


class CannotDo(Exception):
    """Something that the person at the command line can do something about; its text is a
    message.
    """

    def __init__(self, message: str, code: int = FAULT) -> None:
        super().__init__(message)
        self.message, self.code = message, code


def language() -> str:
    """ "zh" or "en", by the environment; English where it names neither."""
    named = next(filter(None, map(os.environ.get, _VARIABLES)), "")
    return "zh" if named.startswith("zh") else "en"


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Speak this language meanwhile, argparse and child processes too."""
    before = os.environ.get("LANGUAGE")
    os.environ["LANGUAGE"] = lang
    gettext.bindtextdomain("argparse", str(messages.CATALOGUES))
    gettext.textdomain("argparse")
    try:
        yield
    finally:
        if before is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before


def reader_language() -> Language:
    """The same with its catalogue, for texts that are rendered where they are made."""
    return messages.language(language())


def text(message: str) -> str:
    """A message in the language of this command line."""
    return messages.in_language(message, language())


def say(*parts: str) -> None:
    """One line for each of the messages on standard output."""
    for message in parts:
        print(text(message))


def note(message: str) -> None:
    """A line beside the result, on standard error."""
    print(text(message), file=sys.stderr, flush=True)


def complain(message: str, code: int = FAULT) -> int:
    """Say what went wrong; gives the exit code."""
    print(f"yixing: {text(message)}", file=sys.stderr)
    return code


def progress(message: str) -> None:
    """A line that replaces itself; only where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text(message)}", end="", file=sys.stderr, flush=True)


def agreed(question: str) -> bool:
    """Does the person at the terminal say yes? Where nobody sits: no."""
    if not sys.stdin.isatty():
        return False
    return input(f"{text(question)} [y/N] ").strip().lower() in ("y", "yes", "是")


def password() -> str:
    """A new password, asked for twice; one line of standard input where that is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(text(_("密码：")) + " ")
    if getpass.getpass(text(_("再输入一次：")) + " ") != first:
        raise CannotDo(_("两次输入的密码不一致"))
    return first
