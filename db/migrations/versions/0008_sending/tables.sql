-- Sending: schedules, caps, channels and the further life of messages.
set role wayfare_owner;

-- DIRECT: to named customers by messageSend. TRIGGERED: owned by a stage's action, entered one by one, never complete.
alter table campaign
    add column kind text not null default 'BROADCAST',
    add column channel_strategy text not null default 'FIRST_AVAILABLE',
    -- Whom it speaks to besides segments: a canonical condition tree, as a segment's version keeps one.
    add column condition jsonb,
    add column scheduled_at timestamptz,
    -- Wall-clock time in each customer's own zone, instead of one instant for all.
    add column scheduled_local timestamp,
    add column past_policy text not null default 'SEND_NOW',
    add column quiet_from time,
    add column quiet_until time,
    add column quiet_policy text not null default 'HOLD',
    add column ignore_caps boolean not null default false,
    add column counts_toward_caps boolean not null default true,
    add column on_cap text not null default 'SKIP',
    add column max_deferral interval not null default '24 hours',
    add column archived_at timestamptz,
    -- What the call of messageSend says besides, for its template.
    add column data jsonb not null default '{}'::jsonb,
    add constraint campaign_kind_check check (kind in ('BROADCAST', 'DIRECT', 'TRIGGERED')),
    add constraint campaign_channel_strategy_check check (channel_strategy in ('FIRST_AVAILABLE', 'PREFERRED', 'ALL')),
    add constraint campaign_past_policy_check check (past_policy in ('SEND_NOW', 'NEXT_DAY', 'SKIP')),
    add constraint campaign_quiet_policy_check check (quiet_policy in ('HOLD', 'SKIP')),
    add constraint campaign_on_cap_check check (on_cap in ('SKIP', 'DEFER')),
    add constraint campaign_quiet_hours_check
        check ((quiet_from is null) = (quiet_until is null) and quiet_from is distinct from quiet_until
               or quiet_from is null and quiet_until is null),
    add constraint campaign_schedule_check check (scheduled_at is null or scheduled_local is null),
    add constraint campaign_max_deferral_check check (max_deferral between interval '0' and interval '72 hours');

create index campaign_due_idx on campaign (organization_id, scheduled_at) where status = 'SCHEDULED';

