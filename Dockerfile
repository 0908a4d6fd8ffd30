# One image for every Airflow service. A private package index: --build-arg PIP_INDEX_URL=…
FROM python:3.12-slim-bookworm

ENV AIRFLOW_HOME=/opt/airflow \
    PYTHONPATH=/opt/airflow/plugins \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    DBT_SEND_ANONYMOUS_USAGE_STATS=false \
    GX_ANALYTICS_ENABLED=false

# Folders that become volumes belong to the user here: a new volume takes over the owner.
RUN useradd --uid 50000 --gid 0 --create-home airflow \
    && install -d -o airflow -g 0 /opt/airflow /opt/airflow/inbox /opt/airflow/logs /opt/airflow/secrets /opt/airflow/state
WORKDIR /opt/airflow

# Before the code: this layer changes only with the lock.
ARG PIP_INDEX_URL
RUN --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    --mount=type=cache,target=/root/.cache/pip \
    pip install --root-user-action=ignore -r /tmp/requirements.txt

COPY docker/demo.sh docker/healthcheck.py docker/make_secrets.py docker/make_users.py docker/
COPY plugins/ plugins/
COPY expectations/ expectations/
COPY dbt_project/ dbt_project/
COPY demo/ demo/
COPY dags/ dags/

USER 50000
