"""What matters are decided by: versions of processes, and a union's own values of rules."""

from __future__ import annotations

import hashlib
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.history.event_log import INSTALLATION
from engine.history.verification.told import false, near, said

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Session
    from engine.history.event_log import Break

_FROZEN = ("process.toml", "process.bpmn", "forms/", "documents/")  # as in catalogue.process
_VERSIONS = ("definition_proposed", "definition_published", "definition_refused")
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
    """Each version has the files that give its hash, and the state, author and approver on record. Also all their files."""
    told: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for chain, seq, says in said(session, *_VERSIONS):
        if chain == INSTALLATION:
            told.setdefault(says["version"], []).append((seq, says))
    files: dict[str, dict[str, str]] = {}
    for row in session.execute(select(tables.definition).order_by(tables.definition.c.hash)):
        if fingerprint(row.files) != row.hash:
            zh, en = "流程文件与版本不符", "the files are not those of the version"
            return false(INSTALLATION, "definition", row.hash, zh, en), files
        files[row.hash] = row.files
        events = told.pop(row.hash, [])
        if not events:
            zh, en = "流程版本没有记录", "no event tells of the version"
            return false(INSTALLATION, "definition", row.hash, zh, en), files
        if fault := _version(row, [says for _, says in events]):
            return false(
                INSTALLATION,
                "definition",
                row.hash,
                f"流程版本的{fault[1]}与历史不符",
                f"{fault[0]} of the version differs from history",
                events[-1][0],
            ), files
    for version, events in told.items():
        zh, en = "流程版本缺失", "the version is missing"
        return false(INSTALLATION, "definition", version, zh, en, events[-1][0]), files
    return None, files


def _version(row: Any, events: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The first column that is not what was told."""
    last, proposed = events[-1], next((e for e in events if e["kind"] == "definition_proposed"), {})
    columns = {
        "process_id": ("流程", row.process_id == last["process"]),
        "state": ("状态", row.state == last["kind"].removeprefix("definition_")),
        "author_id": ("提出人", _who(row.author_id) == proposed.get("actor", {}).get("id")),
    }
    if last["kind"] != "definition_proposed" and last.get(
        "actor"
    ):  # the operator's word leaves no approver
        columns["approver_id"] = ("批准人", _who(row.approver_id) == last["actor"]["id"])
    return next(((column, zh) for column, (zh, holds) in columns.items() if not holds), None)


def _who(member: UUID | None) -> str | None:
    return str(member) if member else None


def settings(session: Session) -> Break | None:
    """Each value that a union set for itself, or refused, has the value, days and people on record in its own chain."""
    told: dict[tuple[UUID, str], tuple[int, dict[str, Any], str]] = {}
    for chain, seq, says in said(session, *_SETTINGS):
        proposer = (
            says["actor"]["id"]
            if says["kind"] == "setting_proposed"
            else told[chain, says["setting"]][2]
        )
        told[chain, says["setting"]] = (seq, says, proposer)
    for row in session.execute(select(tables.setting).order_by(tables.setting.c.id)):
        seq, says, proposer = told.pop((row.unit_id, str(row.id)), (0, {}, ""))
        if not says:
            return false(
                row.unit_id,
                "setting",
                row.id,
                "本校自定数值没有记录",
                "no event tells of the union's own value",
            )
        decided = says["kind"] != "setting_proposed"
        columns = {
            "state": ("状态", row.state == _STATES[says["kind"]]),
            "rule_id": ("规则", row.rule_id == says["rule"]),
            "value": (
                "数值",
                Fraction(row.value, getattr(row, "per", 1) or 1) == Fraction(says["value"]),
            ),
            "valid_from": ("施行日", row.valid_from == date.fromisoformat(says["valid_from"])),
            "valid_to": ("结束日", row.valid_to == _day(says.get("valid_to"))),
            "source": ("依据", row.source == says["source"]),
            "proposer_id": ("提出人", str(row.proposer_id) == proposer),
            "approver_id": (
                "批准人",
                _who(row.approver_id) == (says["actor"]["id"] if decided else None),
            ),
            "decided_at": (
                "决定时间",
                near(row.decided_at, says["at"]) if decided else row.decided_at is None,
            ),
        }
        for column, (zh, holds) in columns.items():
            if not holds:
                why, why_en = (
                    f"本校自定数值的{zh}与历史不符",
                    f"{column} of the union's own value differs from history",
                )
                return false(row.unit_id, "setting", row.id, why, why_en, seq)
    for (chain, key), (seq, _, _) in told.items():
        return false(
            chain, "setting", key, "本校自定数值缺失", "the union's own value is missing", seq
        )
    return None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
