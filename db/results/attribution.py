"""Money by last touch: each completed order or appointment at most once, less what was refunded of it.

A refund takes back the latest that is left of what the customer brought before it. So what is left of all of a
customer's facts is never more than they brought less what they got back, and no sum over campaigns can be.
"""

from collections.abc import Sequence
from uuid import UUID

from db.database import Transaction
from db.results.settings import messaging_setting
from domain.results.conversions import Start

_TOUCHES = {Start.SENT: "m.sent_at", Start.OPENED: "m.opened_at", Start.CLICKED: "m.clicked_at"}


async def attribute(tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Makes the attributed money of these customers what their facts and messages say; writes only what differs.

    A fact is thanks to the latest touch before it and within the window, by a message of the fact's brand, or of any
    for a fact of none. What belongs to customers who were erased stays as it was.
    """
    setting = await messaging_setting(tx)
    await tx.run(
        _ATTRIBUTE.format(touch=_TOUCHES[Start(setting.attribution_from)]),
        ids=list(customer_ids),
        window=setting.attribution_window,
    )


_ATTRIBUTE = """
with money as (
    select f.id, f.customer_id, f.brand_id, f.occurred_at as at,
           case when f.kind = 'REFUND' then -f.amount else f.amount end as amount
    from fact f
    where f.organization_id = :organization and f.customer_id = any(:ids::uuid[]) and f.amount is not null
      and (f.kind = any('{{ORDER,APPOINTMENT}}'::text[]) and f.status = 'COMPLETED' or f.kind = 'REFUND')
), running as (
    select *, sum(amount) over (partition by customer_id order by at, id) as balance from money
), remaining as (
    -- What came in on top of the balance and was never gone below again.
    select *, min(balance) over (partition by customer_id order by at, id
                                 rows between current row and unbounded following)
              - greatest(balance - amount, 0) as remains
    from running
), touched as (
    select r.id as fact_id, t.id as message_id, t.campaign_id, r.customer_id, r.at, r.remains as amount
    from remaining r
    cross join lateral (
        select m.id, m.campaign_id
        from message m join campaign c on c.organization_id = m.organization_id and c.id = m.campaign_id
        where m.organization_id = :organization and m.customer_id = r.customer_id and not m.is_test
          and m.bounced_at is null and {touch} <= r.at and {touch} >= r.at - :window::interval
          and (r.brand_id is null or r.brand_id = c.brand_id)
        order by {touch} desc, m.id desc limit 1) t
    where r.amount > 0 and r.remains > 0
), gone as (
    delete from attribution a
    where a.organization_id = :organization and a.customer_id = any(:ids::uuid[])
      and not exists (select from touched t where t.fact_id = a.fact_id)
)
insert into attribution as a (organization_id, fact_id, message_id, campaign_id, customer_id, at, amount)
select :organization, t.fact_id, t.message_id, t.campaign_id, t.customer_id, t.at, t.amount from touched t
order by t.fact_id
on conflict (organization_id, fact_id) do update
set message_id = excluded.message_id, campaign_id = excluded.campaign_id, customer_id = excluded.customer_id,
    at = excluded.at, amount = excluded.amount
where (a.message_id, a.customer_id, a.at, a.amount)
      is distinct from (excluded.message_id, excluded.customer_id, excluded.at, excluded.amount)
"""
