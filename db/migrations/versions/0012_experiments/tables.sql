-- Experiments: variants and what was decided.
set role wayfare_owner;

-- When people were last told that an experiment waits for their decision.
alter table experiment add column reminded_at timestamptz;

-- The campaign whose unreached customers this one is for.
alter table campaign add column resend_of uuid,
    add constraint campaign_organization_id_resend_of_fkey foreign key (organization_id, resend_of)
        references campaign (organization_id, id) on delete set null (resend_of);

-- Of a campaign for named customers: who they are.
create table campaign_recipient (
    organization_id uuid not null,
    campaign_id uuid not null,
    customer_id uuid not null,
    constraint campaign_recipient_pkey primary key (organization_id, campaign_id, customer_id),
    constraint campaign_recipient_organization_id_campaign_id_fkey foreign key (organization_id, campaign_id)
        references campaign (organization_id, id) on delete cascade,
    constraint campaign_recipient_organization_id_customer_id_fkey foreign key (organization_id, customer_id)
        references customer (organization_id, id) on delete cascade,
    constraint campaign_recipient_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index campaign_recipient_customer_idx on campaign_recipient (organization_id, customer_id);
select protect_tenant_table('campaign_recipient');

reset role;
