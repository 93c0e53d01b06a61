"""Metrics of customers: the one definition, from facts, and the maintained rows that follow it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.customers import lock_customers
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.organizations import Organization, current_organization
from db.records import column
from db.relations import Relation, Sort
from db.slices import among
from db.statement import Statement, sql


@dataclass(frozen=True, slots=True)
class CustomerMetrics:
    """The maintained row of a customer, over all facts or over one brand's; meanings at `computed_metrics`."""

    customer_id: UUID
    brand_id: UUID | None
    lifetime_value: Decimal
    order_total: Decimal
    order_count: int
    appointment_count: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    last_appointment_at: datetime | None
    last_activity_at: datetime | None
    orders_365_days: int
    appointments_365_days: int
    no_shows_365_days: int
    visits_90_days: int
    visits_previous_90_days: int
    tickets_open: int
    stale_at: datetime | None
    engagement_score: Decimal | None
    engagement_factors: dict[str, Any]
    risk_score: Decimal | None
    risk_factors: dict[str, Any]
    scored_at: datetime | None
    updated_at: datetime
    average_order_value: Decimal | None = column("round(t.order_total / nullif(t.order_count, 0), 2)")


METRICS_OF_CUSTOMER = Relation(
    "metrics_of_customer",
    CustomerMetrics,
    "(select * from customer_metrics where brand_id is null) t",
    key="t.customer_id",
)

METRICS_BY_BRAND = Relation(
    "metrics_by_brand",
    CustomerMetrics,
    "(select * from customer_metrics where brand_id is not null) t",
    key="t.customer_id",
    orders=(("BRAND", Sort("t.brand_id", "uuid")),),
    tie=Sort("t.brand_id", "uuid"),
)

# The columns that `computed_metrics` yields after customer_id and brand_id, named as in customer_metrics.
COMPUTED = (
    "lifetime_value",
    "order_total",
    "order_count",
    "appointment_count",
    "first_order_at",
    "last_order_at",
    "last_appointment_at",
    "last_activity_at",
    "orders_365_days",
    "appointments_365_days",
    "no_shows_365_days",
    "visits_90_days",
    "visits_previous_90_days",
    "tickets_open",
    "stale_at",
)
# Whoever changes a customer of a slice waits until it is over, and requests wait 2 s at most. Of 20 thousand customers
# beside three such writers, slices of 5,000 took 9.5 s in all and made some give up; these took 6.1 s and 0.7 s.
STALE_SLICE = 2_000

_TRUE = Statement("true")
_EACH_BRAND = Statement(
    "grouping sets ((told.customer_id), (told.customer_id, told.brand_id)) "
    "having grouping(told.brand_id) = 1 or told.brand_id is not null"
)


def computed_metrics(
    organization: Organization,
    as_of: datetime,
    candidates: Statement | None = None,
    *,
    brand_id: UUID | None = None,
    each_brand: bool = False,
) -> Statement:
    """Metrics from the facts before `as_of`: rows (customer_id, brand_id, *COMPUTED).

    candidates: a statement with one column of customer ids; None means every customer. One row a customer over all
    facts (brand_id NULL), or over the facts of `brand_id`; with `each_brand` the roll-up and a row for each brand. A
    customer without such facts has no row, which reads as zeros and NULLs.

    Money: completed orders and appointments less refunds (`order_total`: orders less refunds). A visit is a completed
    order, a completed appointment or a walk-in; an activity is a visit, a call, a click or an inbound message. A window
    of n days holds the local days from n days ago until today, the previous one the n days before that. `stale_at` is
    the last instant at which the row is right if nothing new is told. The definitions are in docs/decisions/0004.
    """
    return sql(
        _COMPUTED_METRICS,
        zone=sql(":zone::text", zone=organization.timezone),
        as_of=sql(":as_of::timestamptz", as_of=as_of),
        # Hidden from the planner where only some are wanted (db/references.py says why).
        owned=sql(
            "f.organization_id = (select :o::uuid) and :among" if candidates else "f.organization_id = :o",
            o=organization.id,
            among=among("f.customer_id", candidates) if candidates else _TRUE,
        ),
        of_brand=sql("f.brand_id = :brand_id", brand_id=brand_id) if brand_id else _TRUE,
        brand=Statement("told.brand_id") if each_brand else sql(":brand_id::uuid", brand_id=brand_id),
        groups=_EACH_BRAND if each_brand else Statement("told.customer_id"),
    )


async def recompute(tx: Transaction, candidates: Statement, now: datetime) -> int:
    """Makes the maintained rows of the candidates right for `now`; returns how many rows it wrote.

    Writes only rows that differ. The caller holds the customers' locks (`lock_customers`), so that no fact of theirs
    is committed between the reading and the writing.
    """
    organization = await current_organization(tx)
    return await tx.run(
        _RECOMPUTE,
        computed=computed_metrics(organization, now, candidates, each_brand=True),
        candidates=candidates,
        now=now,
    )


