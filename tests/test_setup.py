"""The schema and its guards, the workers, the locks of packages: what `make run` relies on."""

from __future__ import annotations

import json
import re
import threading
import time
import tomllib
from datetime import UTC, datetime, timedelta
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import RFC_4122, UUID

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import request
from sqlalchemy import event, insert, select, text

from engine import clock, db, jobs, settings
from engine.db import backup, migrate, queue, tables
from engine.definitions.store import in_force
from engine.errors import Conflict, EngineError, Invalid, Unavailable
from engine.jobs.worker import WATCH, run_worker
from engine.messages import CHINESE
from engine.queries import health
from webui import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

pytest_plugins = ("tests.empty",)
ROOT = Path(__file__).resolve().parent.parent
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.fixture
def migrated(empty_url: str) -> Iterator[Engine]:
    """The engine on a migrated database."""
    migrate.migrate(empty_url)
    engine = db.connect(empty_url)
    yield engine
    engine.dispose()


# --- the schema -----------------------------------------------------------------------------------------------------
def test_ids_are_in_the_order_they_were_made_in() -> None:
    made = [tables.new_id() for _ in range(5_000)]
    assert made == sorted(set(made))
    assert {(each.version, each.variant) for each in made} == {(7, RFC_4122)}
    assert made[0].int >> 80 <= time.time_ns() // 1_000_000 < (made[0].int >> 80) + 60_000


