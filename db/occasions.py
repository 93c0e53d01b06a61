"""Messages that somebody is sent for a reason of their own: rows of the ledger under campaigns that people do not see.

Nobody is asked whether they may be sent: that is done in the ledger, right before the call, as for all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db.campaigns import request_sending
from db.database import Transaction
from domain.campaigns import CampaignKind
from domain.consents import Channel
from domain.ids import new_id


@dataclass(frozen=True, slots=True)
class Occasion:
    """One message: `entry` says which occasion it is of; its repetition sends nothing."""

    customer_id: UUID
    address: str | None
    entry: str
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A campaign for such messages: TRANSACTIONAL, running, without an audience of its own."""

    kind: CampaignKind
    name: str
    brand_id: UUID
    channel: Channel
    topic: str
    template_id: UUID
    template_version: int


async def begin(tx: Transaction, frame: Frame) -> UUID:
    """Makes the campaign."""
    campaign_id = new_id()
    await tx.run(
        """
        with made as (
            insert into campaign (organization_id, id, brand_id, name, kind, status, class, channel, topic, template_id,
                                  template_version, ignore_caps, counts_toward_caps, started_at, snapshot_at,
                                  audience_size)
            values (:organization, :id, :brand_id, :name, :kind, 'RUNNING', 'TRANSACTIONAL', :channel, :topic,
                    :template_id, :template_version, true, false, clock_timestamp(), clock_timestamp(), 0)
            returning organization_id, id),
        variant as (
            insert into campaign_variant (organization_id, campaign_id, number, name)
            select organization_id, id, 1, 'A' from made)
        insert into campaign_content (organization_id, campaign_id, variant, channel, template_id, template_version)
        select organization_id, id, 1, :channel, :template_id, :template_version from made
        """,
        id=campaign_id,
        name=frame.name,
        kind=frame.kind.value,
        brand_id=frame.brand_id,
        channel=frame.channel.value,
        topic=frame.topic,
        template_id=frame.template_id,
        template_version=frame.template_version,
    )
    return campaign_id


async def enter(tx: Transaction, campaign_id: UUID, channel: Channel, occasions: Sequence[Occasion]) -> int:
    """Enters the messages into the ledger and owes their sending; returns how many are new."""
    entered = await tx.run(
        """
        insert into message (organization_id, id, campaign_id, customer_id, channel, address, status, skip_reason,
                             entry, is_test)
        select :organization, uuid7(), :campaign_id, o.customer_id, :channel, o.address,
               case when o.address is null then 'SKIPPED' else 'QUEUED' end,
               case when o.address is null then 'NO_ADDRESS' end, o.entry, o.is_test
        from unnest(:customers::uuid[], :addresses::text[], :entries::text[], :tests::boolean[])
            as o (customer_id, address, entry, is_test)
        on conflict do nothing
        """,
        campaign_id=campaign_id,
        channel=channel.value,
        customers=[occasion.customer_id for occasion in occasions],
        addresses=[occasion.address for occasion in occasions],
        entries=[occasion.entry for occasion in occasions],
        tests=[occasion.is_test for occasion in occasions],
    )
    await request_sending(tx, campaign_id)
    return entered
