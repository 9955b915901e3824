"""Which characters the fonts can show: the `cmap` tables of all fonts that typst finds.

The main font comes with the set-up; behind it stand the system's, rare characters among them
(Debian: fonts-babelstone-han, fonts-hanazono). A character that no font has would print as an empty
box, so it is named and nothing is printed.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import typst

from engine import settings
from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Iterator

# from the set-up; else the system's fonts
FONTS = settings.ROOT / "webui" / "static" / "vendor" / "fonts"
# Shapes come from the font of the letter before: variation selectors, joiners, direction marks,
# soft hyphens.
_WITHOUT_SHAPE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
RARE = range(0x20000, 0x2A6E0)  # Extension B
_PLATFORMS = {(0, 3), (0, 4), (0, 6), (3, 1), (3, 10)}


def folders() -> list[str]:
    """Folders that typst searches beside the system's."""
    return [str(FONTS)] if FONTS.is_dir() else []


def installed() -> list[tuple[str, int]]:
    """The fonts that came with the set-up, by name and size."""
    if not FONTS.is_dir():
        return []
    return [(path.name, path.stat().st_size) for path in sorted(FONTS.glob("*.[to]t[fc]"))]


def without_glyph(text: str) -> str:
    """The characters of a text that no font has, each once, in their order."""
    unique = dict.fromkeys(text)
    return "".join(c for c in unique if needs_shape(c) and not _covered(ord(c)))


def needs_shape(character: str) -> bool:
    """Is it drawn by itself?"""
    selector = any(ord(character) in each for each in _SELECTORS)
    return not selector and unicodedata.category(character) not in _WITHOUT_SHAPE


def _covered(code: int) -> bool:
    plane, place = divmod(code, 0x10000)
    planes = coverage()
    return plane in planes and bool(planes[plane][place])


def rare_characters() -> int:
    """How many of the 42,720 characters of Extension B some font has."""
    return sum(_covered(code) for code in RARE)


@lru_cache(maxsize=1)
def coverage() -> dict[int, bytearray]:
    """Plane -> one byte for each character, 1 when some font has it. Read once per process."""
    planes: dict[int, bytearray] = {}
    for path in {font.path for font in typst.Fonts(font_paths=folders()).fonts() if font.path}:
        try:
            with open(path, "rb") as file:
                ranges = list(_ranges(file.read()))
        except (OSError, struct.error, IndexError):
            continue  # typst skips what it cannot read, too
        for first, last in ranges:
            _mark(planes, first, last)
    _mark(planes, 0x20, 0x7E)  # typst carries Latin fonts of its own
    return planes


def _mark(planes: dict[int, bytearray], first: int, last: int) -> None:
    plane, start = divmod(first, 0x10000)  # no range of a font goes beyond a plane
    end = min(last - (plane << 16), 0xFFFF) + 1
    planes.setdefault(plane, bytearray(0x10000))[start:end] = b"\1" * (end - start)


def _ranges(data: bytes) -> Iterator[tuple[int, int]]:
    """The characters of the first face of a font or of a collection, as ranges."""
    start = struct.unpack_from(">I", data, 12)[0] if data[:4] == b"ttcf" else 0
    for number in range(struct.unpack_from(">H", data, start + 4)[0]):
        tag, _sum, offset, _length = struct.unpack_from(">4sIII", data, start + 12 + 16 * number)
        if tag == b"cmap":
            yield from _of_cmap(data, offset)


def _of_cmap(data: bytes, cmap: int) -> Iterator[tuple[int, int]]:
    """The full table (format 12) where there is one, else that of the first plane (format 4)."""
    tables = {}
    for number in range(struct.unpack_from(">H", data, cmap + 2)[0]):
        platform, encoding, offset = struct.unpack_from(">HHI", data, cmap + 4 + 8 * number)
        if (platform, encoding) in _PLATFORMS:
            tables[struct.unpack_from(">H", data, cmap + offset)[0]] = cmap + offset
    if 12 in tables:
        yield from _groups(data, tables[12])
    elif 4 in tables:
        yield from _segments(data, tables[4])


def _groups(data: bytes, table: int) -> Iterator[tuple[int, int]]:
    for number in range(struct.unpack_from(">I", data, table + 12)[0]):
        first, last, glyph = struct.unpack_from(">III", data, table + 16 + 12 * number)
        yield first if glyph else first + 1, last


def _segments(data: bytes, table: int) -> Iterator[tuple[int, int]]:
    count = struct.unpack_from(">H", data, table + 6)[0] // 2
    read = f">{count}H"
    lasts = struct.unpack_from(read, data, table + 14)
    at = table + 16 + 2 * count
    firsts = struct.unpack_from(read, data, at)
    offsets = struct.unpack_from(read, data, at + 4 * count)
    deltas = struct.unpack_from(read, data, at + 2 * count)
    for number, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        if not offsets[number]:  # by the formula: glyph = code + delta
            hole = -deltas[number] & 0xFFFF
            yield from (
                (a, b)
                for a, b in ((first, min(last, hole - 1)), (max(first, hole + 1), last))
                if a <= b
            )
            continue
        glyphs = at + 4 * count + 2 * number + offsets[number]
        for code in range(first, last + 1):
            if code != 0xFFFF and struct.unpack_from(">H", data, glyphs + 2 * (code - first))[0]:
                yield code, code


def described() -> Message:
    """What was found, for the operator: which fonts, and how many rare characters they have."""
    known, all_ = rare_characters(), len(RARE)
    if not installed():
        return _("没有找到随安装附带的字体，文书用系统的字体排印。")
    if known == all_:
        return _("字体齐全，扩展 B 区的生僻字都能印。")
    return _(
        "扩展 B 区 {all} 个生僻字中有 {known} 个能印，其余的出文前会被指出。Debian 和 Ubuntu 可安装 fonts-babelstone-han 与 fonts-hanazono。",
        all=all_,
        known=known,
    )
