"""`python -m demo --out DIR`: writes weeks of synthetic exports of both systems for Rostov oblast."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from random import Random

from demo.appeals import appeal
from demo.arrivals import arrivals
from demo.dirt import with_flaws
from demo.exports import TIMEZONE, Export, plan_exports, write_workbook
from demo.incidents import incident
from demo.life import Message
from demo.reference import load_reference

PART = ".part"


def main(arguments: list[str] | None = None) -> None:
    """Parse the arguments, write the files, tell the progress on stderr."""
    options = _parse(arguments)
    started = time.monotonic()
    messages = make_messages(options.weeks, options.monthly, options.seed, options.until)
    exports = plan_exports(options.weeks, options.until)
    _say(f"demo: {len(messages):,} messages of {options.weeks} weeks up to {options.until}, {len(exports)} files")
    rows = 0
    for done, (export, count) in enumerate(_write_all(exports, messages, options.seed, options.out), start=1):
        rows += count
        _say(f"demo: [{done}/{len(exports)}] {export.path}: {count:,} rows")
    _say(f"demo: {rows:,} rows in {len(exports)} files, {time.monotonic() - started:.0f} s: {options.out}")


def make_messages(weeks: int, monthly: int, seed: int, until: date) -> list[Message]:
    """The lives of all messages of the period, in order of creation; the same arguments give the same lives."""
    rng = Random(seed)
    reference = load_reference()
    make = {"incident": incident, "pos": appeal}
    return [
        with_flaws(make[arrival.source](arrival, number, reference, rng), rng)
        for number, arrival in enumerate(arrivals(reference, weeks, monthly, until, rng))
    ]


_shared: list[Message] = []


def _write_all(exports: list[Export], messages: list[Message], seed: int, out: Path) -> Iterator[tuple[Export, int]]:
    """Write all files, then give them their names: an interrupted run leaves no half set behind."""
    for folder in {(out / export.path).parent for export in exports}:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"*{PART}"):
            leftover.unlink()
    with Pool(initializer=_share, initargs=(messages,)) as pool:
        yield from pool.imap_unordered(partial(_write_one, seed=seed, out=out), exports)
    for export in exports:
        (out / f"{export.path}{PART}").replace(out / export.path)


def _share(messages: list[Message]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then stops the pool
    _shared[:] = messages
    gc.freeze()  # the lives stay for good: looking through them for garbage costs a seventh of the time


def _write_one(export: Export, seed: int, out: Path) -> tuple[Export, int]:
    rows = export.rows(_shared, seed)
    write_workbook(out / f"{export.path}{PART}", export, rows)
    return export, len(rows)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="inbox folder to write into")
    parser.add_argument("--weeks", type=int, default=12, help="full weeks of messages (default 12)")
    parser.add_argument("--monthly", type=int, default=6000, help="messages a month, both systems (default 6000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same files (default 1)")
    parser.add_argument("--until", type=sunday, default=_last_sunday(), help="last day (default: last Sunday)")
    options = parser.parse_args(arguments)
    if options.weeks < 1 or options.monthly < 1:
        parser.error("--weeks and --monthly must be at least 1")
    return options


def sunday(text: str) -> date:
    day = date.fromisoformat(text)
    if day.isoweekday() != 7:
        raise argparse.ArgumentTypeError(f"{text} is not a Sunday: the demo ends with a full week")
    return day


def _last_sunday() -> date:
    today = datetime.now(TIMEZONE).date()
    return today - timedelta(days=today.isoweekday())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("demo: interrupted, no file was given its name; run it again")
    except OSError as error:
        sys.exit(f"demo: cannot write the files: {error}")
