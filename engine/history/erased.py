"""What is left of a matter whose content was erased."""

from __future__ import annotations

from typing import Any

from engine.messages import _

ERASED: dict[str, Any] = {}  # of the data of its documents
ERASED_MARK = "_erased"  # the only fact; no task can have this name
ERASED_TITLE = _("内容已按规定删除")  # what is shown where the title stood
