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
returns table (id uuid, slug text, timezone text)
language sql stable security definer set search_path = public, pg_temp
as $$ select o.id, o.slug, o.timezone from organization o order by o.id $$;

-- Takes a due job with a lease; the database's clock decides. A job whose attempts are used up is dead instead.
create function claim_job(wanted uuid, token uuid, lease interval)
returns table (organization_id uuid, kind text, args jsonb, want integer, attempts integer)
language sql volatile security definer set search_path = public, pg_temp
as $$
    update job j
    set state = case when j.attempts >= j.max_attempts then 'dead' else 'running' end,
        last_error = case when j.attempts >= j.max_attempts then coalesce(j.last_error, 'the worker died each time')
                     else j.last_error end,
        finished_at = case when j.attempts >= j.max_attempts then clock_timestamp() end,
        lease_token = case when j.attempts < j.max_attempts then token end,
        lease_until = case when j.attempts < j.max_attempts then clock_timestamp() + lease end,
        attempts = least(j.attempts + 1, j.max_attempts)
    where j.id = wanted
      and j.run_at <= clock_timestamp()
      and (j.state = 'ready' or (j.state = 'running' and j.lease_until < clock_timestamp()))
    returning j.organization_id, j.kind, j.args, j.want, j.attempts
$$;

-- Ids of due jobs whose bell was not rung lately; any number of sweepers may call it.
create function sweep_jobs(batch integer)
returns setof uuid
language sql volatile security definer set search_path = public, pg_temp
as $$
    update job set last_bell = clock_timestamp()
    where (organization_id, id) in (
        select j.organization_id, j.id from job j
        where j.state in ('ready', 'running')
          and j.run_at <= clock_timestamp()
          and (j.state = 'ready' or j.lease_until < clock_timestamp())
          and (j.last_bell is null or j.last_bell < clock_timestamp() - interval '2 seconds')
        order by j.priority, j.run_at
        limit batch
        for update skip locked)
    returning id
$$;

-- Health of the ledger for `wayfare check`.
create function job_health()
returns table (oldest_due timestamptz, due bigint, dead bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    select min(run_at) filter (where state in ('ready', 'running') and run_at <= clock_timestamp()
                                 and (state = 'ready' or lease_until < clock_timestamp())),
           count(*) filter (where state in ('ready', 'running') and run_at <= clock_timestamp()
                              and (state = 'ready' or lease_until < clock_timestamp())),
           count(*) filter (where state = 'dead')
    from job
$$;
