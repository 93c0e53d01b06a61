"""The ledger after a merge: nobody is written to twice by one campaign because they used to be two."""

from uuid import UUID

from db.database import Transaction
from db.merging.sides import Sides
from domain.live import CampaignProgress


async def move_messages(tx: Transaction, sides: Sides, ended_journey: UUID | None) -> int:
    """Gives the kept one the merged one's messages with all that came back of them; returns how many those were.

    What a worker has taken and not marked yet goes back: it is judged by what the kept one wants. A call under way ends
    as it would have. A mark or an answer that is not committed yet is waited for, and what it says counts.
    """
    await tx.run(_HOLD, **sides.ids)
    rows = await tx.rows(_SKIP_DOUBLES, **sides.ids)
    if ended_journey is not None:
        rows += await tx.rows(_SKIP_STAGE, journey=f"{ended_journey}:%", **sides.ids)
    tx.events += [CampaignProgress(id_) for id_ in sorted({row["campaign_id"] for row in rows})]
    moved = await tx.run(_MOVE, **sides.ids)
    # Counted anew once the transaction is over (`owe_results`): who did twice what a campaign is for did it once.
    await tx.run(_FORGET_CONVERSIONS, **sides.ids)
    for table in ("conversion", "attribution"):
        await tx.run(
            f"update {table} set customer_id = :kept where organization_id = :organization and customer_id = :merged",
            **sides.ids,
        )
    return moved


# Before it is asked which of two goes: a statement that waits for one row sees the others as they were before. In one
# order, as whoever marks or takes back what came of several.
_HOLD = """
select from message
where organization_id = :organization and customer_id in (:kept, :merged)
order by id for no key update
"""
# Of a campaign that has both, one message stays: the one that is on its way or there, else the kept one's. Who is held
# out of an experiment stays out. Whom no message could reach does not keep the other one's from going, and a message on
# another channel is another one where the campaign wants it on each.
_SKIP_DOUBLES = """
update message m
set status = 'SKIPPED', skip_reason = 'MERGED', lease_until = null, updated_at = clock_timestamp()
from message o, campaign c
where m.organization_id = :organization and m.customer_id in (:kept, :merged)
  and m.status in ('QUEUED', 'CLAIMED') and not m.is_test
  and c.organization_id = :organization and c.id = m.campaign_id and c.kind <> 'TRIGGERED'
  and o.organization_id = :organization and o.campaign_id = m.campaign_id and not o.is_test
  and o.customer_id = case m.customer_id when :kept then :merged else :kept end
  and (o.channel = m.channel or c.channel_strategy <> 'ALL')
  and (o.status not in ('QUEUED', 'CLAIMED', 'SKIPPED', 'FAILED') or o.skip_reason = 'HOLDOUT'
       or o.status in ('QUEUED', 'CLAIMED') and m.customer_id = :merged)
returning m.campaign_id
"""
# The stay whose message it was is over.
_SKIP_STAGE = """
update message m
set status = 'SKIPPED', skip_reason = 'LEFT_STAGE', lease_until = null, updated_at = clock_timestamp()
where m.organization_id = :organization and m.customer_id = :merged and :kept::uuid is not null
  and m.status in ('QUEUED', 'CLAIMED') and not m.is_test and m.entry like :journey
returning m.campaign_id
"""
# Where the kept one has a message of the same occasion, the other's occasion says whose it was.
_MOVE = """
update message m
set customer_id = :kept,
    entry = case when exists (select from message o
                              where o.organization_id = :organization and o.customer_id = :kept
                                and o.campaign_id = m.campaign_id and o.channel = m.channel and o.entry = m.entry)
                 then m.entry || ' of ' || :merged::uuid else m.entry end,
    status = case m.status when 'CLAIMED' then 'QUEUED' else m.status end,
    lease_token = case m.status when 'CLAIMED' then null else m.lease_token end,
    lease_until = case m.status when 'CLAIMED' then null else m.lease_until end,
    updated_at = clock_timestamp()
where m.organization_id = :organization and m.customer_id = :merged
"""
_FORGET_CONVERSIONS = """
delete from conversion c
where c.organization_id = :organization and c.customer_id = :merged and exists (
    select from conversion o where o.organization_id = :organization and o.customer_id = :kept
       and o.definition_id = c.definition_id)
"""
