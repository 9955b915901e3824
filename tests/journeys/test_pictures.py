"""A mover looks at the pictures of a motion: small in the list, whole when opened."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from engine.commands import attachments, instances
from tests.journeys.desk import DESKTOP, PHONE
from tests.journeys.university import MOTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

LOGS_IN = ("zhang",)
HTML = b"<!DOCTYPE html><title>no</title><script>document.title = 'ran'</script>"


def picture(width: int, height: int) -> bytes:
    """A PNG all of one grey."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x99" * width) * height)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_picture_is_seen_small_and_opens_whole(site: Site, desk: Callable[..., Desk]) -> None:
    town = site.town
    files = {"现场照片.png": picture(640, 320), "冒充.png": HTML, "说明.txt": "说明".encode()}
    keys = [str(town.do("zhang", attachments.add, name, data)) for name, data in files.items()]
    given = {**MOTION, "subject": "修缮西区排水沟", "attachments": keys}
    matter = town.do("zhang", instances.launch, "congress_motion", given)
    for size in (PHONE, DESKTOP):
        person = desk("zhang", f"/matters/{matter}", size)
        page = person.page
        small = page.locator(f".yx-papers img[src='/files/{keys[0]}/view']")
        small.scroll_into_view_if_needed()
        page.wait_for_function("e => e.naturalWidth === 640", arg=small.element_handle())
        box = small.bounding_box()
        assert box and box["height"] < 60 and box["width"] < 100
        assert page.get_by_role("link", name="查看 现场照片.png").count() == 1
        assert page.get_by_role("link", name="查看 说明.txt").count() == 0
        with page.expect_popup() as opened:
            small.click()
        whole = opened.value
        whole.wait_for_load_state()
        assert whole.url.endswith(f"/files/{keys[0]}/view")
        assert whole.locator("img").evaluate("e => e.naturalWidth") == 640
        whole.close()
    with page.expect_download() as saved:
        page.get_by_role("link", name="查看 冒充.png").click()
    assert saved.value.suggested_filename == "冒充.png"
