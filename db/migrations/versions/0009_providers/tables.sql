-- Providers: accounts and devices.
set role wayfare_owner;

-- A way to send on a channel. brand_id: null for every brand that has none of its own. secret: sealed, one JSON object.
create table provider_account (
    organization_id uuid not null,
    id uuid not null,
    brand_id uuid,
    channel text not null,
    kind text not null,
    name text not null,
    settings jsonb not null default '{}'::jsonb,
    secret bytea,
    -- The names in it and the key that sealed it; neither tells anything about what is in it.
    secret_names text[] not null default '{}'::text[],
    key_id text,
    rate_per_second integer,
    daily_quota integer,
    state text not null default 'ACTIVE',
    test_status text,
    test_detail text,
    test_latency_ms integer,
    tested_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint provider_account_pkey primary key (organization_id, id),
    constraint provider_account_organization_id_brand_id_fkey foreign key (organization_id, brand_id)
        references brand (organization_id, id),
    constraint provider_account_organization_id_name_key unique (organization_id, name),
    constraint provider_account_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK')),
    constraint provider_account_kind_check check (kind in ('SMTP', 'SENDGRID', 'MAILGUN', 'TWILIO', 'SNS', 'FCM',
        'APNS', 'WEB_PUSH', 'GOOGLE_WALLET', 'APPLE_WALLET', 'WEBHOOK', 'INBOX')),
    constraint provider_account_state_check check (state in ('ACTIVE', 'DISABLED')),
    constraint provider_account_test_status_check
        check (test_status in ('OK', 'INVALID_CREDENTIALS', 'RATE_LIMITED', 'UNREACHABLE')),
    constraint provider_account_secret_check check ((secret is null) = (key_id is null)),
    constraint provider_account_pace_check check (rate_per_second between 1 and 100000 and daily_quota >= 1),
    constraint provider_account_organization_id_fkey foreign key (organization_id) references organization (id)
);
-- One active account of a channel for a brand, or for all; of push and wallet one for each kind of device.
create unique index provider_account_active_key on provider_account (organization_id, brand_id, channel)
    nulls not distinct where state = 'ACTIVE' and channel in ('EMAIL', 'SMS', 'WEBHOOK');
create unique index provider_account_active_kind_key on provider_account (organization_id, brand_id, channel, kind)
    nulls not distinct where state = 'ACTIVE' and channel in ('PUSH', 'WALLET');
select protect_tenant_table('provider_account');

-- How many calls an account made on a day (UTC): what its daily quota is counted by.
create table provider_usage (
    organization_id uuid not null,
    account_id uuid not null,
    day date not null,
    calls integer not null default 0,
    constraint provider_usage_pkey primary key (organization_id, account_id, day),
    constraint provider_usage_organization_id_account_id_fkey foreign key (organization_id, account_id)
        references provider_account (organization_id, id) on delete cascade,
    constraint provider_usage_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('provider_usage');

-- Where push messages and wallet updates go: an app on a telephone, a browser, a pass. Goes with its customer.
create table customer_device (
    organization_id uuid not null,
    id uuid not null,
    customer_id uuid not null,
    brand_id uuid not null,
    channel text not null,
    kind text not null,
    -- What the provider knows it by: a token, an endpoint, a pass.
    token text not null,
    -- Tokens may be longer than an entry of an index.
    token_hash bytea not null,
    -- Of a browser: the public key and the secret its messages are encrypted with.
    keys jsonb not null default '{}'::jsonb,
    name text,
    state text not null default 'ACTIVE',
    disabled_reason text,
    -- Of a pass: what it shows, since when, and when its holder was last notified.
    content jsonb not null default '{}'::jsonb,
    content_at timestamptz,
    notified_at timestamptz[] not null default '{}'::timestamptz[],
    created_at timestamptz not null default clock_timestamp(),
    last_seen_at timestamptz not null default clock_timestamp(),
    constraint customer_device_pkey primary key (organization_id, id),
    constraint customer_device_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete cascade,
    constraint customer_device_organization_id_brand_id_fkey foreign key (organization_id, brand_id)
        references brand (organization_id, id),
    constraint customer_device_token_key unique (organization_id, brand_id, kind, token_hash),
    constraint customer_device_kind_check check (kind in ('FCM', 'APNS', 'WEB_PUSH', 'GOOGLE_WALLET', 'APPLE_WALLET')),
    constraint customer_device_channel_check
        check (channel = case when kind in ('GOOGLE_WALLET', 'APPLE_WALLET') then 'WALLET' else 'PUSH' end),
    constraint customer_device_state_check check (state in ('ACTIVE', 'DISABLED')),
    constraint customer_device_organization_id_fkey foreign key (organization_id) references organization (id)
);
-- The newest active one of a customer, which is the address.
create index customer_device_active_idx
    on customer_device (organization_id, customer_id, brand_id, channel, last_seen_at) where state = 'ACTIVE';
select protect_tenant_table('customer_device');

-- Telephones that hold an Apple pass and want to hear of its changes.
create table pass_registration (
    organization_id uuid not null,
    device_id uuid not null,
    library text not null,
    push_token text not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint pass_registration_pkey primary key (organization_id, device_id, library),
    constraint pass_registration_organization_id_device_id_fkey foreign key (organization_id, device_id)
        references customer_device (organization_id, id) on delete cascade,
    constraint pass_registration_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index pass_registration_library_idx on pass_registration (organization_id, library);
select protect_tenant_table('pass_registration');

reset role;
