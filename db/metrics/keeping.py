"""The maintained rows of metrics, computed again from all facts of a customer."""

from datetime import datetime
from uuid import UUID

from db.customers import lock_customers
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.metrics.definition import COMPUTED, computed_metrics
from db.organizations import current_organization
from db.statement import Statement, sql

# Whoever changes a customer of a slice waits until it is over, and requests wait 2 s at most. Of 20 thousand customers
# beside three such writers, slices of 5,000 took 9.5 s in all and made some give up; these took 6.1 s and 0.7 s.
STALE_SLICE = 2_000


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
        candidates = sql("select unnest(:ids::uuid[])", ids=list(stale))
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
