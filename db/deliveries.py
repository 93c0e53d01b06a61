"""The steps of a message in the ledger: claimed, marked before the call to the provider, settled, or recovered.

CLAIMED means that a worker has a message and nobody has talked to the provider, SENDING that somebody may have. Each
step is committed before the next begins, so after any crash the ledger says what can have happened and what cannot.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.campaigns import Campaign
from db.database import Transaction
from db.frequency import capped, has_rules, hold_customers
from db.messages import outcomes
from db.quiet_hours import keeps_hours, quiet
from db.recipients import judged
from db.records import column, columns_of
from db.statement import Statement, sql
from domain.campaigns import SENDING
from domain.messages import MAX_ATTEMPTS, DeliveryPolicy, MessageStatus, Verdict
from domain.restraints import OnCap, QuietPolicy
from domain.suppressions import AddressKey

# As the index message_due_idx has it.
_DUE = Statement("(case when next_attempt_at is null then '-infinity'::timestamptz else next_attempt_at end)")
BATCH = 25
# Shorter than the job's, so that whoever takes over the job finds this one ended; three times a provider call.
LEASE = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A claimed message and what a template may say about its customer, metrics over all brands."""

    id: UUID
    customer_id: UUID
    channel: str
    variant: int
    address: str
    attempts: int
    kind: str = column("c.kind")
    name: str | None = column("c.name")
    email: str | None = column("c.email")
    phone: str | None = column("c.phone")
    external_id: str | None = column("c.external_id")
    city: str | None = column("c.city")
    state: str | None = column("c.state")
    country: str | None = column("c.country")
    locale: str | None = column("c.locale")
    loyalty_level: str | None = column("c.loyalty_level")
    lifetime_value: object = column("coalesce(x.lifetime_value, 0.00)")
    order_count: int = column("coalesce(x.order_count, 0)")
    average_order_value: object = column("round(x.order_total / nullif(x.order_count, 0), 2)")
    appointment_count: int = column("coalesce(x.appointment_count, 0)")
    first_order_at: datetime | None = column("x.first_order_at")
    last_order_at: datetime | None = column("x.last_order_at")
    last_appointment_at: datetime | None = column("x.last_appointment_at")
    last_activity_at: datetime | None = column("x.last_activity_at")


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a call: the ledger's verdict and the provider's words."""

    id: UUID
    verdict: Verdict
    detail: str


async def recover(tx: Transaction, campaign_id: UUID) -> int:
    """Takes back what workers left whose lease has ended: nobody called for the CLAIMED, nobody knows for the SENDING.

    The token stays: a worker that was only slow may still tell that a message was accepted.
    """
    return await tx.run(
        """
        with told as (
            update message m
            set status = case when m.status = 'SENDING' and (c.delivery_policy = :hold or m.attempts >= :most)
                              then 'UNCERTAIN' else 'QUEUED' end,
                error = case when m.status = 'SENDING' then 'the worker ended during the call' else m.error end,
                lease_until = null, updated_at = clock_timestamp()
            from campaign c
            where m.organization_id = :organization and m.campaign_id = :campaign_id
              and m.status = any('{CLAIMED,SENDING}'::text[]) and m.lease_until < clock_timestamp()
              and c.organization_id = :organization and c.id = m.campaign_id
            returning m.id, m.campaign_id, m.customer_id, m.status):events
        select from told
        """,
        events=await outcomes(tx),
        campaign_id=campaign_id,
        hold=DeliveryPolicy.HOLD.value,
        most=MAX_ATTEMPTS,
    )


async def claim(
    tx: Transaction, campaign_id: UUID, token: UUID, *, channels: Collection[str] | None = None, size: int = BATCH
) -> list[Recipient]:
    """QUEUED -> CLAIMED for the next messages that are due and nobody else's; channels: only of these."""
    # A customer deleted while the snapshot was being taken is in the ledger without a name: only the key is gone.
    await tx.run(
        """
        update message
        set status = case when customer_id is null then 'SKIPPED' else 'CLAIMED' end,
            skip_reason = case when customer_id is null then 'CUSTOMER_DELETED' end,
            address = case when customer_id is not null then address end,
            lease_token = :token, lease_until = clock_timestamp() + :lease, updated_at = clock_timestamp()
        where organization_id = :organization and id = any(array(
            select id from message
            where organization_id = :organization and campaign_id = :campaign_id and status = 'QUEUED'
              -- The clock in a sub-select, or it would be asked for each of those who wait.
              and :due <= (select clock_timestamp()) and :channels
              -- A message of a stage has no address before it is due (db/journeys/messages.py).
              and (address is not null or customer_id is null)
            order by :due, id limit :size for update skip locked))
        """,
        campaign_id=campaign_id,
        due=_DUE,
        channels=_among(channels),
        token=token,
        lease=LEASE,
        size=size,
    )
    return await tx.records(
        Recipient,
        f"""
        select {columns_of(Recipient)}
        from message t
        join customer c on c.organization_id = :organization and c.id = t.customer_id
        left join customer_metrics x on x.organization_id = :organization and x.customer_id = t.customer_id
                                    and x.brand_id is null
        where t.organization_id = :organization and t.campaign_id = :campaign_id
          and t.status = 'CLAIMED' and t.lease_token = :token
        order by t.id
        """,
        campaign_id=campaign_id,
        token=token,
    )


