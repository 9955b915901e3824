"""What one person may leave lying: drafts, and uploads that no form has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.commands import attachments, drafts
from engine.errors import Invalid

if TYPE_CHECKING:
    from tests.webui.conftest import House


def test_one_draft_too_many_is_refused_in_a_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIXING_DRAFTS", "2")
    for key in ("launch:one", "launch:two", "launch:two"):
        house.do("mover", drafts.save, key, {"subject": "x"})
    with pytest.raises(Invalid, match="草稿已有 2 份，最多 2 份"):
        house.do("mover", drafts.save, "launch:three", {"subject": "x"})
    house.do("second", drafts.save, "launch:three", {"subject": "x"})  # another's are not counted
    house.do("mover", drafts.drop, "launch:one")
    house.do("mover", drafts.save, "launch:three", {"subject": "x"})


def test_uploads_that_wait_are_limited_for_each_person(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIXING_UPLOADS_MEGABYTES", "50")
    for number in range(2):
        house.do("mover", attachments.add, f"{number}.txt", bytes([number]) * 24_000_000)
    with pytest.raises(Invalid) as refused:
        house.do("mover", attachments.add, "more.txt", b"x" * 2_000_001)
    assert "已满 50 MB" in str(refused.value.fields["file"])
    house.do("mover", attachments.add, "fits.txt", b"x" * 2_000_000)
    house.do("second", attachments.add, "own.txt", b"x" * 2_000_001)
