"""A union's own version of a process: in force there and nowhere else, by two people, and proved."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from engine import db, jobs
from engine.commands import bundled, deciding, edge, own_versions, people
from engine.commands import definitions as versions
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.history import seals
from engine.history.signing import Signer
from engine.queries import definitions as reading
from engine.queries import own_versions as owns
from engine.queries import proposals
from engine.queries.launchable import launchable, opening
from engine.scenarios import stage
from tests.engine.errands import KEY
from tests.hostile.sound import sound
from tests.races.union import Union, stories_here
from webui.http import evidence as packs

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

OUTSIDERS = ("secretary", "deputy", "auditor", "d0")  # of another union than `far`


@pytest.fixture(autouse=True)
def _stories_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "results", stories_here)


@pytest.fixture
def union(engine: Engine) -> Union:
    made = Union.built(engine, sound())
    with db.transaction(engine) as session:
        made.member(session, "far.deputy", "union_secretary", "far")
    return made


def changed(title: str = "本校") -> dict[str, str]:
    """The errand with another summary."""
    files = sound()
    files["process.toml"] = files["process.toml"].replace('summary = "', f'summary = "{title}。', 1)
    return files


def stricter() -> dict[str, str]:
    """The errand in which whoever checks does not do it: more than the one shipped demands."""
    files = changed("收紧")
    text = files["process.toml"].replace("[tasks.do]", '[tasks.do]\nnot_by = ["check"]', 1)
    assert text != files["process.toml"]
    return files | {"process.toml": text}


def proposed(
    union: Union, files: dict[str, str] | None = None, who: str = "far.secretary", at: str = "far"
) -> UUID:
    """An own version that waits, its stories played."""
    given = union.units[at], files or changed(), "按本校教代会决议"
    key: UUID = union.do(who, own_versions.propose, *given)
    union.timed(lambda: jobs.rehearse(union.engine, str(key)))
    return key


def in_force(union: Union, files: dict[str, str] | None = None) -> UUID:
    key = proposed(union, files)
    union.do("far.admin", own_versions.decide, key, True)
    return key


def version_of(union: Union, who: str) -> str:
    found: str = union.row(union.launch(who)).version
    return found


def later(union: Union, **by: int) -> None:
    assert union.at is not None
    union.at += timedelta(**(by or {"minutes": 10}))


def own(union: Union, key: UUID, who: str = "far.secretary") -> owns.Own:
    found: owns.Own = union.do(who, owns.one, key)
    return found


# --- in force in one union only ------------------------------------------------------------------
def test_an_own_version_is_in_force_in_its_union_and_the_common_one_elsewhere(union: Union) -> None:
    common = version_of(union, "far.d0")
    began = union.launch("far.d0")
    key = proposed(union)
    assert version_of(union, "far.d0") == common, "a proposal changes nothing"
    later(union)
    union.do("far.admin", own_versions.decide, key, True)
    mine = own(union, key)
    assert version_of(union, "far.d0") == mine.version != common == version_of(union, "d0")
    assert union.row(began).version == common, "what runs keeps its version"
    ways = {who: union.do(who, launchable)[0] for who in ("far.d0", "d0")}
    assert {who: way.own for who, way in ways.items()} == {"far.d0": True, "d0": False}
    assert union.do("far.d0", opening, "errand").process.hash == mine.version
    assert (mine.author, mine.approver) == ("姓名far.secretary", "姓名far.admin")
    union.whole()


def test_a_matter_under_way_keeps_the_own_version_when_that_is_ended(union: Union) -> None:
    common, key = version_of(union, "d0"), in_force(union)
    running = union.launch("far.d0")
    later(union)
    asked = union.do("far.secretary", own_versions.propose_end, key, "改用通用版本")
    with pytest.raises(Conflict):
        union.do("far.admin", own_versions.propose_end, key, "再提一次")
    with pytest.raises(Refused):
        union.do("far.secretary", deciding.decide, asked, True)
    assert version_of(union, "far.d0") == own(union, key).version
    later(union)
    union.do("far.admin", deciding.decide, asked, True)
    assert version_of(union, "far.d0") == common
    union.complete("far.secretary", running, "check", decision="pass")
    union.complete("far.secretary", running, "do", note="已修缮")
    assert union.open(running) == ["rate"]
    assert own(union, key).state == "ended"
    with pytest.raises(Conflict):
        union.do("far.secretary", own_versions.propose_end, key, "已经停用")
    union.whole()


def test_a_newer_own_version_takes_the_place_of_the_older_one(union: Union) -> None:
    first = in_force(union)
    later(union)
    second = in_force(union, changed("再改"))
    assert (own(union, first).state, own(union, second).state) == ("ended", "in_force")
    assert version_of(union, "far.d0") == own(union, second).version
    later(union)
    again = in_force(union)  # and an earlier one can be put in force again, by two
    assert again != first and version_of(union, "far.d0") == own(union, first).version
    union.whole()


def test_a_union_may_keep_an_earlier_common_version(union: Union) -> None:
    common = version_of(union, "d0")
    second = union.propose("secretary", changed("全系统"), "改")
    union.do("admin", versions.decide, second, True)
    later(union)
    key = in_force(union, sound())
    assert version_of(union, "far.d0") == common and version_of(union, "d0") == second
    assert not own(union, key).behind
    union.whole()


def test_two_unions_have_the_same_files_each_by_its_own_people(union: Union) -> None:
    far = in_force(union)
    near = proposed(union, who="secretary", at="union")
    assert own(union, far).version == union.do("secretary", owns.one, near).version
    later(union)
    union.do("deputy", own_versions.decide, near, False)
    assert version_of(union, "d0") != version_of(union, "far.d0")
    union.whole()


# --- never by another union's people, never one person as two ------------------------------------
def test_nobody_of_another_union_proposes_decides_ends_or_sees_it(union: Union) -> None:
    union.launch("far.d0")
    for who in OUTSIDERS:
        with pytest.raises(NotFound):
            union.do(who, own_versions.propose, union.units["far"], changed(), "替他们改")
    with pytest.raises(NotFound):  # who answers for the installation does not propose for a union
        union.do("admin", own_versions.propose, union.units["far"], changed(), "替他们改")
    for who in ("far.d0", "far.auditor"):
        with pytest.raises(Refused):
            union.do(who, own_versions.propose, union.units["far"], changed(), "我来改")
    key = proposed(union)
    digest = own(union, key).version
    for who in OUTSIDERS:
        for command, given in (
            (own_versions.decide, (key, True)),
            (own_versions.decide, (key, False)),
            (own_versions.propose_end, (key, "停用")),
            (owns.one, (key,)),
            (reading.one, (digest,)),
            (versions.decide, (digest, True)),
        ):
            with pytest.raises((NotFound, Refused)) as caught:
                union.do(who, command, *given)
            assert isinstance(caught.value, NotFound) or command is versions.decide, (who, command)
    with pytest.raises(NotFound):
        union.do("secretary", versions.propose_again, digest, "拿来用")
    union.do("far.admin", own_versions.decide, key, True)
    asked = union.do("far.secretary", own_versions.propose_end, key, "不用了")
    for who in OUTSIDERS:
        assert union.do(who, owns.listing) == () == union.do(who, proposals.waiting)
        assert [v.own for v in union.do(who, reading.versions, "errand")] == [()]
        with pytest.raises(NotFound):
            union.do(who, deciding.decide, asked, True)
    assert [w.id for w in union.do("admin", proposals.waiting)] == [asked]
    assert len(union.do("far.d0", reading.versions, "errand")) == 2
    (told,) = union.do("far.admin", proposals.waiting)
    assert told.decides and "单位far" in told.what
    union.whole()


def test_a_union_post_held_elsewhere_gives_nothing_here(union: Union) -> None:
    """A member of one union who is secretary of the other acts for that other one only."""
    key = proposed(union, who="secretary", at="union")
    with pytest.raises(NotFound):
        union.do("far.admin", own_versions.decide, key, True)
    with db.transaction(union.engine) as session:
        held = {"member_id": union.people["far.deputy"], "kind": "union_secretary"}
        place = {"unit_id": union.units["union"], "from_on": date(2020, 1, 1)}
        session.execute(insert(tables.post).values(id=tables.new_id(), **held, **place))
    union.do("far.deputy", own_versions.decide, key, True)


def test_one_person_is_not_two(union: Union) -> None:
    key = proposed(union, who="far.admin")
    with pytest.raises(Refused) as caught:
        union.do("far.admin", own_versions.decide, key, True)
    assert caught.value.code == "separated"
    union.do("far.admin", people.set_password, union.people["far.secretary"], "Kz7!abcdEFG")
    with pytest.raises(Refused) as caught:
        union.do("far.secretary", own_versions.decide, key, True)
    assert caught.value.code == "one_hand"
    union.do("far.deputy", own_versions.decide, key, True)
    asked = union.do("far.secretary", own_versions.propose_end, key, "停用")
    with pytest.raises(Refused) as caught:
        union.do("far.admin", deciding.decide, asked, True)
    assert caught.value.code == "one_hand"
    later(union)
    union.do("admin", deciding.decide, asked, True)
    union.whole()


def test_stories_are_played_before_approval_and_replaced_by_the_proposer_only(union: Union) -> None:
    where, files = union.units["far"], changed()
    key = union.do("far.secretary", own_versions.propose, where, files, "改")
    with pytest.raises(Conflict) as caught:
        union.do("far.admin", own_versions.decide, key, True)
    assert caught.value.code == "stories"
    name = next(n for n in files if n.startswith("scenarios/"))
    wrong = files | {name: 'title = "没有这一步"\nat = 2026-03-02T09:00:00+08:00\n'}
    wrong[name] += '[[step]]\nwho = "无名氏"\ndoes = "launch"\n'
    with pytest.raises(Conflict):
        union.do("far.admin", own_versions.propose, where, wrong, "换故事")
    with pytest.raises(Conflict):
        union.do("far.secretary", own_versions.propose, where, files, "一样的")
    assert union.do("far.secretary", own_versions.propose, where, wrong, "换故事") == key
    union.timed(lambda: jobs.rehearse(union.engine, str(key)))
    assert own(union, key).wrong == 1 and not own(union, key).may_come
    with pytest.raises(Conflict):
        union.do("far.admin", own_versions.decide, key, True)
    union.do("far.admin", own_versions.decide, key, False)
    assert union.body(where, "own_version_rehearsed")["wrong"] == 1
    assert "own_version_rehearsed" not in union.events(UUID(int=0))


# --- what is common, and looser than that --------------------------------------------------------
def test_what_is_looser_than_the_common_version_takes_the_installation(union: Union) -> None:
    tight = union.propose("secretary", stricter(), "收紧")
    union.do("admin", versions.decide, tight, True)
    key = proposed(union)
    with pytest.raises(Refused) as caught:
        union.do("far.admin", own_versions.decide, key, True)
    assert caught.value.code == "looser"
    later(union)
    union.do("admin", own_versions.decide, key, True)
    assert union.body(union.units["far"], "own_version_in_force")["by"] == "installation"
    assert version_of(union, "far.d0") == own(union, key).version
    union.whole()


def test_it_is_compared_with_what_is_common_on_the_day_of_approval(union: Union) -> None:
    key = proposed(union)
    tight = union.propose("secretary", stricter(), "收紧")
    union.do("admin", versions.decide, tight, True)
    with pytest.raises(Refused):
        union.do("far.admin", own_versions.decide, key, True)
    assert own(union, key).behind


def test_what_is_shipped_is_not_loosened_for_one_union_either(union: Union) -> None:
    from engine import definitions
    from engine.settings import ROOT

    folder: Path = ROOT / "processes" / "congress_motion"
    with db.transaction(union.engine) as session:
        union.timed(lambda: bundled.publish(session, folder))
    files = definitions.read(folder)
    text = files["process.toml"]
    wider = text.replace("launch = [", 'launch = ["auditor", ', 1)
    assert wider != text
    changed_files = {**files, "process.toml": wider}
    with pytest.raises(Invalid) as caught:
        union.do("far.secretary", own_versions.propose, union.units["far"], changed_files, "放宽")
    assert any("可以发起的职务" in str(each) for each in caught.value.fields["files"])


def test_without_a_common_version_and_without_a_change_there_is_none(union: Union) -> None:
    where = union.units["far"]
    with pytest.raises(Conflict) as caught:
        union.do("far.secretary", own_versions.propose, where, sound(), "一样的")
    assert caught.value.code == "same"
    in_force(union)
    with pytest.raises(Conflict) as caught:
        union.do("far.secretary", own_versions.propose, where, changed(), "一样的")
    assert caught.value.code == "same"
    with pytest.raises(Conflict) as caught:
        union.do("far.secretary", own_versions.propose, where, sound(), "通用的")
    assert caught.value.code == "common"
    other = {n: t.replace('id = "errand"', 'id = "alone"') for n, t in changed().items()}
    other["process.toml"] = other["process.toml"].replace("办〔", "独〔")
    with pytest.raises((Conflict, Invalid)):
        union.do("far.secretary", own_versions.propose, where, other, "自己的流程")


def test_a_newer_common_version_is_told_to_the_union_and_leaves_its_own(union: Union) -> None:
    key = in_force(union)
    base = own(union, key).based_on
    assert not own(union, key).behind
    later(union)
    newer = union.propose("secretary", changed("全系统"), "改")
    union.do("admin", versions.decide, newer, True)
    told = union.body(union.units["far"], "own_version_behind")
    assert (told["based_on"], told["common"], told["own"]) == (base, newer, str(key))
    assert "own_version_behind" not in union.events(union.units["union"])
    mine = own(union, key)
    assert mine.behind and (mine.base, mine.common_version) == (1, newer)
    assert version_of(union, "far.d0") == mine.version and version_of(union, "d0") == newer
    later(union)
    back = union.do("secretary", versions.propose_again, base, "新版有误")
    union.do("admin", deciding.decide, back, True)
    assert not own(union, key).behind
    union.whole()


def test_the_installation_takes_up_what_a_union_had(union: Union) -> None:
    key = in_force(union)
    digest = own(union, key).version
    later(union)
    assert union.propose("secretary", changed(), "各单位都用") == digest
    listed = union.do("secretary", reading.one, digest)
    assert (listed.state, listed.note, listed.own) == ("proposed", "各单位都用", ())
    assert version_of(union, "d0") != digest
    later(union)
    union.do("admin", versions.decide, digest, True)
    assert version_of(union, "d0") == digest == version_of(union, "far.d0")
    later(union)
    third = union.propose("secretary", changed("三"), "再改")
    union.do("admin", versions.decide, third, True)
    assert version_of(union, "d0") == third and version_of(union, "far.d0") == digest
    union.whole()


def test_the_operator_publishes_what_a_union_had(union: Union, tmp_path: Path) -> None:
    key = in_force(union)
    digest = own(union, key).version
    for name, content in changed().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    later(union)
    with db.transaction(union.engine) as session:
        assert union.timed(lambda: bundled.publish(session, tmp_path)) == (digest, True)
        assert union.timed(lambda: bundled.publish(session, tmp_path)) == (digest, False)
    assert version_of(union, "d0") == digest
    union.whole()


# --- proved --------------------------------------------------------------------------------------
def verdict(union: Union) -> Any:
    with db.transaction(union.engine) as session:
        return seals.verify(session, None)


def forge(union: Union, statement: str, **values: Any) -> str:
    """What verification says after rows were changed behind the commands' back."""
    with db.transaction(union.engine) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        assert session.execute(text(statement), values).rowcount
        found = seals.verify(session, None)
        session.rollback()
    return str(found.broken.why) if found.broken else found.fault


