"""Witnesses of checkpoints: registered by two people, and what comes back from them is checked
before it counts. And this installation as the witness of another one.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select

from engine import clock
from engine.commands import proposals
from engine.commands.people import words
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound, Unavailable
from engine.history import event_log, keys, seals, timestamps, witnesses
from engine.history.event_log import INSTALLATION
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from engine.db import Session, rows
    from engine.history.signing import Signer
    from engine.history.witnesses import Continuation, Countersignature
    from engine.people.organisation import Actor
    from engine.settings import Settings

WITNESS = "witness"  # the kind of proposals
_point = tables.checkpoint.c


# --- who is a witness -----------------------------------------------------------------------------
def propose(session: Session, actor: Actor, name: str, public: str) -> UUID:
    """Propose a witness by name and public key (64 hex digits); gives the proposal's id. Another
    one decides.

    Raises Refused, Invalid, Conflict (registered already, or our own key).
    """
    access.check(actor, "witness", INSTALLATION)
    name = words.line("name", name, 100, 2)
    key = _public(public)
    if keys.key_id(key) in witnesses.registered(session):
        raise Conflict(_("这把公钥已经登记。"), code="registered")
    own = select(_point.size).where(_point.key_id == keys.key_id(key)).limit(1)
    if session.execute(own).first():
        raise Conflict(_("这是本系统自己的公钥，不能作自己的证人。"), code="own_key")
    body = {"name": name, "public": key.hex()}
    draft = proposals.Draft(WITNESS, INSTALLATION, keys.key_id(key), body)
    return proposals.hand_in(session, actor, draft)


def _public(text: str) -> bytes:
    """A public key of 32 bytes from its hex digits. Raises Invalid."""
    try:
        found = bytes.fromhex(text.strip())
    except ValueError:
        found = b""
    if len(found) != 32:
        raise Invalid({"public": [_("公钥应为 64 位十六进制数字。")]})
    return found


def decide(session: Session, actor: Actor, row: rows.Proposal, approve: bool) -> None:
    """Register the proposed witness, or not. Raises Refused, Conflict."""
    access.check(actor, "approve_witness", INSTALLATION)
    proposals.must_be_second(session, actor, row, "approve_witness")
    if approve:
        details = {**row.body, "key": row.subject, "proposer": str(row.proposer_id)}
        event_log.note(session, INSTALLATION, "witness_registered", actor, **details)


def end(session: Session, actor: Actor, key_id: str) -> None:
    """A witness is one no more; what it signed stays. Raises Refused, NotFound."""
    access.check(actor, "witness", INSTALLATION)
    found = witnesses.registered(session).get(key_id)
    if found is None:
        raise NotFound
    event_log.note(session, INSTALLATION, "witness_ended", actor, key=key_id, name=found.name)


# --- what comes back ------------------------------------------------------------------------------
def accept(session: Session, actor: Actor | None, text: str) -> int:
    """Keep a countersignature that came back; gives the size of its checkpoint.

    Raises Refused, Invalid (not of a registered witness, not of our history), Conflict (kept
    already).
    """
    _may(actor)
    said = witnesses.parse(text)
    witness = witnesses.registered(session).get(said.key_id)
    if witness is None:
        raise Invalid(_("会签的密钥 {key} 没有登记为证人", key=said.key_id))
    if not said.signed_by(witness.public):
        raise Invalid(_("会签的签名无效"))
    row = _own(session, said.size)
    if bytes(row.root) != said.root or row.key_id != said.origin:
        raise Invalid(_("会签的检查点 {size} 与本系统的记录不符", size=said.size))
    _keep(
        session,
        actor,
        "checkpoint_countersigned",
        row,
        name=witness.name,
        key=said.key_id,
        note=text,
    )
    return said.size


def accept_stamp(
    session: Session, actor: Actor | None, size: int, reply: bytes, authority: Path | None
) -> None:
    """Keep a time-stamp of a checkpoint. Raises Refused, NotFound, Invalid, Conflict (no authority
    is set, or one is kept already).
    """
    _may(actor)
    if authority is None:
        raise Conflict(_("没有设 YIXING_TSA_CA，不能核对时间戳。"), code="no_authority")
    row = _own(session, size)
    at = timestamps.check(_note(row), reply, authority)
    told = base64.b64encode(reply).decode()
    stamped = {"name": _("时间戳服务"), "stamped": at.isoformat(), "reply": told}
    _keep(session, actor, "checkpoint_stamped", row, **stamped)


def _may(actor: Actor | None) -> None:
    """A person who answers for the installation, or the daily job."""
    if actor is not None:
        access.check(actor, "witness", INSTALLATION)


def _own(session: Session, size: int) -> rows.Checkpoint:
    query = select(tables.checkpoint).where(_point.size == size).with_for_update()
    return cast("rows.Checkpoint", access.must_see(session.execute(query).first()))


def _note(row: rows.Checkpoint) -> bytes:
    text = keys.checkpoint_text(row.size, bytes(row.root), row.at, row.key_id)
    return keys.note(text, bytes(row.signature))


def _keep(
    session: Session, actor: Actor | None, kind: str, row: rows.Checkpoint, **details: Any
) -> None:
    way = "key" if kind == witnesses.SIGNED else "stamp"
    for each in witnesses.held(session):
        if (each.size, each.way, each.name) == (row.size, way, details["name"]):
            raise Conflict(_("这个检查点的这份证明已经收到。"), code="witnessed")
    told = {"size": row.size, "root": bytes(row.root).hex(), **details}
    event_log.note(session, INSTALLATION, kind, actor, **told)


# --- for another installation ---------------------------------------------------------------------
def countersign(
    session: Session, actor: Actor, signing: Callable[[Session], Signer], text: str
) -> str:
    """What this installation says, as a witness, of a checkpoint of another one; gives the note.

    `signing` gives who signs here. Raises Refused, Invalid (no checkpoint, or one that
    does not go on from what was signed before).
    """
    access.check(actor, "witness", INSTALLATION)
    (point, proved), signer = witnesses.parse_sent(text), signing(session)
    if point.key_id == signer.key.key_id:
        raise Conflict(_("这是本系统自己的公钥，不能作自己的证人。"), code="own_key")
    _check_goes_on(witnesses.given(session, point.key_id), point, proved)
    at = clock.now().replace(microsecond=0)
    said = witnesses.countersigned(point, signer.key, at)
    details = {"size": point.size, "origin": point.key_id, "note": said.note()}
    event_log.note(session, INSTALLATION, "countersignature_given", actor, **details)
    return said.note()


def _check_goes_on(
    before: Countersignature | None, point: keys.Checkpoint, proved: list[Continuation]
) -> None:
    """A witness signs only what begins with all that it signed before. Raises Invalid."""
    size = before.size if before else 0
    if before is None or (point.size, point.root) == (before.size, before.root):
        goes_on = point.size > 0
    else:
        goes_on = any(each.proves(before, point) for each in proved)
    if before is not None and point.size > before.size and not proved:
        why = _("须附上从检查点 {size} 起的延续证明，才能会签", size=size)
        raise Invalid(why, code="no_continuation")
    if not goes_on:
        raise Invalid(_("这个检查点没有接上先前会签的检查点 {size}，不能会签", size=size))


def given_size(session: Session, actor: Actor, origin: str) -> int:
    """How many leaves the checkpoint had that this installation countersigned last for the one
    whose key that is; 0: none. Raises Refused.
    """
    access.check(actor, "witness", INSTALLATION)
    before = witnesses.given(session, origin)
    return before.size if before else 0


def due(session: Session) -> seals.Checkpoint | None:
    """The newest checkpoint, when nobody outside holds it yet."""
    point = seals.latest(session)
    return None if point is None or witnesses.newest(session) >= point.size else point


def outgoing(session: Session, size: int, since: int) -> bytes:
    """A checkpoint as it is sent to a witness that countersigned one of `since` leaves before."""
    note = _note(_own(session, size)).decode()
    return witnesses.outgoing(session, note, size, [since]).encode()


# --- day by day -----------------------------------------------------------------------------------
Keep = Callable[["Session", int], object]


@dataclass(frozen=True)
class Way:
    """How this installation is witnessed by itself. since: how much the other side countersigned
    before, by the id of our key; ask: takes a checkpoint outside, and gives what keeps the reply.
    """

    since: Callable[[str], int]
    ask: Callable[[bytes], Keep]


def ways(settings: Settings) -> list[Way]:
    """Those that are set."""
    found = []
    if settings.tsa_url:
        found.append(Way(lambda _key: 0, partial(_stamped, settings)))
    if settings.witness_url:
        found.append(Way(partial(_given_before, settings), partial(_asked, settings)))
    return found


def _given_before(settings: Settings, key: str) -> int:
    """Ask the witness. Unavailable: it does not answer, or refuses."""
    request = _request(settings, f"/countersignatures/{key}", None)
    return int(_answer(settings, request)["size"])


def _stamped(settings: Settings, note: bytes) -> Keep:
    reply = timestamps.ask(settings.tsa_url, note)
    return lambda session, size: accept_stamp(session, None, size, reply, settings.tsa_ca)


def _asked(settings: Settings, note: bytes) -> Keep:
    """Ask another installation by its API. Unavailable: it does not answer, or refuses."""
    sent = json.dumps({"checkpoint": note.decode()}).encode()
    said = str(_answer(settings, _request(settings, "/countersignatures", sent))["note"])
    return lambda session, _size: accept(session, None, said)


def _request(settings: Settings, path: str, sent: bytes | None) -> urllib.request.Request:
    return urllib.request.Request(
        f"{settings.witness_url}/api/v1{path}",
        sent,
        {
            "Authorization": f"Bearer {settings.witness_token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(tables.new_id()),
        },
        method="GET" if sent is None else "POST",
    )


def _answer(settings: Settings, request: urllib.request.Request) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(request, timeout=timestamps.SECONDS) as answer:
            said = json.loads(answer.read(timestamps.LARGEST))
            return {"size": 0, "note": "", **said}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        message = _("证人 {url} 没有会签：{fault}", url=settings.witness_url, fault=str(fault))
        raise Unavailable(message, code="no_witness") from fault
