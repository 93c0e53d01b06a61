set role wayfare_owner;

-- What a caller was answered, for as long as the request may be repeated; written by the transaction that did it.
create table idempotency_key (
    organization_id UUID NOT NULL,
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    answer TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT idempotency_key_pkey PRIMARY KEY (organization_id, caller, key),
    CONSTRAINT idempotency_key_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX idempotency_key_created_at_idx ON idempotency_key (organization_id, created_at);

create table trusted_document (
    organization_id UUID NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    name TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT trusted_document_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT trusted_document_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

-- Keys of clients that may send the ids of trusted documents only.
alter table api_key add column trusted_documents_only BOOLEAN DEFAULT false NOT NULL;

select protect_tenant_table('idempotency_key');
select protect_tenant_table('trusted_document');
-- A caller's keys are found by the caller's own name; documents are no brand's.
select limit_to_brands('idempotency_key', 'true');
select limit_to_brands('trusted_document', 'true', 'select');

reset role;
