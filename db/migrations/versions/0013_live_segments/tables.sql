-- Live segments: what changes reach and stored answers.
set role wayfare_owner;

-- What a definition reads, as domain.conditions.reads names it; unknown reads everything.
alter table segment_version add column reads TEXT[];

-- What of a customer changed since they were evaluated; unknown is everything.
alter table dirty_customer add column changed TEXT[];

-- Where changes are told of that nobody waits for: rows are only added, so that who adds them waits for nobody either.
create table segment_signal (
    organization_id UUID NOT NULL,
    id UUID DEFAULT uuid7() NOT NULL,
    customer_id UUID NOT NULL,
    changed TEXT NOT NULL,
    CONSTRAINT segment_signal_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT segment_signal_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_signal_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
CREATE INDEX segment_signal_customer_idx ON segment_signal (organization_id, customer_id);
select protect_tenant_table('segment_signal');
-- Shown to nobody.
select limit_to_brands('segment_signal', 'true', 'insert');

reset role;
