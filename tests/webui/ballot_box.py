"""A secret ballot on the pages, with its voters."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

from engine import ballots, db
from engine.commands import ballots as voting
from engine.commands import definitions, instances, polls, signing, teller_keys
from engine.queries import ballots as reading
from tests.races.union import folder

if TYPE_CHECKING:
    from uuid import UUID

    from tests.webui.conftest import House


WORDS = {"mover": "三月的风很轻啊啊", "second": "correct horse", "third": "桂花开在后山上了"}


VOTERS = ("mover", "second", "third", "v0", "v1", "v2", "v3")


class Ballot:
    """A secret poll of the house: mover, second and third are its tellers; seven are on the roll."""

    def __init__(self, house: House, files: dict[str, str] | None = None) -> None:
        self.house = house
        with db.transaction(house.engine) as session:
            for n in range(4):
                made: Any = house
                made.person(session, f"v{n}", f"票{n}", "info", "union", "formal_delegate@info")
            definitions.publish_shipped(session, files or folder("secret"))
        answers = {
            "subject": "校工会换届办法表决",
            "tellers": [str(house.people[t]) for t in WORDS],
        }
        self.instance: UUID = house.do("office", instances.launch, "secret", answers)
        self.id: UUID = self.one("SELECT id FROM poll")

    def one(self, query: str) -> Any:
        from sqlalchemy import text

        return self.house.look(lambda s: s.execute(text(query)).scalar())

    @property
    def state(self) -> str:
        return str(self.one("SELECT state FROM poll"))

    def open(self) -> Ballot:
        for who, words in WORDS.items():
            self.house.do(who, teller_keys.take, self.id, words)
        return self

    def box(self) -> reading.Box:
        actor = self.house.actor("mover")
        found: reading.Box = self.house.look(lambda s: reading.box(s, actor, self.id))
        return found

    def seal(self, choice: str, nonce: bytes | None = None) -> bytes:
        box = self.box()
        assert box.public_key and box.size
        return ballots.seal(
            str(self.id),
            [choice],
            nonce or os.urandom(16),
            base64.b64decode(box.public_key),
            box.size,
        )

    def vote(self, *voters: str) -> None:
        for n, who in enumerate(voters):
            self.house.do(who, voting.cast, self.id, self.seal("yes" if n % 3 else "no"))

    def count(self) -> None:
        self.house.do("office", polls.close, self.id)
        for who in ("mover", "third"):
            self.house.do(who, teller_keys.join, self.id, WORDS[who])

    def sign(self) -> None:
        for who in WORDS:
            self.house.do(who, signing.sign, self.id)
