"""Words that nobody may have to read first: codes, confidence, hashes and computations stand in one fold, and an act has one word."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from tests.webui.roles import SENT, World, ask, methods, two_unions

if TYPE_CHECKING:
    from collections.abc import Iterator

# what a page may not say outside the fold: pattern -> what it says instead
BANNED = {
    r"\[[VMP]\]": "the mark of a confidence stands in the fold, in words",
    r"凭记忆|待核对": "how far a rule can be relied on stands in the fold",
    r"\b[A-Z]{2}-[A-Z][A-Z-]{2,}\b": "codes of rules stand in the fold",
    r"决策表|table D\d": "codes of decision tables stand in the fold",
    r"散列|SHA-?256": "hashes stand in the fold, and where something is proved",
    r"名册 \d+ 人": "共 n 人",
    r"\d 中须有|实有 \d": "应到 7 人，实到 6 人，符合法定人数",
    r"超期": "逾期",
    r"我已签收|签收，由我|已签收，正在|退回给同岗位|退回签收": "a task of a pool is 认领 and 放回",
    r"下一个待办|会议编次|催办事由": "下一项，会次，催办内容",
}
# pages whose matter these words are: rules, processes, the auditor's proofs
OF_THE_MATTER = (
    "rules.",
    "tables.",
    "definitions.",
    "own_versions.",
    "audit.",
    "ballots.check",
    "polls.verify",
)
WHO = ("committee", "delegate", "secretary", "auditor")
FOLD = "yx-basis-fold"
VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    ]
)


class _FirstReading(HTMLParser):
    """What stands on a page outside folds of basis, scripts and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inside = 0  # so many elements deep in what is left out
        self.folds = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fold = FOLD in (dict(attrs).get("class") or "").split()
        self.folds += fold
        if tag not in VOID and (self.inside or fold or tag in ("script", "style")):
            self.inside += 1
        if not self.inside:
            self.words += [v for k, v in attrs if v and k in ("aria-label", "title", "placeholder")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.inside = max(0, self.inside - 1)

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(data)


def first_reading(page: str) -> tuple[str, int]:
    """The words of a page outside its folds of basis, and how many such folds it has."""
    reader = _FirstReading()
    reader.feed(page)
    assert not reader.inside, "elements that are not closed"
    return " ".join(" ".join(reader.words).split()), reader.folds


@pytest.fixture(scope="module")
def world(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_unions(server, tmp_path_factory.mktemp("words")) as made:
        yield made


def rows(world: World) -> list[str]:
    looks = {row for row, (_rule, method) in methods(world.app).items() if method == "GET"}
    also = {
        row for row in SENT if row.split(" ")[0] in looks and set(SENT[row]) <= {"path", "query"}
    }
    return [row for row in sorted(looks | also) if not row.startswith(("api", *OF_THE_MATTER))]


@pytest.mark.parametrize("role", WHO)
def test_nobody_has_to_read_codes_hashes_or_marks_first(world: World, role: str) -> None:
    wrong, met, folds = [], set(), 0
    for row in rows(world):
        answer = ask(world, f"a.{role}", row, "a")
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        words, found = first_reading(answer.text)
        met.add(row)
        folds += found
        for pattern, instead in BANNED.items():
            wrong += [
                f"{row}: {words[max(0, hit.start() - 20) : hit.end() + 20]} | {instead}"
                for hit in re.finditer(pattern, words)
            ]
    assert not wrong, "\n".join(dict.fromkeys(wrong))
    assert len(met) >= 14 and "inbox.index" in met
    assert folds or role == "auditor"


def test_what_is_banned_is_found_outside_the_fold_only() -> None:
    fold = f'<details class="{FOLD}"><summary>依据<br></summary><p>规则 MO-REVIEW</p></details>'
    words, folds = first_reading(f"<main><p>先看<b>这里</b></p>{fold}<p>再看</p></main>")
    assert (words, folds) == ("先看 这里 再看", 1)
    for text in ("规则 MO-REVIEW", "[M] 凭记忆", "名册 1 人", "7 中须有 5，实有 6", "已超期 3 天"):
        assert any(re.search(pattern, text) for pattern in BANNED), text
    fine = "应到 7 人，实到 6 人，符合法定人数；逾期 3 天；教代提〔2026〕053；PDF DOCX"
    assert not any(re.search(pattern, fine) for pattern in BANNED)
