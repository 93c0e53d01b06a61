"""Messages that stages send: entered into the ledger for who came in, skipped for who left, addressed when due."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from db.campaigns import CAMPAIGN, SEND_JOB, Campaign
from db.database import Transaction
from db.deliveries.waiting import DUE
from db.jobs import Request, request_jobs
from db.planning import by_place, in_index_order
from db.recipients import chosen, judged, reached
from db.statement import Statement
from domain.live import CampaignProgress
from domain.suppressions import AddressKey

FIRST = UUID(int=0)


async def enter(tx: Transaction, among: Statement) -> None:
    """Enters what is missing for the stage in which each journey `j` of `among` stands, and owes the sending.

    It compares what there should be with what there is, as tasks do: at least once, whoever forgot it, and never
    twice. What waits for a stay that is over is skipped, unless the stage says otherwise.
    """
    touched = [row[0] for row in await tx.rows(_ENTER, among=among)]
    if touched:
        tx.events += [CampaignProgress(campaign_id) for campaign_id in touched]
        tx.at_end.append(_Owed(touched))


class _Owed:
    """Requests the sending at the transaction's end: everybody who does waits for the same rows."""

    def __init__(self, campaign_ids: Sequence[UUID]) -> None:
        self._campaign_ids = campaign_ids

    async def __call__(self, tx: Transaction) -> None:
        await request_jobs(tx, [Request(SEND_JOB, str(id_), {CAMPAIGN: str(id_)}) for id_ in self._campaign_ids])


# A stay is the journey and its place in it: two customers of one address each have their own. A message skipped
# because its stay ended was not sent, so ONCE may still send it. A brand writes to its own customers.
_ENTER = """
with declared as materialized (
    select s.id as stage_id, a.*, c.channel, c.brand_id, b.is_default
    from journey_stage s
    cross join lateral jsonb_to_recordset(s.actions) as a (
        key text, kind text, "campaignId" uuid, repeat text, "cancelOnLeave" boolean, "delayDays" integer,
        since timestamptz)
    join campaign c on c.organization_id = :organization and c.id = a."campaignId"
                   and c.status = any('{RUNNING,PAUSED}'::text[])
    join brand b on b.organization_id = :organization and b.id = c.brand_id
    where s.organization_id = :organization and a.kind = 'MESSAGE'
),
left_behind as (
    update message m
    set status = 'SKIPPED', skip_reason = 'LEFT_STAGE', lease_until = null, updated_at = clock_timestamp()
    from declared d, journey j
    where m.organization_id = :organization and m.campaign_id = d."campaignId" and d."cancelOnLeave"
      and m.status = any('{QUEUED,CLAIMED}'::text[]) and not m.is_test
      and j.organization_id = :organization and j.customer_id = m.customer_id and :among
      and (j.stage_id <> d.stage_id or m.entry <> j.id || ':' || j.version)
    returning m.campaign_id
),
entered as (
    insert into message (organization_id, id, campaign_id, customer_id, channel, status, entry, next_attempt_at)
    select :organization, uuid7(), d."campaignId", j.customer_id, d.channel, 'QUEUED', j.id || ':' || j.version,
           case when d."delayDays" > 0 then j.stage_entered_at + make_interval(days => d."delayDays") end
    from journey j
    join declared d on d.stage_id = j.stage_id and j.stage_entered_at >= d.since
    where j.organization_id = :organization and :among
      and (exists (select from customer_brand k where k.organization_id = :organization
                     and k.customer_id = j.customer_id and k.brand_id = d.brand_id)
           or d.is_default and not exists (select from customer_brand k where k.organization_id = :organization
                                             and k.customer_id = j.customer_id))
      and not exists (
          select from message m
          where m.organization_id = :organization and m.customer_id = j.customer_id
            and m.campaign_id = d."campaignId" and not m.is_test
            and (m.entry = j.id || ':' || j.version
                 or d.repeat = 'ONCE' and m.skip_reason is distinct from 'LEFT_STAGE'))
    order by j.customer_id, d.key
    on conflict do nothing
    returning campaign_id
)
select campaign_id from entered union select campaign_id from left_behind
"""


async def address(tx: Transaction, campaign: Campaign, key: AddressKey, *, size: int = 1_000) -> int:
    """Chooses channel and address of messages that have become due, or why they are not sent; returns how many.

    Not when they are entered: whoever enters them has no key of addresses, and days may lie between.
    """
    await in_index_order(tx)
    due = await tx.rows(
        """
        select ctid::text as place, id, customer_id from message
        where organization_id = :organization and campaign_id = :id and status = 'QUEUED'
          and :due <= (select clock_timestamp()) and address is null and customer_id is not null
        order by :due, id limit :size for no key update skip locked
        """,
        id=campaign.id,
        due=DUE,
        size=size,
    )
    if not due:
        return 0
    found = await _found(tx, campaign, key, sorted({row["customer_id"] for row in due}))
    async with by_place(tx):
        return await tx.run(
            """
            update message m
            set channel = coalesce(f.channel, m.channel), address = f.address,
                status = case when f.address is not null and f.refusal is null then 'QUEUED' else 'SKIPPED' end,
                skip_reason = case when f.address is null then coalesce(f.refusal, 'NO_ADDRESS') else f.refusal end,
                updated_at = clock_timestamp()
            from unnest(:places::text[]::tid[], :ids::uuid[], :channels::text[], :addresses::text[], :refusals::text[])
                as f (place, id, channel, address, refusal)
            where m.organization_id = :organization and m.ctid = f.place and m.id = f.id
            """,
            places=[row["place"] for row in due],
            ids=[row["id"] for row in due],
            channels=[found.get(row["customer_id"], _NOBODY)[1] for row in due],
            addresses=[found.get(row["customer_id"], _NOBODY)[2] for row in due],
            refusals=[found.get(row["customer_id"], _NOBODY)[3] for row in due],
        )


_NOBODY = (None, None, None, None)


async def _found(tx: Transaction, campaign: Campaign, key: AddressKey, customer_ids: list[UUID]) -> dict[UUID, Any]:
    """Customer, channel, address and what is against it, by customer; those of another brand are not among them."""
    audience = campaign.audience
    recipients = reached(tx.organization_id, audience, FIRST, None)
    rows = await tx.rows(
        """
        with wanted as materialized (
            select c.id as customer_id, null::uuid[] as segment_ids from unnest(:ids::uuid[]) c (id))
        select v.customer_id, v.channel, v.address, v.refusal from (:verdicts) v
        """,
        ids=customer_ids,
        verdicts=chosen(tx.organization_id, audience, judged(recipients, tx.organization_id, audience, key)),
    )
    return {row["customer_id"]: row for row in rows}
