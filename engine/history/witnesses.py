"""Who outside holds a checkpoint, as far as it is proved: by the signature of a registered key over
the same size and root, or by a time-stamp of RFC 3161.

A name that somebody typed proves nothing; it stays on record as what it is. All of this stands in
the installation's chain: `witness_registered` (two people), `checkpoint_countersigned` with the
note that came back, `checkpoint_stamped` with the service's reply, and, on the side of the witness,
`countersignature_given`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select

from engine.db import tables
from engine.errors import Invalid
from engine.history import keys, merkle, proofs
from engine.history.event_log import INSTALLATION
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.db import Session

COUNTERSIGNATURE = "yixing/countersignature/1"
CONTINUATION = "yixing/continuation/1"
REGISTERED, ENDED = "witness_registered", "witness_ended"
SIGNED, STAMPED, GIVEN = "checkpoint_countersigned", "checkpoint_stamped", "countersignature_given"
_LINES = re.compile(
    rf"{re.escape(COUNTERSIGNATURE)}\n([1-9][0-9]{{0,18}})\n([0-9a-f]{{64}})\n"
    r"of ([0-9a-f]{16})\n"
    r"at ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)\n"
    r"key ([0-9a-f]{16})\nsig ([0-9a-f]{128})"
)
_GOES_ON = re.compile(
    rf"{re.escape(CONTINUATION)}\n([1-9][0-9]{{0,18}})\n([1-9][0-9]{{0,18}})((?:\n[0-9a-f]{{64}}){{0,64}})"
)
_PART = re.compile(r"(?m)^(?=\s*yixing/)")
_event = tables.event.c


@dataclass(frozen=True)
class Continuation:
    """The proof of RFC 6962 §2.1.2 that the tree of `new` leaves begins with that of `old`."""

    old: int
    new: int
    path: tuple[bytes, ...]

    def text(self) -> str:
        """As it is sent with a checkpoint."""
        lines = [CONTINUATION, str(self.old), str(self.new), *(node.hex() for node in self.path)]
        return "\n".join(lines) + "\n"

    def proves(self, old: Countersignature, new: keys.Checkpoint) -> bool:
        """Does this checkpoint go on from what was countersigned?"""
        return (self.old, self.new) == (old.size, new.size) and merkle.verify_consistency(
            self.old, self.new, self.path, old.root, new.root
        )


@dataclass(frozen=True)
class Countersignature:
    """A witness, whose key is `key_id`, saw at that moment the tree of `size` leaves with this
    root, signed by the key `origin`.
    """

    size: int
    root: bytes
    origin: str
    at: datetime
    key_id: str
    signature: bytes = b""

    def text(self) -> bytes:
        """The bytes that are signed."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = [COUNTERSIGNATURE, str(self.size), self.root.hex()]
        lines += [f"of {self.origin}", f"at {at}", f"key {self.key_id}"]
        return ("\n".join(lines) + "\n").encode()

    def note(self) -> str:
        """As it is sent back."""
        return keys.note(self.text(), self.signature).decode()

    def signed_by(self, public: bytes) -> bool:
        """Does it bear this key's signature?"""
        return keys.key_id(public) == self.key_id and keys.verify(
            public, self.signature, self.text()
        )

    @property
    def checkpoint(self) -> keys.Checkpoint:
        """What it holds the history to, once its own signature is verified."""
        return keys.Checkpoint(self.size, self.root, self.at, self.key_id)


def countersigned(point: keys.Checkpoint, key: keys.SigningKey, at: datetime) -> Countersignature:
    """What this key says of a checkpoint."""
    said = Countersignature(point.size, point.root, point.key_id, at, key.key_id)
    return replace(said, signature=key.sign(said.text()))


def parse(text: str) -> Countersignature:
    """Read one countersignature; what mail does to it is ignored. It does not verify the signature.

    Invalid: it is none.
    """
    lines = "\n".join(line.strip() for line in text.splitlines() if line.strip())
    found = _LINES.fullmatch(lines)
    if not found:
        raise Invalid(_("不是证人的会签：应以 {first} 开头，共 7 行", first=COUNTERSIGNATURE))
    size, root, origin, at, key_id, signature = found.groups()
    try:
        moment = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as fault:
        raise Invalid(_("会签的时刻不存在：{at}", at=at)) from fault
    return Countersignature(
        size=int(size),
        root=bytes.fromhex(root),
        origin=origin,
        at=moment,
        key_id=key_id,
        signature=bytes.fromhex(signature),
    )


