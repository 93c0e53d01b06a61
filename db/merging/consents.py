"""Consents after a merge: the stricter wins, so whoever said no as either of the two stays unwritten to."""

from db.consents import Wish
from db.database import Transaction
from db.merging.sides import Sides
from domain.consents import Channel, ConsentState
from domain.merging import is_stricter


async def move_consents(tx: Transaction, sides: Sides) -> list[Wish]:
    """The log of the merged one becomes the kept one's, and a yes where the kept one has said nothing.

    Returns what is stricter than what the kept one has said, to be recorded as said by them (`set_consents`).
    """
    rows = await tx.rows(_CONSENTS, **sides.ids)
    wishes = [
        Wish(sides.kept, row["brand_id"], Channel(row["channel"]), row["topic"], ConsentState(row["state"]), SOURCE)
        for row in rows
        if is_stricter(ConsentState(row["state"]), ConsentState(row["known"]) if row["known"] else None)
    ]
    await tx.run(
        "update consent_change set customer_id = :kept where organization_id = :organization and customer_id = :merged",
        **sides.ids,
    )
    await tx.run(_MOVE, **sides.ids)
    await tx.run(
        _STAYS,
        brands=[wish.brand_id for wish in wishes],
        channels=[wish.channel.value for wish in wishes],
        topics=[wish.topic for wish in wishes],
        source=SOURCE,
        actor=sides.actor,
        **sides.ids,
    )
    return wishes


SOURCE = "merge"
_CONSENTS = """
select m.brand_id, m.channel, m.topic, m.state, k.state as known
from consent m
left join consent k on k.organization_id = m.organization_id and k.customer_id = :kept and k.brand_id = m.brand_id
                   and k.channel = m.channel and k.topic = m.topic
where m.organization_id = :organization and m.customer_id = :merged
order by 1, 2, 3
"""
_MOVE = """
update consent m set customer_id = :kept
where m.organization_id = :organization and m.customer_id = :merged and m.state = 'SUBSCRIBED' and not exists (
    select from consent k
    where k.organization_id = :organization and k.customer_id = :kept and k.brand_id = m.brand_id
      and k.channel = m.channel and k.topic = m.topic)
"""
# What the kept one has said stays, though the merged one may have said otherwise later: the log ends with what holds.
_STAYS = """
insert into consent_change (organization_id, customer_id, brand_id, channel, topic, state, source, actor)
select :organization, k.customer_id, k.brand_id, k.channel, k.topic, k.state, :source, :actor
from consent k join consent m on m.organization_id = k.organization_id and m.customer_id = :merged
                             and m.brand_id = k.brand_id and m.channel = k.channel and m.topic = k.topic
where k.organization_id = :organization and k.customer_id = :kept and k.state <> m.state
  and (k.brand_id, k.channel, k.topic) not in (
      select * from unnest(:brands::uuid[], :channels::text[], :topics::text[]))
order by k.brand_id, k.channel, k.topic
"""
