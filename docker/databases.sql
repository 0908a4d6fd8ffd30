-- First start of an empty server: a database with an owner of its own for Airflow and for the warehouse.
\getenv airflow_password AIRFLOW_DB_PASSWORD
\getenv warehouse_password WAREHOUSE_DB_PASSWORD

create role airflow login password :'airflow_password';
create database airflow owner airflow;

-- createrole: the warehouse's schema makes the roles of its readers
create role warehouse login createrole password :'warehouse_password';
create database warehouse owner warehouse;
