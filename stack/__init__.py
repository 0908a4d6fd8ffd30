"""The local stack: PostgreSQL, Airflow and a mail catcher on one machine, and the main job through them."""
