"""Random histories of a session: whatever people do in whatever order, nothing false is certified, and somebody can go on.

A history is made of acts that the state of the session suggests, in between of acts at the wrong time: each is carried
out as in a story, or refused. Afterwards everybody comes back and brings the session to its end.
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine import definitions, scenarios
from engine.scenarios.play import play_step
from engine.scenarios.progress import Progress, Unexpected
from engine.scenarios.steps import read_step

if TYPE_CHECKING:
    from sqlalchemy import Engine

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "processes" / "congress_session"
STORY = next((FOLDER / "scenarios").glob("605_*.toml"))
STANDARD = scenarios.standard(ROOT / "processes")
DELEGATES = ("张敏", "李强", "王芳", "赵磊", "刘洋", "陈静", "杨帆", "黄丽", "周涛")
CANDIDATES = tuple(f"工会委员{each}" for each in "甲乙丙丁")
WRITTEN = ("工会委员戊", "张敏", "李强")  # who may be written in, unless they count or preside
CHAIR, OFFICE, UNION = "主席团主席", "大会秘书", "工会秘书"
WAYS = ("none", "elected", "counted")  # may somebody be written in
SECRET = ("election", "run_off", "secret_vote")
OPEN = ("preparatory", "tellers_vote", "open_vote", "agenda_vote")


@dataclass
class History:
    """One random history: its dice, what happened so far, and who was ever in the hall."""

    progress: Progress
    dice: random.Random
    names: tuple[str, ...] = CANDIDATES  # for whom people vote
    done: int = 0
    refused: int = 0
    certified: int = 0
    elections: int = 0
    ballots: int = 0  # the most valid ones of an election
    written: int = 0  # votes for people who were written in
    told: list[str] = field(default_factory=list)

    def act(self, who: str, does: str, task: str = "", **given: Any) -> bool:
        """Carry it out, or have it refused; then look at all that is certified."""
        step: dict[str, Any] = {"who": who, "does": does, "task": task}
        step |= {"with": given} if given else {}
        self.told.append(f"{who} {does} {task} {given}")
        try:
            play_step(self.progress, read_step(len(self.told), step))
        except Unexpected as wrong:
            self.refused += 1
            self.told[-1] += f" — {wrong.message[-80:]}"
            return False
        self.done += 1
        self.check()
        return True

    # --- the state ---
    def rows(self, query: str) -> list[Any]:
        key = {"i": self.progress.instance()}
        return list(self.progress.session.execute(text(query), key).mappings())

    def waiting(self) -> set[str]:
        return {
            r["element"]
            for r in self.rows("SELECT element FROM task WHERE instance_id = :i AND state = 'open'")
        }

    def poll(self) -> tuple[str, str]:
        """The element and the state of the poll that runs, or two blanks."""
        found = self.rows(
            "SELECT t.element, p.state FROM poll p JOIN task t ON t.id = p.task_id "
            "WHERE p.instance_id = :i AND p.state IN ('called', 'open', 'counting')"
        )
        return (found[0]["element"], found[0]["state"]) if found else ("", "")

    def tellers(self) -> list[str]:
        found = self.rows(
            "SELECT m.name FROM poll p, member m WHERE m.id = ANY(p.tellers) AND p.instance_id = :i "
            "AND p.state IN ('called', 'open', 'counting')"
        )
        return [r["name"] for r in found]

    def here(self) -> list[str]:
        found = self.rows(
            "SELECT m.name FROM attendance a JOIN member m ON m.id = a.member_id JOIN meeting g ON g.id = a.meeting_id "
            "WHERE g.instance_id = :i AND g.state = 'open' AND a.here AND a.kind = 'formal' ORDER BY m.name"
        )
        return [r["name"] for r in found]

    # --- what may never be ---
    def check(self) -> None:
        for hall in self.rows("SELECT due, present FROM meeting WHERE instance_id = :i"):
            assert 0 <= hall["present"] <= hall["due"] <= len(DELEGATES), hall
        polls = self.rows(
            "SELECT kind, rule, tellers, outcome FROM poll WHERE instance_id = :i AND state = 'closed'"
        )
        self.certified = max(self.certified, len(polls))
        held = [poll["outcome"] for poll in polls if poll["kind"] == "election"]
        self.elections = max(self.elections, len(held))
        self.ballots = max(self.ballots, *(out["valid"] for out in held), 0)
        for poll in polls:
            self._check_ballots(poll["outcome"])
            if poll["kind"] == "election":
                self._check_seats(poll["outcome"], self._check_written(poll))

    def _check_ballots(self, out: dict[str, Any]) -> None:
        assert out["present_least"] <= out["present_at_opening"] <= out["roll"] <= len(DELEGATES), (
            out
        )
        assert out["returned"] <= out["issued"] <= out["roll"], out
        assert out["valid"] + out["invalid"] == out["returned"], out
        votes = out.get("votes", {c: out[c] for c in ("yes", "no", "abstain") if c in out})
        assert all(0 <= n <= out["valid"] for n in votes.values()), out
        if "votes" not in out:
            assert sum(votes.values()) == out["valid"], out

    def _check_written(self, poll: Any) -> list[str]:
        """Who may be elected: the candidates, and with them who was written in, where the rules let
        them win. Nobody is written in who stands, counts, or may not be.
        """
        out, terms = poll["outcome"], poll["rule"].get("write_in")
        written = out.get("written_in", [])
        assert {*out["votes"]} == {*out["candidates"], *written}, out
        assert not {*written} & {*out["candidates"], *map(str, poll["tellers"])}, out
        assert terms or "written_in" not in out, out
        self.written = max(self.written, sum(out["votes"][each] for each in written))
        return [*out["candidates"], *(written if terms and terms["wins"] else ())]

    def _check_seats(self, out: dict[str, Any], standing: list[str]) -> None:
        votes, elected, tied = out["votes"], out["elected"], out["tied"]
        assert {*elected, *tied} <= {*standing}, out
        assert len(elected) <= out["seats"] and not set(elected) & set(tied), out
        assert all(2 * votes[c] > out["roll"] for c in elected), out
        for candidate in standing:
            if (
                2 * votes[candidate] > out["roll"]
                and candidate not in elected
                and candidate not in tied
            ):
                better = sum(votes[other] > votes[candidate] for other in standing)
                assert better >= out["seats"], (
                    out
                )  # who reached the rule lost to as many as there are seats

    # --- random acts ---
    def member(self, names: tuple[str, ...] | list[str]) -> str:
        return f"member:{self.dice.choice(names)}"

    def some(self, names: tuple[str, ...] | list[str], most: int) -> list[str]:
        size = self.dice.randint(0, min(most, len(names)))
        return [f"member:{each}" for each in self.dice.sample(list(names), size)]

    def wander(self) -> None:
        """One act that the state suggests, or now and then any."""
        element, state = self.poll()
        if self.dice.random() < 0.2:
            moves = ["arrive", "arrive", "arrive", "arrive", "leave"]
            self.act(self.dice.choice(DELEGATES), self.dice.choice(moves), "session")
        elif self.dice.random() < 0.06:
            self.anything()
        elif element:
            self.about_a_poll(element, state)
        elif open_now := sorted(self.waiting() - {"session"}):
            self.a_task(self.dice.choice(open_now))
        else:
            self.act(OFFICE, "complete", "session", note="休会")

    def anything(self) -> None:
        does = self.dice.choice(
            ["declare", "close_poll", "count", "void_poll", "dissent", "resign_teller", "key"]
        )
        who = self.dice.choice([*DELEGATES, CHAIR, OFFICE])
        self.act(who, does, self.dice.choice(SECRET), reason="随便")

    def about_a_poll(self, element: str, state: str) -> None:
        dice, tellers = self.dice, self.tellers()
        if element in OPEN:
            if dice.random() < 0.1:
                self.act(CHAIR, "close_poll", element)
            else:
                self.act(
                    dice.choice(DELEGATES),
                    "respond",
                    element,
                    choice=dice.choice(["yes", "yes", "yes", "no"]),
                )
            return
        teller = dice.choice(tellers)
        if dice.random() < 0.03:
            self.act(teller, "resign_teller", element, reason="身体不适")
        elif dice.random() < 0.12:
            self.act(
                CHAIR,
                "replace_teller",
                element,
                teller=f"member:{teller}",
                successor=self.member(DELEGATES),
                reason="离会",
            )
        elif dice.random() < 0.02:
            self.act(dice.choice([CHAIR, teller]), "void_poll", element, reason="有误")
        elif state == "called":
            self.act(teller, "count", element)
        elif state == "open":
            self.while_it_is_open(element, teller)
        else:
            self.while_it_is_counted(element, teller)

    def while_it_is_open(self, element: str, teller: str) -> None:
        dice = self.dice.random()
        if dice < 0.08:
            self.act(CHAIR, "close_poll", element)
        elif dice < 0.14:
            self.act(teller, "give_paper", element, members=self.some(DELEGATES, 9))
        elif element == "secret_vote":
            self.act(self.dice.choice(DELEGATES), "respond", element, choice="yes")
        else:
            self.act(
                self.dice.choice(DELEGATES), "respond", element, choices=self.some(self.names, 3)
            )

    def while_it_is_counted(self, element: str, teller: str) -> None:
        dice = self.dice.random()
        if dice < 0.3:
            given = self.papers()
            returned, invalid = self.dice.randint(0, given + 1), self.dice.randint(0, 1)
            counts = {c: self.dice.randint(0, returned + 1) for c in self.some(self.names, 3)}
            self.act(teller, "paper", element, returned=returned, invalid=invalid, counts=counts)
        elif dice < 0.75:
            self.act(teller, "count", element)
        elif dice < 0.8:
            self.act(teller, "dissent", element, reason="不同意")
        else:
            self.act(CHAIR, "declare", element)

    def papers(self) -> int:
        found = self.rows(
            "SELECT count(*) AS n FROM roll r JOIN poll p ON p.id = r.poll_id WHERE p.instance_id = :i "
            "AND p.state IN ('open', 'counting') AND r.paper"
        )
        return int(found[0]["n"])

    def a_task(self, element: str) -> None:
        dice = self.dice
        if element == "next_item":
            self.an_item()
        elif element == "appoint_tellers":
            some = self.some(self.here() or DELEGATES, 5) or ["member:张敏"]
            decision = dice.choice(["proceed", "proceed", "proceed", "defer"])
            more = {} if decision == "defer" else {"tellers": some, "chief": some[0]}
            self.act(CHAIR, "complete", element, decision=decision, **more)
        elif element == "confirm_strike":
            self.act(UNION, "complete", element, decision=dice.choice(["agree", "refuse"]))
        elif element == "confirm_void":
            self.act(
                dice.choice([OFFICE, *DELEGATES]),
                "complete",
                element,
                decision=dice.choice(["agree", "refuse"]),
            )
        else:
            self.on_the_way(element)

    def an_item(self) -> None:
        item: dict[str, Any] = self.dice.choice(
            [
                *[{"kind": "election", "title": "选举工会委员"}] * 8,
                {"kind": "run_off", "title": "另行投票"},
                {"kind": "vacancy", "title": "余缺名额", "way": "open", "settle": "vacant"},
                {
                    "kind": "withdrawal",
                    "withdrawn": [self.member(CANDIDATES)],
                    "withdrawal_reason": "个人原因",
                },
                {"kind": "strike", "struck": [self.member(DELEGATES[6:])], "reason": "调离本校"},
                {"kind": "void", "reason": "截止过早"},
                {"kind": "adjourn", "reason": "时间已晚"},
            ]
        )
        self.act(CHAIR, "complete", "next_item", **item)

    def on_the_way(self, element: str) -> None:
        """Between two sittings, and at the opening of one."""
        if element == "call":
            days = {"meeting_on": "day:+10", "time": "上午九时", "place": "学术报告厅"}
            self.act(OFFICE, "complete", element, **days)
        elif element == "declare_open":
            if not self.here():
                self.act(OFFICE, "open_meeting", "session")
            self.progress.now = max(self.progress.now, self.day_of_the_session())
            self.act(CHAIR, "complete", element, decision="open")
        elif element == "clear_candidates":
            self.act(UNION, "complete", element, decision="renominate")

    def day_of_the_session(self) -> datetime:
        day = self.rows("SELECT facts->'call'->>'meeting_on' AS day FROM instance WHERE id = :i")[
            0
        ]["day"]
        return datetime.fromisoformat(f"{day}T09:00:00+08:00")

    # --- the way out ---
    def finish(self) -> None:
        """Everybody comes back and is willing: the session must come to its minutes."""
        for _n in range(60):
            if "minutes" in self.waiting():
                return
            for who in DELEGATES:
                self.act(who, "arrive", "session")
            self.one_step_on()
        raise AssertionError("nobody can go on:\n" + "\n".join(self.told[-40:]))

    def one_step_on(self) -> None:
        element, _state = self.poll()
        if element in OPEN:
            for who in DELEGATES:
                self.act(who, "respond", element, choice="yes")
            self.act(CHAIR, "close_poll", element)
        elif element:
            self.count_it(element)
        elif open_now := self.waiting() - {"session"}:
            self.settle(min(open_now))
        else:
            self.act(OFFICE, "complete", "session", note="休会")

    def count_it(self, element: str) -> None:
        """All who have to do with a secret ballot do their part; where it cannot be counted it is void."""
        for teller in self.tellers():
            for who in DELEGATES:
                if who not in self.tellers():
                    self.act(
                        CHAIR,
                        "replace_teller",
                        element,
                        teller=f"member:{teller}",
                        successor=f"member:{who}",
                        reason="离会",
                    )
                    break
        for teller in self.tellers():
            self.act(teller, "count", element)
        given = {"choice": "yes"} if element == "secret_vote" else {"choices": []}
        for who in DELEGATES:
            self.act(who, "respond", element, **given)
        self.act(CHAIR, "close_poll", element)
        papers = self.papers()
        for teller in self.tellers():
            self.act(
                teller, "paper", element, returned=papers, invalid=0, counts={"abstain": papers}
            )
        for teller in [*self.tellers(), *self.tellers()]:
            self.act(teller, "count", element)
        self.act(CHAIR, "declare", element)
        if self.poll()[0] == element:
            self.act(CHAIR, "void_poll", element, reason="不能计票")
            for teller in self.tellers():
                self.act(teller, "void_poll", element, reason="不能计票")
            self.act(CHAIR, "void_poll", element, reason="不能计票")

    def settle(self, element: str) -> None:
        """The session comes to its end as fast as its rules allow."""
        if element == "next_item":
            close = {"kind": "close", "put_off": ["election"], "put_off_reason": "改日再选"}
            vacancy = {"kind": "vacancy", "title": "余缺名额", "way": "open", "settle": "vacant"}
            if not self.act(CHAIR, "complete", element, **close):
                self.act(CHAIR, "complete", element, **vacancy)
        elif element == "appoint_tellers":
            self.act(CHAIR, "complete", element, decision="defer")
        elif element == "confirm_strike":
            self.act(UNION, "complete", element, decision="refuse")
        elif element == "confirm_void":
            for who in (OFFICE, *DELEGATES):
                if self.act(who, "complete", element, decision="refuse"):
                    return
        else:
            self.on_the_way(element)


def play(engine: Engine, seed: int, length: int, write_in: str = "none") -> History:
    """`write_in`: as the form of the nomination has it."""
    told = tomllib.loads(STORY.read_text("utf-8"))
    first = next(n for n, step in enumerate(told["step"]) if step.get("task") == "next_item")
    nominated = next(step for step in told["step"] if step.get("task") == "nominate")
    nominated["with"]["write_in"] = write_in
    names = CANDIDATES if write_in == "none" else CANDIDATES + WRITTEN
    with scenarios.begun(engine, told, definitions.read(FOLDER), STANDARD, first) as progress:
        history = History(progress, random.Random(seed), names)
        for _n in range(length):
            history.wander()
        history.finish()
        return history


def test_no_history_certifies_what_is_false_or_comes_to_a_dead_end(engine: Engine) -> None:
    histories = [play(engine, seed, 130, way) for seed, way in zip((2, 3, 3), WAYS, strict=True)]
    assert all(each.done > 60 and each.refused for each in histories)
    told = [(each.done, each.refused, each.elections, each.ballots) for each in histories]
    assert sum(each.elections for each in histories) >= 2, told
    assert max(each.ballots for each in histories) >= 3, told
    assert [each.written > 0 for each in histories] == [False, True, True], histories


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_long_histories_certify_nothing_false(engine: Engine, seed: int) -> None:
    history = play(engine, seed, 400, WAYS[seed % len(WAYS)])
    assert history.done > 100 and history.certified > 1