async def mark_sending(
    tx: Transaction, campaign: Campaign, ids: Sequence[UUID], token: UUID, key: AddressKey
) -> list[UUID] | None:
    """CLAIMED -> SENDING, to be committed before the provider is called; returns the ids that may be sent.

    The last word: None if the campaign was paused or cancelled; SKIPPED if the customer has unsubscribed or the address
    was suppressed meanwhile, put off or SKIPPED if a frequency rule or quiet hours hold it up. Whoever commits a
    refusal, or a message that counts, waits for this transaction or is seen by it.
    """
    status, ruled = await _hold_open(tx, campaign)
    if status not in SENDING:
        return None
    if ruled:
        await hold_customers(tx, list(ids))
    recipients = sql(
        """
        select m.id, m.customer_id, m.channel, m.address from message m
        where m.organization_id = :organization and m.id = any(:ids::uuid[])
        """,
        organization=tx.organization_id,
        ids=list(ids),
    )
    rows = await tx.rows(
        """
        with decided as materialized (:decided)
        update message m
        set status = case when j.skip is not null then 'SKIPPED' when j.until is not null then 'QUEUED'
                          else 'SENDING' end,
            skip_reason = j.skip,
            attempts = m.attempts + case when j.goes then 1 else 0 end,
            sending_at = case when j.goes then clock_timestamp() else m.sending_at end,
            lease_until = case when j.goes then clock_timestamp() + :lease end,
            next_attempt_at = case when j.skip is null then coalesce(j.until, m.next_attempt_at) end,
            expires_at = case when j.until is not null then coalesce(m.expires_at, j.expires) else m.expires_at end,
            updated_at = clock_timestamp()
        from decided j
        where m.organization_id = :organization and m.id = j.id and m.id = any(:ids::uuid[])
          and m.status = 'CLAIMED' and m.lease_token = :token and m.lease_until > clock_timestamp()
        returning m.id, m.status
        """,
        decided=_decided(
            campaign, tx.organization_id, judged(recipients, tx.organization_id, campaign.audience, key), ruled
        ),
        ids=list(ids),
        lease=LEASE,
        token=token,
    )
    return [row["id"] for row in rows if row["status"] == MessageStatus.SENDING]


async def _hold_open(tx: Transaction, campaign: Campaign) -> tuple[str | None, bool]:
    """The campaign's status, which cannot change before the transaction ends (pause and cancel wait for it), and
    whether frequency rules are about its messages.

    All that follows goes by keys: it is planned once, as planning took a quarter of the time of a mark.
    """
    row = await tx.row(
        """
        select c.status, :has_rules, set_config('plan_cache_mode', 'force_generic_plan', true),
               set_config('enable_seqscan', 'off', true)
        from campaign c
        where c.organization_id = :organization and c.id = :id for share of c
        """,
        id=campaign.id,
        has_rules=has_rules(campaign, tx.organization_id),
    )
    return (None, False) if row is None else (row[0], row[1])


def _decided(campaign: Campaign, organization_id: UUID, judged: Statement, ruled: bool) -> Statement:
    """Of judged messages: `goes`, or `skip` says why not, or `until` when they are put off, `expires` at the latest."""
    messages = Statement("select id, customer_id, channel, now from judged where refusal is null")
    nobody = Statement("select null::uuid as id, null::timestamptz as until where false")
    return sql(
        """
        with judged as materialized (
            select j.*, clock_timestamp() as now,
                   row_number() over (partition by j.customer_id, j.refusal is null order by j.id) as turn
            from (:judged) j),
        quiet as (:quiet), capped as (:capped),
        held as (
            select j.id, j.refusal, coalesce(m.expires_at, j.now + :max_deferral::interval) as expires,
                   case when q.id is not null then 'QUIET_HOURS_EXPIRED'
                        when k.id is not null then 'FREQUENCY_CAPPED' end as held,
                   coalesce(q.until, k.until,
                            -- One at a time: what goes first counts for the next.
                            case when :ruled and j.turn > 1 and j.refusal is null then j.now end) as until,
                   case when q.id is not null then :quiet_skips else k.id is not null and :cap_skips end as skips
            from judged j
            join message m on m.organization_id = :organization and m.id = j.id
            left join quiet q on q.id = j.id
            left join capped k on k.id = j.id)
        select d.*, d.skip is null and d.until is null as goes from (
            select h.id, h.expires, h.until,
                   coalesce(h.refusal, case when h.skips or h.until > h.expires then h.held end) as skip
            from held h) d
        """,
        judged=judged,
        quiet=quiet(campaign, organization_id, messages) if keeps_hours(campaign) else nobody,
        capped=capped(campaign, organization_id, messages) if ruled else nobody,
        organization=organization_id,
        max_deferral=campaign.max_deferral,
        ruled=ruled,
        quiet_skips=campaign.quiet_policy == QuietPolicy.SKIP,
        cap_skips=campaign.on_cap == OnCap.SKIP,
    )


