"""The matter as it is now, marked for each reader, and what was said before, read from stories."""

from __future__ import annotations

import tomllib
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from engine import clock, definitions
from engine.commands import seen
from engine.db import tables
from engine.errors import NotFound, NotPrintable
from engine.people import organisation
from engine.queries import instance, polls
from engine.queries import tasks as cards
from engine.settings import ROOT
from tests.engine.played import played

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from engine.db import Session
    from engine.instance.context import Context
    from engine.people.organisation import Actor
    from engine.queries.present import Matter, Shown

FOLDER = ROOT / "processes" / "congress_motion"
AFTER = "延长东区食堂晚间供餐时间"
LATER = datetime(2027, 1, 1, tzinfo=clock.CHINA)  # all that was said is known by then


@contextmanager
def told(engine: Engine, name: str, steps: int, **changed: Any) -> Iterator[Session]:
    """A story as far as its first `steps`, some of them with other answers: {"step_11": {...}}."""
    found = next((FOLDER / "scenarios").glob(f"{name}_*.toml"))
    story = tomllib.loads(found.read_text("utf-8"))
    story["step"] = story["step"][:steps]
    story.pop("ends", None)
    for step in story["step"]:  # where no step says when, time stands still
        step.setdefault("after", "1 hour")
    for key, answers in changed.items():
        story["step"][int(key.removeprefix("step_"))]["with"] |= answers
    with played(engine, story, definitions.read(FOLDER)) as session:
        yield session


def person(session: Session, name: str) -> Actor:
    found = select(tables.member.c.id).where(tables.member.c.name == name)
    return organisation.actor(session, session.scalars(found).one())


def card(session: Session, name: str, element: str) -> cards.Task:
    task = tables.task.c
    found = select(task.id).where(task.element == element, task.state == "open")
    return cards.task(session, person(session, name), session.scalars(found).one())


def ballot(session: Session, name: str) -> polls.Page:
    found = select(tables.poll.c.id).where(tables.poll.c.state == "open")
    return polls.page(session, person(session, name), session.scalars(found).one())


def marked(matter: Matter, reader: Actor, since: datetime) -> dict[str, Shown]:
    return {fact.path: fact for fact in matter.seen(reader, since)}


def test_an_edit_stands_at_the_head_for_all_and_is_marked_for_whom_it_is_news(
    engine: Engine,
) -> None:
    with told(engine, "225", 7) as session:
        page, now = ballot(session, "李强"), LATER
        shown = marked(page.matter, person(session, "李强"), now)
        subject = shown["launch.subject"]  # asked again: marked since they were asked before
        assert (subject.words.text, subject.who) == (AFTER, "张敏")
        assert [(p.sign, p.text) for p in subject.pieces] == [
            (" ", "延长"),
            ("+", "东区"),
            (" ", "食堂晚间供餐时间"),
        ]
        assert not shown["launch.reasons"].changed
        own = marked(page.matter, person(session, "张敏"), now)
        assert "launch.subject" not in own  # their own edit is known to them: the head says it
        says = [(o.title, o.result, o.fresh) for o in page.opinions]
        assert says[0] == ("代表团团长审核", "退回修改", True)


def test_who_checks_the_seconds_sees_number_names_and_comments(engine: Engine) -> None:
    with told(engine, "225", 5, step_1={"comment": "写明东区"}) as session:
        found = card(session, "周建国", "head_check")
        (second,) = found.opinions
        assert second.counts == (("附议", 3), ("不附议", 0))
        assert [(v.who, v.choice, v.comment) for v in second.voices] == [
            ("李强", "附议", "写明东区"),
            ("王芳", "附议", ""),
            ("赵磊", "附议", ""),
        ]


def test_whoever_rates_sees_the_reply_and_whoever_replies_again_the_reason(engine: Engine) -> None:
    reason = "没有写明东区何时开始"
    again = "自四月一日起东区食堂延长至二十一时三十分，按季公布就餐人数"
    changed = {"step_11": {"comment": reason}, "step_12": {"measures": again}}
    with told(engine, "701", 11) as session:
        shown = marked(ballot(session, "张敏").matter, person(session, "张敏"), LATER)
        assert shown["reply.measures"].words.text.startswith("已制定方案")
        assert not any(fact.changed for fact in shown.values())
    with told(engine, "701", 12, step_11=changed["step_11"]) as session:
        found = card(session, "冯刚", "reply")
        first = found.opinions[0]
        assert first.fresh and first.element in ("sign", "rate")
        rated = next(each for each in found.opinions if each.element == "rate")
        assert rated.fresh and [v.comment for v in rated.voices] == [reason]
    with told(engine, "701", 13, **changed) as session:
        found, signer = card(session, "许志远", "sign"), person(session, "许志远")
        measures = marked(found.matter, signer, LATER)["reply.measures"]
        assert measures.words.text == again and measures.who == "冯刚"
        assert "".join(p.text for p in measures.pieces if p.sign != "+").startswith("已制定方案")


