"""The message ledger as people read it: one row for each customer of an audience, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.names import in_status, named
from db.outbox import recording
from db.records import column, columns_of
from db.relations import Relation, Sort
from db.statement import Statement, sql
from domain.events import EventType
from domain.messages import MessageStatus
from domain.searches import words_of


@dataclass(frozen=True, slots=True)
class Message:
    """`address` is where it goes or would have gone; `error` the provider's or a person's words."""

    id: UUID
    campaign_id: UUID
    customer_id: UUID | None
    channel: str
    address: str | None
    status: str
    skip_reason: str | None
    attempts: int
    next_attempt_at: datetime | None
    provider: str | None
    provider_message_id: str | None
    error: str | None
    queued_at: datetime
    sending_at: datetime | None
    sent_at: datetime | None
    updated_at: datetime
    variant: int | None
    is_test: bool
    delivered_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    machine_opened_at: datetime | None
    machine_clicked_at: datetime | None
    bounced_at: datetime | None
    bounce_kind: str | None
    complained_at: datetime | None
    unsubscribed_at: datetime | None
    replied_at: datetime | None
    converted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tally:
    """A campaign's ledger in numbers: audience = pending + sent + failed + uncertain + skipped, always."""

    id: UUID
    audience: int = column("n.audience")
    pending: int = column("n.pending")
    sent: int = column("n.sent")
    failed: int = column("n.failed")
    uncertain: int = column("n.uncertain")
    skipped: int = column("n.skipped")
    progress: float = column("case when n.audience > 0 then 1 - n.pending / n.audience::float8 else 0 end")


@dataclass(frozen=True, slots=True)
class Skips:
    """How many of a campaign's audience get nothing for one reason."""

    reason: str
    number: int


MESSAGE_BY_ID = Relation("message", Message, "message t", key="t.id")
# Ids are ordered by time.
_NEWEST = (("QUEUED_AT", Sort("t.id", "uuid")),)
MESSAGES = Relation("messages", Message, "message t", key="t.organization_id", orders=_NEWEST, descending=True)
MESSAGES_OF_CUSTOMER = Relation(
    "messages_of_customer", Message, "message t", key="t.customer_id", orders=_NEWEST, descending=True
)
MESSAGES_OF_CAMPAIGN = Relation(
    "messages_of_campaign", Message, "message t", key="t.campaign_id", orders=_NEWEST, descending=True
)
TALLY_OF_CAMPAIGN = Relation(
    "tally_of_campaign",
    Tally,
    """
    campaign t cross join lateral (
        select coalesce(sum(g.number), 0)::bigint as audience,
               coalesce(sum(g.number) filter (where g.status in ('QUEUED', 'CLAIMED', 'SENDING')), 0)::bigint
                   as pending,
               coalesce(sum(g.number) filter (where g.status = any(
                   '{SENT,DELIVERED,OPENED,CLICKED,BOUNCED}'::text[])), 0)::bigint as sent,
               coalesce(sum(g.number) filter (where g.status = 'FAILED'), 0)::bigint as failed,
               coalesce(sum(g.number) filter (where g.status = 'UNCERTAIN'), 0)::bigint as uncertain,
               coalesce(sum(g.number) filter (where g.status = 'SKIPPED'), 0)::bigint as skipped
        from (select m.status, count(*) as number from message m
              where m.organization_id = t.organization_id and m.campaign_id = t.id and not m.is_test
              group by 1) g
    ) n""",
    key="t.id",
)
SKIPS_OF_CAMPAIGN = Relation(
    "skips_of_campaign",
    Skips,
    """
    (select m.organization_id, m.campaign_id, m.skip_reason as reason, count(*) as number from message m
     where m.status = 'SKIPPED' and not m.is_test group by 1, 2, 3) t
    """,
    key="t.campaign_id",
    orders=(("REASON", Sort('t.reason collate "C"', "text")),),
    tie=Sort("t.campaign_id", "uuid"),
)


