"""Alembic runs this for `mcu.migrations.upgrade`: on its connection, in its transaction, which it commits itself."""

from alembic import context

from mcu.migrations import VERSION_SCHEMA

context.configure(connection=context.config.attributes["connection"], version_table_schema=VERSION_SCHEMA)
context.run_migrations()
