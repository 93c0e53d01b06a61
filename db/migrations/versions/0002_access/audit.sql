set role wayfare_owner;

-- Who did what to what, written in the transaction that did it. No values and nothing personal: ids, and the names of
-- what was given. brand_ids: the brands the actor was limited to.
create table audit_entry (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target_type TEXT,
    target_id UUID,
    details JSONB DEFAULT '{}'::jsonb NOT NULL,
    request_id TEXT,
    brand_ids UUID[] DEFAULT current_brands(),
    CONSTRAINT audit_entry_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT audit_entry_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX audit_entry_at_idx ON audit_entry (organization_id, at, id);

CREATE INDEX audit_entry_target_idx ON audit_entry (organization_id, target_id, at) WHERE target_id IS NOT NULL;

select protect_tenant_table('audit_entry');

-- Append-only: what was done cannot be undone here.
revoke update, delete on audit_entry from wayfare_app, wayfare_limited;

reset role;