def test_the_migrated_schema_is_that_of_the_tables(migrated: Engine) -> None:
    def ours(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
        return not (kind == "table" and str(name).startswith(("procrastinate_", "alembic_")))

    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []


def test_migrating_again_does_nothing(empty_url: str) -> None:
    assert migrate.migrate(empty_url)
    assert not migrate.migrate(empty_url)


def test_a_database_of_before_packs_gets_their_table(migrated: Engine, empty_url: str) -> None:
    with migrated.begin() as session:
        session.execute(text("DROP TABLE pack"))
        session.execute(text("UPDATE alembic_version SET version_num = '0021'"))
    assert migrate.migrate(empty_url)
    test_the_migrated_schema_is_that_of_the_tables(migrated)


def test_a_database_of_before_own_versions_keeps_its_versions_for_all(
    migrated: Engine, empty_url: str
) -> None:
    """What was in force stays so, for every union; files that only a union has can be kept."""
    version = (
        "INSERT INTO definition (hash, process_id, number, state, title, title_en, files, created_at) "
        "VALUES ('{0}', 'errand', {1}, '{2}', 't', 't', '{{}}', now())"
    )
    with migrated.begin() as session:
        session.execute(text("DROP TABLE own_version"))
        session.execute(text("ALTER TABLE definition DROP CONSTRAINT ck_definition_state"))
        former = "CHECK (state IN ('proposed', 'published', 'refused', 'retired'))"
        session.execute(text(f"ALTER TABLE definition ADD CONSTRAINT ck_definition_state {former}"))
        session.execute(text(version.format("old", 1, "published")))
        number = before("own_versions")
        session.execute(text(f"UPDATE alembic_version SET version_num = '{number}'"))
    assert migrate.migrate(empty_url)
    test_the_migrated_schema_is_that_of_the_tables(migrated)
    with migrated.begin() as session:
        session.execute(text(version.format("new", 2, "own")))
        known = in_force(session, [UUID(int=7)])
        assert (known.common, known.own) == ({"errand": "old"}, {})


def before(slug: str) -> str:
    """The step before the one with this name."""
    (file,) = (ROOT / "engine" / "db" / "migrations" / "versions").glob(f"*_{slug}.py")
    (line,) = [at for at in file.read_text().splitlines() if at.startswith("down_revision")]
    return line.partition('"')[2].rstrip('"')


def test_a_database_of_before_shares_gets_their_column(migrated: Engine, empty_url: str) -> None:
    with migrated.begin() as session:
        session.execute(text("ALTER TABLE setting DROP COLUMN per"))
        session.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    assert migrate.migrate(empty_url)
    test_the_migrated_schema_is_that_of_the_tables(migrated)


def test_a_database_of_before_invitations_gets_their_table(
    migrated: Engine, empty_url: str
) -> None:
    with migrated.begin() as session:
        session.execute(text("DROP TABLE login_invitation"))
        session.execute(text("DROP INDEX ix_login_member"))
        session.execute(text("UPDATE alembic_version SET version_num = '0037'"))
    assert migrate.migrate(empty_url)
    test_the_migrated_schema_is_that_of_the_tables(migrated)


def test_a_held_act_of_before_batches_waits_on(migrated: Engine, empty_url: str) -> None:
    """It is of no batch, and has what it had."""
    key = {"id": UUID(int=7)}
    with migrated.begin() as session:
        session.execute(text("ALTER TABLE held_act DROP COLUMN batch"))
        session.execute(text("SET LOCAL session_replication_role = replica"))  # no matter, no task
        held = "INSERT INTO held_act VALUES (:id, :id, :id, now(), now(), '{\"a\": 1}', '', NULL)"
        session.execute(text(held), key)
        number = before("held_batches")
        session.execute(text(f"UPDATE alembic_version SET version_num = '{number}'"))
    assert migrate.migrate(empty_url)
    test_the_migrated_schema_is_that_of_the_tables(migrated)
    with migrated.begin() as session:
        found = session.execute(
            text("SELECT answers, batch FROM held_act WHERE task_id = :id"), key
        )
        assert [tuple(row) for row in found] == [({"a": 1}, None)]


def test_a_task_of_before_the_verbs_was_handed_and_sent_by_nobody(
    migrated: Engine, empty_url: str
) -> None:
    task = (
        "INSERT INTO task (id, instance_id, opened_at, ref, element, state) "
        "VALUES (:id, :id, now(), 1, 'check', 'open')"
    )
    with migrated.begin() as session:
        for column in ("handed_by", "sent_from", "straight"):
            session.execute(text(f"ALTER TABLE task DROP COLUMN {column} CASCADE"))
        session.execute(text("DROP TABLE comment"))
        session.execute(text("SET LOCAL session_replication_role = replica"))  # no matter
        session.execute(text(task), {"id": UUID(int=7)})
        session.execute(text(f"UPDATE alembic_version SET version_num = '{before('verbs')}'"))
    assert migrate.migrate(empty_url)
    test_the_migrated_schema_is_that_of_the_tables(migrated)
    with migrated.begin() as session:
        found = session.execute(text("SELECT handed_by, sent_from, straight FROM task"))
        assert [tuple(row) for row in found] == [(None, None, False)]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_administrators_of_one_union_go_on_answering_for_the_installation(
    migrated: Engine, empty_url: str, elsewhere: bool
) -> None:
    """Of a database of before; where they are of several unions, the operator says who it is."""
    with migrated.begin() as session:
        session.execute(text("DROP TABLE proposal"))
        session.execute(text("ALTER TABLE member DROP COLUMN must_change"))
        session.execute(text("ALTER TABLE definition DROP COLUMN rank"))
        for union in ("A", "B"):
            unit = f"md5('{union}')::uuid"
            session.execute(
                text(
                    "INSERT INTO unit (id, code, kind, name, union_id) "
                    f"VALUES ({unit}, '{union}', 'university_union', '{union}', {unit})"
                )
            )
        people = [("a1", "A"), ("a2", "A"), *([("b1", "B")] if elsewhere else [])]
        for name, union in people:
            session.execute(
                text(
                    "INSERT INTO member (id, username, name, unit_id, union_id, created_at) VALUES "
                    f"(md5('{name}')::uuid, '{name}', '{name}', md5('{union}')::uuid, md5('{union}')::uuid, now())"
                )
            )
            session.execute(
                text(
                    "INSERT INTO post (id, member_id, kind, unit_id, from_on) VALUES "
                    f"(gen_random_uuid(), md5('{name}')::uuid, 'administrator', md5('{union}')::uuid, '2020-01-01')"
                )
            )
        session.execute(text("UPDATE alembic_version SET version_num = '0008'"))
    assert migrate.migrate(empty_url)
    test_the_migrated_schema_is_that_of_the_tables(migrated)
    with migrated.connect() as session:
        given = session.execute(
            text(
                "SELECT m.username FROM post p JOIN member m ON m.id = p.member_id "
                "WHERE p.kind = 'installation' ORDER BY 1"
            )
        )
        assert list(given.scalars()) == ([] if elsewhere else ["a1", "a2"])


def test_a_database_of_before_salts_gets_one_for_each_matter(
    migrated: Engine, empty_url: str
) -> None:
    with migrated.begin() as session:
        session.execute(text("ALTER TABLE instance DROP COLUMN salt"))
        session.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    assert migrate.migrate(empty_url)
    test_the_migrated_schema_is_that_of_the_tables(migrated)


def test_of_many_processes_that_start_at_once_one_migrates(empty_url: str) -> None:
    did: list[bool] = []
    threads = [
        threading.Thread(target=lambda: did.append(migrate.migrate(empty_url))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(did) == [False] * 5 + [True]


def test_a_database_of_a_newer_release_is_refused(migrated: Engine, empty_url: str) -> None:
    with migrated.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(EngineError) as fault:
        migrate.migrate(empty_url)
    assert fault.value.code == "newer"


def _event(session: Any, seq: int = 1) -> int:
    values = {
        "instance_id": UUID(int=1),
        "seq": seq,
        "kind": "x",
        "at": NOON,
        "body": "{}",
        "hash": b"h",
    }
    return int(
        session.execute(
            insert(tables.event).values(values).returning(tables.event.c.id)
        ).scalar_one()
    )


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE event SET body = '[]'",
        "UPDATE event SET hash = 'g', leaf_no = 7",
        "UPDATE event SET at = now()",
        "UPDATE event SET leaf_no = NULL",
        "UPDATE event SET seq = 2",
        "DELETE FROM event",
        "TRUNCATE event",
        "TRUNCATE event CASCADE",
        "UPDATE checkpoint SET root = 'x'",
        "UPDATE checkpoint SET witness = ''",
        "DELETE FROM checkpoint",
        "TRUNCATE checkpoint",
    ],
)
def test_history_and_checkpoints_only_grow(migrated: Engine, attack: str) -> None:
    with migrated.begin() as session:
        _event(session)
        session.execute(
            text("INSERT INTO checkpoint VALUES (1, 'r', 'f', 'k', 's', now(), 'audit')")
        )
    with (
        pytest.raises(Exception, match=r"append-only|nothing is removed"),
        migrated.begin() as session,
    ):
        session.execute(text(attack))


def test_a_leaf_is_numbered_once(migrated: Engine) -> None:
    with migrated.begin() as session:
        _event(session)
        session.execute(text("UPDATE event SET leaf_no = 0"))
    with pytest.raises(Exception, match="append-only"), migrated.begin() as session:
        session.execute(text("UPDATE event SET leaf_no = 1"))


def test_the_limited_role_writes_but_never_rewrites_history(migrated: Engine) -> None:
    with migrated.begin() as session:
        session.execute(text(f"SET LOCAL ROLE {migrate.ROLE}"))
        _event(session)
        session.execute(text("UPDATE event SET leaf_no = 0"))
        session.execute(text("INSERT INTO attempt (key, at) VALUES ('k', now())"))
        session.execute(text("DELETE FROM attempt"))
        queue.defer(session, "sweep")
    for attack in (
        "UPDATE event SET body = ''",
        "DELETE FROM event",
        "TRUNCATE event",
        "DROP TABLE event",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "DELETE FROM checkpoint",
    ):
        with (
            pytest.raises(Exception, match=r"permission denied|must be owner"),
            migrated.begin() as session,
        ):
            session.execute(text(f"SET LOCAL ROLE {migrate.ROLE}"))
            session.execute(text(attack))


# --- the workers ----------------------------------------------------------------------------------------------------
class Fake:
    """Stands for the instances: which timers were woken, which are busy, which break."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine = engine
        self.woken: list[UUID] = []
        self.busy: set[UUID] = set()
        self.broken: set[UUID] = set()
        self.incidents: list[tuple[UUID, str]] = []
        monkeypatch.setattr(jobs.instances, "wake", self._wake)
        monkeypatch.setattr(jobs.incidents, "note", self._note)

    def _wake(self, session: Any, timer_id: UUID) -> bool:
        if timer_id in self.busy:
            return False
        fired = session.execute(
            text("UPDATE timer SET state = 'fired' WHERE id = :id AND state = 'waiting'"),
            {"id": timer_id},
        )
        if timer_id in self.broken:
            raise EngineError("broken")
        self.woken.extend([timer_id] * fired.rowcount)
        return bool(fired.rowcount)

    def _note(self, session: Any, instance_id: UUID, what: str, _fault: Exception) -> None:
        self.incidents.append((instance_id, what))
        session.execute(
            text("UPDATE timer SET state = 'broken' WHERE id = :id"), {"id": UUID(what[6:])}
        )

    def timers(self, *dues: datetime, state: str = "running") -> list[UUID]:
        """Make one instance with these timers."""
        now = clock.now()
        key, unit, member = tables.new_id(), tables.new_id(), tables.new_id()
        with db.transaction(self.engine) as session:
            session.execute(
                insert(tables.unit).values(id=unit, code=str(unit), kind="union", name="u")
            )
            session.execute(
                insert(tables.member).values(
                    id=member,
                    username=str(member),
                    name="m",
                    unit_id=unit,
                    union_id=unit,
                    created_at=now,
                )
            )
            session.execute(
                text(
                    "INSERT INTO definition (hash, process_id, number, state, title, title_en, files, created_at) "
                    "VALUES ('v', 'p', 1, 'published', '', '', '{}', now()) ON CONFLICT DO NOTHING"
                )
            )
            session.execute(
                insert(tables.instance).values(
                    id=key,
                    process_id="p",
                    version="v",
                    union_id=unit,
                    starter_id=member,
                    number="1",
                    title="t",
                    grams=[],
                    state=state,
                    facts={},
                    seq=0,
                    head=b"",
                    started_at=now,
                    changed_at=now,
                )
            )
            rows = [
                {
                    "id": tables.new_id(),
                    "instance_id": key,
                    "element": "e",
                    "ref": 1,
                    "expression": "x",
                    "state": "waiting",
                    "due_at": due,
                    "since": now,
                }
                for due in dues
            ]
            session.execute(insert(tables.timer), rows)
        return [row["id"] for row in rows]


@pytest.fixture
def fake(migrated: Engine, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A database with timers and no processes."""
    return Fake(migrated, monkeypatch)


def test_a_sweep_fires_what_is_due_by_the_clock_and_nothing_else(fake: Fake) -> None:
    before, at, after = fake.timers(NOON - timedelta(seconds=1), NOON, NOON + timedelta(seconds=1))
    fake.timers(NOON, state="suspended")
    with clock.set_to(NOON):
        assert jobs.sweep(fake.engine) == 2
    assert set(fake.woken) == {before, at}
    with clock.set_to(NOON + timedelta(seconds=1)):
        assert jobs.sweep(fake.engine) == 1
    assert fake.woken[-1] == after


def test_a_sweep_passes_over_the_busy_and_goes_on_after_the_broken(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 3)
    made = fake.timers(*[NOON - timedelta(minutes=n) for n in range(10)])
    fake.busy, fake.broken = {made[0]}, {made[1]}
    with clock.set_to(NOON):
        assert jobs.sweep(fake.engine) == 8
        assert [what for _, what in fake.incidents] == [f"timer:{made[1]}"]
        fake.busy.clear()
        assert jobs.sweep(fake.engine) == 1
    assert sorted(fake.woken) == sorted(set(made) - {made[1]})


def test_sweeps_side_by_side_fire_each_timer_once(fake: Fake) -> None:
    made = fake.timers(*[NOON] * 300)

    def work() -> None:
        with clock.set_to(NOON):
            jobs.sweep(fake.engine)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fake.woken) == sorted(made)


