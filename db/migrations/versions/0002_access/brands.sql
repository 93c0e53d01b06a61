set role wayfare_owner;

-- What a caller who is limited to some brands sees and writes (docs/decisions/0010). Such a transaction acts as a role of
-- its own, so that the policies below cost nobody else anything: they are not even part of an unlimited caller's plans.

-- The brands this transaction is limited to; NULL when it is not, and then no policy below lets anything through.
create function current_brands() returns uuid[]
language sql stable parallel safe
as $$ select nullif(current_setting('app.brands', true), '')::uuid[] $$;

reset role;

do $$
begin
    if not exists (select from pg_roles where rolname = 'wayfare_limited') then
        create role wayfare_limited nologin nosuperuser nobypassrls;
    end if;
    execute format('grant connect on database %I to wayfare_limited', current_database());
    -- wayfare_app may become it, but does not inherit from it: its policies must not bind everybody.
    if current_setting('server_version_num')::integer >= 160000 then
        execute 'grant wayfare_limited to wayfare_app with inherit false, set true';
    else
        alter role wayfare_app noinherit;
        grant wayfare_limited to wayfare_app;
    end if;
end
$$;
grant usage on schema public to wayfare_limited;

set role wayfare_owner;

-- Opens a protected tenant table to limited callers as far as the predicate goes, with the privileges that are named or
-- those of wayfare_app. A table for which nobody says this stays closed to them.
create function limit_to_brands(name regclass, predicate text, privileges text default null) returns void
language plpgsql
as $$
begin
    privileges := coalesce(privileges, (
        select string_agg(p, ', ') from unnest(array['select', 'insert', 'update', 'delete']) p
        where has_table_privilege('wayfare_app', name, p)));
    execute format('drop policy if exists brands on %s', name);
    execute format('revoke all on %s from wayfare_limited', name);
    execute format('alter policy tenant on %s to wayfare_app, wayfare_limited', name);
    execute format('create policy brands on %s as restrictive to wayfare_limited using (%s) with check (%s)',
                   name, predicate, predicate);
    execute format('grant %s on %s to wayfare_limited', privileges, name);
end
$$;

-- What limited callers see of a table follows from its columns where it can: rows of their brands, rows of callers with
-- no other brands than theirs, and rows that refer to rows of these kinds, each of which they must see. NULL: it cannot.
create function brands_predicate(name regclass) returns text
language sql volatile
as $$
    with rule (told) as (
        select 'brand_id = any((select current_brands())::uuid[])' from pg_attribute
        where attrelid = name and attname = 'brand_id'
        union all
        select 'brand_ids <@ (select current_brands())::uuid[]' from pg_attribute
        where attrelid = name and attname = 'brand_ids'
        union all
        select format('(%1$s.%2$I is null or exists (select from %3$s p where p.organization_id = %1$s.organization_id '
                      'and p.id = %1$s.%2$I))', name, a.attname, f.confrelid::regclass)
        from pg_constraint f
        join pg_attribute a on a.attrelid = f.conrelid and a.attnum = any(f.conkey) and a.attname <> 'organization_id'
        join pg_policy p on p.polrelid = f.confrelid and p.polname = 'brands' and f.confrelid <> 'brand'::regclass
        where f.conrelid = name and f.contype = 'f' and f.confrelid <> name and cardinality(f.conkey) = 2
          and pg_get_expr(p.polqual, p.polrelid) <> 'true')
    select string_agg(told, ' and ' order by told) from rule
$$;

-- As in the first revision, and open to limited callers where the columns say how far.
create or replace function protect_tenant_table(name regclass, key text default 'organization_id') returns void
language plpgsql
as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format('create policy tenant on %s to wayfare_app using (%I = current_organization()) '
                   'with check (%I = current_organization())', name, key, key);
    execute format('grant select, insert, update, delete on %s to wayfare_app', name);
    if brands_predicate(name) is not null then
        perform limit_to_brands(name, brands_predicate(name));
    end if;
end
$$;

-- Whoever works for some brands only has to be told apart later, without another statement: the limit of the caller.
alter table bulk_operation add column brand_ids UUID[] DEFAULT current_brands();
alter table upload add column brand_ids UUID[] DEFAULT current_brands();
alter table api_key alter column brand_ids set default current_brands();

-- A row of no brand is the organization's, and no limited caller's.
select limit_to_brands('brand', 'id = any((select current_brands())::uuid[])', 'select, update');

-- A customer is visible to the brands that know them. The policies of what is asked here apply here too, so that only the
-- caller's own brands count. Nobody knows a customer who is being made: that is done unlimited, and the trigger follows.
select limit_to_brands('customer_brand', 'brand_id = any((select current_brands())::uuid[])');
select limit_to_brands('customer',
    'exists (select from customer_brand b where b.organization_id = customer.organization_id and b.customer_id = customer.id)',
    'select, update');

create function make_known_to_brands() returns trigger
language plpgsql
as $$
begin
    insert into customer_brand (organization_id, customer_id, brand_id)
    select new.organization_id, new.id, brand_id from unnest(current_brands()) brand_id;
    return null;
end
$$;
-- A customer whom a limited caller makes is known to each of that caller's brands.
create trigger customer_made_by_brands after insert on customer for each row
when (nullif(current_setting('app.brands', true), '') is not null)
execute function make_known_to_brands();

-- Only files that come and go are a brand's: the numbers of other work count everybody.
select limit_to_brands('bulk_operation', 'brand_ids <@ (select current_brands())::uuid[]');
alter policy brands on bulk_operation using (kind in ('IMPORT', 'EXPORT', 'BACKTEST') and brand_ids <@ (select current_brands())::uuid[]);

-- Each after what it refers to.
do $$
declare
    name regclass;
begin
    foreach name in array array['api_key', 'member', 'invitation', 'session', 'refresh_token', 'upload',
                                'upload_chunk', 'bulk_operation_error', 'segment', 'template', 'template_version', 'campaign',
                                'consent', 'consent_change', 'customer_metrics',
                                'customer_note', 'customer_tag', 'fact', 'fact_item', 'journey', 'message',
                                'segment_membership', 'segment_membership_change', 'segment_version',
                                'stage_transition']::regclass[] loop
        perform limit_to_brands(name, brands_predicate(name));
    end loop;
end
$$;

-- The organization's own: to read, and tags to add to. A suppression is for every brand, so only to be heeded.
select limit_to_brands(name::regclass, 'true', 'select')
from unnest(array['organization', 'role', 'journey_stage', 'suppression']) name;
select limit_to_brands('tag', 'true', 'select, insert');

-- Shown to nobody.
select limit_to_brands(name::regclass, 'true') from unnest(array['job', 'dirty_customer']) name;

reset role;
