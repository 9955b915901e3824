"""QR codes as SVG texts, made here: nothing is asked of any service."""

from __future__ import annotations

import io

import segno


def svg(text: str, scale: int = 8) -> str:
    """The QR code of a text (an address, a hash) as an SVG with its quiet zone, black on white."""
    made = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        made,
        kind="svg",
        scale=scale,
        border=4,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgclass=None,
        lineclass=None,
    )
    return made.getvalue().decode()


def data_uri(text: str, scale: int = 8) -> str:
    """The same for the `src` of an image."""
    return str(
        segno.make(text, error="m", micro=False).svg_data_uri(
            scale=scale, border=4, dark="#000", light="#fff"
        )
    )
