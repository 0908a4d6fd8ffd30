"""Exports that come by mail: workbooks attached to the systems' scheduled mails are put into the inbox."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile

from imap_tools import AND, BaseMailBox, MailMessage, MailMessageFlags

from mcu.landing.store import HIDDEN, Store, printable

log = logging.getLogger(__name__)

FOLDER = "mail"
MAX_MAIL = 64 << 20  # bytes; mail servers allow some tens of MiB
MAX_UNPACKED = 128 << 20  # bytes in an attached archive
MAX_NAME = 200  # bytes of UTF-8; file systems allow 255
UTF8_NAME = 0x800  # the flag of a zip's entry

# What a damaged or locked archive makes its reader raise.
DAMAGED = (BadZipFile, EOFError, LookupError, NotImplementedError, OSError, RuntimeError, ValueError)


class MailError(Exception):
    """A mail cannot be taken as it is; the message says why."""


@dataclass
class Collected:
    """What became of the unread mails: uris of new files, how many are of strangers, why some could not be taken."""

    saved: list[str] = field(default_factory=list)
    strangers: int = 0
    faults: list[str] = field(default_factory=list)


class MailDrop:
    """An open mailbox whose exports go into the inbox.

    `senders`: whose mails are taken, addresses or, from the @ on, domains. Mails of others stay as they are.
    """

    def __init__(self, mailbox: BaseMailBox, inbox: Store, senders: Sequence[str]) -> None:
        self._mailbox = mailbox
        self._inbox = inbox
        self._senders = [sender.strip().lower() for sender in senders]

    def collect(self) -> Collected:
        """Take every unread mail of a sender, oldest first; raises what mailbox and inbox raise.

        A mail is marked as read when its workbooks lie whole in the inbox: killed before that, it is taken again, into
        the same files. One that cannot be taken is starred, for a person to see, and not looked at any more.
        """
        collected = Collected()
        unread = AND(seen=False, flagged=False)
        uids = {uid for sender in self._senders for uid in self._mailbox.uids(AND(unread, from_=sender))}
        collected.strangers = len(self._mailbox.uids(unread)) - len(uids)
        for uid in sorted(uids, key=int):
            head = next(self._mailbox.fetch(uid_list=uid, mark_seen=False, headers_only=True))
            if not self._is_sender(head.from_):  # the server looks for an address anywhere in the line
                collected.strangers += 1
                continue
            try:
                collected.saved += self._take(head)
            except MailError as error:
                collected.faults.append(f"{printable(head.from_)}, {head.date}, «{printable(head.subject)}»: {error}")
                self._mailbox.flag(uid, MailMessageFlags.FLAGGED, True)
            else:
                self._mailbox.flag(uid, MailMessageFlags.SEEN, True)
        return collected

    def _is_sender(self, address: str) -> bool:
        address = address.strip().lower()
        return any(address == one or (one.startswith("@") and address.endswith(one)) for one in self._senders)

    def _take(self, head: MailMessage) -> list[str]:
        """Put the workbooks of a mail into the inbox; returns the uris of those that were not there."""
        if head.size_rfc822 > MAX_MAIL:
            raise MailError(f"it has {head.size_rfc822 >> 20} MiB, more than {MAX_MAIL >> 20}")
        saved = []
        for mail in self._mailbox.fetch(uid_list=str(head.uid), mark_seen=False):
            files = list(_workbooks(mail))
            for name, content in files:
                # By its content: the same export comes to lie in one place, another one of the same name beside it.
                uri = f"{FOLDER}/{hashlib.sha256(content).hexdigest()[:16]}/{name}"
                if self._inbox.save(uri, content):
                    saved.append(uri)
            log.info("«%s» of %s: %d workbooks", printable(mail.subject), printable(mail.from_), len(files))
        return saved


def _workbooks(mail: MailMessage) -> Iterator[tuple[str, bytes]]:
    """Name and content of the workbooks that are attached, also those in attached zips."""
    for attachment in mail.attachments:
        name = attachment.filename
        if name.lower().endswith(".xlsx"):
            yield file_name(name), attachment.payload
        elif name.lower().endswith(".zip"):
            try:
                yield from _unpacked(attachment.payload)
            except DAMAGED as error:
                raise MailError(f"the archive {printable(name)} cannot be unpacked ({error})") from error


def _unpacked(archive: bytes) -> Iterator[tuple[str, bytes]]:
    with ZipFile(io.BytesIO(archive)) as parts:
        members = [info for info in parts.infolist() if info.filename.lower().endswith(".xlsx")]
        if sum(info.file_size for info in members) > MAX_UNPACKED:
            raise MailError(f"the archive holds more than {MAX_UNPACKED >> 20} MiB")
        for info in members:
            # Without the flag a name is in a code page of DOS: the Russian one here, which Python takes for 437.
            is_utf8 = info.flag_bits & UTF8_NAME
            name = info.filename if is_utf8 else info.filename.encode("cp437").decode("cp866")
            yield file_name(name), parts.read(info)


def file_name(name: str) -> str:
    """A name that any file system takes, in the folder where it is put, and that the inbox does not pass over."""
    name = PurePosixPath(name.replace("\\", "/")).name
    name = "".join(char if char.isprintable() and char not in '<>:"|?*' else "_" for char in name)
    stem = name[: -len(".xlsx")].strip()
    if stem.startswith(HIDDEN) or not stem:
        stem = f"_{stem}"
    return stem.encode()[:MAX_NAME].decode(errors="ignore") + ".xlsx"