FORGED = (
    "UPDATE own_version SET union_id = (SELECT id FROM unit WHERE code = 'union')",
    "UPDATE own_version SET version = based_on",
    "UPDATE own_version SET based_on = version",
    "UPDATE own_version SET state = 'ended'",
    "UPDATE own_version SET process_id = 'trio'",
    "UPDATE own_version SET note = '另有说明'",
    "UPDATE own_version SET author_id = approver_id",
    "UPDATE own_version SET approver_id = author_id",
    "UPDATE own_version SET decided_at = decided_at + interval '1 day'",
    "UPDATE own_version SET created_at = created_at - interval '1 day'",
    "UPDATE own_version SET ended_at = decided_at",
    "DELETE FROM own_version",
    "UPDATE definition SET state = 'published' WHERE state = 'own'",
    "UPDATE definition SET author_id = (SELECT id FROM member LIMIT 1) WHERE state = 'own'",
)


def test_a_changed_own_version_is_false(union: Union) -> None:
    in_force(union)
    union.launch("far.d0")
    union.whole()
    met = {statement: forge(union, statement) for statement in FORGED}
    assert len(met) == 14 and all(met.values()), met


def test_a_launch_by_another_version_than_was_in_force_is_false(union: Union) -> None:
    """As somebody with the database at hand would do it: the choice of versions goes round the
    two people, the history is written by the product itself.
    """
    key = proposed(union)
    later(union, days=1)
    quick = "UPDATE own_version SET state = 'in_force', decided_at = now() WHERE id = :k"
    union.run(quick, k=key)
    taken = union.launch("far.d0")
    union.run("UPDATE own_version SET state = 'proposed', decided_at = NULL WHERE id = :k", k=key)
    found = verdict(union)
    assert found.broken and found.broken.chain_id == taken and "施行的版本" in found.broken.why


