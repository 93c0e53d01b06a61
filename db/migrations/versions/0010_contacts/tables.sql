-- Contacts: templates, preferences and confirmations.
set role wayfare_owner;

-- Parts of some channels: what a mail program shows beside the subject; what an app, a pass or a receiver is told.
alter table template_version
    add column preheader text,
    add column data jsonb;
alter table template add column archived_at timestamptz;

-- The same content in another language; as unchangeable as the version it belongs to.
create table template_translation (
    organization_id uuid not null,
    template_id uuid not null,
    number integer not null,
    locale text not null,
    subject text not null,
    html text,
    text text,
    preheader text,
    data jsonb,
    constraint template_translation_pkey primary key (organization_id, template_id, number, locale),
    constraint template_translation_organization_id_template_id_number_fkey
        foreign key (organization_id, template_id, number)
        references template_version (organization_id, template_id, number) on delete cascade,
    constraint template_translation_organization_id_template_id_fkey foreign key (organization_id, template_id)
        references template (organization_id, id) on delete cascade,
    constraint template_translation_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('template_translation');
revoke update, delete on template_translation from wayfare_app, wayfare_limited;

-- What a brand writes about, and what it means that a customer has said nothing. Never deleted: what was recorded about
-- a topic that is no longer offered keeps its meaning.
create table consent_topic (
    organization_id uuid not null,
    id uuid not null,
    brand_id uuid not null,
    key text not null,
    name text not null,
    description text,
    default_rule text not null default 'OPT_IN_REQUIRED',
    channels text[] not null default '{EMAIL}',
    double_opt_in boolean not null default false,
    archived_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint consent_topic_pkey primary key (organization_id, id),
    constraint consent_topic_organization_id_brand_id_fkey foreign key (organization_id, brand_id)
        references brand (organization_id, id),
    constraint consent_topic_organization_id_brand_id_key_key unique (organization_id, brand_id, key),
    constraint consent_topic_default_rule_check check (default_rule in ('OPT_IN_REQUIRED', 'OPT_OUT')),
    constraint consent_topic_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('consent_topic');

-- What proves a consent: from where it was given, and to which words.
alter table consent_change
    add column ip text,
    add column text_version text;

create table contact_preference (
    organization_id uuid not null,
    customer_id uuid not null,
    preferred_channel text,
    updated_at timestamptz not null default clock_timestamp(),
    constraint contact_preference_pkey primary key (organization_id, customer_id),
    constraint contact_preference_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete cascade,
    constraint contact_preference_preferred_channel_check
        check (preferred_channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET', 'WEBHOOK')),
    constraint contact_preference_organization_id_fkey foreign key (organization_id) references organization (id)
);
select protect_tenant_table('contact_preference');

reset role;
