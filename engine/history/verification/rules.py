"""What matters are decided by: versions of processes, and a union's own values of rules."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select

from engine.db import tables
from engine.history.event_log import INSTALLATION
from engine.history.verification.replay import bodies, false, first_wrong, near
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.history.event_log import Break
    from engine.messages import Both

_FROZEN = ("process.toml", "process.bpmn", "forms/", "documents/")  # as in catalogue.process
OWN = "own_version_proposed"
VERSIONS = ("definition_proposed", "definition_published", "definition_refused")
AGAIN = "definition_again"
_SETTINGS = ("setting_proposed", "setting_approved", "setting_refused")
_STATES = {
    "setting_proposed": "proposed",
    "setting_approved": "in_force",
    "setting_refused": "refused",
}


def fingerprint(files: Mapping[str, str]) -> str:
    """SHA-256 over the files that make a version, by name and content: what is also its name."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        if name.startswith(_FROZEN) or ("/" not in name and name.endswith(".dmn")):
            digest.update(f"{name}\0{len(content.encode())}\0".encode() + content.encode())
    return digest.hexdigest()


def definitions(session: Session) -> tuple[Break | None, dict[str, dict[str, str]]]:
    """Each version has the files that give its hash, and the state, author and approver on record.
    Also all their files.
    """
    recorded: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    ranks, own = Ranks(), {says["version"]: says for _chain, _seq, says in bodies(session, OWN)}
    for chain, seq, says in bodies(session, *VERSIONS, AGAIN):
        if chain == INSTALLATION:
            ranks.take(says)
            if says["kind"] != AGAIN:
                recorded.setdefault(says["version"], []).append((seq, says))
    files: dict[str, dict[str, str]] = {}
    query = select(tables.definition).order_by(tables.definition.c.hash)
    for row in cast("Iterable[rows.Definition]", session.execute(query)):
        if fingerprint(row.files) != row.hash:
            why = _("流程文件与版本不符")
            return false(INSTALLATION, "definition", row.hash, why), files
        files[row.hash] = row.files
        events = recorded.pop(row.hash, [])
        if not events and row.hash in own:  # whose they are is compared by own_versions
            if wrong := _unowned(row, own[row.hash]):
                why = _("流程版本的{column}与历史不符", column=wrong)
                return false(INSTALLATION, "definition", row.hash, why), files
            continue
        if not events:
            why = _("流程版本没有记录")
            return false(INSTALLATION, "definition", row.hash, why), files
        wrong = _version(row, [says for _seq, says in events])
        if wrong := wrong or ranks.wrong(row):
            return false(
                INSTALLATION,
                "definition",
                row.hash,
                _("流程版本的{column}与历史不符", column=wrong),
                events[-1][0],
            ), files
    for version, events in recorded.items():
        why = _("流程版本缺失")
        return false(INSTALLATION, "definition", version, why, events[-1][0]), files
    return None, files


@dataclass
class Ranks:
    """Which version is in force: each new one ranks above all before it, and so does one that is
    put in force again.
    """

    again: dict[str, int] = field(default_factory=dict)  # process -> how often one was
    behind: dict[str, int] = field(default_factory=dict)  # version -> that number when it came
    given: dict[str, int] = field(default_factory=dict)  # version -> rank

    def take(self, says: Mapping[str, Any]) -> None:
        if "rank" in says:  # put in force again, or taken up from what only unions had
            self.again[says["process"]] = self.again.get(says["process"], 0) + 1
            self.given[says["version"]] = says["rank"]
        else:
            self.behind.setdefault(says["version"], self.again.get(says["process"], 0))

    def of(self, version: str, number: int) -> int:
        """The rank of a version after what was taken so far."""
        return self.given.get(version, number + self.behind.get(version, 0))

    def wrong(self, row: rows.Definition) -> Both | None:
        rank = self.of(row.hash, row.number)
        return first_wrong({"rank": ("施行次序", row.rank == rank)})


