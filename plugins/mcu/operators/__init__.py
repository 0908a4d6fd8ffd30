"""Thin Airflow operators over the rest of the package."""
