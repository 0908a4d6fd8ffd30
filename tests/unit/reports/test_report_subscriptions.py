from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mcu.reports.subscriptions import SubscriptionError, read

REPOSITORY = Path(__file__).parents[3]


def written(folder: Path, text: str) -> Path:
    path = folder / "subscriptions.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, "valid_to,scope,note,recipient,report\n2026-12-31,60737000,,a@mcu.example , daily\n")
    (line,) = read(path)
    assert line.key == ("a@mcu.example", "daily", "60737000")
    assert (line.valid_from, line.valid_to, line.where) == (None, date(2026, 12, 31), f"{path}, line 2")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a b@mcu.example,daily,oblast", "column recipient: write one mail address .*'a b@mcu.example'"),
        ("иван@mcu.example,daily,oblast", "column recipient"),
        ("a@mcu.example>,daily,oblast", "column recipient"),
        (",daily,oblast", "column recipient"),
        ("a@mcu.example,monthly,oblast", "column report: write daily or weekly, not 'monthly'"),
        ("a@mcu.example,daily,Таганрог", "column scope: write oblast or an ОКТМО"),
        ("a@mcu.example,daily,6073700", "column scope"),
        ("a@mcu.example", "column report"),
        ("a@mcu.example,daily,oblast,01.12.2026,", "column valid_from: write a day as 2026-12-31 .*'01.12.2026'"),
        ("a@mcu.example,daily,oblast,,2026-02-30", "column valid_to: write a day"),
        ("a@mcu.example,daily,oblast,2026-12-02,2026-12-01", "column valid_to: write a day from 2026-12-02 on"),
        ("a@mcu.example,daily,oblast,,,,", "more cells than line 1 has columns"),
        ("ok@mcu.example,daily,oblast,,", "column valid_from: .* stand in .*, line 2, too; remove one"),
        ("ok@mcu.example,daily,oblast,2026-12-01,", "column valid_from: .* line 2"),
    ],
)
def test_wrong_line_is_named_with_its_column_and_what_to_write(tmp_path: Path, line: str, complaint: str) -> None:
    path = written(tmp_path, f"recipient,report,scope,valid_from,valid_to\nok@mcu.example,daily,oblast\n{line}\n")
    with pytest.raises(SubscriptionError, match=rf"subscriptions\.csv, line 3.*{complaint}"):
        read(path)


@pytest.mark.parametrize("header", ["recipient,report", "recipient;report;scope", ""])
def test_missing_column_is_named(tmp_path: Path, header: str) -> None:
    with pytest.raises(SubscriptionError, match=r"line 1: no column .*scope; the first line is recipient,report,scope"):
        read(written(tmp_path, f"{header}\n"))


def test_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.csv"
    path.write_bytes("recipient,report,scope,примечание\n".encode("cp1251"))
    with pytest.raises(SubscriptionError, match="UTF-8"):
        read(path)


def test_demo_subscriptions_are_valid() -> None:
    lines = read(REPOSITORY / "demo" / "subscriptions.csv")
    assert {line.report for line in lines} == {"daily", "weekly"}
    assert len({line.scope for line in lines}) == 17
