-- One row a thing to watch, for a dashboard and the page in Airflow. Tables of ops alone, and no address, no text of a
-- message, no value of a cell: `ops_reader` may read it and nothing else. Safe to run again at any time.

do $$
begin
    if not exists (select from pg_roles where rolname = 'ops_reader') then
        create role ops_reader nologin;
    end if;
exception
    when duplicate_object or unique_violation then null;  -- two set-ups at once
end $$;

create or replace view ops.health as
with finished as (
    select
        *, extract(epoch from finished_at - started_at)::double precision as seconds,
        row_number() over (partition by source order by load_id desc) as nth
    from ops.load
    where replay_of is null and status <> 'running'
),

published as (
    select *, row_number() over (partition by source order by load_id desc) as nth_published
    from finished
    where status = 'published'
),

freshness as (
    select
        'source' as area, source as name, max(exported_at) filter (where status = 'published') as since,
        extract(
            epoch from now() - max(exported_at) filter (where status = 'published')
        )::double precision / 3600 as value,
        'часов с последней принятой выгрузки' as detail
    from finished
    group by source
),

last_load as (
    select
        'load' as area, last_published.source as name, last_published.finished_at as since,
        last_published.rows_read::double precision as value,
        case newest.status when 'published' then 'ok' when 'refused' then 'late' else 'bad' end as state,
        format(
            'строк в последней загрузке: новых %s, изменённых %s, в карантине %s',
            last_published.rows_new, last_published.rows_changed, last_published.rows_quarantined
        ) || case newest.status
            when 'published' then '' when 'refused' then '; следующий файл отклонён' else '; следующая не удалась'
        end as detail
    from published as last_published
    join finished as newest on newest.source = last_published.source and newest.nth = 1
    where last_published.nth_published = 1
),

quarantine as (
    select
        'quarantine' as area, source as name, min(first_at) as since,
        sum(rows_out) / nullif(sum(rows_read), 0)::double precision as value,
        format('доля строк в карантине, %s из %s в последних загрузках', sum(rows_out), sum(rows_read)) as detail
    from (
        select published.source, published.rows_read, count(out.load_id) as rows_out, min(out.quarantined_at) as first_at
        from published
        left join ops.quarantine as out
            on out.load_id = published.load_id and out.replayed_by_load_id is null
        where nth_published <= 10
        group by published.load_id, published.source, published.rows_read
    ) as last_loads
    group by source
),

build as (
    select *, extract(epoch from published_at - started_at)::double precision as seconds
    from ops.mart_build
    where status = 'published'
),

newest_build as (
    select build_id, status, started_at
    from ops.mart_build
    where status <> 'running'
    order by build_id desc
    limit 1
),

last_build as (
    select * from build order by build_id desc limit 1
),

waiting as (
    select min(finished_at) as since
    from ops.load
    where status = 'published' and finished_at > coalesce((select started_at from last_build), '-infinity')
),

marts as (
    select
        'build' as area, 'marts' as name, last_build.published_at as since, last_build.seconds as value,
        case
            when newest_build.status = 'failed' then 'bad'
            when waiting.since < now() - interval '2 hours' then 'late'
            else 'ok'
        end as state,
        case
            when last_build.build_id is null then 'ни одна сборка не опубликована'
            else 'секунд заняла последняя сборка, ' || coalesce('полная: ' || last_build.full_because, 'приращение')
        end
        || case when newest_build.status = 'failed' then '; следующая не прошла' else '' end
        || case when waiting.since is null then '' else '; есть загрузки новее' end as detail
    from waiting
    left join newest_build on true
    left join last_build on true
    where newest_build.build_id is not null or waiting.since is not null
),

-- Of the newest build, if it failed; dbt and the checks may have been tried more than once.
failed_gate as (
    select node_id as name, finished_at as since, coalesce(failures, 0) as failures
    from (
        select distinct on (node_id) node_id, dbt_result.status, failures, finished_at
        from ops.dbt_result
        join newest_build using (build_id)
        where newest_build.status = 'failed'
        order by node_id, finished_at desc
    ) as result
    where status in ('fail', 'error', 'runtime error')
    union all
    select suite || ': ' || sentence, max(validated_at), max(coalesce(rows_failed, 0))
    from ops.validation_result
    join newest_build on newest_build.status = 'failed' and validated_at >= started_at
    where load_id is null and batch like 'marts_build.%' and severity = 'critical' and not is_passed
    group by suite, sentence
),

gates as (
    select 'gate' as area, name, since, failures::double precision as value, 'bad' as state, 'строк не прошли' as detail
    from failed_gate
    union all
    select 'gate', 'all', null, 0, 'ok', 'последняя сборка прошла все проверки'
    from newest_build
    where status = 'published'
),

deliveries as (
    select
        'delivery' as area, report || ' ' || state as name, min(coalesce(finished_at, sending_at, planned_at)) as since,
        count(*)::double precision as value,
        case
            when state = 'sent' then 'ok'
            when state in ('planned', 'sending') and min(planned_at) > now() - interval '2 hours' then 'late'
            else 'bad'
        end as health,
        'писем за ' || to_char(period_start, 'DD.MM.YYYY') as detail
    from (
        select *, rank() over (partition by report order by period_start desc) as nth from ops.delivery
    ) as delivery
    where nth = 1
    group by report, state, period_start
),

alerts as (
    select
        'alert' as area, kind as name, min(since) as since, count(*)::double precision as value, 'bad' as state,
        'неполадок не устранено: ops.alert' as detail
    from ops.alert
    where gone_at is null
    group by kind
    union all
    select 'alert', 'all', null, 0, 'ok', 'неполадок нет'
    where not exists (select from ops.alert where gone_at is null)
),

-- The last one against what is usual; what takes less than a minute is never slow.
duration as (
    select source as name, finished_at as since, seconds, nth_published as nth from published
    union all
    select 'build_marts', published_at, seconds, row_number() over (order by build_id desc)
    from build
),

durations as (
    select
        'duration' as area, name, max(since) filter (where nth = 1) as since,
        max(seconds) filter (where nth = 1) as value,
        percentile_cont(0.5) within group (order by seconds) filter (where nth > 1) as usual
    from duration
    where nth <= 10
    group by name
)

select
    area, name, case when value <= 36 then 'ok' when value <= 84 then 'late' else 'bad' end as state, value, since, detail
from freshness
union all
select area, name, state, value, since, detail from last_load
union all
select
    area, name, case when value > 0.2 then 'bad' when value > 0.05 then 'late' else 'ok' end, value, since, detail
from quarantine
union all
select area, name, state, value, since, detail from marts
union all
select area, name, state, value, since, detail from gates
union all
select area, name, health, value, since, detail from deliveries
union all
select area, name, state, value, since, detail from alerts
union all
select
    area, name, case when value > 60 and value > 3 * usual then 'late' else 'ok' end, value, since,
    'секунд заняло последнее' || coalesce(', обычно ' || round(usual::numeric, 1), '')
from durations;

comment on view ops.health is
'One row a thing to watch: docs/keeping.md. state: ok, late (look at it today), bad (look at it now).';
comment on column ops.health.value is 'What the detail says it is: hours, seconds, rows, a share of 0 to 1, a number.';
comment on column ops.health.since is 'When it came, ended or began; null: nothing happened.';

grant usage on schema ops to ops_reader;
grant select on ops.health to ops_reader;
