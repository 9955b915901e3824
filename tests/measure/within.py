"""Helpers of these tests: limits as parameters, and what is measured once however many workers there are."""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.measure.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def limits(names: Iterable[str]) -> list[Any]:
    """A parameter a name. An aim that is not reached yet is a strictly expected failure: whoever reaches it is made to
    remove `today` from the table, and from then on the limit holds."""
    return [pytest.param(name, marks=_marks(name), id=name) for name in names]


def _marks(name: str) -> list[pytest.MarkDecorator]:
    limit = LIMITS[name]
    if limit.today is None:
        return []
    reason = f"{limit.today:g} today, {limit.most:g} is the aim: {limit.why}"
    return [pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError)]


def worse(found: dict[str, float]) -> dict[str, float]:
    """The figures that are above their limit, or above what stands as `today`: no mark hides that."""
    return {
        name: figure
        for name, figure in found.items()
        if name in LIMITS and figure > max(LIMITS[name].most, LIMITS[name].today or 0)
    }


def once(factory: pytest.TempPathFactory, name: str, work: Callable[[], Any]) -> Any:
    """What `work` gives (something for JSON), carried out by the first worker of this run that wants it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return work()
    file = factory.getbasetemp().parent / f"{name}.json"  # the workers' common folder
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            file.write_text(json.dumps(work()), "utf-8")
        return json.loads(file.read_text("utf-8"))
