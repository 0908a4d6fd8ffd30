"""Where a secret must not stand: everything that people and programs look at after a run, as text."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pypdf import PdfReader

from mcu.keeping import programs

SERVER = 150000
# Shorter than a generated secret: ports, names.
LEAST_CHARACTERS = 20


def secrets_of(folder: Path) -> dict[str, str]:
    """File name → generated secret of the stack."""
    held = {file.name: file.read_text().strip() for file in folder.iterdir() if file.suffix != ".json"}
    return {name: value for name, value in held.items() if len(value) >= LEAST_CHARACTERS}


def texts_of_files(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file below; of workbooks and PDF what they hold unpacked."""
    for folder in folders:
        for root, _, names in os.walk(folder):
            for name in names:
                path = Path(root, name)
                if path.is_file():
                    yield str(path), _unpacked(path)


def _unpacked(path: Path) -> bytes:
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return b"\n".join(book.read(name) for name in book.namelist())
    if path.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in PdfReader(path).pages).encode()
    return path.read_bytes()


def text_of_database(dsn: str, file: Path) -> tuple[str, bytes]:
    """All of a database as SQL: XCom, rendered templates, connections; ledgers, marts."""
    programs.run("pg_dump", SERVER, dsn, "--file", file)
    return dsn.rpartition("/")[2], file.read_bytes()


def leaks(texts: Iterable[tuple[str, bytes]], secrets: Mapping[str, str]) -> list[str]:
    """«place: name of the secret» for each that stands there."""
    return [f"{place}: {name}" for place, text in texts for name, value in secrets.items() if value.encode() in text]
