"""A mail server on loopback that is not ours (aiosmtpd): what it accepted, with TLS and AUTH where wanted."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as POLICY
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from stack.ports import free_port

LOGIN, PASSWORD = "reports", "a secret & a half"


@dataclass
class RealServer:
    """`accepted`: (recipient, mail); `logins`: what was tried; `is_tls`: of each accepted mail's session."""

    port: int = 0
    accepted: list[tuple[str, EmailMessage]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    is_tls: list[bool] = field(default_factory=list)
    open_sessions: set[SMTP] = field(default_factory=set)

    def recipients(self) -> list[str]:
        """Who got a mail, once for each mail."""
        return [recipient for recipient, _ in self.accepted]

    def wait_until_left(self) -> None:
        """Return when it has noticed that every client is gone: then it accepts nothing more of theirs."""
        end = time.monotonic() + 60
        while self.open_sessions:
            assert time.monotonic() < end
            time.sleep(0.005)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd calls it with a whole text, before it answers."""
        assert isinstance(envelope.content, bytes)
        mail = BytesParser(_class=EmailMessage, policy=POLICY).parsebytes(envelope.content)
        self.accepted += [(recipient, mail) for recipient in envelope.rcpt_tos]
        assert server.transport is not None
        self.is_tls.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """One login with one password."""
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        is_right = (data.login, data.password) == (LOGIN.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)


class _Session(SMTP):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.open_sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.event_handler.open_sessions.discard(self)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Session(self.handler, **self.SMTP_kwargs)


@contextmanager
def running(
    *, starttls: ssl.SSLContext | None = None, implicit_tls: ssl.SSLContext | None = None, needs_login: bool = False
) -> Iterator[RealServer]:
    real = RealServer(free_port())
    controller = _Controller(
        real,
        hostname="127.0.0.1",
        port=real.port,
        ssl_context=implicit_tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        auth_required=needs_login,
        auth_require_tls=implicit_tls is None,  # it does not see that TLS is there from the first byte
        authenticator=real.authenticate if needs_login else None,
        timeout=60,
    )
    controller.start()
    try:
        yield real
    finally:
        controller.stop()
