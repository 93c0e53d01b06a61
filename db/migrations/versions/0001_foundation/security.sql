-- Row-level security, forced, on every tenant table; the application role may not TRUNCATE or alter anything.
create function protect_tenant_table(name regclass, key text default 'organization_id') returns void
language plpgsql
as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format('create policy tenant on %s to wayfare_app using (%I = current_organization()) '
                   'with check (%I = current_organization())', name, key, key);
    execute format('grant select, insert, update, delete on %s to wayfare_app', name);
end
$$;

do $$
declare
    name regclass;
begin
    for name in
        select c.oid::regclass
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
    loop
        perform protect_tenant_table(name);
    end loop;
end
$$;
select protect_tenant_table('organization', 'id');

-- History is append-only for the product; only the cascade of a deleted customer removes it.
revoke update, delete on segment_membership_change, consent_change, segment_version, template_version from wayfare_app;

-- The definer functions run as the owner, whom FORCE binds too: these policies are what they may see.
create policy definer on api_key for select to wayfare_owner using (true);
create policy definer on organization for select to wayfare_owner using (true);
create policy definer on job to wayfare_owner using (true) with check (true);

revoke all on function find_api_key, list_organizations, claim_job, sweep_jobs, job_health, keep_statistics from public;
grant execute on function find_api_key, list_organizations, claim_job, sweep_jobs, job_health, keep_statistics
to wayfare_app;

-- Alembic's own table belongs to whoever migrates.
reset role;
grant select on alembic_version to wayfare_app;
