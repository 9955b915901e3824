"""A secret poll from its keys to its signatures, driven by people's names."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import ballots, db
from engine.commands import ballots as voting
from engine.commands import instances, polls, signing, teller_keys
from engine.queries import ballots as looking

if TYPE_CHECKING:
    from uuid import UUID

    from tests.races.union import Union

WORDS = {
    "d0": "三月的风很轻",
    "d1": "correct horse",
    "d2": "桂花开在后山",
}  # NFKC makes no difference here


WORDS = {who: f"{words}, 长一点" for who, words in WORDS.items()}


@dataclass
class Poll:
    """A secret poll of a union, driven by its people's names."""

    union: Union
    instance: UUID
    id: UUID

    @classmethod
    def called(cls, union: Union, tellers: tuple[str, ...] = tuple(WORDS)) -> Poll:
        answers = {
            "subject": "无记名表决一件事",
            "tellers": [str(union.people[t]) for t in tellers],
        }
        instance = union.do("secretary", instances.launch, "secret", answers)
        return cls(union, instance, union.poll(instance))

    @classmethod
    def opened(cls, union: Union) -> Poll:
        poll = cls.called(union)
        for who, words in WORDS.items():
            poll.take(who, words)
        assert poll.state == "open"
        return poll

    @property
    def state(self) -> str:
        return str(self.union.one("SELECT state FROM poll WHERE id = :p", p=self.id))

    def take(self, who: str, words: str) -> None:
        self.union.do(who, teller_keys.take, self.id, words)

    def box(self, who: str = "d0") -> looking.Box:
        actor = self.union.actor(who)
        with db.transaction(self.union.engine) as session:
            found = looking.box(session, actor, self.id)
        assert found is not None
        return found

    def seal(self, *choices: str, nonce: bytes | None = None) -> bytes:
        box = self.box()
        assert box.public_key and box.size
        return ballots.seal(
            str(self.id),
            choices,
            nonce or os.urandom(16),
            base64.b64decode(box.public_key),
            box.size,
        )

    def vote(self, who: str, *choices: str, nonce: bytes | None = None) -> str:
        return str(self.union.do(who, voting.cast, self.id, self.seal(*choices, nonce=nonce)))

    def close(self) -> None:
        self.union.do("secretary", polls.close, self.id)

    def join(self, who: str, words: str | None = None) -> None:
        self.union.do(who, teller_keys.join, self.id, WORDS[who] if words is None else words)

    def sign(self) -> None:
        for who in WORDS:
            self.union.do(who, signing.sign, self.id)

    def count(self, table: str) -> int:
        return int(self.union.one(f"SELECT count(*) FROM {table} WHERE poll_id = :p", p=self.id))

    def report(self, *typed: str) -> Any:
        actor = self.union.actor("d0")
        with db.transaction(self.union.engine) as session:
            return looking.checked(session, actor, self.id, *typed)


def delegates(union: Union, count: int) -> list[str]:
    """So many delegates in all."""
    names = [f"d{n}" for n in range(count)]
    with db.transaction(union.engine) as session:
        for name in names[5:]:
            union.member(session, name, "formal_delegate", "college")
    return names
