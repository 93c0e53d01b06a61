"""What follows for others from what came back: refusals, activity, and results to be counted anew.

Evaluations of segments that ask for messages are owed by the table itself (revision 0013).
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from db.consents import Wish, set_consents
from db.database import Transaction
from db.results.activity import follow_activity
from db.results.due import owe_results
from db.results.refusals import suppress_addresses
from db.statement import sql
from domain.consents import Channel, ConsentState
from domain.results.returns import BounceKind, ReturnType
from domain.suppressions import AddressKey

ACTOR = "callback"


async def follow(
    tx: Transaction, new: Sequence[dict[str, Any]], key: AddressKey | None, locked: frozenset[UUID] | None
) -> None:
    """What these new events mean beyond their messages; only what is new counts, or nobody could ever undo it.

    locked: the customers that `lock_active` has locked for these events.
    """
    if key is not None:
        bounced = {row["message_id"] for row in new if row["bounce_kind"] == BounceKind.HARD}
        complained = {row["message_id"] for row in new if row["type"] == ReturnType.COMPLAINED}
        if bounced or complained:
            await suppress_addresses(tx, key, sorted(bounced - complained), sorted(complained))
    unsubscribed = sorted({row["message_id"] for row in new if row["type"] == ReturnType.UNSUBSCRIBED})
    if unsubscribed:
        await _unsubscribe(tx, unsubscribed)
    messages = sorted({row["message_id"] for row in new})
    # After the other messages are locked: it owes evaluations, for which everybody waits for the same jobs.
    await follow_activity(tx, messages, locked)
    about = sql(
        "select m.customer_id from message m where m.organization_id = :organization and m.id = any(:ids::uuid[])",
        organization=tx.organization_id,
        ids=messages,
    )
    await owe_results(tx, about)


async def _unsubscribe(tx: Transaction, message_ids: Sequence[Any]) -> None:
    """Who unsubscribed at the provider wants no more of the topic from the brand on the channel."""
    rows = await tx.rows(
        """
        select distinct m.customer_id, c.brand_id, m.channel, c.topic
        from message m join campaign c on c.organization_id = m.organization_id and c.id = m.campaign_id
        where m.organization_id = :organization and m.id = any(:ids::uuid[]) and m.customer_id is not null
        order by 1, 2, 3, 4
        """,
        ids=list(message_ids),
    )
    wishes = [
        Wish(
            row["customer_id"], row["brand_id"], Channel(row["channel"]), row["topic"], ConsentState.UNSUBSCRIBED, ACTOR
        )
        for row in rows
    ]
    if wishes:
        await set_consents(tx, wishes, ACTOR)
