"""What `make bench` runs: python -m bench [--quick]."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from bench import environment, inputs, report
from bench.inputs import Case
from bench.report import JUDGED, Results
from bench.run import CONTENDERS, DLT, OURS, PANDAS, Contender, Measurement, measure
from bench.workbooks import INLINE, LAYOUTS, SHARED
from stack.paths import REPOSITORY, StackError

PAGE = REPOSITORY / "docs" / "performance.md"
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
    parser.add_argument("--quick", action="store_true", help=f"{SMALL:,} rows alone; prints the page, writes nothing")
    is_quick = parser.parse_args().quick
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as with ctrl-C, the server is stopped on the way out
    try:
        with environment.alone():
            measurements, machine = _run(QUICK if is_quick else FULL)
    except StackError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    if is_quick:
        print(report.render(measurements, machine, SMALL))
        return
    PAGE.write_text(report.render(measurements, machine), encoding="utf-8")
    print(f"Written: {PAGE.relative_to(REPOSITORY)}")
    targets = report.targets(Results(measurements))
    if missed := [f"  {one.subject}: {one.measured}, the target is {one.target}" for one in targets if not one.is_met]:
        sys.exit("\n".join((f"{len(missed)} of {len(targets)} targets are missed:", *missed)))


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


_STARTED = time.monotonic()

if __name__ == "__main__":
    main()
