"""What people write to us: which message it answers, and whether it says to stop."""

from collections.abc import Sequence
from uuid import UUID

from db.clock import database_time
from db.database import Transaction
from db.facts import record_facts
from db.results.events import take_back
from db.suppressions import suppress
from domain.consents import Channel
from domain.customers import CustomerReference
from domain.facts import FactKind, fact
from domain.keywords import Keyword, keyword
from domain.results.callbacks import Inbound
from domain.results.returns import OURS, Returned, ReturnType
from domain.suppressions import AddressKey, SuppressionReason


async def take_answers(tx: Transaction, answers: Sequence[Inbound], key: AddressKey | None = None) -> int:
    """Notes each as an answer to the message it is about, or heeds the keyword it is; returns how many were new.

    They come one by one, so they are looked up one by one. Their texts are not kept; that a customer answered is a
    fact of theirs.
    """
    events = []
    for answer in answers:
        said = keyword(answer.text) if answer.channel is Channel.SMS else None
        message_id = await _answered(tx, answer)
        if key is not None and said is Keyword.STOP:
            await suppress(tx, key, answer.channel, answer.address, SuppressionReason.STOP)
        if key is not None and said is Keyword.START:
            await _start(tx, key, answer)
        if message_id is not None and said is not Keyword.START:
            type_ = ReturnType.UNSUBSCRIBED if said is Keyword.STOP else ReturnType.REPLIED
            events.append(Returned(answer.provider, answer.event_id, type_, answer.at, message_id))
    await _record(tx, [event for event in events if event.type is ReturnType.REPLIED])
    return await take_back(tx, events, key)


async def _record(tx: Transaction, replies: Sequence[Returned]) -> None:
    """What the customers' timelines and conditions know of answers."""
    rows = await tx.rows(
        """
        select e.event_id, e.at, m.customer_id, c.brand_id, m.channel
        from unnest(:ids::uuid[], :events::text[], :ats::timestamptz[]) e (message_id, event_id, at)
        join message m on m.organization_id = :organization and m.id = e.message_id and m.customer_id is not null
        join campaign c on c.organization_id = :organization and c.id = m.campaign_id
        """,
        ids=[reply.message_id for reply in replies],
        events=[f"{reply.provider}:{reply.event_id}" for reply in replies],
        ats=[reply.at for reply in replies],
    )
    facts = [
        fact(
            kind=FactKind.CUSTOM,
            source=OURS,
            key=row["event_id"][:200],
            customer=CustomerReference(id=row["customer_id"]),
            occurred_at=row["at"],
            name="message.replied",
            brand_id=row["brand_id"],
            properties={"channel": row["channel"]},
        )
        for row in rows
    ]
    if facts:
        await record_facts(tx, facts, await database_time(tx))


async def _answered(tx: Transaction, answer: Inbound) -> UUID | None:
    """The message by what the answer names, else the latest text message of a month to the same number."""
    found: UUID | None = await tx.value(
        """
        select m.id from message m
        where m.organization_id = :organization and m.sending_at is not null
          and (m.id = any(:ids::uuid[]) or m.provider = :provider and m.provider_message_id = :name)
        order by array_position(:ids::uuid[], m.id) nulls last limit 1
        """,
        ids=list(answer.message_ids),
        provider=answer.provider,
        name=answer.provider_message_id,
    )
    if found is None and answer.channel is Channel.SMS:
        found = await tx.value(
            """
            select m.id from message m
            where m.organization_id = :organization and m.channel = 'SMS' and m.address = :address
              and m.sent_at > :at::timestamptz - interval '30 days' and m.sent_at <= :at
            order by m.sent_at desc, m.id desc limit 1
            """,
            address=answer.address,
            at=answer.at,
        )
    return found


async def _start(tx: Transaction, key: AddressKey, answer: Inbound) -> None:
    """Takes back what STOP did; an address that bounced or complained stays suppressed."""
    await tx.run(
        """
        delete from suppression
        where organization_id = :organization and channel = :channel and address_hash = :hash and reason = 'STOP'
        """,
        channel=answer.channel.value,
        hash=key.hash(answer.address),
    )
