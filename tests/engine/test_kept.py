"""An administrator of the database forges what the pages show and leaves the history alone: each kind is named."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from engine import clock, db, definitions
from engine.commands import bundled, rules
from engine.commands import polls as commands
from engine.db import tables
from engine.history import seals, verification
from engine.history.verification import polls
from engine.history.verification import rules as versions
from engine.history.verification.chains import Chains
from engine.history.verification.comparison import matters_false
from engine.settings import ROOT, load
from tests.conftest import fresh
from tests.engine import sessions
from tests.engine.errands import KEY, Errands
from tests.engine.played import played
from webui.http.evidence import ENGLISH as english

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from engine.history.event_log import Break


def forged(session: db.Session, statement: str) -> Break:
    """What is false after this statement, which must do something; everything holds without it."""
    with session.begin_nested() as change:
        assert session.execute(text(statement)).rowcount > 0
        found = verification.first_false(session)
        change.rollback()
    assert found is not None and verification.first_false(session) is None
    return found


# --- a matter with answers, a rating, a document, a file; and the unit's own values -----------------------------------
@pytest.fixture(scope="module")
def done(server: str) -> Iterator[Engine]:
    with fresh(server) as url:
        engine = db.connect(url)
        _done(engine)
        yield engine
        db.release(url)


def _done(engine: Engine) -> None:
    world = Errands.built(engine, KEY, 2)
    with db.transaction(engine) as session:
        world._member(session, "副秘书", "工会", "union_secretary")
    union, tomorrow = world.units["工会"], clock.day_of(world.at) + timedelta(days=1)
    for rule, value, approve in (
        ("MO-REPLY", 60, True),
        ("MO-RATE", 30, False),
        ("MO-REVIEW", 20, None),
    ):
        one, two = world.actor("陈秘书"), world.actor("副秘书")
        setting = world.do(
            lambda s, r=rule, v=value, a=one: rules.propose_setting(
                s, a, union, r, v, tomorrow, "八届二次教代会决议"
            )
        )
        if approve is not None:
            world.do(lambda s, k=setting, a=two, y=approve: rules.decide_setting(s, a, k, y))


@pytest.fixture
def errand(done: Engine) -> Iterator[db.Session]:
    with done.connect() as session:
        yield session
        session.rollback()


BAD = "INSERT INTO blob (sha256, size, data) VALUES (repeat('0', 64), 1, 'x'), (repeat('1', 64), 1, 'y')"
FORGED = {
    # instance
    "a number": ("UPDATE instance SET number = number || '补'", "number", "instance"),
    "a starter": (
        "UPDATE instance SET starter_id = (SELECT id FROM member WHERE username = '李强')",
        "starter_id",
        "instance",
    ),
    "a launch": (
        "UPDATE instance SET started_at = started_at - interval '1 day'",
        "started_at",
        "instance",
    ),
    "a unit": ("UPDATE instance SET unit_id = union_id", "unit_id", "instance"),
    "a state": ("UPDATE instance SET state = 'terminated'", "state", "instance"),
    "a matter begun again": (
        "UPDATE instance SET state = 'running', ended_at = NULL",
        "state",
        "instance",
    ),
    "an outcome": ("UPDATE instance SET outcome = 'other'", "outcome", "instance"),
    "an end": (
        "UPDATE instance SET ended_at = ended_at - interval '1 day'",
        "ended_at",
        "instance",
    ),
    "days stopped": ("UPDATE instance SET stopped_days = 3", "stopped_days", "instance"),
    "a secret": ("UPDATE instance SET confidential = true", "confidential", "instance"),
    "a title": ("UPDATE instance SET title = '另一件'", "title", "instance"),
    # facts
    "a fact that was said": (
        """UPDATE instance SET facts = jsonb_set(facts, '{check,decision}', '"return"')""",
        "fact check",
        "instance",
    ),
    "a fact of the launch": (
        """UPDATE instance SET facts = jsonb_set(facts, '{launch,mover}', '"x"')""",
        "fact launch",
        "instance",
    ),
    "a fact of a poll": (
        "UPDATE instance SET facts = jsonb_set(facts, '{rate,good}', '5')",
        "fact rate",
        "instance",
    ),
    "the voters in a fact": (
        "UPDATE instance SET facts = facts #- '{rate,voters,good,0}'",
        "fact rate",
        "instance",
    ),
    "a fact taken away": ("UPDATE instance SET facts = facts - 'mend'", "fact mend", "instance"),
    "a fact that nobody said": (
        """UPDATE instance SET facts = jsonb_set(facts, '{withdraw}', '{"reason": "x"}')""",
        "fact withdraw",
        "instance",
    ),
    # task
    "who finished": (
        "UPDATE task SET closed_by = (SELECT id FROM member WHERE username = '李强') WHERE element = 'do'",
        "who finished do",
        "task",
    ),
    "who finished a poll": (
        "UPDATE task SET closed_by = (SELECT id FROM member WHERE username = '李强') WHERE element = 'rate'",
        "who finished rate",
        "task",
    ),
    "when it was finished": (
        "UPDATE task SET closed_at = closed_at - interval '3 minutes' WHERE element = 'do'",
        "who finished do",
        "task",
    ),
    "answers that nobody gave": (
        """UPDATE task SET answers = '{"note": "改"}' WHERE element = 'mend'""",
        "answers of mend",
        "task",
    ),
    "a finished task": (
        """INSERT INTO task (id, instance_id, opened_at, closed_at, ref, element, state)
           SELECT gen_random_uuid(), instance_id, opened_at, closed_at, 99, 'rate', 'done' FROM task WHERE element = 'rate'""",
        "no event finished rate",
        "task",
    ),
    "a finished task with answers": (
        """INSERT INTO task (id, instance_id, opened_at, closed_at, closed_by, ref, element, state, answers, salt)
           SELECT gen_random_uuid(), instance_id, opened_at, closed_at + interval '1 hour', closed_by, 99, element, 'done',
                  answers, salt FROM task WHERE element = 'mend'""",
        "no event finished mend",
        "task",
    ),
    "a task not done": (
        "UPDATE task SET state = 'open' WHERE element = 'do'",
        "is not done",
        "task",
    ),
    "a task cancelled": (
        "UPDATE task SET state = 'cancelled' WHERE element = 'rate'",
        "answers of rate are missing",
        "task",
    ),
    # poll and roll
    "a poll's outcome": (
        "UPDATE poll SET outcome = jsonb_set(outcome, '{passed}', 'false')",
        "outcome of the poll",
        "poll",
    ),
    "a poll's voters": (
        "UPDATE poll SET outcome = outcome - 'voters'",
        "outcome of the poll",
        "poll",
    ),
    "a poll's counts": (
        "UPDATE poll SET counts = jsonb_set(counts, '{good}', '5')",
        "counts of the poll",
        "poll",
    ),
    "a poll's state": ("UPDATE poll SET state = 'void'", "state of the poll", "poll"),
    "a poll's opening": (
        "UPDATE poll SET opened_at = opened_at - interval '1 day'",
        "opened_at of the poll",
        "poll",
    ),
    "a poll's close": (
        "UPDATE poll SET closed_at = closed_at - interval '1 day'",
        "closed_at of the poll",
        "poll",
    ),
    "a poll's digest": (
        "UPDATE poll SET roll_hash = repeat('0', 64)",
        "roll_hash of the poll",
        "poll",
    ),
    "a poll's roll": ("UPDATE poll SET roll_size = 3", "roll_size of the poll", "poll"),
    "a poll's rule": (
        """UPDATE poll SET rule = jsonb_set(rule, '{passes}', '"good >= 1"')""",
        "rule of the poll",
        "poll",
    ),
    "a poll's kind": ("UPDATE poll SET kind = 'election'", "kind of the poll", "poll"),
    "a poll that was not held": (
        "INSERT INTO poll SELECT (p).* FROM (SELECT jsonb_populate_record(q, jsonb_build_object('id', gen_random_uuid())) AS p FROM poll q) AS x",
        "no event tells of the poll",
        "poll",
    ),
    "a ballot": ("UPDATE roll SET choice = 'bad' WHERE choice = 'good'", "answers kept", "roll"),
    "a comment": ("UPDATE roll SET comment = '同意' WHERE comment = '可以'", "comment", "roll"),
    "a comment of the silent": (
        "UPDATE roll SET comment = '同意' WHERE choice IS NULL",
        "comment",
        "roll",
    ),
    "when somebody answered": (
        "UPDATE roll SET at = at - interval '1 day' WHERE choice IS NOT NULL",
        "moment of an answer",
        "roll",
    ),
    # papers
    "a document's number": ("UPDATE document SET number = '催〔2026〕009'", "number", "document"),
    "a document's kind": ("UPDATE document SET kind = 'order'", "kind", "document"),
    "a document's title": ("UPDATE document SET title = '命令'", "title", "document"),
    "a document's day": (
        "UPDATE document SET issued_at = issued_at - interval '1 day'",
        "issued_at",
        "document",
    ),
    "a document's words": ("UPDATE document SET data = '{}'", "not what was issued", "document"),
    "an attachment's name": (
        "UPDATE attachment SET name = '决算.pdf'",
        "not what was uploaded",
        "attachment",
    ),
    "an attachment's bytes": (
        "UPDATE blob SET data = data || 'x'",
        "not what was uploaded",
        "attachment",
    ),
    "an attachment's size": (
        "UPDATE blob SET size = size + 1",
        "not what was uploaded",
        "attachment",
    ),
    "an attachment that no answer names": (
        """INSERT INTO attachment SELECT gen_random_uuid(), instance_id, member_id, name, media_type, sha256, size, at
             FROM attachment""",
        "no answer names",
        "attachment",
    ),
    # definition
    "a version's files": (
        """UPDATE definition SET files = jsonb_set(files, '{process.toml}', to_jsonb(replace(files->>'process.toml', '2*good > roll', 'good > 0')))""",
        "files are not those",
        "definition",
    ),
    "a version's state": (
        "UPDATE definition SET state = 'refused'",
        "state of the version",
        "definition",
    ),
    "a version's author": (
        "UPDATE definition SET author_id = (SELECT id FROM member LIMIT 1)",
        "author_id of the version",
        "definition",
    ),
    "a version's process": (
        "UPDATE definition SET process_id = 'other'",
        "process_id of the version",
        "definition",
    ),
    # setting
    "a value": (
        "UPDATE setting SET value = 90 WHERE state = 'in_force'",
        "value of the unit's own value",
        "setting",
    ),
    "a share": (
        "UPDATE setting SET per = 2 WHERE state = 'in_force'",
        "value of the unit's own value",
        "setting",
    ),
    "a rule": (
        "UPDATE setting SET rule_id = 'MO-RATE' WHERE state = 'in_force'",
        "rule_id",
        "setting",
    ),
    "a day": (
        "UPDATE setting SET valid_from = valid_from - 9 WHERE state = 'in_force'",
        "valid_from",
        "setting",
    ),
    "a last day": (
        "UPDATE setting SET valid_to = valid_from + 9 WHERE state = 'in_force'",
        "valid_to",
        "setting",
    ),
    "a refused value in force": (
        "UPDATE setting SET state = 'in_force' WHERE state = 'refused'",
        "state",
        "setting",
    ),
    "a proposed value in force": (
        "UPDATE setting SET state = 'in_force' WHERE state = 'proposed'",
        "state",
        "setting",
    ),
    "an approver": (
        "UPDATE setting SET approver_id = proposer_id WHERE state = 'in_force'",
        "approver_id",
        "setting",
    ),
    "a value that nobody set": (
        """INSERT INTO setting (id, unit_id, rule_id, value, valid_from, source, state, proposer_id, created_at)
           SELECT gen_random_uuid(), unit_id, 'CC-REPLY', 10, valid_from, source, 'in_force', proposer_id, created_at
             FROM setting WHERE state = 'in_force'""",
        "no event tells of the unit's own value",
        "setting",
    ),
    "a value taken away": (
        "DELETE FROM setting WHERE state = 'in_force'",
        "own value is missing",
        "setting",
    ),
}


@pytest.mark.parametrize("kind", FORGED)
def test_what_was_forged_is_named_by_table_and_id(errand: db.Session, kind: str) -> None:
    statement, what, table = FORGED[kind]
    found = forged(errand, statement)
    assert (
        what in english(found.why)
        and f"({table} " in english(found.why)
        and f"（{table} " in found.why
    ), found
    key = english(found.why).rpartition(f"({table} ")[2].rstrip(")").split(" ")[0]
    ids = {"definition": "hash", "roll": "poll_id"}.get(table, "id")
    known = errand.execute(
        text(f"SELECT count(*) FROM {table} WHERE {ids}::text = :key"), {"key": key}
    ).scalar_one()
    assert (
        known or what.startswith("no ") or what.endswith("missing")
    )  # what was put in is gone again


def test_a_bad_file_does_not_hide_behind_one_that_nobody_attached(errand: db.Session) -> None:
    with errand.begin_nested() as change:
        errand.execute(text(BAD))
        assert verification.first_false(errand) is None  # nobody has attached these
        key = errand.execute(
            text("SELECT id FROM attachment ORDER BY instance_id LIMIT 1")
        ).scalar_one()
        errand.execute(
            text(
                "UPDATE blob SET data = 'x' WHERE sha256 = (SELECT sha256 FROM attachment WHERE id = :id)"
            ),
            {"id": key},
        )
        found = verification.first_false(errand)
        change.rollback()
    assert found is not None and f"(attachment {key})" in english(found.why)


def test_a_ballot_counted_otherwise_in_all_places_is_found(errand: db.Session) -> None:
    found = forged(
        errand,
        """
        WITH o AS (UPDATE poll SET outcome = jsonb_set(outcome, '{passed}', 'false') RETURNING instance_id, outcome)
        UPDATE instance SET facts = jsonb_set(facts, '{rate}', o.outcome) FROM o WHERE o.instance_id = id""",
    )
    assert "(poll " in english(found.why)


def test_a_forged_matter_is_what_verify_names(errand: db.Session) -> None:
    errand.execute(text("UPDATE instance SET number = '办〔2026〕999' WHERE number LIKE '%001'"))
    verdict = seals.verify(errand, KEY.public)
    assert (
        verdict.broken is not None
        and "（instance " in verdict.fault
        and "(instance " in english(verdict.fault)
    )


def test_the_engine_counts_the_same_voters_and_files() -> None:
    assert polls.NAMED == commands.NAMED
    for folder in bundled.folders(load().processes):
        files = definitions.read(folder)
        assert versions.fingerprint(files) == definitions.load(files).hash


# --- in stories: meetings, elections, decision tables ---------------------------------------------------------------


HALL = {
    "a meeting's state": ("UPDATE meeting SET state = 'void'", "state of the meeting", "meeting"),
    "who was due": ("UPDATE meeting SET due = 8", "due of the meeting", "meeting"),
    "who was present": ("UPDATE meeting SET present = 8", "present of the meeting", "meeting"),
    "a meeting's opening": (
        "UPDATE meeting SET opened_at = opened_at - interval '1 day'",
        "opened_at of the meeting",
        "meeting",
    ),
    "a meeting's close": (
        "UPDATE meeting SET closed_at = closed_at + interval '1 day'",
        "closed_at of the meeting",
        "meeting",
    ),
    "a meeting's digest": (
        "UPDATE meeting SET roll_hash = repeat('0', 64)",
        "roll_hash of the meeting",
        "meeting",
    ),
    "a meeting's roll": (
        "UPDATE attendance SET kind = 'formal' WHERE kind = 'observer'",
        "roll of the meeting",
        "meeting",
    ),
    "a ledger": (
        "DELETE FROM presence WHERE no = (SELECT min(no) FROM presence)",
        "ledger of presence",
        "meeting",
    ),
    "the fact of a meeting": (
        "UPDATE instance SET facts = jsonb_set(facts, '{session,meeting,present}', '8')",
        "fact session",
        "instance",
    ),
    "who was there at the vote": (
        "UPDATE poll SET rule = jsonb_set(rule, '{presence,opening}', '8')",
        "presence of the poll",
        "poll",
    ),
    "who was elected": (
        "UPDATE poll SET outcome = jsonb_set(outcome, '{elected}', '[]') WHERE kind = 'election'",
        "outcome of the poll",
        "poll",
    ),
    "a candidate": (
        "UPDATE poll SET choices = choices[1:1] WHERE kind = 'election'",
        "choices of the poll",
        "poll",
    ),
    "the seats": (
        "UPDATE poll SET rule = jsonb_set(rule, '{seats}', '2') WHERE kind = 'election'",
        "rule of the poll",
        "poll",
    ),
}


@pytest.fixture(scope="module")
def hall(server: str) -> Iterator[db.Session]:
    told = sessions.election(
        sessions.choose(sessions.people(6), "代表甲"),
        sessions.CLOSE,
        sessions.SIGN,
        {"who": "主席团主席", "does": "complete", "task": "session"},
    )
    with fresh(server) as url:
        engine = db.connect(url)
        with played(engine, told, definitions.read(sessions.HALL)) as session:
            yield session
        db.release(url)


@pytest.mark.parametrize("kind", HALL)
def test_what_was_forged_of_a_meeting_is_named(hall: db.Session, kind: str) -> None:
    statement, what, table = HALL[kind]
    found = forged(hall, statement)
    assert what in english(found.why) and f"({table} " in english(found.why), found


def stories() -> list[Path]:
    """Of each process the story with the most steps."""
    found = [
        sorted(f.glob("scenarios/*.toml"), key=lambda p: p.read_text().count("[[step]]"))
        for f in bundled.folders(load().processes)
    ]
    return [files[-1] for files in found]


def _facts_are_kept(engine: Engine, file: Path, most: int | None) -> None:
    """The honest story holds; of its facts so many, drawn evenly, are changed or removed, each alone."""
    with played(engine, file, definitions.read(file.parent.parent)) as session:
        broken = verification.first_false(session)
        assert broken is None, broken
        facts = "SELECT DISTINCT jsonb_object_keys(facts) FROM instance ORDER BY 1"
        keys = session.execute(text(facts)).scalars().all()
        assert len(keys) > 2
        kept = tables.definition.c
        files = {row.hash: row.files for row in session.execute(select(kept.hash, kept.files))}
        changes = itertools.cycle(("jsonb_set(facts, '{{{0}}}', '0')", "facts - '{0}'"))
        step = max(1, len(keys) // most) if most else 1
        for key, change in zip(keys[::step], changes, strict=False):
            forgery = f"UPDATE instance SET facts = {change.format(key)}"
            with session.begin_nested() as forging:
                session.execute(text(f"{forgery} WHERE jsonb_exists(facts, '{key}')"))
                found = matters_false(session, Chains(session, checked=False), files)
                forging.rollback()
            assert found is not None and f"fact {key} " in english(found.why), key
        invented = "UPDATE instance SET facts = facts || '{\"invented\": true}'"
        assert "fact invented" in english(forged(session, invented).why)


@pytest.mark.parametrize("file", stories(), ids=lambda p: p.parent.parent.name)
def test_an_honest_story_holds_and_its_facts_cannot_be_changed(engine: Engine, file: Path) -> None:
    _facts_are_kept(engine, file, 8)


@pytest.mark.prove
@pytest.mark.parametrize("file", stories(), ids=lambda p: p.parent.parent.name)
def test_none_of_its_facts_can_be_changed(engine: Engine, file: Path) -> None:
    _facts_are_kept(engine, file, None)


@pytest.mark.parametrize(
    "name",
    ["322_five_in_the_hall_and_the_vote_stands_still", "415_closed_too_early_and_declared_void"],
)
def test_a_vote_that_became_void_is_kept_as_the_history_tells(engine: Engine, name: str) -> None:
    file = ROOT / "processes" / "congress_session" / "scenarios" / f"{name}.toml"
    with played(engine, file, definitions.read(file.parent.parent)) as session:
        broken = verification.first_false(session)
        assert broken is None, broken
        assert session.execute(text("SELECT count(*) FROM poll WHERE state = 'void'")).scalar() == 1
        found = forged(session, "UPDATE poll SET state = 'closed' WHERE state = 'void'")
        assert "(poll " in english(found.why), found
