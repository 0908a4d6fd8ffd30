"""Late data changed an edition that has gone out: find it, show the difference, make the corrected edition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from mcu.reports import archive_pages, compare, edition, ledger, query
from mcu.reports.archive import Archive, Archived
from mcu.reports.compare import Change
from mcu.reports.compose import compose
from mcu.reports.document import Document
from mcu.reports.period import Period
from mcu.reports.query import PeriodNotInMartsError
from mcu.reports.render import render


@dataclass(frozen=True)
class Corrected:
    """An edition that reads otherwise now: `changes` to what it told, `document` what it would tell."""

    archived: Archived
    changes: Sequence[Change]
    document: Document

    @property
    def corrections(self) -> list[Change]:
        """Those that are more than a mark that came later, of numbers that both tell."""
        return [one for one in self.changes if one.before and one.after and one.is_correction]

    @property
    def is_corrected(self) -> bool:
        """Whether readers were told what is otherwise: a number, or less than there is since a missing source came."""
        return bool(self.corrections) or len(self.document.missing) < len(self.archived.said["missing"])


def check(
    connection: Connection, kept: Archive, periods: Iterable[Period], region: str, timezone: ZoneInfo
) -> list[Corrected]:
    """Compare each period's newest editions with the marts; what differs gets its page in the archive.

    Returns those whose numbers were corrected. A period that the marts no longer hold is left alone.
    """
    corrected = []
    for period in periods:
        for one in _compared(connection, kept, period, region, timezone):
            archive_pages.write_changes(one.archived, one.changes, timezone)
            if one.is_corrected:
                corrected.append(one)
    return corrected


def prepare(connection: Connection, kept: Archive, period: Period, region: str, timezone: ZoneInfo) -> list[Corrected]:
    """Put the next revision of each corrected edition of the period into the archive; nothing is sent.

    All of them get one number, above any that was ever planned. Returns the corrected editions, with their documents
    as they stand in the archive now.
    """
    revision = max(ledger.planned_revisions(connection, period), default=ledger.FIRST) + 1
    for unsent in kept.of_period(period):
        if unsent.revision == revision:
            kept.remove(unsent)  # of a proposal that nobody approved
    corrected = []
    for one in _compared(connection, kept, period, region, timezone, revision):
        if one.is_corrected:
            kept.put(one.document, render(one.document), datetime.now(timezone))
            corrected.append(one)
    return corrected


def note(connection: Connection, corrected: Iterable[Corrected]) -> None:
    """Keep in `ops.report_change` which editions are corrected, and no others: alerts are made of it."""
    rows = [
        (one.archived.period.report, one.archived.period.start, one.archived.scope, one.archived.revision,
         len(one.corrections))
        for one in corrected
    ]  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute("create temporary table corrected (like ops.report_change) on commit drop")
        execute_values(
            cursor,
            "insert into corrected (report, period_start, scope, revision, corrections, noticed_at) values %s",
            rows,
            template="(%s, %s, %s, %s, %s, clock_timestamp())",
        )
        cursor.execute(
            "delete from ops.report_change where (report, period_start, scope, revision)"
            " not in (select report, period_start, scope, revision from corrected)"
        )
        cursor.execute(
            "insert into ops.report_change select * from corrected"
            " on conflict (report, period_start, scope, revision) do update set corrections = excluded.corrections"
        )


def _compared(
    connection: Connection,
    kept: Archive,
    period: Period,
    region: str,
    timezone: ZoneInfo,
    revision: int = ledger.FIRST,
) -> list[Corrected]:
    """Every scope's newest edition that went out, beside what the marts say now."""
    planned = ledger.planned_revisions(connection, period)
    newest = {one.scope: one for one in kept.of_period(period) if one.revision in planned}
    try:
        data = query.read(connection, period, region, timezone)
    except PeriodNotInMartsError:
        return []
    compared = []
    for scope, archived in newest.items():
        if data.common.has(scope):
            document = compose(edition.make(data, scope), timezone, revision)
            compared.append(Corrected(archived, compare.changes(archived.numbers, compare.told(document)), document))
    return compared
