"""The kinds of posts and units an installation knows, and what it calls itself:
processes/posts.toml and units.toml.

A folder from before units.toml, or from before a post said which desk it keeps, means by that what
the shipped one says.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from engine import settings
from engine.errors import ProcessFault
from engine.messages import Both, _
from engine.people.organisation import RUNNER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Table = Mapping[str, Any]  # one of a TOML file

_KEY = re.compile(r"[a-z][a-z0-9_]{1,48}")
_SAID = ("desk", "heads", "superior", "category", "category_en")  # what else a post may say
OFFICE, AUDIT, ADMINISTRATION = "office", "audit", "administration"  # the desks


NO_WORDS = Both("", "")


@dataclass(frozen=True)
class PostKind:
    """What a member can hold.

    units: the kinds of units that have it (empty: any). term: it needs a 届次. desk: which it
    keeps, if any. heads: whoever holds it heads the unit. superior: acts for a union above others.
    category: its word where posts are entered by category.
    """

    key: str
    title: str
    title_en: str
    units: frozenset[str] = frozenset()
    term: bool = False
    desk: str = ""
    heads: bool = False
    superior: bool = False
    category: str = ""
    category_en: str = ""

    @property
    def words(self) -> Both:
        """What it is called, as a value of a message."""
        return Both(self.title, self.title_en)


@dataclass(frozen=True)
class UnitKind:
    """A kind of unit.

    parents: the kinds it may stand under (empty: any). union: it is a union itself (`tenant` in
    the file, or `union`). top: it stands
    under none. city: it is one of a city. superiors: the decision table that tells who manages it.
    example: a name, for templates.
    """

    key: str
    title: str
    title_en: str
    parents: frozenset[str] = frozenset()
    union: bool = False
    top: bool = False
    city: bool = False
    superiors: str = ""
    example: Both = NO_WORDS

    @property
    def words(self) -> Both:
        """What it is called, as a value of a message."""
        return Both(self.title, self.title_en)


@dataclass(frozen=True)
class Categories:
    """Posts that are entered by category: what these people are called, the columns of their table,
    what is noted to it.
    """

    title: Both
    kind: Both
    about: Both
    unit: Both
    unit_names: tuple[str, ...]
    unit_endings: tuple[
        str, ...
    ]  # what may stand behind the name of a unit, and means the same one
    note: Both


@dataclass(frozen=True)
class Kinds:
    """All kinds by key. `open` when there is no posts.toml: then any well-formed key is a post.

    speaking: the posts that say which desk they keep, and so on. tenant: what a union is called;
    reports: what it reports to the one that manages it. owners: who may run one. affiliations: the
    lines of leadership that it may belong to, `affiliation` what that is called.
    """

    posts: Mapping[str, PostKind]
    speaking: Mapping[str, PostKind]
    units: Mapping[str, UnitKind]
    tenant: Both
    reports: Both
    owners: Mapping[str, Both]
    affiliation: Both
    affiliations: Mapping[str, Both]
    categories: Categories
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

    @property
    def tenant_label(self) -> Both:
        """What a union is called where that stands alone."""
        return Both(self.tenant.zh, self.tenant.en.capitalize())

    @cached_property
    def desks(self) -> Mapping[str, frozenset[str]]:
        """The posts that keep each desk."""
        said = self.speaking.values()
        names = (OFFICE, AUDIT, ADMINISTRATION)
        return {name: frozenset(p.key for p in said if p.desk == name) for name in names}

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """The posts whose holders head their unit."""
        return tuple(post.key for post in self.speaking.values() if post.heads)

    @cached_property
    def superiors(self) -> tuple[str, ...]:
        """The posts whose holders act for a union above others."""
        return tuple(post.key for post in self.speaking.values() if post.superior)

    @cached_property
    def by_category(self) -> tuple[PostKind, ...]:
        """The posts that are entered by category; in a union a person is one of these, in one
        unit.
        """
        return tuple(post for post in self.speaking.values() if post.category)

    @cached_property
    def managing(self) -> frozenset[str]:
        """The kinds of unions that a decision table may name as superior."""
        parents = (unit.parents for unit in self.units.values() if unit.superiors)
        return frozenset(key for each in parents for key in each if self.units[key].union)


def kinds() -> Kinds:
    """The kinds in force. Raises ProcessFault when a file cannot be read."""
    return _kinds(settings.processes())


def tenant() -> Both:
    """What a union is called here."""
    return kinds().tenant


def _kinds(folder: Path) -> Kinds:
    return _read(folder, _changed(folder / "posts.toml"), _changed(folder / "units.toml"))


def _changed(path: Path) -> int:
    """When a file was changed last; 0 when there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=8)
