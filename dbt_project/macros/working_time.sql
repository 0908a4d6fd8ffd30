{#-
Working time is counted on one clock that runs only in working hours: seconds since the calendar's first day.
The difference of two readings is the working time between two moments. There is no lunch and no short day.
-#}

{% macro workday_seconds() -%}
    extract(epoch from time '{{ var("workday_end") }}' - time '{{ var("workday_start") }}')
{%- endmacro %}

{#- Reading of the clock at a local timestamp. `calendar`: alias of int_calendar joined on its date. -#}
{% macro working_clock(local_timestamp, calendar) -%}
    (
        {{ calendar }}.working_days_before * {{ workday_seconds() }}
        + case
            when {{ calendar }}.is_working_day
                then least(
                    greatest(
                        extract(epoch from {{ local_timestamp }}::time - time '{{ var("workday_start") }}'), 0
                    ),
                    {{ workday_seconds() }}
                )
            else 0
        end
    )
{%- endmacro %}

{#- Working minutes between two readings, rounded up as the source system does; 0 from a moment to an earlier one. -#}
{% macro working_minutes(reading_from, reading_to) -%}
    case
        when {{ reading_to }} <= {{ reading_from }} then 0
        else ceil(({{ reading_to }} - {{ reading_from }}) / 60)::bigint
    end
{%- endmacro %}

{#-
The way back: on which day, of those that int_calendar calls working, the clock first reaches a reading, and the moment.
A reading that a working day ends with is reached that day, not on the next morning.
-#}
{% macro is_day_of_reading(reading, calendar) -%}
    {{ calendar }}.is_working_day
            and {{ calendar }}.working_days_before = ceil({{ reading }} / {{ workday_seconds() }})::bigint - 1
{%- endmacro %}

{% macro moment_of_reading(reading, calendar) -%}
    {{ from_local(
        calendar ~ ".date + time '" ~ var("workday_start") ~ "' + make_interval(secs => ("
        ~ reading ~ " - " ~ calendar ~ ".working_days_before * " ~ workday_seconds() ~ ")::double precision)"
    ) }}
{%- endmacro %}

{#-
The same for whoever reads `bi`: two look-ups by date in the published calendar. In plpgsql, because that is bound when
it is called: it may be made before the calendar is published, and never stands in the way of a view.
-#}
{% macro create_working_minutes() -%}
create or replace function bi.working_minutes(started_at timestamptz, ended_at timestamptz) returns bigint
language plpgsql stable strict parallel safe as $$
begin
    return (
        select {{ working_minutes("clock.reading_from", "clock.reading_to") }}
        from (
            select
                {{ working_clock(local_timestamp("started_at"), "started_day") }} as reading_from,
                {{ working_clock(local_timestamp("ended_at"), "ended_day") }} as reading_to
            from bi.dim_calendar as started_day
            cross join bi.dim_calendar as ended_day
            where
                started_day.date = {{ local_date("started_at") }}
                and ended_day.date = {{ local_date("ended_at") }}
        ) as clock
    );
end $$;
comment on function bi.working_minutes(timestamptz, timestamptz) is
'Рабочих минут между двумя моментами, с округлением вверх; 0, если второй не позже; null вне dim_calendar. / '
'Working minutes between two moments, rounded up; 0 if the second is not later; null outside dim_calendar.';
grant execute on function bi.working_minutes(timestamptz, timestamptz) to bi_reader
{%- endmacro %}
