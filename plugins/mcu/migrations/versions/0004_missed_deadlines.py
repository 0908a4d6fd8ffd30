"""Runs that passed their deadline, as Airflow told of them: docs/watching.md.

Commits between this revision and the one before it made the table without one.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        create table if not exists ops.missed_deadline (
            dag_id text not null,
            run_id text not null,
            deadline_at timestamptz not null,
            primary key (dag_id, run_id)
        );
        comment on table ops.missed_deadline is
        'Runs of DAGs that passed their deadline and go on, as Airflow told of them.';
    """)
