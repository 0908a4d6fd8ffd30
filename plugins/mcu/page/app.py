"""What is served under /mcu/ of Airflow's web interface, to whoever is logged in there and to nobody else.

Airflow puts no lock before the pages of a plugin: the dependency of the whole app below is the lock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg2
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from psycopg2.extensions import connection as Connection

from mcu.reports import format
from mcu.reports.archive_pages import INDEX

log = logging.getLogger(__name__)

TIMEOUT = "10s"

# What people read; the archive's own files are not for them.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

# Should ever something get into a page that is none of ours: it runs no script and sends nothing anywhere.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


class HealthRow(NamedTuple):
    """A row of ops.health."""

    area: str
    name: str
    state: str
    value: float | None
    since: datetime | None
    detail: str


def make_app(archive: Path, timezone: ZoneInfo, connect: Callable[[], Connection]) -> FastAPI:
    """The app. `archive`: folder of the reports that went out; `connect`: to the warehouse."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(requires_access_view(AccessView.WEBSITE))],
    )

    @app.get("/")
    def health() -> Response:
        try:
            things = look(connect)
        except psycopg2.Error as error:
            log.warning("ops.health cannot be read: %s", error)  # names hosts and users: not for the page
            raise HTTPException(503, "Хранилище недоступно или ещё не создано.") from error
        page = _page().render(
            things=things, has_archive=(archive / INDEX).is_file(), moment=partial(format.moment, timezone=timezone)
        )
        return HTMLResponse(page, headers=dict(HEADERS))

    @app.get("/archive/{path:path}")
    def archived(path: str) -> Response:
        file = find(archive, path)
        if file is None:
            raise HTTPException(404, "Такого файла в архиве нет.")
        return FileResponse(file, media_type=MEDIA_TYPES[file.suffix], headers=dict(HEADERS))

    return app


def look(connect: Callable[[], Connection]) -> list[HealthRow]:
    """Everything that is watched, the worst of each area first. Raises psycopg2.Error if that cannot be read."""
    with closing(connect()) as connection:
        connection.set_session(readonly=True)
        with connection, connection.cursor() as cursor:
            cursor.execute("select set_config('statement_timeout', %s, true)", (TIMEOUT,))
            cursor.execute(
                "select area, name, state, value, since, detail from ops.health"
                " order by area, array_position(array['bad', 'late', 'ok'], state), name"
            )
            return [HealthRow(*row) for row in cursor.fetchall()]


def find(archive: Path, path: str) -> Path | None:
    """The file of the archive that is asked for; None if there is none, or it lies elsewhere, a link's target too."""
    root = archive.resolve()
    try:
        file = (root / path).resolve()
        is_there = file.is_relative_to(root) and file.suffix in MEDIA_TYPES and file.is_file()
    except (OSError, ValueError):
        return None  # a name that no file system takes
    return file if is_there else None


@cache
def _page() -> Template:
    environment = Environment(loader=PackageLoader("mcu.page"), autoescape=True, undefined=StrictUndefined)
    environment.globals |= {"AREAS": AREAS, "STATES": STATES, "INDEX": INDEX, "figure": _figure}
    return environment.get_template("health.html.j2")


AREAS = {
    "source": "Источники",
    "load": "Загрузки",
    "quarantine": "Карантин",
    "build": "Витрины",
    "gate": "Проверки",
    "delivery": "Отчёты",
    "alert": "Неполадки",
    "duration": "Сколько длится",
}
STATES = {"ok": "в порядке", "late": "посмотреть сегодня", "bad": "посмотреть сейчас"}


def _figure(value: float | None) -> str:
    """Whole numbers whole, others with as many digits as say something."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}".replace(".", ",")
