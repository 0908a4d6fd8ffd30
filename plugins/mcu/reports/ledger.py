"""ops.delivery: what was planned, what went, and what cannot be known. Each change is committed at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from mcu.reports.period import Period
from mcu.reports.transport import Attempt

FIRST = 1  # the revision that goes out by itself
LOCK_WAIT = "5min"
KILLED = "the process that was sending it died: it may have gone or not"


@dataclass(frozen=True)
class Delivery:
    """One mail of the ledger; `server_response` holds the words of the last try, `finished_at` has a time zone."""

    delivery_id: int
    scope: str
    recipient: str
    message_id: str
    server_response: str | None
    finished_at: datetime | None


@dataclass(frozen=True)
class PlannedMail:
    """A mail that ought to be in the ledger."""

    scope: str
    recipient: str
    message_id: str
    subject: str


class DeliveryRunningError(RuntimeError):
    """Another process has been delivering the same period for longer than LOCK_WAIT."""


def lock(connection: Connection, period: Period) -> None:
    """Hold the period's delivery until the connection closes, after whoever holds it now.

    Raises DeliveryRunningError if that takes longer than LOCK_WAIT.
    """
    name = f"mcu.delivery.{period.report}.{period.start:%Y-%m-%d}"
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("set local lock_timeout = %s", [LOCK_WAIT])
            cursor.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [name])
    except LockNotAvailable as error:
        message = f"the {period.report} report of {period.start:%Y-%m-%d} is being delivered by another process"
        raise DeliveryRunningError(message) from error


def subscriptions(connection: Connection, period: Period) -> list[tuple[str, str]]:
    """(scope, recipient) of everyone who is subscribed to this report today."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select distinct scope, recipient from ops.report_subscription"
            " where report = %s and current_date between valid_from and coalesce(valid_to, 'infinity')"
            " order by scope, recipient",
            [period.report],
        )
        return [(scope, recipient) for scope, recipient in cursor.fetchall()]


def plan(
    connection: Connection, period: Period, revision: int, mails: Iterable[PlannedMail], data_as_of: datetime
) -> None:
    """Write the mails that the ledger does not have yet; the others stay as they are."""
    rows = [
        (period.report, period.start, mail.scope, mail.recipient, revision, mail.message_id, mail.subject, data_as_of)
        for mail in mails
    ]
    with connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            "insert into ops.delivery (report, period_start, scope, recipient, revision, message_id, subject,"
            " data_as_of, state) values %s on conflict (report, period_start, scope, recipient, revision) do nothing",
            rows,
            template="(%s, %s, %s, %s, %s, %s, %s, %s, 'planned')",
        )


def give_up_on_killed(connection: Connection, period: Period) -> None:
    """What an earlier process left in `sending` becomes `unknown`. Only under the lock of the period."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update ops.delivery set state = 'unknown', server_response = %s, finished_at = clock_timestamp()"
            " where report = %s and period_start = %s and state = 'sending'",
            [KILLED, period.report, period.start],
        )


def in_state(connection: Connection, period: Period, revision: int, state: str) -> list[Delivery]:
    """The period's mails in `state`, those of one scope together, the oblast's last."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select delivery_id, scope, recipient, message_id, server_response, finished_at from ops.delivery"
            " where report = %s and period_start = %s and revision = %s and state = %s order by scope, recipient",
            [period.report, period.start, revision, state],
        )
        return [Delivery(*row) for row in cursor.fetchall()]


def recipients_before(connection: Connection, period: Period, revision: int) -> list[tuple[str, str]]:
    """(scope, recipient) of those who got, or may have got, an earlier revision."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select distinct scope, recipient from ops.delivery where report = %s and period_start = %s"
            " and revision < %s and state in ('sent', 'unknown')",
            [period.report, period.start, revision],
        )
        return [(scope, recipient) for scope, recipient in cursor.fetchall()]


def scopes_gone(connection: Connection, period: Period, revision: int) -> set[str]:
    """The scopes of which somebody has this revision, or may have it."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select distinct scope from ops.delivery where report = %s and period_start = %s and revision = %s"
            " and state in ('sent', 'unknown')",
            [period.report, period.start, revision],
        )
        return {scope for (scope,) in cursor.fetchall()}


def planned_revisions(connection: Connection, period: Period) -> set[int]:
    """The revisions of which any mail was ever planned."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select distinct revision from ops.delivery where report = %s and period_start = %s",
            [period.report, period.start],
        )
        return {revision for (revision,) in cursor.fetchall()}


def delivered_periods(connection: Connection, since: date) -> list[Period]:
    """The periods that began on `since` or later and of which something went out, the oldest first."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select distinct report, period_start from ops.delivery"
            " where period_start >= %s and state in ('sent', 'unknown') order by period_start, report",
            [since],
        )
        return [Period(report, start) for report, start in cursor.fetchall()]


def begin(connection: Connection, delivery: Delivery, data_as_of: datetime) -> None:
    """Note that the mail is going out from now on."""
    _update(connection, delivery, "state = 'sending', sending_at = clock_timestamp(), data_as_of = %s", data_as_of)


def finish(connection: Connection, delivery: Delivery, attempt: Attempt) -> None:
    """Note what became of the mail, with the server's words."""
    finished_at = "null" if attempt.fate == "planned" else "clock_timestamp()"
    changes = f"state = %s, server_response = %s, finished_at = {finished_at}"
    _update(connection, delivery, changes, attempt.fate, attempt.words)


def _update(connection: Connection, delivery: Delivery, changes: str, *values: object) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(f"update ops.delivery set {changes} where delivery_id = %s", [*values, delivery.delivery_id])
