"""Days of a load count what was quarantined and repeated: the first warehouses have no columns for it.

`create table if not exists` passed over the table that they had. Their loads of then wrote no rows into it.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        alter table ops.load_day
        add column if not exists rows_quarantined bigint not null default 0,
        add column if not exists rows_repeated bigint not null default 0
    """)