def test_a_sweep_that_has_to_stop_leaves_word_for_the_next(fake: Fake) -> None:
    fake.timers(NOON)
    with clock.set_to(NOON):
        assert jobs.sweep(fake.engine, lambda: True) == 0
    with fake.engine.connect() as session:
        assert (
            session.execute(text("SELECT queueing_lock FROM procrastinate_jobs")).scalar_one()
            == "sweep:rest"
        )


def _settings(home: Path, url: str) -> settings.Settings:
    return settings.load({"YIXING_HOME": str(home), "YIXING_DATABASE_URL": url})


def _work(engine: Engine, home: Path, until: Callable[[], bool], seconds: float = 20) -> None:
    """Run a worker until something holds."""
    url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    stop = threading.Event()
    worker = threading.Thread(
        target=run_worker, args=(_settings(home, url), url, stop), kwargs={"english": CHINESE}
    )
    worker.start()
    last = time.monotonic() + seconds
    while not until() and time.monotonic() < last:
        time.sleep(0.05)
    stop.set()
    worker.join(10)
    assert until()


def test_a_worker_does_what_was_asked_for_in_a_transaction_and_stops(
    fake: Fake, tmp_path: Path
) -> None:
    (timer,) = fake.timers(datetime.now(UTC))
    with db.transaction(fake.engine) as session:
        queue.defer(session, "sweep", once="sweep:1")
    with pytest.raises(ZeroDivisionError), db.transaction(fake.engine) as session:
        queue.defer(session, "nonsense")  # rolled back with the rest
        raise ZeroDivisionError
    _work(fake.engine, tmp_path, lambda: fake.woken == [timer] and not _locks(fake.engine))
    with fake.engine.connect() as session:
        assert session.execute(text("SELECT count(*) FROM procrastinate_workers")).scalar_one() == 0


