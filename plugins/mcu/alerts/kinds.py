"""The kinds of causes: how each is found in `ops`, and what to do about it.

A query gives (cause, subject, what, since). Nothing that stands in a cell goes into it: of an error text of the server
only its name and place, of a refused row only the count, of a recipient only the number of the delivery.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`name`: in ops.alert and for webhooks; `title`, `triage`: for people; `query`: see above."""

    name: str
    title: str
    triage: str
    query: str


NAME_OF_SOURCE = "case {source} when 'pos' then 'ПОС' when 'incident' then 'Инцидент Менеджмент' else {source} end"

SUBSCRIBED = """
    select report, scope, recipient, min(valid_from) as valid_from
    from ops.report_subscription
    where (%(moment)s at time zone %(timezone)s)::date between valid_from and coalesce(valid_to, 'infinity')
    group by report, scope, recipient
"""

# A period that was missed stays so until its report has gone, though the next one is due by then.
REPORT_LATE = f"""
    select
        report || ':' || period_start as cause,
        format(
            'report_%%s за %%s, без отчёта %%s из %%s', report, to_char(period_start, 'DD.MM.YYYY'),
            count(*) filter (where not is_finished), count(*)
        ) as subject,
        'к сроку отчёт есть не у всех подписчиков' as what,
        due_at as since
    from (
        select
            report, period_start, due_at, exists (
                select from ops.delivery
                where delivery.report = due.report and delivery.period_start = due.period_start
                    and delivery.scope = subscribed.scope and delivery.recipient = subscribed.recipient
                    and delivery.state in ('sent', 'refused', 'unknown')
            ) as is_finished
        from (
            select report, period_start, ends_on, (ends_on + %(deadline)s) at time zone %(timezone)s as due_at
            from (
                select report, period_start, period_start + case report when 'daily' then 1 else 7 end as ends_on
                from (
                    values ('daily', %(daily)s::date), ('weekly', %(weekly)s)
                    union
                    select split_part(cause, ':', 2), split_part(cause, ':', 3)::date
                    from ops.alert
                    where kind = 'report_late' and gone_at is null
                ) as period (report, period_start)
            ) as ended
        ) as due
        join ({SUBSCRIBED}) as subscribed using (report)
        where due_at <= %(moment)s and valid_from < ends_on  -- who has subscribed since then gets the next one
    ) as expected
    group by report, period_start, due_at
    having not bool_and(is_finished)
"""

REPORT_CHANGED = """
    select
        report || ':' || period_start || ':' || revision as cause,
        format('report_%%s за %%s, изданий %%s', report, to_char(period_start, 'DD.MM.YYYY'), count(*)) as subject,
        'данные пришли позже и изменили числа' as what,
        min(noticed_at) as since
    from ops.report_change
    group by report, period_start, revision
"""

DELIVERY_UNKNOWN = """
    select
        delivery_id::text as cause,
        format(
            'report_%%s за %%s, %%s, delivery_id %%s', report, to_char(period_start, 'DD.MM.YYYY'), scope, delivery_id
        ) as subject,
        'отправка оборвалась: письмо могло уйти, само оно больше не отправляется' as what,
        coalesce(finished_at, sending_at) as since
    from ops.delivery
    where state = 'unknown' or state = 'sending' and sending_at < %(lasts_since)s
"""

DELIVERY_REFUSED = f"""
    select
        report || ':' || scope || ':' || md5(recipient) as cause,
        format('report_%%s, %%s, delivery_id %%s', report, scope, delivery_id) as subject,
        'письмо не принято' || coalesce(
            ', ответ ' || substring(server_response from '^[0-9]{{3}}(?: [0-9][.][0-9]+[.][0-9]+)?'), ''
        ) as what,
        finished_at as since
    from (
        select distinct on (report, scope, recipient) *
        from ops.delivery
        where state in ('sent', 'refused', 'unknown')
        order by report, scope, recipient, finished_at desc
    ) as newest
    join ({SUBSCRIBED}) as subscribed using (report, scope, recipient)
    where state = 'refused'
"""

DELIVERY_WAITS = f"""
    select
        report || ':' || period_start as cause,
        format('report_%%s за %%s, писем %%s', report, to_char(period_start, 'DD.MM.YYYY'), count(*)) as subject,
        'письма ждут отправки дольше двух часов' as what,
        min(planned_at) as since
    from ops.delivery
    join ({SUBSCRIBED}) as subscribed using (report, scope, recipient)
    where state = 'planned' and planned_at < %(lasts_since)s
    group by report, period_start
"""

