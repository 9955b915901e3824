"""Attacks that change two or three things together, so that no row contradicts the one beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine.db import canonical

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from engine.db import Session

Step = "str | Callable[[Session], None]"


@dataclass(frozen=True)
class Attack:
    """What is changed, by SQL or by a function; and what verification must say: the table that it
    names, and the kind of the event that is false first ("" when no event tells of the row).
    """

    steps: tuple[str | Callable[[Session], None], ...]
    table: str
    event: str = ""
    says: str = ""

    def carry_out(self, session: Session) -> None:
        """Change it; each step must change something."""
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for step in self.steps:
            if callable(step):
                step(session)
            else:
                assert session.execute(text(step)).rowcount > 0, step


def attack(*steps: Any, table: str, event: str = "", says: str = "") -> Attack:
    """One of them."""
    return Attack(steps, table, event, says)


def rechained(session: Session, kind: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the body of the first event of a kind, and make the hashes of its chain, and its head,
    right again.
    """
    first = (
        "SELECT instance_id, seq FROM event WHERE kind = :kind ORDER BY instance_id, seq LIMIT 1"
    )
    chain, seq = session.execute(text(first), {"kind": kind}).one()
    body = "SELECT body FROM event WHERE instance_id = :chain AND seq = :seq"
    says = json.loads(session.execute(text(body), {"chain": chain, "seq": seq}).scalar_one())
    change(says)
    new = "UPDATE event SET body = :body WHERE instance_id = :chain AND seq = :seq"
    told = canonical.dumps(says).decode()
    session.execute(text(new), {"chain": chain, "seq": seq, "body": told})
    rehashed(session, chain)


def rehashed(session: Session, chain: UUID) -> None:
    """The hashes of a chain and its head, computed anew."""
    rows = text("SELECT seq, body FROM event WHERE instance_id = :chain ORDER BY seq")
    head, last = canonical.genesis(chain), 0
    for last, body in session.execute(rows, {"chain": chain}).all():
        head = canonical.event_hash(head, body.encode())
        new = text("UPDATE event SET hash = :hash WHERE instance_id = :chain AND seq = :seq")
        session.execute(new, {"chain": chain, "seq": last, "hash": head})
    for table in ("instance", "chain"):
        moved = f"UPDATE {table} SET head = :head, seq = :seq WHERE id = :chain"
        session.execute(text(moved), {"head": head, "seq": last, "chain": chain})


# --- rows that agree with each other, but not with their events ----------------------------------
_OTHER = "(SELECT id FROM member WHERE username = '李强')"
_DONE = "(SELECT id FROM instance WHERE state = 'ended' ORDER BY id LIMIT 1)"
_WAITS = "(SELECT instance_id FROM task WHERE element = 'do' AND state = 'open' LIMIT 1)"
_POLL = f"(SELECT id FROM poll WHERE instance_id = {_DONE})"


def _salted_anew(session: Session) -> None:
    """Answers and fact say another decision, and a fresh salt hides that the digest was another."""
    session.execute(
        text(
            f"""UPDATE task SET answers = jsonb_set(answers, '{{note}}', '"改过"'), salt = '\\x00'
                WHERE element = 'mend' AND instance_id = {_DONE}"""
        )
    )


def _bytes(session: Session) -> None:
    """Another file under its own digest, to which the attachment points."""
    data = b"%PDF-1.4 another"
    digest = hashlib.sha256(data).hexdigest()
    put = text("INSERT INTO blob (sha256, size, data) VALUES (:digest, :size, :data)")
    session.execute(put, {"digest": digest, "size": len(data), "data": data})
    moved = text("UPDATE attachment SET sha256 = :digest, size = :size")
    session.execute(moved, {"digest": digest, "size": len(data)})


def _paper(session: Session) -> None:
    """Another text of a paper, with the digest that it has."""
    row = session.execute(text("SELECT id, data FROM document LIMIT 1")).one()
    data = {**row.data, "instance": {**row.data["instance"], "title": "另一件"}}
    digest = canonical.digest(canonical.dumps(data)).hex()
    new = text("UPDATE document SET data = :data, data_sha256 = :digest WHERE id = :id")
    session.execute(new, {"data": json.dumps(data), "digest": digest, "id": row.id})


