"""Pages of the auditor: search, timeline, verification, evidence. One blueprint, `audit`."""

from __future__ import annotations

from webui.pages.auditor import audit, packs, past, sample, seal, statistics
from webui.pages.auditor.desk import blueprint

__all__ = ["audit", "blueprint", "packs", "past", "sample", "seal", "statistics"]
