"""A mail server on loopback that treats each recipient as told, and remembers every mail it read to its end."""

from __future__ import annotations

import smtplib
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from typing import Literal, cast

Behaviour = Literal[
    "greylist",  # 450 to the first RCPT, takes the second
    "hang at RCPT",
    "hang at DATA",
    "hang after text",  # reads the whole mail, then says nothing any more
    "refuse DATA",  # 554 to DATA
    "refuse",  # 550 to RCPT
    "later",  # 451 to RCPT
    "drop at RCPT",
    "drop at DATA",
    "drop after text",  # reads the whole mail, then closes without an answer
    "refuse text",  # 554 to the text
    "later text",  # 452 to the text
    "take otherwise",  # 251 to the text
    "babble",  # takes the text, and answers with no code
    "odd code",  # takes the text, and answers with 354
]
# Where a whole session hangs, whoever the mail is for; NOOP comes between two mails.
Step = Literal["connect", "EHLO", "MAIL", "NOOP"]
HANG_SECONDS = 60  # at most: a client that waits longer than this sees the session end

RCPT_REPLIES: dict[Behaviour | None, str] = {"refuse": "550 5.1.1 no such user", "later": "451 4.7.1 later"}
TEXT_REPLIES: dict[Behaviour | None, str] = {
    "refuse text": "554 5.7.1 looks like spam",
    "later text": "452 4.3.1 disk full",
    "take otherwise": "251 taken, will forward",
    "babble": "taken, with thanks",
    "odd code": "354 taken",
}
NOT_TAKEN = {"refuse text", "later text"}


@dataclass
class MailServer:
    """`behaviours` by recipient, everybody else is accepted; `accepted` and `read` are (recipient, mail).

    `hangs`: by number of the session from 1, 0 for all, the step at which it says nothing any more. `timeout` is
    that of the clients, in seconds.
    """

    port: int = 0
    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    accepted: list[tuple[str, EmailMessage]] = field(default_factory=list)
    read: list[tuple[str, EmailMessage]] = field(default_factory=list)
    sessions: int = 0
    mails_a_session: int = 1000
    reply_to_mail: str = "250 ok"
    hangs: Mapping[int, Step] = field(default_factory=dict)
    timeout: float = 10
    greylisted: set[str] = field(default_factory=set)
    is_closing: threading.Event = field(default_factory=threading.Event)

    def open_session(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.port, timeout=self.timeout)

    def recipients(self) -> list[str]:
        """Who got a mail, once for each mail."""
        return [recipient for recipient, _ in self.accepted]


@contextmanager
def running() -> Iterator[MailServer]:
    mail_server = MailServer()
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.mail_server = mail_server
        mail_server.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield mail_server
        mail_server.is_closing.set()
        server.shutdown()
        thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mail_server: MailServer


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast(_Server, self.server).mail_server
        server.sessions += 1
        hangs_at = server.hangs.get(server.sessions) or server.hangs.get(0)
        if hangs_at == "connect":
            self._hang()
            return
        self._recipient, self._mails = "", 0
        self._say("220 loopback")
        while line := self.rfile.readline():
            command = line.decode().strip()
            if command[:4].upper() == hangs_at:
                self._hang()
                return
            if not self._answer(server, command):
                return

    def _answer(self, server: MailServer, command: str) -> bool:
        """Whether the session goes on."""
        match command[:4].upper():
            case "MAIL":
                self._say(server.reply_to_mail)
            case "RCPT":
                self._recipient = command.partition("<")[2].rstrip(">")
                return self._name(server, self._recipient)
            case "DATA":
                self._mails += 1
                goes_on = self._take(server, self._recipient, server.behaviours.get(self._recipient))
                return goes_on and self._mails < server.mails_a_session
            case "QUIT":
                self._say("221 bye")
                return False
            case _:
                self._say("250 ok")
        return True

    def _hang(self) -> None:
        cast(_Server, self.server).mail_server.is_closing.wait(HANG_SECONDS)

    def _name(self, server: MailServer, recipient: str) -> bool:
        """Answer to RCPT; whether the session goes on."""
        behaviour = server.behaviours.get(recipient)
        if behaviour == "drop at RCPT":
            return False
        if behaviour == "hang at RCPT":
            self._hang()
            return False
        if behaviour == "greylist" and recipient not in server.greylisted:
            server.greylisted.add(recipient)
            self._say("450 4.2.0 greylisted, come again")
        else:
            self._say(RCPT_REPLIES.get(behaviour, "250 ok"))
        return True

    def _take(self, server: MailServer, recipient: str, behaviour: Behaviour | None) -> bool:
        """Whether the session goes on."""
        if behaviour == "refuse DATA":
            self._say("554 5.5.1 not from you")
            return True
        if behaviour == "hang at DATA":
            self._hang()
        if behaviour in ("drop at DATA", "hang at DATA"):
            return False
        self._say("354 go on")
        mail = self._read_mail()
        if mail is None:
            return False
        server.read.append((recipient, mail))
        if behaviour == "hang after text":
            self._hang()
        if behaviour in ("drop after text", "hang after text"):
            return False
        # Before the answer: the test goes on once it has it.
        if behaviour not in NOT_TAKEN:
            server.accepted.append((recipient, mail))
        self._say(TEXT_REPLIES.get(behaviour, "250 taken"))
        return True

    def _read_mail(self) -> EmailMessage | None:
        """None if the client left in its middle."""
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return None
            lines.append(line[1:] if line.startswith(b".") else line)
        return BytesParser(_class=EmailMessage, policy=SMTP).parsebytes(b"".join(lines))

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())
