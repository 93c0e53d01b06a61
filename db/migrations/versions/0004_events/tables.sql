set role wayfare_owner;

CREATE TABLE outbox_event (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    type TEXT NOT NULL,
    data JSONB DEFAULT '{}'::jsonb NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT outbox_event_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT outbox_event_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
select protect_tenant_table('outbox_event');

CREATE TABLE webhook (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    event_types TEXT[] NOT NULL,
    scopes TEXT[] NOT NULL,
    selection TEXT,
    state TEXT DEFAULT 'ACTIVE' NOT NULL,
    disabled_reason TEXT,
    secret BYTEA NOT NULL,
    secret_hint TEXT NOT NULL,
    secret_set_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    previous_secret BYTEA,
    previous_secret_until TIMESTAMP WITH TIME ZONE,
    failing_since TIMESTAMP WITH TIME ZONE,
    resume_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT webhook_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT webhook_state_check CHECK (state in ('ACTIVE', 'PAUSED', 'DISABLED')),
    CONSTRAINT webhook_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
select protect_tenant_table('webhook');

CREATE TABLE webhook_delivery (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    webhook_id UUID NOT NULL,
    event_id UUID NOT NULL,
    state TEXT DEFAULT 'PENDING' NOT NULL,
    attempt_count INTEGER DEFAULT '0' NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp(),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT webhook_delivery_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT webhook_delivery_organization_id_webhook_id_fkey FOREIGN KEY(organization_id, webhook_id) REFERENCES webhook (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT webhook_delivery_organization_id_event_id_fkey FOREIGN KEY(organization_id, event_id) REFERENCES outbox_event (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT webhook_delivery_state_check CHECK (state in ('PENDING', 'DELIVERED', 'FAILED')),
    CONSTRAINT webhook_delivery_next_attempt_at_check CHECK ((state = 'PENDING') = (next_attempt_at is not null)),
    CONSTRAINT webhook_delivery_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
CREATE INDEX webhook_delivery_due_idx ON webhook_delivery (organization_id, webhook_id, next_attempt_at, seq) WHERE state = 'PENDING';
CREATE INDEX webhook_delivery_event_idx ON webhook_delivery (organization_id, event_id);
CREATE INDEX webhook_delivery_log_idx ON webhook_delivery (organization_id, webhook_id, seq);
select protect_tenant_table('webhook_delivery');

CREATE TABLE webhook_attempt (
    organization_id UUID NOT NULL,
    delivery_id UUID NOT NULL,
    number INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    latency_ms INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    response TEXT,
    CONSTRAINT webhook_attempt_pkey PRIMARY KEY (organization_id, delivery_id, number),
    CONSTRAINT webhook_attempt_organization_id_delivery_id_fkey FOREIGN KEY(organization_id, delivery_id) REFERENCES webhook_delivery (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT webhook_attempt_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
select protect_tenant_table('webhook_attempt');

-- Callers of some brands cause events as everybody does, and see of webhooks no more than that takes.
select limit_to_brands('webhook', 'true', 'select (organization_id, id, state, event_types), update (id)');
select limit_to_brands('outbox_event', 'true', 'select, insert');
select limit_to_brands('webhook_delivery', 'true', 'insert');

reset role;
