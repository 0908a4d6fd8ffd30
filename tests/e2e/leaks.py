"""Where a secret must not stand: everything that people and programs look at after a run, as text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mcu.keeping import programs

SERVER = 150000
# Shorter than a generated secret: ports, names.
LEAST_CHARACTERS = 20


def secrets_of(folder: Path) -> dict[str, str]:
    """File name → generated secret of the stack."""
    held = {file.name: file.read_text().strip() for file in folder.iterdir() if file.suffix != ".json"}
    return {name: value for name, value in held.items() if len(value) >= LEAST_CHARACTERS}


def texts_of_files(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file below."""
    for folder in folders:
        for root, _, names in os.walk(folder):
            for name in names:
                path = Path(root, name)
                if path.is_file():
                    yield str(path), path.read_bytes()


def text_of_database(dsn: str, file: Path) -> tuple[str, bytes]:
    """All of a database as SQL: XCom, rendered templates, connections; ledgers, marts."""
    programs.run("pg_dump", SERVER, dsn, "--file", file)
    return dsn.rpartition("/")[2], file.read_bytes()


def leaks(texts: Iterable[tuple[str, bytes]], secrets: Mapping[str, str]) -> list[str]:
    """«place: name of the secret» for each that stands there."""
    return [f"{place}: {name}" for place, text in texts for name, value in secrets.items() if value.encode() in text]
