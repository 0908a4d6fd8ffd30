"""What a control centre sets: everything from the environment, one place, with defaults for Rostov oblast."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from mcu.sources.columns import SOURCES

# The production calendar begins here, before both systems did.
FIRST_YEAR = 2020

# The folder that holds dags/, plugins/, dbt_project/ and expectations/.
PROJECT = Path(__file__).resolve().parents[2]

DEFAULT_EXPORTED_AT_PATTERN = r"(?P<date>\d{4}-\d{2}-\d{2})(?:_(?P<time>\d{2}-\d{2})(?!\d|-))?"


@dataclass(frozen=True)
class Settings:
    """Settings of one installation.

    `inbox`: where the exports arrive, a folder or, through an Airflow connection, s3://connection@bucket/folder or
    sftp://connection@/folder; `mailbox`: the Airflow connection of the mailbox that they are sent to, if there is one;
    `state`: folder for Data Docs and other local state;
    `timezone`: of the region, all periods are its local days; `region`: as the systems spell it;
    `sources`: enabled sources, a total over all sources exists only where each of them has the day;
    `exported_at_pattern`: finds `date` (YYYY-MM-DD) and, if there, `time` (HH-MM) in a file name.
    """

    inbox: str
    mailbox: str | None
    state: Path
    timezone: ZoneInfo
    region: str
    sources: tuple[str, ...]
    exported_at_pattern: re.Pattern[str]

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read `MCU_*` variables; an empty one counts as unset.

        Raises KeyError for an unknown time zone, ValueError for an unknown source, re.error for a broken pattern.
        """
        return cls(
            inbox=env.get("MCU_INBOX") or "inbox",
            mailbox=env.get("MCU_MAILBOX") or None,
            state=Path(env.get("MCU_STATE") or ".local"),
            timezone=ZoneInfo(env.get("MCU_TIMEZONE") or "Europe/Moscow"),
            region=env.get("MCU_REGION") or "Ростовская область",
            sources=_sources(env.get("MCU_SOURCES") or ",".join(SOURCES)),
            exported_at_pattern=re.compile(env.get("MCU_EXPORTED_AT_PATTERN") or DEFAULT_EXPORTED_AT_PATTERN),
        )


def _sources(text: str) -> tuple[str, ...]:
    sources = tuple(source.strip() for source in text.split(","))
    for source in sources:
        if source not in SOURCES:
            raise ValueError(f"MCU_SOURCES={text}: {source!r} is no source, {' and '.join(SOURCES)} are")
    return sources