async def recompute_stale(tx: Transaction, now: datetime) -> int:
    """Recomputes a slice of the rows that time alone made wrong; returns how many customers it was, 0 when done."""
    stale = await lock_customers(
        tx,
        sql(
            "select distinct customer_id from customer_metrics "
            "where organization_id = :organization and stale_at < :now order by customer_id limit :slice",
            organization=tx.organization_id,
            now=now,
            slice=STALE_SLICE,
        ),
    )
    if stale:
        candidates = sql("select unnest(:ids::uuid[])", ids=stale)
        await recompute(tx, candidates, now)
        await mark_dirty(tx, candidates, now)
    return len(stale)


async def is_stale(tx: Transaction, now: datetime) -> bool:
    """Whether time alone has made any maintained row wrong."""
    stale: bool = await tx.value(
        "select exists (select from customer_metrics where organization_id = :organization and stale_at < :now)",
        now=now,
    )
    return stale


_COLUMNS = ", ".join(COMPUTED)
_OF = {alias: ", ".join(f"{alias}.{name}" for name in COMPUTED) for alias in ("m", "c", "excluded")}

_RECOMPUTE = f"""
with computed as materialized (:computed),
gone as (
    delete from customer_metrics m
    where m.organization_id = (select :organization::uuid) and m.customer_id in (:candidates)
      -- NOT IN is answered from a hash table; an anti join might compare each with each, when few were expected.
      and (m.customer_id, coalesce(m.brand_id, '{UUID(int=0)}'))
          not in (select c.customer_id, coalesce(c.brand_id, '{UUID(int=0)}') from computed c)
    returning m.customer_id
),
written as (
    insert into customer_metrics (organization_id, customer_id, brand_id, {_COLUMNS}, updated_at)
    select :organization, c.customer_id, c.brand_id, {_OF["c"]}, :now::timestamptz
    from computed c
    left join customer_metrics m on m.organization_id = (select :organization::uuid) and m.customer_id = c.customer_id
                                and m.brand_id is not distinct from c.brand_id
    where m.customer_id is null or ({_OF["m"]}) is distinct from ({_OF["c"]})
    order by c.customer_id, c.brand_id
    on conflict on constraint customer_metrics_customer_brand_key do update
    set ({_COLUMNS}, updated_at) = ({_OF["excluded"]}, excluded.updated_at)
    returning customer_id
)
select from gone union all select from written
"""

_COMPUTED_METRICS = """
select told.customer_id, :brand as brand_id,
       coalesce(sum(amount) filter (where happened and (bought or attended)), 0)
           - coalesce(sum(amount) filter (where happened and refunded), 0) as lifetime_value,
       coalesce(sum(amount) filter (where happened and bought), 0)
           - coalesce(sum(amount) filter (where happened and refunded), 0) as order_total,
       count(*) filter (where happened and bought)::integer as order_count,
       count(*) filter (where happened and attended)::integer as appointment_count,
       min(occurred_at) filter (where happened and bought) as first_order_at,
       max(occurred_at) filter (where happened and bought) as last_order_at,
       max(occurred_at) filter (where happened and attended) as last_appointment_at,
       max(occurred_at) filter (where happened and (visited or called or reacted)) as last_activity_at,
       count(*) filter (where happened and bought and age <= 365)::integer as orders_365_days,
       count(*) filter (where happened and attended and age <= 365)::integer as appointments_365_days,
       count(*) filter (where happened and missed and age <= 365)::integer as no_shows_365_days,
       count(*) filter (where happened and visited and age <= 90)::integer as visits_90_days,
       count(*) filter (where happened and visited and age between 91 and 180)::integer as visits_previous_90_days,
       count(*) filter (where happened and open)::integer as tickets_open,
       least(
           min(occurred_at) filter (where not happened),
           start_of_day(least(
               min(day) filter (where happened and visited and age <= 90) + 91,
               min(day) filter (where happened and visited and age between 91 and 180) + 181,
               min(day) filter (where happened and (bought or attended or missed) and age <= 365) + 366
           ), :zone) - interval '1 microsecond'
       ) as stale_at
from (
    select t.*, bought or attended or t.kind = 'VISIT' as visited,
           (:as_of at time zone :zone)::date - day as age
    from (
        select f.customer_id, f.brand_id, f.kind, f.amount, f.occurred_at,
               (f.occurred_at at time zone :zone)::date as day,
               f.occurred_at < :as_of as happened,
               f.kind = 'ORDER' and f.status = 'COMPLETED' as bought,
               f.kind = 'APPOINTMENT' and f.status = 'COMPLETED' as attended,
               f.kind = 'APPOINTMENT' and f.status = 'NO_SHOW' as missed,
               f.kind = 'REFUND' as refunded,
               f.kind = 'CALL' as called,
               f.kind = any('{CLICK,INBOUND_MESSAGE}'::text[]) as reacted,
               f.kind = 'TICKET' and f.status = 'OPEN' as open
        from fact f
        where :owned and f.kind <> 'CUSTOM' and :of_brand
    ) t
) told
group by :groups
"""
