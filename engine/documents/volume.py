"""Many matters as one volume, from the template documents/booklet.typ: PDF to be printed, DOCX to
be edited.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pypdfium2 import PdfDocument

from engine.definitions.booklet import KIND
from engine.documents import docx, pdf

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMS = ("pdf", "docx")
SECONDS = 240  # for one volume; a worker has the time
_FIELDS = Path(__file__).parent / "fields.lua"


def _matter(key: str, *under: dict[str, Any]) -> dict[str, Any]:
    paper = {"number": "样〔2026〕001", "on": "2026-01-02", "void": False}
    texts = [{"label": "样", "text": "一、样。\n二、样。"}]
    sections = [
        {"title": "样", "texts": texts},
        {"title": "样", "texts": texts, "paper": paper},
        {"title": "样", "texts": [], "paper": {**paper, "void": True}},
    ]
    named = {"key": key, "number": "样〔2026〕001", "serial": "样〔2026〕002", "title": "样"}
    rows = [{"title": "样", "text": "样"}]
    return {**named, "rows": rows, "sections": sections, "under": list(under), "cells": {}}


# What every template of a volume is tried with: all that data.json can hold, and in which form.
SAMPLE: dict[str, Any] = {
    "document": {
        "title": "样",
        "number": "",
        "session": "样",
        "union": "样",
        "issued_on": "2026-01-02",
    },
    "words": {"under": "样"},
    "parts": [{"title": "样", "matters": [_matter("m1", _matter("m2"))]}],
    "indexes": [
        {
            "key": "x0",
            "title": "样",
            "entries": [
                {
                    "name": "样",
                    "counts": [{"title": "样", "n": 1}, {"title": "", "n": 1}],
                    "matters": [{"key": "m1", "number": "样", "title": "样", "as": "样"}],
                }
            ],
        }
    ],
    "left": [{"why": "样。", "n": 2, "numbers": ["样〔2026〕002"]}],
}


class Made(NamedTuple):
    """The file and its pages; of a DOCX nobody knows them."""

    data: bytes
    pages: int


def made(files: Mapping[str, str], data: Mapping[str, Any], form: str) -> Made:
    """The volume that the template of these files makes of `data`. Raises NotPrintable,
    ProcessFault.
    """
    if form == "docx":
        more = (f"--lua-filter={_FIELDS}",)
        return Made(docx.typeset(files, KIND, data, more=more, seconds=SECONDS), 0)
    whole = pdf.typeset(files, KIND, data, seconds=SECONDS)
    with PdfDocument(whole) as read:
        return Made(whole, len(read))
