"""Files of the Data Docs that are there whole or not at all, whatever happens to the process that writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from great_expectations.data_context.store.tuple_store_backend import TupleFilesystemStoreBackend


class WholeFiles(TupleFilesystemStoreBackend):
    """The library's own store of files would leave the half of a page, and lead to it."""

    def _set(self, key: Any, value: str | bytes, **_: Any) -> None:
        name: str = self._convert_key_to_filepath(key)  # type: ignore[no-untyped-call]
        path = Path(self.full_base_directory, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.part")
        half.write_bytes(value.encode() if isinstance(value, str) else value)
        half.replace(path)
