"""The files that are loaded, made once and kept: the first export, the same rows again, the next day's."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from zipfile import ZipFile

from bench import messages, workbooks
from bench.messages import Messages
from mcu.sources import columns
from stack.paths import REPOSITORY

KEPT = REPOSITORY / ".local" / "bench" / "exports"
LONG_AGO = 1_780_000_000  # seconds: files as old as this are whole, the inbox does not look at them twice


@dataclass(frozen=True)
class Case:
    """One size in one way of keeping strings."""

    layout: str
    rows: int

    @property
    def folder(self) -> Path:
        return KEPT / f"{_version()}-{self.layout}-{self.rows}"

    @property
    def files(self) -> dict[str, Path]:
        """The export of each step, named by when it was made. The copy is the first one under another name."""
        return {
            "first": self.folder / "incidents_2026-09-01_06-00.xlsx",
            "copy": self.folder / "incidents_copy_2026-09-01_06-00.xlsx",
            "again": self.folder / "incidents_2026-09-02_06-00.xlsx",
            "next day": self.folder / "incidents_2026-09-03_06-00.xlsx",
        }

    def expected(self, step: str) -> tuple[int, int]:
        """How many messages the warehouse holds after a step, and how many of them have changed."""
        made = Messages(self.rows)
        return (made.rows_next_day, made.rows_changed) if step == "next day" else (self.rows, 0)

    def make(self) -> None:
        """Write the files, unless they are there."""
        if self.folder.exists():
            return
        half_made = self.folder.with_suffix(".part")
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(parents=True)
        made = Messages(self.rows)
        paths = {step: half_made / path.name for step, path in self.files.items()}
        workbooks.write(paths["first"], made.headers, made.first(), self.rows, self.layout)
        workbooks.write(paths["next day"], made.headers, made.next_day(), made.rows_next_day, self.layout)
        paths["copy"].hardlink_to(paths["first"])
        shutil.copy(paths["first"], paths["again"])
        with ZipFile(paths["again"], "a") as again:
            again.comment = b"exported again"  # other bytes, the same rows
        for path in paths.values():
            os.utime(path, (LONG_AGO, LONG_AGO))
        half_made.rename(self.folder)


def make(cases: Iterable[Case]) -> None:
    """Write the files of all cases, in processes of their own: a child's peak begins at its parent's."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        list(pool.map(Case.make, cases))


def _version() -> str:
    """Another one when the files would be others."""
    sources = (messages.__file__, workbooks.__file__, columns.FOLDER / "incident_columns.csv")
    return hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources)).hexdigest()[:8]
