"""Plays the stories of an uploaded version in a process of its own: `results` asks for it, `main`
is what runs there.

The stories go through the database of the installation and are rolled back; nothing of them stays.
"""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import bounded
from engine.messages import _, stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LIMITS = bounded.Limits(seconds=180, megabytes=4096)  # for each story; for all of them
SCENARIOS = "scenarios/"


@dataclass(frozen=True)
class Result:
    """How a story went: its file, its title, and why it did not go as told: a stored message."""

    file: str
    title: str
    ok: bool
    why: Any


def names(files: Mapping[str, str]) -> list[str]:
    """The stories among the files of a folder."""
    return sorted(n for n in files if n.startswith(SCENARIOS) and n.endswith(".toml"))


def results(url: str, files: Mapping[str, str]) -> Iterator[Result]:
    """Every story of the folder once, as each has been played. One that takes too long ends the
    play: it and those after it count as not played to their end.
    """
    missing = names(files)
    sent = json.dumps({"url": url, "files": dict(files)}).encode()
    try:
        for line in bounded.lines("engine.scenarios.stage", sent, LIMITS):
            result = Result(**json.loads(line))
            missing.remove(result.file)
            yield result
    except bounded.Exceeded:
        why = _("没有演练到底：用时超过 {seconds} 秒，或占用内存太多。", seconds=LIMITS.seconds)
        yield from (Result(file, file, False, stored(why)) for file in missing)


def main() -> None:
    """Play what is asked for on the input; one line of JSON for each story."""
    asked = json.load(sys.stdin)
    for result in played(asked["url"], asked["files"]):
        sys.stdout.write(json.dumps(vars(result)) + "\n")
        sys.stdout.flush()


def played(url: str, files: Mapping[str, str]) -> Iterator[Result]:
    """The same as `results`, in this process and without its limits."""
    from engine import db, scenarios, settings

    told: dict[str, dict[str, Any]] = {}
    for name in names(files):
        try:
            told[name] = tomllib.loads(files[name])
        except (ValueError, RecursionError) as fault:
            why = _("读不懂：{fault}", fault=str(fault)[:200])
            yield Result(name, name, False, stored(why))
    cast = scenarios.standard(settings.load().processes)
    with scenarios.Player(db.connect(url), cast) as player:
        for name in sorted(told, key=lambda name: scenarios.beginning(told[name])):
            story = player.play(told[name], files)
            yield Result(name, story.title or name, story.ok, stored(story.why))


if __name__ == "__main__":
    main()
