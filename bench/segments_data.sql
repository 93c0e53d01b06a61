-- One organization's customers with the facts that segments, stages and scores read: up to five each, until today.
-- Reads the settings bench.customers (how many) and bench.today (the instant at which the world ends). The session's
-- app.organization names the organization, which is there already; runs as superuser and past triggers.

create function pg_temp.id(kind bigint, number bigint) returns uuid language sql immutable
return (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;

-- Chance: in [0, 1), the same for the same number and salt.
create function pg_temp.chance(number bigint, salt bigint) returns float8 language sql immutable
return (hashint8extended(number, salt) & 4294967295) / 4294967296.0::float8;

create function pg_temp.today() returns timestamptz language sql stable
return current_setting('bench.today')::timestamptz;

-- Acquired over the last two years and at random, so that who is new is not who was written last.
create temp table person as
select n as number, pg_temp.id(1, n) as id,
       pg_temp.today() - make_interval(secs => floor(pg_temp.chance(n, 1) * 730 * 86400)) as since
from generate_series(1, current_setting('bench.customers')::bigint) n;

insert into customer (organization_id, id, external_id, name, city, country, attributes, acquired_at, created_at)
select current_organization(), id, 'c-' || number, 'Customer ' || number,
       (array['Amsterdam', 'Berlin', 'Lagos', 'Lima', 'London', 'Madrid', 'Mumbai', 'Nairobi'])[1 + number % 8],
       (array['NL', 'DE', 'NG', 'PE', 'GB', 'ES', 'IN', 'KE'])[1 + number % 8],
       jsonb_build_object('shoeSize', 35 + number % 12), since, since
from person order by number;

-- Told in rounds over all customers, so that one customer's facts lie apart on disk as they do in life. The first is of
-- the day of acquisition; one in four customers has ordered nothing for a while.
insert into fact (organization_id, id, customer_id, kind, source, key, status, amount, occurred_at, content_hash,
                  received_at)
select current_organization(), pg_temp.id(2, n), person.id,
       case turn when 5 then 'CALL' else 'ORDER' end, 'bench', n::text, case when turn < 5 then 'COMPLETED' end,
       case when turn < 5 then round((5 + 195 * pg_temp.chance(n, 2) ^ 4)::numeric, 2) end, at, '\x00', at
from generate_series(1, 5) as turn
cross join person
cross join lateral (select (turn - 1) * current_setting('bench.customers')::bigint + person.number as n) numbered
cross join lateral (
    select since + (pg_temp.today() - since) * case when turn = 1 then 0 else
        pg_temp.chance(n, 3) * case when pg_temp.chance(person.number, 4) < 0.25 then 0.4 else 1 end end as at) moment
where turn in (1, 5) or pg_temp.chance(n, 5) < 0.3
order by n;

drop table person;
drop function pg_temp.id, pg_temp.chance, pg_temp.today;
