-- Customers: one who turned out to be two, and all that happened to one in order.
set role wayfare_owner;

-- That somebody found two customers to be one: the merged one is gone, what they had is the kept one's.
create table customer_merge (
    organization_id uuid not null,
    id uuid not null,
    customer_id uuid not null,
    merged_id uuid not null,
    facts integer not null,
    messages integer not null,
    actor text not null,
    merged_at timestamptz not null,
    constraint customer_merge_pkey primary key (organization_id, id),
    constraint customer_merge_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete cascade,
    constraint customer_merge_organization_id_merged_id_key unique (organization_id, merged_id),
    constraint customer_merge_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index customer_merge_customer_idx on customer_merge (organization_id, customer_id, merged_at, id);
select protect_tenant_table('customer_merge');

-- Who is meant by an id: the one who was merged is the kept one. A function, because an index is asked for what one says
-- of values, but not for what a sub-select says, which row-level security keeps apart.
create function kept_customer(organization uuid, wanted uuid) returns uuid
language plpgsql stable parallel safe set search_path = public, pg_temp
as $$
begin
    return coalesce((select m.customer_id from customer_merge m
                     where m.organization_id = organization and m.merged_id = wanted), wanted);
end
$$;

-- What a customer was called besides: who still says so means them (db/references.py).
create table customer_alias (
    organization_id uuid not null,
    kind text not null,
    value text not null,
    customer_id uuid not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint customer_alias_pkey primary key (organization_id, kind, value),
    constraint customer_alias_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete cascade,
    constraint customer_alias_kind_check check (kind in ('EXTERNAL_ID', 'EMAIL')),
    constraint customer_alias_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index customer_alias_customer_idx on customer_alias (organization_id, customer_id);
select protect_tenant_table('customer_alias');

-- The spells of a merged customer whose kept one had a journey already: what was, beside the journey that goes on.
create table merged_transition (
    organization_id uuid not null,
    journey_id uuid not null,
    seq integer not null,
    customer_id uuid not null,
    from_stage_id uuid,
    to_stage_id uuid not null,
    entered_at timestamptz not null,
    exited_at timestamptz not null,
    trigger text not null,
    trigger_event text,
    skipped text[] not null default '{}',
    actor text,
    notes text,
    evidence jsonb not null default '{}',
    created_at timestamptz not null,
    constraint merged_transition_pkey primary key (organization_id, journey_id, seq),
    constraint merged_transition_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete cascade,
    constraint merged_transition_organization_id_from_stage_id_fkey foreign key (organization_id, from_stage_id)
        references journey_stage (organization_id, id),
    constraint merged_transition_organization_id_to_stage_id_fkey foreign key (organization_id, to_stage_id)
        references journey_stage (organization_id, id)
);
create index merged_transition_customer_idx on merged_transition (organization_id, customer_id);
select protect_tenant_table('merged_transition');

-- As much of a merged customer's history in segments that the kept one has a history in, too.
create table merged_membership_change (
    organization_id uuid not null,
    seq bigint not null,
    segment_id uuid not null,
    customer_id uuid not null,
    change text not null,
    reason text not null,
    source text not null,
    actor text,
    bulk_operation_id uuid,
    at timestamptz not null,
    constraint merged_membership_change_pkey primary key (organization_id, seq),
    constraint merged_membership_change_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete cascade,
    constraint merged_membership_change_organization_id_segment_id_fkey foreign key (organization_id, segment_id)
        references segment (organization_id, id) on delete cascade
);
create index merged_membership_change_customer_idx on merged_membership_change (organization_id, customer_id);
create index merged_membership_change_segment_idx on merged_membership_change (organization_id, segment_id);
select protect_tenant_table('merged_membership_change');

-- History stays what it was; only whose it is changes when customers are merged.
grant update (customer_id) on segment_membership_change, consent_change to wayfare_app;

-- A page of notes, newest first, reads no more than it shows.
drop index customer_note_customer_idx;
create index customer_note_customer_idx on customer_note (organization_id, customer_id, created_at, id);

reset role;
