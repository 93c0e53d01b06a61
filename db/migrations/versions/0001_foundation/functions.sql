-- The organization of this transaction, or NULL: then no tenant row is visible.
create function current_organization() returns uuid
language sql stable parallel safe
as $$ select nullif(current_setting('app.organization', true), '')::uuid $$;

-- UUIDv7 for rows that a set statement makes; domain/ids.py is the same for single rows.
create function uuid7() returns uuid
language sql volatile parallel safe
as $$
    select encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                from 1 for 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

-- Case and accents removed, for search. unaccent() is only stable because its dictionary can be replaced; ours is fixed.
create function fold(value text) returns text
language sql immutable parallel safe strict
as $$ select lower(public.unaccent('public.unaccent'::regdictionary, value)) $$;

-- The first instant of a day in a zone. A midnight that the clock passes twice counts the first time, as it does in
-- Python (fold=0); Postgres alone would take the second. Immutable, so that the planner sees the value.
create function start_of_day(day date, zone text) returns timestamptz
language sql immutable parallel safe
as $$
    select case when ((day::timestamp at time zone zone - interval '1 hour') at time zone zone)::date = day
                then day::timestamp at time zone zone - interval '1 hour'
                else day::timestamp at time zone zone end
$$;

-- sha256('salt:id') as a number, modulo 10,000: a lasting random share of the customers. The hash is eight words of 32
-- bits; the place value of each is taken modulo 10,000 already. PL/pgSQL, because SQL would be six times slower.
create function bucket_of(salt text, id uuid) returns integer
language plpgsql immutable parallel safe strict
as $$
declare
    hash text := encode(sha256(convert_to(salt || ':' || id, 'UTF8')), 'hex');
begin
    return (('x' || substr(hash, 1, 8))::bit(32)::bigint * 9216
            + ('x' || substr(hash, 9, 8))::bit(32)::bigint * 2896
            + ('x' || substr(hash, 17, 8))::bit(32)::bigint * 2976
            + ('x' || substr(hash, 25, 8))::bit(32)::bigint * 1456
            + ('x' || substr(hash, 33, 8))::bit(32)::bigint * 336
            + ('x' || substr(hash, 41, 8))::bit(32)::bigint * 1616
            + ('x' || substr(hash, 49, 8))::bit(32)::bigint * 7296
            + ('x' || substr(hash, 57, 8))::bit(32)::bigint * 1) % 10000;
end
$$;

-- Whether the day returns in a later year between today and `days` (at most 365) days from now. February 29 returns on
-- the 28th in years that have no 29th, as adding years to it does.
create function has_anniversary(day date, today date, days integer) returns boolean
language plpgsql immutable parallel safe strict
as $$
declare
    years integer := extract(year from today) - extract(year from day);
begin
    return (years > 0 and (day + make_interval(years => years))::date between today and today + days)
        or (years >= 0 and (day + make_interval(years => years + 1))::date between today and today + days);
end
$$;

-- A day written as YYYY-MM-DD, of the years 1900 to 2199; NULL for any other text.
create function day_of(value text) returns date
language sql immutable parallel safe strict
as $$
    select case when value ~ '^(19|2[01])\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' then
        case when substr(value, 9)::integer
                  <= extract(day from make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1)
                                      + interval '1 month - 1 day')
             then make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9)::integer)
        end
    end
$$;