def matching(
    *,
    campaign_id: UUID | None = None,
    customer_id: UUID | None = None,
    status: Sequence[str] | None = None,
    skip_reason: Sequence[str] | None = None,
    channel: Sequence[str] | None = None,
    is_test: bool | None = None,
    search: str | None = None,
) -> Statement | None:
    """Messages of which all that is said holds; None for all. search: every word is in what customers are found by."""
    return named(
        None,
        None if channel is None else sql("t.channel = any(:channels::text[])", channels=list(channel)),
        None if is_test is None else sql("t.is_test = :is_test", is_test=is_test),
        _to_whoever_is_called(search),
        None if campaign_id is None else sql("t.campaign_id = :campaign_id", campaign_id=campaign_id),
        None if customer_id is None else sql("t.customer_id = :customer_id", customer_id=customer_id),
        in_status(status),
        None if skip_reason is None else sql("t.skip_reason = any(:reasons::text[])", reasons=list(skip_reason)),
    )


def _to_whoever_is_called(search: str | None) -> Statement | None:
    """Messages to customers in whose name, address, telephone number or external id every word is."""
    words = words_of(search)
    if not words:
        return None
    return sql(
        """
        exists (select from customer c
                where c.organization_id = t.organization_id and c.id = t.customer_id
                  and (select bool_and(strpos(c.search_text, fold(word)) > 0) from unnest(:words::text[]) word))
        """,
        words=words,
    )


async def find_message(tx: Transaction, message_id: UUID) -> Message | None:
    """The message, locked until the transaction ends."""
    return await tx.record(
        Message,
        f"select {columns_of(Message)} from message t where t.organization_id = :organization and t.id = :id "
        "for no key update",
        id=message_id,
    )


async def resolve(tx: Transaction, message_id: UUID, status: MessageStatus, note: str) -> bool:
    """UNCERTAIN -> what a person decided; False when it is not uncertain. No worker's late answer counts any more."""
    return bool(
        await tx.run(
            """
            with told as (
                update message
                set status = :status, error = :note, lease_token = null, next_attempt_at = null,
                    sent_at = case when :status = 'SENT' then coalesce(sending_at, clock_timestamp()) end,
                    updated_at = clock_timestamp()
                where organization_id = :organization and id = :id and status = 'UNCERTAIN'
                returning id, campaign_id, customer_id, status):events
            select from told
            """,
            id=message_id,
            status=status.value,
            note=note,
            events=await outcomes(tx),
        )
    )


async def entered(tx: Transaction, campaign_id: UUID) -> list[tuple[UUID, UUID]]:
    """A campaign's messages and their customers, in the order in which they were entered."""
    rows = await tx.rows(
        "select id, customer_id from message where organization_id = :organization and campaign_id = :id order by id",
        id=campaign_id,
    )
    return [(row[0], row[1]) for row in rows]


async def outcomes(tx: Transaction) -> Statement:
    """CTEs that tell whoever listens what became of the messages in `told` (db/outbox.py)."""
    return await recording(
        tx,
        (EventType.MESSAGE_SENT, EventType.MESSAGE_FAILED, EventType.MESSAGE_UNCERTAIN),
        """
        select 'MESSAGE_' || status,
               jsonb_build_object('messageId', id, 'campaignId', campaign_id, 'customerId', customer_id,
                                  'status', status), clock_timestamp()
        from told
        """,
    )


async def forget_recipients(tx: Transaction, customers: Statement) -> None:
    """Takes customers who are about to be deleted out of the ledger: what was sent stays counted, the rest is skipped.

    A call to the provider that is under way ends as it would have. customers: a statement with one column of ids.
    """
    await tx.run(
        """
        update message
        set address = null, updated_at = clock_timestamp(),
            lease_token = case when status = 'SENDING' then lease_token end,
            lease_until = case when status = 'SENDING' then lease_until end,
            skip_reason = case when status in ('QUEUED', 'CLAIMED') then 'CUSTOMER_DELETED' else skip_reason end,
            status = case when status in ('QUEUED', 'CLAIMED') then 'SKIPPED' else status end
        where organization_id = :organization and customer_id in (:customers)
        """,
        customers=customers,
    )
