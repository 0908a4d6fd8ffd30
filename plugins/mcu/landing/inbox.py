"""The inbox: which of its files have something new to say, whole and one after the other."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from psycopg2.extensions import connection as Connection

from mcu.landing import memory
from mcu.landing.memory import InboxFile, Remembered, note_source
from mcu.landing.store import Entry, Store
from mcu.settings import Settings
from mcu.sources.exported_at import exported_at, from_name, from_seconds

__all__ = ["Inbox", "InboxFile", "note_source", "workbooks"]

log = logging.getLogger(__name__)

YOUNG_SECONDS = 60  # a file that was written to since then is looked at twice
PAUSE_SECONDS = 2  # between the two looks; more than the second in which some servers count
UNFINISHED_SECONDS = 600  # so long a workbook without an end may still be on its way
ZIP_START, ZIP_END = b"PK\x03\x04", b"PK\x05\x06"
ZIP_END_WITHIN = 66_000  # bytes: the end record may be followed by a comment of 65,535


class Inbox:
    """A folder of exports on this machine or elsewhere.

    After a scan, by uri: `unreadable`: why files could not be read; `waiting`: why files were left for the next run.
    """

    def __init__(self, filesystem: AbstractFileSystem, root: str, name: str, settings: Settings) -> None:
        """`root`: of the inbox in the file system; `name`: the same for people and the warehouse, without secrets."""
        self._store = Store(filesystem, root, name)
        self._settings = settings
        self.unreadable: dict[str, str] = {}
        self.waiting: dict[str, str] = {}

    @classmethod
    def local(cls, settings: Settings) -> Inbox:
        """The folder that the settings name."""
        folder = str(Path(settings.inbox).expanduser().resolve())
        return cls(LocalFileSystem(), folder, folder, settings)

    def new_files(self, connection: Connection, source: str) -> Iterator[InboxFile]:
        """Files that `source` may have something new in, oldest export first, each fetched when it is its turn.

        `path` of one is valid until the next is drawn. Raises FileNotFoundError without an inbox, and what its file
        system raises if it cannot be listed.
        """
        self.unreadable, self.waiting = {}, {}
        entries = self._store.workbooks()
        self.unreadable |= self._store.unlisted
        known = memory.remembered(connection, self._store.name)
        changed = [entry for entry in entries if not _is_same(entry, known.get(entry.uri))]
        turn = {entry.path: self._moment_in_listing(entry) for entry in self._at_rest(changed)}
        for entry in entries:
            before = known.get(entry.uri)
            if before and _is_same(entry, before) and before.may_interest(source):
                turn[entry.path] = before.exported_at.moment
        queue = sorted((entry for entry in entries if entry.path in turn), key=lambda one: (turn[one.path], one.uri))
        log.info("%d workbooks in the inbox, %d of them new or left over", len(entries), len(queue))
        with self._folder(source) as folder:
            for number, entry in enumerate(queue, 1):
                if file := self._take(connection, entry, folder / "export.xlsx"):
                    log.info("%d/%d %s", number, len(queue), file.uri)
                    yield file
                elif entry.uri in self.unreadable and not self._store.answers():
                    log.error("%s does not answer: the other files are left for the next run", self._store.name)
                    return

    def _at_rest(self, entries: list[Entry]) -> list[Entry]:
        """Without those that change between two looks; a second look only where one was written to just now."""
        since = time.time() - YOUNG_SECONDS
        if not any(entry.modified > since and not entry.is_atomic for entry in entries):
            return entries
        time.sleep(PAUSE_SECONDS)
        again = set(self._store.workbooks())
        for entry in entries:
            if entry not in again:
                self._leave(entry)
        return [entry for entry in entries if entry in again]

    def _take(self, connection: Connection, entry: Entry, into: Path) -> InboxFile | None:
        """The file, fetched and remembered; None if it is left, is gone, cannot be read or says nothing new."""
        try:
            file = self._fetch(entry, into)
        except FileNotFoundError:
            log.info("%s is gone", entry.uri)
            return None
        except Exception as error:  # each file system has its own
            self.unreadable[entry.uri] = str(error) or type(error).__name__
            return None
        if file is None:
            self._leave(entry)
            return None
        memory.remember(connection, file)
        return None if memory.is_settled(connection, file) else file

    def _fetch(self, entry: Entry, into: Path) -> InboxFile | None:
        """The file as it is now; None if it is still being written."""
        path = self._store.fetch(entry, into)
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        settings = self._settings
        modified = from_seconds(entry.modified, settings.timezone)
        moment = exported_at(path, entry.name, modified, settings.exported_at_pattern)
        is_young = time.time() - entry.modified < UNFINISHED_SECONDS
        if not self._store.is_as_listed(entry) or (is_young and _has_no_end(path)):
            return None
        return InboxFile(path, entry.uri, sha256, moment, self._store.name, entry.size, entry.version)

    def _leave(self, entry: Entry) -> None:
        self.waiting[entry.uri] = "it is still being written"
        log.info("%s is left for the next run: it is still being written", entry.uri)

    def _moment_in_listing(self, entry: Entry) -> dt.datetime:
        """When the export was made, as far as the listing tells."""
        named = from_name(entry.name, self._settings.timezone, self._settings.exported_at_pattern)
        return named or from_seconds(entry.modified, self._settings.timezone)

    @contextmanager
    def _folder(self, source: str) -> Iterator[Path]:
        """Where copies of remote files are made, one at a time; what a killed run of the source left there goes."""
        folder = self._settings.state / "fetched" / source
        shutil.rmtree(folder, ignore_errors=True)
        if self._store.is_local:
            yield folder
            return
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def workbooks(folder: Path) -> set[str]:
    """The uris of all workbooks in a folder of this machine."""
    return {entry.uri for entry in Store(LocalFileSystem(), str(folder.resolve()), str(folder)).workbooks()}


def _is_same(entry: Entry, before: Remembered | None) -> bool:
    return before is not None and (entry.size, entry.version) == (before.size, before.version)


def _has_no_end(path: Path) -> bool:
    """Whether the file begins like a workbook, or like nothing yet, and has no end of one."""
    with path.open("rb") as content:
        start = content.read(len(ZIP_START))
        size = content.seek(0, os.SEEK_END)
        content.seek(max(0, size - ZIP_END_WITHIN))
        return start in (ZIP_START, b"", bytes(len(ZIP_START))) and ZIP_END not in content.read()
