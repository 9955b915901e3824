"""The answer before the log, over stories whose end is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from engine import definitions
from engine.db import tables
from engine.instance import context as instance
from engine.messages import CHINESE
from engine.people import organisation
from engine.queries import claims, history, samples
from tests.engine.played import played

if TYPE_CHECKING:
    from typing import Any

    from engine import db
    from engine.instance.context import Context

TRANSFER = Path("processes/cadre_transfer")
MEDIATION = Path("processes/dispute_mediation")
CONSULTATION = Path("processes/collective_consultation")


def story(number: str, folder: Path = TRANSFER) -> Path:
    (found,) = (folder / "scenarios").glob(f"{number}_*.toml")
    return found


def kept(session: db.Session, folder: Path = TRANSFER) -> tuple[Context, list[dict[str, Any]]]:
    """The matter of this process that was played, and its events."""
    table = tables.instance.c
    query = select(table.id).where(table.process_id == folder.name)
    context = instance.context_of(session, None, session.execute(query).scalar_one())
    event = tables.event.c
    events = select(event.body).where(event.instance_id == context.row["id"]).order_by(event.seq)
    return context, [history.read_body(body) for body in session.execute(events).scalars()]


def of_before(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events as they were when they did not keep what their claims came to."""
    return [{key: said for key, said in body.items() if key != "claims"} for body in bodies]


def answer_of(context: Context, bodies: list[dict[str, Any]]) -> claims.Answer:
    (answer,) = claims.answers(context, bodies)
    return answer


@pytest.mark.parametrize(
    ("number", "verdict", "spare", "given", "refused"),
    [
        ("101", "yes", 30, [True, True], 0),  # both on 2 March, effect on 1 April
        ("503", "open", None, [True, False], 3),  # tried on the committee alone
        ("507", "yes", 1, [True, True], 0),
    ],
)
def test_a_transfer_says_whether_both_unions_consented_before(
    engine: db.Engine,
    number: str,
    verdict: str,
    spare: int | None,
    given: list[bool],
    refused: int,
) -> None:
    with played(engine, story(number), definitions.read(TRANSFER)) as session:
        context, bodies = kept(session)
        answer, votes = answer_of(context, bodies), claims.votes(context.process, bodies)
    assert answer.verdict == verdict
    assert answer.spare == spare
    assert [each.holds for each in answer.given] == given
    assert len(answer.refused) == refused
    assert [vote.passed for vote in votes] == [True]


def test_a_fact_that_changes_afterwards_changes_no_answer(engine: db.Engine) -> None:
    with played(engine, story("101"), definitions.read(TRANSFER)) as session:
        context, bodies = kept(session)
        (told,) = (body["claims"] for body in bodies if "claims" in body)
        assert told == {
            "0": {"day": "2026-04-01", "given": [[True, "2026-03-02"], [True, "2026-03-02"]]}
        }
        before = answer_of(context, bodies)
        context.facts["superior_reply"] |= {"decision": "refuse", "dated": "2026-05-01"}
        context.facts["committee_vote"]["passed"] = False
        context.facts["party_decision"]["effective_on"] = "2026-02-01"
        assert answer_of(context, bodies) == before and before.verdict == "yes"


def test_what_has_not_come_yet_is_judged_by_the_facts_of_now(engine: db.Engine) -> None:
    with played(engine, story("503"), definitions.read(TRANSFER)) as session:
        context, bodies = kept(session)
        assert not any("claims" in body for body in bodies)
        assert [each.holds for each in answer_of(context, bodies).given] == [True, False]
        context.facts["committee_vote"]["passed"] = False
        assert [each.holds for each in answer_of(context, bodies).given] == [False, False]


def test_a_consent_has_to_come_before_in_days_and_in_events(engine: db.Engine) -> None:
    """Events of before do not keep what their claims came to: the facts as they are say it."""
    with played(engine, story("101"), definitions.read(TRANSFER)) as session:
        context, told = kept(session)
        bodies = of_before(told)
        reply = context.facts["superior_reply"]
        for dated, verdict, spare in (
            ("2026-03-31", "yes", 1),
            ("2026-04-01", "late", 0),
            ("2026-04-02", "late", -1),
        ):
            reply["dated"] = dated
            answer = answer_of(context, bodies)
            assert (answer.verdict, answer.spare) == (verdict, spare)
            assert answer.last and answer.last.text.zh == "上一级工会同意"
        reply["dated"] = "2026-03-02"
        unsaid = [
            {**b, "passed": [p for p in b.get("passed", ()) if "reply" not in p]} for b in bodies
        ]
        without = answer_of(context, unsaid)
        assert without.verdict == "no" and without.given[1].event is None
        reply["decision"] = "refuse"
        assert answer_of(context, bodies).verdict == "no"


