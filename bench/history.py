"""A history of messages in `raw`, as the loader would have left it: PER_DAY messages a day, back from LAST_DAY. The
newest messages are the same however long the history is. Made in the database, set by set: no file, no loader."""

from __future__ import annotations

import csv
import datetime as dt

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from mcu.settings import FIRST_YEAR, PROJECT

PER_DAY = 4_000
LAST_DAY = dt.date(2026, 11, 21)  # a Saturday: the news of the next night end a week
MOST = PER_DAY * ((LAST_DAY - dt.date(FIRST_YEAR, 1, 1)).days + 1)
DAYS_AT_ONCE = 50
AUTHORITIES = 200

# Of a message number: 0 is the newest one. Everything about it follows from the number.
MESSAGES = """
    create or replace function stage.bench_random(number bigint, what integer, below bigint) returns bigint
    language sql immutable parallel safe as $$
        select abs(hashint8extended(number, what) % below)
    $$;

    create or replace function stage.bench_message(first_number bigint, last_number bigint)
    returns table (
        number bigint, source text, created_at timestamp, answered_at timestamp, minutes bigint, place integer,
        topic integer, authority integer, rating integer
    )
    language sql stable parallel safe as $$
        select
            number,
            case when stage.bench_random(number, 1, 10) < 4 then 'pos' else 'incident' end,
            created_at,
            case
                when stage.bench_random(number, 2, 500) = 0 then null  -- never
                when stage.bench_random(number, 1, 10) < 4
                    then created_at + stage.bench_random(number, 3, 33) * interval '1 day'
                else created_at + stage.bench_random(number, 3, 100000) * interval '1 second'
            end,
            stage.bench_random(number, 4, 600),
            (stage.bench_random(number, 5, 60) % (select count(*) from stage.bench_place))::integer,
            (stage.bench_random(number, 6, 1000000) % (select count(*) from stage.bench_topic))::integer,
            stage.bench_random(number, 7, 200)::integer,
            case when stage.bench_random(number, 8, 3) = 0 then 1 + stage.bench_random(number, 9, 5)::integer end
        from (
            select
                number,
                date '{last_day}' - floor(number / {per_day}.0)::integer
                + stage.bench_random(number, 0, 86400) * interval '1 second' as created_at
            from generate_series(first_number, last_number) as number
        ) as message
        offset 0  -- each is made once, not in every place that it is used in
    $$
"""

# One version of a message as of `exported_at`: an answer that comes later is not in it yet.
VERSIONS = {
    "pos": """
        insert into raw.pos_message (
            source_key, content_hash, exported_at, load_id, row_number, category, subcategory, org_received,
            org_current, received_date, planned_date, completed_date, stage, status, is_fast_track, rating,
            is_reconsidered
        )
        select
            (1000000000 - message.number)::text,
            md5(message.number::text || coalesce(shown.answered_at::text, '') || '{salt}'),
            load.exported_at, load.load_id, 1, topic.topic_group, topic.topic,
            'Администрация: ' || place.name, 'Администрация: ' || place.name,
            to_char(message.created_at, 'DD.MM.YYYY'),
            to_char(message.created_at + interval '30 days', 'DD.MM.YYYY'),
            to_char(shown.answered_at, 'DD.MM.YYYY'),
            case when shown.answered_at is null then 'Исполнение' else 'Завершено' end,
            case when shown.answered_at is null then 'В работе' else 'Отправлен ответ заявителю' end,
            'Нет', case when shown.answered_at is not null then message.rating::text end, 'Нет'
        {shown}
    """,
    "incident": """
        insert into raw.incident (
            source_key, content_hash, exported_at, load_id, row_number, department, executor, first_answer_at,
            first_answer_elapsed_working, last_assigned_at, created_at, closed_at, topic_group, topic, region,
            municipality, post_url, closing_reason, satisfaction_step_at, author_url, message_text
        )
        select
            (1000000000 - message.number)::text,
            md5(message.number::text || coalesce(shown.answered_at::text, '') || '{salt}'),
            load.exported_at, load.load_id, 1, 'Отдел ' || message.authority, 'Исполнитель ' || message.authority,
            to_char(shown.answered_at, 'YYYY-MM-DD HH24:MI:SS'),
            case
                when shown.answered_at is not null
                    then to_char(make_interval(mins => message.minutes::integer), 'HH24:MI:SS.MS')
            end,
            to_char(message.created_at, 'YYYY-MM-DD HH24:MI:SS'), to_char(message.created_at, 'YYYY-MM-DD HH24:MI:SS'),
            to_char(shown.answered_at, 'YYYY-MM-DD HH24:MI:SS'), topic.topic_group, topic.topic, 'Ростовская область',
            place.name, 'https://vk.com/wall-' || message.number,
            case when shown.answered_at is not null then message.rating::text end,
            to_char(shown.answered_at, 'YYYY-MM-DD HH24:MI:SS'), 'https://vk.com/id' || message.number,
            'Текст сообщения'
        {shown}
    """,
}

