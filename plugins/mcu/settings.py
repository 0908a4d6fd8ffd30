"""What a control centre sets: everything from the environment, one place, with defaults for Rostov oblast."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from mcu.sources.columns import SOURCES

# The production calendar begins here, before both systems did.
FIRST_YEAR = 2020

# So long reports that went out are compared with the marts, so they are kept at least as long.
LEAST_KEPT_DAYS = 35

# The folder that holds dags/, plugins/, dbt_project/ and expectations/.
PROJECT = Path(__file__).resolve().parents[2]

# What may stand in an SMTP command and a header as it is: no spaces, no control characters, ASCII only.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

DEFAULT_EXPORTED_AT_PATTERN = r"(?P<date>\d{4}-\d{2}-\d{2})(?:_(?P<time>\d{2}-\d{2})(?!\d|-))?"


@dataclass(frozen=True)
class Settings:
    """Settings of one installation.

    `inbox`: where the exports arrive, a folder or, through an Airflow connection, s3://connection@bucket/folder or
    sftp://connection@/folder; `mailbox`: the Airflow connection of the mailbox that they are sent to, if there is one;
    `state`: folder for Data Docs and other local state; `archive`: folder of the reports that went out, `archive_days`:
    how long they are kept after their period; `sends_incomplete`: whether past its deadline a report goes out without
    the sources that lack the period, or waits on;
    `timezone`: of the region, all periods are its local days; `region`: as the systems spell it;
    `sources`: enabled sources, a total over all sources exists only where each of them has the day;
    `exported_at_pattern`: finds `date` (YYYY-MM-DD) and, if there, `time` (HH-MM) in a file name;
    `alert_recipients`: engineers' mail addresses, may be none; `stale_after`: a source without a newer export for this
    long is one that fell silent; `report_deadline`: the local time by which the reports of the day have gone;
    `run_takes_at_most`: a run of a build or a report that goes on for longer is told of;
    `keep_pii_days`, `keep_quarantine_days`: how long after its closing a message, and a row in quarantine, tells of a
    person, by source, one that is not named: for ever; `keep_results_days`: how long results of checks are kept.
    """

    inbox: str
    mailbox: str | None
    state: Path
    timezone: ZoneInfo
    region: str
    sources: tuple[str, ...]
    exported_at_pattern: re.Pattern[str]
    archive: Path = Path(".local/archive")
    archive_days: int = 1100
    sends_incomplete: bool = False
    alert_recipients: tuple[str, ...] = ()
    stale_after: timedelta = timedelta(hours=36)
    report_deadline: time = time(10)
    run_takes_at_most: timedelta = timedelta(hours=2)
    keep_pii_days: Mapping[str, int] = field(default_factory=dict)
    keep_quarantine_days: Mapping[str, int] = field(default_factory=dict)
    keep_results_days: int = 400

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read `MCU_*` variables; an empty one counts as unset.

        Raises KeyError for an unknown time zone, re.error for a broken pattern, ValueError for an unknown source, for
        what is no mail address, number of minutes, hours or days, time of day or way with incomplete data.
        """
        state = env.get("MCU_STATE") or ".local"
        return cls(
            inbox=env.get("MCU_INBOX") or "inbox",
            mailbox=env.get("MCU_MAILBOX") or None,
            state=Path(state),
            timezone=ZoneInfo(env.get("MCU_TIMEZONE") or "Europe/Moscow"),
            region=env.get("MCU_REGION") or "Ростовская область",
            sources=_sources(env.get("MCU_SOURCES") or ",".join(SOURCES)),
            exported_at_pattern=re.compile(env.get("MCU_EXPORTED_AT_PATTERN") or DEFAULT_EXPORTED_AT_PATTERN),
            archive=Path(env.get("MCU_ARCHIVE") or f"{state}/archive"),
            archive_days=_days("MCU_ARCHIVE_DAYS", env.get("MCU_ARCHIVE_DAYS") or "1100"),
            sends_incomplete=_sends_incomplete(env.get("MCU_REPORT_INCOMPLETE") or "hold"),
            alert_recipients=_addresses(env.get("MCU_ALERT_RECIPIENTS") or ""),
            stale_after=_hours("MCU_STALE_HOURS", env.get("MCU_STALE_HOURS") or "36"),
            report_deadline=_time_of_day("MCU_REPORT_DEADLINE", env.get("MCU_REPORT_DEADLINE") or "10:00"),
            run_takes_at_most=_minutes("MCU_RUN_MINUTES", env.get("MCU_RUN_MINUTES") or "120"),
            keep_pii_days=_days_by_source("MCU_KEEP_PII_DAYS", env.get("MCU_KEEP_PII_DAYS") or ""),
            keep_quarantine_days=_days_by_source("MCU_KEEP_QUARANTINE_DAYS", env.get("MCU_KEEP_QUARANTINE_DAYS") or ""),
            keep_results_days=_days("MCU_KEEP_RESULTS_DAYS", env.get("MCU_KEEP_RESULTS_DAYS") or "400"),
        )


def secret(name: str, env: Mapping[str, str] = os.environ) -> str | None:
    """What the variable `name` holds, else the file that `name`_FILE names; None: neither is set. Raises OSError."""
    if value := env.get(name):
        return value
    file = env.get(f"{name}_FILE")
    return Path(file).read_text(encoding="utf-8").strip() if file else None


def warehouse_dsn() -> str:
    """Of the commands that are no tasks: $WAREHOUSE_DSN, or what $WAREHOUSE_DSN_FILE holds; exits 1 without both."""
    return secret("WAREHOUSE_DSN") or sys.exit("WAREHOUSE_DSN or WAREHOUSE_DSN_FILE: one of them is needed.")


def _sources(text: str) -> tuple[str, ...]:
    sources = tuple(source.strip() for source in text.split(","))
    for source in sources:
        if source not in SOURCES:
            raise ValueError(f"MCU_SOURCES={text}: {source!r} is no source, {' and '.join(SOURCES)} are")
    return sources


def _days(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) < LEAST_KEPT_DAYS:
        raise ValueError(f"{name}={text}: a number of days, {LEAST_KEPT_DAYS} or more")
    return int(text)


def _days_by_source(name: str, text: str) -> dict[str, int]:
    """`365`: of every source; `pos=365,incident=180`: of each that is named."""
    if "=" not in text:
        return dict.fromkeys(SOURCES, _days(name, text)) if text else {}
    days = {}
    for part in text.split(","):
        source, _, number = part.strip().partition("=")
        if source not in SOURCES:
            raise ValueError(f"{name}={text}: {source!r} is no source, {' and '.join(SOURCES)} are")
        days[source] = _days(name, number)
    return days


def _sends_incomplete(text: str) -> bool:
    if text not in ("hold", "send"):
        raise ValueError(f"MCU_REPORT_INCOMPLETE={text}: hold (wait for the missing source) or send (without it)")
    return text == "send"


def _addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(address.strip() for address in text.split(",") if address.strip())
    for address in addresses:
        if not ADDRESS.fullmatch(address):
            raise ValueError(f"MCU_ALERT_RECIPIENTS: {address!r} is no mail address; several are set apart by commas")
    return addresses


def _hours(name: str, text: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) == 0:
        raise ValueError(f"{name}={text}: not a whole number of hours, 1 or more")
    return timedelta(hours=int(text))


def _minutes(name: str, text: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) == 0:
        raise ValueError(f"{name}={text}: not a whole number of minutes, 1 or more")
    return timedelta(minutes=int(text))


def _time_of_day(name: str, text: str) -> time:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"{name}={text}: not a time of day HH:MM")
    return time.fromisoformat(text)