def test_a_mark_stays_for_a_sitting_and_is_gone_at_the_next(engine: Engine) -> None:
    with told(engine, "225", 7) as session:
        reader = person(session, "陈静")
        key = session.scalars(select(tables.instance.c.id)).one()
        first = seen.note(session, reader, key)
        assert first == seen.note(session, reader, key)  # nothing is news at the first look
        row = tables.seen.update().values(
            at=first - 2 * seen.SITTING, since=first - 3 * seen.SITTING
        )
        session.execute(row)
        assert seen.note(session, reader, key) == first - 2 * seen.SITTING
        assert seen.note(session, reader, key) == first - 2 * seen.SITTING


def test_the_page_of_the_matter_says_the_same(engine: Engine) -> None:
    with told(engine, "631", 13) as session:
        key = session.scalars(select(tables.instance.c.id)).one()
        file = instance.file(session, person(session, "张敏"), key)
        shown = marked(file.matter, person(session, "张敏"), LATER)
        assert shown["reply.timetable"].words.text == "四月底前完成"
        steps = [opinion.element for opinion in file.opinions]
        assert steps == [
            "second",
            "head_check",
            "review",
            "dispatch_plan",
            "accept",
            "cosign",
            "settle",
            "sign",
        ]
        cosign = file.opinions[5]
        assert [(v.who, v.choice) for v in cosign.voices] == [("沈丽", "不同意")]


def test_who_signs_sees_the_paper_as_it_will_be_issued_and_no_number_is_taken(
    engine: Engine,
) -> None:
    with told(engine, "701", 10) as session:
        found, signer = card(session, "许志远", "sign"), person(session, "许志远")
        assert [(p.kind, p.choice, p.label, p.whole) for p in found.papers_coming] == [
            ("reply_letter", "sign", "同意签发", True),
            ("reply_letter", "sign_if", "附条件同意签发", True),
        ]
        before = _numbers(session)
        assert before[0] == 3  # what was issued on the way
        says = cards.draft_paper(session, signer, found.id, "", "", as_text=True).decode()
        assert "自下月起分步实施" in says
        assert "教代提复〔2026〕\u3000\u3000\n" in says  # where its number will stand
        made = cards.draft_paper(session, signer, found.id, "reply_letter", "sign", as_text=False)
        assert made.startswith(b"%PDF")
        with pytest.raises(NotFound):  # sending it back issues nothing
            cards.draft_paper(session, signer, found.id, "reply_letter", "send_back", as_text=True)
        with pytest.raises(NotFound):
            cards.draft_paper(session, person(session, "张敏"), found.id, "", "", as_text=True)
        assert _numbers(session) == before


def test_what_a_table_decides_on_the_way_is_known_to_the_draft(engine: Engine) -> None:
    """Both consents are there: the next paper is the sheet of consents, not the notice that all stops."""
    folder = ROOT / "processes" / "cadre_transfer"
    (path,) = (folder / "scenarios").glob("609_*.toml")
    story = tomllib.loads(path.read_text("utf-8"))
    del story["ends"], story["step"][-1]
    with played(engine, story, definitions.read(folder)) as session:
        found = card(session, "工会秘书", "file_consents")
        assert [paper.kind for paper in found.papers_coming] == ["consent_sheet"]
        with pytest.raises(NotFound):
            cards.draft_paper(
                session, person(session, "工会秘书"), found.id, "drop_notice", "", as_text=True
            )


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(
    ("line", "code"),
    [('#fact(d, "sign.unsaid")', "missing_fact"), ('#panic("unsaid")', "faulty_template")],
)
def test_a_draft_that_cannot_be_printed_yet_is_refused_in_words(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, line: str, code: str, as_text: bool
) -> None:
    with told(engine, "701", 10) as session:
        found, signer = card(session, "许志远", "sign"), person(session, "许志远")
        read = cards.coming.draft

        def harmed(context: Context, *args: Any, **more: Any) -> bytes:
            name = "documents/reply_letter.typ"
            files = {**context.process.files, name: f"{context.process.files[name]}\n{line}\n"}
            context.process = replace(context.process, files=files)
            return read(context, *args, **more)

        monkeypatch.setattr(cards.coming, "draft", harmed)
        with pytest.raises(NotPrintable) as refusal:
            cards.draft_paper(session, signer, found.id, "", "", as_text=as_text)
        assert (refusal.value.code, refusal.value.status) == (code, 409)


def _numbers(session: Session) -> tuple[int, list[Any]]:
    issued = session.scalars(select(func.count()).select_from(tables.document)).one()
    counter = tables.counter.c
    given = session.execute(select(counter.key, counter.last).order_by(counter.key))
    return issued, [tuple(row) for row in given]
