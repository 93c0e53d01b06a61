"""What belongs to a customer and simply changes hands: facts, notes, tags, brands, devices, tasks and wishes."""

from db.database import Transaction
from db.merging.sides import Sides
from domain.devices import MAX_DEVICES


async def move_belongings(tx: Transaction, sides: Sides) -> int:
    """Gives the kept one what the merged one had; returns how many facts those were.

    Facts keep their ids, keys and instants, so telling one again still changes nothing. What stays behind goes with
    the merged one: it is what the kept one has already.
    """
    facts = await tx.run(_move("fact"), **sides.ids)
    for statement in (_move("customer_note"), _move("customer_device"), _move("merged_transition")):
        await tx.run(statement, **sides.ids)
    for statement in (_TAGS, _BRANDS, _PREFERENCE, _RECIPIENTS):
        await tx.run(statement, **sides.ids)
    await tx.run(_TOO_MANY_DEVICES, most=MAX_DEVICES, **sides.ids)
    return facts


def _move(table: str) -> str:
    return f"update {table} set customer_id = :kept where organization_id = :organization and customer_id = :merged"


_TAGS = """
insert into customer_tag as t (organization_id, customer_id, tag_id, created_at)
select organization_id, :kept, tag_id, created_at from customer_tag
where organization_id = :organization and customer_id = :merged
order by tag_id
on conflict (organization_id, customer_id, tag_id) do update set created_at = excluded.created_at
where excluded.created_at < t.created_at
"""
_BRANDS = """
insert into customer_brand as b (organization_id, customer_id, brand_id, first_seen_at)
select organization_id, :kept, brand_id, first_seen_at from customer_brand
where organization_id = :organization and customer_id = :merged
order by brand_id
on conflict (organization_id, customer_id, brand_id) do update set first_seen_at = excluded.first_seen_at
where excluded.first_seen_at < b.first_seen_at
"""
_PREFERENCE = """
insert into contact_preference (organization_id, customer_id, preferred_channel, updated_at)
select organization_id, :kept, preferred_channel, updated_at from contact_preference
where organization_id = :organization and customer_id = :merged
on conflict (organization_id, customer_id) do nothing
"""
# Whom campaigns name that have not begun yet.
_RECIPIENTS = """
insert into campaign_recipient (organization_id, campaign_id, customer_id)
select organization_id, campaign_id, :kept from campaign_recipient
where organization_id = :organization and customer_id = :merged
order by campaign_id
on conflict do nothing
"""
_TOO_MANY_DEVICES = """
delete from customer_device
where organization_id = :organization and id in (
    select id from (select id, row_number() over (partition by brand_id order by last_seen_at desc, id desc) as place
                    from customer_device where organization_id = :organization and customer_id = :kept) d
    where place > :most)
"""
