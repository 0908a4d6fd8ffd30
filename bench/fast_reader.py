"""The fastest ready-made reader of workbooks, for the contenders that may choose theirs."""

from __future__ import annotations

from pathlib import Path

import fastexcel
import polars as pl

from mcu.sources import columns


def read(path: Path) -> pl.DataFrame:
    """All rows as text, columns by field."""
    frame: pl.DataFrame = fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars()
    return frame.rename({column.header: column.field for column in columns.load("incident").columns})
