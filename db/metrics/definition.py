"""Metrics of customers: the one definition, from facts."""

from datetime import datetime
from uuid import UUID

from db.organizations import Organization
from db.slices import among
from db.statement import Statement, sql

# The columns that `computed_metrics` yields after customer_id and brand_id, named as in customer_metrics, and what each
# is of all facts when one is known of some of them and another of the others.
COMPUTED = {
    "lifetime_value": "{} + {}",
    "order_total": "{} + {}",
    "order_count": "{} + {}",
    "appointment_count": "{} + {}",
    "first_order_at": "least({}, {})",
    "last_order_at": "greatest({}, {})",
    "last_appointment_at": "greatest({}, {})",
    "last_activity_at": "greatest({}, {})",
    "orders_365_days": "{} + {}",
    "appointments_365_days": "{} + {}",
    "no_shows_365_days": "{} + {}",
    "visits_90_days": "{} + {}",
    "visits_previous_90_days": "{} + {}",
    "tickets_open": "{} + {}",
    "stale_at": "least({}, {})",
}

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
    facts: Statement | None = None,
) -> Statement:
    """Metrics from the facts before `as_of`: rows (customer_id, brand_id, *COMPUTED).

    candidates: a statement with one column of customer ids; None means every customer. facts: only these, rows with
    columns of facts of the organization (customer_id, brand_id, kind, status, amount, occurred_at). One row a customer
    over all facts (brand_id NULL), or over the facts of `brand_id`; with `each_brand` the roll-up and a row for each
    brand. A customer without such facts has no row, which reads as zeros and NULLs.

    Money: completed orders and appointments less refunds (`order_total`: orders less refunds). A visit is a completed
    order, a completed appointment or a walk-in; an activity is a visit, a call, a click or an inbound message. A window
    of n days holds the local days from n days ago until today, the previous one the n days before that. `stale_at` is
    the last instant at which the row is right if nothing new is told. The definitions are in docs/decisions/0004.
    """
    return sql(
        _COMPUTED_METRICS,
        zone=sql(":zone::text", zone=organization.timezone),
        as_of=sql(":as_of::timestamptz", as_of=as_of),
        facts=sql("(:facts)", facts=facts) if facts else Statement("fact"),
        owned=_TRUE if facts else _owned(organization, candidates),
        of_brand=sql("f.brand_id = :brand_id", brand_id=brand_id) if brand_id else _TRUE,
        brand=Statement("told.brand_id") if each_brand else sql(":brand_id::uuid", brand_id=brand_id),
        groups=_EACH_BRAND if each_brand else Statement("told.customer_id"),
    )


def _owned(organization: Organization, candidates: Statement | None) -> Statement:
    if candidates is None:
        return sql("f.organization_id = :o", o=organization.id)
    # Hidden from the planner where only some are wanted (db/references.py says why).
    return sql(
        "f.organization_id = (select :o::uuid) and :among",
        o=organization.id,
        among=among("f.customer_id", candidates),
    )


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
        from :facts f
        where :owned and f.kind <> 'CUSTOM' and :of_brand
    ) t
) told
group by :groups
"""
