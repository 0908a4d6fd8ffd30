"""Where the files of an inbox lie, be it a folder, S3 or an SFTP server: what is there, and a local copy of one."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

log = logging.getLogger(__name__)

NAMES_IN_LOG = 20
HIDDEN = (".", "~$")  # so begin no exports but halves of uploads, Excel's lock files, trash folders
MODIFIED = ("mtime", "LastModified", "last_modified", "updated")  # as the different file systems call it


@dataclass(frozen=True)
class Entry:
    """A workbook in the listing.

    `path`: as the file system calls it; `uri`: relative to the inbox, printable; `version`: another after a change;
    `modified`: seconds since 1970; `is_atomic`: nobody can see it before it is there whole.
    """

    path: str
    uri: str
    size: int
    version: str
    modified: float
    is_atomic: bool

    @property
    def name(self) -> str:
        """The name without folders."""
        return PurePosixPath(self.uri).name


class Store:
    """The files under one folder of a file system. `name` stands for it in messages and in the warehouse."""

    def __init__(self, filesystem: AbstractFileSystem, root: str, name: str) -> None:
        self._filesystem = filesystem
        self._root = str(filesystem._strip_protocol(root)).rstrip("/") or "/"
        self.name = name
        self.is_local = isinstance(filesystem, LocalFileSystem)
        self.unlisted: dict[str, str] = {}

    def workbooks(self) -> list[Entry]:
        """All workbooks at any depth; raises FileNotFoundError without the folder or bucket.

        Hidden files and Excel's lock files are passed over, links too: they could lead anywhere. Files of other kinds
        as well, with a line in the log. `unlisted` tells afterwards which folders could not be looked into, and why.
        """
        entries: list[Entry] = []
        passed_over: list[str] = []
        for info in self._listing():
            path = info["name"]
            uri = self._uri(path)
            if info["type"] == "directory" or path.endswith("/") or _is_hidden(uri):
                continue
            if info["type"] == "file" and not info.get("islink") and uri.lower().endswith(".xlsx"):
                entries.append(_entry(path, uri, info))
            else:
                passed_over.append(uri)
        for uri in passed_over[:NAMES_IN_LOG]:
            log.info("Passed over, no XLSX workbook or a link: %s", uri)
        if more := passed_over[NAMES_IN_LOG:]:
            log.info("… and %d more", len(more))
        return sorted(entries, key=lambda entry: entry.uri)

    def is_as_listed(self, entry: Entry) -> bool:
        """Whether the file is still the one of the listing; raises FileNotFoundError if it is gone."""
        self._filesystem.invalidate_cache()
        now = _entry(entry.path, entry.uri, self._filesystem.info(entry.path))
        return (now.size, now.version) == (entry.size, entry.version)

    def fetch(self, entry: Entry, into: Path) -> Path:
        """A local path to the content: the file itself, or a copy at `into` of a remote one.

        Raises what the file system raises, OSError if less came than the listing says.
        """
        if self.is_local:
            return Path(entry.path)
        self._filesystem.get_file(entry.path, str(into))
        if into.stat().st_size < entry.size:
            raise OSError(f"{into.stat().st_size} of {entry.size} bytes came")
        return into

    def save(self, uri: str, content: bytes) -> bool:
        """Put a file there, so that nobody sees it half; False if it is there already, with as many bytes."""
        path = f"{self._root.rstrip('/')}/{uri}"
        if self._filesystem.exists(path) and self._filesystem.size(path) == len(content):
            return False
        if _is_s3(self._filesystem):
            self._filesystem.pipe_file(path, content)
            return True
        folder, _, name = path.rpartition("/")
        half = f"{folder}/.{name}.part"
        self._filesystem.makedirs(folder, exist_ok=True)
        with self._filesystem.open(half, "wb") as file:
            file.write(content)
            if self.is_local:
                file.flush()
                os.fsync(file.fileno())
        self._filesystem.mv(half, path)
        return True

    def answers(self) -> bool:
        """Whether the store can be reached at all."""
        try:
            self._filesystem.invalidate_cache()
            self._filesystem.ls(self._root)
        except Exception:  # each file system has its own
            return False
        return True

    def _listing(self) -> Iterator[dict[str, Any]]:
        """What the file system tells of each file, from one listing."""
        self._filesystem.invalidate_cache()
        self.unlisted = {}
        try:
            if _is_s3(self._filesystem):  # lists all keys at once, whatever folders their names may show
                found = self._filesystem.find(self._root, detail=True).values()
                if not found:
                    self._filesystem.info(self._root)
            else:
                found = self._filesystem.ls(self._root, detail=True)
                if [info["name"] for info in found] == [self._root]:
                    raise NotADirectoryError(f"The inbox {self.name} is a file. Set MCU_INBOX to a folder.")
        except FileNotFoundError as error:
            raise FileNotFoundError(f"The inbox {self.name} does not exist. Create it or set MCU_INBOX.") from error
        yield from found if _is_s3(self._filesystem) else self._walk(found)

    def _walk(self, found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The files of a listed folder and below. `find` would leave out what it cannot list, and be silent."""
        for info in found:
            if info["type"] != "directory":
                yield info
            elif not _is_hidden(PurePosixPath(info["name"]).name):
                yield from self._walk(self._folder(info["name"]))

    def _folder(self, path: str) -> list[dict[str, Any]]:
        """What a folder holds; nothing and a note if it cannot be listed, though the store can be reached."""
        try:
            return list(self._filesystem.ls(path, detail=True))
        except FileNotFoundError:
            return []  # gone since its parent was listed
        except Exception as error:  # each file system has its own
            if not self.answers():
                raise
            self.unlisted[self._uri(path)] = str(error) or type(error).__name__
            return []

    def _uri(self, path: str) -> str:
        return printable(path.removeprefix(self._root).removeprefix("/"))


def printable(name: str) -> str:
    """The name on one line that shows all of it: control characters, marks of direction, broken bytes as escapes.

    Different names stay different.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name.replace("\\", "\\\\")
    )


def _is_hidden(uri: str) -> bool:
    return any(part.startswith(HIDDEN) for part in uri.split("/"))


def _is_s3(filesystem: AbstractFileSystem) -> bool:
    protocol = filesystem.protocol
    return "s3" in ((protocol,) if isinstance(protocol, str) else protocol)


def _entry(path: str, uri: str, info: Mapping[str, Any]) -> Entry:
    modified = next((info[key] for key in MODIFIED if info.get(key) is not None), 0)
    # On this machine `created` is when anything about the file was changed: content put in place with its old time.
    version = info["ETag"].strip('"') if "ETag" in info else f"{modified} {info.get('created', '')}".strip()
    return Entry(
        path=path,
        uri=uri,
        size=int(info["size"] or 0),
        version=version,
        modified=modified.timestamp() if isinstance(modified, dt.datetime) else float(modified),
        is_atomic="ETag" in info,
    )
