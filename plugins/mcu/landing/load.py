"""The whole way of the exports of one source: inbox → stage → gate → raw."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, field

import psycopg2
from psycopg2.extensions import connection as Connection

from mcu.landing import inbox, ledger, stage
from mcu.landing.inbox import InboxFile
from mcu.landing.publish import Publication, publish
from mcu.quality import gate, suites
from mcu.quality.gate import Gate, Outcome
from mcu.settings import Settings
from mcu.sources.workbook import Export, ExportError, open_export

log = logging.getLogger(__name__)


@dataclass
class Summary:
    """What one run did: published loads by uri, reasons by uri of what was refused and of what broke."""

    published: dict[str, Publication] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Loader:
    """One run over the inbox for one source. The gate, slow to start, is started with the first file to load."""

    def __init__(self, dsn: str, source: str, settings: Settings, run_id: str) -> None:
        self._dsn = dsn
        self._source = source
        self._settings = settings
        self._run_id = run_id
        self._gate: Gate | None = None
        self.summary = Summary()

    def run(self) -> Summary:
        """Load every new export of the source; one that is refused or breaks stops no other.

        Raises FileNotFoundError without an inbox, psycopg2.OperationalError when the warehouse is gone.
        """
        with closing(psycopg2.connect(self._dsn)) as connection, ledger.only_run(connection, self._source):
            found = inbox.scan(self._settings)
            self.summary.failed |= found.unreadable
            new = [file for file in found.files if not ledger.is_known(connection, file)]
            log.info("%d workbooks in the inbox, %d of them new", len(found.files), len(new))
            for number, file in enumerate(new, 1):
                if not ledger.is_known(connection, file):  # a copy may have been loaded just now
                    log.info("%d/%d %s %s", number, len(new), file.uri, self._take(connection, file))
        if self._gate and self._gate.results:
            from mcu.quality import docs

            docs.publish(self._gate.results, self._settings.state / "data_docs")
        return self.summary

    def _take(self, connection: Connection, file: InboxFile) -> str:
        """Load, refuse or leave one file; returns what became of it, in a line."""
        try:
            export = open_export(file.path, file.uri)
        except ExportError as error:
            if error.source not in (None, self._source):
                return f"left to {error.source}"
            ledger.refuse(connection, error.source or ledger.UNKNOWN, file, self._run_id, str(error))
            self.summary.refused[file.uri] = str(error)
            return f"refused: {error}"
        except OSError as error:
            self.summary.failed[file.uri] = str(error)
            return f"failed: {error}"
        if export.source != self._source:
            return f"left to {export.source}"
        load_id = ledger.start(connection, self._source, file, self._run_id)
        try:
            done = self._load(connection, load_id, file, export)
        except psycopg2.OperationalError:
            raise
        except ExportError as error:
            ledger.close(connection, load_id, "refused", str(error))
            self.summary.refused[file.uri] = str(error)
            return f"refused: {error}"
        except Exception as error:
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

    def _load(self, connection: Connection, load_id: int, file: InboxFile, export: Export) -> Publication:
        moment = file.exported_at.moment
        stage.create(connection, self._source, load_id, export.rows(), moment, self._settings.timezone)
        self._gate = self._gate or Gate(self._dsn)
        outcomes = self._gate.validate(
            suites.path(self._source),
            stage.query(self._source, load_id),
            file.uri,
            ledger.usual_rows(connection, self._source),
            index=("row_number",),
        )
        if faults := gate.load_faults(outcomes):
            raise ExportError(f"{file.uri}: {'; '.join(faults)}", self._source)
        with connection, connection.cursor() as cursor:
            done = publish(cursor, self._source, load_id, moment, gate.row_faults(outcomes))
            outcomes += _of_the_columns(file.uri, export, ledger.announced_columns(connection, self._source))
            outcomes += _of_the_moment(file.uri, self._source, done)
            gate.record(connection, outcomes, load_id)
        for outcome in outcomes:
            if not outcome.is_passed:
                log.warning("%s: %s (rows: %s)", file.uri, outcome.sentence, outcome.rows_failed or "-")
        return done


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
