"""Real servers on the loopback: S3, SFTP and IMAP, each for as long as a `with` lasts."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import boto3
from imap_tools import MailBoxUnencrypted
from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler

from stack.ports import free_port

LOGIN, PASSWORD = "reader", "secret"
HOST = "127.0.0.1"


class S3Server:
    """An S3 server with an empty bucket `exports`. `requests`: method and path of each that came."""

    connection_type = "aws"

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
        self.client.create_bucket(Bucket="exports")

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket="exports", Key=key, Body=content)


@contextmanager
def s3_server(monkeypatch: Any) -> Iterator[S3Server]:
    """An S3 server; its buckets are those of the process, and emptied at the end."""
    requests: list[str] = []

    def note(handler: WSGIRequestHandler, *_: object) -> None:
        requests.append(f"{handler.command} {handler.path}")

    monkeypatch.setattr(WSGIRequestHandler, "log_request", note)
    server = ThreadedMotoServer(HOST, 0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        yield S3Server(f"http://{HOST}:{port}", requests)
    finally:
        server.stop()


class SftpServer:
    """An SFTP server over one folder. `host_key`: as the `known_hosts` of a client has it."""

    def __init__(self, port: int, host_key: str) -> None:
        self.port = port
        self.host_key = host_key
        self.requests: list[str] = []


@contextmanager
def sftp_server(folder: Path, handler: type[asyncssh.SFTPServer] = asyncssh.SFTPServer) -> Iterator[SftpServer]:
    """An SFTP server that shows `folder` as its root; `handler` answers the requests."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    class Door(asyncssh.SSHServer):
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
            sftp_factory=lambda channel: handler(channel, chroot=bytes(folder)),
        )

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        yield SftpServer(acceptor.get_port(), key.export_public_key().decode().strip())
    finally:
        acceptor.close()
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


def open_mailbox(port: int) -> MailBoxUnencrypted:
    mailbox = MailBoxUnencrypted(HOST, port, timeout=10)
    mailbox.login(LOGIN, PASSWORD)
    return mailbox


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
