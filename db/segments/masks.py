"""The masks of memberships, which triggers keep (docs/decisions/0019), compared with the memberships themselves."""

from db.database import Transaction
from db.segments.definitions import lock_masks
from db.slices import among
from db.statement import Statement


async def repair_masks(tx: Transaction, candidates: Statement | None = None) -> int:
    """Makes the masks of these customers (None: everybody) what their memberships say; returns how many were wrong."""
    await lock_masks(tx)
    rows = await tx.rows(_REPAIR, among=among("m.customer_id", candidates) if candidates else Statement("true"))
    return len(rows)


_REPAIR = """
with meant as (
    select m.customer_id, word_of(s.slot) as word, bit_or(bit_of(s.slot)) as mask
    from segment_membership m join segment s on s.organization_id = m.organization_id and s.id = m.segment_id
    where m.organization_id = (select :organization::uuid) and s.slot is not null and :among
    group by 1, 2
),
stored as (
    select m.customer_id, m.word, m.mask from segment_mask m
    where m.organization_id = (select :organization::uuid) and :among
),
wrong as materialized (
    select coalesce(n.customer_id, s.customer_id) as customer_id, coalesce(n.word, s.word) as word,
           coalesce(n.mask, 0) as mask
    from meant n full join stored s on s.customer_id = n.customer_id and s.word = n.word
    where coalesce(n.mask, 0) <> coalesce(s.mask, 0)
)
insert into segment_mask (organization_id, customer_id, word, mask)
select :organization, customer_id, word, mask from wrong order by customer_id, word
on conflict (organization_id, customer_id, word) do update set mask = excluded.mask
returning customer_id
"""
