-- Live segments: what changes reach and stored answers.
set role wayfare_owner;

-- What a definition reads, as domain.conditions.reads names it; unknown reads everything.
alter table segment_version add column reads TEXT[];

-- What of a customer changed since they were evaluated; unknown is everything. A mark for each change, because one for
-- each customer made whoever tells of a change wait for the evaluation that is about to take the mark away.
alter table dirty_customer add column changed TEXT[],
    add column id BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    drop constraint dirty_customer_pkey,
    add CONSTRAINT dirty_customer_pkey PRIMARY KEY (organization_id, id);
CREATE INDEX dirty_customer_customer_idx ON dirty_customer (organization_id, customer_id);

-- Where changes are told of that nobody waits for: rows are only added, so that who adds them waits for nobody either.
create table segment_signal (
    organization_id UUID NOT NULL,
    id UUID DEFAULT uuid7() NOT NULL,
    customer_id UUID NOT NULL,
    changed TEXT NOT NULL,
    CONSTRAINT segment_signal_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT segment_signal_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX segment_signal_customer_idx ON segment_signal (organization_id, customer_id);
select protect_tenant_table('segment_signal');
-- Shown to nobody.
select limit_to_brands('segment_signal', 'true', 'insert');

-- These refer to a customer, a fact or a journey, and so to an organization: the check of each new row that it is one
-- of them was a third of what adding it costs.
alter table segment_membership drop constraint segment_membership_organization_id_fkey;
alter table segment_membership_change drop constraint segment_membership_change_organization_id_fkey;
alter table dirty_customer drop constraint dirty_customer_organization_id_fkey;
alter table fact drop constraint fact_organization_id_fkey;
alter table fact_item drop constraint fact_item_organization_id_fkey;
alter table customer_metrics drop constraint customer_metrics_organization_id_fkey;
alter table metric_snapshot drop constraint metric_snapshot_organization_id_fkey;
alter table journey drop constraint journey_organization_id_fkey;
alter table stage_transition drop constraint stage_transition_organization_id_fkey;

-- Previews that take too long for a request.
alter table bulk_operation drop constraint bulk_operation_kind_check,
    add constraint bulk_operation_kind_check
    CHECK (kind in ('IMPORT', 'REFRESH', 'EVALUATE', 'SCORE', 'SEND', 'EXPORT', 'BACKTEST', 'PREVIEW'));

reset role;
