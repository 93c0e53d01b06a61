"""The audience of a campaign: who is in it, who of them may be written to, and its snapshot in the ledger."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.campaigns import Campaign
from db.database import Transaction
from db.experiments.assignment import assigned, assignment_of
from db.organizations import current_organization
from db.segments import refresh_segments
from db.statement import Statement, sql
from db.suppressions import hash_of
from db.topics import requires_opt_in
from domain.campaigns import Audience, CampaignClass
from domain.consents import Channel
from domain.suppressions import AddressKey

CHUNK = 10_000
FIRST = UUID(int=0)

# As domain/suppressions.py writes addresses, so that their hashes meet.
_ADDRESS = {Channel.EMAIL: "lower(cu.email)", Channel.SMS: "cu.phone"}


@dataclass(frozen=True, slots=True)
class Preview:
    """Of the members that belong to the brand: how many would get a message, and why the others would not."""

    reachable: int
    skipped: dict[str, int]


async def preview(tx: Transaction, audience: Audience, key: AddressKey) -> Preview:
    """What a snapshot at this moment would hold."""
    rows = await tx.rows(
        """
        with wanted as (:wanted)
        select case when d.refusal is null and d.turn > 1 then 'DUPLICATE_ADDRESS' else d.refusal end, count(*)
        from (:decided) d group by 1
        """,
        wanted=_wanted(tx, audience, FIRST, None),
        decided=_decided(tx, audience, key),
    )
    numbers: dict[str | None, int] = {row[0]: row[1] for row in rows}
    return Preview(numbers.pop(None, 0), {reason: number for reason, number in numbers.items() if reason})


async def refresh(tx: Transaction, audience: Audience, now: datetime) -> None:
    """Brings the members of its segments, and of those they ask about, up to date, so that nobody is written to by
    yesterday's rules; once `recompute_stale` has nothing left to do. Raises DefinitionChanged."""
    rows = await tx.rows(
        """
        with recursive named (id) as (
            select unnest(:ids::uuid[])
            union
            select unnest(s.depends_on) from named n
            join segment s on s.organization_id = :organization and s.id = n.id)
        select id from named
        """,
        ids=list(audience.segment_ids),
    )
    await refresh_segments(tx, await current_organization(tx), [row[0] for row in rows], now=now)


async def freeze(tx: Transaction) -> None:
    """All statements of this transaction see the same moment; must be its first."""
    await tx.run("set transaction isolation level repeatable read")


async def is_taken(tx: Transaction, campaign_id: UUID) -> bool:
    """Whether the snapshot is in the ledger: it comes there in one transaction, so any row of it means all."""
    taken: bool = await tx.value(
        "select exists (select from message where organization_id = :organization and campaign_id = :id)",
        id=campaign_id,
    )
    return taken


async def take_chunk(
    tx: Transaction, campaign: Campaign, key: AddressKey, *, after: UUID, at: datetime, size: int = CHUNK
) -> UUID | None:
    """Enters the next customers of the audience into the ledger, also those who get nothing, with the reason.

    Returns where the next chunk begins, None after the last. Repeating a chunk changes nothing.
    """
    audience = campaign.audience
    shared = assigned(await assignment_of(tx, campaign.id), "d.customer_id")
    last: UUID | None = await tx.value(
        """
        with wanted as (:wanted), entered as (
            insert into message (organization_id, id, campaign_id, customer_id, channel, address, status, skip_reason,
                                 variant, next_attempt_at, queued_at)
            select :organization, uuid7(), :campaign_id, d.customer_id, :channel, d.address,
                   case when d.refusal is null then 'QUEUED' else 'SKIPPED' end, d.refusal, d.variant,
                   case when d.refusal is null and d.variant is null then timestamptz 'infinity' end, :at
            from (
                select d.customer_id, d.address, :variant as variant,
                       coalesce(d.refusal, case when d.turn > 1 or exists (
                    select from message e
                    where e.organization_id = :organization and e.campaign_id = :campaign_id and e.channel = :channel
                      and e.address = d.address and e.status <> 'SKIPPED') then 'DUPLICATE_ADDRESS'
                    when :holdout then 'HOLDOUT' end) as refusal
                from (:decided) d) d
            order by d.customer_id
            on conflict do nothing)
        select customer_id from wanted order by customer_id desc limit 1
        """,
        wanted=_wanted(tx, audience, after, size),
        decided=_decided(tx, audience, key),
        campaign_id=campaign.id,
        channel=audience.channel.value,
        variant=shared.variant,
        holdout=shared.holdout,
        at=at,
    )
    return last


