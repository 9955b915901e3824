"""A pack about a meeting with a vote, written event by event; and what somebody who has the key could write falsely."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.engine.packs import MOTION, Line, Story, put_contents, remanifest

DUE, OBSERVER, CHAIR = ("a", "b", "c"), "o", str(UUID(int=7))
NEEDED = 2
ROLL, LEDGER = "meetings/session-roll.csv", "meetings/session-ledger.txt"
PAPER = "documents/resolution.json"
CHINA = timezone(timedelta(hours=8))


def digest(members: Any) -> str:
    return sha256("\n".join(sorted(members)).encode()).hexdigest()


@dataclass
class Session:
    """The meeting while it is told. `lies`: what the event of this number in the session says instead."""

    lies: Mapping[int, Line]
    told: Story = field(default_factory=Story)
    ledger: list[str] = field(default_factory=list)
    papers: list[bytes] = field(default_factory=list)

    def event(self, kind: str, **data: Any) -> Line:
        number = len(self.told.mine()) + 1
        self.told.event(MOTION, kind, {**data, **self.lies.get(number, {})})
        line = self.told.lines[-1]
        line["actor"] = json.loads(line["body"])["actor"]
        return line

    def move(self, *members: str, came: bool = True) -> None:
        told = {"members": list(members), "came": came, "way": "list", "count": len(members)}
        at = self.event("presence_noted", task="session", meeting="h", **told)["at"]
        for member in members:
            sign, number = "+" if came else "-", len(self.ledger) + 1
            self.ledger.append(f"{number} {member} {sign} list {CHAIR} {at}\n")

    def lines(self) -> str:
        return sha256("".join(self.ledger).encode()).hexdigest()

    def answer(self, who: str, choice: str) -> None:
        actor = {"id": who, "name": who}
        self.event("poll_answered", task="vote", poll="p", actor=actor, choice=choice)

    def issue(self, outcome: Line) -> None:
        paper = {"document": {"number": "决〔2026〕1号"}, "facts": {"vote": outcome}}
        self.papers.append(json.dumps(paper, ensure_ascii=False).encode())
        known = {"id": "resolution", "sha256": sha256(self.papers[-1]).hexdigest()}
        self.event("document_issued", document="resolution", number="决〔2026〕1号", **known)


XES = (
    '<event><int key="yixing:seq" value="{}"/><string key="yixing:kind" value="{}"/>'
    '<date key="time:timestamp" value="{}"/><string key="org:resource" value="{}"/>'
    '<string key="yixing:hash" value="{}"/></event>\n'
)
OUTCOME = {
    "roll": 3,
    "answered": 2,
    "returned": 2,
    "issued": 2,
    "silent": 1,
    "valid": 2,
    "invalid": 0,
    "yes": 1,
    "no": 1,
    "abstain": 0,
    "passed": False,
    "why": "",
    "why_en": "",
    "present_at_opening": 3,
    "present": 2,
    "present_least": 1,
    "present_needed": NEEDED,
}


def held(lies: Mapping[int, Line] | None = None, paper: Line | None = None) -> Session:
    """1 launched, 2 called, 3 arrivals, 4 opened, 5 vote opened, 6 and 7 answers, 8 and 9 two leave, 10 one comes back,
    11 vote closed, 12 its paper, 13 one leaves, 14 is struck, 15 closed, 16 the export."""
    now = Session(lies or {})
    here, roll = {"task": "session", "meeting": "h"}, digest(DUE)
    others = digest([f"observer {OBSERVER}"])
    now.event("instance_launched", version=sha256().hexdigest(), tells=3)
    now.event("meeting_called", **here, tells=2, due=3, roll_hash=roll, others=others)
    now.move(*DUE, OBSERVER)
    numbers = {"due": 3, "needed": NEEDED, "quorate": True, "observers": 1, "guests": 0}
    now.event("meeting_opened", **here, roll_hash=roll, others=others, present=3, **numbers)
    window = {"presence": now.lines(), "present": 3, "due": 3, "needed": NEEDED, "numbers": {}}
    now.event("poll_opened", task="vote", poll="p", roll=3, roll_hash=roll, **window)
    now.answer("a", "yes")
    now.answer("b", "no")
    now.move("b", came=False)
    now.move("c", came=False)
    now.move("c")
    now.event("poll_closed", task="vote", poll="p", outcome=OUTCOME)
    now.issue({**now.lies.get(11, {}).get("outcome", OUTCOME), **(paper or {})})
    now.move("c", came=False)
    left = {"due": 2, "roll_hash": digest("ab"), "reason": "调离"}
    struck = digest([f"observer {OBSERVER}", "struck c"])
    now.event("meeting_struck", **here, members=["c"], others=struck, **left)
    numbers |= {"due": 2, "quorate": False}
    now.event("meeting_closed", **here, ledger=now.lines(), present=1, **numbers)
    now.told.export()
    return now


def older() -> Session:
    """The same as events told it before they said who came and went."""
    return held({2: {"tells": 1}, 3: {"members": [], "count": 0}, 4: {"present": 7}})


def pack(folder: Path, session: Session) -> Path:
    """The files of such a pack, signed."""
    session.told.pack(folder)
    for name in (
        "documents/交办单.pdf",
        "prints/交办单.pdf",
        "attachments/photo.jpg",
        "answers.jsonl",
    ):
        (folder / name).unlink()
    for place in ("rolls", "meetings"):
        (folder / place).mkdir()
    (folder / PAPER).write_bytes(session.papers[0])
    (folder / "prints" / "resolution.pdf").write_bytes(b"%PDF")
    write(
        folder,
        ROLL,
        "member,name,kind",
        [[m, m, "正式 formal"] for m in "ab"] + [["c", "c", "struck"], ["o", "o", "列席 observer"]],
    )
    (folder / LEDGER).write_text("".join(session.ledger))
    mine = session.told.mine()
    answered = {e["actor"]["id"]: e for e in mine if e["kind"] == "poll_answered"}
    votes = [[m, m, "", *_voice(answered.get(m))] for m in DUE]
    write(folder, "rolls/vote.csv", "member,name,choice,choice,comment,time", votes)
    events = [
        [
            e["seq"],
            china(e["at"]),
            "",
            "",
            e["actor"]["name"],
            "",
            e["kind"],
            e["hash"],
            e["leaf_no"],
        ]
        for e in mine
    ]
    write(folder, "timeline.csv", "no.,time,event,step,by,details,kind,hash,leaf_no", events)
    marks = [
        [str(e["seq"]), e["kind"], json.loads(e["body"])["at"], e["actor"]["name"], e["hash"]]
        for e in mine
    ]
    (folder / "log.xes").write_text("".join(map(XES.format, *zip(*marks, strict=True))), "utf-8")
    told = [
        {
            "id": seq,
            "type": kind,
            "time": at,
            "attributes": [{"name": "by", "value": by}, {"name": "hash", "value": hash_}],
        }
        for seq, kind, at, by, hash_ in marks
    ]
    (folder / "ocel.json").write_text(json.dumps({"events": told}, ensure_ascii=False), "utf-8")
    put_contents(
        folder,
        papers={"resolution": [PAPER, "prints/resolution.pdf"]},
        attachments={},
        polls={"p": "rolls/vote.csv"},
        meetings={"h": [ROLL, LEDGER]},
    )
    return remanifest(folder)


def _voice(event: Line | None) -> list[str]:
    if event is None:
        return ["", "", ""]
    return [json.loads(event["body"])["choice"], "", china(event["at"])]


def china(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def write(folder: Path, name: str, head: str, rows: list[list[Any]]) -> None:
    lines = [head, *(",".join(map(str, row)) for row in rows)]
    (folder / name).write_text("\ufeff" + "\r\n".join(lines) + "\r\n", "utf-8")


def outcome(**changes: Any) -> Line:
    return {"outcome": {**OUTCOME, **changes}}


# what an event says falsely: name, its number, what it says, the check that finds it
LIES: list[tuple[str, int, Line, str]] = [
    ("one more present at the opening", 4, {"present": 4}, "presence"),
    ("one fewer due at the opening", 4, {"due": 2}, "presence"),
    ("quorate without the number", 4, {"needed": 4}, "presence"),
    ("an observer too many", 4, {"observers": 2}, "presence"),
    ("one more present as the vote opens", 5, {"present": 4}, "presence"),
    ("another ledger as the vote opens", 5, {"presence": "0" * 64}, "presence"),
    ("one more due as the vote opens", 5, {"due": 4}, "presence"),
    ("who is there comes again", 10, {"members": ["a"], "count": 1}, "meetings"),
    ("one more present as the vote closes", 11, outcome(present=3), "presence"),
    ("one more at the fewest", 11, outcome(present_least=2), "presence"),
    ("one more present as it opened", 11, outcome(present_at_opening=4), "presence"),
    ("fewer needed than as it opened", 11, outcome(present_needed=1), "presence"),
    ("one more present at the close", 15, {"present": 2}, "presence"),
    ("still quorate at the close", 15, {"quorate": True}, "presence"),
    ("one more due at the close", 15, {"due": 3}, "presence"),
    ("a vote more", 11, outcome(yes=2), "outcomes"),
    ("a vote that nobody gave", 11, outcome(abstain=1), "outcomes"),
    (
        "a choice left out",
        11,
        {"outcome": {k: v for k, v in OUTCOME.items() if k != "no"}},
        "outcomes",
    ),
    ("one more answered", 11, outcome(answered=3), "outcomes"),
    ("a smaller roll", 11, outcome(roll=2, silent=0), "outcomes"),
    (
        "a vote on paper that nobody returned",
        11,
        outcome(on_paper={"issued": 1, "returned": 1, "invalid": 0, "counts": {"yes": 1}}),
        "outcomes",
    ),
    ("a document of another number", 12, {"number": "决〔2026〕2号"}, "documents"),
]


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text, text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return change


def one_more_line(folder: Path) -> None:
    """Somebody else stands in the ledger, as the last line of it."""
    text = (folder / LEDGER).read_text()
    (folder / LEDGER).write_text(text + f"9 b + list {CHAIR} 2026-03-02T01:14:00+00:00\n")


# what stands falsely beside true events: name, the change, the check that finds it
BESIDE: list[tuple[str, Callable[[Path], None], str]] = [
    ("one more line in the ledger", one_more_line, "meetings"),
    ("another person in the ledger", edit(LEDGER, "1 a +", "1 d +"), "meetings"),
    ("a departure that is an arrival", edit(LEDGER, "b - list", "b + list"), "meetings"),
    ("an hour earlier in the ledger", edit(LEDGER, "T01:02", "T00:02"), "meetings"),
    ("an observer who is a formal member", edit(ROLL, "列席 observer", "正式 formal"), "meetings"),
    ("an observer who is a guest", edit(ROLL, "列席 observer", "特邀 guest"), "meetings"),
    ("who was struck is a formal member", edit(ROLL, "c,c,struck", "c,c,正式 formal"), "meetings"),
    (
        "an answer at another time",
        edit("rolls/vote.csv", ",yes,,2026-03-02 09", ",yes,,2026-03-02 08"),
        "rolls",
    ),
    ("an answer with other words", edit("rolls/vote.csv", ",yes,,", ",yes,反对,"), "rolls"),
    (
        "a time of who did not answer",
        edit("rolls/vote.csv", "c,c,,,,", "c,c,,,,2026-03-02 09:05:00"),
        "rolls",
    ),
    ("a line of the timeline left out", edit("timeline.csv", "\n3,", "\n33,"), "timeline"),
    ("another person in the timeline", edit("timeline.csv", ",张敏,", ",李强,"), "timeline"),
    (
        "another kind in the timeline",
        edit("timeline.csv", "poll_closed", "poll_voided"),
        "timeline",
    ),
    (
        "another time in the timeline",
        edit("timeline.csv", "2026-03-02 09:00", "2026-03-02 19:00"),
        "timeline",
    ),
    ("another person in the XES", edit("log.xes", '"张敏"', '"李强"'), "timeline"),
    ("an event of the XES left out", edit("log.xes", "<event>", "<event >"), "timeline"),
    ("another kind in the OCEL", edit("ocel.json", "poll_closed", "poll_voided"), "timeline"),
    ("another moment in the OCEL", edit("ocel.json", "T01:0", "T02:0"), "timeline"),
    ("an OCEL without events", edit("ocel.json", '"events"', '"event"'), "timeline"),
]
