"""The count: from opened envelopes to an urn in which nothing reminds of who put what in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.ballots.envelopes import Ballot, unseal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nacl.public import PrivateKey

    from engine.ballots.envelopes import Slip


@dataclass(frozen=True)
class Count:
    """The valid ballots sorted by code, how often each choice was made (0 too), and how many
    envelopes were invalid.
    """

    urn: tuple[Ballot, ...]
    counts: Mapping[str, int]
    invalid: int


def count(envelopes: Sequence[bytes], key: PrivateKey, slip: Slip) -> Count:
    """Open all envelopes. Ill-formed ones are invalid; so are those that share a code, as nobody
    could check them.
    """
    opened = [
        ballot
        for ballot in (unseal(sealed, key, slip) for sealed in envelopes)
        if ballot is not None
    ]
    times = Counter(ballot.code for ballot in opened)
    urn = tuple(sorted((b for b in opened if times[b.code] == 1), key=lambda ballot: ballot.code))
    return Count(urn, tally(slip.choices, (b.choices for b in urn)), len(envelopes) - len(urn))


def tally(choices: Iterable[str], chosen: Iterable[Iterable[str]]) -> dict[str, int]:
    """How often each choice was made; what is not among the choices counts too, so that it cannot
    hide.
    """
    counted = Counter(choice for ballot in chosen for choice in ballot)
    return {choice: counted.pop(choice, 0) for choice in choices} | dict(counted)
