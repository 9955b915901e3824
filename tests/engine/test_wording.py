"""The difference of two texts by words."""

from __future__ import annotations

import random

from engine.queries.wording import pieces


def _said(found: object, signs: str) -> str:
    return "".join(piece.text for piece in found if piece.sign in signs)  # type: ignore[attr-defined]


def test_what_is_gone_stands_before_what_came() -> None:
    found = pieces(
        "自条件成熟时起延长至 21:30；学期末公布。", "自2027年3月1日起延长至 21:30；学期末公布。"
    )
    assert [(piece.sign, piece.text) for piece in found] == [
        (" ", "自"),
        ("-", "条件成熟时"),
        ("+", "2027年3月1日"),
        (" ", "起延长至 21:30；学期末公布。"),
    ]
    assert pieces("一样", "一样") == ()
    assert [(p.sign, p.text) for p in pieces("", "新写的")] == [("+", "新写的")]


def test_both_texts_can_be_read_from_the_pieces() -> None:
    chance, met = random.Random(7), 0
    for length in (0, 1, 5, 60, 6_000):
        for _ in range(4 if length == 6_000 else 40):
            old = "".join(chance.choice("甲乙丙丁。a1 \n") for _ in range(length))
            new = "".join(each for each in old if chance.random() > 0.1) + chance.choice(
                ["", "戊。"]
            )
            found = pieces(old, new)
            if old != new:
                met += 1
                assert (_said(found, " -"), _said(found, " +")) == (old, new)
    assert met > 100