def _unowned(row: rows.Definition, proposed: Mapping[str, Any]) -> Both | None:
    """The first column that is not as it must be where only unions have a version."""
    return first_wrong(
        {
            "process_id": ("流程", row.process_id == proposed["process"]),
            "state": ("状态", row.state == "own"),
            "title": ("标题", (row.title, row.title_en) == _titles(row.files)),
            "author_id": ("提出人", row.author_id is None),
        }
    )


def _version(row: rows.Definition, events: list[dict[str, Any]]) -> Both | None:
    """The first column that is not what is on record."""
    last, proposed = events[-1], next((e for e in events if e["kind"] == "definition_proposed"), {})
    columns = {
        "process_id": ("流程", row.process_id == last["process"]),
        "state": ("状态", row.state == last["kind"].removeprefix("definition_")),
        "title": ("标题", (row.title, row.title_en) == _titles(row.files)),
        "author_id": ("提出人", _who(row.author_id) == proposed.get("actor", {}).get("id")),
    }
    decided = last["kind"] != "definition_proposed"
    if decided and last.get("actor"):  # the operator's word leaves no approver
        columns["approver_id"] = ("批准人", _who(row.approver_id) == last["actor"]["id"])
    return first_wrong(columns)


def _titles(files: Mapping[str, str]) -> tuple[str, str]:
    raw = tomllib.loads(files["process.toml"])
    return str(raw.get("title", "")), str(raw.get("title_en", ""))


def _who(member: UUID | None) -> str | None:
    return str(member) if member else None


@dataclass(frozen=True)
class _Recorded:
    """A union's own value as its last event has it, and who proposed it."""

    seq: int
    says: Mapping[str, Any]
    proposer: str

    @property
    def decided(self) -> bool:
        return bool(self.says["kind"] != "setting_proposed")


def settings(session: Session) -> Break | None:
    """Each value that a union set for itself, or refused, has the value, days and people on record
    in its own chain.
    """
    recorded = _settings_recorded(session)
    query = select(tables.setting).order_by(tables.setting.c.id)
    for row in cast("Iterable[rows.Setting]", session.execute(query)):
        known = recorded.pop((row.unit_id, str(row.id)), None)
        if known is None:
            return false(row.unit_id, "setting", row.id, _("本单位自定数值没有记录"))
        if wrong := first_wrong({**_terms(row, known), **_hands(row, known)}):
            why = _("本单位自定数值的{column}与历史不符", column=wrong)
            return false(row.unit_id, "setting", row.id, why, known.seq)
    for (chain, key), lost in recorded.items():
        return false(chain, "setting", key, _("本单位自定数值缺失"), lost.seq)
    return None


def _settings_recorded(session: Session) -> dict[tuple[UUID, str], _Recorded]:
    found: dict[tuple[UUID, str], _Recorded] = {}
    for chain, seq, says in bodies(session, *_SETTINGS):
        key = (chain, says["setting"])
        proposed = says["kind"] == "setting_proposed"
        proposer = says["actor"]["id"] if proposed else found[key].proposer
        found[key] = _Recorded(seq, says, proposer)
    return found


def _terms(row: rows.Setting, known: _Recorded) -> dict[str, tuple[str, bool]]:
    """What was set, from when, and by what right."""
    says = known.says
    value = Fraction(row.value, row.per)
    return {
        "state": ("状态", row.state == _STATES[says["kind"]]),
        "rule_id": ("规则", row.rule_id == says["rule"]),
        "value": ("数值", value == Fraction(says["value"])),
        "valid_from": ("施行日", row.valid_from == date.fromisoformat(says["valid_from"])),
        "valid_to": ("结束日", row.valid_to == _day(says.get("valid_to"))),
        "source": ("依据", row.source == says["source"]),
    }


def _hands(row: rows.Setting, known: _Recorded) -> dict[str, tuple[str, bool]]:
    """Who proposed it, who decided, and when."""
    approver = known.says["actor"]["id"] if known.decided else None
    on_time = near(row.decided_at, known.says["at"]) if known.decided else row.decided_at is None
    return {
        "proposer_id": ("提出人", str(row.proposer_id) == known.proposer),
        "approver_id": ("批准人", _who(row.approver_id) == approver),
        "decided_at": ("决定时间", on_time),
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
