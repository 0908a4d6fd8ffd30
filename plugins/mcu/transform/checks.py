"""Great Expectations on what managers will read: the weekly marts as they lie in `marts_build`, before they are
published. A critical expectation that fails stops the build, and with it the report."""

from __future__ import annotations

import logging
from pathlib import Path

from psycopg2.extensions import connection as Connection

from mcu.quality import docs, gate
from mcu.settings import PROJECT

log = logging.getLogger(__name__)

EXPECTATIONS = PROJECT / "expectations"

# Mart → the query whose rows are checked: what has been built of the mart and what only a comparison can tell.
CHECKED_MARTS = {
    "rpt_weekly_region": """
        select
            week.*,
            extract(isodow from week.week_start)::integer as week_start_isodow,
            case
                when week.week_start = newest.week_start then week.received / nullif(newest.usual_received, 0)
            end as received_to_median
        from marts_build.rpt_weekly_region as week
        left join (
            select
                source, max(week_start) as week_start,
                percentile_cont(0.5) within group (order by received) as usual_received
            from ({weeks_now}) as region_now
            group by source
        ) as newest on week.source = newest.source
    """,
    "rpt_weekly_municipality": """
        select
            *,
            extract(isodow from week_start)::integer as week_start_isodow,
            count(*) over (partition by week_start, source) as municipalities_of_week,
            (select count(*) from marts_build.dim_municipality) as municipalities_known
        from marts_build.rpt_weekly_municipality
    """,
}

BUILT_WEEKS = "select week_start, source, received from marts_build.rpt_weekly_region"
# A week is compared with those that a delta leaves as they are, too.
KEPT_WEEKS = f"""
    union all
    select week_start, source, received from marts.rpt_weekly_region
    where (week_start, source) not in (select week_start, source from ({BUILT_WEEKS}) as built)
"""


def query(mart: str, is_delta: bool = False) -> str:
    """The query whose rows are checked of a mart."""
    return CHECKED_MARTS[mart].format(weeks_now=BUILT_WEEKS + KEPT_WEEKS * is_delta)


def check_marts(dsn: str, connection: Connection, state: Path, is_delta: bool = False) -> list[str]:
    """Check the built marts; every outcome goes to `ops.validation_result` and the Data Docs under `state`.

    A delta that touches no week has nothing to be checked. Returns a line each critical expectation that failed, empty
    when the marts may be published.
    """
    if is_delta and not _has_rows(connection, "marts_build.rpt_weekly_region"):
        return []
    checker = gate.Gate(dsn)
    failed = []
    for mart in CHECKED_MARTS:
        outcomes = checker.validate(EXPECTATIONS / f"{mart}.json", query(mart, is_delta), f"marts_build.{mart}")
        with connection:
            gate.record(connection, outcomes)
        for outcome in outcomes:
            if not outcome.is_passed:
                line = f"{mart}: {outcome.sentence} ({outcome.rows_failed} rows)"
                log.warning(line)
                if outcome.severity == gate.CRITICAL:
                    failed.append(line)
    docs.publish(checker.results, state / "data_docs")
    return failed


def _has_rows(connection: Connection, table: str) -> bool:
    with connection, connection.cursor() as cursor:
        cursor.execute(f"select exists (select from {table})")
        ((has_rows,),) = cursor.fetchall()
        return bool(has_rows)
