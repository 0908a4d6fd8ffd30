"""The whole way of the exports of one source: inbox → stage → gate → raw."""

from __future__ import annotations

import datetime as dt
import gc
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn, parse_dsn

from mcu.landing import inbox, ledger, stage
from mcu.landing.inbox import Inbox, InboxFile
from mcu.landing.known import KnownRow, KnownRows
from mcu.landing.publish import Publication, publish
from mcu.landing.stage import Line
from mcu.quality import gate, suites
from mcu.quality.gate import Gate, Outcome
from mcu.settings import Settings
from mcu.sources.workbook import Export, ExportError, RawRow, open_export

log = logging.getLogger(__name__)

ROWS_A_QUESTION = 1000

# A warehouse that vanished without a word is noticed after two minutes; TCP by itself would take two hours.
KEEPALIVE = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 6, "tcp_user_timeout": 120_000}


@dataclass
class Summary:
    """What one run did: published loads by uri, reasons by uri of what was refused, broke, or is left for later.

    `seconds`: time by phase (read, stage, validate, publish, docs), reading without the COPY that it feeds.
    """

    published: dict[str, Publication] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


class Loader:
    """One run over the inbox for one source. The gate, slow to start, is started with the first file to load."""

    def __init__(self, dsn: str, source: str, settings: Settings, run_id: str, inbox: Inbox | None = None) -> None:
        self._dsn = make_dsn(**{**KEEPALIVE, **parse_dsn(dsn)})
        self._source = source
        self._settings = settings
        self._run_id = run_id
        self._inbox = inbox or Inbox.local(settings)
        self._gate: Gate | None = None
        self.summary = Summary()

    def run(self) -> Summary:
        """Load every new export of the source; one that is refused or breaks stops no other.

        Raises FileNotFoundError without an inbox, psycopg2.OperationalError when the warehouse is gone.
        """
        try:
            self._take_all()
        except psycopg2.InterfaceError as error:  # so psycopg2 calls it if it was to roll back what is lost
            raise psycopg2.OperationalError("The connection to the warehouse is lost") from error
        if self._gate and self._gate.results:
            from mcu.quality import docs

            with self._timed("docs"):
                docs.publish(self._gate.results, self._settings.state / "data_docs")
        return self.summary

    def _take_all(self) -> None:
        """The lock on the source and all that is written go over one connection: who lost the one has lost both."""
        with (
            closing(connect(self._dsn)) as connection,
            closing(connect(self._dsn)) as self._asking,
            ledger.only_run(connection, self._source),
        ):
            for file in self._inbox.new_files(connection, self._source):
                log.info("%s %s", file.uri, self._take(connection, file))
            self.summary.failed |= self._inbox.unreadable
            self.summary.waiting = self._inbox.waiting

    def _take(self, connection: Connection, file: InboxFile) -> str:
        """Load, refuse or leave one file; returns what became of it, in a line."""
        try:
            with open_export(file.path, file.uri) as export:
                inbox.note_source(connection, file, export.source)
                if export.source != self._source:
                    return f"left to {export.source}"
                return self._load(connection, file, export)
        except ExportError as error:
            inbox.note_source(connection, file, error.source or ledger.UNKNOWN)
            if error.source not in (None, self._source):
                return f"left to {error.source}"
            ledger.refuse(connection, error.source or ledger.UNKNOWN, file, self._run_id, str(error))
            self.summary.refused[file.uri] = str(error)
            return f"refused: {error}"
        except OSError as error:
            self.summary.failed[file.uri] = str(error)
            return f"failed: {error}"

    def _load(self, connection: Connection, file: InboxFile, export: Export) -> str:
        load_id = ledger.start(connection, self._source, file, self._run_id, export.sheet)
        try:
            done = self._stage_and_publish(connection, load_id, file, export)
        except ExportError as error:
            connection.rollback()
            ledger.close(connection, load_id, "refused", str(error))
            self.summary.refused[file.uri] = str(error)
            return f"refused: {error}"
        except Exception as error:
            if connection.closed:
                raise
            connection.rollback()
            ledger.close(connection, load_id, "failed", f"{type(error).__name__}: {error}")
            log.exception("%s could not be loaded", file.uri)
            self.summary.failed[file.uri] = str(error)
            return "failed"
        self.summary.published[file.uri] = done
        return (
            f"rows {done.read} new {done.new} changed {done.changed} unchanged {done.unchanged} "
            f"quarantined {done.quarantined}"
        )

    def _stage_and_publish(self, connection: Connection, load_id: int, file: InboxFile, export: Export) -> Publication:
        moment = file.exported_at.moment
        reading = _Reading(export, KnownRows(self._asking, self._source, moment))
        with self._timed("stage"), _uncollected():
            stage.create(connection, self._source, load_id, reading.lines(), moment, self._settings.timezone)
        self.summary.seconds["read"] += reading.seconds
        self.summary.seconds["stage"] -= reading.seconds
        with self._timed("validate"):
            self._gate = self._gate or Gate(self._dsn)
            outcomes = self._validate(connection, load_id, file, self._gate, has_news=reading.has_news)
        if faults := gate.load_faults(outcomes):
            raise ExportError(f"{file.uri}: {'; '.join(faults)}", self._source)
        with self._timed("publish"), connection, connection.cursor() as cursor:
            ledger.note_days(cursor, load_id, reading.days)
            done = publish(cursor, self._source, load_id, moment, gate.row_faults(outcomes))
            outcomes += _of_the_columns(file.uri, export, ledger.announced_columns(connection, self._source))
            outcomes += _of_the_moment(file.uri, self._source, done)
            gate.record(connection, outcomes, load_id)
        for outcome in outcomes:
            if not outcome.is_passed:
                log.warning("%s: %s (rows: %s)", file.uri, outcome.sentence, outcome.rows_failed or "-")
        return done

    def _validate(
        self, connection: Connection, load_id: int, file: InboxFile, gate: Gate, *, has_news: bool
    ) -> list[Outcome]:
        """The load as a whole, and the rows that are not known; those that are have passed before."""
        usual = ledger.usual(connection, self._source, file.exported_at.moment)
        outcomes = gate.validate(suites.path("load"), stage.query_all(self._source, load_id), file.uri, usual)
        if has_news:
            rows = stage.query(self._source, load_id)
            outcomes += gate.validate(suites.path(self._source), rows, file.uri, index=("row_number",))
        return outcomes

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.summary.seconds[phase] += time.perf_counter() - started