def test_the_job_of_a_killed_worker_is_taken_up(fake: Fake, tmp_path: Path) -> None:
    (timer,) = fake.timers(datetime.now(UTC))
    with db.transaction(fake.engine) as session:
        session.execute(
            text(
                "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') "
                "RETURNING id) INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id, queueing_lock) "
                "SELECT 'yixing', 'sweep', 'doing', id, 'sweep:' || lock FROM dead, "
                "unnest(ARRAY['1', '2']) AS lock"
            )
        )
        queue.defer(
            session, "sweep", once="sweep:1", at=datetime.now(UTC) + timedelta(days=1)
        )  # the same waits already
    _work(
        fake.engine, tmp_path, lambda: fake.woken == [timer] and _locks(fake.engine) == ["sweep:1"]
    )


def test_a_timer_fires_soon_after_it_falls_due_though_nobody_asked(
    fake: Fake, tmp_path: Path
) -> None:
    """Well before the sweep of the minute: the worker looks at the timers itself."""
    monotonic = time.monotonic()
    (timer,) = fake.timers(datetime.now(UTC) + timedelta(seconds=1))
    _work(fake.engine, tmp_path, lambda: fake.woken == [timer])
    assert time.monotonic() - monotonic < 1 + 4 * WATCH + 5


def _locks(engine: Engine) -> list[str]:
    """The queueing locks of the jobs in the queue, without those that come by the clock."""
    with db.transaction(engine) as session:
        found = queue.manager(session).list_jobs()
    kept = [job.queueing_lock or "" for job in found]
    return [each for each in kept if each != "sweep:due" and not each.endswith(":clock")]


