-- Results: callbacks, links, replies, conversions and costs.
set role wayfare_owner;

-- Where the links of a template's version lead. What customers' data are part of is not rewritten, so never here.
create table link (
    organization_id uuid not null,
    id uuid not null,
    template_id uuid not null,
    template_version integer not null,
    url text not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint link_pkey primary key (organization_id, id),
    constraint link_organization_id_template_id_template_version_fkey
        foreign key (organization_id, template_id, template_version)
        references template_version (organization_id, template_id, number) on delete cascade,
    constraint link_organization_id_template_id_template_version_url_key
        unique (organization_id, template_id, template_version, url),
    constraint link_url_check check (length(url) <= 2000),
    constraint link_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('link');
select limit_to_brands('link', 'exists (select from template t where t.organization_id = link.organization_id and t.id = link.template_id)');

-- What came back of messages: each thing once, whoever tells it how often. The message's instants follow from these.
create table message_event (
    organization_id uuid not null,
    provider text not null,
    event_id text not null,
    message_id uuid not null,
    type text not null,
    at timestamptz not null,
    received_at timestamptz not null default clock_timestamp(),
    is_machine boolean not null default false,
    link_id uuid,
    bounce_kind text,
    detail text,
    constraint message_event_pkey primary key (organization_id, provider, event_id),
    constraint message_event_organization_id_message_id_fkey foreign key (organization_id, message_id)
        references message (organization_id, id) on delete cascade,
    constraint message_event_organization_id_link_id_fkey foreign key (organization_id, link_id)
        references link (organization_id, id),
    constraint message_event_type_check check (type in ('ACCEPTED', 'DEFERRED', 'DELIVERED', 'OPENED', 'CLICKED',
        'BOUNCED', 'COMPLAINED', 'UNSUBSCRIBED', 'REPLIED')),
    constraint message_event_bounce_kind_check check (bounce_kind in ('HARD', 'SOFT')),
    constraint message_event_bounced_check check ((type = 'BOUNCED') = (bounce_kind is not null)),
    constraint message_event_length_check
        check (length(provider) <= 100 and length(event_id) <= 500 and length(detail) <= 500)
);
create index message_event_message_idx on message_event (organization_id, message_id, at);
create index message_event_link_idx on message_event (organization_id, link_id) where link_id is not null;
select protect_tenant_table('message_event');
revoke update, delete on message_event from wayfare_app, wayfare_limited;

-- What came back before the ledger knew the provider's name for the message.
create table waiting_event (
    organization_id uuid not null,
    provider text not null,
    event_id text not null,
    provider_message_id text not null,
    type text not null,
    at timestamptz not null,
    received_at timestamptz not null default clock_timestamp(),
    is_machine boolean not null default false,
    bounce_kind text,
    detail text,
    constraint waiting_event_pkey primary key (organization_id, provider, event_id),
    constraint waiting_event_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index waiting_event_message_idx on waiting_event (organization_id, provider, provider_message_id);
create index waiting_event_received_idx on waiting_event (organization_id, received_at);
select protect_tenant_table('waiting_event');
select limit_to_brands('waiting_event', 'true');
create index message_provider_message_idx on message (organization_id, provider, provider_message_id)
    where provider_message_id is not null;
-- Whom an answer by text message is to.
create index message_text_address_idx on message (organization_id, address, sent_at)
    where channel = 'SMS' and sent_at is not null;

-- Callbacks that were taken: the same one again has no effect, whatever is in it.
create table callback_receipt (
    organization_id uuid not null,
    account_id uuid not null,
    nonce text not null,
    at timestamptz not null default clock_timestamp(),
    constraint callback_receipt_pkey primary key (organization_id, account_id, nonce),
    constraint callback_receipt_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index callback_receipt_at_idx on callback_receipt (organization_id, at);
select protect_tenant_table('callback_receipt');
select limit_to_brands('callback_receipt', 'true');

-- What an organization wants to know of its messages; without a row it is the defaults.
create table messaging_setting (
    organization_id uuid not null,
    track_opens boolean not null default true,
    track_clicks boolean not null default true,
    attribution_window interval not null default '5 days',
    attribution_from text not null default 'SENT',
    updated_at timestamptz not null default clock_timestamp(),
    constraint messaging_setting_pkey primary key (organization_id),
    constraint messaging_setting_attribution_from_check check (attribution_from in ('SENT', 'OPENED', 'CLICKED')),
    constraint messaging_setting_attribution_window_check
        check (attribution_window between interval '1 hour' and interval '90 days'),
    constraint messaging_setting_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('messaging_setting');
select limit_to_brands('messaging_setting', 'true', 'select');

-- What counts as success of a campaign. A definition never changes; another one takes its place.
create table conversion_definition (
    organization_id uuid not null,
    id uuid not null,
    campaign_id uuid not null,
    name text not null,
    -- A fact of a canonical condition tree's leaf, or entering a segment.
    fact jsonb,
    segment_id uuid,
    "window" interval not null default '3 days',
    starts_from text not null default 'SENT',
    created_at timestamptz not null default clock_timestamp(),
    constraint conversion_definition_pkey primary key (organization_id, id),
    constraint conversion_definition_organization_id_campaign_id_fkey foreign key (organization_id, campaign_id)
        references campaign (organization_id, id) on delete cascade,
    constraint conversion_definition_organization_id_segment_id_fkey foreign key (organization_id, segment_id)
        references segment (organization_id, id) on delete cascade,
    constraint conversion_definition_organization_id_campaign_id_name_key unique (organization_id, campaign_id, name),
    constraint conversion_definition_starts_from_check check (starts_from in ('SENT', 'OPENED', 'CLICKED')),
    constraint conversion_definition_window_check check ("window" between interval '1 minute' and interval '90 days'),
    constraint conversion_definition_subject_check check ((fact is null) <> (segment_id is null)),
    constraint conversion_definition_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index conversion_definition_segment_idx on conversion_definition (organization_id, segment_id)
    where segment_id is not null;
select protect_tenant_table('conversion_definition');

-- At most one a definition and customer; of one who was held out it belongs to the row that says so.
create table conversion (
    organization_id uuid not null,
    definition_id uuid not null,
    message_id uuid not null,
    campaign_id uuid not null,
    customer_id uuid,
    at timestamptz not null,
    amount numeric(18, 2),
    constraint conversion_pkey primary key (organization_id, definition_id, message_id),
    constraint conversion_organization_id_definition_id_fkey foreign key (organization_id, definition_id)
        references conversion_definition (organization_id, id) on delete cascade,
    constraint conversion_organization_id_message_id_fkey foreign key (organization_id, message_id)
        references message (organization_id, id) on delete cascade,
    constraint conversion_organization_id_campaign_id_fkey foreign key (organization_id, campaign_id)
        references campaign (organization_id, id) on delete cascade,
    constraint conversion_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete set null (customer_id),
    constraint conversion_organization_id_definition_id_customer_id_key
        unique (organization_id, definition_id, customer_id),
    constraint conversion_amount_check check (amount <> 'NaN')
);
create index conversion_message_idx on conversion (organization_id, message_id);
create index conversion_campaign_idx on conversion (organization_id, campaign_id);
create index conversion_customer_idx on conversion (organization_id, customer_id);
select protect_tenant_table('conversion');

-- Money by last touch: each fact at most once, less what was refunded of it. It outlives the fact of an erased customer.
create table attribution (
    organization_id uuid not null,
    fact_id uuid not null,
    message_id uuid not null,
    campaign_id uuid not null,
    customer_id uuid,
    at timestamptz not null,
    amount numeric(18, 2) not null,
    constraint attribution_pkey primary key (organization_id, fact_id),
    constraint attribution_organization_id_message_id_fkey foreign key (organization_id, message_id)
        references message (organization_id, id) on delete cascade,
    constraint attribution_organization_id_campaign_id_fkey foreign key (organization_id, campaign_id)
        references campaign (organization_id, id) on delete cascade,
    constraint attribution_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete set null (customer_id),
    constraint attribution_amount_check check (amount >= 0 and amount <> 'NaN')
);
create index attribution_message_idx on attribution (organization_id, message_id);
create index attribution_campaign_idx on attribution (organization_id, campaign_id);
create index attribution_customer_idx on attribution (organization_id, customer_id);
select protect_tenant_table('attribution');

-- What one message on a channel costs: a campaign's own price, else its brand's, else the organization's.
create table message_price (
    organization_id uuid not null,
    id uuid not null,
    brand_id uuid,
    campaign_id uuid,
    channel text not null,
    amount numeric(12, 6) not null,
    updated_at timestamptz not null default clock_timestamp(),
    constraint message_price_pkey primary key (organization_id, id),
    constraint message_price_organization_id_brand_id_fkey foreign key (organization_id, brand_id)
        references brand (organization_id, id),
    constraint message_price_organization_id_campaign_id_fkey foreign key (organization_id, campaign_id)
        references campaign (organization_id, id) on delete cascade,
    constraint message_price_subject_key unique nulls not distinct (organization_id, brand_id, campaign_id, channel),
    constraint message_price_subject_check check (brand_id is null or campaign_id is null),
    constraint message_price_channel_check check (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK')),
    constraint message_price_amount_check check (amount >= 0 and amount <> 'NaN'),
    constraint message_price_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('message_price');

-- Customers whose facts or touches changed since their conversions and attributions were last computed.
create table result_due (
    organization_id uuid not null,
    customer_id uuid not null,
    since timestamptz not null default clock_timestamp(),
    constraint result_due_pkey primary key (organization_id, customer_id),
    constraint result_due_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete cascade,
    constraint result_due_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('result_due');
select limit_to_brands('result_due', 'true');

reset role;