# The first export of a message is that of its day, the second one that of the day of its answer.
SHOWN_IN_HISTORY = """
    from message
    cross join lateral (
        select
            created_at::date as day,
            case when answered_at::date = created_at::date then answered_at end as answered_at
        union all
        select answered_at::date as day, answered_at
        where answered_at::date > created_at::date and answered_at::date <= date '{last_day}'
    ) as shown
    join ops.load
        on load.source = message.source
        and load.exported_at = (shown.day + 1)::timestamp at time zone 'Europe/Moscow'
    join stage.bench_topic as topic on topic.number = message.topic
    join stage.bench_place as place on place.number = message.place
    where message.source = '{source}'
"""


SHOWN_IN_NEWS = """
    from message
    cross join lateral (select message.answered_at) as shown
    join ops.load on load.source = message.source and load.uri = '{name}'
    join stage.bench_topic as topic on topic.number = message.topic
    join stage.bench_place as place on place.number = message.place
    where message.source = '{source}'
"""


def make(connection: Connection, messages: int) -> None:
    """Fill an empty warehouse with `messages` (at most MOST) and analyze it."""
    first_day = LAST_DAY - dt.timedelta(days=(messages - 1) // PER_DAY)
    with connection, connection.cursor() as cursor:
        _lists(cursor)
        cursor.execute(MESSAGES.format(last_day=LAST_DAY, per_day=PER_DAY))
        _loads(cursor, first_day)
        for table in ("pos_message", "incident"):
            cursor.execute(f"alter table raw.{table} drop constraint {table}_pkey")
            cursor.execute(f"drop index raw.{table}_load_id_idx")
        cursor.execute("drop index raw.last_seen_row_digest_idx")
    for first in range(0, messages, PER_DAY * DAYS_AT_ONCE):
        last = min(first + PER_DAY * DAYS_AT_ONCE, messages) - 1
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "create temporary table message on commit drop as select * from stage.bench_message(%s, %s)",
                (first, last),
            )
            cursor.execute("analyze message")
            for source, insert in VERSIONS.items():
                shown = SHOWN_IN_HISTORY.format(last_day=LAST_DAY, source=source)
                cursor.execute(insert.format(shown=shown, salt=""))
    with connection, connection.cursor() as cursor:
        cursor.execute("set maintenance_work_mem = '1GB'")
        for table in ("pos_message", "incident"):
            cursor.execute(f"alter table raw.{table} add primary key (source_key, exported_at, content_hash)")
            cursor.execute(f"create index {table}_load_id_idx on raw.{table} (load_id)")
        _see(cursor, "true")
        cursor.execute("create unique index last_seen_row_digest_idx on raw.last_seen (row_digest)")
        _count(cursor, f"uri like '{LAST_DAY}%'")
    _vacuum(connection)


