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
