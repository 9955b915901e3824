"""Secret ballots as mathematics: keys that several tellers hold together, sealed envelopes, the
count, and its proof.

Pure: bytes and texts in, bytes and texts out; it knows no database and no clock. Who may do what is
said in engine.commands.ballots.
"""

from engine.ballots.check import Paper, Report, board_hash, first_false, report, urn_hash
from engine.ballots.envelopes import (
    Ballot,
    Slip,
    code_of,
    envelope_size,
    from_text,
    is_envelope,
    receipt_of,
    seal,
    size_for,
    unseal,
)
from engine.ballots.keys import (
    MOST_TELLERS,
    BallotKey,
    BrokenPart,
    WrongPassphrase,
    hand_over,
    join,
    make,
    public_of,
    unwrap,
)
from engine.ballots.outer import mark_of, new_key, unwrap_outer, wrap
from engine.ballots.tally import Count, count, tally

__all__ = [
    "MOST_TELLERS",
    "Ballot",
    "BallotKey",
    "BrokenPart",
    "Count",
    "Paper",
    "Report",
    "Slip",
    "WrongPassphrase",
    "board_hash",
    "code_of",
    "count",
    "envelope_size",
    "first_false",
    "from_text",
    "hand_over",
    "is_envelope",
    "join",
    "make",
    "mark_of",
    "new_key",
    "public_of",
    "receipt_of",
    "report",
    "seal",
    "size_for",
    "tally",
    "unseal",
    "unwrap",
    "unwrap_outer",
    "urn_hash",
    "wrap",
]
