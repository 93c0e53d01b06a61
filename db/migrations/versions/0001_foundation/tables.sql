-- Every table of the foundation. db/tables says the same to Python; a test compares the two.

create table organization (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    timezone TEXT DEFAULT 'UTC' NOT NULL,
    currency TEXT DEFAULT 'USD' NOT NULL,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT organization_pkey PRIMARY KEY (id),
    CONSTRAINT organization_slug_key UNIQUE (slug)
);

create table api_key (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    scopes TEXT[] NOT NULL,
    brand_ids UUID[],
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT api_key_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT api_key_prefix_key UNIQUE (prefix),
    CONSTRAINT api_key_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table brand (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    timezone TEXT,
    sender_name TEXT,
    sender_email TEXT,
    is_default BOOLEAN DEFAULT 'false' NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT brand_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT brand_organization_id_slug_key UNIQUE (organization_id, slug),
    CONSTRAINT brand_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE UNIQUE INDEX brand_default_idx ON brand (organization_id) WHERE is_default;

create table bulk_operation (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    state TEXT DEFAULT 'QUEUED' NOT NULL,
    args JSONB DEFAULT '{}'::jsonb NOT NULL,
    done BIGINT DEFAULT '0' NOT NULL,
    total BIGINT,
    counts JSONB DEFAULT '{}'::jsonb NOT NULL,
    error TEXT,
    cancel_requested BOOLEAN DEFAULT 'false' NOT NULL,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT bulk_operation_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT bulk_operation_kind_check CHECK (kind in ('IMPORT', 'REFRESH', 'EVALUATE', 'SCORE', 'SEND')),
    CONSTRAINT bulk_operation_state_check CHECK (state in ('QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    CONSTRAINT bulk_operation_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX bulk_operation_created_idx ON bulk_operation (organization_id, created_at, id);

create table customer (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT DEFAULT 'PERSON' NOT NULL,
    external_id TEXT,
    name TEXT,
    email TEXT,
    phone TEXT,
    date_of_birth DATE,
    timezone TEXT,
    locale TEXT,
    loyalty_level TEXT,
    city TEXT,
    state TEXT,
    country TEXT,
    attributes JSONB DEFAULT '{}'::jsonb NOT NULL,
    acquired_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    search_text TEXT GENERATED ALWAYS AS (fold(coalesce(name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(external_id, '') || ' ' || coalesce(phone, ''))) STORED NOT NULL,
    CONSTRAINT customer_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT customer_organization_id_external_id_key UNIQUE (organization_id, external_id),
    CONSTRAINT customer_organization_id_email_key UNIQUE (organization_id, email),
    CONSTRAINT customer_kind_check CHECK (kind in ('PERSON', 'BUSINESS')),
    CONSTRAINT customer_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX customer_created_idx ON customer (organization_id, created_at, id);

CREATE INDEX customer_name_idx ON customer (organization_id, coalesce(name, ''::text) collate "C", id);

CREATE INDEX customer_search_idx ON customer USING gin (search_text gin_trgm_ops);

CREATE INDEX customer_updated_idx ON customer (organization_id, updated_at, id);

create table job (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    args JSONB DEFAULT '{}'::jsonb NOT NULL,
    cursor JSONB,
    state TEXT DEFAULT 'ready' NOT NULL,
    priority SMALLINT DEFAULT '5' NOT NULL,
    run_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    want INTEGER DEFAULT '1' NOT NULL,
    seen INTEGER,
    got INTEGER DEFAULT '0' NOT NULL,
    lease_until TIMESTAMP WITH TIME ZONE,
    lease_token UUID,
    attempts INTEGER DEFAULT '0' NOT NULL,
    max_attempts INTEGER DEFAULT '5' NOT NULL,
    last_bell TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT job_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT job_state_check CHECK (state in ('ready', 'running', 'done', 'dead')),
    CONSTRAINT job_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX job_due_idx ON job (priority, run_at) WHERE state IN ('ready', 'running');

CREATE INDEX job_id_idx ON job (id) WHERE state IN ('ready', 'running');

CREATE UNIQUE INDEX job_live_key ON job (organization_id, kind, dedupe_key) WHERE state IN ('ready', 'running');

create table journey_stage (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    position INTEGER NOT NULL,
    color TEXT,
    icon TEXT,
    kind TEXT NOT NULL,
    condition JSONB,
    allow_demotion BOOLEAN DEFAULT 'false' NOT NULL,
    retention_days INTEGER,
    is_initial BOOLEAN DEFAULT 'false' NOT NULL,
    is_active BOOLEAN DEFAULT 'true' NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT journey_stage_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT journey_stage_organization_id_key_key UNIQUE (organization_id, key),
    CONSTRAINT journey_stage_organization_id_position_key UNIQUE (organization_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT journey_stage_kind_check CHECK (kind in ('PROGRESSION', 'RETENTION')),
    CONSTRAINT journey_stage_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE UNIQUE INDEX journey_stage_initial_idx ON journey_stage (organization_id) WHERE is_initial;

create table schedule_run (
    organization_id UUID NOT NULL,
    name TEXT NOT NULL,
    scheduled_for TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT schedule_run_pkey PRIMARY KEY (organization_id, name, scheduled_for),
    CONSTRAINT schedule_run_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table suppression (
    organization_id UUID NOT NULL,
    channel TEXT NOT NULL,
    address_hash BYTEA NOT NULL,
    reason TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT suppression_pkey PRIMARY KEY (organization_id, channel, address_hash),
    CONSTRAINT suppression_channel_check CHECK (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET')),
    CONSTRAINT suppression_reason_check CHECK (reason in ('HARD_BOUNCE', 'COMPLAINT', 'STOP', 'MANUAL', 'ERASED')),
    CONSTRAINT suppression_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table tag (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT tag_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT tag_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT tag_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table upload (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    size BIGINT DEFAULT '0' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT upload_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT upload_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table bulk_operation_error (
    organization_id UUID NOT NULL,
    bulk_operation_id UUID NOT NULL,
    row_number BIGINT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    field TEXT,
    CONSTRAINT bulk_operation_error_pkey PRIMARY KEY (organization_id, bulk_operation_id, row_number),
    CONSTRAINT bulk_operation_error_organization_id_bulk_operation_id_fkey FOREIGN KEY(organization_id, bulk_operation_id) REFERENCES bulk_operation (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT bulk_operation_error_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table consent (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    brand_id UUID NOT NULL,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    state TEXT NOT NULL,
    source TEXT,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT consent_pkey PRIMARY KEY (organization_id, customer_id, brand_id, channel, topic),
    CONSTRAINT consent_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT consent_organization_id_brand_id_fkey FOREIGN KEY(organization_id, brand_id) REFERENCES brand (organization_id, id),
    CONSTRAINT consent_channel_check CHECK (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET')),
    CONSTRAINT consent_state_check CHECK (state in ('SUBSCRIBED', 'UNSUBSCRIBED', 'PENDING', 'NEVER')),
    CONSTRAINT consent_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table consent_change (
    organization_id UUID NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    customer_id UUID NOT NULL,
    brand_id UUID NOT NULL,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    state TEXT NOT NULL,
    source TEXT,
    actor TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT consent_change_pkey PRIMARY KEY (organization_id, seq),
    CONSTRAINT consent_change_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT consent_change_channel_check CHECK (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET')),
    CONSTRAINT consent_change_state_check CHECK (state in ('SUBSCRIBED', 'UNSUBSCRIBED', 'PENDING', 'NEVER')),
    CONSTRAINT consent_change_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX consent_change_customer_idx ON consent_change (organization_id, customer_id);

create table customer_brand (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    brand_id UUID NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT customer_brand_pkey PRIMARY KEY (organization_id, customer_id, brand_id),
    CONSTRAINT customer_brand_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT customer_brand_organization_id_brand_id_fkey FOREIGN KEY(organization_id, brand_id) REFERENCES brand (organization_id, id),
    CONSTRAINT customer_brand_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX customer_brand_brand_idx ON customer_brand (organization_id, brand_id);

create table customer_metrics (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    brand_id UUID,
    lifetime_value NUMERIC(18, 2) DEFAULT '0' NOT NULL,
    order_total NUMERIC(18, 2) DEFAULT '0' NOT NULL,
    order_count INTEGER DEFAULT '0' NOT NULL,
    appointment_count INTEGER DEFAULT '0' NOT NULL,
    first_order_at TIMESTAMP WITH TIME ZONE,
    last_order_at TIMESTAMP WITH TIME ZONE,
    last_appointment_at TIMESTAMP WITH TIME ZONE,
    last_activity_at TIMESTAMP WITH TIME ZONE,
    orders_365_days INTEGER DEFAULT '0' NOT NULL,
    appointments_365_days INTEGER DEFAULT '0' NOT NULL,
    no_shows_365_days INTEGER DEFAULT '0' NOT NULL,
    visits_90_days INTEGER DEFAULT '0' NOT NULL,
    visits_previous_90_days INTEGER DEFAULT '0' NOT NULL,
    tickets_open INTEGER DEFAULT '0' NOT NULL,
    stale_at TIMESTAMP WITH TIME ZONE,
    engagement_score NUMERIC(4, 3),
    engagement_factors JSONB DEFAULT '{}'::jsonb NOT NULL,
    risk_score NUMERIC(4, 3),
    risk_factors JSONB DEFAULT '{}'::jsonb NOT NULL,
    scored_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT customer_metrics_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT customer_metrics_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT customer_metrics_organization_id_brand_id_fkey FOREIGN KEY(organization_id, brand_id) REFERENCES brand (organization_id, id),
    CONSTRAINT customer_metrics_customer_brand_key UNIQUE NULLS NOT DISTINCT (organization_id, customer_id, brand_id),
    CONSTRAINT customer_metrics_money_check CHECK (lifetime_value <> 'NaN' and order_total <> 'NaN'),
    CONSTRAINT customer_metrics_engagement_check CHECK (engagement_score between 0 and 1),
    CONSTRAINT customer_metrics_risk_check CHECK (risk_score between 0 and 1)
);

CREATE INDEX customer_metrics_stale_idx ON customer_metrics (organization_id, stale_at) WHERE stale_at IS NOT NULL;

create table customer_note (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    body TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT customer_note_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT customer_note_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT customer_note_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX customer_note_customer_idx ON customer_note (organization_id, customer_id);

create table customer_tag (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    tag_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT customer_tag_pkey PRIMARY KEY (organization_id, customer_id, tag_id),
    CONSTRAINT customer_tag_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT customer_tag_organization_id_tag_id_fkey FOREIGN KEY(organization_id, tag_id) REFERENCES tag (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT customer_tag_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX customer_tag_tag_idx ON customer_tag (organization_id, tag_id);

create table dirty_customer (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT dirty_customer_pkey PRIMARY KEY (organization_id, customer_id),
    CONSTRAINT dirty_customer_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT dirty_customer_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table fact (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    brand_id UUID,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT,
    status TEXT,
    amount NUMERIC(18, 2),
    duration_seconds INTEGER,
    properties JSONB DEFAULT '{}'::jsonb NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revision BIGINT,
    content_hash BYTEA NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT fact_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT fact_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT fact_organization_id_brand_id_fkey FOREIGN KEY(organization_id, brand_id) REFERENCES brand (organization_id, id),
    CONSTRAINT fact_organization_id_source_key_key UNIQUE (organization_id, source, key),
    CONSTRAINT fact_kind_check CHECK (kind in ('ORDER', 'REFUND', 'APPOINTMENT', 'CALL', 'VISIT', 'TICKET', 'CUSTOM')),
    CONSTRAINT fact_amount_check CHECK (amount <> 'NaN'),
    CONSTRAINT fact_name_check CHECK ((kind = 'CUSTOM') = (name is not null)),
    CONSTRAINT fact_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX fact_customer_idx ON fact (organization_id, customer_id, occurred_at, id);

create table journey (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    stage_id UUID NOT NULL,
    previous_stage_id UUID,
    stage_entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    activity_seen_at TIMESTAMP WITH TIME ZONE,
    lock TEXT DEFAULT 'NONE' NOT NULL,
    locked_at TIMESTAMP WITH TIME ZONE,
    notes TEXT,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT journey_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT journey_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT journey_organization_id_stage_id_fkey FOREIGN KEY(organization_id, stage_id) REFERENCES journey_stage (organization_id, id),
    CONSTRAINT journey_organization_id_previous_stage_id_fkey FOREIGN KEY(organization_id, previous_stage_id) REFERENCES journey_stage (organization_id, id),
    CONSTRAINT journey_organization_id_customer_id_key UNIQUE (organization_id, customer_id),
    CONSTRAINT journey_lock_check CHECK (lock in ('NONE', 'UNTIL_ACTIVITY', 'FOREVER')),
    CONSTRAINT journey_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX journey_stage_id_idx ON journey (organization_id, stage_id, id);

create table segment (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    brand_id UUID,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    type TEXT NOT NULL,
    state TEXT DEFAULT 'ACTIVE' NOT NULL,
    condition JSONB,
    depends_on UUID[] DEFAULT '{}' NOT NULL,
    auto_update BOOLEAN DEFAULT 'true' NOT NULL,
    definition_version INTEGER DEFAULT '1' NOT NULL,
    computed_version INTEGER,
    member_count INTEGER DEFAULT '0' NOT NULL,
    last_refreshed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT segment_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT segment_organization_id_brand_id_fkey FOREIGN KEY(organization_id, brand_id) REFERENCES brand (organization_id, id),
    CONSTRAINT segment_organization_id_key_key UNIQUE (organization_id, key),
    CONSTRAINT segment_type_check CHECK (type in ('AUTOMATIC', 'MANUAL')),
    CONSTRAINT segment_state_check CHECK (state in ('DRAFT', 'ACTIVE', 'INACTIVE')),
    CONSTRAINT segment_condition_check CHECK ((type = 'AUTOMATIC') = (condition is not null)),
    CONSTRAINT segment_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX segment_depends_on_idx ON segment USING gin (depends_on);

create table template (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    brand_id UUID NOT NULL,
    name TEXT NOT NULL,
    channel TEXT NOT NULL,
    current_version INTEGER DEFAULT '1' NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT template_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT template_organization_id_brand_id_fkey FOREIGN KEY(organization_id, brand_id) REFERENCES brand (organization_id, id),
    CONSTRAINT template_organization_id_brand_id_name_key UNIQUE (organization_id, brand_id, name),
    CONSTRAINT template_channel_check CHECK (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET')),
    CONSTRAINT template_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table upload_chunk (
    organization_id UUID NOT NULL,
    upload_id UUID NOT NULL,
    number INTEGER NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT upload_chunk_pkey PRIMARY KEY (organization_id, upload_id, number),
    CONSTRAINT upload_chunk_organization_id_upload_id_fkey FOREIGN KEY(organization_id, upload_id) REFERENCES upload (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT upload_chunk_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table fact_item (
    organization_id UUID NOT NULL,
    fact_id UUID NOT NULL,
    line INTEGER NOT NULL,
    sku TEXT NOT NULL,
    category TEXT,
    brand_label TEXT,
    quantity NUMERIC(18, 3) DEFAULT '1' NOT NULL,
    amount NUMERIC(18, 2),
    CONSTRAINT fact_item_pkey PRIMARY KEY (organization_id, fact_id, line),
    CONSTRAINT fact_item_organization_id_fact_id_fkey FOREIGN KEY(organization_id, fact_id) REFERENCES fact (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT fact_item_amount_check CHECK (amount <> 'NaN' and quantity <> 'NaN'),
    CONSTRAINT fact_item_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table segment_membership (
    organization_id UUID NOT NULL,
    segment_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    source TEXT NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    segment_version INTEGER NOT NULL,
    CONSTRAINT segment_membership_pkey PRIMARY KEY (organization_id, segment_id, customer_id),
    CONSTRAINT segment_membership_organization_id_segment_id_fkey FOREIGN KEY(organization_id, segment_id) REFERENCES segment (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_membership_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_membership_source_check CHECK (source in ('AUTOMATIC', 'MANUAL', 'IMPORT')),
    CONSTRAINT segment_membership_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX segment_membership_customer_idx ON segment_membership (organization_id, customer_id);

CREATE INDEX segment_membership_entered_idx ON segment_membership (organization_id, segment_id, entered_at, customer_id);

create table segment_membership_change (
    organization_id UUID NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    segment_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    change TEXT NOT NULL,
    reason TEXT NOT NULL,
    source TEXT NOT NULL,
    actor TEXT,
    bulk_operation_id UUID,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT segment_membership_change_pkey PRIMARY KEY (organization_id, seq),
    CONSTRAINT segment_membership_change_organization_id_segment_id_fkey FOREIGN KEY(organization_id, segment_id) REFERENCES segment (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_membership_change_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_membership_change_change_check CHECK (change in ('ENTERED', 'LEFT')),
    CONSTRAINT segment_membership_change_reason_check CHECK (reason in ('INITIAL', 'LIVE', 'SCHEDULED', 'DEFINITION_CHANGED', 'MANUAL', 'IMPORT', 'MERGE', 'ERASURE')),
    CONSTRAINT segment_membership_change_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX segment_membership_change_customer_idx ON segment_membership_change (organization_id, customer_id, seq);

CREATE INDEX segment_membership_change_segment_idx ON segment_membership_change (organization_id, segment_id, seq);

create table segment_version (
    organization_id UUID NOT NULL,
    segment_id UUID NOT NULL,
    number INTEGER NOT NULL,
    condition JSONB,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT segment_version_pkey PRIMARY KEY (organization_id, segment_id, number),
    CONSTRAINT segment_version_organization_id_segment_id_fkey FOREIGN KEY(organization_id, segment_id) REFERENCES segment (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_version_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table stage_transition (
    organization_id UUID NOT NULL,
    journey_id UUID NOT NULL,
    seq INTEGER NOT NULL,
    from_stage_id UUID,
    to_stage_id UUID NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    exited_at TIMESTAMP WITH TIME ZONE,
    trigger TEXT NOT NULL,
    trigger_event TEXT,
    skipped TEXT[] DEFAULT '{}' NOT NULL,
    actor TEXT,
    notes TEXT,
    evidence JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT stage_transition_pkey PRIMARY KEY (organization_id, journey_id, seq),
    CONSTRAINT stage_transition_organization_id_journey_id_fkey FOREIGN KEY(organization_id, journey_id) REFERENCES journey (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT stage_transition_organization_id_from_stage_id_fkey FOREIGN KEY(organization_id, from_stage_id) REFERENCES journey_stage (organization_id, id),
    CONSTRAINT stage_transition_organization_id_to_stage_id_fkey FOREIGN KEY(organization_id, to_stage_id) REFERENCES journey_stage (organization_id, id),
    CONSTRAINT stage_transition_trigger_check CHECK (trigger in ('MANUAL', 'AUTOMATIC', 'SYSTEM')),
    CONSTRAINT stage_transition_moves_check CHECK (from_stage_id is distinct from to_stage_id),
    CONSTRAINT stage_transition_spell_check CHECK (exited_at >= entered_at),
    CONSTRAINT stage_transition_first_check CHECK ((seq = 1) = (from_stage_id is null)),
    CONSTRAINT stage_transition_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE UNIQUE INDEX stage_transition_open_idx ON stage_transition (organization_id, journey_id) WHERE exited_at IS NULL;

create table template_version (
    organization_id UUID NOT NULL,
    template_id UUID NOT NULL,
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    html TEXT,
    text TEXT,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT template_version_pkey PRIMARY KEY (organization_id, template_id, number),
    CONSTRAINT template_version_organization_id_template_id_fkey FOREIGN KEY(organization_id, template_id) REFERENCES template (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT template_version_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

create table campaign (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    brand_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    status TEXT DEFAULT 'DRAFT' NOT NULL,
    class TEXT DEFAULT 'MARKETING' NOT NULL,
    channel TEXT DEFAULT 'EMAIL' NOT NULL,
    topic TEXT DEFAULT 'marketing' NOT NULL,
    delivery_policy TEXT DEFAULT 'HOLD' NOT NULL,
    template_id UUID NOT NULL,
    template_version INTEGER NOT NULL,
    include_segment_ids UUID[] DEFAULT '{}' NOT NULL,
    exclude_segment_ids UUID[] DEFAULT '{}' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    snapshot_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    audience_size INTEGER,
    error TEXT,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT campaign_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT campaign_organization_id_brand_id_fkey FOREIGN KEY(organization_id, brand_id) REFERENCES brand (organization_id, id),
    CONSTRAINT campaign_organization_id_template_id_template_version_fkey FOREIGN KEY(organization_id, template_id, template_version) REFERENCES template_version (organization_id, template_id, number),
    CONSTRAINT campaign_status_check CHECK (status in ('DRAFT', 'SCHEDULED', 'RUNNING', 'PAUSED', 'COMPLETED', 'CANCELLED', 'FAILED')),
    CONSTRAINT campaign_class_check CHECK (class in ('MARKETING', 'TRANSACTIONAL')),
    CONSTRAINT campaign_channel_check CHECK (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET')),
    CONSTRAINT campaign_delivery_policy_check CHECK (delivery_policy in ('HOLD', 'RETRY')),
    CONSTRAINT campaign_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX campaign_created_idx ON campaign (organization_id, created_at, id);

create table message (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    customer_id UUID,
    channel TEXT NOT NULL,
    address TEXT,
    status TEXT DEFAULT 'QUEUED' NOT NULL,
    skip_reason TEXT,
    attempts INTEGER DEFAULT '0' NOT NULL,
    lease_token UUID,
    lease_until TIMESTAMP WITH TIME ZONE,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    provider TEXT,
    provider_message_id TEXT,
    error TEXT,
    queued_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    sending_at TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT message_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT message_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaign (organization_id, id),
    CONSTRAINT message_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE SET NULL (customer_id),
    CONSTRAINT message_organization_id_customer_id_campaign_id_channel_key UNIQUE (organization_id, customer_id, campaign_id, channel),
    CONSTRAINT message_channel_check CHECK (channel in ('EMAIL', 'SMS', 'PUSH', 'WALLET')),
    CONSTRAINT message_status_check CHECK (status in ('QUEUED', 'CLAIMED', 'SENDING', 'UNCERTAIN', 'SENT', 'FAILED', 'SKIPPED')),
    CONSTRAINT message_skip_reason_check CHECK ((status = 'SKIPPED') = (skip_reason is not null))
);

CREATE UNIQUE INDEX message_address_key ON message (organization_id, campaign_id, channel, address) WHERE address IS NOT NULL AND status != 'SKIPPED';

CREATE INDEX message_campaign_idx ON message (organization_id, campaign_id, status, id);
