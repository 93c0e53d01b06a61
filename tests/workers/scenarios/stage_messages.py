"""Customers enter a stage that writes to them, and leave another one that has not written to them yet."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db import journeys, stages
from db.database import Database, Transaction
from db.journeys.moves import Move
from db.journeys.tasks import act
from db.statement import sql
from domain.campaigns import CampaignClass
from domain.consents import Channel
from domain.ids import new_id
from domain.journeys import Lock
from domain.journeys.actions import Repeat
from resolvers.stage_messages import declare
from tests.campaigns import SECRET, open_shop
from tests.mail import MailServer, mail_server
from tests.workers.faults import Scenario
from workers.delivery import deliver_by_smtp
from workers.providers.smtp import LANES

NAMES = [f"c{i:02}" for i in range(12)]

_open: dict[UUID, tuple[AsyncExitStack, MailServer]] = {}


async def prepare(database: Database, organization: UUID) -> None:
    """Everybody stands in `slow`, whose message is due in three days."""
    shop = await open_shop(database, organization)
    await shop.customers(NAMES)
    async with database.tenant(organization) as tx:
        await stages.ensure_default_stages(tx)
        everybody = sql("select id as customer_id from customer where organization_id = :o", o=organization)
        await journeys.start(tx, everybody, at=datetime.now(UTC), actor="test")
        for position, (key, days) in enumerate((("slow", 3), ("warm", 0)), 90):
            message = {"key": "hello", "brand_id": shop.brand, "contents": [(Channel.EMAIL, shop.template)]}
            message |= {"class_": CampaignClass.MARKETING, "topic": "marketing", "repeat": Repeat.EACH_ENTRY}
            message |= {"cancel_on_leave": True, "delay_days": days}
            actions = await declare(tx, key, [message], (), datetime.now(UTC))
            values = {"key": key, "name": key, "kind": "PROGRESSION", "position": position, "actions": actions}
            await stages.create_stage(tx, new_id(), values, actor="test")
        await _move(tx, "slow")
    stack = AsyncExitStack()
    _open[organization] = (stack, await stack.enter_async_context(mail_server()))


async def move(database: Database, organization: UUID) -> None:
    """A second call finds everybody there already."""
    deliver_by_smtp(_open[organization][1].url, SECRET)
    async with database.tenant(organization) as tx:
        await _move(tx, "warm")


async def _move(tx: Transaction, key: str) -> None:
    stage = await stages.find_stage(tx, "key", key)
    assert stage is not None
    rows = await tx.rows("select id from customer where organization_id = :organization")
    moves = [Move(row[0], None) for row in rows]
    now = datetime.now(UTC)
    await journeys.transition(tx, moves, stage.id, lock=Lock.FOREVER, at=now, actor="test", notes=None)
    await act(tx, None, at=now)


async def observe(database: Database, organization: UUID) -> Any:
    """For each customer the mails on the server, and what the ledger says of each stage's message."""
    stack, server = _open.pop(organization)
    await stack.aclose()
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select c.name, g.name, coalesce(m.skip_reason, m.status), c.email from message m "
            "join customer c on c.organization_id = :organization and c.id = m.customer_id "
            "join campaign g on g.organization_id = :organization and g.id = m.campaign_id "
            "where m.organization_id = :organization order by 1, 2"
        )
        campaigns = await tx.rows("select status from campaign where organization_id = :organization")
    mails = {row[0]: server.count[row[3]] for row in rows}
    return [row[0] for row in campaigns], [tuple(row[:3]) for row in rows], mails


def held(observed: Any, undisturbed: Any) -> bool:
    """Nobody is forgotten and nobody twice; of a few nobody knows."""
    campaigns, told, mails = observed
    unsure = {name for name, _, fate in told if fate == "UNCERTAIN"}
    expected = [(n, c, "UNCERTAIN" if n in unsure and c == "warm: hello" else f) for n, c, f in undisturbed[1]]
    return (
        campaigns == undisturbed[0] == ["RUNNING", "RUNNING"]
        and told == expected
        and {fate for _, _, fate in undisturbed[1]} == {"LEFT_STAGE", "SENT"}
        and all(number == 1 or (name in unsure and number == 0) for name, number in mails.items())
        and len(unsure) <= LANES
    )


SCENARIOS = [Scenario("stage messages", move, observe, prepare, held)]
