"""Meetings and votes by the API: everything that the pages do, with the same refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine import db
from engine.commands import people
from engine.settings import ROOT
from tests.webui import apps
from tests.webui.api.world import FROM, Api, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

HALL = ROOT / "tests" / "processes" / "hall"
DELEGATES = tuple(f"d{n}" for n in range(9))


class Session:
    """A called meeting with nine delegates more than the world has, of whom the roll is made."""

    def __init__(self, api: Api) -> None:
        self.api = api
        with db.transaction(api.engine) as session:
            for who, posts in {
                **dict.fromkeys(DELEGATES, "formal_delegate"),
                "host": "presidium_chair",
            }.items():
                made = people.create_member(session, None, who, f"姓名{who}", api.units["XX"])
                api.people[who] = made
                people.grant_post(
                    session,
                    None,
                    made,
                    posts,
                    api.units["XX" if who in DELEGATES else "XD"],
                    FROM,
                    term=api.term,
                )
                api.tokens[who] = people.create_token(session, None, made, "test")
        self.matter = api.as_("host").launch("第八届二次", "hall")
        self.id = api.as_("host").read("/meetings", instance=self.matter)["items"][0]["id"]
        self.at = f"/meetings/{self.id}"

    def read(self, who: str = "host") -> dict[str, Any]:
        return dict(self.api.as_(who).read(self.at))

    @property
    def voters(self) -> list[str]:
        return [*DELEGATES, "zhang", "li", "wang", "zhao"]

    def arrived(self, n: int) -> Session:
        code = self.read()["code"]
        for who in self.voters[:n]:
            self.api.as_(who).do(f"{self.at}/arrive", {"code": code})
        return self

    def opened(self) -> Session:
        self.api.as_("host").do(f"{self.at}/open")
        return self

    def put(self) -> Any:
        own = self.api.people
        answers = {
            "candidates": [str(own["d0"]), str(own["d1"])],
            "tellers": [str(own["d2"]), str(own["d3"])],
        }
        task = next(
            i for i in self.api.as_("host").read("/tasks")["items"] if i["element"] == "put"
        )
        return self.api.as_("host").post(
            f"/tasks/{task['id']}/complete", {"answers": answers, "revision": task["revision"]}
        )

    def poll(self) -> str:
        """The open one."""
        return str(next(v["id"] for v in self.read()["votes"] if v["state"] != "closed"))


@pytest.fixture
def held(url: str, engine: Engine, tmp_path: Path) -> Session:
    return Session(Api.built(apps.on(settings_of(url, tmp_path), engine), engine, HALL))


def test_a_meeting_is_opened_and_its_numbers_are_read(held: Session) -> None:
    found = held.read()
    assert (
        found["state"] == "called"
        and found["runs"]
        and found["code"]
        and found["due"] == 13
        and found["needed"] == 9
    )
    assert (
        found["missing"] == 9
        and found["rules"][0]["id"] == "CG-QUORUM"
        and "{" not in found["words"]
    )
    other = held.read("d0")
    assert (
        other["code"] is None
        and not other["runs"]
        and other["mine"] == "formal"
        and not other["am_here"]
    )
    assert held.api.as_("d0").post(f"{held.at}/open").status_code == 403
    held.arrived(9).opened()
    found = held.read("d0")
    assert (
        found["state"] == "open"
        and found["quorate"]
        and found["present"] == 9
        and found["am_here"]
        and found["missing"] == 0
    )
    again = held.api.as_("host").post(f"{held.at}/open")
    assert again.status_code == 409 and again.json["code"] == "not_called"
    assert [m["id"] for m in held.api.as_("d0").read("/meetings")["items"]] == [held.id]


def test_strangers_find_nothing(held: Session) -> None:
    held.arrived(9).opened().put()
    poll, code = held.poll(), held.read()["code"]
    for who in ("b.secretary", "b.li", "plain"):
        one = held.api.as_(who)
        assert one.read("/meetings")["items"] == []
        for path in (held.at, f"{held.at}/people", f"/polls/{poll}", f"/polls/{poll}/certificate"):
            assert one.get(path).status_code == 404, path
        assert one.get(f"/polls/{poll}/verify", hash="0" * 64).status_code == 404
        for path, sent in (
            (f"{held.at}/open", None),
            (f"{held.at}/arrive", {"code": code}),
            (f"{held.at}/leave", None),
            (f"{held.at}/seat", {"members": [str(held.api.people["d0"])]}),
            (f"{held.at}/match", {"names": "姓名d0"}),
            (f"/polls/{poll}/sign", None),
            (f"/polls/{poll}/void", {"reason": "无"}),
            (f"/polls/{poll}/paper", {"returned": 1, "counts": {}}),
            (f"/polls/{poll}/give-paper", {"members": [str(held.api.people["d0"])]}),
        ):
            assert one.post(path, sent).status_code == 404, path


def test_arriving_needs_the_code_and_leaving_nothing(held: Session) -> None:
    one = held.api.as_("d0")
    wrong = one.post(f"{held.at}/arrive", {"code": "x"})
    assert wrong.status_code == 403 and wrong.json["code"] == "wrong_code"
    code = held.read()["code"]
    for _ in range(2):
        assert one.post(f"{held.at}/arrive", {"code": code}).status_code == 200
    assert held.read()["present"] == 1
    one.do(f"{held.at}/leave")
    assert held.read()["present"] == 0
    assert held.api.as_("secretary").post(f"{held.at}/arrive", {"code": code}).status_code == 404


def test_who_runs_it_checks_people_in_by_list(held: Session) -> None:
    host = held.api.as_("host")
    found = host.do(f"{held.at}/match", {"names": "姓名d0、d1\n某某"})
    assert (
        [p["username"] for p in found["found"]] == ["d0", "d1"]
        and found["unknown"] == ["某某"]
        and found["several"] == []
    )
    host.do(
        f"{held.at}/seat", {"members": [p["id"] for p in found["found"]], "way": "import"}, key="a"
    )
    assert host.post(
        f"{held.at}/seat", {"members": [p["id"] for p in found["found"]], "way": "import"}, key="a"
    ).headers["Idempotency-Replayed"]
    listed = host.read(f"{held.at}/people", here="true")
    assert listed["total"] == 2 and {p["way"] for p in listed["items"]} == {"import"}
    host.do(f"{held.at}/seat", {"members": [found["found"][0]["id"]], "came": False})
    assert held.read()["present"] == 1
    page = host.read(f"{held.at}/people", limit=5)
    assert (
        len(page["items"]) == 5
        and page["total"] == 13
        and len(host.read(f"{held.at}/people", limit=50, after=page["next"])["items"]) == 8
    )
    assert held.api.as_("d0").get(f"{held.at}/people").status_code == 404
    assert (
        held.api.as_("d0")
        .post(f"{held.at}/seat", {"members": [found["found"][0]["id"]]})
        .status_code
        == 403
    )
    assert host.post(f"{held.at}/seat", {"members": []}).status_code == 422


def test_no_vote_without_a_quorum(held: Session) -> None:
    held.arrived(8).opened()
    refused = held.put()
    assert (
        refused.status_code == 403
        and refused.json["code"] == "no_quorum"
        and "实到 8 人" in refused.json["detail"]
    )
    held.arrived(9)
    assert held.put().status_code == 200


def test_a_vote_from_the_question_to_the_certificate(held: Session) -> None:
    held.arrived(9).opened().put()
    poll, host = held.poll(), held.api.as_("host")
    (now,) = held.api.as_("d0").read("/meetings/under-way")["items"]
    assert (now["id"], now["here"], now["due"], now["present"]) == (held.id, True, 13, 9)
    assert [(a["what"], a["id"], a["roll"]) for a in now["acts"]] == [("vote", poll, 13)]
    (first, *_more) = host.read("/meetings/under-way")["items"][0]["acts"]
    assert (first["what"], first["id"]) == ("close", poll)
    absent = held.api.as_("zhao").post(f"/polls/{poll}/respond", {"choice": "yes"})
    assert absent.status_code == 403 and absent.json["code"] == "absent"
    for n, who in enumerate(held.voters[:9]):
        held.api.as_(who).do(f"/polls/{poll}/respond", {"choice": "yes" if n < 7 else "no"})
    running = held.api.as_("d0").read(f"/polls/{poll}")
    assert (
        running["counts"] == {}
        and running["cast"] == 9
        and all(v["choice"] is None for v in running["voices"])
    )
    assert running["mine"] == "yes" and sum(v["answered"] for v in running["voices"]) == 9
    assert held.api.as_("d0").read("/polls")["items"][0]["counts"] == {}
    early = held.api.as_("d0").get(f"/polls/{poll}/certificate")
    assert early.status_code == 404 and early.json["code"] == "no_result"
    assert held.api.as_("d0").post(f"/polls/{poll}/close").status_code == 403
    assert host.read(f"/polls/{poll}")["chair"]
    host.do(f"/polls/{poll}/close")
    found = held.api.as_("d0").read(f"/polls/{poll}")
    assert (
        found["outcome"]["passed"]
        and found["counts"]["yes"] == 7
        and "须有 7 人同意，同意 7 人，符合" in found["why"]
    )
    told = {"opening": 9, "closing": 9, "least": 9, "due": 13, "needed": 9}
    assert told.items() <= found["presence"].items()
    paper = held.api.as_("zhao").get(f"/polls/{poll}/certificate")
    assert (
        paper.status_code == 200
        and paper.data.startswith(b"%PDF-")
        and paper.mimetype == "application/pdf"
    )
    checked = held.api.as_("zhao").read(f"/polls/{poll}/verify", hash="0" * 64)
    assert not checked["matches"] and checked["whole"]
    assert held.api.as_("zhao").read(f"/polls/{poll}/verify", hash=checked["hash"])["matches"]


def test_an_election_with_paper_two_tellers_and_their_signatures(held: Session) -> None:
    held.arrived(13).opened().put()
    own, host = held.api.people, held.api.as_("host")
    first = held.poll()
    for who in held.voters[:7]:
        held.api.as_(who).do(f"/polls/{first}/respond", {"choice": "yes"})
    host.do(f"/polls/{first}/close")
    poll, a, b = held.poll(), held.api.as_("d2"), held.api.as_("d3")
    both = held.api.as_("d0").post(
        f"/polls/{poll}/respond", {"choices": [str(own["d0"]), str(own["d1"])]}
    )
    assert both.status_code == 422 and "choices" in both.json["errors"]
    for who in ("d0", "d1", "d2", "d3", "d4", "d5"):
        held.api.as_(who).do(f"/polls/{poll}/respond", {"choices": [str(own["d0"])]})
    held.api.as_("d6").do(f"/polls/{poll}/respond", {"choices": []})
    assert held.api.as_("d6").read(f"/polls/{poll}")["chosen"] == ["abstain"]
    a.do(f"/polls/{poll}/give-paper", {"members": [str(own["zhang"]), str(own["li"])]})
    assert (
        held.api.as_("d0")
        .post(f"/polls/{poll}/give-paper", {"members": [str(own["wang"])]})
        .status_code
        == 404
    )
    assert a.post(f"/polls/{poll}/give-paper", {"members": [str(own["zhang"])]}).status_code == 422
    assert a.read(f"/polls/{poll}")["counting"]["handed"] == ["姓名li", "姓名zhang"]
    late = held.api.as_("zhang").post(f"/polls/{poll}/respond", {"choices": [str(own["d0"])]})
    assert late.status_code == 409 and late.json["code"] == "on_paper"
    host.do(f"/polls/{poll}/close")
    assert [i["teller"] for i in a.read("/tasks")["items"]] == ["sign"]
    assert a.post(f"/polls/{poll}/sign").json["code"] == "paper_differs"
    a.do(f"/polls/{poll}/paper", {"returned": 2, "counts": {str(own["d0"]): 2}})
    seen = b.read(f"/polls/{poll}")["counting"]
    assert seen["entries"] == "one" and seen["mine"] is None and seen["todo"] == "paper"
    b.do(f"/polls/{poll}/paper", {"returned": 2, "counts": {str(own["d0"]): 1, str(own["d1"]): 1}})
    seen = b.read(f"/polls/{poll}")["counting"]
    assert seen["entries"] == "differ" and seen["mine"]["counts"][str(own["d1"])] == 1
    assert b.post(f"/polls/{poll}/sign").status_code == 409
    assert (
        b.post(f"/polls/{poll}/paper", {"returned": 2, "invalid": 3, "counts": {}}).status_code
        == 422
    )
    b.do(f"/polls/{poll}/paper", {"returned": 2, "issued": 2, "counts": {str(own["d0"]): 2}})
    assert b.read(f"/polls/{poll}")["counting"]["todo"] == "sign"
    a.do(f"/polls/{poll}/sign")
    assert b.read(f"/polls/{poll}")["state"] == "counting"
    b.do(f"/polls/{poll}/sign")
    found = held.api.as_("d8").read(f"/polls/{poll}")
    assert (
        found["state"] == "closed"
        and found["elected"] == [str(own["d0"])]
        and found["outcome"]["returned"] == 9
    )
    assert found["counts"][str(own["d0"])] == 8 and all(t["signed_at"] for t in found["tellers"])


def test_a_poll_is_declared_void_with_a_reason(held: Session) -> None:
    held.arrived(9).opened().put()
    poll, host = held.poll(), held.api.as_("host")
    assert held.api.as_("d0").post(f"/polls/{poll}/void", {"reason": "无"}).status_code == 403
    assert host.post(f"/polls/{poll}/void", {"reason": ""}).status_code == 422
    host.do(f"/polls/{poll}/void", {"reason": "表决器故障"})
    assert host.read(f"/polls/{poll}")["state"] == "open"  # it has opened: the other side too
    assert host.post(f"/polls/{poll}/void", {"reason": "再说一次"}).status_code == 409
    assert held.api.as_("d2").post(f"/polls/{poll}/void", {"reason": "无"}).status_code == 403
    held.api.as_("secretary").do(f"/polls/{poll}/void", {"reason": "表决器故障"})
    assert (
        host.read(f"/polls/{poll}")["state"] == "void"
        and host.post(f"/polls/{poll}/void", {"reason": "再"}).status_code == 409
    )
    again = next(v["id"] for v in held.read()["votes"] if v["state"] == "open")
    assert again != poll and host.read(f"/polls/{again}")["voided"] == 1
