"""What the pages of the auditor are registered in."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("audit", __name__)
