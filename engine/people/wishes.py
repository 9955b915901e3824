"""How people want to be told of what waits for them: by which channels, when, and when not."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.errors import Invalid
from engine.messages import Listed, _
from engine.settings import CHANNELS as CHANNELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from engine.db import Session

SINGLY = ("urgent", "all", "none")
"""Which are told one by one: what is urgent (due within a day, or urged), all, or none."""
SOON = timedelta(hours=24)  # whoever gets something due so soon is told of it by itself

CATCH_UP = timedelta(hours=4)  # after its time in which a digest still goes out


@dataclass(frozen=True)
class Wishes:
    """`channels`: those this person does not want are left out; None: all that there are.
    `digest`: the time of day of the one message, "" for none; `quiet_from` to `quiet_to`:
    when nothing is sent, both "" for never. Times are HH:MM, of China.
    """

    channels: tuple[str, ...] | None = None
    digest: str = "07:30"
    singly: str = "urgent"
    quiet_from: str = "21:30"
    quiet_to: str = "07:00"

    def quiet_until(self, now: datetime) -> datetime | None:
        """The end of the quiet hours in which `now` falls; None outside of them."""
        if not self.quiet_from:
            return None
        here = now.astimezone(clock.CHINA)
        since, until = _time(self.quiet_from), _time(self.quiet_to)
        at = here.time()
        within = since <= at < until if since <= until else at >= since or at < until
        if not within:
            return None
        day = here.date() + timedelta(days=1 if at >= until else 0)
        return datetime.combine(day, until, clock.CHINA)

    def digest_due(self, now: datetime) -> bool:
        """Is it, in China, the time of the digest, or not long after, and not quiet?

        What comes to somebody in the afternoon waits for the next morning; a worker that was down
        for a while catches up.
        """
        if not self.digest or self.quiet_until(now):
            return False
        here = now.astimezone(clock.CHINA)
        at = datetime.combine(here.date(), _time(self.digest), clock.CHINA)
        opens = self.quiet_until(at) or at
        return opens <= here < opens + CATCH_UP

    def stored(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


NOTHING_SAID = Wishes()


def _time(text: str) -> time:
    return time.fromisoformat(text)


def read(given: Mapping[str, Any]) -> Wishes:
    """Wishes out of a form or a request: channels, digest, singly, quiet_from, quiet_to. Raises
    Invalid with each field that is wrong.
    """
    faults: dict[str, list[Any]] = {}
    chosen = given.get("channels")
    channels = None if chosen is None else tuple(each for each in CHANNELS if each in chosen)
    if chosen is not None and set(chosen) - set(CHANNELS):
        faults["channels"] = [_("应为 {choices} 之一。", choices=Listed(CHANNELS))]
    singly = given.get("singly", NOTHING_SAID.singly)
    if singly not in SINGLY:
        faults["singly"] = [_("应为 {choices} 之一。", choices=Listed(SINGLY))]
    times = {key: given.get(key, getattr(NOTHING_SAID, key)) for key in TIMES}
    for key, text in times.items():
        if text and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
            faults[key] = [_("应写成 07:30 这样。")]
    if bool(times["quiet_from"]) != bool(times["quiet_to"]):
        faults["quiet_to"] = [_("免打扰要写开始和结束两个时间，或者都不写。")]
    elif times["quiet_from"] and times["quiet_from"] == times["quiet_to"]:
        faults["quiet_to"] = [_("免打扰的开始和结束不能相同。")]
    if faults:
        raise Invalid(faults)
    return Wishes(channels=channels, singly=singly, **times)


TIMES = ("digest", "quiet_from", "quiet_to")


def of(session: Session, members: Collection[UUID]) -> dict[UUID, Wishes]:
    """What these members wish; of whoever said nothing, what holds without."""
    wish = tables.wish.c
    rows = session.execute(select(wish.member_id, wish.wanted).where(wish.member_id.in_(members)))
    said = {row.member_id: read(row.wanted) for row in rows}
    return {key: said.get(key, NOTHING_SAID) for key in members}


@dataclass(frozen=True)
class Account:
    """Where a person is reached: the address of e-mail as the office keeps it, and the login name,
    by which WeCom, DingTalk and Feishu know the same person.
    """

    id: UUID
    name: str
    email: str
    username: str
    locale: str
    active: bool

    def at(self, channel: str) -> str:
        """The address by a channel; "" where there is none."""
        return self.email if channel == "email" else self.username


def accounts(session: Session, members: Collection[UUID]) -> dict[UUID, Account]:
    """Where these members are reached."""
    member = tables.member.c
    columns = (member.id, member.name, member.email, member.username, member.locale, member.active)
    rows = session.execute(select(*columns).where(member.id.in_(members)))
    return {row.id: Account(*row) for row in rows}
