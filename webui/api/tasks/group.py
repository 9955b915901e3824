"""The group that all routes about tasks belong to."""

from __future__ import annotations

from webui.api.edge import Routes

routes = Routes("tasks", "What waits for me, and doing it.")
ONE = "/tasks/<uuid:task_id>"
