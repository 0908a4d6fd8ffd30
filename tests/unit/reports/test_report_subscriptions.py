from __future__ import annotations

from pathlib import Path

import pytest

from mcu.reports.subscriptions import read

REPOSITORY = Path(__file__).parents[3]


def written(folder: Path, text: str) -> Path:
    path = folder / "subscriptions.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, "scope,note,recipient,report\n60737000,,a@mcu.example , daily\n")
    assert read(path) == [("a@mcu.example", "daily", "60737000")]


@pytest.mark.parametrize(
    "line",
    [
        "a b@mcu.example,daily,oblast",
        "иван@mcu.example,daily,oblast",
        "a@mcu.example>,daily,oblast",
        ",daily,oblast",
        "a@mcu.example,monthly,oblast",
        "a@mcu.example,daily,Таганрог",
        "a@mcu.example,daily,6073700",
        "a@mcu.example",
    ],
)
def test_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, f"recipient,report,scope\nok@mcu.example,daily,oblast\n{line}\n")
    with pytest.raises(ValueError, match="line 3"):
        read(path)


def test_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="recipient, report, scope"):
        read(written(tmp_path, "recipient,report\n"))


def test_demo_subscriptions_are_valid() -> None:
    rows = read(REPOSITORY / "demo" / "subscriptions.csv")
    assert {report for _, report, _ in rows} == {"daily", "weekly"}
    assert len({scope for *_, scope in rows}) == 17
