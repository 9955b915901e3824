"""Process definitions: which there are, what a version says, and putting a new one in force by two
people.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import request
from flask_babel import gettext as _

from engine import forms
from engine.commands import definitions, own_versions
from engine.definitions import check
from engine.errors import Invalid, NotFound, ProcessFault
from engine.people import access
from engine.queries import definitions as reading
from engine.queries import differences, launchable
from engine.queries import own_versions as looking
from webui.api import strict
from webui.api.definitions.shapes import (
    HASH,
    Checked,
    Decided,
    Definition,
    DefinitionPage,
    DifferenceShape,
    Files,
    Opening,
    Proposal,
    Since,
    VersionPage,
    Zipped,
)
from webui.api.edge import Routes, multipart
from webui.http.words import lang
from webui.pages.author.definitions import MAX_ZIP, unzipped

if TYPE_CHECKING:
    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor
    from engine.queries.definitions import Full
    from engine.queries.differences import Difference

routes = Routes("process-definitions", "What the union decided: processes and their versions.")
ONE = "/process-definitions/<key>"
ROOM = 64 * 1024  # for what a multipart body holds besides the file


# --- reading -------------------------------------------------------------------------------------
@routes.look("/process-definitions", DefinitionPage)
def list_definitions(session: Session, actor: Actor) -> dict[str, Any]:
    """The processes with their versions in force."""
    mine = {found.process.id for found in launchable.launchable(session, actor)}
    listed = reading.listing(session, actor, lang())
    return {
        "items": [{**vars(each), "launchable": each.process_id in mine} for each in listed],
        "next": None,
    }


@routes.look(ONE, Definition)
def get_definition(session: Session, actor: Actor, key: str) -> dict[str, Any]:
    """The version in force of a process id, or the version of a hash."""
    found: Full = reading.full(session, actor, _hash(session, actor, key), lang())
    process = found.process
    return {
        "version": found.version,
        "title": process.title.in_(lang()),
        "summary": process.summary.in_(lang()),
        "basis": process.basis.in_(lang()),
        "launch": process.launch,
        "forms": _forms(process),
        "lanes": [
            {"title": lane.title, "steps": [_step(each) for each in lane.steps]}
            for lane in found.lanes
        ],
        "messages": list(process.messages),
        "decisions": list(process.decisions),
        "outline": found.outline,
        "stories": [story.title for story in found.stories],
        "rehearsals": found.stories,
        "others": found.others,
    }


def _step(step: reading.Step) -> dict[str, Any]:
    return {
        **vars(step),
        "next": [{"choice": choice, "leads_to": where} for choice, where in step.next],
    }


def _forms(process: Process) -> dict[str, Any]:
    return {
        key: {"form": rule.form, "answers": _json_schema(rule.form)}
        for key, rule in process.tasks.items()
        if rule.form
    }


@lru_cache(maxsize=256)
def _json_schema(form: forms.Form) -> dict[str, Any]:
    converter = OpenAPIConverter("3.1.0", lambda _schema: None, None)  # type: ignore[arg-type]
    return dict(converter.schema2jsonschema(forms.schema_of(form)))


def _hash(session: Session, actor: Actor, key: str) -> str:
    """The hash that is meant: itself, or that of the version in force of a process, in the actor's
    union. Raises NotFound.
    """
    if len(key) == HASH:
        return key
    found = reading.versions(session, actor, key)
    own = (v for v in found if any(o.in_force and o.union_id == actor.union_id for o in v.own))
    version = next(own, None) or next((v for v in found if v.latest), None)
    if version is None:
        raise NotFound
    return version.hash


@routes.look(f"{ONE}/versions", VersionPage)
def list_versions(session: Session, actor: Actor, key: str) -> dict[str, Any]:
    """The versions of a process, newest first."""
    return {"items": reading.versions(session, actor, key, lang()), "next": None}


@routes.look(f"{ONE}/files", Files)
def get_definition_files(session: Session, actor: Actor, key: str) -> dict[str, Any]:
    """The files of a version, as they were frozen, and what was handed in beside them."""
    digest = _hash(session, actor, key)
    found = reading.full(session, actor, digest)
    beside = reading.beside(session, found.version)
    return {"hash": digest, "files": found.process.files, "beside": beside}


@routes.look(f"{ONE}/opening", Opening)
def get_opening(session: Session, actor: Actor, key: str) -> dict[str, Any]:
    """What I need to start an instance of a process that my post opens."""
    found = launchable.opening(session, actor, key, lang())
    return {
        **vars(found),
        "process_id": found.process.id,
        "version": found.process.hash,
        "title": found.process.title.in_(lang()),
        "form": found.process.launch_form,
    }


@routes.look(f"{ONE}/difference", DifferenceShape, query=Since)
def difference(session: Session, actor: Actor, given: dict[str, Any], key: str) -> Difference:
    """What changed from an older version to this one."""
    return differences.difference(session, actor, given["old"], _hash(session, actor, key), lang())


# --- proposing -----------------------------------------------------------------------------------
def _folder() -> dict[str, Any]:
    """A folder as JSON, or as a ZIP in a multipart form."""
    if request.mimetype == "multipart/form-data":
        sent = strict.loaded(Zipped(), strict.uploaded({"note", "union_id"}, MAX_ZIP + ROOM))
        files = _unpacked(request.files["file"].stream.read(MAX_ZIP + 1))
    else:
        sent = strict.loaded(Proposal(), strict.body(request))
        files = {name: text.encode() for name, text in sent["files"].items()}
    texts = definitions.parse_upload(files)
    for text in texts.values():
        strict.text(text)
    return {"files": texts, "note": sent["note"], "union_id": sent.get("union_id")}


def _unpacked(data: bytes) -> dict[str, bytes]:
    try:
        return unzipped(data)
    except (zlib.error, struct.error, OverflowError):
        raise Invalid({"file": [_("这不是完好的 .zip 文件，或带有密码。")]}) from None


SENT = {
    **multipart(
        note={"type": "string", "maxLength": 500}, union_id={"type": "string", "format": "uuid"}
    ),
    "application/json": {"schema": Proposal},
}


@routes.act(
    "/process-definitions",
    Decided,
    status=201,
    at="/process-definitions/{hash}",
    read=_folder,
    sent=SENT,
)
def propose(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Hand in a folder for approval, for all or for one union, as JSON or as a ZIP; every fault in
    it is named at once. A worker plays its stories then: see `rehearsals` of the version.
    """
    access.unions(actor, "propose_definition")
    files, note, union_id = given["files"], given["note"], given["union_id"]
    try:
        if union_id is None:
            return {"hash": definitions.propose(session, actor, files, note)}
        own = own_versions.propose(session, actor, union_id, files, note)
        return {"hash": looking.one(session, actor, own).version, "own": own}
    except ProcessFault as fault:
        found = check.Fault(fault.file, fault.element, fault.message, fault.advice)
        raise Invalid({"files": [found.line]}) from None


@routes.act("/process-definitions/check", Checked, read=_folder, sent=SENT, keyed=False)
def check_folder(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Find every fault in a folder, for who may propose one: it takes seconds. Nothing is kept."""
    access.unions(actor, "propose_definition")
    if union_id := given["union_id"]:
        access.check_own(actor, "propose_definition", union_id)
    others = definitions.others(session, union_id)
    return {"faults": definitions.faults(given["files"], others)}


@routes.act(f"{ONE}/approve", Decided)
def approve(session: Session, actor: Actor, key: str) -> dict[str, str]:
    """Put a proposed version in force: never by whoever proposed it, and not before all its
    stories were played and went as told.
    """
    return {"hash": definitions.decide(session, actor, key, True)}


@routes.act(f"{ONE}/refuse", Decided)
def refuse(session: Session, actor: Actor, key: str) -> dict[str, str]:
    """Refuse a proposed version."""
    return {"hash": definitions.decide(session, actor, key, False)}
