"""A small writer of .xls (BIFF8 in a compound file), as WPS and old Excel save it: texts and numbers."""

from __future__ import annotations

import struct

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _text(text: str, length: str) -> bytes:
    return struct.pack(length, len(text)) + b"\x01" + text.encode("utf-16-le")


def _sheet(rows: list[list[object]]) -> bytes:
    found = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6))
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if isinstance(value, str):
                found += _record(0x204, struct.pack("<HHH", r, c, 15) + _text(value, "<H"))
            elif isinstance(value, int | float):
                found += _record(0x203, struct.pack("<HHHd", r, c, 15, value))
    return found + _record(0x0A, b"")


def xls(**sheets: list[list[object]]) -> bytes:
    """A workbook with these sheets, by name."""
    head = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
    head += _record(0x42, struct.pack("<H", 1200))
    font = struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + _text("Arial", "<B")
    head += _record(0x31, font) * 4 + _record(0xE0, bytes(20)) * 16
    bodies = [_sheet(rows) for rows in sheets.values()]
    size = sum(len(_record(0x85, struct.pack("<IH", 0, 0) + _text(n, "<B"))) for n in sheets)
    at = len(head) + size + 4
    for name, body in zip(sheets, bodies, strict=True):
        head += _record(0x85, struct.pack("<IH", at, 0) + _text(name, "<B"))
        at += len(body)
    return _compound(head + _record(0x0A, b"") + b"".join(bodies))


def _compound(stream: bytes) -> bytes:
    """One stream "Workbook" in a compound file with sectors of 512 bytes."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    sectors = len(stream) // 512
    fat = [
        _FAT,
        _END,
        *range(3, sectors + 2),
        _END,
    ]  # 0: the FAT, 1: the directory, then the stream
    assert len(fat) <= 128
    fat += [_FREE] * (128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0
    )
    header += struct.pack("<I", 0) + struct.pack("<I", _FREE) * 108
    entries = _entry("Root Entry", 5, _END, 0, child=1) + _entry("Workbook", 2, 2, len(stream))
    directory = entries.ljust(512, b"\0")
    return header + struct.pack("<128I", *fat) + directory + stream


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    links = struct.pack("<III", _FREE, _FREE, child)
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBB", len(text), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<III", start, size, 0)
    )
