"""The audience of a campaign: who is in it, who of them may be written to, and its snapshot in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from db.campaigns import Campaign
from db.conditions import Scope
from db.database import Transaction
from db.experiments.assignment import assigned, assignment_of
from db.local_times import not_before
from db.metrics import is_stale
from db.organizations import current_organization
from db.recipients import chosen, judged, reached, wanted, within
from db.segments import refresh_segments
from db.statement import Statement, sql
from domain.campaigns import Audience
from domain.conditions import segments_in
from domain.suppressions import AddressKey

# One statement, between two renewals of the job's lease.
CHUNK = 20_000
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Preview:
    """Of the members that belong to the brand: how many messages there would be, and why there would not be others."""

    reachable: int
    skipped: dict[str, int]


async def preview(tx: Transaction, audience: Audience, key: AddressKey, now: datetime) -> Preview:
    """What a snapshot at this moment would hold."""
    rows = await tx.rows(
        """
        with wanted as materialized (:wanted)
        select case when d.refusal is null and d.turn > 1 then 'DUPLICATE_ADDRESS' else d.refusal end, count(*)
        from (:decided) d group by 1
        """,
        wanted=wanted(tx.organization_id, audience, FIRST, None, await _scope(tx, audience, FIRST, None, now)),
        decided=_decided(tx, audience, key, FIRST, None),
    )
    numbers: dict[str | None, int] = {row[0]: row[1] for row in rows}
    return Preview(numbers.pop(None, 0), {reason: number for reason, number in numbers.items() if reason})


async def refresh(tx: Transaction, audience: Audience, now: datetime) -> None:
    """Brings the members of its segments, and of those they ask about, up to date, so that nobody is written to by
    yesterday's rules; once `recompute_stale` has nothing left to do. Raises DefinitionChanged."""
    asked = frozenset() if audience.condition is None else segments_in(audience.condition)
    rows = await tx.rows(
        """
        with recursive named (id) as (
            select unnest(:ids::uuid[])
            union
            select unnest(s.depends_on) from named n
            join segment s on s.organization_id = :organization and s.id = n.id)
        select id from named
        """,
        ids=list(audience.segment_ids | asked),
    )
    await refresh_segments(tx, await current_organization(tx), [row[0] for row in rows], now=now)


async def begin(tx: Transaction, campaign_id: UUID) -> bool:
    """Freezes; False when somebody else, whose job went on past its lease, is taking this snapshot at the moment."""
    await freeze(tx)
    begun: bool = await tx.value(
        "select pg_try_advisory_xact_lock(hashtextextended(:organization::uuid::text || :id::uuid::text, 8))",
        id=campaign_id,
    )
    return begun


async def freeze(tx: Transaction) -> None:
    """All statements of this transaction see the same moment; must be its first."""
    await tx.run("set transaction isolation level repeatable read")


async def is_taken(tx: Transaction, campaign_id: UUID) -> bool:
    """Whether the snapshot is in the ledger: it comes there in one transaction, so any row of it means all."""
    taken: bool = await tx.value(
        """
        select exists (select from message where organization_id = :organization and campaign_id = :id and not is_test)
        """,
        id=campaign_id,
    )
    return taken


async def take_chunk(
    tx: Transaction,
    campaign: Campaign,
    key: AddressKey,
    *,
    after: UUID,
    at: datetime,
    size: int = CHUNK,
    named: Sequence[UUID] | None = None,
) -> UUID | None:
    """Enters the next customers of the audience into the ledger, also those who get nothing, with the reason.

    named: these customers, all of them, instead of the campaign's audience.

    Returns where the next chunk begins, None after the last. Each chunk may be entered once: a second time it violates
    a key, because looking whether it is there already would cost every snapshot a third look into each index.
    """
    audience = campaign.audience if named is None else replace(campaign.audience, customer_ids=tuple(named))
    upto = await _end_of_chunk(tx, audience, after, size)
    # Hash joins of ranges cost the same whatever statistics say of an organization they may not know yet, and each look
    # for an address that is there already must go by the index, though the ledger was empty a moment ago.
    # A few named ones are looked up one by one.
    many = audience.customer_ids is None
    if many:
        await tx.run("set local enable_nestloop = off; set local enable_seqscan = off; set local work_mem = '64MB'")
    await tx.run(
        """
        with wanted as materialized (:wanted)
        insert into message (organization_id, id, campaign_id, customer_id, channel, address, status, skip_reason,
                             variant, segment_ids, next_attempt_at, queued_at)
        select :organization, :id, :campaign_id, e.customer_id, e.channel, e.address,
               case when e.refusal is null then 'QUEUED' else 'SKIPPED' end, e.refusal, e.variant, e.segment_ids,
               -- Here, so that the hashes behind a variant are computed once.
               case when e.refusal is null and e.variant is null then timestamptz 'infinity'
                    when e.refusal is null then e.not_before end, :at
        from (
            select d.customer_id, d.channel, d.address, d.segment_ids, :variant as variant,
                   :not_before as not_before, row_number() over (order by d.customer_id) as number,
                   coalesce(d.refusal,
                            case when d.turn > 1 or :repeated then 'DUPLICATE_ADDRESS'
                                 when :holdout then 'HOLDOUT' end,
                            :past) as refusal
            from (:decided) d) e
        order by e.number
        """,
        wanted=wanted(tx.organization_id, audience, after, upto, await _scope(tx, audience, after, upto, at)),
        decided=_decided(tx, audience, key, after, upto),
        id=_IDS,
        campaign_id=campaign.id,
        repeated=Statement("false") if after == FIRST else _repeated(tx, campaign.id),
        at=at,
        **await _shared(tx, campaign, at),
    )
    if many:
        await tx.run(
            "set local enable_nestloop to default; set local enable_seqscan to default; set local work_mem to default"
        )
    return upto