-- Each campaign has variant 1; more of them make an experiment. Weights are shares of all weights.
create table campaign_variant (
    organization_id uuid not null,
    campaign_id uuid not null,
    number smallint not null,
    name text not null,
    weight integer not null default 1,
    is_control boolean not null default false,
    constraint campaign_variant_pkey primary key (organization_id, campaign_id, number),
    constraint campaign_variant_organization_id_campaign_id_fkey foreign key (organization_id, campaign_id)
        references campaign (organization_id, id) on delete cascade,
    constraint campaign_variant_number_check check (number between 1 and 8),
    constraint campaign_variant_weight_check check (weight between 0 and 10000),
    constraint campaign_variant_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('campaign_variant');

-- What a variant says on one channel; position is the order in which channels are tried.
create table campaign_content (
    organization_id uuid not null,
    campaign_id uuid not null,
    variant smallint not null,
    channel text not null,
    position smallint not null default 1,
    template_id uuid not null,
    template_version integer not null,
    constraint campaign_content_pkey primary key (organization_id, campaign_id, variant, channel),
    constraint campaign_content_organization_id_campaign_id_variant_fkey
        foreign key (organization_id, campaign_id, variant)
        references campaign_variant (organization_id, campaign_id, number) on delete cascade,
    constraint campaign_content_organization_id_template_id_template_version_fkey
        foreign key (organization_id, template_id, template_version)
        references template_version (organization_id, template_id, number),
    constraint campaign_content_organization_id_campaign_id_fkey foreign key (organization_id, campaign_id)
        references campaign (organization_id, id) on delete cascade,
    constraint campaign_content_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK')),
    constraint campaign_content_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index campaign_content_template_idx on campaign_content (organization_id, template_id);
select protect_tenant_table('campaign_content');

create table experiment (
    organization_id uuid not null,
    campaign_id uuid not null,
    mode text not null default 'SPLIT',
    salt text not null,
    -- Shares of 10,000 buckets.
    holdout_share integer not null default 0,
    test_share integer not null default 10000,
    wait interval,
    metric text not null default 'CLICKS',
    fallback text not null default 'MANUAL',
    evaluate_at timestamptz,
    winner smallint,
    concluded_at timestamptz,
    concluded_by text,
    outcome jsonb,
    constraint experiment_pkey primary key (organization_id, campaign_id),
    constraint experiment_organization_id_campaign_id_fkey foreign key (organization_id, campaign_id)
        references campaign (organization_id, id) on delete cascade,
    constraint experiment_organization_id_campaign_id_winner_fkey foreign key (organization_id, campaign_id, winner)
        references campaign_variant (organization_id, campaign_id, number),
    constraint experiment_mode_check check (mode in ('SPLIT', 'TEST_THEN_WINNER')),
    constraint experiment_metric_check check (metric in ('OPENS', 'CLICKS', 'CONVERSIONS', 'REVENUE')),
    constraint experiment_fallback_check check (fallback in ('BEST_ANYWAY', 'KEEP_CONTROL', 'MANUAL')),
    constraint experiment_share_check
        check (holdout_share between 0 and 5000 and test_share between 1 and 10000),
    constraint experiment_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('experiment');

-- status is the highest rank that is known; BOUNCED wins over all of them. Instants are facts and never change.
alter table message
    -- NULL while the rest of an experiment's audience waits for the winner.
    add column variant smallint default 1,
    -- Which occasion of a triggered campaign, or which test: '' for a broadcast.
    add column entry text not null default '',
    add column is_test boolean not null default false,
    -- Of the segments included, those the customer was in at the snapshot.
    add column segment_ids uuid[],
    -- Deferred for a cap or quiet hours no longer than this.
    add column expires_at timestamptz,
    add column provider_account_id uuid,
    add column cost numeric(12, 6),
    add column delivered_at timestamptz,
    add column opened_at timestamptz,
    add column clicked_at timestamptz,
    add column machine_opened_at timestamptz,
    add column machine_clicked_at timestamptz,
    add column bounced_at timestamptz,
    add column bounce_kind text,
    add column complained_at timestamptz,
    add column unsubscribed_at timestamptz,
    add column replied_at timestamptz,
    add column converted_at timestamptz,
    drop constraint message_status_check,
    add constraint message_status_check check (status in ('QUEUED', 'CLAIMED', 'SENDING', 'UNCERTAIN', 'SENT',
        'DELIVERED', 'OPENED', 'CLICKED', 'BOUNCED', 'FAILED', 'SKIPPED')),
    add constraint message_bounce_kind_check check (bounce_kind in ('HARD', 'SOFT')),
    drop constraint message_channel_check,
    add constraint message_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK')),
    drop constraint message_organization_id_customer_id_campaign_id_channel_key,
    add constraint message_recipient_key
        unique (organization_id, customer_id, campaign_id, channel, entry);
drop index message_address_key;
create unique index message_address_key on message (organization_id, campaign_id, channel, address, entry)
    where address is not null and status <> 'SKIPPED';

alter table campaign drop constraint campaign_channel_check,
    add constraint campaign_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK'));
alter table template drop constraint template_channel_check,
    add constraint template_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK'));
alter table consent drop constraint consent_channel_check,
    add constraint consent_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK'));
alter table consent_change drop constraint consent_change_channel_check,
    add constraint consent_change_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK'));
alter table suppression drop constraint suppression_channel_check,
    add constraint suppression_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK'));

-- How often anybody may be written to: all rules that match a message must let it through.
create table frequency_rule (
    organization_id uuid not null,
    id uuid not null,
    brand_id uuid,
    channel text,
    topic text,
    name text not null,
    limit_count integer not null,
    window_amount integer not null,
    window_unit text not null,
    mode text not null default 'ROLLING',
    is_active boolean not null default true,
    version integer not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint frequency_rule_pkey primary key (organization_id, id),
    constraint frequency_rule_organization_id_brand_id_fkey foreign key (organization_id, brand_id)
        references brand (organization_id, id),
    constraint frequency_rule_organization_id_name_key unique (organization_id, name),
    constraint frequency_rule_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK')),
    constraint frequency_rule_limit_check check (limit_count between 1 and 1000),
    constraint frequency_rule_window_unit_check check (window_unit in ('MINUTES', 'HOURS', 'DAYS', 'WEEKS')),
    constraint frequency_rule_window_check check (window_amount between 1 and 43200),
    constraint frequency_rule_mode_check check (mode in ('ROLLING', 'CALENDAR')),
    constraint frequency_rule_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('frequency_rule');

-- Of the jobs that are due, the next one: of the organization with the fewest jobs at work, of those the one that waits
-- longest, counted from its last slice; in it by urgency and age. Each bell is worth one slice, whoever rang it.
create function fair_job(wanted uuid)
returns uuid
language sql stable security definer set search_path = public, pg_temp
as $$
    with due as materialized (
        select j.organization_id, j.id, j.priority, j.run_at, j.seen is not null as begun
        from job j
        where j.state in ('ready', 'running') and j.run_at <= clock_timestamp()
          and (j.state = 'ready' or j.lease_until < clock_timestamp())),
    waiting as (
        select organization_id, coalesce(max(run_at) filter (where begun), min(run_at)) as since
        from due group by 1),
    working as (
        select organization_id, count(*) as jobs from job
        where state = 'running' and lease_until >= clock_timestamp() group by 1)
    select coalesce((
        select d.id
        from (select organization_id, coalesce(w.jobs, 0) as jobs, n.since
              from waiting n left join working w using (organization_id)) o
        join due d using (organization_id)
        order by o.jobs, o.since, d.organization_id, d.priority, d.run_at, d.id
        limit 1), wanted)
$$;
revoke all on function fair_job from public;
grant execute on function fair_job to wayfare_app;

-- What there is already becomes a campaign of one variant; row-level security binds the owner too unless told not to.
alter table campaign no force row level security;
alter table campaign_variant no force row level security;
alter table campaign_content no force row level security;
insert into campaign_variant (organization_id, campaign_id, number, name)
select organization_id, id, 1, 'A' from campaign;
insert into campaign_content (organization_id, campaign_id, variant, channel, template_id, template_version)
select organization_id, id, 1, channel, template_id, template_version from campaign;
alter table campaign force row level security;
alter table campaign_variant force row level security;
alter table campaign_content force row level security;

reset role;
