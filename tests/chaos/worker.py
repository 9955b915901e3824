"""A program that works on errands until it is killed, and tells of every act before it begins and after it is committed.

It forks for every line of its input: `<url> <seed> <file>`; the child writes to the file, the parent prints its pid.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from uuid import UUID

from sqlalchemy import text

from engine import db
from engine.commands import edge, instances, polls, tasks
from engine.definitions import store
from engine.errors import EngineError
from engine.people import organisation

NEXT = text(
    "SELECT t.id, t.element, t.instance_id, p.id AS poll FROM task t LEFT JOIN poll p ON p.task_id = t.id "
    "WHERE t.state = 'open' ORDER BY random() LIMIT 1"
)
ANSWERS = {"check": {"decision": "pass"}, "mend": {"note": "好"}, "do": {"note": "好"}}


class Worker:
    """Does random acts; `say` writes a line at once, so that it is there whatever happens next."""

    def __init__(self, url: str, seed: str, file: str) -> None:
        self.engine, self.dice, self.seed = db.connect(url, size=2), random.Random(seed), seed
        self.out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with db.transaction(self.engine) as session:
            rows = session.execute(
                text(
                    "SELECT username, id FROM member WHERE username IN ('secretary', 'd0', 'd1', 'd2', 'd3')"
                )
            )
            self.actors = {r.username: organisation.actor(session, r.id) for r in rows}

    def say(self, **what: object) -> None:
        os.write(self.out, (json.dumps(what) + "\n").encode())

    def run(self, acts: int = 5000) -> None:
        self.say(ready=os.getpid())
        for number in range(acts):
            try:
                self.launch(f"{self.seed}-{number}") if self.dice.random() < 0.3 else self.act()
            except EngineError as fault:
                self.say(refused=fault.code)  # another one was faster

    def launch(self, token: str) -> None:
        self.say(begun="launch", token=token)
        reply = keyed_launch(self.engine, self.actors["d0"], token)
        self.say(done="launch", token=token, instance=reply)

    def act(self) -> None:
        with db.transaction(self.engine) as session:
            found = session.execute(NEXT).first()
        if found is None:
            return
        if found.poll is not None:
            who = self.dice.choice(["d0", "d1", "d2", "d3"])
            self.say(begun="answer")
            edge.carry_out(
                self.engine,
                self.actors[who],
                lambda s: polls.respond(s, self.actors[who], found.poll, "good"),
            )
            self.say(done="answer", poll=str(found.poll), who=str(self.actors[who].id))
            return
        actor = self.actors["d0" if found.element == "mend" else "secretary"]
        answers = ANSWERS[found.element]
        if found.element == "check" and self.dice.random() < 0.3:
            answers = {"decision": "return", "reason": "再改"}
        self.say(begun="complete")
        edge.carry_out(self.engine, actor, lambda s: tasks.complete(s, actor, found.id, answers))
        self.say(done="complete", task=str(found.id))


def keyed_launch(engine: object, actor: organisation.Actor, token: str) -> str:
    """A launch as the API does it: once per key, whatever happens to the first try."""

    def inside(session: db.Session) -> edge.Reply:
        def made() -> edge.Reply:
            return edge.Reply(
                201, str(instances.launch(session, actor, "errand", {"subject": token}))
            )

        return edge.once(
            session, actor, token, edge.request_hash("POST", "/", token.encode()), made
        )

    reply: edge.Reply = edge.carry_out(engine, actor, inside)  # type: ignore[arg-type]
    return str(UUID(reply.body))


def main() -> None:
    """Fork a worker for every line."""
    assert store  # everything is loaded before the first fork
    for line in sys.stdin:
        url, seed, file = line.split()
        pid = os.fork()
        if pid == 0:
            sys.stdin.close()
            Worker(url, seed, file).run()
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are not waited for
    main()