def change(connection: Connection, name: str, news: str, exported_at: dt.datetime) -> int:
    """Publish one more export of each source, which shows messages as of `exported_at`; returns how many new versions.

    `news`: a query of message numbers, each with the number of the place that it is said to be in, or null.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.load (source, uri, sha256, exported_at, exported_at_from, status, finished_at)"
            " select source, %(name)s, md5(%(name)s || source), %(at)s, 'file_name', 'published', clock_timestamp()"
            " from unnest(array['pos', 'incident']) as source",
            {"name": name, "at": exported_at},
        )
        cursor.execute(
            f"""
            create temporary table message on commit drop as
            select
                message.number, message.source, message.created_at,
                case
                    when message.answered_at < %(at)s at time zone 'Europe/Moscow' then message.answered_at
                end as answered_at,
                message.minutes, coalesce(news.place, message.place) as place, message.topic, message.authority,
                message.rating
            from ({news}) as news
            cross join lateral stage.bench_message(news.number, news.number) as message
            """,
            {"at": exported_at},
        )
        rows = 0
        for source, insert in VERSIONS.items():
            shown = SHOWN_IN_NEWS.format(source=source, name=name)
            cursor.execute(insert.format(shown=shown, salt=name))
            of_source = cursor.rowcount
            cursor.execute(
                "update ops.load set rows_read = %s, rows_changed = %s where uri = %s and source = %s",
                (of_source, of_source, name, source),
            )
            rows += of_source
        _see(cursor, f"load_id in (select load_id from ops.load where uri = '{name}')")
        _count(cursor, f"uri = '{name}'")
    return rows


def _lists(cursor: Cursor) -> None:
    """The topics and places of the seeds, numbered."""
    for table, seed, columns in (
        ("bench_topic", "topics", ("topic_group", "topic")),
        ("bench_place", "municipalities", ("name",)),
    ):
        with (PROJECT / "dbt_project" / "seeds" / f"{seed}.csv").open(encoding="utf-8") as file:
            rows = [tuple(row[column] for column in columns) for row in csv.DictReader(file)]
        cursor.execute(f"create table stage.{table} (number integer primary key, {' text, '.join(columns)} text)")
        execute_values(
            cursor, f"insert into stage.{table} values %s", [(number, *row) for number, row in enumerate(rows)]
        )
        cursor.execute(f"analyze stage.{table}")


def _loads(cursor: Cursor, first_day: dt.date) -> None:
    cursor.execute(
        """
        insert into ops.load (source, uri, sha256, exported_at, exported_at_from, status, finished_at)
        select
            source, day::date || source, md5(day::date || source),
            (day + interval '1 day') at time zone 'Europe/Moscow', 'file_name', 'published',
            clock_timestamp()
        from unnest(array['pos', 'incident']) as source
        cross join generate_series(%s::timestamp, %s::timestamp, interval '1 day') as day
        order by day
        """,
        (first_day, LAST_DAY),
    )


def _see(cursor: Cursor, condition: str) -> None:
    """What the loader notes of each key: the newest export that showed it."""
    for source, table, created_on in CREATED_ON:
        cursor.execute(
            f"""
            insert into raw.last_seen
                (source, source_key, last_seen_exported_at, content_hash, row_digest, cabinet, created_on)
            select distinct on (source_key)
                %s, source_key, exported_at, content_hash, md5(%s || source_key || exported_at::text)::uuid, null,
                {created_on}
            from raw.{table}
            where {condition}
            order by source_key, exported_at desc
            on conflict (source, source_key) do update set
                last_seen_exported_at = excluded.last_seen_exported_at, content_hash = excluded.content_hash,
                row_digest = excluded.row_digest
            """,
            (source, source),
        )


def _count(cursor: Cursor, condition: str) -> None:
    """What the reader would have counted in the newest exports, by the day of creation: see ops.reconciliation."""
    for _, table, created_on in CREATED_ON:
        cursor.execute(
            f"""
            insert into ops.load_day (load_id, created_on, rows_read)
            select load_id, {created_on}, count(*)
            from raw.{table}
            join ops.load using (load_id)
            where load.{condition}
            group by 1, 2
            """
        )


CREATED_ON = (
    ("pos", "pos_message", "ops.to_local_date(received_date)"),
    ("incident", "incident", "ops.to_local_timestamp(created_at)::date"),
)


def _vacuum(connection: Connection) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
    connection.autocommit = False