def test_a_vote_says_its_numbers_and_of_what_they_are_a_share(engine: db.Engine) -> None:
    with played(engine, story("101"), definitions.read(TRANSFER)) as session:
        context, bodies = kept(session)
        (vote,) = claims.votes(context.process, bodies)
        numbers = {key: vote.outcome[key] for key in ("present_needed", "present_least", "yes")}
        assert numbers == {"present_needed": 5, "present_least": 6, "yes": 6}
        assert {share.base: (share.of, share.part) for share in vote.shares} == {
            "roll": (6, 1),
            "present": (6, 1),
            "valid": (6, 1),
        }
        assert "应到 7 人，须到 5 人，实到 6 人" in CHINESE(vote.why)


def test_a_year_has_its_claims_and_votes_with_the_least_to_spare(engine: db.Engine) -> None:
    with played(engine, story("101"), definitions.read(TRANSFER)) as session:
        context, _bodies = kept(session)
        secretary = session.execute(
            select(tables.post.c.member_id).where(
                tables.post.c.kind == "union_secretary",
                tables.post.c.unit_id == context.row["union_id"],
            )
        ).scalar()
        assert secretary
        actor = organisation.actor(session, secretary)
        year = samples.sample(session, actor, context.row["union_id"], 2026)
        assert year.closest and year.closest.answer.spare == 30
        assert year.tightest and year.tightest.over == 1  # 6 there, 5 needed
        assert [each.matter.id for each in year.shown] == [context.row["id"]]
        before = samples.sample(session, actor, context.row["union_id"], 2025)
        assert not before.shown and not before.voted and before.closest is None


@pytest.mark.parametrize(
    ("folder", "number", "verdicts", "spares"),
    [
        # accepted, disclosed, its ending served, extended, effective
        (MEDIATION, "101", "yes yes never never yes", [0, 0, None, None, 0]),
        (MEDIATION, "501", "never never yes never never", [None, None, 0, None, None]),  # refused
        (MEDIATION, "718", "yes yes open yes yes", [0, 18, None, 0, 0]),  # in the extended time
        (
            MEDIATION,
            "825",
            "yes open open open yes",
            [0, None, None, None, 0],
        ),  # entered afterwards
        (
            MEDIATION,
            "972",
            "never never no never never",
            [None, None, 11, None, None],
        ),  # not served
        # served, passed before it was signed, in force, published
        (CONSULTATION, "101", "yes yes yes yes", [11, 4, 16, 7]),
        (CONSULTATION, "722", "yes open open open", [11, None, None, None]),  # the draft failed
    ],
)
def test_what_led_to_something_came_before_it(
    engine: db.Engine, folder: Path, number: str, verdicts: str, spares: list[int | None]
) -> None:
    with played(engine, story(number, folder), definitions.read(folder)) as session:
        answers = claims.answers(*kept(session, folder))
    assert [answer.verdict for answer in answers] == verdicts.split()
    assert [answer.spare if answer.event else None for answer in answers] == spares
    assert not any(answer.event for answer in answers if answer.verdict in ("open", "never"))


def test_a_premise_of_the_same_day_is_early_enough_where_the_process_says_so(
    engine: db.Engine,
) -> None:
    with played(engine, story("101", MEDIATION), definitions.read(MEDIATION)) as session:
        context, told = kept(session, MEDIATION)
        bodies, effective = of_before(told), context.facts["effective"]
        for sealed, verdict in (("2026-03-02", "yes"), ("2026-03-03", "late")):
            effective["sealed_on"] = sealed
            assert claims.answers(context, bodies)[-1].verdict == verdict
        effective["sealed_on"] = "2026-03-02"
        unsealed = [{**b, "task": ""} if b.get("task") == "seal" else b for b in bodies]
        answer = claims.answers(context, unsealed)[-1]
    assert answer.verdict == "no"  # the seal led to the effect: without it nothing did
    assert [given.event is not None for given in answer.given] == [True] * 4 + [False]