# The newest build that came to an end, and only if it failed; dbt and the checks may have been tried more than once.
GATE_FAILED = """
    with build as (
        select build_id, started_at
        from (select * from ops.mart_build where status <> 'running' order by build_id desc limit 1) as newest
        where status = 'failed'
    )

    select
        node_id as cause,
        node_id || coalesce(', строк ' || nullif(failures, 0), '') as subject,
        case when status = 'fail' then 'тест dbt не прошёл' else 'dbt не построил' end as what,
        finished_at as since
    from (
        select distinct on (node_id) node_id, failures, status, finished_at
        from ops.dbt_result
        join build using (build_id)
        order by node_id, finished_at desc
    ) as result
    where status in ('fail', 'error', 'runtime error')
    union all
    select
        suite || ':' || md5(sentence) as cause,
        suite || ', «' || sentence || '»' || coalesce(', строк ' || rows_failed, '') as subject,
        'проверка готовых витрин не прошла' as what,
        validated_at as since
    from ops.validation_result
    join build on validated_at >= started_at
    where load_id is null and batch like 'marts_build.%%' and severity = 'critical' and not is_passed
"""

MARTS_BEHIND = """
    select
        'build_marts' as cause,
        'build_marts' as subject,
        'загрузки опубликованы, а витрин с ними нет дольше двух часов' as what,
        min(finished_at) as since
    from ops.load
    where status = 'published' and source = any(%(sources)s) and finished_at > coalesce(
        (select max(started_at) from ops.mart_build where status = 'published'), '-infinity'
    )
    having min(finished_at) < %(lasts_since)s
"""

# A report that somebody still lacks is told as REPORT_LATE, and may wait for its exports until then.
DEADLINE_MISSED = f"""
    select
        dag_id as cause,
        format(
            '%%s, запусков %%s, первый %%s', dag_id, count(*), (array_agg(run_id order by deadline_at))[1]
        ) as subject,
        'запуск не кончился к сроку и ещё идёт' as what,
        min(deadline_at) as since
    from ops.missed_deadline
    where dag_id not in (select 'report_' || split_part(cause, ':', 1) from ({REPORT_LATE}) as late) and (
        not starts_with(dag_id, 'report_')
        or (date_trunc('day', deadline_at at time zone %(timezone)s) + %(deadline)s) at time zone %(timezone)s
        <= %(moment)s
    )
    group by dag_id
"""

# A source of which nothing ever came is waited for since the first file of any.
SOURCE_STALE = f"""
    select
        source as cause,
        {NAME_OF_SOURCE.format(source="source")} as subject,
        coalesce(
            'последняя выгрузка сделана ' || to_char(newest at time zone %(timezone)s, 'DD.MM.YYYY HH24:MI'),
            'ни одна выгрузка не загружена'
        ) as what,
        coalesce(newest, first_load) + %(stale_after)s as since
    from (
        select
            source,
            (
                select max(exported_at) from ops.load where load.source = enabled.source and status = 'published'
            ) as newest,
            (select min(started_at) from ops.load) as first_load
        from unnest(%(sources)s) as enabled (source)
    ) as seen
    where coalesce(newest, first_load) + %(stale_after)s <= %(moment)s
"""

# One a source and day, not one a file: a source that changed its form does so in every file that it sends.
QUARANTINE = f"""
    select
        source || ':' || day as cause,
        format(
            '%%s, загружено %%s, строк %%s из %%s, файлов %%s, первый %%s', {NAME_OF_SOURCE.format(source="source")},
            to_char(day, 'DD.MM.YYYY'), sum(rows_out), sum(rows_read), count(*),
            (array_agg(uri order by load_id))[1]
        ) as subject,
        'больше 20 %% строк файла в карантине' as what,
        min(finished_at) as since
    from (
        select *, (finished_at at time zone %(timezone)s)::date as day, (
            select count(*) from ops.quarantine
            where quarantine.load_id = load.load_id and replayed_by_load_id is null
        ) as rows_out
        from ops.load
        where status = 'published' and replay_of is null
            and rows_quarantined >= 20 and rows_quarantined > 0.2 * rows_read
    ) as load
    where rows_out >= 20 and rows_out > 0.2 * rows_read
    group by source, day
"""

# Loads after which nothing came to an end, neither of the same file nor of the same content under another name; not of
# a file that has another content by now.
UNSETTLED = """
    select *
    from (
        select
            *,
            max(load_id) filter (where status in ('published', 'refused')) over (partition by uri) as settled_file,
            max(load_id) filter (where status in ('published', 'refused')) over (partition by sha256) as settled_content
        from ops.load
        where replay_of is null
    ) as load
    where load_id >= greatest(settled_file, settled_content, 0) and status <> 'published' and (
        uri not in (select uri from ops.inbox_file) or (uri, sha256) in (select uri, sha256 from ops.inbox_file)
    )
"""

