"""From the measured editions to docs/performance_reports.md. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping

from bench.history import PER_DAY
from bench.report import Target, table
from bench.reports import ARCHIVE, CHARTS, COMPOSE, HTML, MESSAGES, PDF, READ, WEEK, XLSX, Made

EDITIONS = 57  # the oblast, 55 municipalities, what is of none of them
SECONDS = 60.0

WHAT = {
    READ: "the marts' rows of the week, for all editions, in one transaction",
    COMPOSE: "what an edition shows, block by block",
    CHARTS: "matplotlib, PNG",
    HTML: "Jinja2, MJML",
    PDF: "Typst",
    XLSX: "xlsxwriter",
    ARCHIVE: "the files of the edition, and its numbers as JSON",
}

INTRODUCTION = f"""\
# Performance of reports

Written by `make bench ARGS=reports`, never by hand: one run on one machine. What counts are the shares.

A history of {PER_DAY:,} messages a day is made in the database and built into marts. Then one process does what a
delivery does for the week from {WEEK.start}: it reads the week once, closes the connection, and makes the edition of
every scope in all its forms, one after the other, into an empty archive. Outbreaks are planted at the end of the week,
so that the editions have signals to show.

What is not in it: the start of Python, sending the mails, the notes in the ledger. Towns, topics and authorities get
messages evenly, so every edition has full tables; in a real oblast most are shorter.
"""

HOW_TO_RUN = """\
## How to run it

```sh
make bench ARGS=reports              # a few minutes; writes this page
make bench ARGS="reports --quick"    # a shorter history: prints the page, writes nothing
```
"""


def targets(made: Made) -> list[Target]:
    """Every target as it was measured."""
    return [
        Target(
            f"{EDITIONS} weekly editions as HTML, PDF and XLSX",
            f"≤ {SECONDS:.0f} s",
            f"{made.editions} in {made.wall:.0f} s",
            made.editions == EDITIONS and made.wall <= SECONDS,
        ),
        Target(
            "SQL statements for all of them",
            f"< {EDITIONS}: not one an edition",
            f"{made.statements}",
            made.statements < EDITIONS,
        ),
    ]


def render(made: Made, machine: Mapping[str, str]) -> str:
    """The page."""
    target_lines = [
        (one.subject, one.target, one.measured, "yes" if one.is_met else "**missed**") for one in targets(made)
    ]
    facts = {
        "Messages in the marts": f"{made.messages:,}",
        "Editions": f"{made.editions}, with {made.pictures} pictures and {made.signals} signals",
        "Peak memory": f"{made.peak_mb:,.0f} MB",
        "Archive": f"{made.archive_mb:.0f} MB",
    }
    few = f"**In this run {made.messages:,} messages, too few for twelve weeks: the page has {MESSAGES:,}.**\n"
    seconds = f"of {made.wall:.0f} seconds the editions had the processor for {made.processor:.0f}"
    return "\n".join(
        (
            INTRODUCTION,
            *([few] if made.messages < MESSAGES else []),
            *([f"**The machine was busy: {seconds}.**\n"] if made.processor < made.wall / 2 else []),
            f"## Targets\n\n{table(('', 'target', 'measured', 'met'), target_lines)}",
            "## Seconds of each step\n\n"
            "All editions together. Processor seconds are of all threads: less than the clock's while something else\n"
            "has the processor or the step waits for the server.\n\n"
            + table(("step", "what it is", "seconds", "share", "processor seconds"), _steps(made)),
            f"## What was made\n\n{table(('', ''), facts.items())}",
            f"## The machine\n\n{table(('', ''), machine.items())}",
            HOW_TO_RUN,
        )
    )


def _steps(made: Made) -> list[tuple[str, ...]]:
    def line(step: str, what: str, seconds: float, processor: float) -> tuple[str, ...]:
        return step, what, f"{seconds:.1f}", f"{seconds / made.wall:.0%}", f"{processor:.1f}"

    rest = made.wall - sum(made.seconds.values()), made.processor - sum(made.processor_seconds.values())
    return [
        *(line(step, WHAT[step], made.seconds[step], made.processor_seconds[step]) for step in made.seconds),
        line("the rest", "texts, settings", *rest),
        line("all", "", made.wall, made.processor),
    ]
