"""Reads a printed PDF back: its text layer is what the receiver searches, copies and hears read aloud."""

from __future__ import annotations

import io
import re

from pypdf import PdfReader


def text_of(pdf: bytes) -> str:
    """All text of a PDF, page by page, in reading order."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def close(text: str) -> str:
    """Without spaces and line breaks, which typesetting puts where it needs them."""
    return re.sub(r"[\s\u200b]+", "", text)