ERRANDS = {
    "an answer, its fact and its salt": attack(
        _salted_anew,
        f"""UPDATE instance SET facts = jsonb_set(facts, '{{mend,note}}', '"改过"') WHERE id = {_DONE}""",
        table="task",
        event="task_completed",
    ),
    "who finished a task, and the post that let him": attack(
        f"UPDATE task SET closed_by = {_OTHER} WHERE element = 'do' AND instance_id = {_DONE}",
        f"UPDATE post SET member_id = {_OTHER} WHERE kind = 'union_secretary'",
        table="task",
        event="task_completed",
    ),
    "a task's day and its timer's": attack(
        f"UPDATE task SET due_at = due_at + interval '9 days' WHERE instance_id = {_WAITS} AND state = 'open'",
        f"UPDATE timer SET due_at = due_at + interval '9 days' WHERE instance_id = {_WAITS} AND state = 'waiting'",
        table="task",
        event="task_completed",
    ),
    "a timer that has fired, and the paper it issued": attack(
        f"UPDATE timer SET state = 'cancelled' WHERE state = 'fired' AND instance_id = {_DONE}",
        f"DELETE FROM document WHERE instance_id = {_DONE}",
        table="document",
        event="document_issued",
    ),
    "a ballot, its count and outcome, and the fact": attack(
        f"UPDATE roll SET choice = 'bad' WHERE poll_id = {_POLL} AND choice = 'good'",
        f"""UPDATE poll SET counts = '{{"bad": 3}}', outcome = outcome || '{{"good": 0, "bad": 3, "passed": false}}'
            WHERE id = {_POLL}""",
        f"""UPDATE instance SET facts = jsonb_set(facts, '{{rate}}', (SELECT outcome FROM poll WHERE id = {_POLL}))
            WHERE id = {_DONE}""",
        table="roll",
        event="poll_closed",
    ),
    "an outcome and the fact of it": attack(
        f"UPDATE poll SET outcome = outcome || '{{\"passed\": false}}' WHERE id = {_POLL}",
        f"UPDATE instance SET facts = jsonb_set(facts, '{{rate,passed}}', 'false') WHERE id = {_DONE}",
        table="poll",
        event="poll_closed",
    ),
    "a voter added to roll and size": attack(
        f"""INSERT INTO roll SELECT (r).* FROM (SELECT jsonb_populate_record(q, jsonb_build_object('member_id', m.id)) AS r
            FROM roll q, member m WHERE q.poll_id = {_POLL} AND m.username = '外人' LIMIT 1) AS x""",
        f"UPDATE poll SET roll_size = roll_size + 1 WHERE id = {_POLL}",
        table="poll",
        event="poll_closed",
    ),
    "a paper and its digest": attack(_paper, table="document", event="document_issued"),
    "a paper's number and title": attack(
        "UPDATE document SET number = '催〔2026〕099'",
        "UPDATE counter SET last = 99",
        table="document",
        event="document_issued",
    ),
    "a file and its digest": attack(_bytes, table="attachment"),
    "a matter begun again, with its task": attack(
        f"UPDATE task SET state = 'open', closed_at = NULL WHERE element = 'rate' AND instance_id = {_DONE}",
        f"UPDATE instance SET state = 'running', ended_at = NULL, outcome = '' WHERE id = {_DONE}",
        table="task",
        event="poll_closed",
    ),
    "a task taken from one to another, who may read now": attack(
        f"UPDATE task SET assignee_id = {_OTHER} WHERE instance_id = {_WAITS} AND state = 'open'",
        f"INSERT INTO share (key, instance_id) SELECT {_OTHER}, {_WAITS} ON CONFLICT DO NOTHING",
        table="task",
        event="task_claimed",
    ),
    "a reader and the reading that tells of him": attack(
        f"DELETE FROM share WHERE instance_id = {_WAITS} AND key = (SELECT min(key::text)::uuid FROM share WHERE instance_id = {_WAITS})",
        f"DELETE FROM event WHERE instance_id = {_WAITS} AND kind = 'task_claimed'",
        table="",
        says="记录比在册的少或多",
    ),
    "a suspension taken back": attack(
        """UPDATE task SET due_at = due_at + interval '1 day'
           WHERE instance_id IN (SELECT id FROM instance WHERE state = 'suspended')""",
        "UPDATE instance SET suspended_at = NULL, state = 'running' WHERE state = 'suspended'",
        table="instance",
        event="instance_suspended",
    ),
    "a step forward of machine, stage and task": attack(
        f"UPDATE instance SET machine = NULL, stage = '{{}}' WHERE id = {_WAITS}",
        f"UPDATE timer SET state = 'cancelled' WHERE instance_id = {_WAITS} AND state = 'waiting'",
        f"UPDATE task SET state = 'cancelled', closed_at = now() WHERE instance_id = {_WAITS} AND state = 'open'",
        table="instance",
        event="task_completed",
    ),
    "a union's own value and since when": attack(
        "UPDATE setting SET value = 90, valid_from = valid_from - 30 WHERE state = 'in_force'",
        "UPDATE task SET due_at = due_at + interval '30 days' WHERE state = 'open'",
        table="setting",
        event="setting_approved",
    ),
    "a vacation and the days it moved": attack(
        "UPDATE vacation SET to_on = to_on + 9",
        "UPDATE timer SET due_at = due_at + interval '9 days' WHERE state = 'waiting'",
        table="vacation",
    ),
    "a version's rule and its fingerprint": attack(
        """UPDATE definition SET files = jsonb_set(files, '{process.toml}',
           to_jsonb(replace(files->>'process.toml', '2*good > roll', 'good > 0')))""",
        """UPDATE poll SET rule = jsonb_set(rule, '{passes}', '"good > 0"')""",
        table="definition",
    ),
    "moments of a launch, in row and event": attack(
        f"UPDATE instance SET started_at = started_at - interval '1 day' WHERE id = {_DONE}",
        f"UPDATE event SET at = at - interval '1 day' WHERE instance_id = {_DONE} AND seq = 1",
        table="",
        event="instance_launched",
        says="记录旁列与正文不符",
    ),
    "an actor, in task and event": attack(
        f"UPDATE task SET closed_by = {_OTHER} WHERE element = 'do' AND instance_id = {_DONE}",
        f"UPDATE event SET actor_id = {_OTHER} WHERE instance_id = {_DONE} AND kind = 'task_completed'",
        table="",
        event="task_completed",
        says="记录旁列与正文不符",
    ),
    "an event rewritten, its chain hashed anew, and its row": attack(
        lambda s: rechained(s, "poll_closed", lambda says: says["outcome"].update(passed=False)),
        f"UPDATE poll SET outcome = outcome || '{{\"passed\": false}}' WHERE id = {_POLL}",
        f"UPDATE instance SET facts = jsonb_set(facts, '{{rate,passed}}', 'false') WHERE id = {_DONE}",
        table="",
        says="检查点",
    ),
    "the end of a chain cut, with the head": attack(
        f"DELETE FROM event WHERE instance_id = {_DONE} AND kind = 'poll_closed'",
        lambda s: rehashed(s, s.execute(text(f"SELECT {_DONE}")).scalar_one()),
        table="task",
        says="没有记录",
    ),
}
HALL = {
    "an arrival taken out of ledger, roll and numbers": attack(
        "DELETE FROM presence WHERE no = (SELECT max(no) FROM presence)",
        "UPDATE attendance SET here = false WHERE member_id NOT IN (SELECT member_id FROM presence)",
        "UPDATE meeting SET present = (SELECT count(*) FROM attendance WHERE here AND kind = 'formal')",
        table="meeting",
        event="meeting_closed",
    ),
    "the numbers of a meeting, in row and fact": attack(
        "UPDATE meeting SET present = present + 1",
        "UPDATE instance SET facts = jsonb_set(facts, '{session,meeting,present}', '9')",
        table="meeting",
        event="meeting_closed",
    ),
    "an observer who is a delegate now": attack(
        "UPDATE attendance SET kind = 'formal' WHERE kind = 'observer'",
        "UPDATE meeting SET due = due + 1",
        table="meeting",
        event="meeting_closed",
    ),
    "a guest who is an observer now, and was there": attack(
        "UPDATE attendance SET kind = 'guest' WHERE kind = 'observer'",
        """UPDATE instance SET facts = jsonb_set(facts, '{session,meeting,observers}', '0')""",
        table="meeting",
        event="meeting_closed",
    ),
    "a teller's name and signature": attack(
        "UPDATE teller SET signed_at = signed_at - interval '1 hour'",
        "UPDATE poll SET closed_at = closed_at - interval '1 hour' WHERE kind = 'election'",
        table="poll",
        event="poll_closed",
    ),
    "who was there at the vote, in the terms and on the certificate": attack(
        """UPDATE poll SET rule = jsonb_set(rule, '{presence,opening}', '8') WHERE NOT secret""",
        """UPDATE poll SET outcome = outcome || '{"present": 8}' WHERE NOT secret""",
        table="poll",
        event="poll_closed",
    ),
}
SEALED = {
    "a sealed ballot, its count and outcome": attack(
        "UPDATE urn SET choices = ARRAY['abstain'] WHERE code = (SELECT min(code) FROM urn)",
        "UPDATE poll SET counts = counts || '{\"abstain\": 1}' WHERE secret",
        table="poll",
        event="poll_closed",
    ),
    "a receipt and who voted": attack(
        "DELETE FROM board WHERE receipt = (SELECT min(receipt) FROM board)",
        "UPDATE roll SET at = NULL WHERE at = (SELECT max(r.at) FROM roll r JOIN poll p ON p.id = r.poll_id WHERE p.secret)",
        table="roll",
        event="poll_closed",
    ),
}
OPEN = {
    "somebody put into an open hall, in ledger and number": attack(
        """INSERT INTO presence (meeting_id, member_id, came, way, by_id, at)
           SELECT a.meeting_id, a.member_id, true, 'list', a.member_id, now() FROM attendance a
           WHERE NOT a.here AND a.kind = 'formal' ORDER BY a.member_id LIMIT 1""",
        "UPDATE attendance SET here = true WHERE member_id IN (SELECT member_id FROM presence)",
        "UPDATE meeting SET present = present + 1",
        table="presence",
        event="meeting_opened",
    ),
    "somebody sent out of it": attack(
        """UPDATE attendance SET here = false
           WHERE member_id = (SELECT member_id FROM attendance WHERE here AND kind = 'formal' LIMIT 1)""",
        "UPDATE meeting SET present = present - 1",
        table="attendance",
        event="meeting_opened",
    ),
    "the time of an arrival and who noted it": attack(
        "UPDATE presence SET at = at - interval '1 hour', way = 'list'",
        table="presence",
        event="meeting_opened",
    ),
    "a roll one smaller, with the number due": attack(
        """DELETE FROM attendance
           WHERE member_id = (SELECT member_id FROM attendance WHERE NOT here AND kind = 'formal' LIMIT 1)""",
        "UPDATE meeting SET due = due - 1",
        table="meeting",
        event="meeting_opened",
    ),
}
REGISTRY = {
    "a post's days and its holder's name": attack(
        "UPDATE post SET from_on = from_on - 300, to_on = NULL WHERE kind = 'auditor'",
        "UPDATE member SET active = true WHERE username = 'wang'",
        table="post",
        event="post_ended",
    ),
    "a unit under another, with its people": attack(
        """UPDATE unit SET managing_id = (SELECT id FROM unit WHERE code = 'TOP') WHERE code = 'U'""",
        """UPDATE member SET unit_id = (SELECT id FROM unit WHERE code = 'U') WHERE username = 'wang'""",
        table="unit",
        event="unit_created",
    ),
    "a person invented with a post": attack(
        """INSERT INTO member SELECT (m).* FROM (SELECT jsonb_populate_record(q,
           jsonb_build_object('id', '00000000-0000-4000-8000-000000000001', 'username', 'forged')) AS m FROM member q LIMIT 1) AS x""",
        """INSERT INTO post SELECT (p).* FROM (SELECT jsonb_populate_record(q, jsonb_build_object('id', gen_random_uuid(),
           'member_id', '00000000-0000-4000-8000-000000000001', 'kind', 'union_secretary')) AS p FROM post q LIMIT 1) AS x""",
        table="member",
    ),
}
