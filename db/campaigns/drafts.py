"""Drafts of campaigns: what a person says about one before it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from db.campaigns.contents import say
from db.database import Transaction
from domain.campaigns import Audience, CampaignKind, ChannelContent
from domain.conditions import to_json
from domain.messages import DeliveryPolicy
from domain.restraints import Restraint


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person says about a campaign before it is sent."""

    name: str
    description: str | None
    template_id: UUID
    audience: Audience
    delivery_policy: DeliveryPolicy
    contents: tuple[ChannelContent, ...] = ()
    restraint: Restraint = field(default_factory=Restraint)
    kind: CampaignKind = CampaignKind.BROADCAST
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def says(self) -> tuple[ChannelContent, ...]:
        """On each channel, in the order in which they are tried."""
        return self.contents or (ChannelContent(self.audience.channel, self.template_id),)


async def create_campaign(tx: Transaction, campaign_id: UUID, draft: Draft) -> None:
    await tx.run(
        """
        insert into campaign (organization_id, id, brand_id, kind, name, description, class, channel, topic,
                              delivery_policy, template_id, template_version, include_segment_ids, exclude_segment_ids,
                              channel_strategy, condition, quiet_from, quiet_until, quiet_policy, ignore_caps,
                              counts_toward_caps, on_cap, max_deferral, data)
        select :organization, :id, :brand_id, :kind, :name, :description, :class, :channel, :topic, :policy,
               t.id, t.current_version, :include, :exclude, :strategy, :condition, :quiet_from, :quiet_until,
               :quiet_policy, :ignore_caps, :counts, :on_cap, :max_deferral, :data
        from template t where t.organization_id = :organization and t.id = :template_id
        """,
        id=campaign_id,
        brand_id=draft.audience.brand_id,
        kind=draft.kind.value,
        data=dict(draft.data),
        **_values(draft),
    )
    await tx.run(
        """
        insert into campaign_variant (organization_id, campaign_id, number, name) values (:organization, :id, 1, 'A')
        """,
        id=campaign_id,
    )
    await say(tx, campaign_id, 1, draft.says)


async def change_campaign(tx: Transaction, campaign_id: UUID, draft: Draft) -> None:
    """Overwrites a draft, except its brand; it must be locked by `find_campaign`."""
    await tx.run(
        """
        update campaign c
        set name = :name, description = :description, class = :class, channel = :channel, topic = :topic,
            delivery_policy = :policy, template_id = t.id, template_version = t.current_version,
            include_segment_ids = :include, exclude_segment_ids = :exclude, channel_strategy = :strategy,
            condition = :condition, quiet_from = :quiet_from, quiet_until = :quiet_until, quiet_policy = :quiet_policy,
            ignore_caps = :ignore_caps, counts_toward_caps = :counts, on_cap = :on_cap, max_deferral = :max_deferral,
            version = c.version + 1, updated_at = clock_timestamp()
        from template t
        where c.organization_id = :organization and c.id = :id and c.status = 'DRAFT'
          and t.organization_id = :organization and t.id = :template_id
        """,
        id=campaign_id,
        **_values(draft),
    )
    await say(tx, campaign_id, 1, draft.says)


def _values(draft: Draft) -> dict[str, object]:
    audience, restraint, [first, *_] = draft.audience, draft.restraint, draft.says
    return {
        "name": draft.name,
        "description": draft.description,
        "class": audience.class_.value,
        "channel": first.channel.value,
        "topic": audience.topic,
        "policy": draft.delivery_policy.value,
        "template_id": first.template_id,
        "include": list(audience.include_segment_ids),
        "exclude": list(audience.exclude_segment_ids),
        "strategy": audience.strategy.value,
        "condition": None if audience.condition is None else to_json(audience.condition),
        "quiet_from": restraint.quiet_from,
        "quiet_until": restraint.quiet_until,
        "quiet_policy": restraint.quiet_policy.value,
        "ignore_caps": restraint.ignore_caps,
        "counts": restraint.counts_toward_caps,
        "on_cap": restraint.on_cap.value,
        "max_deferral": restraint.max_deferral,
    }


async def delete_draft(tx: Transaction, campaign_id: UUID) -> None:
    await tx.run(
        "delete from campaign where organization_id = :organization and id = :id and status = 'DRAFT'", id=campaign_id
    )
