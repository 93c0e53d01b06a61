"""Tables of work to do: the job ledger, bulk operations people watch, uploads and the clock's runs."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import (
    belongs_to,
    boolean,
    brand_limit,
    identifier,
    instant,
    integer,
    json,
    one_of,
    tenant_table,
    text,
)

# The row is the truth, the Dramatiq message is only a bell; `args` holds ids, never personal data.
# `cursor` is where the last slice of the pass now under way stopped, `seen` what `want` was when that pass began.
job = tenant_table(
    "job",
    identifier("id"),
    text("kind"),
    text("dedupe_key"),
    json("args"),
    json("cursor", null=True),
    text("state", default="ready"),
    sa.Column("priority", sa.SmallInteger(), nullable=False, server_default="5"),
    instant("run_at", default=True),
    integer("want", default=1),
    integer("seen", null=True),
    integer("got", default=0),
    instant("lease_until", null=True),
    identifier("lease_token", null=True),
    integer("attempts", default=0),
    integer("max_attempts", default=5),
    instant("last_bell", null=True),
    text("last_error", null=True),
    instant("created_at", default=True),
    instant("finished_at", null=True),
    one_of("state", ["ready", "running", "done", "dead"]),
)
live = job.c.state.in_(["ready", "running"])
sa.Index("job_live_key", job.c.organization_id, job.c.kind, job.c.dedupe_key, unique=True, postgresql_where=live)
# A bell names the id alone, before its organization is known.
sa.Index("job_id_idx", job.c.id, postgresql_where=live)
sa.Index("job_due_idx", job.c.priority, job.c.run_at, postgresql_where=live)

bulk_operation = tenant_table(
    "bulk_operation",
    identifier("id"),
    text("kind"),
    text("state", default="QUEUED"),
    json("args"),
    sa.Column("done", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("total", sa.BigInteger(), nullable=True),
    json("counts"),
    text("error", null=True),
    boolean("cancel_requested", default=False),
    text("actor"),
    instant("created_at", default=True),
    instant("started_at", null=True),
    instant("finished_at", null=True),
    brand_limit(),
    text("result_name", null=True),
    sa.Column("result_size", sa.BigInteger(), nullable=True),
    one_of("kind", ["IMPORT", "REFRESH", "EVALUATE", "SCORE", "SEND", "EXPORT", "BACKTEST", "PREVIEW"]),
    one_of("state", ["QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]),
)
sa.Index(
    "bulk_operation_created_idx", bulk_operation.c.organization_id, bulk_operation.c.created_at, bulk_operation.c.id
)

bulk_operation_error = tenant_table(
    "bulk_operation_error",
    identifier("bulk_operation_id"),
    sa.Column("row_number", sa.BigInteger(), nullable=False),
    text("code"),
    text("message"),
    text("field", null=True),
    belongs_to("bulk_operation", "bulk_operation_id", cascade=True),
    key=("bulk_operation_id", "row_number"),
)

bulk_result = tenant_table(
    "bulk_result",
    identifier("bulk_operation_id"),
    integer("number"),
    sa.Column("content", pg.BYTEA(), nullable=False),
    belongs_to("bulk_operation", "bulk_operation_id", cascade=True),
    key=("bulk_operation_id", "number"),
)

upload = tenant_table(
    "upload",
    identifier("id"),
    text("name"),
    sa.Column("size", sa.BigInteger(), nullable=False, server_default="0"),
    instant("created_at", default=True),
    brand_limit(),
)

upload_chunk = tenant_table(
    "upload_chunk",
    identifier("upload_id"),
    integer("number"),
    sa.Column("content", pg.BYTEA(), nullable=False),
    belongs_to("upload", "upload_id", cascade=True),
    key=("upload_id", "number"),
)

schedule_run = tenant_table(
    "schedule_run",
    text("name"),
    instant("scheduled_for"),
    instant("created_at", default=True),
    key=("name", "scheduled_for"),
)
