-- Members of an organization, how they come in and what keeps them in. db/tables/members.py says the same to Python.
set role wayfare_owner;

-- scopes: NULL means every scope there is, also those that are yet to come.
create table role (
    organization_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    description text not null,
    scopes text[],
    predefined boolean default false not null,
    version integer default 1 not null,
    created_at timestamptz default clock_timestamp() not null,
    constraint role_pkey primary key (organization_id, id),
    constraint role_organization_id_key_key unique (organization_id, key),
    constraint role_organization_id_fkey foreign key (organization_id) references organization (id)
);

-- brand_ids: NULL means all brands. Without a password somebody comes in by the issuer alone.
create table member (
    organization_id uuid not null,
    id uuid not null,
    email text not null,
    name text,
    role_id uuid not null,
    brand_ids uuid[],
    state text default 'INVITED' not null,
    password_hash text,
    identity text,
    last_seen_at timestamptz,
    version integer default 1 not null,
    created_at timestamptz default clock_timestamp() not null,
    updated_at timestamptz default clock_timestamp() not null,
    constraint member_pkey primary key (organization_id, id),
    constraint member_organization_id_email_key unique (organization_id, email),
    constraint member_state_check check (state in ('INVITED', 'ACTIVE')),
    constraint member_organization_id_fkey foreign key (organization_id) references organization (id),
    constraint member_organization_id_role_id_fkey foreign key (organization_id, role_id)
        references role (organization_id, id)
);
-- Who signs in names no organization.
create index member_email_idx on member (email);
create unique index member_identity_idx on member (identity, organization_id) where identity is not null;

create table invitation (
    organization_id uuid not null,
    member_id uuid not null,
    token_hash bytea not null,
    expires_at timestamptz not null,
    created_at timestamptz default clock_timestamp() not null,
    constraint invitation_pkey primary key (organization_id, member_id),
    constraint invitation_organization_id_fkey foreign key (organization_id) references organization (id),
    constraint invitation_organization_id_member_id_fkey foreign key (organization_id, member_id)
        references member (organization_id, id) on delete cascade
);

-- A session is the family of its refresh tokens.
create table session (
    organization_id uuid not null,
    id uuid not null,
    member_id uuid not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    created_at timestamptz default clock_timestamp() not null,
    constraint session_pkey primary key (organization_id, id),
    constraint session_organization_id_fkey foreign key (organization_id) references organization (id),
    constraint session_organization_id_member_id_fkey foreign key (organization_id, member_id)
        references member (organization_id, id) on delete cascade
);
create index session_member_idx on session (organization_id, member_id);

create table refresh_token (
    organization_id uuid not null,
    token_hash bytea not null,
    session_id uuid not null,
    used_at timestamptz,
    created_at timestamptz default clock_timestamp() not null,
    constraint refresh_token_pkey primary key (organization_id, token_hash),
    constraint refresh_token_organization_id_fkey foreign key (organization_id) references organization (id),
    constraint refresh_token_organization_id_session_id_fkey foreign key (organization_id, session_id)
        references session (organization_id, id) on delete cascade
);
create index refresh_token_session_idx on refresh_token (organization_id, session_id);

-- Failed sign-ins by a keyed hash of the account or the address they came from: of no organization, because it is not
-- known yet, and out of the application's reach but for the two functions below.
create table sign_in_counter (
    subject bytea not null,
    failures integer not null,
    since timestamptz not null,
    constraint sign_in_counter_pkey primary key (subject)
);
create index sign_in_counter_since_idx on sign_in_counter (since);

alter table api_key add column created_by text;

insert into role (organization_id, id, key, name, description, scopes, predefined)
select o.id, uuid7(), r.key, r.name, r.description, r.scopes, true
from organization o, (values
    ('owner', 'Owner', 'May do everything.', null::text[]),
    ('admin', 'Administrator', 'Runs the organization: everything but erasing people.',
     array['customers:view', 'customers:edit', 'segments:view', 'segments:manage', 'journeys:view', 'journeys:edit',
           'campaigns:view', 'campaigns:edit', 'campaigns:send', 'workflows:view', 'workflows:edit', 'analytics:view',
           'privacy:export', 'settings:manage', 'members:manage', 'ai:use', 'ai:manage']),
    ('marketer', 'Marketer', 'Makes segments, journeys and campaigns, and sends them.',
     array['customers:view', 'customers:edit', 'segments:view', 'segments:manage', 'journeys:view', 'journeys:edit',
           'campaigns:view', 'campaigns:edit', 'campaigns:send', 'workflows:view', 'workflows:edit', 'analytics:view',
           'ai:use']),
    ('analyst', 'Analyst', 'Reads everything and defines segments.',
     array['customers:view', 'segments:view', 'segments:manage', 'journeys:view', 'campaigns:view', 'workflows:view',
           'analytics:view', 'ai:use']),
    ('support', 'Support', 'Looks after customers.',
     array['customers:view', 'customers:edit', 'segments:view', 'journeys:view', 'campaigns:view', 'ai:use']),
    ('viewer', 'Viewer', 'Reads and changes nothing.',
     array['customers:view', 'segments:view', 'journeys:view', 'campaigns:view', 'workflows:view', 'analytics:view'])
) as r (key, name, description, scopes);

