"""What a load would do with the files of an inbox, without doing it: they are read as far as their headers."""

from __future__ import annotations

import datetime as dt
import logging
from contextlib import closing
from dataclasses import dataclass, field

import psycopg2

from mcu.landing import ledger
from mcu.landing.inbox import Inbox, note_source
from mcu.sources.workbook import ExportError, open_export

log = logging.getLogger(__name__)


@dataclass
class Plan:
    """By uri: when the exports that would be loaded were made; why others would not be, or cannot be looked into."""

    loads: dict[str, dt.datetime] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)


def plan(dsn: str, source: str, inbox: Inbox) -> Plan:
    """What a run of `source` would begin with now; nothing is written but what is remembered of files.

    Of rows it says nothing: the gate has not seen them. Raises what `Inbox.new_files` raises.
    """
    planned = Plan()
    with closing(psycopg2.connect(dsn)) as connection, ledger.only_run(connection, source):
        for file in inbox.new_files(connection, source):
            try:
                with open_export(file.path, file.uri) as export:
                    found = export.source
            except ExportError as error:
                found = error.source or ledger.UNKNOWN
                if error.source in (None, source):
                    planned.refusals[file.uri] = str(error)
                    log.info("would be refused: %s", error)
            except OSError as error:
                planned.unreadable[file.uri] = str(error)
                continue
            else:
                if found == source:
                    planned.loads[file.uri] = file.exported_at.moment
                    log.info("would be loaded: %s, exported %s", file.uri, file.exported_at.moment)
            note_source(connection, file, found)
    planned.unreadable |= inbox.unreadable
    planned.waiting = inbox.waiting
    return planned