def _wanted(tx: Transaction, audience: Audience, after: UUID, size: int | None) -> Statement:
    """The next members of any included segment by id; from each segment no more than a chunk is read."""
    return sql(
        """
        select distinct m.customer_id
        from unnest(:include::uuid[]) s (id) cross join lateral (
            select m.customer_id from segment_membership m
            where m.organization_id = :organization and m.segment_id = s.id and m.customer_id > :after
            order by m.customer_id limit :size) m
        order by 1 limit :size
        """,
        organization=tx.organization_id,
        include=list(audience.include_segment_ids),
        after=after,
        size=size,
    )


def _decided(tx: Transaction, audience: Audience, key: AddressKey) -> Statement:
    """Of `wanted`: those of the brand in no excluded segment, with address and why they must not be written to.

    `turn` counts the customers of one address who may be written to; only the first is.
    """
    recipients = sql(
        f"""
        select cu.id as customer_id, {_ADDRESS.get(audience.channel, "null::text")} as address
        from wanted w join customer cu on cu.organization_id = :organization and cu.id = w.customer_id
        where not exists (select from segment_membership x
                          where x.organization_id = :organization and x.segment_id = any(:exclude::uuid[])
                            and x.customer_id = cu.id)
          and (exists (select from customer_brand b where b.organization_id = :organization
                         and b.customer_id = cu.id and b.brand_id = :brand_id)
               -- A customer of no brand in particular is the default brand's.
               or (exists (select from brand d where d.organization_id = :organization and d.id = :brand_id
                             and d.is_default)
                   and not exists (select from customer_brand b where b.organization_id = :organization
                                     and b.customer_id = cu.id)))
        """,
        organization=tx.organization_id,
        exclude=list(audience.exclude_segment_ids),
        brand_id=audience.brand_id,
    )
    return sql(
        """
        select j.*, row_number() over (partition by j.address, j.refusal is null order by j.customer_id) as turn
        from (:judged) j
        """,
        judged=judged(recipients, tx.organization_id, audience, key),
    )


def judged(recipients: Statement, organization_id: UUID, audience: Audience, key: AddressKey) -> Statement:
    """Why each recipient must not be written to now: a skip reason in `refusal`, NULL if nothing is against it.

    recipients: a statement with `customer_id` and `address` among its columns, which the answer keeps. Asked for the
    snapshot and once more right before each call to the provider.
    """
    return sql(
        """
        select r.*, case
            when r.address is null then 'NO_ADDRESS'
            when s.reason is not null then 'SUPPRESSED'
            when :marketing and k.state = 'UNSUBSCRIBED' then 'UNSUBSCRIBED'
            when :marketing and k.state <> 'SUBSCRIBED' then 'NOT_CONSENTED'
            when :marketing and k.state is null and :opt_in then 'NOT_CONSENTED'
            end as refusal
        from (:recipients) r
        left join suppression s
            on s.organization_id = :organization and s.channel = :channel and s.address_hash = :hash
        left join consent k
            on k.organization_id = :organization and k.customer_id = r.customer_id and k.brand_id = :brand_id
           and k.channel = :channel and k.topic = :topic
        """,
        recipients=recipients,
        organization=organization_id,
        opt_in=requires_opt_in(organization_id, audience.brand_id, audience.topic),
        hash=hash_of(key, "r.address"),
        marketing=audience.class_ is CampaignClass.MARKETING,
        brand_id=audience.brand_id,
        channel=audience.channel.value,
        topic=audience.topic,
    )
