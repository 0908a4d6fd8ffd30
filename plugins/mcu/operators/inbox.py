"""The inbox as Airflow knows it: MCU_INBOX, a folder or the URL of one behind an Airflow connection."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncssh
from airflow.sdk import BaseHook, Connection, ObjectStoragePath
from airflow.sdk.io import attach, get_fs
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from mcu.landing.inbox import Inbox
from mcu.settings import Settings

asyncssh.set_log_level(logging.WARNING)  # a line a file and step, else
asyncssh.set_sftp_log_level(logging.WARNING)

# A server that went silent is given up after a minute, so that the task is retried.
SFTP = {"connect_timeout": 30, "login_timeout": 30, "keepalive_interval": 15, "keepalive_count_max": 3}


def inbox(settings: Settings) -> Inbox:
    """Where the exports arrive; raises what `location` does."""
    filesystem, root, name = location(settings)
    return Inbox(filesystem, root, name, settings)


def location(settings: Settings) -> tuple[AbstractFileSystem, str, str]:
    """The file system of the inbox, its root there and its name for people.

    Raises ValueError for a URL that names no connection, and what the file system raises if it cannot be reached.
    """
    if "://" not in settings.inbox:
        folder = str(Path(settings.inbox).expanduser().resolve())
        return LocalFileSystem(), folder, folder
    scheme, connection_id = _parts(settings.inbox)
    if scheme == "sftp":
        # Airflow's own way to this file system takes any server's key and stumbles over a name that is not UTF-8.
        options = _sftp_options(BaseHook.get_connection(connection_id))
        attach("sftp", connection_id, fs=get_fs("sftp", connection_id, options))
    path = ObjectStoragePath(settings.inbox)
    return path.fs, path.path, settings.inbox.rstrip("/")


def _parts(url: str) -> tuple[str, str]:
    """Scheme and connection id; the message repeats no password that stands there by mistake."""
    parts = urlsplit(url)
    connection_id = parts.netloc.rpartition("@")[0]
    if parts.scheme not in ("s3", "sftp") or not connection_id or ":" in connection_id:
        raise ValueError(
            "MCU_INBOX is a folder, s3://connection@bucket/folder or sftp://connection@/folder, "
            "with the id of an Airflow connection: address and password stand there."
        )
    return parts.scheme, connection_id


def _sftp_options(connection: Connection) -> dict[str, Any]:
    extra = connection.extra_dejson
    options: dict[str, Any] = {**SFTP, "sftp_client_kwargs": {"path_errors": "surrogateescape"}}
    if str(extra.get("no_host_key_check", "")).lower() == "true":
        return options
    if host_key := extra.get("host_key"):
        return {**options, "known_hosts": ([asyncssh.import_public_key(host_key)], [], [])}
    known_hosts = Path("~/.ssh/known_hosts").expanduser()
    if not known_hosts.exists():
        raise ValueError(
            f'The connection {connection.conn_id} has no "host_key" in its extra, and there is no {known_hosts}: '
            "any server could pretend to be this one. ssh-keyscan prints the key."
        )
    return {**options, "known_hosts": str(known_hosts)}