def _read(folder: Path, posts_at: int, units_at: int) -> Kinds:
    shipped = None if folder == settings.SHIPPED else _kinds(settings.SHIPPED)
    posts = _toml(folder / "posts.toml") if posts_at else {}
    units = _toml(folder / "units.toml") if units_at else {}
    known = {key: _post(key, entry) for key, entry in _tables(posts, "posts")}
    if shipped and posts_at:  # whatever a folder says, somebody answers for the installation
        known.setdefault(RUNNER, shipped.posts[RUNNER])
    speaking = known
    if shipped and not any(post.desk for post in known.values()):
        speaking = dict(shipped.speaking)
        known = {key: _as_shipped(post, speaking.get(key)) for key, post in known.items()}
    if shipped and not units_at:
        own = {k: _unit(k, e, shipped.units.get(k)) for k, e in _tables(posts, "units")}
        merged = {**shipped.units, **own}
        return replace(shipped, posts=known, speaking=speaking, units=merged, open=not posts_at)
    return Kinds(
        posts=known,
        speaking=speaking,
        units={key: _unit(key, entry) for key, entry in _tables(units, "units")},
        tenant=_words(units.get("tenant", {}), "title"),
        reports=_words(units.get("tenant", {}), "reports"),
        owners={key: _words(entry, "title") for key, entry in _tables(units, "owners")},
        affiliation=_words(units.get("affiliation", {}), "title"),
        affiliations={k: _words(entry, "title") for k, entry in _tables(units, "affiliations")},
        categories=_categories(units.get("categories", {})),
        open=not posts_at,
    )


def _as_shipped(post: PostKind, shipped: PostKind | None) -> PostKind:
    """A post that says what the shipped one of its name says."""
    if shipped is None:
        return post
    return replace(post, **{name: getattr(shipped, name) for name in _SAID})


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        wrong = _("{file} 读不懂。", file=path.name)
        raise ProcessFault(wrong, file=path.name, advice=str(fault)) from fault


def _tables(data: Table, name: str) -> list[tuple[str, dict[str, Any]]]:
    entries = data.get(name)
    return (
        [(k, e) for k, e in entries.items() if isinstance(e, dict)]
        if isinstance(entries, dict)
        else []
    )


def _words(entry: Table, key: str) -> Both:
    return Both(str(entry.get(key, "")), str(entry.get(f"{key}_en", "")))


def _listed(entry: Table, *names: str) -> frozenset[str]:
    value = next((entry[n] for n in names if n in entry), ())
    found = frozenset(
        {value} if isinstance(value, str) else value if isinstance(value, list) else ()
    )
    return frozenset() if found & {"any", "*"} else found


def _post(key: str, entry: Table) -> PostKind:
    return PostKind(
        key,
        title=str(entry.get("title", key)),
        title_en=str(entry.get("title_en", key)),
        units=_listed(entry, "units", "unit_kinds", "unit"),
        term=bool(entry.get("term_required", entry.get("term", False))),
        desk=str(entry.get("desk", "")),
        heads=bool(entry.get("heads", False)),
        superior=bool(entry.get("superior", False)),
        category=str(entry.get("category", "")),
        category_en=str(entry.get("category_en", "")),
    )


def _unit(key: str, entry: Table, known: UnitKind | None = None) -> UnitKind:
    """A kind of unit; `known` is the one that it changes."""
    old = known or UnitKind(key, key, key)
    return UnitKind(
        key,
        title=str(entry.get("title", old.title)),
        title_en=str(entry.get("title_en", old.title_en)),
        parents=_listed(entry, "parents", "parent") or old.parents,
        union=bool(entry.get("tenant", entry.get("union", old.union))),
        top=bool(entry.get("top", old.top)),
        city=bool(entry.get("city", old.city)),
        superiors=str(entry.get("superiors", old.superiors)),
        example=_words(entry, "example") if "example" in entry else old.example,
    )


def _categories(entry: Table) -> Categories:
    return Categories(
        title=_words(entry, "title"),
        kind=_words(entry, "kind"),
        about=_words(entry, "about"),
        unit=_words(entry, "unit"),
        unit_names=tuple(map(str, entry.get("unit_names", ()))),
        unit_endings=tuple(map(str, entry.get("unit_endings", ()))),
        note=_words(entry, "note"),
    )
