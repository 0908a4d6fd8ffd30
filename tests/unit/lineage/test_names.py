"""A dataset has one name, whoever tells of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu.lineage.names import Warehouse, export


def test_a_table_is_named_without_user_and_password() -> None:
    warehouse = Warehouse.of("postgresql://mcu:secret@db.example:5433/warehouse")
    assert (warehouse.namespace, warehouse.table("bi", "fct_message")) == (
        "postgres://db.example:5433",
        "warehouse.bi.fct_message",
    )
    assert Warehouse.of("dbname=warehouse").namespace == "postgres://localhost:5432"


@pytest.mark.parametrize(
    ("inbox", "named"),
    [
        ("s3://exports_s3@bucket/folder", ("s3://bucket", "folder/ПОС/a.xlsx")),
        ("s3://exports_s3@bucket", ("s3://bucket", "ПОС/a.xlsx")),
        ("sftp://exports_sftp@/folder", ("sftp://exports_sftp", "/folder/ПОС/a.xlsx")),
    ],
)
def test_a_file_behind_a_connection(inbox: str, named: tuple[str, str]) -> None:
    assert export(inbox, "ПОС/a.xlsx") == named


def test_a_file_of_a_folder(tmp_path: Path) -> None:
    assert export(str(tmp_path), "ПОС/a.xlsx") == ("file", str(tmp_path / "ПОС" / "a.xlsx"))
