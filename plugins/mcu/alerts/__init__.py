"""Alerts to engineers: causes → ops.alert → one message → mail and webhook. No Airflow in here."""