# As uuid7() makes them, but one after another and for a tenth of its price: the time, a number, and chance.
_IDS = Statement(
    """
    encode((select substr(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint), 3))
           || int4send(((28672 + (e.number >> 12)::integer) << 16) + 32768 + (e.number & 4095)::integer)
           || substr(uuid_send(gen_random_uuid()), 11), 'hex')::uuid
    """
)


async def _shared(tx: Transaction, campaign: Campaign, at: datetime) -> dict[str, Statement]:
    """Expressions over `d`: who is held out, which variant, and not before when."""
    shared = assigned(await assignment_of(tx, campaign.id), "d.customer_id")
    moment = not_before(campaign, "d.timezone", at)
    return {"variant": shared.variant, "holdout": shared.holdout, "not_before": moment.at, "past": moment.refusal}


def _repeated(tx: Transaction, campaign_id: UUID) -> Statement:
    """Whether an earlier chunk has the address: looked up one by one, they are few against what is there already."""
    return sql(
        """
        (select true from message e
         where e.organization_id = :organization and e.campaign_id = :campaign_id and e.channel = d.channel
           and e.address = d.address and e.entry = '' and e.status <> 'SKIPPED' limit 1) is not null
        """,
        organization=tx.organization_id,
        campaign_id=campaign_id,
    )


async def _end_of_chunk(tx: Transaction, audience: Audience, after: UUID, size: int) -> UUID | None:
    """The id of the last customer of a chunk; None when there are no more than fit. From each segment no more than a
    chunk is read."""
    if audience.customer_ids is not None:
        return None
    if audience.listed_in is not None:
        following = sql(
            """
            select customer_id from campaign_recipient
            where organization_id = :organization and campaign_id = :listed_in and :range
            """,
            organization=tx.organization_id,
            listed_in=audience.listed_in,
            range=within("customer_id", after, None),
        )
    elif audience.condition is not None:
        following = sql(
            "select id as customer_id from customer where organization_id = :organization and :range",
            organization=tx.organization_id,
            range=within("id", after, None),
        )
    else:
        following = sql(
            """
            select distinct m.customer_id
            from unnest(:include::uuid[]) s (id) cross join lateral (
                select m.customer_id from segment_membership m
                where m.organization_id = :organization and m.segment_id = s.id and m.customer_id > :after
                order by m.customer_id limit :size) m
            """,
            organization=tx.organization_id,
            include=list(audience.include_segment_ids),
            after=after,
            size=size,
        )
    end: UUID | None = await tx.value(
        "select customer_id from (:following) f order by 1 offset :size - 1 limit 1", following=following, size=size
    )
    return end


async def _scope(tx: Transaction, audience: Audience, after: UUID, upto: UUID | None, now: datetime) -> Scope | None:
    """Whom and when the audience's condition is evaluated for."""
    if audience.condition is None:
        return None
    candidates = sql(
        "select id as customer_id from customer where organization_id = :organization and :range",
        organization=tx.organization_id,
        range=within("id", after, upto),
    )
    # Maintained metrics are brought up to date before a snapshot; a preview writes nothing.
    as_of = now if tx.brands is not None or await is_stale(tx, now) else None
    return Scope(await current_organization(tx), as_of, now, None, candidates)


def _decided(tx: Transaction, audience: Audience, key: AddressKey, after: UUID, upto: UUID | None) -> Statement:
    """Of `wanted`: where each is reached, and why they must not be written to.

    `turn` counts the customers of one address who may be written to; only the first is.
    """
    recipients = reached(tx.organization_id, audience, after, upto)
    decided = judged(recipients, tx.organization_id, audience, key, after, upto)
    return sql(
        """
        select j.*, row_number() over (partition by j.channel, j.address collate "C", j.refusal is null
                                       order by j.customer_id) as turn
        from (:chosen) j
        """,
        chosen=chosen(tx.organization_id, audience, decided),
    )