# --- what is sent ---------------------------------------------------------------------------------
def outgoing(session: Session, note: str, size: int, since: Iterable[int]) -> str:
    """A checkpoint of `size` leaves as it is sent: its note, and the proofs that it goes on from
    each of those sizes.
    """
    parts = [note]
    for old in sorted({each for each in since if 0 < each < size}):
        (proof,) = cast("Any", proofs.prove(session, (), [old, size])["consistency"])
        path = tuple(bytes.fromhex(node) for node in proof["path"])
        parts.append(Continuation(old, size, path).text())
    return "".join(parts)


def parse_sent(text: str) -> tuple[keys.Checkpoint, list[Continuation]]:
    """What `outgoing` wrote. Invalid: names what cannot be read."""
    parts = [part.strip() for part in _PART.split(text.lstrip("\ufeff")) if part.strip()]
    others = [part for part in parts if not part.startswith(CONTINUATION)]
    proved = [_continuation(part) for part in parts if part.startswith(CONTINUATION)]
    return keys.parse_checkpoint("\n".join(others)), proved


def _continuation(part: str) -> Continuation:
    lines = "\n".join(line.strip() for line in part.splitlines() if line.strip())
    found = _GOES_ON.fullmatch(lines)
    if not found:
        raise Invalid(_("不是延续证明：应以 {first} 开头", first=CONTINUATION))
    path = tuple(bytes.fromhex(node) for node in found[3].split())
    return Continuation(int(found[1]), int(found[2]), path)


# --- who is registered, and what came back --------------------------------------------------------
@dataclass(frozen=True)
class Witness:
    """A registered witness: its name and public key (32 bytes)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> str:
        return keys.key_id(self.public)


@dataclass(frozen=True)
class Held:
    """A checkpoint of this size is held outside: by whom, since when, and how that is proved."""

    size: int
    name: str
    at: str
    way: str  # "key" or "stamp"
    proof: str  # the note, or the service's reply in base64


def registered(session: Session) -> Mapping[str, Witness]:
    """The witnesses of today, by the ids of their keys."""
    found: dict[str, Witness] = {}
    for body in _bodies(session, REGISTERED, ENDED):
        if body["kind"] == ENDED:
            found.pop(body["key"], None)
        else:
            witness = Witness(body["name"], bytes.fromhex(body["public"]))
            found[witness.key_id] = witness
    return found


def held(session: Session) -> list[Held]:
    """All that came back, in the order in which it did."""
    return [
        Held(
            body["size"],
            body["name"],
            body["at"],
            "key" if body["kind"] == SIGNED else "stamp",
            body["note"] if body["kind"] == SIGNED else body["reply"],
        )
        for body in _bodies(session, SIGNED, STAMPED)
    ]


def countersigned_sizes(session: Session) -> list[int]:
    """The size of the newest checkpoint that each witness countersigned."""
    return list({e.name: e.size for e in held(session) if e.way == "key"}.values())


def newest(session: Session) -> int:
    """The size of the largest checkpoint that is held outside; 0: of none is it proved."""
    return max((each.size for each in held(session)), default=0)


def given(session: Session, origin: str) -> Countersignature | None:
    """The newest countersignature that this installation gave to the one whose key that is."""
    notes = [body["note"] for body in _bodies(session, GIVEN) if body["origin"] == origin]
    return parse(notes[-1]) if notes else None


def _bodies(session: Session, *kinds: str) -> Iterator[dict[str, Any]]:
    query = select(_event.body).where(_event.instance_id == INSTALLATION, _event.kind.in_(kinds))
    for body in session.execute(query.order_by(_event.seq)).scalars():
        yield json.loads(body)


def parse_kept(session: Session, text: str) -> list[keys.Checkpoint]:
    """The checkpoints of what somebody kept: checkpoints, and countersignatures of registered
    witnesses, one after another.

    Invalid: names what cannot be read, and a countersignature that no registered witness signed.
    """
    points, known = [], registered(session)
    for part in _PART.split(text.lstrip("\ufeff")):
        if not part.strip() or part.strip().startswith(CONTINUATION):
            continue  # the leaves themselves show what goes on from what
        if not part.strip().startswith(COUNTERSIGNATURE):
            points += keys.parse_checkpoints(part)
            continue
        said = parse(part)
        witness = known.get(said.key_id)
        if witness is None or not said.signed_by(witness.public):
            raise Invalid(_("会签 {size} 不是已登记证人的签名", size=said.size))
        points.append(said.checkpoint)
    return points