-- PL/pgSQL keeps the plan; this is on the path of each request. Who presents this session's token? The role is looked at each time, so what it loses is lost at the next request.
create function find_session(organization uuid, wanted uuid)
returns table (member_id uuid, slug text, scopes text[], brand_ids uuid[], expires_at timestamptz,
               revoked_at timestamptz)
language plpgsql stable security definer set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select m.id, o.slug, r.scopes, m.brand_ids, s.expires_at, s.revoked_at
    from session s
    join member m on (m.organization_id, m.id) = (s.organization_id, s.member_id)
    join role r on (r.organization_id, r.id) = (m.organization_id, m.role_id)
    join organization o on o.id = m.organization_id
    where s.organization_id = organization and s.id = wanted and m.state = 'ACTIVE';
end
$$;

-- Whose password is this to be? `candidates` above one: the organization has to be named.
create function find_sign_in(wanted text, organization text)
returns table (organization_id uuid, id uuid, password_hash text, candidates bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    select m.organization_id, m.id, m.password_hash, count(*) over ()
    from member m join organization o on o.id = m.organization_id
    where m.email = wanted and m.state = 'ACTIVE' and m.password_hash is not null
      and (organization is null or o.slug = organization)
    limit 1
$$;

-- Who is this to whom an issuer gave a token? The identity it is bound to counts; the address only until then.
create function find_identity(wanted text, address text, organization text)
returns table (organization_id uuid, id uuid, slug text, scopes text[], brand_ids uuid[], bound boolean,
               candidates bigint)
language sql stable security definer set search_path = public, pg_temp
as $$
    with found as (
        select m.organization_id, m.id, o.slug, r.scopes, m.brand_ids, m.identity is not null as bound
        from member m
        join role r on (r.organization_id, r.id) = (m.organization_id, m.role_id)
        join organization o on o.id = m.organization_id
        where (m.identity = wanted or (m.identity is null and m.email = address))
          and (organization is null or o.slug = organization))
    -- Bound in one organization, an invitation to another waits until that one is named.
    select f.*, count(*) over (partition by f.bound) from found f order by f.bound desc limit 1
$$;

-- As of the first revision, with the organization's slug for callers that name theirs.
drop function find_api_key;
create function find_api_key(wanted text)
returns table (organization_id uuid, id uuid, slug text, secret_hash bytea, scopes text[], brand_ids uuid[],
               expires_at timestamptz, revoked_at timestamptz)
language plpgsql stable security definer set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select k.organization_id, k.id, o.slug, k.secret_hash, k.scopes, k.brand_ids, k.expires_at, k.revoked_at
    from api_key k join organization o on o.id = k.organization_id
    where k.prefix = wanted;
end
$$;

-- Counts one try on each subject before its password is looked at, so that parallel tries are counted too. Answers
-- when to try again, or NULL when this try may go on.
create function count_sign_in(subjects bytea[], most integer, period interval) returns timestamptz
language sql volatile security definer set search_path = public, pg_temp
as $$
    with pruned as (
        delete from sign_in_counter
        where subject in (select subject from sign_in_counter where since < clock_timestamp() - interval '1 day'
                          order by since limit 10 for update skip locked)),
    counted as (
        insert into sign_in_counter as c (subject, failures, since)
        select s, 1, clock_timestamp() from unnest(subjects) as s order by s
        on conflict (subject) do update
        set failures = case when c.since < clock_timestamp() - period then 1 else c.failures + 1 end,
            since = case when c.since < clock_timestamp() - period then clock_timestamp() else c.since end
        returning failures, since)
    select max(since + period) filter (where failures > most) from counted
$$;

-- A sign-in went well: its account begins anew, its address is given the one try back.
create function forgive_sign_in(account bytea, address bytea) returns void
language sql volatile security definer set search_path = public, pg_temp
as $$
    delete from sign_in_counter where subject = account;
    update sign_in_counter set failures = failures - 1 where subject = address and failures > 0;
$$;

select protect_tenant_table(name::regclass)
from unnest(array['role', 'member', 'invitation', 'session', 'refresh_token']) as name;

create policy definer on role for select to wayfare_owner using (true);
create policy definer on member for select to wayfare_owner using (true);
create policy definer on session for select to wayfare_owner using (true);

revoke all on function find_api_key, find_session, find_sign_in, find_identity, count_sign_in, forgive_sign_in from public;
grant execute on function find_api_key, find_session, find_sign_in, find_identity, count_sign_in, forgive_sign_in
to wayfare_app;

reset role;
