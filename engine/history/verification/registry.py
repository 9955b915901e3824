"""Units, people, posts and deputies: what the chains of the unions tell of them, replayed and
compared.

Telephone, e-mail and passwords stand in no event. A union whose own first event tells less than
today's (`kinds.TELLS`) may have units, people and posts that no event tells; what is told of them
must hold all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import select

from engine.db import tables
from engine.history.event_log import INSTALLATION
from engine.history.verification.replay import bodies, false
from engine.messages import Both, Message, _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Table

    from engine.db import Session, rows
    from engine.history.event_log import Break

TELLS = 3  # since when the event of a new unit tells all of it
_KINDS = (
    "unit_created",
    "unit_changed",
    "member_created",
    "member_changed",
    "post_granted",
    "post_ended",
    "deputy_named",
    "deputy_ended",
    "import_undone",
    "registry_baselined",
)
_COLUMNS = {  # what a baseline tells of each row
    "unit": "code name kind parent_id managing_id guiding_id union_id active name_en city owner_type",
    "member": "username name unit_id union_id active locale",
    "post": "member_id kind unit_id term from_on to_on ended_why",
}
_PRIVATE = ("phone", "email")
_unit = tables.unit.c


def early(session: Session, *kinds: str) -> list[UUID]:
    """The unions of which no event of these kinds tells as much as today's do."""
    told = {chain for chain, _seq, says in bodies(session, *kinds) if _is_whole(chain, says)}
    unions = select(_unit.union_id).distinct().order_by(_unit.union_id)
    return [union for union in session.execute(unions).scalars() if union not in told]


def _is_whole(union: UUID, says: Mapping[str, Any]) -> bool:
    own = says.get("unit", str(union)) == str(union)
    return bool(own and says.get("tells", 1) >= TELLS)


class _Told(NamedTuple):
    """What the events tell of a row: column -> value, as plain JSON; and the last of them."""

    chain: UUID
    seq: int
    columns: dict[str, Any]