class _Reading:
    """The rows of one export on their way to the stage table: known ones by name only, the others whole."""

    def __init__(self, export: Export, known: KnownRows) -> None:
        self._export = export
        self._known = known
        self.days: Counter[dt.date | None] = Counter()
        self.has_news = False
        self.seconds = 0.0

    def lines(self) -> Iterator[Line]:
        """Lines for the stage table, in the order of the file. Of some rows it is asked while the next are read."""
        raw_rows = self._export.raw_rows()
        with ThreadPoolExecutor(max_workers=1) as asking:
            rows, answer = self._read(raw_rows, asking)
            while rows:
                ahead = self._read(raw_rows, asking)
                yield from self._lines_of(rows, answer)
                rows, answer = ahead

    def _read(self, raw_rows: Iterator[RawRow], asking: Executor) -> tuple[list[RawRow], Future[dict[int, KnownRow]]]:
        started = time.perf_counter()
        rows = list(islice(raw_rows, ROWS_A_QUESTION))
        answer = asking.submit(self._known.find, [row.digest for row in rows])
        self.seconds += time.perf_counter() - started
        return rows, answer

    def _lines_of(self, rows: list[RawRow], answer: Future[dict[int, KnownRow]]) -> list[Line]:
        started = time.perf_counter()
        known = answer.result()
        self.has_news = self.has_news or len(known) < len(rows)
        # Of a known row the day is known, too: it was read from the very same cells.
        days = [known[i].created_on if i in known else self._export.created_on(row) for i, row in enumerate(rows)]
        self.days.update(days)
        lines = [
            stage.known_line(self._export.source, row.row_number, row.digest, known[i])
            if i in known
            else stage.new_line(self._export.row(row), row.digest, days[i])
            for i, row in enumerate(rows)
        ]
        self.seconds += time.perf_counter() - started
        return lines


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looks for reference cycles: rows make none, but objects enough to set off one look after the other."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def connect(dsn: str) -> Connection:
    """A connection for loading.

    Compresses long texts with LZ4 where the server can, several times faster. A loader that was killed holds its lock
    no longer than seconds, even in the middle of a long statement, and minutes if its whole machine has vanished.
    """
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select set_config(name, value, false)
            from (
                values ('default_toast_compression', 'lz4'),
                    ('tcp_keepalives_idle', '60'), ('tcp_keepalives_interval', '10'),
                    (case when version() like '%linux%' then 'client_connection_check_interval' end, '5s')
            ) as wanted (name, value)
            join pg_settings using (name)
            where enumvals is null or value = any(enumvals)
            """
        )
    return connection


def _of_the_columns(uri: str, export: Export, announced: set[str]) -> list[Outcome]:
    """Warnings of optional columns that are missing, and, once a column, of those nobody knows."""
    found = []
    if export.missing:
        sentence = f"Нет столбцов: {', '.join(f'«{header}»' for header in export.missing)}"
        found.append(gate.warning(export.source, uri, "optional_columns_exist", "completeness", sentence))
    for header in export.unknown:
        if header not in announced:
            sentence = f"Неизвестный столбец «{header}»: хранится, в отчёты не идёт"
            found.append(gate.warning(export.source, uri, ledger.COLUMN_IS_KNOWN, "validity", sentence, header))
    return found


def _of_the_moment(uri: str, source: str, done: Publication) -> list[Outcome]:
    """A warning if another export of the same moment says otherwise."""
    if not done.contradicted:
        return []
    sentence = (
        f"Другая выгрузка на тот же момент показывает у {len(done.contradicted)} сообщений другое содержание "
        f"({', '.join(done.contradicted[:10])}): взято то, чей хеш больше"
    )
    return [gate.warning(source, uri, "one_content_a_moment", "consistency", sentence)]