# --- the queue ------------------------------------------------------------------------------------------------------
def test_asking_for_a_job_is_one_statement_and_once_means_once(migrated: Engine) -> None:
    said: list[str] = []
    event.listen(migrated, "before_cursor_execute", lambda *given: said.append(given[2]))
    later = datetime.now(UTC) + timedelta(days=1)
    with db.transaction(migrated) as session:
        queue.defer(session, "deliver", instance_id="a", answers={"说": ["好", None, 1.5]})
        assert len(said) == 1
        queue.defer(session, "sweep", at=later, once="x")
        queue.defer(session, "sweep", once="x")  # waits already, and the transaction goes on
        queue.defer(session, "sweep")
        queue.defer(session, "sweep")
        assert [job.scheduled_at for job in queue.waiting(session, ["sweep"])] == [
            later,
            None,
            None,
        ]
        (job,) = queue.waiting(session, ["deliver"])
        assert job.task_kwargs == {"instance_id": "a", "answers": {"说": ["好", None, 1.5]}}
        assert queue.counts(session)["todo"] == 4
    with db.transaction(migrated) as session:
        assert len(queue.waiting(session, ["sweep", "deliver"])) == 4


def test_a_queue_without_jobs_counts_none(migrated: Engine) -> None:
    with db.transaction(migrated) as session:
        assert queue.counts(session).get("todo", 0) == 0 and queue.waiting(session, ["sweep"]) == []
        assert b"yixing_jobs_waiting 0.0" in health.metrics(session)
        queue.defer(session, "sweep")
        assert b"yixing_jobs_waiting 1.0" in health.metrics(session)
        assert b"yixing_jobs_failed 0.0" in health.metrics(session)


