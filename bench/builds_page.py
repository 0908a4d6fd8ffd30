"""From measured builds to docs/performance_builds.md. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.builds import FULL, HISTORIES, HOUR, LATE, NIGHT, Asked, Built
from bench.history import PER_DAY
from bench.report import Target, table

SLOWER_THAN_SHORT = 1.3  # the night's news: the longest history by the shortest
HOUR_SECONDS = 30.0
QUERY_MILLISECONDS = 100.0

INTRODUCTION = f"""\
# Performance of builds

Written by `make bench ARGS=builds`, never by hand: one run on one machine. What counts are the ratios.

A history of {PER_DAY:,} messages a day, made in the database as the loader would have left it; a longer one goes back
further, its newest messages are the same. Then, one after the other:

- **{FULL}**: everything is built for the first time;
- **{NIGHT}**: the exports of a Sunday, with which a week ends: 3,000 new messages, about 2,500 answers, 400 corrected
  towns among the newest 80,000 messages;
- **{HOUR}**: an hour of Monday morning, 250 messages;
- **{LATE}**: the towns of 600 messages of all of history are corrected.

A build is run as the tasks of `build_marts` run it, in a process of its own: four starts of dbt, its tests, Great
Expectations, publishing. Seconds are wall clock.
"""

HOW_TO_RUN = """\
## How to run it

```sh
make bench ARGS=builds               # all histories, the longest takes hours; writes this page
make bench ARGS="builds --quick"     # the shortest one, a few minutes: prints the page, writes nothing
```
"""


def targets(builds: Sequence[Built], queries: Sequence[Asked]) -> list[Target]:
    """Every target as it was measured between the shortest and the longest history."""
    sizes = sorted({one.messages for one in builds})
    seconds = {(one.messages, one.news): one.total for one in builds}
    ratio = seconds[sizes[-1], NIGHT] / seconds[sizes[0], NIGHT]
    hour = seconds[sizes[-1], HOUR]
    slowest = max((one for one in queries if one.messages == sizes[-1]), key=lambda one: one.milliseconds)
    return [
        Target(
            f"{NIGHT} at {sizes[-1]:,} messages",
            f"≤ {SLOWER_THAN_SHORT} × that at {sizes[0]:,}",
            f"{ratio:.2f} ×",
            ratio <= SLOWER_THAN_SHORT,
        ),
        Target(f"{HOUR} at {sizes[-1]:,} messages", f"≤ {HOUR_SECONDS:.0f} s", f"{hour:.0f} s", hour <= HOUR_SECONDS),
        Target(
            f"a query to each mart at {sizes[-1]:,} messages, warm",
            f"< {QUERY_MILLISECONDS:.0f} ms",
            f"at most {slowest.milliseconds:.0f} ms ({slowest.mart})",
            slowest.milliseconds < QUERY_MILLISECONDS,
        ),
    ]


def render(builds: Sequence[Built], queries: Sequence[Asked], machine: Mapping[str, str]) -> str:
    """The page."""
    steps = list(builds[0].seconds)
    build_lines = [
        (
            f"{one.messages:,}",
            one.news,
            f"{one.rows:,}",
            *(f"{one.seconds[step]:.1f}" for step in steps),
            f"{one.total:.0f}",
        )
        for one in builds
    ]
    sizes = sorted({one.messages for one in queries})
    asked = {(one.mart, one.messages): f"{one.milliseconds:.1f}" for one in queries}
    query_lines = [(mart, *(asked[mart, size] for size in sizes)) for mart in sorted({one.mart for one in queries})]
    target_lines = [
        (one.subject, one.target, one.measured, "yes" if one.is_met else "**missed**")
        for one in targets(builds, queries)
    ]
    missing = [f"{size:,}" for size in HISTORIES if size not in sizes]
    return "\n".join(
        (
            INTRODUCTION,
            *([f"**Not measured in this run: {' and '.join(missing)} messages.**\n"] if missing else []),
            f"## Targets\n\n{table(('', 'target', 'measured', 'met'), target_lines)}",
            f"## Seconds of a build\n\n{table(('messages', 'news', 'rows', *steps, 'all'), build_lines)}",
            "## Milliseconds of a query\n\n"
            "As `bi_reader`, warm, median of five; the queries stand in `bench/builds.py`.\n\n"
            + table(("", *(f"{size:,} messages" for size in sizes)), query_lines),
            f"## The machine\n\n{table(('', ''), machine.items())}",
            HOW_TO_RUN,
        )
    )
