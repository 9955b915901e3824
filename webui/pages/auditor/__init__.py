"""Pages of the auditor: search, timeline, verification, evidence. One blueprint, `audit`."""

from __future__ import annotations

from webui.pages.auditor import audit, packs, sample, seal, statistics
from webui.pages.auditor.desk import blueprint

__all__ = ["audit", "blueprint", "packs", "sample", "seal", "statistics"]
