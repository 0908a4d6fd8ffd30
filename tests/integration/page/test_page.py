"""The page in Airflow: for who is logged in, with what ops.health says and the files of the archive and no others."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from airflow.api_fastapi.app import create_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.revoked_token import RevokedToken
from airflow.plugins_manager import get_fastapi_plugins, get_plugin_info
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg2.extensions import connection as Connection

from mcu.page import app as pages
from tests.integration.alerts.world import MONDAY_9, World

pytestmark = pytest.mark.postgres

MOSCOW = ZoneInfo("Europe/Moscow")
PAGE = "weekly/2026-11-16/oblast/r1/report.html"
NOT_SERVED = "not of the archive"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive with a page, a picture, a file that is not for people, and links that lead out of it."""
    archive = tmp_path / "archive"
    report = archive / PAGE
    report.parent.mkdir(parents=True)
    report.write_text("<p>Отчёт</p>", encoding="utf-8")
    report.with_name("chart.png").write_bytes(b"png")
    report.with_name("numbers.json").write_text(NOT_SERVED)
    (archive / "index.html").write_text("Архив", encoding="utf-8")
    (tmp_path / "secret.html").write_text(NOT_SERVED)
    (tmp_path / "archive_of_others").mkdir()
    (tmp_path / "archive_of_others" / "page.html").write_text(NOT_SERVED)
    (archive / "link.html").symlink_to(tmp_path / "secret.html")
    (archive / "folder").symlink_to(tmp_path)
    return archive


@pytest.fixture(scope="module")
def auth() -> SimpleAuthManager:
    manager = create_auth_manager()
    assert isinstance(manager, SimpleAuthManager)
    return manager


@pytest.fixture
def client(archive: Path, warehouse_dsn: str, auth: SimpleAuthManager, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Nobody's, of the app as Airflow mounts it."""
    monkeypatch.setattr(RevokedToken, "is_revoked", lambda _: False)  # asks Airflow's database, which is not here
    outer = FastAPI()
    outer.mount("/mcu", pages.make_app(archive, MOSCOW, lambda: psycopg2.connect(warehouse_dsn)))
    return TestClient(outer)


@pytest.fixture
def reader(client: TestClient, auth: SimpleAuthManager) -> TestClient:
    """The client of somebody who may look and no more."""
    client.cookies.set(
        COOKIE_NAME_JWT_TOKEN, auth.generate_jwt(SimpleAuthManagerUser(username="reader", role="VIEWER"))
    )
    return client


PATHS = ("/mcu/", "/mcu/archive/index.html", f"/mcu/archive/{PAGE}", "/mcu/archive/no_such.html")


@pytest.mark.parametrize("path", PATHS)
def test_nobody_sees_anything(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401
    client.cookies.set(COOKIE_NAME_JWT_TOKEN, "forged")
    refused = client.get(path)
    assert refused.status_code == 403
    assert "Отчёт" not in refused.text


def test_a_token_of_another_key_is_refused(client: TestClient, auth: SimpleAuthManager) -> None:
    token = auth.generate_jwt(SimpleAuthManagerUser(username="reader", role="ADMIN"))
    head, claims, signature = token.split(".")
    for forged in (f"{head}.{claims}.{signature[:-6]}AAAAAA", f"{head}.{claims}."):
        assert client.get("/mcu/", headers={"Authorization": f"Bearer {forged}"}).status_code == 403
    assert client.get("/mcu/", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_whoever_has_no_role_is_refused(client: TestClient, auth: SimpleAuthManager) -> None:
    client.cookies.set(COOKIE_NAME_JWT_TOKEN, auth.generate_jwt(SimpleAuthManagerUser(username="nobody", role=None)))
    assert client.get("/mcu/").status_code == 403


def test_every_route_is_locked(client: TestClient) -> None:
    """Those that the framework adds by itself, too."""
    for path in ("/mcu/docs", "/mcu/redoc", "/mcu/openapi.json"):
        assert client.get(path).status_code == 404


def test_the_page_shows_what_is_watched(reader: TestClient, warehouse: Connection) -> None:
    assert "неполадок нет" in reader.get("/mcu/").text
    World(warehouse).load("<script>.xlsx", "published", MONDAY_9)
    World(warehouse).do("update ops.load set source = '<b>x'")
    answer = reader.get("/mcu/")
    assert answer.status_code == 200
    assert "часов с последней принятой выгрузки" in answer.text
    assert "23.11.2026" in answer.text
    assert 'href="archive/index.html"' in answer.text
    assert "<b>x" not in answer.text
    assert "&lt;b&gt;x" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_warehouse_that_is_gone_is_told_without_details(archive: Path, reader: TestClient) -> None:
    outer = FastAPI()
    dsn = "host=127.0.0.1 port=1 user=somebody connect_timeout=1"
    outer.mount("/mcu", pages.make_app(archive, MOSCOW, lambda: psycopg2.connect(dsn)))
    answer = TestClient(outer, cookies=reader.cookies).get("/mcu/")
    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.text


def test_the_archive_is_served(reader: TestClient) -> None:
    page = reader.get(f"/mcu/archive/{PAGE}")
    assert (page.status_code, page.text) == (200, "<p>Отчёт</p>")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    picture = reader.get(f"/mcu/archive/{PAGE.replace('report.html', 'chart.png')}")
    assert (picture.content, picture.headers["Content-Type"]) == (b"png", "image/png")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html",
        "%2e%2e/secret.html",
        "..%2fsecret.html",
        "weekly/../../secret.html",
        "weekly%2f..%2f..%2fsecret.html",
        "..%5csecret.html",
        "../archive_of_others/page.html",
        "%2e%2e%2farchive_of_others%2fpage.html",
        "link.html",
        "folder/secret.html",
        PAGE.replace("report.html", "numbers.json"),
        "weekly",
        "",
        "%00.html",
        "x" * 5000 + ".html",
    ],
)
def test_nothing_else_is_served(reader: TestClient, path: str) -> None:
    answer = reader.get(f"/mcu/archive/{path}")
    assert answer.status_code == 404
    assert NOT_SERVED not in answer.text


def test_an_absolute_path_is_outside(archive: Path, tmp_path: Path) -> None:
    assert pages.find(archive, str(tmp_path / "secret.html")) is None
    assert pages.find(archive, "index.html") == archive / "index.html"


def test_airflow_finds_the_plugin(monkeypatch: pytest.MonkeyPatch, archive: Path) -> None:
    apps, _ = get_fastapi_plugins()
    (ours,) = [app for app in apps if app["url_prefix"] == "/mcu"]
    (info,) = [info for info in get_plugin_info() if info["name"] == "mcu_pages"]
    assert info["external_views"][0]["href"] == "mcu/"
    monkeypatch.setenv("MCU_ARCHIVE", str(archive))
    outer = FastAPI()
    outer.mount("/mcu", ours["app"])
    assert TestClient(outer).get("/mcu/archive/index.html").status_code == 401
