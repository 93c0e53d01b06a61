"""New facts added to the maintained metrics, without reading what the customer did before."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.metrics.definition import COMPUTED, computed_metrics
from db.metrics.keeping import recompute
from db.organizations import current_organization
from db.statement import Statement, sql


async def add_facts(tx: Transaction, facts: Statement, customers: Sequence[UUID], now: datetime) -> None:
    """Makes the maintained rows of these customers right for `now` by facts that they do not hold yet.

    facts: rows (customer_id, brand_id, kind, status, amount, occurred_at), all of them new and of these customers,
    whose locks the caller holds. Metrics of all facts follow from those of the old and those of the new ones
    (`COMPUTED`), as long as the old ones are right; where time has made them wrong they are computed again.
    """
    organization = await current_organization(tx)
    added = computed_metrics(organization, now, each_brand=True, facts=facts)
    stale = [row[0] for row in await tx.rows(_ADD, added=added, customers=list(customers), now=now)]
    if stale:
        await recompute(tx, sql("select unnest(:ids::uuid[])", ids=stale), now)


_NAMES = ", ".join(COMPUTED)
_OLD, _NEW = (", ".join(f"{alias}.{name}" for name in COMPUTED) for alias in "ma")
_BOTH = ", ".join(together.format(f"m.{name}", f"a.{name}") for name, together in COMPUTED.items())

# By UPDATE where there is a row: ON CONFLICT would lock each of them first, which is another record in the log.
_ADD = f"""
with added as materialized (:added),
stale as materialized (
    select distinct m.customer_id from customer_metrics m
    where m.organization_id = (select :organization::uuid) and m.customer_id = any(:customers::uuid[])
      and m.stale_at < :now::timestamptz
),
fresh as materialized (select * from added where customer_id not in (select customer_id from stale)),
updated as (
    update customer_metrics m set ({_NAMES}, updated_at) = row({_BOTH}, :now)
    from fresh a
    where m.organization_id = (select :organization::uuid) and m.customer_id = a.customer_id
      and m.brand_id is not distinct from a.brand_id and ({_BOTH}) is distinct from ({_OLD})
),
inserted as (
    insert into customer_metrics (organization_id, customer_id, brand_id, {_NAMES}, updated_at)
    select :organization, a.customer_id, a.brand_id, {_NEW}, :now
    from fresh a
    left join customer_metrics m on m.organization_id = (select :organization::uuid) and m.customer_id = a.customer_id
                                and m.brand_id is not distinct from a.brand_id
    where m.customer_id is null
    order by a.customer_id, a.brand_id
)
select customer_id from stale
"""
