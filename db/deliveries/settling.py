"""What became of calls to providers, and of messages whose worker ended before it could say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db.database import Transaction
from db.deliveries.waiting import under_way
from db.messages import outcomes
from db.planning import by_place, in_index_order
from db.statement import Statement
from domain.messages import MAX_ATTEMPTS, DeliveryPolicy, Verdict


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a call: the ledger's verdict and the provider's words; `place` is where the mark left the row."""

    id: UUID
    verdict: Verdict
    detail: str
    place: str | None = None


async def recover(tx: Transaction, campaign_id: UUID) -> int:
    """Takes back what workers left whose lease has ended: nobody knows whether they called. Of the CLAIMED, which
    workers of earlier versions leave, nobody called.

    The token stays: a worker that was only slow may still tell that a message was accepted.
    """
    await in_index_order(tx)
    left = await tx.rows(
        "select w.id from (:under_way) w where w.lease_until < clock_timestamp()",
        under_way=under_way(tx.organization_id, campaign_id),
    )
    if not left:
        return 0
    return await tx.run(
        """
        with told as (
            update message m
            set status = case when m.status = 'SENDING' and (c.delivery_policy = :hold or m.attempts >= :most)
                              then 'UNCERTAIN' else 'QUEUED' end,
                error = case when m.status = 'SENDING' then 'the worker ended during the call' else m.error end,
                lease_until = null, updated_at = clock_timestamp()
            from campaign c
            where m.organization_id = :organization and m.id = any(:ids::uuid[])
              and m.status = any('{CLAIMED,SENDING}'::text[]) and m.lease_until < clock_timestamp()
              and c.organization_id = :organization and c.id = :campaign_id
            returning m.id, m.campaign_id, m.customer_id, m.status):events
        select from told
        """,
        events=await outcomes(tx),
        campaign_id=campaign_id,
        ids=[row[0] for row in left],
        hold=DeliveryPolicy.HOLD.value,
        most=MAX_ATTEMPTS,
    )


async def settle(
    tx: Transaction,
    token: UUID,
    settled: Sequence[Settled],
    *,
    provider: str,
    account_id: UUID | None = None,
    last: bool = False,
) -> None:
    """SENDING -> what the answers mean. That a message was accepted counts even when the lease was lost meanwhile.

    last: the transaction ends after it.
    """
    ordered = sorted(settled, key=lambda one: one.id)
    places = {one.id: one.place for one in ordered if one.place is not None}
    async with by_place(tx, last=last):
        events = await outcomes(tx)
        told = await _tell(tx, token, ordered, places, events, provider, account_id) if places else set()
        left = [one for one in ordered if one.id not in told]
        if left:
            # A callback came first, or a slow worker settles what others have had since: where the rows are now.
            held = await _hold(tx, [one.id for one in left])
            await _tell(tx, token, left, held, events, provider, account_id)


async def _tell(
    tx: Transaction,
    token: UUID,
    settled: Sequence[Settled],
    places: dict[UUID, str],
    events: Statement,
    provider: str,
    account_id: UUID | None,
) -> set[UUID]:
    """Writes what is known of the rows that are at these places; returns whose they were."""
    placed = [one for one in settled if one.id in places]
    rows = await tx.rows(
        """
        with told as (
            update message m
            -- A callback that came first has said more, but not what the provider calls the message.
            set status = case when m.status = any('{DELIVERED,OPENED,CLICKED,BOUNCED}'::text[]) then m.status
                              else s.status end,
                error = nullif(s.error, ''), provider = :provider, lease_until = null,
                provider_account_id = :account_id::uuid,
                attempts = m.attempts - case when s.counts then 0 else 1 end,
                provider_message_id = case when s.status = 'SENT' then s.detail end,
                sent_at = case when m.status = any('{DELIVERED,OPENED,CLICKED,BOUNCED}'::text[]) then m.sent_at
                               when s.status = 'SENT' then clock_timestamp() end,
                next_attempt_at = case when s.status = 'QUEUED' and s.pause > interval '0'
                                  then clock_timestamp() + s.pause * (0.75 + random() / 2) end,
                updated_at = clock_timestamp()
            from (select v.*, case when v.status = 'SENT' then '' else v.detail end as error
                  from unnest(:places::text[]::tid[], :ids::uuid[], :statuses::text[], :counts::boolean[],
                              :pauses::interval[], :details::text[])
                      as v (place, id, status, counts, pause, detail)) s
            where m.organization_id = :organization and m.ctid = s.place and m.id = s.id and m.lease_token = :token
              and (m.status = 'SENDING' or (s.status = 'SENT' and m.status = any('{UNCERTAIN,QUEUED}'::text[]))
                   or (s.status = 'SENT' and m.provider_message_id is null
                       and m.status = any('{SENDING,DELIVERED,OPENED,CLICKED,BOUNCED}'::text[])))
            returning m.id, m.campaign_id, m.customer_id, m.status):events
        select id from told
        """,
        events=events,
        token=token,
        provider=provider,
        account_id=account_id,
        places=[places[one.id] for one in placed],
        ids=[one.id for one in placed],
        statuses=[one.verdict.status.value for one in placed],
        counts=[one.verdict.counts for one in placed],
        pauses=[one.verdict.pause for one in placed],
        details=[one.detail[:500] for one in placed],
    )
    return {row[0] for row in rows}


async def _hold(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Where the rows are, which nobody changes before the transaction ends."""
    rows = await tx.rows(
        """
        select m.id, m.place from unnest(:ids::uuid[]) g (id) cross join lateral (
            select m.id, m.ctid::text as place from message m
            where m.organization_id = :organization and m.id >= g.id and m.id <= g.id
            order by m.id for no key update) m
        """,
        ids=list(ids),
    )
    return {row[0]: row[1] for row in rows}
