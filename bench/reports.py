"""How long the weekly editions of every scope take, in all their forms: from the marts to the archive, step by step."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2.extensions import cursor as Cursor

from bench import builds, history
from bench.child import peak_mb
from bench.environment import in_a_process
from bench.history import LAST_DAY, PER_DAY
from mcu.landing import schema
from mcu.reports import html, pdf, query, workbook
from mcu.reports.archive import Archive
from mcu.reports.compose import compose
from mcu.reports.document import Document
from mcu.reports.edition import make
from mcu.reports.period import Period
from mcu.reports.query import OBLAST, TREND_WEEKS, WeeklyData
from mcu.reports.render import render
from mcu.settings import Settings
from stack.postgres import Cluster

WEEK = Period("weekly", LAST_DAY - dt.timedelta(days=LAST_DAY.weekday() + 7))
FIRST_WEEK = WEEK.start - dt.timedelta(weeks=TREND_WEEKS - 1)
MESSAGES = PER_DAY * ((LAST_DAY - FIRST_WEEK).days + 1)
DATABASE = "bench_reports"

# Each fourth message of the week's last two days is said to be in the place that its topic has: outbreaks everywhere.
_DAYS_AGO = (LAST_DAY - WEEK.last_day).days
OUTBREAKS = f"""
    select number, mod(topic, 56) as place
    from stage.bench_message({_DAYS_AGO * PER_DAY}, {(_DAYS_AGO + 2) * PER_DAY - 1})
    where mod(number, 4) = 0
"""
EXPORTED_AT = dt.datetime.combine(LAST_DAY, dt.time(1), builds.MOSCOW) + dt.timedelta(days=1)

READ, COMPOSE, CHARTS, HTML, PDF, XLSX, ARCHIVE = "read", "compose", "charts", "HTML", "PDF", "XLSX", "archive"
STEPS = (READ, COMPOSE, CHARTS, HTML, PDF, XLSX, ARCHIVE)


@dataclass
class Made:
    """The editions of a week: seconds of each step and of all, by the wall clock and of the processor."""

    messages: int
    statements: int = 0
    editions: int = 0
    pictures: int = 0
    signals: int = 0
    archive_mb: float = 0.0
    peak_mb: float = 0.0
    wall: float = 0.0
    processor: float = 0.0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    processor_seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add what is done inside to the step."""
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] += time.perf_counter() - wall
        self.processor_seconds[name] += time.process_time() - processor


def measure(cluster: Cluster, folder: Path, messages: int) -> Made:
    """Make a history and its marts, then, in a process of its own, every edition of its last whole week."""
    cluster.ensure_database(DATABASE)
    cluster.open_reader()
    dsn = cluster.dsn(DATABASE)
    with closing(psycopg2.connect(dsn)) as connection:
        schema.apply(connection, "the bench has no people")
        history.make(connection, messages)
        history.change(connection, "outbreaks", OUTBREAKS, EXPORTED_AT)
    builds.run(dsn, folder)
    return Made(**in_a_process("bench.reports", dsn, str(folder / "archive"), str(messages)))


class _Counting(Cursor):
    statements = 0

    def execute(self, *arguments: Any) -> None:
        _Counting.statements += 1
        super().execute(*arguments)


def _make(dsn: str, folder: Path, messages: int) -> Made:
    made = Made(messages)
    wall, processor = time.perf_counter(), time.process_time()
    settings, kept = Settings.from_env({}), Archive(folder)
    with closing(psycopg2.connect(dsn, cursor_factory=_Counting)) as connection, made.step(READ):
        data = query.read(connection, WEEK, settings.region, settings.timezone)
    assert isinstance(data, WeeklyData)
    editions(made, data, settings.timezone, kept)
    made.wall, made.processor = time.perf_counter() - wall, time.process_time() - processor
    made.statements, made.peak_mb = _Counting.statements, peak_mb()
    made.archive_mb = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return made


def editions(made: Made, data: WeeklyData, timezone: ZoneInfo, kept: Archive) -> None:
    """Make the edition of every scope and keep it."""
    with _forms(made):
        for scope in (OBLAST, *data.common.municipalities):
            _edition(made, data, scope, timezone, kept)


def _edition(made: Made, data: WeeklyData, scope: str, timezone: ZoneInfo, kept: Archive) -> None:
    with made.step(COMPOSE):
        edition = make(data, scope)
        document = compose(edition, timezone)
    with made.step(CHARTS):  # the forms find them drawn
        made.pictures += len([picture.png for picture in document.pictures])
    rendered = render(document)
    with made.step(ARCHIVE):
        kept.put(document, rendered, document.as_of)
    made.editions += 1
    made.signals += len(data.common.hotspots.get(scope, ())) + len(data.emerging.get(scope, ()))


@contextmanager
def _forms(made: Made) -> Iterator[None]:
    """Inside, the parts of `render` are steps of `made`."""

    def watched(name: str, form: Callable[[Document], Any]) -> Callable[[Document], Any]:
        def render_form(document: Document) -> Any:
            with made.step(name):
                return form(document)

        return render_form

    with ExitStack() as patches:
        for name, module in ((HTML, html), (PDF, pdf), (XLSX, workbook)):
            patches.enter_context(mock.patch.object(module, "render", watched(name, module.render)))
        yield


if __name__ == "__main__":
    print(json.dumps(asdict(_make(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))))
