"""Real servers on the loopback: S3, SFTP, IMAP, Redis, a line that breaks; each for as long as a `with` lasts."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncssh
import boto3
from imap_tools import MailBoxUnencrypted
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler

from stack.ports import free_port

LOGIN, PASSWORD = "reader", "secret"
HOST = "127.0.0.1"


class S3Server:
    """An S3 server; `reset` makes an empty bucket `exports`. `requests`: method and path of each that came."""

    def __init__(self, endpoint: str, requests: list[str]) -> None:
        self.endpoint = endpoint
        self.requests = requests
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=LOGIN,
            aws_secret_access_key=PASSWORD,
            region_name="us-east-1",
        )

    def reset(self) -> None:
        """Forget everything that it was given and asked."""
        s3_backends.reset()
        self.client.create_bucket(Bucket="exports")
        self.requests.clear()

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket="exports", Key=key, Body=content)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """An S3 server. What it holds is the process's: an earlier one's, before `reset`."""
    requests: list[str] = []

    def note(handler: WSGIRequestHandler, *_: object) -> None:
        requests.append(f"{handler.command} {handler.path}")

    server = ThreadedMotoServer(HOST, 0, verbose=False)
    with patch.object(WSGIRequestHandler, "log_request", note):
        server.start()
        try:
            _, port = server.get_host_and_port()
            yield S3Server(f"http://{HOST}:{port}", requests)
        finally:
            server.stop()


class SftpServer:
    """An SFTP server over one folder. `host_key`: as clients name it, type and base64."""

    def __init__(self, port: int, host_key: str) -> None:
        self.port = port
        self.host_key = host_key


@contextmanager
def sftp_server(folder: Path) -> Iterator[SftpServer]:
    """An SFTP server that shows `folder` as its root."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    connections: list[asyncssh.SSHServerConnection] = []

    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (LOGIN, PASSWORD)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            HOST,
            0,
            server_factory=Door,
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(folder)),
        )

    async def hang_up() -> None:
        acceptor.close()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        yield SftpServer(acceptor.get_port(), key.export_public_key().decode().strip())
    finally:
        asyncio.run_coroutine_threadsafe(hang_up(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def imap_server() -> Iterator[int]:
    """The port of an IMAP server with an empty mailbox of LOGIN."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", HOST, "--port", str(port), "--no-tls", "dict"]
    server = subprocess.Popen([*command, "--demo-user", LOGIN, "--demo-password", PASSWORD])
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def redis_server(program: str) -> Iterator[int]:
    """The port of an empty Redis, or what speaks like it, that keeps nothing on disk. `program`: its server."""
    port = free_port()
    server = subprocess.Popen([program, "--bind", HOST, "--port", str(port), "--save", "", "--loglevel", "warning"])
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def open_mailbox(port: int) -> MailBoxUnencrypted:
    mailbox = MailBoxUnencrypted(HOST, port, timeout=10)
    mailbox.login(LOGIN, PASSWORD)
    return mailbox


class BreakingLine:
    """A line to a server that breaks for good when `after` bytes have come back through it. `port`: of its near end."""

    def __init__(self, port: int, after: int) -> None:
        self._far_port = port
        self._left = after
        self._sockets = [socket.create_server((HOST, 0))]
        self.port = int(self._sockets[0].getsockname()[1])
        threading.Thread(target=self._accept, args=self._sockets, daemon=True).start()

    def close(self) -> None:
        for one in self._sockets:
            with suppress(OSError):  # closed already
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = door.accept()
                far = socket.create_connection((HOST, self._far_port))
                self._sockets += [near, far]
                threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_back: bool) -> None:
        with suppress(OSError):
            while content := source.recv(1024):
                self._left -= len(content) * is_back
                if self._left < 0:
                    self.close()
                    return
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
