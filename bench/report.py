"""From measurements to docs/performance.md: medians, tables, and which targets were met. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.run import BARE, CONTENDERS, DAYS, DLT, OURS, PANDAS, Contender, Measurement
from bench.workbooks import LAYOUTS

# What the load must keep to, at JUDGED rows; memory from there to the greatest number of rows.
JUDGED = 100_000
SLOWER_THAN_BARE = 1.5
FASTER_THAN = {DLT.module: 3.0, PANDAS.module: 8.0}  # again and next day
PEAK_MB = 300.0
FLAT = 1.1  # times the memory at JUDGED
VALIDATION_SHARE = 0.2
COPY_SHARE = 0.05  # of the first load

PHASES = ("read", "stage", "validate", "publish", "docs")
VALIDATION = ("validate", "docs")
NOT_MEASURED = "not measured"
TITLES = {contender.module: contender.title for contender in CONTENDERS}


@dataclass(frozen=True)
class Target:
    """A target and what was measured of it."""

    subject: str
    target: str
    measured: str
    is_met: bool


class Results:
    """Measurements of one run, by contender, layout, rows and step."""

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        self._found: dict[tuple[str, str, int, str], list[Measurement]] = {}
        for one in measurements:
            self._found.setdefault((one.contender, one.layout, one.rows, one.step), []).append(one)

    def seconds(self, contender: Contender, layout: str, rows: int, step: str) -> float | None:
        """Median of the rounds; None if there was none."""
        return self._over_rounds(median, contender, layout, rows, step, lambda one: one.seconds)

    def peak_mb(self, contender: Contender, layout: str, rows: int, step: str) -> float | None:
        """Of the round that took most."""
        return self._over_rounds(max, contender, layout, rows, step, lambda one: one.peak_mb)

    def part(self, layout: str, rows: int, step: str, *phases: str) -> float | None:
        """Seconds of the phases of our load, median of the rounds."""
        return self._over_rounds(
            median, OURS, layout, rows, step, lambda one: sum(one.parts.get(phase, 0) for phase in phases)
        )

    def share(self, layout: str, rows: int, step: str, *phases: str) -> float | None:
        """Share of the phases in the whole load."""
        whole, part = self.seconds(OURS, layout, rows, step), self.part(layout, rows, step, *phases)
        return part / whole if whole and part is not None else None

    def most_mb(self, layout: str, rows: int) -> float | None:
        """Peak memory of our load, of the step that took most."""
        return max(filter(None, (self.peak_mb(OURS, layout, rows, step) for step in OURS.steps)), default=None)

    def ratio(self, layout: str, rows: int, step: str, other: Contender) -> float | None:
        """Our seconds by those of the other."""
        ours, others = self.seconds(OURS, layout, rows, step), self.seconds(other, layout, rows, step)
        return ours / others if ours and others else None

    def sizes(self) -> list[int]:
        return sorted({rows for _, _, rows, _ in self._found})

    def file_mb(self, layout: str, rows: int) -> float:
        """Of the first export."""
        return next((found[0].file_mb for key, found in self._found.items() if key[1:] == (layout, rows, DAYS[0])), 0)

    def rounds(self, contender: Contender, layout: str, rows: int) -> int:
        return len(self._found.get((contender.module, layout, rows, contender.steps[0]), ()))

    def _over_rounds(
        self,
        taken: Callable[[Sequence[float]], float],
        contender: Contender,
        layout: str,
        rows: int,
        step: str,
        value: Callable[[Measurement], float],
    ) -> float | None:
        found = self._found.get((contender.module, layout, rows, step))
        return taken([value(one) for one in found]) if found else None


def targets(results: Results, rows: int = JUDGED) -> list[Target]:
    """Every target as it was measured at `rows`; what was not measured is not met."""
    return [target for layout in LAYOUTS for target in _targets_of(results, layout, rows)] + _against_others(
        results, rows
    )


def _targets_of(results: Results, layout: str, rows: int) -> Iterator[Target]:
    for step in DAYS:
        ratio = results.ratio(layout, rows, step, BARE)
        yield _at_most(f"{step}, {layout} strings: seconds", ratio, SLOWER_THAN_BARE, "{:.2f} × bare")
    copy, first = (results.seconds(OURS, layout, rows, step) for step in ("copy", "first"))
    share = copy / first if copy and first else None
    yield _at_most(f"the same file, {layout} strings: seconds", share, COPY_SHARE, "{:.1%} of the first load")
    phases = results.part(layout, rows, "copy", *PHASES)
    yield _at_most(f"the same file, {layout} strings: reading, staging, checking", phases, 0, "{:.0f} s")
    for step in DAYS:
        share = results.share(layout, rows, step, *VALIDATION)
        yield _at_most(f"{step}, {layout} strings: validation", share, VALIDATION_SHARE, "{:.0%} of the load")
    here, sizes = results.most_mb(layout, rows), results.sizes()
    yield _at_most(f"{layout} strings: peak memory", here, PEAK_MB, "{:.0f} MB")
    most = results.most_mb(layout, sizes[-1]) if sizes[-1:] > [rows] else None
    growth = most / here if most and here else None
    subject = f"{layout} strings: peak memory at {_rows(max([rows * 3, *sizes[-1:]]))}"
    yield _at_most(subject, growth, FLAT, f"{{:.2f}} × that at {_rows(rows)}")


def _against_others(results: Results, rows: int) -> list[Target]:
    """Those who take minutes may be measured in one layout alone."""
    found = []
    for other in (DLT, PANDAS):
        for step in DAYS[1:]:
            ratios = {layout: results.ratio(layout, rows, step, other) for layout in LAYOUTS}
            measured = [layout for layout in LAYOUTS if ratios[layout]] or LAYOUTS[:1]
            for layout in measured:
                ratio = ratios[layout]
                faster = 1 / ratio if ratio else None
                subject = f"{step}, {layout} strings: speed"
                shown = f"{{:.1f}} × {other.title}"
                found.append(_at_least(subject, faster, FASTER_THAN[other.module], shown))
    return found


def _at_most(subject: str, value: float | None, limit: float, shown: str) -> Target:
    return _target(subject, value, f"≤ {shown.format(limit)}", shown, value is not None and value <= limit)


def _at_least(subject: str, value: float | None, limit: float, shown: str) -> Target:
    return _target(subject, value, f"≥ {shown.format(limit)}", shown, value is not None and value >= limit)


def _target(subject: str, value: float | None, target: str, shown: str, is_met: bool) -> Target:
    return Target(subject, target, NOT_MEASURED if value is None else shown.format(value), is_met)


INTRODUCTION = """\
# Performance

