set role wayfare_owner;

-- Somebody's decision, which wins over the condition.
create table segment_override (
    organization_id UUID NOT NULL,
    segment_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    mode TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT segment_override_pkey PRIMARY KEY (organization_id, segment_id, customer_id),
    CONSTRAINT segment_override_organization_id_segment_id_fkey FOREIGN KEY(organization_id, segment_id) REFERENCES segment (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_override_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_override_mode_check CHECK (mode in ('INCLUDE', 'EXCLUDE')),
    CONSTRAINT segment_override_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
CREATE INDEX segment_override_customer_idx ON segment_override (organization_id, customer_id);
select protect_tenant_table('segment_override');

-- The earliest instant at which time alone may move a customer into or out of some segment.
create table segment_due (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT segment_due_pkey PRIMARY KEY (organization_id, customer_id),
    CONSTRAINT segment_due_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_due_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
CREATE INDEX segment_due_due_idx ON segment_due (organization_id, due_at);
select protect_tenant_table('segment_due');

-- The next day on which has_anniversary(day, ..., days) may change: a window opens, or an anniversary is over.
create function anniversary_flip(day date, today date, days integer) returns date
language sql immutable parallel safe strict
as $$
    select min(flip)
    from (values (0), (1)) later (years),
         lateral (select (day + make_interval(
             years => (extract(year from today) - extract(year from day))::integer + later.years))::date) again (day),
         lateral (values (again.day - days), (again.day + 1)) flips (flip)
    where flip > today
$$;

-- Each refresh of everybody, and what it had to put right that live evaluation should have seen.
create table segment_refresh (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    bulk_operation_id UUID,
    actor TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    entered BIGINT DEFAULT '0' NOT NULL,
    gone BIGINT DEFAULT '0' NOT NULL,
    drift BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT segment_refresh_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT segment_refresh_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
CREATE INDEX segment_refresh_started_idx ON segment_refresh (organization_id, started_at, id);
select protect_tenant_table('segment_refresh');
-- It counts customers of every brand.
select limit_to_brands('segment_refresh', 'false', 'select');

-- Bulk operations that end with a file.
alter table bulk_operation add column result_name TEXT, add column result_size BIGINT;
alter table bulk_operation drop constraint bulk_operation_kind_check,
    add constraint bulk_operation_kind_check
    CHECK (kind in ('IMPORT', 'REFRESH', 'EVALUATE', 'SCORE', 'SEND', 'EXPORT', 'BACKTEST'));
create table bulk_result (
    organization_id UUID NOT NULL,
    bulk_operation_id UUID NOT NULL,
    number INTEGER NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT bulk_result_pkey PRIMARY KEY (organization_id, bulk_operation_id, number),
    CONSTRAINT bulk_result_organization_id_bulk_operation_id_fkey FOREIGN KEY(organization_id, bulk_operation_id) REFERENCES bulk_operation (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT bulk_result_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);
select protect_tenant_table('bulk_result');

reset role;
