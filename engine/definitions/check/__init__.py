"""Finds every fault of a process folder at once and says it in the author's words. It runs nothing
and stores nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.definitions import foreign, verbs
from engine.definitions.actions import ACTIONS
from engine.definitions.check import (
    conditions,
    dates,
    diagram,
    documents,
    draft,
    forms,
    numberings,
    paths,
    service_tasks,
    settings,
    tables,
    waiting,
)
from engine.definitions.check.fault import Fault, rooted, shown
from engine.definitions.check.names import language
from engine.definitions.check.rulebook import check_rulebook, silence, to_be_checked, used
from engine.definitions.check.tables import check_tables
from engine.definitions.folder import read
from engine.definitions.loading import load
from engine.errors import ProcessFault
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from engine.definitions.check.language import Rules

_STORY = re.compile(r"scenarios/.+\.toml")
MOST = 2_000  # faults that anybody will read

NO_OTHERS: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

__all__ = [
    "ACTIONS",
    "NO_OTHERS",
    "Fault",
    "beside",
    "check_folder",
    "check_rulebook",
    "check_tables",
    "faults",
    "notices",
    "to_be_checked",
    "used",
]


def faults(
    files: Mapping[str, str],
    rulebook: Rules,
    posts: Collection[str],
    actions: Collection[str] = ACTIONS,
    folder: str = "",
    others: Mapping[str, Mapping[str, Any]] = NO_OTHERS,
) -> list[Fault]:
    """Everything that is wrong with a folder's files, in reading order; empty when it may be
    published. One root is told once, with the number of places that follow from it.

    `posts` are the kinds of posts (empty: any); `actions` the registered ones; `folder` its name,
    when it has one; `others` what process.toml says of the processes beside it, by id. Never raises
    for what stands in the files.
    """
    found, wrong = draft.read(files)
    words = language(found, rulebook, frozenset(posts))
    wrong += settings.faults(found, words, folder)
    wrong += diagram.faults(found)
    if found.diagram is not None:
        wrong += paths.faults(found.diagram)
    wrong += waiting.faults(found)
    wrong += conditions.faults(found, words)
    wrong += forms.faults(found, words)
    wrong += dates.faults(found, words)
    wrong += service_tasks.faults(found, words, actions)
    wrong += tables.faults(found, words)
    wrong += documents.faults(found, words)
    wrong += numberings.faults(found, others)
    wrong += silence(found.files, rulebook)
    wrong += _untold(files)
    distinct = rooted(dict.fromkeys(wrong))
    if len(distinct) > MOST:
        distinct[MOST:] = [
            Fault(
                "",
                "",
                _("另有 {count} 处错误没有列出。", count=len(distinct) - MOST),
                _("请先改正以上各处。"),
            )
        ]
    return distinct or _unreadable(files)


def notices(files: Mapping[str, str]) -> list[Message]:
    """What is passed over in the diagram of a folder, or left to the reading of before, and is no
    fault.
    """
    told = [
        _("{file}：略过 {kind} {n} 处，它们不影响办理。", file=foreign.FILE, kind=kind, n=n)
        for kind, n in foreign.plain(files).passed_over
    ]
    raw = draft.read(files)[0].raw
    if raw and "verbs" not in raw:
        written = Listed(map(shown, verbs.ALL))
        told.append(
            _("process.toml：没有写 verbs，只能评论、转办；可以写：{verbs}。", verbs=written)
        )
    return told


def _untold(files: Mapping[str, str]) -> Iterator[Fault]:
    """A process of which no story is told was never tried."""
    if not any(_STORY.fullmatch(str(name)) for name in files):
        advice = _("请至少写一个故事：从发起演到办结，见 processes/README.md。")
        yield Fault("scenarios/", "", _("没有故事，这个流程没有演练过。"), advice)


def _unreadable(files: Mapping[str, str]) -> list[Fault]:
    """What only the parts that run a definition notice."""
    try:
        load(files)
    except ProcessFault as fault:
        return [
            Fault(
                fault.file or "process.bpmn",
                fault.element,
                fault.message,
                fault.advice or _("请检查这个元素前后的连线。"),
            )
        ]
    return []


def check_folder(
    path: Path, rulebook: Rules, posts: Collection[str], actions: Collection[str] = ACTIONS
) -> list[Fault]:
    """The faults of a folder on disk, among those beside it."""
    try:
        files = read(path)
    except ProcessFault as fault:
        return [Fault(fault.file or path.name, "", fault.message, fault.advice)]
    return faults(files, rulebook, posts, actions, folder=path.name, others=beside(path))


def beside(path: Path) -> dict[str, dict[str, Any]]:
    """What process.toml says of the process folders beside one, by id; what cannot be read is left
    out.
    """
    found = {}
    for file in sorted(path.resolve().parent.glob("*/process.toml")):
        if file.parent != path.resolve():
            with suppress(ValueError, OSError, RecursionError):
                found[file.parent.name] = tomllib.loads(file.read_text("utf-8"))
    return found
