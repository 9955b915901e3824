"""The one table of limits. Who gets a figure down tightens it here; who must raise one says why in an ADR."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """`most` is what the measure may reach at most, `why` says where the number comes from.

    `today` stands while the aim is not reached yet: the test is then expected to fail, strictly, so that whoever reaches
    the aim has to take the mark away.
    """

    most: float
    why: str
    today: float | None = None


BASE_SUM = 168_658  # body nodes of engine/ before the big order was made

LIMITS: dict[str, Limit] = {
    # --- rooms -------------------------------------------------------------------------------------------------------
    "files in import circles": Limit(0, "no circle anywhere"),
    "files in import circles, types too": Limit(0, "not even for types"),
    "imports between the doors": Limit(0, "commands and queries know nothing of each other"),
    "imports between the doors, types too": Limit(0, "not even for types"),
    # --- functions ---------------------------------------------------------------------------------------------------
    "body nodes, median": Limit(45, "procrastinate has 30, flask 29", today=64),
    "body nodes, p90": Limit(150, "procrastinate has 99, flask 127", today=176),
    "body nodes, sum": Limit(
        BASE_SUM * 1.05, "room to breathe is no more code: at most 5 % more", today=412_789
    ),
    "shreds": Limit(
        105, "70 before; taking things apart may not become tearing: half as many again", today=150
    ),
    "parameters typed Any": Limit(60, "rows have types"),
    "rows typed Any": Limit(0, "a row, poll, task or run is known"),
    "long positional calls": Limit(0, "what is passed is named beyond five"),
    # --- layout ------------------------------------------------------------------------------------------------------
    "fmt: skip": Limit(20, "an exception each for a table that reads as one"),
    "fmt: skip without reason": Limit(0, "an exception says why"),
    "lines over 100 columns": Limit(0, "only a string may be too long"),
    "docstring lines over 100 columns": Limit(0, "a docstring can be broken"),
    "files over 400 lines": Limit(0, "a file that grows is split by noun"),
    "page lines over 140 columns": Limit(0, "templates and style sheets are for people"),
    # --- pages: statements at the driver -----------------------------------------------------------------------------
    "errand inbox": Limit(
        7, "session, person, list, what is beside it, and what waits in its union"
    ),
    "errand task": Limit(10, "one read per page"),
    "errand submit": Limit(10, "lock, load, save; then the way on"),
    "errand submit, transactions": Limit(2, "one to read, one to write"),
    "errand matter": Limit(12, "one read per page"),
    "errand audit": Limit(16, "one read per page; 15 before packs, see ADR 25"),
    "errand poll": Limit(8, "one read per page"),
    "motion inbox": Limit(6, "as the errand's"),
    "motion task": Limit(10, "as the errand's"),
    "motion submit": Limit(10, "as the errand's"),
    "motion submit, transactions": Limit(2, "as the errand's"),
    "motion matter": Limit(12, "as the errand's"),
    "motion audit": Limit(16, "as the errand's"),
    "motion poll": Limit(8, "as the errand's"),
    # --- the walk of a completion ------------------------------------------------------------------------------------
    "errand submit, room changes": Limit(12, "a completion can be followed by eye", today=16),
    "errand submit, climbs": Limit(0, "nothing below commands calls commands or webui"),
    "motion submit, room changes": Limit(12, "as the errand's", today=23),
    "motion submit, climbs": Limit(0, "as the errand's"),
    # --- what an addition costs --------------------------------------------------------------------------------------
    "files per added verb": Limit(3, "access, command, words; pages and API list what there is"),
    "files per added action": Limit(2, "it registers itself; and its words", today=3),
    "files per added field type": Limit(4, "form, answer, page, words"),
    "files per added expression function": Limit(2, "the function; the grammar"),
}
