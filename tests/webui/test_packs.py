"""Evidence packs that a worker makes: asked for on the page or by a program, fetched while they are kept, and by whom."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select, text, update

from engine import clock, db, jobs, settings
from engine.commands import confidence, operations, packs
from engine.db import progress, queue, tables
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import rooms
from engine.jobs import packing
from engine.queries import evidence
from engine.queries import packs as shown
from tests.webui import working
from tests.webui.erasing import erase_by_two
from tests.webui.errands import finish, rated, started
from tests.webui.quiet import CANARY, Case, confidential_case, done
from webui.http.messages import language

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from flask.testing import FlaskClient
    from sqlalchemy import Engine

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]

ENGLISH = language("en")
_pack = tables.pack.c


@pytest.fixture
def matter(house: House) -> UUID:
    return rated(house)


def asked(house: House) -> list[dict[str, Any]]:
    return [job.task_kwargs for job in house.look(lambda s: queue.waiting(s, ["pack"]))]


def work(house: House, home: Path) -> None:
    """A worker carries out what waits; its jobs are done then."""
    own = settings.load({"YIXING_HOME": str(home)})
    for given in asked(house):
        packing.pack(house.engine, own, ENGLISH, **given)
    house.look(lambda s: s.execute(text("DELETE FROM procrastinate_jobs")))


def stored(house: House) -> list[Any]:
    query = select(_pack.id, _pack.member_id, _pack.size, _pack.seq).order_by(_pack.id)
    return list(house.look(lambda s: s.execute(query).all()))


def told(house: House, key: UUID, kind: str) -> int:
    event = tables.event.c
    query = select(func.count()).where(event.instance_id == key, event.kind == kind)
    return int(house.look(lambda s: s.execute(query).scalar_one()))


def passes(data: bytes, home: Path) -> bool:
    """Does the verify.py of the pack find it true?"""
    (home / "pack.zip").write_bytes(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (home / "verify.py").write_bytes(archive.read("verify.py"))
    command = [sys.executable, "-I", "verify.py", "pack.zip"]
    return subprocess.run(command, cwd=home, capture_output=True, check=False).returncode == 0


def file_of(house: House, key: UUID) -> str:
    return f"/audit/{key}/packs/{stored(house)[-1].id}.zip"


# --- many ---------------------------------------------------------------------------------------------------------------
def test_packs_of_many_come_as_one_file_and_each_verifies(
    client: Login, house: House, matter: UUID, case: Case, tmp_path: Path
) -> None:
    other, browser = rated(house), client("auditor")
    sent = browser.post("/audit/packs")
    assert sent.status_code == 303 and client("office").get(sent.location).status_code == 404
    own = settings.load({"YIXING_HOME": str(tmp_path)})
    assert working.work(house.engine, own) == 1
    page = browser.get(sent.location).text
    assert "共 2 份，各自可以校验" in page and case.number not in page
    with pytest.raises(NotFound):
        house.do("auditor", operations.ask_packs, [case.id])
    with zipfile.ZipFile(io.BytesIO(browser.get(f"{sent.location}/file").data)) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    table = parts.pop("list.csv").decode("utf-8-sig")
    assert len(parts) == 2 and all(passes(data, tmp_path) for data in parts.values())
    assert str(case.id) not in table
    for key in (matter, other):
        (name,) = (name for name in parts if str(key) in name)
        assert f"{name},{hashlib.sha256(parts[name]).hexdigest()}" in table
        assert told(house, key, "evidence_exported") == 1
    assert client("plain").post("/audit/packs", data={}).status_code == 403
    nothing = browser.post("/audit/packs", data={"words": "没有这样的"}, follow_redirects=True)
    assert "没有可以一并准备证据包的事项" in nothing.text


# --- the page -----------------------------------------------------------------------------------------------------------
def test_the_page_says_how_far_a_pack_is_and_then_gives_it(
    client: Login, house: House, matter: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    browser = client("auditor")
    assert "准备证据包" in browser.get(f"/audit/{matter}").text
    for _ in range(2):  # who asks again waits for the same
        assert browser.post(f"/audit/{matter}/pack").status_code == 302
    assert len(asked(house)) == len(stored(house)) == 1
    page = browser.get(f"/audit/{matter}").text
    assert "证据包已排队" in page and 'data-while="[data-running]"' in page
    assert f'action="/audit/{matter}/pack"' not in page
    seen: list[str] = []
    monkeypatch.setattr(progress, "EVERY", 0)
    whole = evidence.pack

    def watched(*given: Any, **more: Any) -> bytes:
        more["progress"](2, 7)
        seen.append(browser.get(f"/audit/{matter}/pack").text)
        return whole(*given, **more)

    monkeypatch.setattr(packing.evidence, "pack", watched)
    work(house, tmp_path)
    (piece,) = seen
    assert (
        'max="7" value="2"' in piece and "已放入 2 件，共 7 件" in piece and "data-running" in piece
    )
    piece = browser.get(f"/audit/{matter}/pack").text
    assert "下载证据包" in piece and "孙审计要求" in piece and "data-running" not in piece
    assert (
        file_of(house, matter) in piece
        and file_of(house, matter) in browser.get(f"/audit/{matter}").text
    )
    reply = browser.get(file_of(house, matter))
    assert reply.mimetype == "application/zip" and passes(reply.data, tmp_path)
    assert "孙审计导出证据包" in browser.get(f"/audit/{matter}").text
    assert told(house, matter, "evidence_exported") == 1


def test_progress_counts_papers_and_files() -> None:
    heard: list[tuple[int, int]] = []
    archive = evidence.Archive(3, lambda done, total: heard.append((done, total)))
    assert list(archive.each("abc")) == ["a", "b", "c"]
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_one_pack_for_one_state_of_the_matter(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    auditor, office = client("auditor"), client("office")
    for page in (auditor, office):  # both have read it before
        page.get(f"/audit/{matter}")
    for page in (auditor, office):
        page.post(f"/audit/{matter}/pack")
    assert len(stored(house)) == 1
    work(house, tmp_path)
    for page in (auditor, office):  # nothing has happened since: the same serves
        page.post(f"/audit/{matter}/pack")
    assert len(stored(house)) == 1 and not asked(house)
    client("second").get(f"/audit/{matter}")  # an attempt that is put on record
    client("auditor").post(f"/audit/{matter}/pack")
    assert len(stored(house)) == 2 and len(asked(house)) == 1
    work(house, tmp_path)
    assert len(stored(house)) == 1  # the newer one has taken the place of the older
    assert told(house, matter, "evidence_exported") == 2


def test_an_open_vote_and_a_stranger_get_none(client: Login, house: House, tmp_path: Path) -> None:
    key = started(house)
    finish(house, "office", {"decision": "pass"})
    finish(house, "office", {"note": "已换"})
    vote = update(tables.poll).values(kind="vote")  # what is open is no mere rating
    house.look(lambda s: s.execute(vote))
    page = client("auditor").post(f"/audit/{key}/pack", follow_redirects=True)
    assert "有表决还没有结束" in page.text and not stored(house)
    assert client("mover").post(f"/audit/{key}/pack").status_code == 403
    assert client("foreign").post(f"/audit/{key}/pack").status_code == 404
    assert "/pack" not in client("mover").get(f"/audit/{key}").text  # no button that would refuse


# --- who may read it, and for how long ----------------------------------------------------------------------------------
def test_who_may_audit_the_matter_may_fetch_it_and_is_on_record(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    client("auditor").post(f"/audit/{matter}/pack")
    work(house, tmp_path)
    path = file_of(house, matter)
    assert client("auditor").get(path).status_code == 200
    assert told(house, matter, "history_read") == 0  # the export itself tells who has it
    for who, status in (("mover", 403), ("second", 403), ("plain", 404), ("foreign", 404)):
        assert client(who).get(path).status_code == status, who
        assert client(who).get(f"/audit/{matter}/pack").status_code == status, who
    assert client("office").get(path).status_code == 200
    assert told(house, matter, "history_read") == 1
    other = started(house, "延长图书馆开放时间")  # under another matter it does not exist
    assert client("auditor").get(path.replace(str(matter), str(other))).status_code == 404


def test_whoever_lost_the_post_reads_it_no_more_and_gets_none(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    browser = client("auditor")
    browser.post(f"/audit/{matter}/pack")
    work(house, tmp_path)
    path = file_of(house, matter)
    client("office").get(f"/audit/{matter}")
    browser.post(f"/audit/{matter}/pack")
    ended = update(tables.post).values(to_on=clock.today() - timedelta(days=1))
    held = tables.post.c.member_id == house.people["auditor"]
    house.look(lambda s: s.execute(ended.where(held)))
    work(house, tmp_path)
    assert browser.get(path).status_code == 404
    found = house.look(lambda s: shown.newest(s, house.actor("office"), matter))
    assert found.state == "refused" and told(house, matter, "evidence_exported") == 1
    client("office").post(f"/audit/{matter}/pack")  # and does not stand in another one's way
    work(house, tmp_path)
    assert client("office").get(file_of(house, matter)).status_code == 200


def test_after_its_time_it_is_gone(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    client("auditor").post(f"/audit/{matter}/pack")
    work(house, tmp_path)
    path = file_of(house, matter)
    jobs.tidy(house.engine)
    assert client("auditor").get(path).status_code == 200
    with clock.set_to(clock.now() + timedelta(days=3, minutes=1)):
        actor = house.actor("auditor")
        assert house.look(lambda s: shown.newest(s, actor, matter)) is None
        jobs.tidy(house.engine)
        assert not stored(house)


def test_a_field_for_other_lanes_is_in_no_pack(
    client: Login, house: House, matter: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    auditor = house.people["auditor"]

    def closed(context: Any) -> frozenset[str]:
        shut = context.actor is not None and context.actor.id == auditor
        return frozenset({"do.note"} if shut else ())

    monkeypatch.setattr(rooms, "closed_fields", closed)
    for who, reads in (("auditor", False), ("office", True)):
        client(who).get(f"/audit/{matter}")
        client(who).post(f"/audit/{matter}/pack")
        work(house, tmp_path)
        reply = client(who).get(file_of(house, matter))
        assert reply.status_code == 200 and passes(reply.data, tmp_path)
        with zipfile.ZipFile(io.BytesIO(reply.data)) as archive:
            names = [
                n for n in archive.namelist() if "已换" in archive.read(n).decode(errors="ignore")
            ]
        assert bool(names) is reads, names
    assert client("auditor").get(file_of(house, matter)).status_code == 404  # the office's tells it


# --- a worker dies ------------------------------------------------------------------------------------------------------
def test_a_worker_that_dies_does_not_shut_the_button(
    client: Login, house: House, matter: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    browser = client("auditor")
    browser.post(f"/audit/{matter}/pack")

    class Died(BaseException):
        pass

    def dies(*_given: Any, **_more: Any) -> bytes:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(packing.evidence, "pack", dies)
        with pytest.raises(Died):
            work(house, tmp_path)
    house.look(lambda s: s.execute(text("DELETE FROM procrastinate_jobs")))  # given up
    assert "data-running" in browser.get(f"/audit/{matter}/pack").text
    silent = update(tables.pack).values(told_at=clock.now() - timedelta(minutes=11))
    house.look(lambda s: s.execute(silent))
    piece = browser.get(f"/audit/{matter}/pack").text
    assert "很久没有进展" in piece and "<button" in piece and "data-running" not in piece
    browser.post(f"/audit/{matter}/pack")
    assert len(stored(house)) == len(asked(house)) == 1
    work(house, tmp_path)
    assert passes(browser.get(file_of(house, matter)).data, tmp_path)
    assert told(house, matter, "evidence_exported") == 1  # it was on record already


def test_two_workers_do_not_make_the_same_pack(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    client("auditor").post(f"/audit/{matter}/pack")
    (given,) = asked(house)
    own = settings.load({"YIXING_HOME": str(tmp_path)})
    with db.transaction(house.engine) as another:
        assert packs.alone(another, stored(house)[0].id)
        packing.pack(house.engine, own, ENGLISH, **given)
        assert told(house, matter, "evidence_exported") == 0
    packing.pack(house.engine, own, ENGLISH, **given)
    packing.pack(house.engine, own, ENGLISH, **given)  # it is made already: nothing
    assert told(house, matter, "evidence_exported") == 1


def test_what_happens_before_it_is_packed_is_tried_again(
    client: Login, house: House, matter: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client("auditor").post(f"/audit/{matter}/pack")
    (given,) = asked(house)
    own, whole = settings.load({"YIXING_HOME": str(tmp_path)}), packing._packed

    def late(*given: Any) -> bytes:
        client("office").get(f"/audit/{matter}")  # is put on record after the export
        return whole(*given)

    with monkeypatch.context() as patched:
        patched.setattr(packing, "_packed", late)
        with pytest.raises(Conflict):
            packing.pack(house.engine, own, ENGLISH, **given)
    piece = client("auditor").get(f"/audit/{matter}/pack").text
    assert "暂时不能准备证据包" in piece and "data-running" in piece
    packing.pack(house.engine, own, ENGLISH, **given)
    assert passes(client("auditor").get(file_of(house, matter)).data, tmp_path)


def test_a_host_without_the_key_leaves_it_to_another(
    client: Login, house: House, matter: UUID, tmp_path: Path
) -> None:
    client("auditor").post(f"/audit/{matter}/pack")
    work(house, tmp_path)
    client("office").get(f"/audit/{matter}")
    client("auditor").post(f"/audit/{matter}/pack")
    (given,) = asked(house)
    elsewhere = settings.load({"YIXING_HOME": str(tmp_path / "elsewhere")})
    with pytest.raises(Conflict) as without:
        packing.pack(house.engine, elsewhere, ENGLISH, **given)
    assert without.value.code == "no_key"
    assert "本机没有这把密钥" in client("auditor").get(f"/audit/{matter}/pack").text
    work(house, tmp_path)
    assert passes(client("auditor").get(file_of(house, matter)).data, tmp_path)


# --- how much -----------------------------------------------------------------------------------------------------------
def test_packs_of_one_person_are_limited(
    client: Login, house: House, matter: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    others = [started(house, f"事项{n}") for n in range(packs.MOST + 1)]
    for key in others[:-1]:
        house.do("auditor", packs.ask, key)
    with pytest.raises(Conflict, match="正在准备") as many:
        house.do("auditor", packs.ask, others[-1])
    assert many.value.code == "quota"
    page = client("auditor").post(f"/audit/{others[-1]}/pack", follow_redirects=True)
    assert "您已有 5 份证据包正在准备" in page.text
    house.do("office", packs.ask, others[-1])  # another's are not counted
    work(house, tmp_path)
    monkeypatch.setenv("YIXING_PACKS_MEGABYTES", "1")
    monkeypatch.setattr(packs, "MEGABYTE", 1000)  # 1000 bytes in all
    with pytest.raises(Invalid, match="已存满 1 MB"):
        house.do("auditor", packs.ask, matter)
    monkeypatch.setenv("YIXING_PACKS_MEGABYTES", "1000000")
    monkeypatch.setattr(packs, "MOST_BYTES", 10)
    house.do("auditor", packs.ask, matter)
    work(house, tmp_path)
    assert "由接口直接导出" in client("auditor").get(f"/audit/{matter}/pack").text


# --- a confidential matter ------------------------------------------------------------------------------------------------
@pytest.fixture
def case(house: House, engine: Engine, url: str, tmp_path: Path) -> Case:
    return confidential_case(house, engine, url, tmp_path)


def with_desk(case: Case, *who: str) -> None:
    """Those who act in it hold an auditor's post too: only then may they export."""
    for name in who:
        row = {"member_id": case.house.people[name], "unit_id": case.house.units["union"]}
        held = {**row, "kind": "auditor", "from_on": clock.today() - timedelta(days=9)}
        statement = insert(tables.post).values(id=tables.new_id(), **held)
        case.house.look(lambda s, q=statement: s.execute(q))


