"""Brings the tables that dbt does not build to the newest revision, by Alembic.

A revision is a file of versions/; how to write one: CONTRIBUTING.md, why so: docs/adr/0012-migrations-by-alembic.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2.extensions import connection as Connection
from sqlalchemy.pool import StaticPool

FOLDER = Path(__file__).parent  # with env.py and versions/
# Where Alembic notes the revision of the warehouse: ops.alembic_version.
VERSION_SCHEMA = "ops"

NEWER = """This warehouse is at revision {found} of its tables; this code knows them up to {newest} only. Newer code has
started on it: take that code again, or restore the backup from before it (docs/runbooks/workflow/upgrade.md). Nothing
was changed."""


class NewerWarehouseError(Exception):
    """The warehouse is at a revision that this code does not know. The text says which, and what to do."""


@contextmanager
def transaction(connection: Connection) -> Iterator[sqlalchemy.Connection]:
    """One transaction on `connection` for Alembic and for cursors of psycopg2 together. `connection` stays open."""
    # Taking it over, SQLAlchemy asks for the server's version and rolls back: nothing may be under way before.
    engine = sqlalchemy.create_engine("postgresql+psycopg2://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as shared:
        yield shared


def upgrade(shared: sqlalchemy.Connection) -> None:
    """Run the revisions that the warehouse does not have yet, in the caller's transaction and under the caller's lock.

    The schema `ops` has to be there. Raises NewerWarehouseError, and what a revision raises: roll back then.
    """
    config = Config(attributes={"connection": shared})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    found = set(MigrationContext.configure(shared, opts={"version_table_schema": VERSION_SCHEMA}).get_current_heads())
    if not found <= known:
        newest = scripts.get_current_head()
        raise NewerWarehouseError(NEWER.format(found=", ".join(sorted(found - known)), newest=newest))
    command.upgrade(config, "head")