def test_a_fault_of_the_database_while_asking_is_the_same_fault_as_elsewhere(
    migrated: Engine,
) -> None:
    with pytest.raises(Invalid), db.transaction(migrated) as session:
        queue.defer(session, "deliver", words="\0")  # no column can hold it
    with pytest.raises(Unavailable), db.transaction(migrated) as session:
        own = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with db.transaction(migrated) as other:
            other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        queue.defer(session, "sweep")


def test_failed_jobs_of_an_erased_matter_are_forgotten_and_only_those(migrated: Engine) -> None:
    with db.transaction(migrated) as session:
        for key in ("gone", "gone", "stays"):
            queue.defer(session, "deliver", instance_id=key)
        session.execute(text("UPDATE procrastinate_jobs SET status = 'failed'"))
        queue.defer(session, "deliver", instance_id="gone")  # is still to be delivered
        queue.forget(session, "gone")
        left = queue.manager(session).list_jobs()
    assert [(job.task_kwargs["instance_id"], job.status) for job in left] == [
        ("stays", "failed"),
        ("gone", "todo"),
    ]


def test_jobs_that_ended_a_month_ago_are_removed(migrated: Engine, tmp_path: Path) -> None:
    with db.transaction(migrated) as session:
        for name in ("old", "young"):
            queue.defer(session, name)
        session.execute(text("UPDATE procrastinate_jobs SET status = 'failed'"))
        old = "job_id = (SELECT id FROM procrastinate_jobs WHERE task_name = 'old')"
        session.execute(
            text(f"UPDATE procrastinate_events SET at = now() - interval '31 days' WHERE {old}")
        )
        queue.defer(session, "remove_old_jobs", timestamp=0)
    _work(migrated, tmp_path, lambda: _names(migrated) == {"young"})


def _names(engine: Engine) -> set[str]:
    """The names of the jobs in the queue that do not come by the clock."""
    with db.transaction(engine) as session:
        found = queue.manager(session).list_jobs()
    return {job.task_name for job in found if not (job.queueing_lock or "").endswith(":clock")}


