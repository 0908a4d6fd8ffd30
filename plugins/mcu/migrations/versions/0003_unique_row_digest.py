"""A digest is of one row: the first warehouses have an index of it that lets it stand twice.

`create unique index if not exists` passed over an index of that name, whatever it was.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # A row without a digest is read and checked once more with its next export, and gets one.
    op.execute("""
        do $$
        begin
            if (select indisunique from pg_index where indexrelid = 'raw.last_seen_row_digest_idx'::regclass) then
                return;
            end if;
            update raw.last_seen set row_digest = null
            where row_digest in (select row_digest from raw.last_seen group by row_digest having count(*) > 1);
            drop index raw.last_seen_row_digest_idx;
            create unique index last_seen_row_digest_idx on raw.last_seen (row_digest);
        end $$
    """)