def test_a_launch_by_the_common_version_while_an_own_one_was_in_force_is_false(
    union: Union,
) -> None:
    key = in_force(union)
    later(union, days=1)
    union.run("UPDATE own_version SET state = 'ended' WHERE id = :k", k=key)
    taken = union.launch("far.d0")
    union.run("UPDATE own_version SET state = 'in_force' WHERE id = :k", k=key)
    found = verdict(union)
    assert found.broken and found.broken.chain_id == taken


def test_a_launch_by_a_common_version_no_more_in_force_is_false(union: Union) -> None:
    second = union.propose("secretary", changed("全系统"), "改")
    union.do("admin", versions.decide, second, True)
    later(union, days=1)
    union.run("UPDATE definition SET rank = 99 WHERE number = 1")
    taken = union.launch("far.d0")
    union.run("UPDATE definition SET rank = 1 WHERE number = 1")
    found = verdict(union)
    assert found.broken and found.broken.chain_id == taken


def test_one_person_who_decides_alone_is_found(union: Union, monkeypatch: Any) -> None:
    from engine.commands import separation

    key = proposed(union)
    monkeypatch.setattr(separation, "check", lambda *_a: None)
    union.do("far.secretary", own_versions.decide, key, True)
    found = verdict(union)
    assert found.broken and "两人" in found.broken.why


