"""One forged statement for every table and column, by the schema alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Date, DateTime, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

_OTHER = {  # another value of a type; {c} is the column
    Boolean: "NOT {c}",
    Integer: "coalesce({c}, 0) + 1",
    Date: "coalesce({c}, current_date) + 1",
    DateTime: "coalesce({c}, now()) + interval '1 day'",
    Uuid: "gen_random_uuid()",
    LargeBinary: "coalesce({c}, '') || '\\x00'",
    JSONB: "CASE jsonb_typeof({c}) WHEN 'object' THEN {c} || '{{\"forged\": true}}' ELSE '{{\"forged\": true}}' END",
    Text: "coalesce({c}, '') || 'x'",
}


def other(column: Column[object]) -> str:
    """An expression for a value that the column has not."""
    if column.name == "state":
        return _other_state(column)
    if isinstance(column.type, ARRAY):
        inner = "gen_random_uuid()" if isinstance(column.type.item_type, Uuid) else "'forged'::text"
        return f"{_name(column)} || {inner}"
    kind = next(each for each in _OTHER if isinstance(column.type, each))
    return _OTHER[kind].format(c=_name(column))


def _name(column: Column[object]) -> str:
    return f'"{column.name}"'


def _other_state(column: Column[object]) -> str:
    """Another state that the table may have: the constraint names them."""
    check = next(
        str(c.sqltext)
        for c in column.table.constraints
        if str(getattr(c, "name", "")).endswith("state")
    )
    known = check.split("'")[1::2]
    return f"CASE {_name(column)} WHEN '{known[0]}' THEN '{known[1]}' ELSE '{known[0]}' END"


def updates(table: Table) -> dict[str, list[str]]:
    """By column: its value changed in a row that has one, and in any other row."""
    found = {}
    for column in table.columns:
        name = _name(column)
        some = f"(SELECT ctid FROM {table.name} ORDER BY ({name} IS NULL), ctid LIMIT 1)"
        found[column.name] = [
            f"UPDATE {table.name} SET {name} = {other(column)} WHERE ctid = {some}"
        ]
    return found


def delete(table: Table) -> str:
    """One row taken away."""
    return f"DELETE FROM {table.name} WHERE ctid = (SELECT max(ctid) FROM {table.name})"


def insert(table: Table) -> str:
    """One row copied, with another key."""
    keys = {column.name for column in table.primary_key.columns}
    keys |= {
        column.name
        for constraint in table.constraints
        if type(constraint).__name__ == "UniqueConstraint"
        for column in constraint.columns
    } | {column.name for column in table.columns if column.unique}
    foreign = {column.name for column in table.columns if column.foreign_keys}
    new = keys - foreign or {sorted(keys)[0]}
    columns = [column for column in table.columns if not column.identity]
    values = ", ".join(other(c) if c.name in new else _name(c) for c in columns)
    names = ", ".join(_name(c) for c in columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name} LIMIT 1"