Written by `make bench`, never by hand: medians of the rounds of one run on one machine. What counts are the ratios.

## Loads

Exports of «Инцидент Менеджмент», 47 columns, made for the bench; texts of random letters, which compress as badly as
real ones. What is loaded, one after the other into the same warehouse:

- **first**: into an empty warehouse;
- **copy**: the same file under another name, by our loader alone, which knows it by a hash of its content;
- **again**: the same rows in a file of other bytes;
- **next day**: 2 % of the rows changed, 1 % new.

An exporting program keeps the strings of a workbook in its cells (*inline*) or in a table of their own, once each
(*shared*). Shared strings have to be kept until the end of the sheet: our reader keeps them in a file.

*Seconds* run from when a process has imported what it needs to when the load is committed; the start of Python and its
imports, which every contender has and a DAG's worker pays once, are left out. *MB* is the most memory that the process
and its children have ever held, imports included, the database server, which is the same for all, not. Each load is a
process of its own, each contender has a database of its own; contenders take turns within a round. The file is in the
system's cache, the server is durable (see the machine), and vacuum, analyze and a checkpoint come between two loads.

After each load the bench looks whether every message, every change and nothing twice is there: a wrong result stops it.

The contenders:

"""

HOW_TO_RUN = """\
## How to run it

```sh
make bench ARGS=loads                # half an hour on two cores; writes this page
make bench ARGS="loads --quick"      # 20,000 rows, a few minutes: prints the page, writes nothing
```

