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
RCPT_REPLIES: dict[Behaviour | None, str] = {"refuse": "550 5.1.1 no such user", "later": "451 4.7.1 greylisted"}
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
    """`behaviours` by recipient, everybody else is accepted; `accepted` and `read` are (recipient, mail)."""

    port: int = 0
    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    accepted: list[tuple[str, EmailMessage]] = field(default_factory=list)
    read: list[tuple[str, EmailMessage]] = field(default_factory=list)
    sessions: int = 0
    mails_a_session: int = 1000
    reply_to_mail: str = "250 ok"

    def open_session(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.port, timeout=10)

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
        recipient, mails = "", 0
        self._say("220 loopback")
        while line := self.rfile.readline():
            command = line.decode().strip()
            verb = command[:4].upper()
            behaviour = server.behaviours.get(recipient)
            if verb == "MAIL":
                self._say(server.reply_to_mail)
            elif verb == "RCPT":
                recipient = command.partition("<")[2].rstrip(">")
                behaviour = server.behaviours.get(recipient)
                if behaviour == "drop at RCPT":
                    return
                self._say(RCPT_REPLIES.get(behaviour, "250 ok"))
            elif verb == "DATA" and behaviour == "refuse DATA":
                self._say("554 5.5.1 not from you")
            elif verb == "DATA":
                mails += 1
                if not self._take(server, recipient, behaviour) or mails == server.mails_a_session:
                    return
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self, server: MailServer, recipient: str, behaviour: Behaviour | None) -> bool:
        """Whether the session goes on."""
        if behaviour == "drop at DATA":
            return False
        self._say("354 go on")
        mail = self._read_mail()
        server.read.append((recipient, mail))
        if behaviour == "drop after text":
            return False
        # Before the answer: the test goes on once it has it.
        if behaviour not in NOT_TAKEN:
            server.accepted.append((recipient, mail))
        self._say(TEXT_REPLIES.get(behaviour, "250 taken"))
        return True

    def _read_mail(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        return BytesParser(_class=EmailMessage, policy=SMTP).parsebytes(b"".join(lines))

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())
