"""What of the gate needs no database."""

from __future__ import annotations

import pytest
from psycopg2.extensions import make_dsn
from sqlalchemy import make_url

from mcu.quality import gate
from mcu.quality.gate import Outcome


@pytest.mark.parametrize("password", ["simple", "p@ss:w/rd $HOME ${X} %41 'й'"])
def test_any_password_reaches_the_library(password: str) -> None:
    dsn = make_dsn(
        host="127.0.0.1",
        port=5433,
        user="mcu",
        password=password,
        dbname="w",
        sslmode="disable",
        options="-c statement_timeout=9s",
    )
    rendered = gate._sqlalchemy_url(dsn)
    assert "$" not in rendered, "the library would look for a variable"
    url = make_url(rendered)
    assert (url.host, url.port, url.username, url.password, url.database) == ("127.0.0.1", 5433, "mcu", password, "w")
    assert url.query == {"sslmode": "disable", "options": "-c statement_timeout=9s -c search_path=stage"}


def test_a_reason_shows_the_values_of_the_row_and_no_more_of_them_than_fits() -> None:
    rows = [{"row_number": 2, "a": "{b}", "b": None}, {"row_number": 3, "a": "ы " * 500, "b": 1}]
    outcome = Outcome(
        "pos", "x", "e", None, gate.CRITICAL, "validity", "", False, template="{a} и {b}: {c}", failed_rows=rows
    )
    reasons = gate.row_faults([outcome])
    assert reasons[2] == ["{b} и …: {c}"]
    assert len(reasons[3][0]) < 120


def test_only_critical_outcomes_quarantine_rows() -> None:
    outcome = gate.warning("pos", "x", "e", "validity", "Бывает")
    assert gate.row_faults([outcome]) == {}
    assert gate.load_faults([outcome]) == []
