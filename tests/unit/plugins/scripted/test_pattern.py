"""Texts made from regular expressions match them."""

import re

import pytest

from seawall.plugins.providers.scripted.pattern import instance

PATTERNS = [
    r"^[A-Z]{2}\d{3,5}$",
    r"^(?:foo|bar)-[^a-z]+$",
    r"\w+@\w+\.\w{2,}",
    r"^\+?[1-9]\d{1,14}$",
    r"^a*b?c+$",
    r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}$",
    r"^(?P<year>\d{4})/(?P<month>0[1-9]|1[0-2])$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_made_matches(pattern: str) -> None:
    made = instance(pattern)
    assert made is not None
    assert re.search(pattern, made)


@pytest.mark.parametrize("pattern", [r"(", r"(?=x)y", r"[", r"a{2", r"\1"])
def test_nothing_is_made_for_what_cannot_be_read_or_met(pattern: str) -> None:
    made = instance(pattern)
    assert made is None or re.search(pattern, made)
