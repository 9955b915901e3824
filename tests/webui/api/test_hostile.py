"""Bad input anywhere gets a clear problem+json of the right kind, and changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine import db
from engine.commands import people
from tests.webui.api.world import BASE, Person, folder, problem, send, zipped

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.webui.api.world import Api

JSON = "application/json"
NOBODY = "01a20509-42be-7875-a54e-608a92498ac0"
GOOD = b'{"process_id": "errand", "answers": {"subject": "x"}}'


def raw(
    who: Person, data: bytes, content_type: str | None = JSON, path: str = "/process-instances"
) -> TestResponse:
    headers = {"Authorization": f"Bearer {who.token}"}
    return who.client.post(BASE + path, data=data, content_type=content_type, headers=headers)


BODIES: list[tuple[str, bytes, int]] = [
    ("empty", b"", 400),
    ("no JSON", b"{process_id: errand}", 400),
    ("two values", GOOD + GOOD, 400),
    ("a byte order mark", b"\xef\xbb\xbf" + GOOD, 400),
    ("UTF-16", GOOD.decode().encode("utf-16"), 400),
    ("broken UTF-8", GOOD.replace(b'"x"', b'"\xff\xfe"'), 400),
    ("overlong UTF-8", GOOD.replace(b'"x"', b'"\xc0\xaf"'), 400),
    ("a surrogate in UTF-8", GOOD.replace(b'"x"', b'"\xed\xa0\x80"'), 400),
    ("a key twice", b'{"process_id": "errand", "process_id": "other", "answers": {}}', 400),
    (
        "a key twice, deep",
        b'{"process_id": "errand", "answers": {"subject": "a", "subject": "b"}}',
        400,
    ),
    (
        "a key twice, escaped",
        b'{"process_id": "errand", "answers": {"subject": "a", "subj\\u0065ct": "b"}}',
        400,
    ),
    ("NaN", GOOD.replace(b'"x"', b"NaN"), 400),
    ("Infinity", GOOD.replace(b'"x"', b"-Infinity"), 400),
    ("a number beyond floats", GOOD.replace(b'"x"', b"1e999"), 400),
    ("10,000 digits", GOOD.replace(b'"x"', b"9" * 10_000), 400),
    ("20 digits", GOOD.replace(b'"x"', b"9" * 20), 422),
    ("33 levels", GOOD.replace(b'"x"', b"[" * 31 + b"]" * 31), 400),
    ("100,000 levels", b"[" * 100_000, 400),
    ("100,000 levels, closed", b"[" * 100_000 + b"]" * 100_000, 400),
    ("100,000 objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
    ("NUL", GOOD.replace(b'"x"', b'"a\\u0000b"'), 422),
    ("NUL in a key", GOOD.replace(b'"subject"', b'"sub\\u0000ject"'), 422),
    ("a bare control character", GOOD.replace(b'"x"', b'"a\x00b"'), 400),
    ("half a character", GOOD.replace(b'"x"', b'"\\ud83d"'), 422),
    ("the other half", GOOD.replace(b'"x"', b'"\\ude00 \\ud83d"'), 422),
    ("half a character in a key", GOOD.replace(b'"subject"', b'"\\udfff"'), 422),
    ("a list", b"[]", 422),
    ("a text", b'"errand"', 422),
    ("null", b"null", 422),
    ("true", b"true", 422),
    ("an unknown field", b'{"process_id": "errand", "answers": {}, "starter": "me"}', 422),
    ("an unknown answer", GOOD.replace(b'"subject"', b'"object"'), 422),
    ("a prototype", b'{"process_id": "errand", "answers": {"subject": "x"}, "__proto__": {}}', 422),
    ("answers that are a list", b'{"process_id": "errand", "answers": ["x"]}', 422),
    ("answers that are null", b'{"process_id": "errand", "answers": null}', 422),
    ("an id that is a number", b'{"process_id": 7, "answers": {}}', 422),
    ("an id that is an object", b'{"process_id": {"$gt": ""}, "answers": {}}', 422),
    ("an id of 10,000 characters", b'{"process_id": "' + b"a" * 10_000 + b'", "answers": {}}', 422),
    ("an unknown process", b'{"process_id": "../errand", "answers": {}}', 404),
    ("no subject", b'{"process_id": "errand", "answers": {}}', 422),
    ("a subject of blanks", GOOD.replace(b'"x"', b'"  \\u3000 "'), 422),
    ("a subject that is too long", GOOD.replace(b'"x"', b'"' + b"x" * 61 + b'"'), 422),
    ("a subject that is a list", GOOD.replace(b'"x"', b'["x"]'), 422),
    ("a subject of floats", GOOD.replace(b'"x"', b"1.5"), 422),
    ("more than 1 MB", GOOD.replace(b'"x"', b'"' + b"x" * 1_100_000 + b'"'), 413),
]


@pytest.mark.parametrize(("what", "data", "status"), BODIES, ids=[b[0] for b in BODIES])
def test_a_hostile_body_is_refused(shared: Api, what: str, data: bytes, status: int) -> None:
    mover = shared.as_("li")
    problem(raw(mover, data), status)
    assert mover.read("/process-instances", mine="true")["items"] == []


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=gbk",
        "application/merge-patch+json",
        "json",
    ],
)
def test_another_content_type_is_refused(shared: Api, content_type: str | None) -> None:
    problem(raw(shared.as_("li"), GOOD, content_type), 415)


QUERIES = [
    ("limit=0", 422),
    ("limit=201", 422),
    ("limit=-1", 422),
    ("limit=99999999999999999999", 422),
    ("limit=5.0", 422),
    ("limit=%D9%A3", 422),
    ("limit=1e2", 422),
    ("limit=", 422),
    ("limit=5&limit=6", 422),
    ("colour=red", 422),
    ("after=x", 422),
    ("after=%00", 422),
    ("after=" + "a" * 2000, 422),
    ("state=open", 422),
    ("state=running%00", 422),
    ("unit=7", 422),
    ("unit=urn:uuid:" + NOBODY, 422),
    ("starter={}", 422),
    ("since=2026-02-30", 422),
    ("since=0001-01-01", 422),
    ("until=9999-12-31", 422),
    ("since=2026-1-1", 422),
    ("mine=1", 422),
    ("mine=True", 422),
    ("words=%00", 422),
    ("words=%ff", 400),
    ("words=%ed%a0%80", 400),
    ("words=" + "x" * 300, 422),
    ("lang=en", 422),
    ("words=%25_%5C", 200),
    ("words=%F0%9F%98%80", 200),
    ("words=%E3%80%80", 200),
    ("words=%27%3B--", 200),
    ("since=2026-01-01&until=2199-12-31&mine=true", 200),
    ("process=../..", 200),
]


@pytest.mark.parametrize(("query", "status"), QUERIES, ids=[q[0][:40] for q in QUERIES])
def test_a_query_string_is_read_strictly(shared: Api, query: str, status: int) -> None:
    found = shared.as_("secretary").client.get(
        f"{BASE}/process-instances?{query}",
        headers={"Authorization": f"Bearer {shared.tokens['secretary']}"},
    )
    if status == 200:
        assert found.status_code == 200, found.text
    else:
        problem(found, status)


@pytest.mark.parametrize(
    "path",
    [
        "/process-instances/7",
        f"/process-instances/{NOBODY}",
        f"/process-instances/{{{NOBODY}}}",
        f"/tasks/{NOBODY}",
        "/tasks/../members/me",
        f"/polls/{NOBODY}",
        f"/members/{NOBODY}",
        f"/files/{NOBODY}",
        f"/documents/{NOBODY}",
        f"/imports/{NOBODY}",
        "/process-definitions/%00",
        "/process-definitions/none",
        f"/process-definitions/{'0' * 64}",
        "/rules/%00",
        "/rules/NONE",
        "/imports/templates/none",
        "/imports/templates/%00",
        "/none",
        "/",
        "",
        f"/process-definitions/{'a' * 5000}/files",
        "/process-definitions/none/opening",
        f"/units/{NOBODY}/history/none",
    ],
)
def test_what_is_not_there_is_404(shared: Api, path: str) -> None:
    problem(shared.as_("secretary").get(path), 404)


def test_errors_of_every_kind_are_problems(api: Api) -> None:
    mover, office = api.as_("zhang"), api.as_("secretary")
    key = mover.launch()
    task = office.waiting("task", key, "check")
    problem(api.app.test_client().get(f"{BASE}/tasks"), 401, "unauthenticated")
    problem(Person(mover.client, "yx_wrong").get("/tasks"), 401)
    problem(Person(mover.client, "").get("/tasks"), 401)
    problem(
        mover.post(f"/process-instances/{key}/terminate", {"reason": "不想办了"}), 403, "refused"
    )
    problem(mover.post(f"/tasks/{task['id']}/complete", {"answers": {}}), 404, "not_found")
    found = mover.call("PATCH", "/tasks")
    problem(found, 405)
    assert found.headers["Allow"] == "GET, HEAD, OPTIONS"
    errors = problem(
        office.post(f"/tasks/{task['id']}/complete", {"answers": {"decision": "maybe"}}),
        422,
        "invalid",
    )["errors"]
    assert list(errors) == ["decision"]
    errors = problem(
        office.post(f"/tasks/{task['id']}/complete", {"answers": {}, "revision": "1", "x": 1}), 422
    )["errors"]
    assert set(errors) == {"revision", "x"}
    problem(raw(mover, b"{}" * 1_000_000), 413)
    problem(raw(mover, GOOD, "text/plain"), 415)
    problem(raw(mover, b"{"), 400)


def test_a_stale_page_is_told_who_acted(api: Api) -> None:
    key = api.as_("zhang").launch()
    first, second = api.as_("secretary"), api.as_("admin2")
    task = first.waiting("task", key, "check")
    sent = {"answers": {"decision": "pass"}, "revision": task["revision"]}
    second.do(f"/tasks/{task['id']}/claim")
    claimed = problem(first.post(f"/tasks/{task['id']}/complete", sent), 409)
    assert "姓名admin2" in claimed["detail"] and claimed["code"] == "claimed"
    second.complete(key, "check", decision="pass")
    done = problem(first.post(f"/tasks/{task['id']}/complete", sent), 409)
    assert "姓名admin2" in done["detail"] and done["code"] == "done"


def test_a_broken_server_says_so_as_a_problem(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("webui.api.tasks.waiting.inbox", broken)
    assert "secret detail" not in json.dumps(problem(api.as_("zhang").get("/tasks"), 500))


def test_tokens_end_and_a_token_makes_none(api: Api) -> None:
    me = api.as_("zhang")
    refused = me.post("/members/me/tokens", {"name": "脚本", "days": 1})
    assert problem(refused, 403)["code"] == "token"
    with db.transaction(api.app.extensions["engine"]) as session:
        made = people.create_token(session, None, api.people["zhang"], "脚本", 1)
    other = Person(me.client, made)
    tokens = other.read("/members/me")["tokens"]
    mine = next(t for t in tokens if t["name"] == "脚本")
    assert made not in json.dumps(tokens)
    assert other.call("DELETE", f"/tokens/{mine['id']}").status_code == 204
    problem(other.get("/members/me"), 401)


def test_a_cookie_is_no_token(api: Api) -> None:
    browser = api.app.test_client()
    browser.set_cookie("yixing", "anything")
    problem(browser.post(f"{BASE}/process-instances", data=GOOD, content_type=JSON), 401)


# --- files ----------------------------------------------------------------------------------------------------------------
def test_a_hostile_zip_is_refused(api: Api) -> None:
    office = api.as_("secretary")
    bomb = zipped({"process.toml": b"0" * 200_000_000})
    assert len(bomb) < 1_000_000
    many = zipped({f"{n}.toml": "" for n in range(501)})
    whole = zipped(dict(folder()))
    truncated, spoilt = whole[:-40], whole[:60] + bytes(200) + whole[260:]
    for what, data in {
        "bomb": bomb,
        "many": many,
        "truncated": truncated,
        "no zip": b"PK\x03\x04",
        "empty": b"",
        "outside": zipped({"../process.toml": "id = 1"}),
        "absolute": zipped({"/etc/process.toml": ""}),
        "no UTF-8": zipped({**folder(), "process.toml": b"\xff\xfe"}),
        "NUL": zipped({**folder(), "process.toml": "\0"}),
        "nothing in it": zipped({}),
        "spoilt": spoilt,
    }.items():
        found = send(office, "/process-definitions", file=(data, "errand.zip"), note="试试")
        assert found.status_code == 422, (what, found.text[:300])
        problem(found, 422)
    problem(send(office, "/process-definitions", file=(zipped(dict(folder())), "errand.zip")), 422)
    problem(raw(office, zipped(dict(folder())), "application/zip", "/process-definitions"), 415)


def test_an_upload_is_checked(api: Api) -> None:
    mover = api.as_("zhang")
    pdf = (b"%PDF-1.4", "a.pdf")
    problem(send(mover, "/files"), 415)
    problem(send(mover, "/files", note="x"), 415)
    problem(send(mover, "/files", file=(b"", "a.pdf")), 422)
    problem(send(mover, "/files", file=(b"MZ", "a.exe")), 422)
    problem(send(mover, "/files", file=(b"x", "")), 422)
    problem(send(mover, "/files", file=pdf, other="1"), 422)
    problem(send(mover, "/files", file=pdf, second=pdf), 422)
    made = send(mover, "/files", file=(b"%PDF-1.4", "..\\..\\工会\u202e决议；filename=x.pdf"))
    assert made.status_code == 201, made.text
    back = mover.get(f"/files/{made.json['id']}")
    assert back.data == b"%PDF-1.4" and back.headers["X-Content-Type-Options"] == "nosniff"
    assert back.headers["Content-Disposition"].startswith("attachment; ")
    problem(api.as_("li").get(f"/files/{made.json['id']}"), 404)
