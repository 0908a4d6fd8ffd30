from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from mcu.reports.subscriptions import Loaded, SubscriptionError, load
from stack.paths import REPOSITORY
from tests.integration.reports.scripted_smtp import MailServer
from tests.integration.reports.test_delivery import send

pytestmark = pytest.mark.postgres

NOTHING = Loaded(0, 0)
A = "a@mcu.example,weekly,oblast"
B = "b@mcu.example,weekly,60737000"
TODAY = date.today()
YESTERDAY, LAST_YEAR = TODAY - timedelta(days=1), TODAY - timedelta(days=365)


def written(folder: Path, *lines: str) -> Path:
    path = folder / "subscriptions.csv"
    path.write_text("\n".join(["recipient,report,scope,valid_from,valid_to", *lines]))
    return path


def rows(connection: Connection) -> list[tuple[str, date, date | None]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select recipient, valid_from, valid_to from ops.report_subscription order by recipient, valid_from"
        )
        return cursor.fetchall()


def test_loading_twice_adds_nothing_and_keeps_what_was_ended(warehouse: Connection, tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.csv"
    path.write_text("recipient,report,scope\na@mcu.example,daily,oblast\nb@mcu.example,weekly,60737000\n")
    assert load(warehouse, path) == Loaded(added=2, changed=0)
    assert rows(warehouse) == [("a@mcu.example", TODAY, None), ("b@mcu.example", TODAY, None)]
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("update ops.report_subscription set valid_from = '2026-01-01', valid_to = '2026-02-01'")

    assert load(warehouse, path) == NOTHING
    assert {row[1:] for row in rows(warehouse)} == {(date(2026, 1, 1), date(2026, 2, 1))}


def test_dates_are_taken_over_once(warehouse: Connection, tmp_path: Path) -> None:
    path = written(tmp_path, f"{A},2026-01-01,2026-02-01", f"{A},2026-03-01,", f"{B},,2099-12-31")
    assert load(warehouse, path) == Loaded(added=3, changed=0)
    assert rows(warehouse) == [
        ("a@mcu.example", date(2026, 1, 1), date(2026, 2, 1)),
        ("a@mcu.example", date(2026, 3, 1), None),
        ("b@mcu.example", TODAY, date(2099, 12, 31)),
    ]
    assert load(warehouse, path) == NOTHING


def test_an_end_in_the_file_ends_the_subscription_and_nobody_elses(warehouse: Connection, tmp_path: Path) -> None:
    load(warehouse, written(tmp_path, f"{A},{LAST_YEAR},", f"{B},{LAST_YEAR},"))
    ended = written(tmp_path, f"{A},,{YESTERDAY}", f"{B},,")
    assert load(warehouse, ended) == Loaded(added=0, changed=1)
    assert rows(warehouse) == [("a@mcu.example", LAST_YEAR, YESTERDAY), ("b@mcu.example", LAST_YEAR, None)]
    assert load(warehouse, ended) == NOTHING
    assert load(warehouse, written(tmp_path, f"{A},{LAST_YEAR},{TODAY}")) == Loaded(added=0, changed=1)


def test_who_has_ended_can_begin_again(warehouse: Connection, tmp_path: Path) -> None:
    load(warehouse, written(tmp_path, f"{A},{LAST_YEAR},{YESTERDAY}"))
    assert load(warehouse, written(tmp_path, f"{A},{TODAY},")) == Loaded(added=1, changed=0)
    assert len(rows(warehouse)) == 2


def test_one_file_can_end_a_subscription_and_begin_the_next(warehouse: Connection, tmp_path: Path) -> None:
    load(warehouse, written(tmp_path, f"{A},{LAST_YEAR},"))
    path = written(tmp_path, f"{A},{TODAY},", f"{A},{LAST_YEAR},{YESTERDAY}")
    assert load(warehouse, path) == Loaded(added=1, changed=1)
    assert load(warehouse, path) == NOTHING


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (f"{A},{TODAY},", f"line 3, column valid_from: there is a subscription from {LAST_YEAR} to no end already"),
        (f"{A},2000-01-01,", "column valid_from: there is"),
        (f"{A},,2000-01-01", f"line 3, column valid_to: write a day from {LAST_YEAR} on"),
        (f"new@mcu.example,daily,oblast,,{YESTERDAY}", f"line 3, column valid_to: write a day from {TODAY} on"),
    ],
)
def test_line_against_what_is_there_changes_nothing(
    warehouse: Connection, tmp_path: Path, line: str, complaint: str
) -> None:
    load(warehouse, written(tmp_path, f"{A},{LAST_YEAR},"))
    before = rows(warehouse)
    with pytest.raises(SubscriptionError, match=complaint):
        load(warehouse, written(tmp_path, f"{B},,", line))
    assert rows(warehouse) == before


def test_two_subscriptions_to_the_same_make_one_mail(
    bi: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    with bi, bi.cursor() as cursor:
        cursor.execute(
            "insert into ops.report_subscription (recipient, report, scope, valid_from, valid_to) values"
            " ('a@mcu.example', 'weekly', 'oblast', current_date - 9, null),"
            " ('a@mcu.example', 'weekly', 'oblast', current_date - 5, current_date + 5)"
        )
    send(warehouse_dsn, mail_server)
    assert mail_server.recipients() == ["a@mcu.example"]


def test_command_says_what_it_did_or_what_to_do(warehouse_dsn: str, tmp_path: Path) -> None:
    def run(path: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mcu.reports.subscriptions", str(path)]
        environment = {"PYTHONPATH": "plugins", "WAREHOUSE_DSN": warehouse_dsn}
        return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)

    path = written(tmp_path, A)
    done = run(path)
    assert (done.returncode, done.stdout) == (0, f"{path}: 1 new subscriptions, 0 with another end\n")
    done = run(written(tmp_path, f"{A},,tomorrow"))
    assert done.returncode == 1
    assert done.stderr == (
        f"nothing changed: {path}, line 2, column valid_to: write a day as 2026-12-31 or nothing, not 'tomorrow'\n"
    )