async def settle(
    tx: Transaction, token: UUID, settled: Sequence[Settled], *, provider: str, account_id: UUID | None = None
) -> None:
    """SENDING -> what the answers mean. That a message was accepted counts even when the lease was lost meanwhile."""
    await tx.run(
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
                  from unnest(:ids::uuid[], :statuses::text[], :counts::boolean[], :pauses::interval[],
                              :details::text[]) as v (id, status, counts, pause, detail)) s
            where m.organization_id = :organization and m.id = s.id and m.lease_token = :token
              and (m.status = 'SENDING' or (s.status = 'SENT' and m.status = any('{UNCERTAIN,QUEUED}'::text[]))
                   or (s.status = 'SENT' and m.provider_message_id is null
                       and m.status = any('{SENDING,DELIVERED,OPENED,CLICKED,BOUNCED}'::text[])))
            returning m.id, m.campaign_id, m.customer_id, m.status):events
        select from told
        """,
        events=await outcomes(tx),
        token=token,
        provider=provider,
        account_id=account_id,
        ids=[s.id for s in settled],
        statuses=[s.verdict.status.value for s in settled],
        counts=[s.verdict.counts for s in settled],
        pauses=[s.verdict.pause for s in settled],
        details=[s.detail[:500] for s in settled],
    )


async def skip(tx: Transaction, token: UUID, reasons: Mapping[UUID, str], skip_reason: str) -> None:
    """CLAIMED -> SKIPPED, e.g. because the template cannot be rendered for these customers."""
    await tx.run(
        """
        update message m set status = 'SKIPPED', skip_reason = :skip_reason, error = r.error, lease_until = null,
                             updated_at = clock_timestamp()
        from unnest(:ids::uuid[], :errors::text[]) as r (id, error)
        where m.organization_id = :organization and m.id = r.id and m.lease_token = :token and m.status = 'CLAIMED'
        """,
        token=token,
        ids=list(reasons),
        errors=list(reasons.values()),
        skip_reason=skip_reason,
    )


async def release(tx: Transaction, campaign_id: UUID, token: UUID) -> None:
    """CLAIMED -> QUEUED: this worker stops before it came to them."""
    await tx.run(
        """
        update message set status = 'QUEUED', lease_token = null, lease_until = null, updated_at = clock_timestamp()
        where organization_id = :organization and campaign_id = :campaign_id
          and status = 'CLAIMED' and lease_token = :token
        """,
        campaign_id=campaign_id,
        token=token,
    )


async def skip_cancelled(tx: Transaction, campaign_id: UUID, *, size: int = 10_000) -> int:
    """QUEUED -> SKIPPED for a cancelled campaign, at most `size`; returns how many."""
    return await tx.run(
        """
        update message set status = 'SKIPPED', skip_reason = 'CAMPAIGN_CANCELLED', updated_at = clock_timestamp()
        where organization_id = :organization and id = any(array(
            select id from message
            where organization_id = :organization and campaign_id = :campaign_id and status = 'QUEUED'
            order by id limit :size for update skip locked))
        """,
        campaign_id=campaign_id,
        size=size,
    )


def _among(channels: Collection[str] | None) -> Statement:
    if channels is None:
        return Statement("true")
    return sql("channel = any(:channels::text[])", channels=list(channels))


async def wake_after(tx: Transaction, campaign_id: UUID, *, queued: bool) -> timedelta | None:
    """How long until something can be done: a lease ends or (if `queued`) a pause; None when nothing is open.

    What waits for an experiment's winner is not: whoever decides it owes the sending anew.
    """
    after: timedelta | None = await tx.value(
        """
        select min(greatest(interval '0', at - clock_timestamp())) from (
            select min(lease_until) as at from message
            where organization_id = :organization and campaign_id = :campaign_id
              and status = any('{CLAIMED,SENDING}'::text[])
            union all
            (select greatest(:due, '1970-01-01') from message
             where organization_id = :organization and campaign_id = :campaign_id and status = 'QUEUED'
               and :due < 'infinity' and :queued
             order by :due, id limit 1)) open where at is not null
        """,
        campaign_id=campaign_id,
        due=_DUE,
        queued=queued,
    )
    return after
