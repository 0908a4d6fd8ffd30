"""What `make bench` runs: python -m bench [loads|builds|reports] [--quick]."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import builds, builds_page, environment, inputs, report, reports, reports_page
from bench.builds import HISTORIES, Asked, Built
from bench.inputs import Case
from bench.report import JUDGED, Results, Target
from bench.run import CONTENDERS, DLT, OURS, PANDAS, Contender, Measurement, measure
from bench.workbooks import INLINE, LAYOUTS, SHARED
from stack.paths import REPOSITORY, StackError

LOADS_PAGE = REPOSITORY / "docs" / "performance.md"
BUILDS_PAGE = REPOSITORY / "docs" / "performance_builds.md"
REPORTS_PAGE = REPOSITORY / "docs" / "performance_reports.md"
SMALL, LARGE = 20_000, 300_000
ROUNDS = 2  # at most: the slow ones take one, see bench.run

# pandas and dlt take minutes: they read one layout alone.
WITHOUT_THE_SLOW = tuple(contender for contender in CONTENDERS if contender not in (PANDAS, DLT))
MEMORY = (replace(OURS, steps=("first", "next day"), rounds=1),)

Plan = Sequence[tuple[Case, Sequence[Contender]]]
QUICK: Plan = [(Case(INLINE, SMALL), CONTENDERS), (Case(SHARED, SMALL), WITHOUT_THE_SLOW)]
FULL: Plan = [
    *QUICK,
    (Case(INLINE, JUDGED), CONTENDERS),
    (Case(SHARED, JUDGED), WITHOUT_THE_SLOW),
    *((Case(layout, LARGE), MEMORY) for layout in LAYOUTS),
]


def main() -> None:
    """Measure and tell; exits 1 with a message if something is wrong or a target is missed, 130 after ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=MEASURED, help="one of them; without it all")
    parser.add_argument(
        "--quick", action="store_true", help="the smallest inputs alone; prints the page, writes nothing"
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as with ctrl-C, the server is stopped on the way out
    missed = []
    try:
        with environment.alone():
            for name, measured in MEASURED.items():
                if arguments.what in (None, name):
                    missed += measured(arguments.quick)
    except StackError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    if missed and not arguments.quick:
        lines = (f"  {one.subject}: {one.measured}, the target is {one.target}" for one in missed)
        sys.exit("\n".join((f"{len(missed)} targets are missed:", *lines)))


def _loads(is_quick: bool) -> list[Target]:
    """Measure loads and write their page; returns the targets that are missed."""
    measurements, machine = _run(QUICK if is_quick else FULL)
    _show(LOADS_PAGE, report.render(measurements, machine, *([SMALL] if is_quick else [])), is_quick)
    return [one for one in report.targets(Results(measurements)) if not one.is_met]


def _builds(is_quick: bool) -> list[Target]:
    """Measure builds and write their page; returns the targets that are missed."""
    busy = environment.busy()
    built: list[Built] = []
    asked: list[Asked] = []
    folder = environment.FOLDER / "builds"
    with environment.server() as cluster:
        machine = environment.machine(cluster) | busy
        for messages in HISTORIES[:1] if is_quick else HISTORIES:
            _say(f"{messages:,} messages")
            for one in builds.measure(cluster, folder, messages):
                if isinstance(one, Built):
                    _say(f"{messages:>10,} messages  {one.news:5}  {one.rows:>10,} rows  {one.total:7.1f} s")
                    built.append(one)
                else:
                    asked.append(one)
    shutil.rmtree(folder, ignore_errors=True)
    _show(BUILDS_PAGE, builds_page.render(built, asked, machine), is_quick)
    return [one for one in builds_page.targets(built, asked) if not one.is_met]


def _reports(is_quick: bool) -> list[Target]:
    """Measure the weekly editions and write their page; returns the targets that are missed."""
    busy = environment.busy()
    folder = environment.FOLDER / "reports"
    shutil.rmtree(folder, ignore_errors=True)
    messages = HISTORIES[0] if is_quick else reports.MESSAGES
    _say(f"{messages:,} messages and their marts, then the editions")
    with environment.server() as cluster:
        made = reports.measure(cluster, folder, messages)
        machine = environment.machine(cluster) | busy
    shutil.rmtree(folder, ignore_errors=True)
    _say(f"{made.editions} editions  {made.wall:.1f} s, of the processor {made.processor:.1f} s")
    _show(REPORTS_PAGE, reports_page.render(made, machine), is_quick)
    return [one for one in reports_page.targets(made) if not one.is_met]


def _show(page: Path, text: str, is_quick: bool) -> None:
    if is_quick:
        print(text)
        return
    page.write_text(text, encoding="utf-8")
    _say(f"written: {page.relative_to(REPOSITORY)}")


def _run(plan: Plan) -> tuple[list[Measurement], dict[str, str]]:
    busy = environment.busy()
    _say("exports and the other contenders' packages")
    inputs.make(case for case, _ in plan)
    environment.contenders_python()
    measurements = []
    with environment.server() as cluster:
        machine = environment.machine(cluster) | busy
        for case, contenders in plan:
            for done in measure(cluster, case, contenders, ROUNDS):
                _say(
                    f"{done.rows:>7,} rows, {done.layout:6}  round {done.round + 1}  {done.contender:15} {done.step:8} "
                    f"{done.seconds:7.2f} s  {done.peak_mb:5.0f} MB"
                )
                measurements.append(done)
    return measurements, machine


def _say(text: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _STARTED), 60)
    print(f"{minutes:>3}:{seconds:02}  {text}", file=sys.stderr, flush=True)


MEASURED = {"loads": _loads, "builds": _builds, "reports": _reports}

_STARTED = time.monotonic()

if __name__ == "__main__":
    main()
