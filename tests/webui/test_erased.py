"""An erasure takes every word of a confidential matter: each place where somebody's words may lie is found before, and empty
afterwards, in every table and file.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text

from engine import clock, db
from engine.commands import (
    attachments,
    confidence,
    corrections,
    deciding,
    drafts,
    edge,
    erasure,
    incidents,
    outside,
)
from engine.db import aside, queue, tables
from engine.errors import Refused
from engine.history import keys, seals, verify_pack
from engine.history.kinds.matters import MATTERS
from engine.history.kinds.polls import POLLS
from engine.history.signing import Signer
from engine.messages import Message
from tests.webui.erasing import erase_by_two, second_judge
from tests.webui.quiet import CANARY, OUTSIDE, Case, confidential_case
from webui.http import evidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.webui.conftest import House

NOBODY = "01a20509-42be-7875-a54e-608a92498ac0"
WHO = {"name": f"{CANARY}对方人", "office": f"{CANARY}处长", "unit": f"{CANARY}局"}


@pytest.fixture
def case(house: House, engine: Engine, url: str, tmp_path: Path) -> Case:
    found = confidential_case(house, engine, url, tmp_path)
    plant(found)
    return found


def plant(case: Case) -> None:
    """Words in every place that has any, beside those that the matter comes with; then it ends."""
    house, engine = case.house, case.app.extensions["engine"]
    judge = house.actor("judge")
    second = second_judge(case)
    house.do(
        "judge",
        confidence.let_in,
        case.id,
        house.people["third"],
        f"{CANARY}查阅",
        until=clock.today(),
    )
    paper = UUID(case.own["document_id"])
    wrong = house.do("judge", corrections.propose, paper, "void", f"{CANARY}有误")
    house.do(second, corrections.decide, wrong, True)
    house.do("judge", attachments.add, f"{CANARY}没有用上.txt", f"{CANARY}没有用上".encode())
    in_draft = house.do("judge", attachments.add, f"{CANARY}稿.txt", f"{CANARY}稿内".encode())
    told = {"opinion": f"{CANARY}草稿", "files": [str(in_draft)]}
    house.do("judge", drafts.save, f"task:{case.own['task_id']}", told)
    with pytest.raises(Refused):
        edge.carry_out(engine, judge, partial(refuse, case))
    with db.transaction(engine) as session:
        incidents.note(session, case.id, "command", ValueError(f"{CANARY}出错"))
        outside.note_reading(session, case.own["token"])
        to_another = {"instance_id": NOBODY, "message": "note", "source": str(case.id)}
        queue.defer(session, "deliver", answers={"word": f"{CANARY}传话"}, **to_another)
        session.execute(text("UPDATE procrastinate_jobs SET status = 'failed'"))
        reply = edge.Reply(200, f'{{"id": "{case.id}", "title": "{CANARY}回执"}}')
        edge.once(session, judge, "again", "f" * 64, lambda: reply)
        session.execute(insert(tables.pack).values(**_pack(case)))
        outside.answer(session, case.own["token"], {"days": 3, "opinion": f"{CANARY}答复"}, WHO)


def refuse(case: Case, _session: db.Session) -> None:
    why = Message("“{word}”不能办理。", word=f"{CANARY}不行")
    raise Refused(why, instance_id=str(case.id), verb="complete")


def _pack(case: Case) -> dict[str, Any]:
    now = clock.now()
    of = {"id": tables.new_id(), "instance_id": case.id, "member_id": case.house.people["judge"]}
    return {**of, "closed": [], "asked_at": now, "told_at": now, "data": f"{CANARY}包".encode()}


# where words of this matter are before it is erased, as table.column
PLACES = {
    *("attachment.name", "blob.data", "correction.reason", "document.data", "draft.answers"),
    *("event.words", "incident.detail", "incident.message", "instance.facts", "instance.title"),
    *("invitation.to", "pack.data", "procrastinate_jobs.args", "proposal.note", "reply.body"),
    *("roll.comment", "task.answers"),
}
SPOKEN = {  # what of the events: kind and key
    *("document_voided.reason", "member_let_in.reason"),
    *("correction_proposed.reason", "link_sent.to", "letter_read.to", "attempt_refused.why"),
    *("incident_noted.message", "task_completed.outside"),
}


def found(case: Case, home: Path) -> dict[str, int]:
    """How often the mark stands where: by table and column, in any table there is, and by file."""
    counts: dict[str, int] = {}
    with db.transaction(case.app.extensions["engine"]) as session:
        names = session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for name in names.scalars().all():
            for row in session.execute(text(f'SELECT * FROM "{name}"')).mappings():
                for column, value in row.items():
                    if not (name == "document" and row["number"] and row["kind"] == "note"):
                        _count(counts, f"{name}.{column}", value)
    for path in home.rglob("*"):
        if path.is_file():
            _count(counts, str(path), path.read_bytes())
    return counts


def _count(counts: dict[str, int], place: str, value: object) -> None:
    data = value if isinstance(value, bytes) else str(value).encode()
    if times := data.count(CANARY.encode()):
        counts[place] = counts.get(place, 0) + times


def spoken(case: Case) -> set[str]:
    with db.transaction(case.app.extensions["engine"]) as session:
        rows = session.execute(
            select(tables.event.c.kind, tables.event.c.words).where(
                tables.event.c.instance_id == case.id, tables.event.c.words.is_not(None)
            )
        ).all()
    return {f"{r.kind}.{k}" for r in rows for k, v in r.words.items() if CANARY in str(v)}


def history(case: Case) -> str:
    """As who started it reads it."""
    return str(case.api("mover", f"/process-instances/{case.id}/history").get_json())


def test_no_word_is_left_in_any_table_or_file(case: Case, tmp_path: Path) -> None:
    with clock.set_to(clock.now() + timedelta(days=3700)):
        house = case.house
        held = house.do("judge", erasure.hold, case.id, f"{CANARY}仲裁")
        before = found(case, tmp_path)
        house.do("judge2", deciding.decide, held, True)
        proposal = house.do("judge", erasure.propose, case.id, "保存期满")
        house.do("judge2", deciding.decide, proposal, True)
        assert before.keys() >= PLACES - {"document.data"}, PLACES - before.keys()
        assert sum(before.values()) > 40 and spoken(case) == set()
        assert found(case, tmp_path) == {}
        with db.transaction(case.app.extensions["engine"]) as session:
            assert seals.verify(session, None).broken is None
        assert history(case).count("（已按规定删除）") >= len(SPOKEN)
        page = case.browser("judge").get(f"/matters/{case.id}").text
        assert "<p>（已按规定删除）</p>" in page and "values" not in page
        told = case.api("mover", f"/process-instances/{case.id}/readings").get_json()["items"]
        assert "（已按规定删除）" in {each["reason"] for each in told}


def test_the_words_of_events_stand_beside_the_history_with_their_digests(case: Case) -> None:
    assert spoken(case) >= SPOKEN
    engine = case.app.extensions["engine"]
    with db.transaction(engine) as session:
        bodies = session.execute(select(tables.event.c.body)).scalars().all()
        assert CANARY not in "".join(bodies) and '{"aside":' in "".join(bodies)
        assert seals.verify(session, None).broken is None
    changes = (
        'words || \'{"reason": "另一理由"}\'',
        'words || \'{"more": "另一句话"}\'',
        "NULL",
    )
    for change in changes:
        with engine.connect() as session:
            one = f"UPDATE event SET words = {change} WHERE kind = 'member_let_in'"
            assert session.execute(text(one)).rowcount == 1
            broken = seals.verify(session, None).broken
            assert broken is not None and broken.chain_id == case.id and "原话" in str(broken.why)
            session.rollback()
    said = history(case)
    assert f"{CANARY}查阅" in said and WHO["name"] in said and OUTSIDE in said
    assert f"{CANARY}查阅" in case.browser("judge").get(f"/matters/{case.id}").text


def test_a_pack_proves_the_words_and_after_the_erasure_that_they_are_gone(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, house = keys.load_or_create(tmp_path / "packs"), case.house

    def export(name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(house.do("both", evidence.export, case.id, Signer(key)))
        return path

    with db.transaction(house.engine) as session:
        posts = ("mediator@union", "auditor@union")
        house.person(session, "both", "钱审计", "union", "union", *posts)
    whole = export("whole.zip")
    assert verify_pack.verify(whole, None) == 0, capsys.readouterr().out
    with zipfile.ZipFile(whole) as archive:
        assert f"{CANARY}查阅" in archive.read("words.jsonl").decode()
        assert f"{CANARY}查阅" in archive.read("timeline.csv").decode("utf-8-sig")
        assert CANARY not in archive.read("events.jsonl").decode()
    files = {name: archive_of(whole).read(name) for name in archive_of(whole).namelist()}
    files["words.jsonl"] = files["words.jsonl"].replace(f"{CANARY}查阅".encode(), b"other")
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(forged, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    assert verify_pack.verify(forged, None) == 1
    assert "is not what the event kept" in capsys.readouterr().out
    with clock.set_to(clock.now() + timedelta(days=3700)):
        erase_by_two(case)
        left = export("left.zip")
        assert verify_pack.verify(left, None) == 0
        assert "words of events were erased" in capsys.readouterr().out
        with zipfile.ZipFile(left) as archive:
            texts = {n: archive.read(n) for n in archive.namelist() if not n.startswith("doc")}
        assert not [name for name, data in texts.items() if CANARY.encode() in data]


def archive_of(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def test_page_and_program_say_what_an_upload_is_about(case: Case) -> None:
    """Sealed at once for a confidential matter, one of its tasks, or one to be launched; else kept in the open."""
    about = {
        f"/matters/{case.id}/send/speak": True,
        f"task:{case.own['task_id']}": True,
        "launch:quiet": True,
        "launch:errand": False,
        f"matter:{NOBODY}": False,
        "": False,
    }
    sealed = text("SELECT b.key FROM blob b JOIN attachment a USING (sha256) WHERE a.id = :key")
    for n, (words, shut) in enumerate(about.items()):
        for m, send in enumerate((case.browser("mover").post, partial(case.api, "mover"))):
            form = {"about": words, "file": (io.BytesIO(f"{n} {m}".encode()), "证据.txt")}
            more = {"method": "POST"} if m else {}
            reply = send("/files", data=form, content_type="multipart/form-data", **more)
            assert reply.status_code == 201, reply.text
            key = reply.get_json()["id"]
            with db.transaction(case.app.extensions["engine"]) as session:
                found = session.execute(sealed, {"key": key}).scalar_one()
            assert (found is not None) == shut, words
            assert case.browser("mover").get(f"/files/{key}").data == f"{n} {m}".encode()


def _holes() -> Iterator[tuple[str, str]]:
    for kind in (*MATTERS, *POLLS):
        sources = [kind.sentence.source] if isinstance(kind.sentence, Message) else []
        for source in sources:
            for hole in re.findall(r"{(\w+)}", source):
                yield kind.key, {"incident": "message"}.get(hole, hole)


def test_every_kind_that_quotes_somebody_sets_the_words_aside() -> None:
    """Of matters and polls; a reason within an outcome too, and what stays is as it was."""
    quoting = {"reason", "to", "fault"} | {"why"}
    met = 0
    for kind, key in _holes():
        words = key in quoting or (kind, key) == ("incident_noted", "message")
        if not words or kind == "matter_erased":
            continue
        body = {"kind": kind, "task": "one", key: CANARY, "facts": {"reason": "ab"}}
        hashed, beside = aside.parted(body)
        assert beside is not None and CANARY not in str(hashed), (kind, key)
        assert aside.whole(hashed, beside) == body and aside.agrees(hashed, beside)
        assert hashed["facts"] == body["facts"] and CANARY not in str(aside.whole(hashed, None))
        met += 1
    assert met >= 15
    outcome = {"passed": True, "tellers": {"dissent": [{"who": "a", "reason": CANARY}]}}
    body = {"kind": "poll_closed", "outcome": outcome}
    hashed, beside = aside.parted(body)
    assert CANARY not in str(hashed) and aside.whole(hashed, beside) == body
    assert aside.whole(hashed, None)["outcome"] == aside.emptied(outcome)
    assert aside.parted({"kind": "poll_closed", "outcome": "settled"})[1] is None
