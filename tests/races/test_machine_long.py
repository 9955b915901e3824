"""The property of tests/engine/test_machine.py, far more often."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.engine.sketches import GIVEN, QUIET, Sketch, agree, agree_at


@pytest.mark.prove
@settings(max_examples=20_000, deadline=None, suppress_health_check=QUIET)
@GIVEN
def test_a_saved_instance_opens_what_one_never_saved_opens_very_often(
    sketch: Sketch, seed: int, acts: list[int]
) -> None:
    agree(sketch, seed, acts)


@pytest.mark.prove
def test_very_many_large_instances_open_what_those_never_saved_open() -> None:
    for seed in range(1_000, 21_000):
        agree_at(seed)
