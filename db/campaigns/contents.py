"""What a campaign says: for each of its variants a template on each channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db.database import Transaction
from db.records import columns_of
from db.relations import Relation, Sort
from db.templates import localized_of
from domain.campaigns import ChannelContent
from domain.consents import Channel
from domain.templates import Localized


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a variant says on a channel, in the version of the template that is sent."""

    variant: int
    channel: str
    template_id: UUID
    template_version: int


CONTENTS_OF_CAMPAIGN = Relation(
    "contents_of_campaign",
    Pinned,
    "(select * from campaign_content where variant = 1) t",
    key="t.campaign_id",
    orders=(("POSITION", Sort("t.position", "smallint")),),
    tie=Sort("t.channel", "text"),
)


async def say(tx: Transaction, campaign_id: UUID, variant: int, contents: Sequence[ChannelContent]) -> None:
    """What a variant says, instead of what it said; templates in their newest version."""
    await tx.run(
        """
        with given as (
            select g.channel, g.position, t.id, t.current_version
            from unnest(:channels::text[], :templates::uuid[]) with ordinality g (channel, template_id, position)
            join template t on t.organization_id = :organization and t.id = g.template_id),
        gone as (
            delete from campaign_content n
            where n.organization_id = :organization and n.campaign_id = :id and n.variant = :variant
              and n.channel not in (select channel from given))
        insert into campaign_content (organization_id, campaign_id, variant, channel, position, template_id,
                                      template_version)
        select :organization, :id, :variant, channel, position, id, current_version from given
        on conflict (organization_id, campaign_id, variant, channel) do update
        set position = excluded.position, template_id = excluded.template_id,
            template_version = excluded.template_version
        """,
        id=campaign_id,
        variant=variant,
        channels=[content.channel.value for content in contents],
        templates=[content.template_id for content in contents],
    )


async def contents_of(tx: Transaction, campaign_id: UUID) -> list[Pinned]:
    """What each variant says on each channel."""
    return await tx.records(
        Pinned,
        f"""
        select {columns_of(Pinned)} from campaign_content t
        where t.organization_id = :organization and t.campaign_id = :id order by t.variant, t.position, t.channel
        """,
        id=campaign_id,
    )


async def said_on(tx: Transaction, campaign_id: UUID, variant: int, channel: Channel) -> Localized:
    """What a variant says on a channel; raises LookupError when it says nothing there."""
    pinned = [c for c in await contents_of(tx, campaign_id) if (c.variant, c.channel) == (variant, channel)]
    if not pinned:
        raise LookupError(channel)
    return await localized_of(tx, pinned[0].template_id, pinned[0].template_version)
