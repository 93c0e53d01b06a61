"""Somebody who sends for one campaign, step by step."""

from typing import Any
from uuid import UUID

from db import deliveries
from db.deliveries import Marked, Recipient, Settled
from domain.ids import new_id
from domain.messages import MessageStatus, Verdict
from tests.campaigns import Shop

NAMES = ["a", "b", "c"]


class Worker:
    """Somebody who reads, marks and settles for one campaign."""

    def __init__(self, shop: Shop, campaign: UUID) -> None:
        self.shop, self.campaign, self.token = shop, campaign, new_id()
        self.marked: dict[UUID, Marked] = {}

    async def read(self, size: int = 25) -> list[Recipient]:
        async with self.shop.database.tenant(self.shop.organization) as tx:
            return await deliveries.next_due(tx, self.campaign, size=size)

    async def mark(self, recipients: list[Recipient]) -> list[UUID]:
        marked = await self.try_to_mark(recipients)
        assert marked is not None
        return marked

    async def try_to_mark(self, recipients: list[Recipient]) -> list[UUID] | None:
        found = await self.shop.find(self.campaign)
        async with self.shop.database.tenant(self.shop.organization) as tx:
            marked = await deliveries.mark_sending(tx, found, recipients, self.token, self.shop.key)
        if marked is None:
            return None
        self.marked |= marked
        return [one.id for one in recipients if one.id in marked]

    async def settle(self, ids: list[UUID], status: str, **said: Any) -> None:
        settled = [
            Settled(id_, Verdict(MessageStatus(status), **said), "250 ok", self.marked[id_].place) for id_ in ids
        ]
        async with self.shop.database.tenant(self.shop.organization) as tx:
            await deliveries.settle(tx, self.token, settled, provider="test")

    async def recover(self) -> int:
        async with self.shop.database.tenant(self.shop.organization) as tx:
            return await deliveries.recover(tx, self.campaign)


async def worker(shop: Shop, names: list[str] = NAMES, **said: Any) -> Worker:
    campaign = await shop.started([await shop.segment(await shop.customers(names))], **said)
    return Worker(shop, campaign)
