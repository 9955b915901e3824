"""One command on one locked instance: what a diagram may ask of the engine while it moves, and what it leaves behind."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine import calendar, clock, decisions, expressions, law
from engine.errors import ProcessFault
from engine.history.event_log import Ledger
from engine.instance import functions
from engine.instance.union_law import Surroundings
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import Lane
    from engine.people.organisation import Actor

    Actions = Mapping[str, Callable[["Run", dict[str, Any]], None]]

MAX_ROUNDS = 200  # times one task may be done again in one instance


def dotted(facts: Mapping[str, Any], path: str) -> Any:
    """The fact at a dotted path, or None."""
    found: Any = facts
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


class Run:
    """The host of the machine while one command runs. `row` is the locked instance as a dict; `facts` may be changed."""

    def __init__(
        self,
        session: Session,
        actor: Actor | None,
        row: dict[str, Any],
        process: Process,
        actions: Actions | None = None,
    ) -> None:
        self.session, self.actor, self.row, self.process = session, actor, row, process
        self.actions = actions or {}  # what the service tasks may name
        self.facts: dict[str, Any] = dict(row["facts"])
        self.rounds: dict[str, int] = dict(row["rounds"])
        self.ledger = Ledger(row["id"], row["seq"], bytes(row["head"]))
        self.shares: set[UUID] = set()
        self.reworded = False  # the facts under which the instance is found have changed
        self._surroundings: Surroundings | None = None
        self._dues: dict[datetime, calendar.Due] = {}
        self.measured: list[
            tuple[law.Ruling, int, int]
        ] = []  # every share that an expression asked about

    @contextmanager
    def answering(self) -> Iterator[None]:
        """What a person does: a fault of the process says in which instance it happened, and so goes on record."""
        try:
            yield
        except ProcessFault as fault:
            fault.details.setdefault("instance_id", str(self.row["id"]))
            raise

    # --- the machine's host ---
    def evaluate(self, expression: str) -> Any:
        """A gateway's condition over the facts."""
        return self.value(expression)

    def decide(self, decision: str) -> None:
        """Take a decision and add it to the facts under its name."""
        table = self.process.decisions.get(decision)
        if table is None:
            raise ProcessFault(
                f"没有决策表 {decision}.dmn。", file=f"{decision}.dmn", element=decision
            )
        self.facts[decision] = decisions.decide(table, self.names(), self.functions())
        self.ledger.add("decision_taken", None, decision=decision, result=self.facts[decision])

    def perform(self, action: str) -> None:
        """Carry out a registered action."""
        args = self.process.actions.get(action)
        if args is None or args.get("do") not in self.actions:
            raise ProcessFault(f"动作 {action} 没有登记。", file="process.toml", element=action)
        self.actions[args["do"]](self, args)
        done = self.facts.get(action)
        kept = dict(done) if isinstance(done, dict) else {}
        self.facts[action] = {
            **kept,
            "at": clock.now().isoformat(),
            "times": int(kept.get("times", 0)) + 1,
        }

    # --- expressions ---
    @property
    def around(self) -> Surroundings:
        """The union's calendar and rule values, read when first needed."""
        if self._surroundings is None:
            self._surroundings = Surroundings(
                self.session, self.row["union_id"], self.row.get("around")
            )
        return self._surroundings

    @property
    def decisive_on(self) -> date:
        """The day whose law binds this instance: the day it was started."""
        return clock.day_of(self.row["started_at"])

    @property
    def title(self) -> str:
        """What the matter is called: by its facts, for at the launch its row is not written yet."""
        subject = dotted(self.facts, self.process.subject)
        return str(subject)[:200] if subject else str(self.row["title"])

    def names(self, **more: Any) -> dict[str, Any]:
        """The names that an expression may use."""
        base = {
            "union": str(self.row["union_id"]),
            "starter": str(self.row["starter_id"]),
            "unit": str(self.row["unit_id"]) if self.row["unit_id"] else None,
            "actor": str(self.actor.id) if self.actor else None,
            "number": self.row["number"],
            "now": clock.now(),
            "today": clock.today().isoformat(),
        }
        return {**self.facts, **base, **more}

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions that an expression may use; see docs/architecture.md."""
        return {
            "due": self.due,
            "before": self.before,
            "after": self.after,
            "rule": self.rule,
            "heads": self.heads,
            "holds": self.holds,
            "delegates": self.delegates,
            "heads_of": self.heads_of,
            "movers_of": self.movers_of,
            "round": lambda task: self.rounds.get(task, 0),
            **functions.functions(self),
        }

    def value(self, expression: str, more: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression over facts, names and functions."""
        known = self.names(**functions.names(self, expression), **(more or {}))
        return expressions.evaluate(expression, known, self.functions())

    def moment(self, expression: str, more: Mapping[str, Any] | None = None) -> calendar.Due | None:
        """The end of a time limit that a `due` or timer expression gives, with its computation; None when it gives none."""
        found = self.value(expression, more)
        if found is None:
            return None
        if found not in self._dues:
            raise ProcessFault(
                f"“{expression}”没有给出期限。",
                file="process.toml",
                advice='写成 due("规则编号") 这样的形式。',
            )
        return self._dues[found]

    def told(self, due: calendar.Due) -> datetime:
        """A computed time limit as the plain moment that expressions pass on; its computation is remembered."""
        self._dues[due.moment] = due
        return due.moment

    def rule(self, rule_id: str) -> int:
        """The number that a rule gives for this union and this instance."""
        ruling = self.around.ruling(rule_id, self.decisive_on)
        if ruling.value is None:
            raise ProcessFault(f"规则 {rule_id} 不是整数。", element=rule_id)
        return ruling.value

    def due(self, rule_id: str, start: datetime | str | None = None) -> datetime:
        """The end of a rule's time limit, from now or from a moment (facts keep moments as ISO texts)."""
        begin = clock.now() if start is None else self._when(start)
        return self.told(
            law.deadline(self.around.ruling(rule_id, self.decisive_on), begin, self.around.calendar)
        )

    def due_at(self, moment: datetime) -> calendar.Due | None:
        """The time limit that ends at this moment, if one was computed."""
        return self._dues.get(moment)

    def _when(self, start: datetime | str) -> calendar.When:
        """A moment or a day as facts and forms keep them (ISO texts), or a time limit computed before."""
        if isinstance(start, str):
            if len(start) == len("2026-05-20"):
                return date.fromisoformat(start)
            start = datetime.fromisoformat(start)
        return self._dues.get(start, start)

    def before(self, moment: datetime | str | None, rule_id: str) -> datetime | None:
        """A rule's length before the end of a time limit, for warnings."""
        if moment is None:
            return None
        ruling = self.around.ruling(rule_id, self.decisive_on)
        return self.told(law.before(ruling, self._when(moment), self.around.calendar))

    def after(self, moment: datetime | str | None, rule_id: str) -> datetime | None:
        """A rule's length after a moment."""
        return None if moment is None else self.due(rule_id, moment)

    def heads(self, member: str | None, unit: str | None) -> bool:
        """Does this member head this unit today?"""
        return bool(member and unit) and str(member) in self.heads_of([str(unit)])

    def holds(self, member: str | None, kind: str) -> bool:
        """Does this member hold the post anywhere in this union today?"""
        return bool(member) and str(member) in functions.holders(self, kind, None)

    def delegates(self, kind: str) -> list[str]:
        """Delegates of the present term: "formal", "observer"; anything else gives nobody."""
        return functions.holders(self, f"{kind}_delegate", None)

    def heads_of(self, units: list[str] | None) -> list[str]:
        """Who heads these units today."""
        ids = [UUID(str(u)) for u in units or [] if u]
        return (
            [str(m) for m in organisation.holders(self.session, "unit_head", ids, clock.today())]
            if ids
            else []
        )

    def movers_of(self, instance_id: str | None) -> list[str]:
        """The mover of another instance."""
        from sqlalchemy import select

        from engine.db import tables

        if not instance_id:
            return []
        facts = self.session.execute(
            select(tables.instance.c.facts).where(
                tables.instance.c.id == UUID(str(instance_id)),
                tables.instance.c.union_id == self.row["union_id"],
            )
        ).scalar()
        return [str(facts["launch"]["mover"])] if facts else []

    # --- people ---
    def people_of(self, lane: Lane) -> tuple[str | None, list[str]]:
        """The seat of a lane, or its persons' ids. Raises ProcessFault when it means nobody."""
        if lane.person:
            found = self.value(lane.person)
            persons = (
                [str(p) for p in found]
                if isinstance(found, list)
                else [str(found)]
                if found
                else []
            )
            return None, persons
        unit = self.row["union_id"] if lane.unit == "union" else self.value(lane.unit)
        if not unit:
            raise ProcessFault(
                f"泳道“{lane.title.zh}”没有对应的单位。", file="process.toml", element=lane.key
            )
        return f"{lane.post}@{unit}", []

    def belongs_to(self, lane: Lane) -> bool:
        """Is the actor one of those whom this lane means? A post of the union may be held in any of its units."""
        if self.actor is None:
            return False
        if lane.unit == "union":
            return self.actor.holds(lane.post, self.row["union_id"])
        seat, persons = self.people_of(lane)
        return seat in self.actor.seats if seat else str(self.actor.id) in persons
