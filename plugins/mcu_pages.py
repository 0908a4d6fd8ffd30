"""Airflow's plugin: the page «Состояние МЦУ» in its menu."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/mcu"


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """The app, made at the first request: every process of Airflow reads this file, and one of them serves pages."""
    await _app()(scope, receive, send)


@cache
def _app() -> ASGIApp:
    from mcu.operators import warehouse
    from mcu.page.app import make_app
    from mcu.settings import Settings

    settings = Settings.from_env()
    return make_app(settings.archive, settings.timezone, warehouse.connect)


class McuPages(AirflowPlugin):
    """Serves the app, and shows it in a frame of Airflow's own page."""

    name = "mcu_pages"
    fastapi_apps: list[Any] = [{"app": serve, "url_prefix": PREFIX, "name": "МЦУ"}]  # noqa: RUF012 (Airflow's way)
    external_views: list[Any] = [  # noqa: RUF012
        {"name": "Состояние МЦУ", "href": f"{PREFIX[1:]}/", "destination": "nav", "url_route": "mcu"}
    ]
