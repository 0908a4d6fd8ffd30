"""Whoever adds a column says whether it tells of a person."""

from __future__ import annotations

from collections import Counter

import pytest

from mcu.sources import columns, personal


@pytest.mark.parametrize("source", columns.SOURCES)
def test_each_field_is_of_an_author_an_official_or_nobody(source: str) -> None:
    listed = Counter([*personal.AUTHOR[source], *personal.OFFICIAL[source], *personal.NOBODY[source]])
    assert set(listed) == set(columns.load(source).types)
    assert set(listed.values()) == {1}
