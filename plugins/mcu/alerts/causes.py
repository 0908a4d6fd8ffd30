"""What is wrong now, asked of the tables of `ops`: a task that was killed can tell of nothing, its traces do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg2.extensions import connection as Connection

from mcu.alerts.kinds import KINDS
from mcu.reports.period import due_period
from mcu.settings import Settings

LASTING = timedelta(hours=2)  # what retries and the next runs mend by themselves is mended by then
SUBJECT_CHARACTERS = 120
WHAT_CHARACTERS = 200

# Rows that were mended by hand may lack something: a cause of which less is known is one all the same.
FOUND = """
    select cause, coalesce(subject, ''), coalesce(what, 'причина не записана'), coalesce(since, %(moment)s) as since
    from ({query}) as found
    order by since, cause
"""


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong.

    `cause`: its key, the same at every look; `kind`: of KINDS; `subject`: which file, build, source or report; `what`:
    the rest of the line, equal where the reason is; `since`: with a time zone.
    """

    cause: str
    kind: str
    subject: str
    what: str
    since: datetime


def find(connection: Connection, settings: Settings, moment: datetime) -> list[Cause]:
    """All causes that stand at `moment`, each once, the graver kinds first, in each the older ones first."""
    found: dict[str, Cause] = {}
    parameters = _parameters(settings, moment)
    with connection, connection.cursor() as cursor:
        for kind in KINDS.values():
            cursor.execute(FOUND.format(query=kind.query), parameters)
            for key, subject, what, since in cursor.fetchall():
                cause = f"{kind.name}:{key}"
                line = (shown(subject, SUBJECT_CHARACTERS), shown(what, WHAT_CHARACTERS))
                found.setdefault(cause, Cause(cause, kind.name, *line, since))
    return list(found.values())


def shown(text: str, characters: int) -> str:
    """The text as one line of at most so many characters; what cannot be printed becomes «�»."""
    line = " ".join("".join(char if char.isprintable() or char.isspace() else "\ufffd" for char in text).split())
    return line if len(line) <= characters else f"{line[: characters - 1]}…"


def _parameters(settings: Settings, moment: datetime) -> Mapping[str, Any]:
    return {
        "moment": moment,
        "lasts_since": moment - LASTING,
        "timezone": settings.timezone.key,
        "sources": list(settings.sources),
        "stale_after": settings.stale_after,
        "deadline": settings.report_deadline,
        "daily": due_period("daily", moment, settings.timezone, None).start,
        "weekly": due_period("weekly", moment, settings.timezone, None).start,
    }
