"""What people write to us: which message it answers, whether it says to stop, and that they are active."""

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
from domain.results.activity import fact_key
from domain.results.callbacks import Inbound
from domain.results.returns import LONGEST_ID, OURS, Returned, ReturnType
from domain.suppressions import AddressKey, SuppressionReason


async def take_answers(
    tx: Transaction, answers: Sequence[Inbound], key: AddressKey | None = None, brand_id: UUID | None = None
) -> int:
    """Notes each as an answer to the message it is about, or heeds the keyword it is; returns how many were new.

    They come one by one, so they are looked up one by one. Their texts are not kept; that a customer wrote is a fact of
    theirs, of the brand of the message that they answer, else of `brand_id`.
    """
    events, unasked = [], []
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
        elif message_id is None and said is None:
            unasked.append(answer)
    await _record(tx, unasked, brand_id)
    return await take_back(tx, events, key)


async def _record(tx: Transaction, answers: Sequence[Inbound], brand_id: UUID | None) -> None:
    """Who writes by themselves is active, too, if it is known who they are."""
    writers = [(answer, await _writer(tx, answer)) for answer in answers]
    facts = [
        fact(
            kind=FactKind.INBOUND_MESSAGE,
            source=OURS,
            key=fact_key(answer.provider, answer.event_id[:LONGEST_ID]),
            customer=writer,
            occurred_at=answer.at,
            brand_id=brand_id,
            properties={"channel": answer.channel.value},
        )
        for answer, writer in writers
        if writer is not None
    ]
    if facts:
        # Of an address that nobody has the fact is refused, and nothing is written.
        await record_facts(tx, facts, await database_time(tx))


async def _writer(tx: Transaction, answer: Inbound) -> CustomerReference | None:
    """Whose address it is; a number that several customers share is nobody's."""
    if answer.channel is not Channel.SMS:
        return CustomerReference(email=answer.address) if answer.address else None
    rows = await tx.rows(
        "select id from customer where organization_id = :organization and phone = :phone limit 2", phone=answer.address
    )
    return CustomerReference(id=rows[0]["id"]) if len(rows) == 1 else None


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
