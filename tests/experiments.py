"""Builders of campaigns that are experiments, and of what comes back of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from db.experiments.designs import keep_design, keep_variants
from domain.campaigns import ChannelContent
from domain.consents import Channel
from domain.experiments.design import Design, Mode, Variant
from domain.experiments.verdict import Metric
from tests.campaigns import Shop

TEST = Design(Mode.TEST_THEN_WINNER, test_share=0.5, wait=timedelta(hours=4), metric=Metric.CLICKS)
# Shares out forty customers so that each variant and the rest have some.
SALT = "spring"


async def experiment(
    shop: Shop, include: Sequence[UUID], design: Design = TEST, weights: Sequence[int] = (1, 1), **said: Any
) -> UUID:
    """A draft with variants A, B, ... of these weights, all of them saying the same; A is the control."""
    campaign_id = await shop.campaign(include, **said)
    contents = (ChannelContent(Channel.EMAIL, shop.template),)
    variants = [Variant(chr(65 + n), weight, n == 0, contents) for n, weight in enumerate(weights)]
    async with shop.database.tenant(shop.organization) as tx:
        await keep_variants(tx, campaign_id, variants)
        await keep_design(tx, campaign_id, design, SALT)
    return campaign_id


async def came_back(shop: Shop, campaign_id: UUID, variant: int, what: str, number: int) -> None:
    """Of the messages of a variant that were sent, the first `number` were opened_at, clicked_at ... by now."""
    async with shop.database.tenant(shop.organization) as tx:
        changed = await tx.run(
            f"""
            update message set {what} = clock_timestamp()
            where organization_id = :organization and id = any(array(
                select id from message where organization_id = :organization and campaign_id = :id
                  and variant = :variant and status = 'SENT' order by id limit :number))
            """,
            id=campaign_id,
            variant=variant,
            number=number,
        )
    assert changed == number


async def pretend_sent(shop: Shop, campaign_id: UUID) -> None:
    """As if the provider had taken every message that a worker could send now."""
    async with shop.database.tenant(shop.organization) as tx:
        await tx.run(
            "update message set status = 'SENT', sent_at = clock_timestamp() where organization_id = :organization "
            "and campaign_id = :id and status = 'QUEUED' and next_attempt_at is distinct from 'infinity'",
            id=campaign_id,
        )


def held_out(design: Design, share: float) -> Design:
    return replace(design, holdout_share=share)
