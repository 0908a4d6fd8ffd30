"""TLS, login and the other fields of the Airflow connection `smtp_default`, against a mail server that is not ours."""

from __future__ import annotations

import base64
import json
import logging
import ssl
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg2.extensions import connection as Connection

from stack.ports import free_port
from tests.integration.reports import real_smtp
from tests.integration.reports.real_smtp import LOGIN, PASSWORD, RealServer
from tests.integration.reports.test_delivery import states
from tests.integration.reports.test_report_operators import connections, deliver, two

__all__ = ["connections", "two"]  # fixtures
pytestmark = [
    pytest.mark.postgres,
    # It does not count TLS from the first byte.
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

STARTTLS: dict[str, Any] = {"disable_ssl": True}
IMPLICIT_TLS: dict[str, Any] = {"disable_tls": True}
IN_THE_CLEAR = STARTTLS | IMPLICIT_TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, signed by nobody else; with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@contextmanager
def server(extra: dict[str, Any], certificate: Path) -> Iterator[RealServer]:
    """One that wants a login and the TLS that `extra` speaks."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    starttls, implicit = (context, None) if extra.get("disable_ssl") else (None, context)
    with real_smtp.running(starttls=starttls, implicit_tls=implicit, needs_login=True) as real:
        yield real


def connect(monkeypatch: pytest.MonkeyPatch, port: int, password: str = PASSWORD, **extra: Any) -> None:
    """Set `smtp_default`."""
    fields = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "login": LOGIN, "password": password}
    settings = {"from_email": "ЦУР <reports@mcu.example>", "timeout": 5} | extra
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(fields | {"extra": settings}))


@pytest.mark.parametrize("extra", [STARTTLS, IMPLICIT_TLS], ids=["STARTTLS", "TLS from the first byte"])
@pytest.mark.usefixtures("is_trusted")
def test_mails_go_over_tls_after_a_login(
    two: Connection, certificate: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any]
) -> None:
    with server(extra, certificate) as real:
        connect(monkeypatch, real.port, **extra)
        assert deliver()["sent"] == 2
    assert sorted(real.recipients()) == ["a@mcu.example", "b@mcu.example"]
    assert (real.logins, real.is_tls) == ([LOGIN], [True, True])


@pytest.mark.parametrize("extra", [STARTTLS, IMPLICIT_TLS], ids=["STARTTLS", "TLS from the first byte"])
def test_certificate_that_nobody_vouches_for_gets_neither_password_nor_mail(
    two: Connection, certificate: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any]
) -> None:
    with server(extra, certificate) as real:
        connect(monkeypatch, real.port, **extra)
        with pytest.raises(AirflowException, match=r"connection smtp_default, .*CERTIFICATE_VERIFY_FAILED"):
            deliver()
        assert (real.accepted, real.logins, set(states(two).values())) == ([], [], {"planned"})

        connect(monkeypatch, real.port, **extra, ssl_context="none")
        assert deliver()["sent"] == 2


def test_server_without_starttls_gets_neither_password_nor_mail(
    two: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real_smtp.running() as real:
        connect(monkeypatch, real.port, **STARTTLS)
        with pytest.raises(AirflowException, match="STARTTLS"):
            deliver()
    assert (real.accepted, real.logins) == ([], [])


@pytest.mark.usefixtures("is_trusted")
def test_wrong_password_leaves_mails_planned_and_says_so_without_the_password(
    two: Connection, certificate: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "a wrong one"
    with server(STARTTLS, certificate) as real:
        connect(monkeypatch, real.port, wrong, **STARTTLS)
        with pytest.raises(AirflowException, match=r"connection smtp_default fails: 535 5\.7\.8 Auth") as error:
            deliver()
        assert not isinstance(error.value, AirflowFailException), "somebody may set it right meanwhile"
        assert (real.accepted, states(two)) == ([], dict.fromkeys(["a@mcu.example", "b@mcu.example"], "planned"))
        assert set(real.logins) == {LOGIN}
        assert len(real.logins) <= 2, "once by each mechanism, not once for each recipient"
        told = caplog.text + "".join(traceback.format_exception(error.value))
        for secret in (wrong, base64.b64encode(wrong.encode()).decode(), _plain(wrong)):
            assert secret not in told

        connect(monkeypatch, real.port, **STARTTLS)
        assert deliver()["sent"] == 2


def _plain(password: str) -> str:
    return base64.b64encode(f"\0{LOGIN}\0{password}".encode()).decode()


@pytest.mark.usefixtures("is_trusted")
def test_password_that_smtp_cannot_carry_is_not_shown(
    two: Connection, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server(STARTTLS, certificate) as real:
        connect(monkeypatch, real.port, "пароль", **STARTTLS)
        with pytest.raises(AirflowFailException, match="connection smtp_default must be ASCII") as error:
            deliver()
    assert "пароль" not in "".join(traceback.format_exception(error.value))
    assert set(states(two).values()) == {"planned"}


def test_server_that_is_not_there_leaves_mails_planned(two: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, free_port(), **IN_THE_CLEAR)
    with pytest.raises(AirflowException, match=r"connection smtp_default, .*refused"):
        deliver()
    assert set(states(two).values()) == {"planned"}


def test_reply_to_and_list_unsubscribe_come_from_the_connection(
    two: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real_smtp.running() as real:
        connect(monkeypatch, real.port, "", **IN_THE_CLEAR, reply_to="Отдел отчётов <otdel@mcu.example>")
        deliver()
    for _, mail in real.accepted:
        assert mail["From"] == "ЦУР <reports@mcu.example>"
        assert mail["Reply-To"] == "Отдел отчётов <otdel@mcu.example>"
        assert mail["List-Unsubscribe"].startswith("<mailto:otdel@mcu.example?subject=%D0%9E")
        assert mail["List-Unsubscribe"].endswith("weekly%2C%20oblast>")


def test_mails_a_minute_are_kept_to(two: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    with two, two.cursor() as cursor:
        cursor.execute(
            "insert into ops.report_subscription (recipient, report, scope)"
            " select format('c%s@mcu.example', n), 'weekly', 'oblast' from generate_series(1, 3) as n"
        )
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with real_smtp.running() as real:
        connect(monkeypatch, real.port, "", **IN_THE_CLEAR, mails_per_minute=6)
        deliver()
    assert len(real.accepted) == 5
    assert waits[0] == 0
    # Nobody slept here, so each turn waits for what is left of ten seconds.
    assert all(5 < wait <= 10 for wait in waits[1:5]), waits


def test_server_that_hangs_is_waited_for_as_long_as_the_connection_says(
    two: Connection, mail_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_server.hangs = {0: "connect"}
    connect(monkeypatch, mail_server.port, "", **IN_THE_CLEAR | {"timeout": 1})
    began = time.monotonic()
    with pytest.raises(AirflowException, match="timed out"):
        deliver()
    assert 2 <= time.monotonic() - began < 20
    assert mail_server.sessions == 2, "one for each of the two, the hook's own retries are off"
