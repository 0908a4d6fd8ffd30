"""What was made of what, as OpenLineage tells it: datasets of a step, events of dbt, the way out. No Airflow."""
