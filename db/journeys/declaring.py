"""Campaigns of messages that stages send: begun without an audience, and changed while they run."""

from uuid import UUID

from db.campaigns.contents import say
from db.database import Transaction
from domain.journeys.messages import StageMessage


async def begin(tx: Transaction, campaign_id: UUID) -> None:
    """From now on customers may be entered one by one; it never completes."""
    await tx.run(
        """
        update campaign set status = 'RUNNING', started_at = clock_timestamp(), snapshot_at = clock_timestamp(),
                            audience_size = 0
        where organization_id = :organization and id = :id and status = 'DRAFT'
        """,
        id=campaign_id,
    )


async def find_brand_of(tx: Transaction, campaign_id: UUID) -> UUID | None:
    found: UUID | None = await tx.value(
        "select brand_id from campaign where organization_id = :organization and id = :id for no key update",
        id=campaign_id,
    )
    return found


async def change(tx: Transaction, campaign_id: UUID, message: StageMessage) -> None:
    """What is sent from now on, also to who waits already; templates in their newest version."""
    await say(tx, campaign_id, 1, message.contents)
    await tx.run(
        """
        update campaign c
        set class = :class, topic = :topic, channel = :channel, template_id = t.id,
            template_version = t.current_version, version = c.version + 1, updated_at = clock_timestamp()
        from template t
        where c.organization_id = :organization and c.id = :id
          and t.organization_id = :organization and t.id = :template_id
        """,
        id=campaign_id,
        topic=message.topic,
        channel=message.contents[0].channel.value,
        template_id=message.contents[0].template_id,
        **{"class": message.class_.value},
    )
