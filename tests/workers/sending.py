"""Campaigns that a person has sent, and workers that get to work."""

from typing import Any
from uuid import UUID

from db import campaigns
from domain.campaigns import Move
from tests.campaigns import Shop
from tests.jobs import drain

NAMES = [f"c{i:02}" for i in range(30)]


async def sent(shop: Shop, names: list[str] = NAMES, **said: Any) -> UUID:
    """A campaign that a person has just sent; no worker has seen it yet."""
    campaign = await shop.campaign([await shop.segment(await shop.customers(names))], **said)
    await begin(shop, campaign)
    return campaign


async def begin(shop: Shop, campaign: UUID) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        assert await campaigns.start(tx, campaign)


async def do(shop: Shop, campaign: UUID, move: Move) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        assert await campaigns.move(tx, campaign, move)
        await campaigns.request_sending(tx, campaign)


async def work(shop: Shop) -> None:
    await drain(shop.database, shop.organization)


async def status(shop: Shop, campaign: UUID) -> str:
    return (await shop.find(campaign)).status


def addresses(names: list[str]) -> dict[str, int]:
    return {f"{name}@x.example": 1 for name in names}
