"""ops.alert: which causes are known, and which of them were told of by which way. Each change is committed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Literal

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from mcu.alerts.causes import Cause
from mcu.alerts.kinds import KINDS

Way = Literal["mail", "webhook"]

# A cause that is back within this time never went; and of one kind each way tells no more often.
QUIET = timedelta(hours=1)
LOCK_WAIT = "1min"


@dataclass(frozen=True)
class Alert:
    """A row of ops.alert, as far as a message shows it."""

    alert_id: int
    kind: str
    subject: str
    what: str
    since: datetime


def lock(connection: Connection) -> None:
    """Be the only one that tells, until the connection closes; raises LockNotAvailable after LOCK_WAIT."""
    with connection, connection.cursor() as cursor:
        cursor.execute("set local lock_timeout = %s", [LOCK_WAIT])
        cursor.execute("select pg_advisory_lock(hashtext('mcu.alerts'))")


def note(connection: Connection, causes: Sequence[Cause], moment: datetime) -> list[Alert]:
    """Write which causes stand at `moment` and which are gone; returns the alerts that are new."""
    rows = [(*astuple(cause), KINDS[cause.kind].triage, moment, moment - QUIET) for cause in causes]
    with connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            "update ops.alert set subject = cause.subject, what = cause.what, triage = cause.triage,"
            " last_seen_at = cause.moment, gone_at = null"
            " from (values %s) as cause (cause, kind, subject, what, since, triage, moment, quiet_since)"
            " where alert.cause = cause.cause and coalesce(alert.gone_at > cause.quiet_since, true)",
            rows,
        )
        added = execute_values(
            cursor,
            "insert into ops.alert (cause, kind, subject, what, since, triage, first_seen_at, last_seen_at)"
            " select cause, kind, subject, what, since, triage, moment, moment"
            " from (values %s) as cause (cause, kind, subject, what, since, triage, moment, quiet_since)"
            " where not exists (select from ops.alert where alert.cause = cause.cause and alert.gone_at is null)"
            " returning alert_id, kind, subject, what, since",
            rows,
            fetch=True,
        )
        cursor.execute(
            "update ops.alert set gone_at = %(moment)s where gone_at is null and last_seen_at <> %(moment)s",
            {"moment": moment},
        )
    return [Alert(*row) for row in added or ()]


def untold(connection: Connection, way: Way, moment: datetime) -> list[Alert]:
    """Standing alerts that this way has not told; a kind that it told within QUIET waits, so as to come together."""
    return _select(
        connection,
        "gone_at is null and {told} is null and not exists ("
        " select from ops.alert as other where other.kind = alert.kind and other.{told} > %(quiet_since)s)",
        way,
        moment,
    )


def untold_gone(connection: Connection, way: Way, moment: datetime) -> list[Alert]:
    """Alerts that this way has told, and whose cause is gone for longer than QUIET; they come together as well."""
    return _select(
        connection,
        "gone_at <= %(quiet_since)s and {told} is not null and {gone_told} is null and not exists ("
        " select from ops.alert as other where other.kind = alert.kind and other.{gone_told} > %(quiet_since)s)",
        way,
        moment,
    )


def mark(connection: Connection, way: Way, told: Sequence[Alert], gone_told: Sequence[Alert], moment: datetime) -> None:
    """Note that the way has told of these."""
    with connection, connection.cursor() as cursor:
        for column, alerts in (("told", told), ("gone_told", gone_told)):
            cursor.execute(
                sql.SQL("update ops.alert set {} = %s where alert_id = any(%s)").format(_columns(way)[column]),
                [moment, [alert.alert_id for alert in alerts]],
            )


def _select(connection: Connection, condition: str, way: Way, moment: datetime) -> list[Alert]:
    query = f"select alert_id, kind, subject, what, since from ops.alert where {condition} order by since, alert_id"
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL(query).format(**_columns(way)), {"quiet_since": moment - QUIET})
        return [Alert(*row) for row in cursor.fetchall()]


def _columns(way: Way) -> dict[str, sql.Identifier]:
    return {"told": sql.Identifier(f"told_by_{way}_at"), "gone_told": sql.Identifier(f"gone_told_by_{way}_at")}
