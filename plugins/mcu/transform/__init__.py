"""From `raw` to the marts: dbt, the checks on what managers will read, the swap."""