LOAD_FAILED = f"""
    select
        sha256 as cause,
        (array_agg(uri order by load_id desc))[1] as subject,
        coalesce((
            array_agg(
                case when error = 'прервано' then 'загрузка прервана' else
                    'ошибка' || coalesce(' ' || substring(error from '^([A-Za-z_]+):'), '')
                    || coalesce(' в ' || substring(error from 'CONTEXT:  (COPY [^:"[:cntrl:]]+)'), '')
                end
                order by load_id desc
            ) filter (where status = 'failed')
        )[1], 'загрузка началась и не кончилась') as what,
        min(started_at) as since
    from ({UNSETTLED}) as load
    where status in ('failed', 'running')
    group by sha256
    having min(started_at) < %(lasts_since)s
"""

LOAD_REFUSED = f"""
    select
        sha256 as cause,
        uri as subject,
        case when starts_with(error, uri || ': ') then substr(error, length(uri) + 3) else error end as what,
        finished_at as since
    from ({UNSETTLED}) as load
    where status = 'refused'
"""

_KINDS = [
    Kind(
        "report_late",
        "Отчёт не ушёл к сроку",
        "Посмотрите, на чём стоит запуск DAG report_daily или report_weekly: wait_for_marts ждёт выгрузок и "
        "build_marts, deliver — почтового сервера. Прошлый период отправит запуск с параметром period_start.",
        REPORT_LATE,
    ),
    Kind(
        "gate_failed",
        "Проверка витрин не прошла",
        "Исправьте модель, справочник или исходные строки и запустите DAG build_marts заново. Подробности: "
        "ops.dbt_result и ops.validation_result, строки теста — в журнале задачи.",
        GATE_FAILED,
    ),
    Kind(
        "deadline_missed",
        "Запуск не кончился к сроку",
        "Откройте запуск в Airflow: на какой задаче он стоит и что в её журнале. Если задача зависла, отметьте её "
        "неудачной и запустите снова: опубликованные витрины остаются, письма повторно не уходят. "
        "Срок: MCU_RUN_MINUTES.",
        DEADLINE_MISSED,
    ),
    Kind(
        "marts_behind",
        "Витрины отстают от загрузок",
        "Посмотрите последние запуски DAG build_marts и ops.mart_build; если сборка не идёт, запустите build_marts.",
        MARTS_BEHIND,
    ),
    Kind(
        "source_stale",
        "Источник молчит",
        "Положите новую выгрузку во входящие. Если она там, посмотрите журнал load_exports в DAG extract_appeals или "
        "extract_incidents. Срок молчания: MCU_STALE_HOURS.",
        SOURCE_STALE,
    ),
    Kind(
        "delivery_unknown",
        "Неизвестно, ушло ли письмо",
        "Найдите message_id из ops.delivery в журнале почтового сервера, поставьте state в sent или planned и очистите "
        "задачу deliver.",
        DELIVERY_UNKNOWN,
    ),
    Kind(
        "delivery_waits",
        "Письма ждут отправки",
        "Посмотрите server_response в ops.delivery и почтовый сервер соединения smtp_default, очистите задачу deliver.",
        DELIVERY_WAITS,
    ),
    Kind(
        "delivery_refused",
        "Почтовый сервер отказал",
        "Посмотрите recipient и server_response в ops.delivery по delivery_id, исправьте ops.report_subscription.",
        DELIVERY_REFUSED,
    ),
    Kind(
        "report_changed",
        "Числа отправленного отчёта изменились",
        "Сравните в архиве отчётов: «числа изменились» рядом с отчётом. Уточнённый отчёт готовит и после одобрения "
        "отправляет DAG revise_report с параметрами report и period_start.",
        REPORT_CHANGED,
    ),
    Kind(
        "load_failed",
        "Файл не загружается",
        "Посмотрите журнал load_exports в DAG extract_appeals или extract_incidents и error в ops.load; после "
        "исправления следующий запуск возьмёт файл сам.",
        LOAD_FAILED,
    ),
    Kind(
        "quarantine",
        "Много строк в карантине",
        "Посмотрите reasons в ops.quarantine по load_id. После исправления правила запустите DAG replay_quarantine.",
        QUARANTINE,
    ),
    Kind(
        "load_refused",
        "Файл отклонён",
        "Выгрузите файл заново и положите во входящие. Если столбец переименован, добавьте заголовок в "
        "pos_columns.csv или incident_columns.csv: следующий запуск возьмёт файл сам.",
        LOAD_REFUSED,
    ),
]
KINDS = {kind.name: kind for kind in _KINDS}
