"""Shapes of answers: what Python says of a text, in time that grows with the text only."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.forms import faults, patterns

SHAPES = [
    "^[0-9]{6}(-[*+])?$",
    "^(a+)+$",
    "^(\\w+\\s?)*$",
    "^.*.*.*x$",
    "^[^a-c]{2,5}|z$",
    "^[]a-]+$",
    "^\\d{4}[-/]\\d{1,2}$",
    "^(a|ab)(c|bcd)(d*)$",
    "^(?:ab)*?c$",
    "^\\D\\S\\W$",
    "^$",
    "^[\u4e00-\u9fff]{2,4}$",
]


@given(st.sampled_from(SHAPES), st.text(alphabet="abcdxz0129-/*+ ]_\n张三", max_size=8))
@settings(max_examples=1500, deadline=None)
def test_a_shape_fits_what_python_says(shape: str, text: str) -> None:
    assert patterns.matcher(shape)(text) is (re.fullmatch(f"(?:{shape})", text) is not None)


@pytest.mark.parametrize(
    "shape", ["^(\\w+)+$", "^(?#[)(\\w+)+(?#])$", "^(a|a)*$", "^(a?){50}a{50}$", "^(.*)*x$"]
)
def test_no_text_keeps_a_shape_busy(shape: str) -> None:
    began = time.monotonic()
    patterns.matcher(shape)("a" * 500 + "!")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "shape",
    ["^(?#[)(a+)+(?#])$", "^(?=a)a$", "^(a)\\1$", "^(?i)a$", "^((a{50}){50}){50}$", "^(?P<x>a)$"],
)
def test_comments_looks_and_references_are_no_shape(shape: str) -> None:
    assert said_of(shape)


def test_a_plain_shape_is_no_fault() -> None:
    assert said_of("^[0-9]{6}(-[*+])?$") == []


def said_of(shape: str) -> list[str]:
    field = {
        "type": "textfield",
        "key": "code",
        "label": "代码",
        "properties": {"label_en": "Code"},
        "validate": {"pattern": shape, "maxLength": 50},
    }
    return faults({"type": "default", "id": "f", "components": [field]}, set())
