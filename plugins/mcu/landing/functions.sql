-- Functions that models and tests call. Safe to run again at any time.

-- Text of raw.* to values ----------------------------------------------------------------------
-- Null for whatever is not the canonical form (see mcu.sources.cells) or no real date, never an error. One expression
-- each and not strict, so that they are inlined: a full build asks them of every row. A year of another century is a
-- slip, and would make marts of a hundred thousand days.

create or replace function ops.to_local_date(value text) returns date
language sql immutable parallel safe as $$
    select case
        when value ~ '^(0[1-9]|[12][0-9]|3[01])\.(0[1-9]|1[0-2])\.20[0-9]{2}$' and (
            value < '29' or substr(value, 1, 2)::integer <= extract(
                day from make_date(substr(value, 7, 4)::integer, substr(value, 4, 2)::integer, 1)
                + interval '1 month - 1 day'
            )
        )
            then make_date(substr(value, 7, 4)::integer, substr(value, 4, 2)::integer, substr(value, 1, 2)::integer)
    end
$$;
comment on function ops.to_local_date(text) is 'DD.MM.YYYY of the years 2000 to 2099 to date; anything else: null.';

create or replace function ops.to_local_timestamp(value text) returns timestamp
language sql immutable parallel safe as $$
    select case
        when
            value ~ '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$'
            and (
                substr(value, 9, 2) < '29' or substr(value, 9, 2)::integer <= extract(
                    day from make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1)
                    + interval '1 month - 1 day'
                )
            )
            then make_timestamp(
                substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer,
                substr(value, 12, 2)::integer, substr(value, 15, 2)::integer, substr(value, 18, 2)::double precision
            )
    end
$$;
comment on function ops.to_local_timestamp(text) is 'YYYY-MM-DD HH:MM:SS of the years 2000 to 2099 to timestamp; anything else: null.';

create or replace function ops.to_milliseconds(value text) returns bigint
language sql immutable parallel safe as $$
    select case
        when value ~ '^-?[0-9]{1,9}:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}$'
            then case when left(value, 1) = '-' then -1 else 1 end * (
                (abs(split_part(value, ':', 1)::bigint) * 60 + split_part(value, ':', 2)::integer) * 60000
                + replace(split_part(value, ':', 3), '.', '')::integer
            )
    end
$$;
comment on function ops.to_milliseconds(text) is '[-]H:MM:SS.mmm, hours unbounded, to milliseconds; anything else: null.';

-- How improbable a count is ----------------------------------------------------------------------
-- lgamma() is in PostgreSQL since 18 only.

create or replace function ops.log_gamma(x double precision) returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    shifted double precision := x;
    product double precision := 1;
    inverse double precision;
begin
    while shifted < 15 loop  -- Stirling's series wants a large argument; Γ(x) = Γ(x + 1) / x
        product := product * shifted;
        shifted := shifted + 1;
    end loop;
    inverse := 1 / (shifted * shifted);
    return (shifted - 0.5) * ln(shifted) - shifted + 0.5 * ln(2 * pi()) - ln(product)
        + (1 - inverse * (1 - inverse * (2 - 1.5 * inverse) / 7) / 30) / (12 * shifted);
end $$;
comment on function ops.log_gamma(double precision) is 'ln Γ(x) for x > 0.';

create or replace function ops.count_tail(
    k bigint, total double precision, periods double precision, dispersion double precision
) returns double precision
language plpgsql immutable strict parallel safe as $$
declare
    -- Negative binomial of this size, whose other parameter is known from the periods before as a beta(c, b).
    size constant double precision := 1 / dispersion;
    b constant double precision := total + 0.5;
    c constant double precision := periods / dispersion;
    is_above constant boolean := k > b / periods;
    j bigint := case when k > b / periods then k else k - 1 end;
    log_first double precision;
    term double precision := 1;
    total_of_terms double precision := 1;
begin
    if k <= 0 then
        return 1;
    end if;
    log_first := ops.log_gamma(size + j) - ops.log_gamma(j + 1) - ops.log_gamma(size)
        + ops.log_gamma(c + size) + ops.log_gamma(b + j) - ops.log_gamma(c + size + b + j)
        - ops.log_gamma(c) - ops.log_gamma(b) + ops.log_gamma(c + b);
    -- Above the mean the tail itself is added up, so that a small one is as exact as a large one; below it what is left of 1.
    if is_above then
        -- The terms fall like a power, so those that are left together weigh like the last one times j / c.
        while term * (j + size + b + c) > 1e-11 * c * total_of_terms loop
            term := term * (size + j) * (b + j) / ((j + 1) * (c + size + b + j));
            total_of_terms := total_of_terms + term;
            j := j + 1;
        end loop;
        return least(exp(greatest(log_first + ln(total_of_terms), -690)), 1);  -- exp() fails where it would underflow
    end if;
    while j > 0 and term > 1e-30 * total_of_terms loop
        j := j - 1;
        term := term * (j + 1) * (c + size + b + j) / ((size + j) * (b + j));
        total_of_terms := total_of_terms + term;
    end loop;
    return greatest(1 - exp(greatest(log_first + ln(total_of_terms), -690)), 0);
end $$;
comment on function ops.count_tail(bigint, double precision, double precision, double precision) is
'P(count >= k) of a period when the counts of earlier periods sum to total; variance of a count: mean + dispersion * mean². See docs/signals.md.';
