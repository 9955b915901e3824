"""A matter's own rows: what stands in `instance` and `task` is what its history tells.

Replayed, and so checked: number, version, starter, moments, state, outcome, stops, title, whether
it is confidential; who finished which task when, and with which answers. Facts are the matter of
`facts`.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from engine import legacy
from engine.history.erased import ERASED_TITLE
from engine.history.verification.replay import first_wrong, near, salted
from engine.history.verification.walk import Walk
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import rows
    from engine.history.event_log import Break
    from engine.history.verification.replay import Replayed
    from engine.history.verification.told import Act

_STATED = ("state", "outcome", "ended_at")  # columns that the last event of a state tells
_FIXING = ("set_fact", "turn", "keep_round")  # actions that compute facts
_ASKED = re.compile(r"""<(?:\w+:)?userTask\b[^>]*?\bid="([^"]+)\"""")


@dataclass(frozen=True)
class Version:
    """What a version of a process says about the rows of its matters.

    asked: the facts that somebody says, or a table gives. owner: the field of the launch that names
    who owns a matter. happened: the date that is the day of the fact, by what takes
    answers. answered: what takes answers. computed: those that actions set, with the fields they
    set; "" is all of it.
    """

    asked: frozenset[str]
    owner: str
    computed: Mapping[str, tuple[str, ...]]
    subject: str
    confidential: bool
    answered: frozenset[str]
    happened: Mapping[str, str]
    walk: Walk

    def dates(self, row: rows.Task, act: Act) -> bool:
        """Is the day of the fact on record the one that was answered, and none where none was?"""
        if row.answers is None:
            return True  # erased, or a poll
        return bool(row.answers.get(self.happened.get(row.element, "")) == act.happened_on)

    @classmethod
    def of(cls, files: Mapping[str, str]) -> Version:
        """The version of these files, which have the fingerprint that they should have."""
        raw = tomllib.loads(files["process.toml"])
        computed: dict[str, list[str]] = defaultdict(list)
        for action in map(legacy.action, raw.get("actions", {}).values()):
            fixed = (*action.get("set", ()), *action.get("append", ()))
            for path in fixed if action["do"] in _FIXING else ():
                root, _, rest = path.partition(".")
                computed[root].append(rest.partition(".")[0])
            if action["do"] == "mark":
                computed[action.get("as", "")].append("")
            if action["do"] == "begin":
                computed[action.get("kind", "")].append("")
        tables = {
            name.removesuffix(".dmn") for name in files if name.endswith(".dmn") and "/" not in name
        }
        answered = {
            *_ASKED.findall(files["process.bpmn"]),
            *raw.get("messages", ()),
            *raw.get("publications", ()),
        }
        answered.add("launch")
        return cls(
            frozenset({*answered, *tables}),
            str(raw.get("owner", legacy.OWNER)).removeprefix("launch."),
            {k: tuple(v) for k, v in computed.items()},
            raw.get("subject", ""),
            raw.get("confidentiality") == "named",
            frozenset(answered),
            _happened(raw),
            Walk(files["process.bpmn"]),
        )


def _happened(raw: Mapping[str, Any]) -> dict[str, str]:
    """The date that is the day of the fact, by what takes answers."""
    asked = {**raw.get("tasks", {}), **raw.get("messages", {}), "launch": raw}
    return {key: table["happened"] for key, table in asked.items() if table.get("happened")}


# --- tasks ----------------------------------------------------------------------------------------
def tasks(
    replayed: Replayed, version: Version, rows: Iterable[Any], spoken: dict[str, Any]
) -> Break | None:
    """Every finished task, launch, message and poll is on record, by whom and when; its answers
    have the digest on record.

    Those of a matter whose erasure is on record are empty. Fills `spoken` with the answers by their
    digests.
    """
    done = [r for r in rows if r.state == "done" or r.answers is not None]
    for row in done:
        if row.state != "done" or row.closed_at is None:
            why = _("环节 {element} 未办结却有内容", element=row.element)
            return replayed.false("task", row.id, why)
    left = {**replayed.answered, **replayed.closed}
    for element, found in groupby(
        sorted(done, key=lambda r: (r.element, r.closed_at)), key=lambda r: r.element
    ):
        acts = left.pop(element, [])
        broken = _in_order(replayed, version, list(found), acts, spoken)
        if broken:
            return broken
    for element, acts in left.items():
        return replayed.false(
            "task",
            element,
            _("环节 {element} 的内容缺失", element=element),
            acts[-1].seq,
        )
    return None


def _in_order(
    replayed: Replayed,
    version: Version,
    rows: list[Any],
    acts: list[Act],
    spoken: dict[str, Any],
) -> Break | None:
    """One element's answers, round by round; rounds that were closed at the same moment may
    stand in any order.
    """
    at, element = 0, rows[0].element
    for _moment, tied in groupby(rows, key=lambda r: r.closed_at):
        together = list(tied)
        here = {act.digest or str(act.seq): act for act in acts[at : at + len(together)]}
        at += len(together)
        for row in together:
            if (
                row.answers is None
                and row.salt is None
                and (replayed.erased or element in replayed.closed)
            ):
                digest = next(
                    (d for d, act in here.items() if _same(row, act)), next(iter(here), "")
                )
            else:
                digest = salted(row.answers, row.salt)
            act = here.pop(digest, None)
            if act is None and at > len(acts):
                return replayed.false(
                    "task", row.id, _("环节 {element} 的办结没有记录", element=element)
                )
            if act is None:
                why = _("环节 {element} 的内容与历史不符", element=element)
                return replayed.false("task", row.id, why, _first(here.values()))
            if not _same(row, act):
                why = _("环节 {element} 的办理人或时间与历史不符", element=element)
                return replayed.false("task", row.id, why, act.seq)
            if not version.dates(row, act):
                why = _("环节 {element} 的发生日期与所填不符", element=element)
                return replayed.false("task", row.id, why, act.seq)
            spoken[digest] = row.answers
    if at < len(acts):
        return replayed.false(
            "task",
            element,
            _("环节 {element} 的内容缺失", element=element),
            acts[-1].seq,
        )
    return None


def _first(acts: Iterable[Act]) -> int:
    """The first event of these; 0 of none."""
    return min((act.seq for act in acts), default=0)


def _same(row: rows.Selected, act: Act) -> bool:
    """Nobody closes the task of a poll, whoever gave the last answer."""
    by = str(row.closed_by) if row.closed_by else None
    return by == (act.by if act.digest else None) and near(row.closed_at, act.at)


# --- the matter -----------------------------------------------------------------------------------
def instance(replayed: Replayed, row: rows.Selected, version: Version) -> Break | None:
    """The columns of an instance are what is on record of it."""
    launched = replayed.launched
    if not launched:
        return replayed.false("instance", row.id, _("事项没有发起的记录"), 1)
    columns = {
        "number": ("编号", row.number == launched["number"]),
        "version": ("流程版本", row.version == launched["version"]),
        "process_id": ("流程", row.process_id == launched["process"]),
        "starter_id": ("提出人", str(row.starter_id) == launched["actor"]["id"]),
        "started_at": ("提出时间", near(row.started_at, launched["at"])),
        "unit_id": ("单位", _unit(row) == launched.get("seat", f"@{_unit(row)}").partition("@")[2]),
        "state": ("状态", row.state == replayed.state),
        "outcome": ("结果", row.outcome == replayed.outcome),
        "ended_at": (
            "办结时间",
            near(row.ended_at, replayed.ended) if replayed.ended else row.ended_at is None,
        ),
        "stopped_days": ("暂停天数", row.stopped_days == replayed.stopped_days),
        "confidential": (
            "是否保密",
            row.confidential == (version.confidential and not replayed.disclosed),
        ),
    }
    if wrong := first_wrong(columns):
        seq = replayed.stated if wrong.en in _STATED else 1
        why = _("事项的{column}与历史不符", column=wrong)
        return replayed.false("instance", row.id, why, seq)
    subject = str(ERASED_TITLE) if replayed.erased else dotted(row.facts, version.subject)
    if subject and row.title != str(subject)[:200]:
        return replayed.false(
            "instance",
            row.id,
            _("事项的标题与所填内容不符"),
        )
    return None


def _unit(row: rows.Selected) -> str:
    """The unit as the seat of a launch tells it: that of the union itself is left out."""
    return "" if row.unit_id in (None, row.union_id) else str(row.unit_id)


def dotted(facts: object, path: str) -> Any:
    """The fact at a dotted path, or None."""
    for part in path.split("."):
        facts = facts.get(part) if isinstance(facts, dict) else None
    return facts
