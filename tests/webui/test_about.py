"""What is voted on stands wherever the vote does, and whoever has a task reads what the matter says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine import definitions
from engine.commands import polls
from engine.errors import NotPrintable
from tests.webui import hall as halls
from tests.webui.hall import Hall

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]

QUESTION = "第八届二次教代会"
TELLS = """
[[tasks.put.tells]]
text = "本次会议：{launch.subject}，须有 {CG-QUORUM} 到会。"
text_en = "This session: {launch.subject}; {CG-QUORUM} must be there."
[[tasks.put.tells]]
when = "launch.subject == null"
text = "不会出现"
text_en = "never said"
"""


@pytest.fixture
def hall(house: House, monkeypatch: pytest.MonkeyPatch) -> Hall:
    """The hall whose first vote says what it is about and closes when all who are present have answered."""

    def read(folder: object) -> dict[str, str]:
        files = dict(definitions.read(folder))  # type: ignore[arg-type]
        poll = '[tasks.vote.poll]\nkind = "vote"\n'
        assert poll in files["process.toml"]
        more = 'about = ["launch.subject", "put.candidates"]\nearly = "all"\n'
        files["process.toml"] = files["process.toml"].replace(poll, poll + more) + TELLS
        return files

    monkeypatch.setattr(halls, "read", read)
    return Hall(house)


def test_the_question_stands_on_inbox_poll_meeting_screen_history_and_certificate(
    hall: Hall, client: Browser
) -> None:
    hall.arrived(6).opened().put()
    poll = hall.poll("vote")
    assert QUESTION in client("d0").get("/").text.partition("yx-row-title")[2].partition("</b>")[0]
    page = client("d0").get(f"/polls/{poll}").text
    assert f'<h1 class="yx-subject">{QUESTION}' in page and "代表甲、代表乙" in page
    for path in ("", "/now", "/hall/now"):
        assert QUESTION in client("d0").get(f"/meetings/{hall.id}{path}").text, path
    assert f"<h2>{QUESTION}</h2>" in client("d0").get(f"/meetings/{hall.id}/hall/now").text
    body = hall.one("SELECT body FROM event WHERE kind = 'poll_opened' ORDER BY id DESC LIMIT 1")
    assert QUESTION in body
    for k in range(5):
        hall.house.do(f"d{k}", polls.respond, poll, "yes")
    assert (
        hall.one("SELECT state FROM poll WHERE id = :p", p=poll) == "open"
    )  # decided, and yet the sixth is not shut out
    hall.house.do("d5", polls.respond, poll, "no")
    assert (
        hall.one("SELECT state FROM poll WHERE id = :p", p=poll) == "closed"
    )  # all who are present have answered
    assert hall.one("SELECT outcome->>'no' FROM poll WHERE id = :p", p=poll) == "1"
    assert client("d0").get(f"/polls/{poll}/certificate.pdf").status_code == 200
    told = client("auditor").get(f"/audit/{hall.instance}").text
    head = told[: told.index('id="answer"')]
    assert "应到（名册）" in head and "超过半数" in head  # 5 of 6 present, by name
    votes = client("auditor").get("/audit/sample?format=csv").text.split("须到,最少到会")[1]
    line = votes.splitlines()[1].split(",")
    assert line[3] == "通过" and int(line[6]) == 6  # the fewest present
    assert f"表决 · {QUESTION}</b>" in client("chair").get(f"/matters/{hall.instance}").text


def test_whoever_has_a_task_reads_what_the_matter_says(hall: Hall, client: Browser) -> None:
    hall.arrived(6).opened()
    page = client("chair").get(f"/tasks/{hall.task('put')}").text
    assert f"本次会议：{QUESTION}，须有 2/3 到会。" in page and "不会出现" not in page


def test_the_text_of_a_draft_that_cannot_be_made_yet_says_why(
    hall: Hall, client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unmade(*_args: object, **_more: object) -> bytes:
        raise NotPrintable("还缺一个事实")

    monkeypatch.setattr("webui.pages.approver.inbox.reading.draft_paper", unmade)
    address = f"/tasks/{hall.arrived(6).opened().task('put')}/paper"
    chair = client("chair")
    shown = chair.get(f"{address}?as=text")
    assert (shown.status_code, shown.text) == (200, "还缺一个事实")
    assert chair.get(address).status_code == 409
