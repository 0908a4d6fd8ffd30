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

# Mart → the query whose rows are checked: the mart and what only a comparison within it can tell.
CHECKED_MARTS = {
    "rpt_weekly_region": """
        select
            week.*,
            extract(isodow from week.week_start)::integer as week_start_isodow,
            case
                when week.week_start = max(week.week_start) over (partition by week.source)
                    then week.received / nullif(usual.received, 0)
            end as received_to_median
        from marts_build.rpt_weekly_region as week
        left join (
            select source, percentile_cont(0.5) within group (order by received) as received
            from marts_build.rpt_weekly_region
            group by source
        ) as usual on week.source = usual.source
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


def check_marts(dsn: str, connection: Connection, state: Path) -> list[str]:
    """Check the built marts; every outcome goes to `ops.validation_result` and the Data Docs under `state`.

    Returns a line each critical expectation that failed, empty when the marts may be published.
    """
    checker = gate.Gate(dsn)
    failed = []
    for mart, query in CHECKED_MARTS.items():
        outcomes = checker.validate(EXPECTATIONS / f"{mart}.json", query, f"marts_build.{mart}")
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
