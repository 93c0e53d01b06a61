-- The only functions that look past row-level security; each has one purpose and a fixed search_path.

-- Who presents this key? Called before the organization is known.
create function find_api_key(wanted text)
returns table (organization_id uuid, id uuid, secret_hash bytea, scopes text[], brand_ids uuid[],
               expires_at timestamptz, revoked_at timestamptz)
language sql stable security definer set search_path = public, pg_temp
as $$
    select k.organization_id, k.id, k.secret_hash, k.scopes, k.brand_ids, k.expires_at, k.revoked_at
    from api_key k where k.prefix = wanted
$$;

-- For the clock and for operators' commands: which organizations there are.
create function list_organizations()
returns table (id uuid, slug text, timezone text, created_at timestamptz)
language sql stable security definer set search_path = public, pg_temp
as $$ select o.id, o.slug, o.timezone, o.created_at from organization o order by o.id $$;

-- Takes a due job with a lease; the database's clock decides. `spent`: its attempts are used up, so bury it.
-- A locked row is somebody's: who holds it rings after the commit, so nobody needs to wait here.
-- A job that lost two workers is not handed out but postponed at random: what kills workers kills the jobs beside it
-- too, and taken over together they would die together until all of them are dead.
create function claim_job(wanted uuid, token uuid, lease interval)
returns table (organization_id uuid, kind text, args jsonb, cursor jsonb, want integer, attempts integer,
               spent boolean, claimed_at timestamptz)
language sql volatile security definer set search_path = public, pg_temp
as $$
    with due as (
        select j.organization_id, j.id, j.attempts >= j.max_attempts as spent,
               j.state = 'running' and j.attempts >= 2 and j.attempts < j.max_attempts as suspect
        from job j
        where j.id = wanted
          and j.run_at <= clock_timestamp()
          and (j.state = 'ready' or (j.state = 'running' and j.lease_until < clock_timestamp()))
        for update skip locked),
    postponed as (
        update job j
        set state = 'ready', lease_token = null, lease_until = null, last_bell = null,
            run_at = clock_timestamp() + lease * random() * 2 ^ (j.attempts - 2)
        from due
        where due.suspect and (j.organization_id, j.id) = (due.organization_id, due.id))
    update job j
    set state = 'running', lease_token = token, lease_until = clock_timestamp() + lease,
        attempts = least(j.attempts + 1, j.max_attempts)
    from due
    where not due.suspect and (j.organization_id, j.id) = (due.organization_id, due.id)
    returning j.organization_id, j.kind, j.args, j.cursor, coalesce(j.seen, j.want), j.attempts,
              due.spent, clock_timestamp()
$$;

-- Ids of due jobs whose bell was not rung lately, most urgent first; any number of sweepers may call it.
create function sweep_jobs(batch integer)
returns setof uuid
language sql volatile security definer set search_path = public, pg_temp
as $$
    with due as (
        select j.organization_id, j.id, j.priority, j.run_at
        from job j
        where j.state in ('ready', 'running')
          and j.run_at <= clock_timestamp()
          and (j.state = 'ready' or j.lease_until < clock_timestamp())
          and (j.last_bell is null or j.last_bell < clock_timestamp() - interval '2 seconds')
        order by j.priority, j.run_at
        limit batch
        for update skip locked),
    rung as (
        update job j set last_bell = clock_timestamp()
        from due
        where (j.organization_id, j.id) = (due.organization_id, due.id)
        returning j.id)
    select due.id from due join rung using (id) order by due.priority, due.run_at
$$;

-- Health of the ledger for `wayfare check`.
create function job_health()
returns table (oldest_due timestamptz, due bigint, dead bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    with judged as (
        select run_at, state = 'dead' as dead,
               state in ('ready', 'running') and run_at <= clock_timestamp()
                 and (state = 'ready' or lease_until < clock_timestamp()) as due
        from job where state <> 'done')
    select min(run_at) filter (where due), count(*) filter (where due), count(*) filter (where dead) from judged
$$;

-- Statistics follow bulk loads: analyzes those tables of customers that have doubled since they were last analyzed.
-- Until autovacuum comes round the planner takes a table that was empty a moment ago for a small one, and reads all of
-- it for each look-up. Only the owner may analyze.
create function keep_statistics() returns void
language plpgsql volatile security definer set search_path = public, pg_temp
as $$
declare
    name regclass;
begin
    for name in
        select c.oid
        from pg_class c
        where c.oid = any(array['consent', 'customer', 'customer_brand', 'customer_metrics', 'customer_tag', 'dirty_customer',
                                'fact', 'fact_item', 'journey', 'segment_membership', 'stage_transition']::regclass[])
          and pg_relation_size(c.oid) > 2 * greatest(c.relpages, 8) * current_setting('block_size')::bigint
    loop
        execute format('analyze %s', name);
    end loop;
end
$$;
