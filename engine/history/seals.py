"""Seals the history: every event becomes a leaf of one Merkle tree, whose root is signed as a
checkpoint for witnesses.

A chain alone does not stop a database administrator; a checkpoint kept outside does. Events younger
than the last witnessed checkpoint can still be rewritten by whoever holds the database and the key:
the pages say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, text, update

from engine import clock
from engine.db import tables
from engine.errors import Invalid
from engine.history import kept, keyring, keys, merkle, resumed, verification
from engine.history.event_log import Break
from engine.history.verification import elsewhere
from engine.messages import Message, _, restored, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from engine.db import Session, rows

LOCK = 0x5958_5345  # "YXSE": one sealer at a time
BATCH = 20_000
LATE = timedelta(minutes=2)
_event, _checkpoint = tables.event.c, tables.checkpoint.c


@dataclass(frozen=True)
class Checkpoint:
    """The tree's size and root (32 bytes) at a moment, signed."""

    size: int
    root: bytes
    at: datetime
    key_id: str
    signature: bytes
    witness: str


def latest(session: Session) -> Checkpoint | None:
    """The newest checkpoint."""
    row = session.execute(
        select(tables.checkpoint).order_by(_checkpoint.size.desc()).limit(1)
    ).first()
    return (
        Checkpoint(
            row.size,
            bytes(row.root),
            row.at,
            key_id=row.key_id,
            signature=bytes(row.signature),
            witness=row.witness,
        )
        if row
        else None
    )


def seal(session: Session, key: keys.SigningKey) -> int:
    """Give every unsealed event its leaf, in the order of their ids, and sign the new root. Gives
    the number of new leaves.

    By `leaf_no IS NULL`, never by `id > last`: a transaction may commit a smaller id later.
    """
    if not session.execute(
        text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK}
    ).scalar():
        return 0
    rows = session.execute(
        select(_event.id, _event.hash)
        .where(_event.leaf_no.is_(None))
        .order_by(_event.id)
        .limit(BATCH)
    ).all()
    if not rows:
        return 0
    last = session.execute(
        select(_checkpoint.frontier).order_by(_checkpoint.size.desc()).limit(1)
    ).scalar()
    frontier = merkle.Frontier.from_bytes(bytes(last)) if last else merkle.Frontier()
    numbered = []
    for row in rows:
        numbered.append({"key": row.id, "leaf": frontier.size})
        frontier.append(merkle.leaf_hash(bytes(row.hash)))
    unsealed = update(tables.event).where(_event.id == bindparam("key"), _event.leaf_no.is_(None))
    session.execute(unsealed.values(leaf_no=bindparam("leaf")), numbered)
    at = clock.now().replace(microsecond=0)
    signed = key.sign(keys.checkpoint_text(frontier.size, frontier.root(), at, key.key_id))
    session.execute(
        insert(tables.checkpoint).values(
            size=frontier.size,
            root=frontier.root(),
            frontier=frontier.to_bytes(),
            key_id=key.key_id,
            signature=signed,
            at=at,
        )
    )
    return len(rows)


@dataclass(frozen=True)
class Verdict:
    """What `yixing verify` found. `broken` is the first false line; None means that all holds."""

    chains: int
    events: int
    leaves: int
    checkpoints: int
    unsealed: int
    broken: Break | None = None
    fault: str = ""  # a Message when there is one
    late: int = 0  # events that are two minutes earlier than a checkpoint that was signed before
    unproved: str = ""  # nothing is false, but this (a Message) could not, or not yet, be proved
    older: int = 0  # matters whose events tell less than today's: compared as far as they do
    baseline: str = ""  # since when they are compared like the others; "" is never
    older_unions: int = 0  # unions registered when events told less

    @property
    def since(self) -> Message | None:
        """Since when what was begun when events told less is compared; None where nothing was."""
        return resumed.Early(self.older, self.older_unions, self.baseline).told()

    def told(self) -> dict[str, Any]:
        """It as plain JSON, to be kept."""
        found = {each.name: stored(getattr(self, each.name)) for each in fields(self)}
        if self.broken is None:
            del found["broken"]
        else:
            why = stored(self.broken.why)
            chain_id = str(self.broken.chain_id)
            found["broken"] = {"chain_id": chain_id, "seq": self.broken.seq, "why": why}
        return found

    @classmethod
    def restored(cls, found: Mapping[str, Any]) -> Verdict:
        """What `told` made of it."""
        says = {key: restored(value) for key, value in found.items() if key != "broken"}
        broken = found.get("broken")
        if broken is not None:
            broken = Break(UUID(broken["chain_id"]), broken["seq"], restored(broken["why"]))
        return cls(**says, broken=broken)


def verify(
    session: Session,
    public: bytes | None,
    progress: Callable[[int], None] | None = None,
    outside: Iterable[keys.Checkpoint] = (),
    log: Sequence[kept.Line] = (),
    url: str = "",
    home: Path | None = None,
) -> Verdict:
    """Check the whole database: every chain, leaf, checkpoint and signature, and what is kept
    beside the history.

    `outside` are checkpoints that somebody kept elsewhere: the leaves must still give each of them.
    With the `url` and `home` of the database, of which `session` sees one moment (REPEATABLE READ),
    a second process takes half of a long history.
    """
    low = elsewhere.middle(session) if url else None
    other = None if low is None else elsewhere.Other(session, url, home, low)
    both = progress and (lambda events: progress(events + (other.events if other else 0)))
    read = verification.Chains(session, both, verification.Range(None, low))
    false = verification.first_false(session, read, other)
    if progress:
        progress(read.events)
    if false:
        return Verdict(read.chains, read.events, 0, 0, 0, broken=false, fault=false.why)
    logged = [line.checkpoint for line in kept.binding(log)]
    outside = sorted([*outside, *logged], key=lambda point: point.size)
    leaves, points, late, fault = _check_tree(session, public, outside)
    unsealed = session.execute(
        select(func.count()).select_from(tables.event).where(_event.leaf_no.is_(None))
    ).scalar_one()
    fault = fault or resumed.missing(session, log) or ""
    unproved = "" if fault else _unproved(session, public, points)
    early = _early(session)
    return Verdict(
        read.chains,
        read.events,
        leaves,
        points,
        unsealed,
        fault=fault,
        late=late,
        unproved=unproved,
        older=early.matters,
        baseline=early.at,
        older_unions=early.unions,
    )