def test_a_message_nobody_waits_for_is_no_fault_and_one_that_breaks_is_an_incident(
    migrated: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def receive(_session: Any, _key: UUID, name: str, *_told: Any) -> bool:
        if name == "breaks":
            raise EngineError("no")
        if name == "busy":
            raise Conflict
        return False

    monkeypatch.setattr(jobs.messages, "receive", receive)
    monkeypatch.setattr(jobs.incidents, "note", lambda _s, _k, what, _f: told.append(what))
    key = str(UUID(int=5))
    assert jobs.deliver(migrated, key, "late", {}) is False
    assert jobs.deliver(migrated, key, "breaks", {}) is False
    assert told == ["message:breaks"]
    with pytest.raises(Conflict):  # Procrastinate tries again later
        jobs.deliver(migrated, key, "busy", {})


def test_tidying_removes_what_is_old_and_unused_only(fake: Fake) -> None:
    fake.timers(NOON)
    old, young = NOON - timedelta(days=8), NOON - timedelta(days=6)
    with db.transaction(fake.engine) as session:
        member = session.execute(select(tables.member.c.id)).scalar_one()
        instance = session.execute(select(tables.instance.c.id)).scalar_one()
        for at in (old, young):
            session.execute(insert(tables.attempt).values(key="k", at=at))
            session.execute(
                insert(tables.reply).values(
                    member_id=member, key=str(at), request="", status=1, body="", at=at
                )
            )
        kept = [_upload(session, member, "a", young), _upload(session, member, "b", old, instance)]
        _upload(session, member, "c", old)
        _upload(session, member, "b", old)  # the same content as one that is in use
        kept.append(_upload(session, member, "d", old))
        answers = {"file": [{"id": str(kept[2])}]}
        session.execute(
            insert(tables.draft).values(
                member_id=member, key="launch:errand", answers=answers, saved_at=old
            )
        )
    with clock.set_to(NOON):
        jobs.tidy(fake.engine)
    with fake.engine.connect() as session:
        assert session.execute(select(tables.attempt.c.at)).scalars().all() == [young]
        assert session.execute(select(tables.reply.c.at)).scalars().all() == [young]
        assert set(session.execute(select(tables.attachment.c.id)).scalars()) == set(kept)
        assert set(session.execute(select(tables.blob.c.sha256)).scalars()) == {"a", "b", "d"}


def _upload(
    session: Any, member: UUID, digest: str, at: datetime, instance: UUID | None = None
) -> UUID:
    session.execute(
        text("INSERT INTO blob VALUES (:d, 1, 'x') ON CONFLICT DO NOTHING"), {"d": digest}
    )
    key = tables.new_id()
    session.execute(
        insert(tables.attachment).values(
            id=key,
            instance_id=instance,
            member_id=member,
            name="f",
            media_type="text/plain",
            sha256=digest,
            size=1,
            at=at,
        )
    )
    return key


# --- backups --------------------------------------------------------------------------------------------------------
def test_a_damaged_backup_changes_nothing(fake: Fake, empty_url: str, tmp_path: Path) -> None:
    fake.timers(NOON)
    own, file = _settings(tmp_path, empty_url), tmp_path / "b.tar"
    backup.backup(own, file)
    fake.engine.dispose()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(Invalid):
        backup.restore(own, file, force=True)
    file.write_bytes(b"not a backup")
    with pytest.raises(Invalid):
        backup.restore(own, file, force=True)
    with fake.engine.connect() as session:
        assert session.execute(text("SELECT count(*) FROM timer")).scalar_one() == 1


def test_a_restore_that_does_not_give_the_same_rows_puts_the_old_ones_back(
    fake: Fake, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.timers(NOON)
    own, file = _settings(tmp_path, empty_url), tmp_path / "b.tar"
    backup.backup(own, file)
    fake.timers(NOON)
    fake.engine.dispose()
    with pytest.raises(Conflict) as refused:
        backup.restore(own, file)
    assert refused.value.code == "not_empty"
    with monkeypatch.context() as patch:
        patch.setattr(backup, "_compare", lambda *_: (_ for _ in ()).throw(EngineError("differs")))
        with pytest.raises(EngineError, match="differs"):
            backup.restore(own, file, force=True)
    with fake.engine.connect() as session:
        assert session.execute(text("SELECT count(*) FROM timer")).scalar_one() == 2
    fake.engine.dispose()
    backup.restore(own, file, force=True)
    with fake.engine.connect() as session:
        assert session.execute(text("SELECT count(*) FROM timer")).scalar_one() == 1
    with pytest.raises(Exception, match="nothing is removed"), fake.engine.begin() as session:
        session.execute(text("TRUNCATE event"))
    fake.engine.dispose()
    backup.backup(own, file)  # and what was restored can be backed up and restored again
    backup.restore(own, file, force=True)


def test_nothing_is_restored_under_a_running_product(
    fake: Fake, empty_url: str, tmp_path: Path
) -> None:
    own, file = _settings(tmp_path, empty_url), tmp_path / "b.tar"
    backup.backup(own, file)
    fake.engine.dispose()
    with psycopg.connect(empty_url), pytest.raises(Conflict) as refused:
        backup.restore(own, file)
    assert refused.value.code == "running"


def test_the_keys_are_in_the_backup_and_come_back(
    fake: Fake, empty_url: str, tmp_path: Path
) -> None:
    here, there = _settings(tmp_path / "here", empty_url), _settings(tmp_path / "there", empty_url)
    for own, words in ((here, "mine"), (there, "other")):
        (own.home / "keys").mkdir(parents=True)
        (own.home / "keys" / "signing.key").write_text(words)
    backup.backup(here, tmp_path / "b.tar")
    fake.engine.dispose()
    backup.restore(there, tmp_path / "b.tar")
    assert (there.home / "keys" / "signing.key").read_text() == "mine"
    assert [p.read_text() for p in there.home.glob("keys.before-*/signing.key")] == ["other"]


# --- packages -------------------------------------------------------------------------------------------------------
def _locked(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    pins = [re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)", line) for line in lines]
    return {re.sub(r"[-_.]+", "-", pin[1]).lower(): pin[2] for pin in pins if pin}


def _plain(requirement: str) -> str:
    """The name of a package as everybody spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~ ]", requirement)[0]).lower()


def _declared() -> tuple[set[str], set[str]]:
    """What the product, and what its tests, ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted, dev = project["dependencies"], project["optional-dependencies"]["dev"]
    return {_plain(each) for each in wanted}, {_plain(each) for each in dev}


def test_every_dependency_has_its_row_and_no_other_has_one() -> None:
    rows = re.findall(r"^\| ([@\w./-]+) \| [\d.]+ \|", _dependencies(), re.MULTILINE)
    parts = json.loads((ROOT / "package.json").read_text())["dependencies"]
    wanted, dev = _declared()
    assert sorted(each if each in parts else _plain(each) for each in rows) == sorted(
        wanted | dev | set(parts)
    )


def _dependencies() -> str:
    return (ROOT / "docs" / "dependencies.md").read_text()


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    source = "\n".join(
        path.read_text() for room in ("engine", "webui") for path in (ROOT / room).rglob("*.py")
    )
    roots = set(
        re.findall(
            r"^\s*(?:from|import) (\w+)[\w.]*(?: import |$| as |,| +#)", source, re.MULTILINE
        )
    )
    known = packages_distributions()
    imported = {_plain(known[root][0]) for root in roots - {"engine", "webui"} if root in known}
    assert imported == _declared()[0]


def test_every_dependency_is_pinned() -> None:
    wanted, dev = _declared()
    assert wanted <= set(_locked("requirements.lock"))
    assert dev <= set(_locked("requirements.lock")) | set(_locked("requirements-dev.lock"))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_python_locks_name_no_registry(name: str) -> None:
    content = (ROOT / name).read_text()
    assert "://" not in content and "--" not in content


def test_the_npm_lock_names_no_registry_and_every_part_has_its_digest() -> None:
    parts = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert not [name for name, part in parts.items() if "resolved" in part]
    assert not [name for name, part in parts.items() if name and "integrity" not in part]


def test_links_carry_the_configured_address_whatever_a_request_names(
    url: str, tmp_path: Path
) -> None:
    own = {"YIXING_HOME": str(tmp_path), "YIXING_DATABASE_URL": url, "YIXING_TRUSTED_PROXIES": "1"}
    forged = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
    }
    for address, seen in (
        ("https://yixing.example.edu.cn", "https://yixing.example.edu.cn/"),
        ("", "http://evil.example/"),
    ):
        app = create_app(settings.load({**own, "YIXING_ADDRESS": address}))
        app.add_url_rule("/here", "here", lambda: request.url_root)
        assert app.test_client().get("/here", headers=forged).text == seen
    with pytest.raises(ValueError, match="YIXING_ADDRESS"):
        settings.load({**own, "YIXING_ADDRESS": "evil.example/path"})
