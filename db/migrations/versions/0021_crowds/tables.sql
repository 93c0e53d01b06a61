-- Crowds: what costs those who read and write very many customers.
set role wayfare_owner;

-- As in revision 0001, in PL/pgSQL: where the day is computed, SQL is not inlined, and then takes three times as long.
-- Whoever settles or recomputes asks for it once or twice a customer.
create or replace function start_of_day(day date, zone text) returns timestamptz
language plpgsql immutable parallel safe strict
as $$
declare
    midnight timestamptz := day::timestamp at time zone zone;
    earlier timestamptz := midnight - interval '1 hour';
begin
    return case when (earlier at time zone zone)::date = day then earlier else midnight end;
end
$$;

reset role;
