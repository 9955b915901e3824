"""Every document of every process, issued in a story: printed, edited in Word, and with a fact missing not printed at all."""

from __future__ import annotations

import io
import random
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engine import db, definitions, scenarios
from engine.db import tables
from engine.documents import docx, pdf, reading
from engine.documents.filling import is_missing
from engine.errors import NotPrintable
from engine.instance.view import dotted
from tests import drawn
from tests.conftest import fresh

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "processes").glob("*/process.toml"))
PART, SOME = (
    5,
    2,
)  # `make test` takes a fifth of a folder's papers a day, each without two of its facts
STANDARD = scenarios.standard(ROOT / "processes")
ALONE = 3600.0  # seconds: nobody else waits for this database


@pytest.fixture(scope="module")
def player(server: str) -> Iterator[scenarios.Player]:
    with fresh(server) as url:
        with scenarios.Player(db.connect(url, size=2), STANDARD, ALONE) as made:
            yield made
        db.release(url)


def issued(
    player: scenarios.Player, folder: Path, kinds: Collection[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, data) of what the stories issue that read their papers; each of these kinds once."""
    seen: set[str] = set()
    files = definitions.read(folder)
    for story in scenarios.stories(folder):
        if seen.issuperset(kinds):
            return
        read = scenarios.read(story)
        if not any(step.does == "printed" for step in read.steps):
            continue
        told = [ends.issued for ends in read.ends.values()]
        if told and None not in told and not any((set(each) & set(kinds)) - seen for each in told):
            continue  # nothing that was not met
        with player.begun(story, files, len(read.steps)) as end:
            first = next(iter(end.instances.values()))
            query = select(tables.document).where(tables.document.c.instance_id == first)
            for row in end.session.execute(query).all():
                if row.kind in kinds and row.kind not in seen:
                    seen.add(row.kind)
                    yield row.kind, row.data


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_paper_prints_and_stops_without_some_of_its_facts(
    player: scenarios.Player, folder: Path
) -> None:
    _all_print_and_stop(player, folder, SOME)


@pytest.mark.prove
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_paper_prints_and_stops_without_each_fact(
    player: scenarios.Player, folder: Path
) -> None:
    _all_print_and_stop(player, folder, None)


def _all_print_and_stop(player: scenarios.Player, folder: Path, some: int | None) -> None:
    files = definitions.read(folder)
    documents = definitions.load(files).documents
    met, stopped, tried = set(), 0, 0
    kinds = set(documents)
    if some:
        day = random.Random(f"{drawn.settle()} {folder.name}")
        kinds = set(day.sample(sorted(documents), -(-len(documents) // PART)))
    for kind, data in issued(player, folder, kinds):
        met.add(kind)
        printed = reading.close(reading.text_of(pdf.typeset(files, kind, data)))
        assert reading.close(data["document"]["title"]) in printed or "征求意见函" in printed
        words = _words(docx.typeset(files, kind, data))
        numbers = set(re.findall(r"\d+ ?[人票张件]", printed))
        assert numbers <= set(re.findall(r"\d+ ?[人票张件]", reading.close(words)))
        needs = sorted(documents[kind].needs)
        left_out = random.Random(kind).sample(needs, min(some or len(needs), len(needs)))
        tried += len(left_out)
        for path in left_out:
            stopped += _stops(files, kind, data, path)
    assert met == kinds
    assert stopped == tried > len(kinds)


def _stops(files: dict[str, str], kind: str, data: dict[str, Any], path: str) -> bool:
    """Without a needed fact the template itself stops, and names it; whole structures are needed by their parts."""
    assert not is_missing(dotted(data["facts"], path)), (kind, path)
    less = {**data, "facts": _without(data["facts"], path.split("."))}
    with pytest.raises(NotPrintable) as caught:
        pytest.fail(f"{kind} prints without {path}: {len(pdf.typeset(files, kind, less))} bytes")
    assert caught.value.code == "missing_fact"
    named = caught.value.details["facts"][0]
    assert path.startswith(named) or named.startswith(path)
    assert path.partition(".")[0] in caught.value.message
    return True


def _without(facts: Any, parts: list[str]) -> Any:
    if len(parts) == 1:
        return {key: value for key, value in facts.items() if key != parts[0]}
    return {**facts, parts[0]: _without(facts[parts[0]], parts[1:])}


def _words(made: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        return "".join(re.findall(r"<w:t[^>]*>([^<]*)", opened.read("word/document.xml").decode()))