`make bench` ends with exit code 1 and a list if a target at {judged} is missed; the page is written all the same.
The machine should have nothing else to do. PostgreSQL is started for the run alone and removed behind it, also after
ctrl-C. What stays is in `.local/bench`: the exports (`exports`, 2 GB, made anew only when what makes them changes) and
the other contenders' packages (`venv`, pinned in `bench/requirements.txt`; the platform itself needs none of them).
"""


def render(measurements: Iterable[Measurement], machine: Mapping[str, str], rows: int = JUDGED) -> str:
    """The page. `rows`: at how many the targets are judged."""
    results = Results(measurements)
    sections = [
        INTRODUCTION + "".join(f"- `{one.module}`: {one.title}\n" for one in CONTENDERS),
        f"### Targets at {_rows(rows)}\n\n{_targets_table(targets(results, rows))}",
        *_layout_sections(results),
        f"### Where our load spends its time\n\n{PHASES_TEXT}\n{_phases_table(results)}",
        f"### Memory of our load\n\n{MEMORY_TEXT}\n{_memory_table(results)}",
        f"## The machine\n\n{table(('', ''), machine.items())}",
        HOW_TO_RUN.format(judged=_rows(JUDGED)),
    ]
    return "\n".join(sections)


PHASES_TEXT = """\
Seconds. *read*: the workbook, hashing, asking which rows are known, typing the others; *stage*: COPY and what follows
it; *validate*: Great Expectations, its start included; *publish*: history, quarantine, ledger; *docs*: Data Docs. The
rest is connecting, listing the inbox and hashing the file. The share of validation is that of *validate* and *docs*.
"""
MEMORY_TEXT = """\
MB, imports included (the libraries alone, Great Expectations above all, take most of it).
"""


def _targets_table(found: Iterable[Target]) -> str:
    lines = ((one.subject, one.target, one.measured, "yes" if one.is_met else "**missed**") for one in found)
    return table(("", "target", "measured", "met"), lines)


def _layout_sections(results: Results) -> Iterator[str]:
    """A table for each layout and size in which others were measured too."""
    for rows in results.sizes():
        for layout in LAYOUTS:
            if results.rounds(BARE, layout, rows):
                size = f"{results.file_mb(layout, rows):.0f} MB"
                yield f"### {_rows(rows)}, {layout} strings ({size})\n\n{_contenders_table(results, layout, rows)}"


def _contenders_table(results: Results, layout: str, rows: int) -> str:
    header = ("", *(text for step in DAYS for text in (f"{step}: s", "MB", "to ours")), "rounds")
    lines = []
    for contender in CONTENDERS:
        rounds = results.rounds(contender, layout, rows)
        cells = [contender.title if contender != OURS else f"**{contender.title}**"]
        for step in DAYS:
            ratio = results.ratio(layout, rows, step, contender)
            cells.append(_shown(results.seconds(contender, layout, rows, step), "{:.2f}"))
            cells.append(_shown(results.peak_mb(contender, layout, rows, step), "{:.0f}"))
            cells.append(_shown(1 / ratio if ratio else None, "{:.2f}"))
        lines.append([*cells, str(rounds) if rounds else NOT_MEASURED])
    return table(header, lines)


def _phases_table(results: Results) -> str:
    lines = []
    for rows in results.sizes():
        for layout in LAYOUTS:
            for step in OURS.steps:
                whole = results.seconds(OURS, layout, rows, step)
                if whole is None:
                    continue
                parts = [results.part(layout, rows, step, phase) for phase in PHASES]
                rest = whole - sum(filter(None, parts))
                share = results.share(layout, rows, step, *VALIDATION)
                shown = [_shown(seconds, "{:.2f}") for seconds in (*parts, rest, whole)]
                lines.append([f"{_rows(rows)}, {layout}, {step}", *shown, _shown(share, "{:.0%}")])
    return table(("", *PHASES, "the rest", "whole", "validation"), lines)


def _memory_table(results: Results) -> str:
    lines = []
    for layout in LAYOUTS:
        for rows in results.sizes():
            peaks = [results.peak_mb(OURS, layout, rows, step) for step in OURS.steps]
            lines.append(
                [
                    layout,
                    _rows(rows),
                    f"{results.file_mb(layout, rows):.0f} MB",
                    *(_shown(mb, "{:.0f}") for mb in peaks),
                ]
            )
    return table(("strings", "", "workbook", *OURS.steps), lines)


def _rows(rows: int) -> str:
    return f"{rows:,} rows"


def _shown(value: float | None, shown: str) -> str:
    return "–" if value is None else shown.format(value)


def table(header: Sequence[str], lines: Iterable[Iterable[str]]) -> str:
    rule = ["---"] * len(header)
    return "".join(f"| {' | '.join(line)} |\n" for line in (header, rule, *lines))