def test_of_a_confidential_matter_only_who_asked_reads_it_and_it_goes_with_the_contents(
    case: Case, tmp_path: Path
) -> None:
    house = case.house
    with_desk(case, "judge", "mover")
    done(house, "judge", {"days": 3, "opinion": f"{CANARY}答复"})
    house.do(
        "judge", confidence.let_in, case.id, house.people["auditor"], "期限", until=clock.today()
    )
    judge = case.browser("judge")
    assert judge.post(f"/audit/{case.id}/pack").status_code == 302
    work(house, tmp_path)
    path = file_of(house, case.id)
    packed = judge.get(path)
    assert packed.status_code == 200 and passes(packed.data, tmp_path)
    for who in ("auditor", "mover", "office"):  # let in; a party with the right; the office
        assert case.browser(who).get(path).status_code == 404, who
    auditor = case.browser("auditor")
    auditor.post(f"/audit/{case.id}/pack")
    assert len(stored(house)) == 2  # one of their own,
    work(house, tmp_path)
    assert "不能查阅的内容" in auditor.get(f"/audit/{case.id}/pack").text  # and it is refused
    with clock.set_to(clock.now() + timedelta(days=3700)):
        house.do("judge", packs.ask, case.id)
        (waits,) = asked(house)
        whole = packing._packed

        def erased_meanwhile(*given: Any) -> bytes:
            data = whole(*given)
            erase_by_two(case)
            return data

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(packing, "_packed", erased_meanwhile)
            own = settings.load({"YIXING_HOME": str(tmp_path)})
            packing.pack(house.engine, own, ENGLISH, **waits)
        assert not stored(house)
        actor = house.actor("judge")
        assert house.look(lambda s: shown.newest(s, actor, case.id)) is None
