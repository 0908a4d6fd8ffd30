"""The local stack as a whole: which ports, which inbox and which warehouse, remembered between commands."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from stack.environment import Ports, service_environment
from stack.paths import REPOSITORY, StackError
from stack.ports import free_port
from stack.postgres import OWNER, Cluster
from stack.secret import write_secret
from stack.services import background, services, start_services, stop_services, wait_until_well

USUAL_PORTS = Ports(postgres=54320, airflow=8080, smtp=1025, mail_page=1080)
SERVICE_OF_PORT = {"airflow": "api-server", "smtp": "mail", "mail_page": "mail"}
DEMO_DATABASE = "warehouse_demo"

# All that the stack makes in its state folder, whose other contents may be anybody's; but for the backups.
MADE_HERE = (
    "airflow", "archive", "cache", "data_docs", "dbt", "docs", "inbox", "inbox.new", "log", "mail", "postgres", "run",
    "secrets", "stack.lock",
)  # fmt: skip
# What the set-up and the tests make in `.local`; not the virtual environment, which takes long to make.
MADE_IN_REPOSITORY = ("e2e", "setup.lock", "test")


@dataclass(frozen=True)
class Choice:
    """What the stack was last started with. `own_warehouse`: a DSN that the user gave, else None."""

    ports: Ports
    inbox: Path
    own_warehouse: str | None


@dataclass(frozen=True)
class LocalStack:
    """The stack whose state lies in the folder `state`."""

    state: Path

    @property
    def demo_inbox(self) -> Path:
        return self.state / "inbox"

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.state / "postgres", self.state / "secrets")

    def choice(self) -> Choice:
        """Raises StackError when the stack was never started."""
        if not self._choice_file.exists():
            raise StackError("Nothing was set up yet. Begin with: make run")
        remembered = json.loads(self._choice_file.read_text())
        return Choice(Ports(**remembered["ports"]), Path(remembered["inbox"]), remembered["own_warehouse"])

    def start(self, inbox: Path, own_warehouse: str | None) -> list[str]:
        """Start PostgreSQL, make the databases, start the services; returns the names of what was not running.

        Does not wait for the services. Raises StackError when something cannot be started.
        """
        started = self.start_warehouse(inbox, own_warehouse)
        return started + start_services(self.state, self.choice().ports, self.environment())

    def start_warehouse(self, inbox: Path, own_warehouse: str | None) -> list[str]:
        """Start PostgreSQL alone and make the databases, without a schema; returns what was not running."""
        choice = Choice(self._ports(), inbox, own_warehouse)
        started = [] if self.cluster.pid() else ["postgres"]
        self.cluster.start(choice.ports.postgres)
        self.cluster.ensure_database("airflow", "airflow")
        if own_warehouse is None:
            self.cluster.ensure_database(self._database(inbox))
        remembered = {**asdict(choice), "inbox": str(inbox)}
        write_secret(self._choice_file, json.dumps(remembered, indent=1))
        return started

    def wait_until_well(self) -> None:
        """Return when every service is well; raises StackError when one is not."""
        wait_until_well(self.state, services(self.state, self.choice().ports))

    def stop(self) -> None:
        """Stop everything that runs, PostgreSQL last."""
        stop_services(self.state)
        self.cluster.stop()

    def clean(self) -> None:
        """Stop everything and remove what the stack made; the virtual environment and what others made stay.

        Raises StackError, and removes nothing, if another folder than `.local` was never started in.
        """
        self.stop()
        in_repository = self.state == REPOSITORY / ".local"
        if not in_repository and not self.cluster.was_made():
            raise StackError(f"{self.state} holds no state of this stack: nothing is removed.")
        for name in (*MADE_HERE, *(MADE_IN_REPOSITORY if in_repository else ())):
            path = self.state / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def warehouse_dsn(self, role: str = OWNER) -> str:
        """Of the warehouse that the stack was last started with, for `role`.

        Raises StackError when PostgreSQL does not run, and for another role than the owner of a user's own warehouse.
        """
        choice = self.choice()
        if choice.own_warehouse is None:
            return self.cluster.dsn(self._database(choice.inbox), role)
        if role != OWNER:
            raise StackError(
                "The warehouse is the one of WAREHOUSE_DSN: its other roles' passwords are not known here."
            )
        return choice.own_warehouse

    def environment(self) -> Mapping[str, str]:
        """What the stack sets for its services and for the tools that one calls beside them."""
        choice = self.choice()
        metadata_dsn = self.cluster.dsn("airflow", "airflow")
        return service_environment(self.state, choice.ports, metadata_dsn, self.warehouse_dsn(), choice.inbox)

    @property
    def _choice_file(self) -> Path:
        return self.state / "secrets" / "choice.json"

    def _ports(self) -> Ports:
        """The ports of what runs; else those of last time, else the usual ones, else any, whichever is free first."""
        last = self.choice().ports if self._choice_file.exists() else USUAL_PORTS
        chosen = {}
        for name in (field.name for field in fields(Ports)):
            if name == "postgres":
                runs = self.cluster.pid() is not None
            else:
                runs = background(self.state, SERVICE_OF_PORT[name]).find() is not None
            usual = [getattr(last, name), getattr(USUAL_PORTS, name)]
            chosen[name] = usual[0] if runs else free_port(usual)
        return Ports(**chosen)

    def _database(self, inbox: Path) -> str:
        return (
            DEMO_DATABASE if inbox == self.demo_inbox else f"warehouse_{hashlib.sha256(bytes(inbox)).hexdigest()[:8]}"
        )
