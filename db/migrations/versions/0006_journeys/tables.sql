set role wayfare_owner;

-- A deleted stage stays for the history that passed through it; its key and place are free for another one.
-- Whoever still stands in a stage with a successor is moved there by the next evaluation.
alter table journey_stage
    add column triggers TEXT[] DEFAULT '{}' NOT NULL,
    add column win_back_to_id UUID,
    add column successor_id UUID,
    add column deleted_at TIMESTAMP WITH TIME ZONE,
    add CONSTRAINT journey_stage_organization_id_win_back_to_id_fkey
        FOREIGN KEY(organization_id, win_back_to_id) REFERENCES journey_stage (organization_id, id),
    add CONSTRAINT journey_stage_organization_id_successor_id_fkey
        FOREIGN KEY(organization_id, successor_id) REFERENCES journey_stage (organization_id, id),
    drop constraint journey_stage_organization_id_key_key,
    drop constraint journey_stage_organization_id_position_key,
    add CONSTRAINT journey_stage_position_excl EXCLUDE USING btree (organization_id WITH =, position WITH =)
        WHERE (deleted_at is null) DEFERRABLE INITIALLY DEFERRED;

CREATE UNIQUE INDEX journey_stage_key_idx ON journey_stage (organization_id, key) WHERE deleted_at is null;

-- What an automatic move was decided on, for good: evidence names the number.
create table journey_stage_version (
    organization_id UUID NOT NULL,
    stage_id UUID NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    condition JSONB,
    triggers TEXT[] DEFAULT '{}' NOT NULL,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT journey_stage_version_pkey PRIMARY KEY (organization_id, stage_id, number),
    CONSTRAINT journey_stage_version_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT journey_stage_version_organization_id_stage_id_fkey FOREIGN KEY(organization_id, stage_id)
        REFERENCES journey_stage (organization_id, id) ON DELETE CASCADE
);
select protect_tenant_table('journey_stage_version');
revoke update, delete on journey_stage_version from wayfare_app;

select limit_to_brands('journey_stage_version', 'true', 'select');

-- What the scores follow from, as a hash: whose inputs and settings are the same need not be scored again.
alter table customer_metrics add column score_key BIGINT;
-- Room for new versions beside the old ones: no index knows the scores.
alter table customer_metrics set (fillfactor = 80);

-- What a customer's value and scores were since a day, until the next row: a day on which nothing changed has none.
create table metric_snapshot (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    day DATE NOT NULL,
    lifetime_value NUMERIC(18, 2) NOT NULL,
    engagement_score NUMERIC(4, 3),
    risk_score NUMERIC(4, 3),
    CONSTRAINT metric_snapshot_pkey PRIMARY KEY (organization_id, customer_id, day),
    CONSTRAINT metric_snapshot_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT metric_snapshot_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id)
        REFERENCES customer (organization_id, id) ON DELETE CASCADE
);
select protect_tenant_table('metric_snapshot');
-- Over all brands, so nobody who is limited to some sees any.
select limit_to_brands('metric_snapshot', 'false', 'select');

-- How long it took those who churned out of a stage; counted every night.
create table churn_history (
    organization_id UUID NOT NULL,
    stage_id UUID NOT NULL,
    stays INTEGER NOT NULL,
    median_days NUMERIC(10, 2) NOT NULL,
    counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT churn_history_pkey PRIMARY KEY (organization_id, stage_id),
    CONSTRAINT churn_history_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT churn_history_organization_id_stage_id_fkey FOREIGN KEY(organization_id, stage_id)
        REFERENCES journey_stage (organization_id, id) ON DELETE CASCADE
);
select protect_tenant_table('churn_history');
select limit_to_brands('churn_history', 'true', 'select');

-- The model of how an organization's customers buy, fitted every week, or why there is none.
create table purchase_model (
    organization_id UUID NOT NULL,
    state TEXT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    buyers INTEGER NOT NULL,
    sample INTEGER NOT NULL,
    r DOUBLE PRECISION,
    alpha DOUBLE PRECISION,
    a DOUBLE PRECISION,
    b DOUBLE PRECISION,
    p DOUBLE PRECISION,
    q DOUBLE PRECISION,
    gamma DOUBLE PRECISION,
    CONSTRAINT purchase_model_pkey PRIMARY KEY (organization_id),
    CONSTRAINT purchase_model_state_check
        CHECK (state in ('FITTED', 'TOO_FEW_BUYERS', 'SHORT_HISTORY', 'NO_RECENT_ORDERS')),
    CONSTRAINT purchase_model_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
select protect_tenant_table('purchase_model');
select limit_to_brands('purchase_model', 'false', 'select');

-- What the model says of each buyer.
create table customer_prediction (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    probability_alive NUMERIC(5, 4) NOT NULL,
    expected_orders NUMERIC(10, 4) NOT NULL,
    predicted_value NUMERIC(18, 2),
    predicted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT customer_prediction_pkey PRIMARY KEY (organization_id, customer_id),
    CONSTRAINT customer_prediction_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT customer_prediction_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id)
        REFERENCES customer (organization_id, id) ON DELETE CASCADE
) with (fillfactor = 80);
select protect_tenant_table('customer_prediction');
select limit_to_brands('customer_prediction', 'false', 'select');

-- What entering a stage causes: a list of {key, kind, title, dueInDays, repeat, cancelOnLeave, since}.
alter table journey_stage add column actions JSONB DEFAULT '[]'::jsonb NOT NULL;

-- Work for people. One that a stage caused is named by the stay and the action, so that it is made once.
create table task (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    due_on DATE NOT NULL,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    journey_id UUID,
    seq INTEGER,
    action_key TEXT,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT task_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT task_organization_id_journey_id_seq_action_key_key UNIQUE (organization_id, journey_id, seq, action_key),
    CONSTRAINT task_kind_check CHECK (kind in ('CALL', 'FOLLOW_UP', 'FEEDBACK', 'REVIEW', 'OFFER')),
    CONSTRAINT task_status_check CHECK (status in ('OPEN', 'DONE', 'CANCELLED')),
    CONSTRAINT task_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT task_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id)
        REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT task_organization_id_journey_id_fkey FOREIGN KEY(organization_id, journey_id)
        REFERENCES journey (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX task_due_idx ON task (organization_id, status, due_on, id);
CREATE INDEX task_customer_idx ON task (organization_id, customer_id, id);
select protect_tenant_table('task');
select limit_to_brands('task', brands_predicate('task'));

reset role;
