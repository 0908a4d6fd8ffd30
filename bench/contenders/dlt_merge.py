"""dlt, given a fast reader and whole tables instead of rows; merge by key, which rewrites every row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import dlt.destinations
import pyarrow as pa

from bench import fast_reader

TABLE, KEY = "exports.incident", "im_id"


def load(dsn: str, path: Path) -> None:
    pipeline = dlt.pipeline(
        "incidents",
        pipelines_dir=str(path.parent.parent / "dlt"),
        destination=dlt.destinations.postgres(dsn),
        dataset_name="exports",
    )

    @dlt.resource(name="incident", write_disposition="merge", primary_key=KEY)  # type: ignore[untyped-decorator]
    def incidents() -> Iterator[Any]:
        table: pa.Table = fast_reader.read(path).to_arrow()
        yield table

    pipeline.run(incidents(), loader_file_format="csv")
