"""Exports of the source systems: bytes in, rows out. No Airflow, no database."""
