"""What a measurement of builds must say to be within its targets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.builds import FULL, HOUR, NIGHT, Asked, Built
from bench.builds_page import render, targets

SHORT, LONG = 100_000, 10_000_000
BUILDS = [
    Built(messages, news, 1, {"dbt": seconds, "publish": 1.0})
    for messages, of_news in (
        (SHORT, {FULL: 30.0, NIGHT: 19.0, HOUR: 15.0}),
        (LONG, {FULL: 1e3, NIGHT: 25.0, HOUR: 19.0}),
    )
    for news, seconds in of_news.items()
]
QUERIES = [Asked(messages, mart, 5.0) for messages in (SHORT, LONG) for mart in ("dim_topic", "fct_message")]


def test_a_measurement_within_its_targets() -> None:
    assert [one.is_met for one in targets(BUILDS, QUERIES)] == [True, True, True]
    page = render(BUILDS, QUERIES, {"Processor": "a"})
    assert "1.30 ×" in page
    assert "missed" not in page
    assert "**Not measured in this run: 1,000,000 messages.**" in page
    assert "| 10,000,000 | night | 1 | 25.0 | 1.0 | 26 |" in page
    assert "| fct_message | 5.0 | 5.0 |" in page


@pytest.mark.parametrize(
    ("messages", "news", "seconds", "missed"),
    [(LONG, NIGHT, 25.2, [0]), (LONG, HOUR, 29.1, [1]), (SHORT, HOUR, 100.0, []), (SHORT, NIGHT, 18.0, [0])],
)
def test_a_slow_build_misses_its_target(messages: int, news: str, seconds: float, missed: list[int]) -> None:
    slow = [
        replace(one, seconds={"dbt": seconds, "publish": 1.0}) if (one.messages, one.news) == (messages, news) else one
        for one in BUILDS
    ]
    assert [n for n, one in enumerate(targets(slow, QUERIES)) if not one.is_met] == missed
    assert ("**missed**" in render(slow, QUERIES, {})) == bool(missed)


def test_one_slow_query_is_named() -> None:
    queries = [*QUERIES[:-1], replace(QUERIES[-1], milliseconds=100.0)]
    (target,) = [one for one in targets(BUILDS, queries) if not one.is_met]
    assert target.measured == "at most 100 ms (fct_message)"
