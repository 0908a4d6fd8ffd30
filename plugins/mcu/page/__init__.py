"""The page in Airflow's web interface: what is well and what is not, and the reports that went out."""