def since(session: Session) -> Message | None:
    """Since when what was begun when events told less is compared; None where nothing was."""
    return _early(session).told()


def _early(session: Session) -> resumed.Early:
    told = resumed.baseline(session)
    at = told.at if told and told.confirmed else ""
    return resumed.Early(verification.older(session), verification.early_unions(session), at)


def _unproved(session: Session, public: bytes | None, points: int) -> str:
    """What stands between true and proved."""
    last = resumed.newest(session)
    if last is not None and not last.confirmed:
        return last.told()
    if public is None and points:
        return _("签名密钥不在本机上，没有核对签名")
    return ""


def _check_tree(
    session: Session, public: bytes | None, outside: list[keys.Checkpoint]
) -> tuple[int, int, int, str]:
    """How many leaves and checkpoints hold, how many are late, and the first fault. Takes from
    `outside`, by size, what it has checked.
    """
    query = select(tables.checkpoint).order_by(_checkpoint.size)
    points = cast("list[rows.Checkpoint]", session.execute(query).all())
    trusted = None if public is None else keyring.trusted(session, public)
    tree = _Tree(session, public, list(points), outside, trusted)
    if fault := tree.grow() or tree.left_over():
        return tree.frontier.size, len(points) if not tree.waiting else 0, tree.late, fault
    last = points[-1].size if points else 0
    if tree.frontier.size > last:
        return tree.frontier.size, len(points), tree.late, _("最后的检查点缺失")
    return tree.frontier.size, len(points), tree.late, ""


@dataclass
class _Tree:
    """The tree as the leaves give it, against the checkpoints that wait for their size."""

    session: Session
    public: bytes | None
    waiting: list[rows.Checkpoint]
    outside: list[keys.Checkpoint]
    trusted: dict[str, bytes] | None  # keys that may have signed, oldest first; None: not looked at
    frontier: merkle.Frontier = field(default_factory=merkle.Frontier)
    signed: datetime | None = None  # the moment of the checkpoint before
    late: int = 0

    def grow(self) -> Message | None:
        """Leaf by leaf; the first fault."""
        leaves = self.session.execute(
            select(_event.leaf_no, _event.hash, _event.at)
            .where(_event.leaf_no.is_not(None))
            .order_by(_event.leaf_no)
            .execution_options(yield_per=5000)
        )
        if fault := self._check_here():
            return fault
        for number, told, at in leaves:
            if number != self.frontier.size:
                return _("缺少第 {leaf} 片叶", leaf=self.frontier.size)
            self.frontier.append(merkle.leaf_hash(bytes(told)))
            self.late += self.signed is not None and at < self.signed - LATE
            if fault := self._check_here():
                return fault
        return None

    def left_over(self) -> Message | None:
        """The first checkpoint that is larger than the tree."""
        if self.outside:
            return _(
                "留存的检查点 {size} 已无法由数据库证明，数据库只有 {leaves} 片叶",
                size=self.outside[0].size,
                leaves=self.frontier.size,
            )
        if self.waiting:
            return _("检查点 {size} 超出现有记录", size=self.waiting[0].size)
        return None

    def _check_here(self) -> Message | None:
        """The checkpoints of this size have its root."""
        while self.waiting and self.waiting[0].size == self.frontier.size:
            self.signed = self.waiting[0].at
            point = self.waiting.pop(0)
            if fault := _check_point(point, self.frontier, self.trusted):
                return fault
            if self.trusted:  # once a key has handed over, it signs no more
                for older in list(self.trusted):
                    if older == point.key_id:
                        break
                    del self.trusted[older]
        return _check_outside(self.outside, self.frontier, self.public)


def _check_outside(
    outside: list[keys.Checkpoint], frontier: merkle.Frontier, public: bytes | None
) -> Message | None:
    """Take from the kept checkpoints those of this size; the leaves must give their roots."""
    while outside and outside[0].size <= frontier.size:
        point = outside.pop(0)
        if point.root != frontier.root():
            return _("留存的检查点 {size} 与数据库不符", size=point.size)
        known = public is not None and point.key_id == keys.key_id(public)
        if known and not keys.verify(public or b"", point.signature or b"", point.text()):
            return _("留存的检查点 {size} 的签名无效", size=point.size)
    return None


def _check_point(
    point: rows.Checkpoint, frontier: merkle.Frontier, trusted: dict[str, bytes] | None
) -> Message | None:
    size, root = frontier.size, frontier.root()
    if bytes(point.root) != root or bytes(point.frontier) != frontier.to_bytes():
        return _("检查点 {size} 的根不符", size=size)
    if trusted is None:
        return None
    try:
        signed = keys.checkpoint_text(size, root, point.at, point.key_id)
    except Invalid:  # a key id that is none
        signed = b""
    public = trusted.get(point.key_id, b"")
    if keys.verify(public, bytes(point.signature), signed):
        return None
    return _("检查点 {size} 的签名无效", size=size)


def witness(session: Session, size: int, who: str) -> None:
    """Note who outside holds a checkpoint."""
    session.execute(
        update(tables.checkpoint).where(_checkpoint.size == size).values(witness=who[:200])
    )
