-- Hardening: recovery of accounts and bounds.
set role wayfare_owner;

-- What lets somebody who forgot their password set another: one for each member, of which a hash is kept.
create table password_reset (
    organization_id uuid not null,
    member_id uuid not null,
    token_hash bytea not null,
    expires_at timestamptz not null,
    created_at timestamptz default clock_timestamp() not null,
    constraint password_reset_pkey primary key (organization_id, member_id),
    constraint password_reset_organization_id_fkey foreign key (organization_id) references organization (id),
    constraint password_reset_organization_id_member_id_fkey foreign key (organization_id, member_id)
        references member (organization_id, id) on delete cascade
);

select protect_tenant_table('password_reset');

-- Whose passwords have this address? Who forgot theirs names no organization, or one by its slug.
create function find_password_owners(wanted text, organization text)
returns table (organization_ids uuid[], member_ids uuid[])
language sql stable security definer set search_path = public, pg_temp
as $$
    select coalesce(array_agg(f.organization_id), '{}'), coalesce(array_agg(f.id), '{}')
    from (select m.organization_id, m.id
          from member m join organization o on o.id = m.organization_id
          where m.email = wanted and m.state = 'ACTIVE' and m.password_hash is not null
            and (organization is null or o.slug = organization)
          order by m.id limit 20) f
$$;

-- Forgets the oldest entries of this organization's audit log, a batch at a time, and never any of the last 90 days:
-- who could call this for less could hide what they did.
create function prune_audit(kept interval, batch integer) returns bigint
language sql volatile security definer set search_path = public, pg_temp
as $$
    with gone as (
        delete from audit_entry
        where organization_id = current_organization() and id in (
            select id from audit_entry
            where organization_id = current_organization()
              and at < clock_timestamp() - greatest(kept, interval '90 days')
            order by at limit batch)
        returning 1)
    select count(*) from gone
$$;

create policy definer on audit_entry to wayfare_owner using (organization_id = current_organization())
with check (false);

revoke all on function find_password_owners, prune_audit from public;
grant execute on function find_password_owners, prune_audit to wayfare_app;

reset role;
