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
from db.statement import sql
from db.suppressions import hash_of
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
            await _suppress(tx, key, sorted(bounced - complained), sorted(complained))
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


async def _suppress(tx: Transaction, key: AddressKey, bounced: Sequence[Any], complained: Sequence[Any]) -> None:
    """Never again to these addresses, and what is queued for them; waits for whoever marks one as being sent."""
    about = sql(
        """
        select m.channel, m.address, case when m.id = any(:complained::uuid[]) then 'COMPLAINT' else 'HARD_BOUNCE' end
            as reason
        from message m
        where m.organization_id = :organization and m.id = any(:ids::uuid[]) and m.address is not null
          and m.channel = any('{EMAIL,SMS}'::text[])
        """,
        organization=tx.organization_id,
        complained=list(complained),
        ids=[*bounced, *complained],
    )
    await tx.run(
        """
        insert into suppression (organization_id, channel, address_hash, reason)
        select distinct on (a.channel, a.hash) :organization::uuid, a.channel, a.hash, a.reason
        from (select b.channel, :hash as hash, b.reason from (:about) b) a
        order by a.channel, a.hash, a.reason
        on conflict (organization_id, channel, address_hash) do nothing
        """,
        about=about,
        hash=hash_of(key, "b.address"),
    )
    await tx.run(
        """
        update message m set status = 'SKIPPED', skip_reason = 'SUPPRESSED', updated_at = clock_timestamp()
        where m.organization_id = :organization and m.status = any('{QUEUED,CLAIMED}'::text[]) and m.id = any(array(
            select q.id from message q
            join campaign c on c.organization_id = :organization and c.id = q.campaign_id
                           and c.status = any('{RUNNING,PAUSED,COMPLETED}'::text[])
            join (select distinct channel, address from (:about) b) a on a.channel = q.channel and a.address = q.address
            where q.organization_id = :organization and q.status = any('{QUEUED,CLAIMED}'::text[])
            order by q.id for no key update of q))
        """,
        about=about,
    )


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
