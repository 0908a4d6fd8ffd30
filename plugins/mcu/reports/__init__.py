"""Reports by mail: query → edition → render → deliver. No Airflow in here."""
