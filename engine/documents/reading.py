"""Reads a printed PDF back: its text layer is what the receiver searches, copies and hears read
aloud.
"""

from __future__ import annotations

import re

from pypdfium2 import PdfDocument


def text_of(pdf: bytes) -> str:
    """All text of a PDF, page by page, in reading order."""
    with PdfDocument(pdf) as document:
        pages: list[str] = [page.get_textpage().get_text_range() for page in document]
    return "\n".join(pages)


def close(text: str) -> str:
    """Without spaces and line breaks, which typesetting puts where it needs them."""
    return re.sub(r"[\s\u200b]+", "", text)
