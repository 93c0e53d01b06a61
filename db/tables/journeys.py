"""Tables of lifecycle journeys: the organization's stages, each customer's journey and its spells."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, boolean, identifier, instant, integer, json, money, one_of, tenant_table, text

journey_stage = tenant_table(
    "journey_stage",
    identifier("id"),
    text("key"),
    text("name"),
    text("description", null=True),
    integer("position"),
    text("color", null=True),
    text("icon", null=True),
    text("kind"),
    sa.Column("condition", pg.JSONB(), nullable=True),
    boolean("allow_demotion", default=False),
    integer("retention_days", null=True),
    boolean("is_initial", default=False),
    boolean("is_active", default=True),
    sa.Column("triggers", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    sa.Column("actions", pg.JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb")),
    identifier("win_back_to_id", null=True),
    identifier("successor_id", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    instant("deleted_at", null=True),
    belongs_to("journey_stage", "win_back_to_id"),
    belongs_to("journey_stage", "successor_id"),
    pg.ExcludeConstraint(
        ("organization_id", "="),
        ("position", "="),
        using="btree",
        where=sa.text("deleted_at is null"),
        deferrable=True,
        initially="DEFERRED",
        name="journey_stage_position_excl",
    ),
    one_of("kind", ["PROGRESSION", "RETENTION"]),
)
sa.Index(
    "journey_stage_key_idx",
    journey_stage.c.organization_id,
    journey_stage.c.key,
    unique=True,
    postgresql_where=journey_stage.c.deleted_at.is_(None),
)
sa.Index(
    "journey_stage_initial_idx",
    journey_stage.c.organization_id,
    unique=True,
    postgresql_where=journey_stage.c.is_initial,
)

# What an automatic move was decided on, for good: its evidence names the number.
journey_stage_version = tenant_table(
    "journey_stage_version",
    identifier("stage_id"),
    integer("number"),
    text("name"),
    sa.Column("condition", pg.JSONB(), nullable=True),
    sa.Column("triggers", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    text("actor"),
    instant("created_at", default=True),
    belongs_to("journey_stage", "stage_id", cascade=True),
    key=("stage_id", "number"),
)

# `version` counts spells: it is the compare-and-set token and equals the open transition's seq. Only activity later
# than `activity_seen_at` wins a customer back or opens a lock: what an evaluation knew when it moved the customer (a
# purchase imported the morning after still counts), or the instant of a move by hand.
journey = tenant_table(
    "journey",
    identifier("id"),
    identifier("customer_id"),
    identifier("stage_id"),
    identifier("previous_stage_id", null=True),
    instant("stage_entered_at"),
    instant("activity_seen_at", null=True),
    text("lock", default="NONE"),
    instant("locked_at", null=True),
    text("notes", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    # Triggers keep the references to stages, a statement at a time.
    sa.UniqueConstraint("organization_id", "customer_id"),
    one_of("lock", ["NONE", "UNTIL_ACTIVITY", "FOREVER"]),
    owner=False,
)
sa.Index("journey_stage_id_idx", journey.c.organization_id, journey.c.stage_id, journey.c.id)

# Kept by triggers on `journey`: the sum over the parts is how many customers stand in a stage.
tenant_table(
    "journey_count",
    identifier("stage_id"),
    integer("part"),
    sa.Column("customers", sa.BigInteger(), nullable=False),
    belongs_to("journey_stage", "stage_id", cascade=True),
    key=("stage_id", "part"),
)

stage_transition = tenant_table(
    "stage_transition",
    identifier("journey_id"),
    integer("seq"),
    identifier("from_stage_id", null=True),
    identifier("to_stage_id"),
    instant("entered_at"),
    instant("exited_at", null=True),
    text("trigger"),
    text("trigger_event", null=True),
    sa.Column("skipped", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    text("actor", null=True),
    text("notes", null=True),
    json("evidence"),
    instant("created_at", default=True),
    belongs_to("journey", "journey_id", cascade=True),
    # Triggers keep the references to stages, a statement at a time.
    one_of("trigger", ["MANUAL", "AUTOMATIC", "SYSTEM"]),
    sa.CheckConstraint("from_stage_id is distinct from to_stage_id", name="moves"),
    sa.CheckConstraint("exited_at >= entered_at", name="spell"),
    sa.CheckConstraint("(seq = 1) = (from_stage_id is null)", name="first"),
    key=("journey_id", "seq"),
    owner=False,
)
sa.Index(
    "stage_transition_open_idx",
    stage_transition.c.organization_id,
    stage_transition.c.journey_id,
    unique=True,
    postgresql_where=stage_transition.c.exited_at.is_(None),
)

# What a customer's value and scores were since a day, until the next row.
metric_snapshot = tenant_table(
    "metric_snapshot",
    identifier("customer_id"),
    sa.Column("day", sa.Date(), nullable=False),
    money("lifetime_value"),
    sa.Column("engagement_score", sa.Numeric(4, 3), nullable=True),
    sa.Column("risk_score", sa.Numeric(4, 3), nullable=True),
    belongs_to("customer", "customer_id", cascade=True),
    key=("customer_id", "day"),
    owner=False,
)

# How long it took those who churned out of a stage.
churn_history = tenant_table(
    "churn_history",
    identifier("stage_id"),
    integer("stays"),
    sa.Column("median_days", sa.Numeric(10, 2), nullable=False),
    instant("counted_at"),
    belongs_to("journey_stage", "stage_id", cascade=True),
    key=("stage_id",),
)

# The model of how customers buy, fitted every week, or why there is none (domain/predictions).
purchase_model = tenant_table(
    "purchase_model",
    text("state"),
    instant("as_of"),
    integer("buyers"),
    integer("sample"),
    *(sa.Column(name, pg.DOUBLE_PRECISION(), nullable=True) for name in ("r", "alpha", "a", "b", "p", "q", "gamma")),
    one_of("state", ["FITTED", "TOO_FEW_BUYERS", "SHORT_HISTORY", "NO_RECENT_ORDERS"]),
    key=(),
)

# What the model says of each buyer.
customer_prediction = tenant_table(
    "customer_prediction",
    identifier("customer_id"),
    sa.Column("probability_alive", sa.Numeric(5, 4), nullable=False),
    sa.Column("expected_orders", sa.Numeric(10, 4), nullable=False),
    money("predicted_value", null=True),
    instant("predicted_at"),
    belongs_to("customer", "customer_id", cascade=True),
    key=("customer_id",),
)

# Work for people; one that a stage caused is named by the stay and the action, so that it is made once.
task = tenant_table(
    "task",
    identifier("id"),
    identifier("customer_id"),
    text("kind"),
    text("title"),
    sa.Column("due_on", sa.Date(), nullable=False),
    text("status", default="OPEN"),
    identifier("journey_id", null=True),
    sa.Column("seq", sa.Integer(), nullable=True),
    text("action_key", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("journey", "journey_id", cascade=True),
    sa.UniqueConstraint("organization_id", "journey_id", "seq", "action_key"),
    one_of("kind", ["CALL", "FOLLOW_UP", "FEEDBACK", "REVIEW", "OFFER"]),
    one_of("status", ["OPEN", "DONE", "CANCELLED"]),
)
sa.Index("task_due_idx", task.c.organization_id, task.c.status, task.c.due_on, task.c.id)
sa.Index("task_customer_idx", task.c.organization_id, task.c.customer_id, task.c.id)
