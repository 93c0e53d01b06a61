"""Addresses that shall get nothing any more, because of what came of messages to them."""

from collections.abc import Sequence
from uuid import UUID

from db.database import Transaction
from db.statement import sql
from db.suppressions import hash_of
from domain.suppressions import AddressKey


async def suppress_addresses(
    tx: Transaction, key: AddressKey, bounced: Sequence[UUID], complained: Sequence[UUID] = ()
) -> None:
    """Never again to the addresses of these messages, nor what is queued for them.

    Waits for whoever marks one of those as being sent.
    """
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
            select l.id from message l where l.organization_id = :organization and l.id = any(array(
                select q.id from (select distinct channel, address from (:about) b) a
                join campaign c on c.organization_id = :organization
                               and c.status = any('{RUNNING,PAUSED,COMPLETED}'::text[])
                -- By key in each campaign: beside very many that wait, whoever reads those reads for nothing.
                cross join lateral (
                    select q.id from message q
                    where q.organization_id = :organization and q.campaign_id = c.id and q.channel = a.channel
                      and q.address = a.address and q.status = any('{QUEUED,CLAIMED}'::text[]) offset 0) q))
            order by l.id for no key update))
        """,
        about=about,
    )