@dataclass
class _Registry:
    """All that is told, by the id of the row."""

    unit: dict[str, _Told] = field(default_factory=dict)
    member: dict[str, _Told] = field(default_factory=dict)
    post: dict[str, _Told] = field(default_factory=dict)
    deputy: dict[str, _Told] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)  # unions of which everything is told

    def read(self, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
        """One more event."""
        _READERS[says["kind"]](self, chain, seq, says)


def _put(rows: dict[str, _Told], key: str, told: _Told) -> None:
    """A row is told anew; what was known before and is not named stays."""
    before = rows[key].columns if key in rows else {}
    rows[key] = told._replace(columns={**before, **told.columns})


def _unit_created(found: _Registry, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
    columns = {key: says.get(key) for key in ("parent_id", "managing_id", "guiding_id")}
    columns |= {"code": says["code"], "name": says["name"], "kind": says["unit_kind"]}
    columns |= {"union_id": str(chain), "active": True}
    if says.get("tells", 1) >= TELLS:
        columns |= {
            key: says.get(key, "") for key in ("name_en", "city", "owner_type", "affiliation")
        }
        if says["unit"] == str(chain):
            found.whole.add(says["unit"])
    _put(found.unit, says["unit"], _Told(chain, seq, columns))


def _unit_changed(found: _Registry, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
    _put(found.unit, says["unit"], _Told(chain, seq, says.get("new", {})))


def _member_created(found: _Registry, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
    columns = {"username": says["username"], "name": says["name"], "unit_id": says["unit"]}
    columns |= {"union_id": str(chain), "active": True}
    if "locale" in says:
        columns["locale"] = says["locale"]
    _put(found.member, says["member"], _Told(chain, seq, columns))


def _member_changed(found: _Registry, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
    columns = {key: value for key, value in says.get("new", {}).items() if key not in _PRIVATE}
    if "unit_id" in columns and columns["unit_id"] in found.unit:
        columns["union_id"] = found.unit[columns["unit_id"]].columns.get("union_id")
    _put(found.member, says["member"], _Told(chain, seq, columns))


def _post_granted(found: _Registry, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
    columns = {"member_id": says["member"], "kind": says["post_kind"], "unit_id": says["unit"]}
    columns |= {"term": says.get("term") or "", "from_on": says["from_on"]}
    columns |= {"to_on": says.get("to_on"), "ended_why": says.get("why", "")}
    _put(found.post, says["post"], _Told(chain, seq, columns))


def _deputy_named(found: _Registry, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
    told = {"from_on", "to_on", "processes", "due_only", "named_at"}
    columns = {key: says[key] for key in told} | {"union_id": str(chain)}
    columns |= {"member_id": says["member"], "deputy_id": says["deputy"]}
    _put(
        found.deputy, says["id"], _Told(chain, seq, columns | {"ended_at": None, "ended_by": None})
    )


def _deputy_ended(found: _Registry, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
    who = says["actor"]["id"] if says.get("actor") else None
    _put(
        found.deputy, says["id"], _Told(chain, seq, {"ended_at": says["ended_at"], "ended_by": who})
    )


def _import_undone(found: _Registry, _chain: UUID, _seq: int, says: Mapping[str, Any]) -> None:
    """What an import had made is gone again."""
    for name in ("unit", "member", "post"):
        for key in says.get(name, ()):
            getattr(found, name).pop(key, None)


def _baselined(found: _Registry, chain: UUID, seq: int, says: Mapping[str, Any]) -> None:
    """What stood there at an upgrade; from now on there is nothing else."""
    found.whole.add(str(chain))
    for key, columns in says["rows"].items():
        _put(getattr(found, says["table"]), key, _Told(chain, seq, columns))


def plain_columns(table: str, row: rows.Selected) -> dict[str, Any]:
    """The columns of a unit, member or post that a baseline tells, as plain JSON."""
    return {name: _plain(row._mapping[name]) for name in _COLUMNS[table].split()}


_READERS: dict[str, Callable[[_Registry, UUID, int, Mapping[str, Any]], None]] = {
    "unit_created": _unit_created,
    "unit_changed": _unit_changed,
    "member_created": _member_created,
    "member_changed": _member_changed,
    "post_granted": _post_granted,
    "post_ended": _post_granted,
    "deputy_named": _deputy_named,
    "deputy_ended": _deputy_ended,
    "import_undone": _import_undone,
    "registry_baselined": _baselined,
}
_LOST = {
    "unit": _("单位缺失"),
    "member": _("人员缺失"),
    "post": _("职务缺失"),
    "deputy": _("代理缺失"),
}
_UNKNOWN = {
    "unit": _("单位没有记录"),
    "member": _("人员没有记录"),
    "post": _("职务没有记录"),
    "deputy": _("代理没有记录"),
}


def _replayed(session: Session) -> _Registry:
    """All events in the order of their moments: a member who moves stands in two chains."""
    found = _Registry()
    events = list(bodies(session, *_KINDS))
    events.sort(key=lambda event: (event[2]["at"], event[0], event[1]))
    for chain, seq, says in events:
        found.read(chain, seq, says)
    return found


def first_false(session: Session) -> Break | None:
    """The first unit, member, post or deputy that is not what the events tell."""
    found = _replayed(session)
    unions: dict[str, str] = {}  # of a unit
    for table, told in (
        (tables.unit, found.unit),
        (tables.member, found.member),
        (tables.post, found.post),
        (tables.deputy, found.deputy),
    ):
        if broken := _table(session, found, table, told, unions):
            return broken
    return None


def _table(
    session: Session,
    found: _Registry,
    table: Table,
    told: dict[str, _Told],
    unions: dict[str, str],
) -> Break | None:
    left, name = dict(told), table.name
    for row in session.execute(
        select(table).order_by(table.c.id).execution_options(yield_per=2000)
    ):
        key, union = str(row.id), str(row.unit_id if name == "post" else row.union_id)
        if name == "unit":
            unions[key] = union
        known = left.pop(key, None)
        if known is None:
            union = unions.get(union, union)
            always = name == "deputy"  # told from the first one on
            if always or union in found.whole or (key == union and found.whole):
                return false(_chain(union), name, key, _UNKNOWN[name])
        elif wrong := _wrong(row, known.columns):
            why = _registered(name, wrong)
            return false(known.chain, name, key, why, known.seq)
    for key, lost in left.items():
        return false(lost.chain, name, key, _LOST[name], lost.seq)
    return None


def _chain(union: str) -> UUID:
    try:
        return UUID(union)
    except ValueError:
        return INSTALLATION


def _registered(table: str, column: str) -> Message:
    shown = Both(column, column)
    if table == "unit":
        return _("单位的{column}与历史不符", column=shown)
    if table == "member":
        return _("人员的{column}与历史不符", column=shown)
    if table == "deputy":
        return _("代理的{column}与历史不符", column=shown)
    return _("职务的{column}与历史不符", column=shown)


def _wrong(row: rows.Selected, columns: Mapping[str, Any]) -> str:
    """The first column that is not as told; "" when all are."""
    kept = row._mapping
    return next((name for name, told in columns.items() if _plain(kept[name]) != told), "")


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
