"""The inbox: which files are there, and which of them have something new to say."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mcu.settings import Settings
from mcu.sources.exported_at import ExportedAt, exported_at

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InboxFile:
    """A workbook in the inbox. `uri`: its path relative to the inbox; `sha256`: of its content."""

    path: Path
    uri: str
    sha256: str
    exported_at: ExportedAt


@dataclass(frozen=True)
class Inbox:
    """What lies in the inbox: workbooks, oldest export first, and why others could not be read, by uri."""

    files: list[InboxFile]
    unreadable: dict[str, str]


def scan(settings: Settings) -> Inbox:
    """All workbooks at any depth; raises FileNotFoundError without an inbox.

    Excel's lock files and hidden files are passed over; files of other kinds too, with a line in the log.
    """
    if not settings.inbox.is_dir():
        raise FileNotFoundError(f"The inbox {settings.inbox} does not exist. Create it or set MCU_INBOX.")
    files: list[InboxFile] = []
    unreadable: dict[str, str] = {}
    for path in workbooks(settings.inbox):
        try:
            files.append(_describe(path, settings))
        except OSError as error:
            unreadable[path.relative_to(settings.inbox).as_posix()] = str(error)
    return Inbox(sorted(files, key=lambda file: (file.exported_at.moment, file.uri)), unreadable)


def workbooks(inbox: Path) -> Iterator[Path]:
    """The paths of all workbooks at any depth, in order; see `scan` for what is passed over."""
    for path in sorted(inbox.rglob("*")):
        parts = path.relative_to(inbox).parts
        if any(part.startswith((".", "~$")) for part in parts) or not path.is_file():
            continue
        if path.suffix.lower() == ".xlsx":
            yield path
        else:
            log.info("Passed over, not an XLSX workbook: %s", path.relative_to(inbox))


def _describe(path: Path, settings: Settings) -> InboxFile:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    moment = exported_at(path, settings.timezone, settings.exported_at_pattern)
    return InboxFile(path, path.relative_to(settings.inbox).as_posix(), sha256, moment)
