"""The kinds of posts and units an installation knows: processes/posts.toml, over the units that every one has."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine import settings
from engine.errors import ProcessFault
from engine.messages import Both, _
from engine.people.organisation import RUNNER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEY = re.compile(r"[a-z][a-z0-9_]{1,48}")


@dataclass(frozen=True)
class PostKind:
    """What a member can hold; `units`: the kinds of units that have it (empty: any); `term`: it needs a 届次."""

    key: str
    title: str
    title_en: str
    units: frozenset[str] = frozenset()
    term: bool = False

    @property
    def words(self) -> Both:
        """What it is called, as a value of a message."""
        return Both(self.title, self.title_en)


@dataclass(frozen=True)
class UnitKind:
    """A kind of unit; `parents` are the kinds it may stand under (empty: any), `union` whether it is a union itself."""

    key: str
    title: str
    title_en: str
    parents: frozenset[str] = frozenset()
    union: bool = False

    @property
    def words(self) -> Both:
        """What it is called, as a value of a message."""
        return Both(self.title, self.title_en)


@dataclass(frozen=True)
class Kinds:
    """All kinds by key. `open` when there is no posts.toml: then any well-formed key is a post."""

    posts: Mapping[str, PostKind]
    units: Mapping[str, UnitKind]
    open: bool = False

    def post(self, word: str) -> PostKind | None:
        """The post with this key or title."""
        found = self.posts.get(word) or next(
            (p for p in self.posts.values() if word in (p.title, p.title_en)), None
        )
        if found is None and self.open and _KEY.fullmatch(word):
            return PostKind(word, word, word)
        return found

    def unit(self, word: str) -> UnitKind | None:
        """The kind of unit with this key or title."""
        return self.units.get(word) or next(
            (u for u in self.units.values() if word in (u.title, u.title_en)), None
        )


TOP = "provincial_federation"
ABOVE = ("provincial_education_union", "municipal_federation", "industrial_union")
UNIVERSITY = "university_union"


def _unit(key: str, title: str, title_en: str, *parents: str, union: bool = False) -> UnitKind:
    return UnitKind(key, title, title_en, frozenset(parents), union)


BUILT_IN = {  # known even where posts.toml does not name it
    RUNNER: PostKind(RUNNER, "全系统管理", "Installation manager"),
}
UNITS = {
    kind.key: kind
    for kind in (
        _unit(TOP, "省总工会", "Provincial federation of trade unions", union=True),
        _unit(
            "provincial_education_union",
            "省教育工会",
            "Provincial education union",
            TOP,
            union=True,
        ),
        _unit(
            "municipal_federation",
            "市总工会",
            "Municipal federation of trade unions",
            TOP,
            union=True,
        ),
        _unit("industrial_union", "省产业工会", "Provincial industrial union", TOP, union=True),
        _unit(UNIVERSITY, "校工会", "University union", *ABOVE, union=True),
        _unit("college_union", "学院工会", "College union", UNIVERSITY),
        _unit("group", "工会小组", "Union group", "college_union", UNIVERSITY, "department"),
        _unit(
            "party_committee", "党委", "Party committee", TOP, *ABOVE, UNIVERSITY, "college_union"
        ),
        _unit(
            "department",
            "职能部门",
            "Department",
            TOP,
            *ABOVE,
            UNIVERSITY,
            "college_union",
            "department",
        ),
    )
}
DELEGATES = (
    "formal_delegate",
    "observer_delegate",
    "invited_guest",
)  # of one term, a person is one of these


def kinds() -> Kinds:
    """The kinds in force. Raises ProcessFault when posts.toml cannot be read."""
    path = settings.load().processes / "posts.toml"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return Kinds(BUILT_IN, UNITS, open=True)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> Kinds:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ProcessFault(
            _("posts.toml 读不懂。"), file="posts.toml", advice=str(fault)
        ) from fault
    posts = BUILT_IN | {key: _post(key, entry) for key, entry in _tables(data, "posts")}
    own = {key: _own_unit(key, entry) for key, entry in _tables(data, "units")}
    return Kinds(posts, {**UNITS, **own})


def _tables(data: Mapping[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    entries = data.get(name)
    return (
        [(k, e) for k, e in entries.items() if isinstance(e, dict)]
        if isinstance(entries, dict)
        else []
    )


def _listed(entry: Mapping[str, Any], *names: str) -> frozenset[str]:
    value = next((entry[n] for n in names if n in entry), ())
    found = frozenset(
        {value} if isinstance(value, str) else value if isinstance(value, list) else ()
    )
    return frozenset() if found & {"any", "*"} else found


def _post(key: str, entry: Mapping[str, Any]) -> PostKind:
    term = bool(entry.get("term_required", entry.get("term", False)))
    title = str(entry.get("title", key))
    return PostKind(
        key,
        title,
        str(entry.get("title_en", key)),
        _listed(entry, "units", "unit_kinds", "unit"),
        term,
    )


def _own_unit(key: str, entry: Mapping[str, Any]) -> UnitKind:
    known = UNITS.get(key, UnitKind(key, key, key))
    return UnitKind(
        key,
        str(entry.get("title", known.title)),
        str(entry.get("title_en", known.title_en)),
        _listed(entry, "parents", "parent") or known.parents,
        bool(entry.get("union", known.union)),
    )