@pytest.mark.parametrize("again", [False, True])
def test_one_person_who_decides_alone_for_all_is_found(
    union: Union, monkeypatch: Any, again: bool
) -> None:
    from engine.commands import separation

    first = version_of(union, "d0")
    second = union.propose("admin", changed("全系统"), "改")
    if again:
        union.do("admin2", versions.decide, second, True)
        asked = union.do("admin", versions.propose_again, first, "新版有误")
        union.whole()
    monkeypatch.setattr(separation, "check", lambda *_a: None)
    if again:
        union.do("admin", deciding.decide, asked, True)
    else:
        union.do("admin", versions.decide, second, True)
    found = verdict(union)
    assert found.broken and "两人" in found.broken.why


# --- packs ---------------------------------------------------------------------------------------
def test_a_pack_of_a_matter_by_an_own_version_proves_it_offline(
    union: Union, tmp_path: Path
) -> None:
    in_force(union)
    later(union)
    matter = union.launch("far.d0")
    taken = union.actor("far.auditor")
    data = union.timed(
        lambda: edge.carry_out(
            union.engine, taken, lambda s: packs.export(s, taken, matter, Signer(KEY))
        )
    )
    pack = tmp_path / "pack.zip"
    pack.write_bytes(data)
    with zipfile.ZipFile(pack) as archive:
        (tmp_path / "verify.py").write_bytes(archive.read("verify.py"))
        assert "（本单位版本 " in archive.read("answer.txt").decode()
        assert "本校。" in archive.read("process/process.toml").decode()
    run = [sys.executable, "-I", str(tmp_path / "verify.py"), str(pack)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "PASS" in done.stdout, done.stdout
