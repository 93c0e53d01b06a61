"""Two campaigns to the same customers, of which a frequency rule lets one through for each."""

from collections import defaultdict
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

from db import campaigns
from db.database import Database
from db.frequency import create_rule
from domain.frequency import FrequencyRule, WindowUnit
from domain.ids import new_id
from tests.campaigns import SECRET, open_shop
from tests.mail import MailServer, mail_server
from tests.workers.faults import Scenario
from workers.delivery import deliver_by_smtp
from workers.providers.smtp import LANES

NAMES = [f"c{i:02}" for i in range(8)]
LIMIT, CAMPAIGNS = 1, 2

_open: dict[UUID, tuple[AsyncExitStack, MailServer]] = {}


async def prepare(database: Database, organization: UUID) -> None:
    shop = await open_shop(database, organization)
    segment = await shop.segment(await shop.customers(NAMES))
    for _ in range(CAMPAIGNS):
        await shop.campaign([segment])
    async with database.tenant(organization) as tx:
        assert await create_rule(tx, new_id(), FrequencyRule("Once a day", LIMIT, 1, WindowUnit.DAYS).check()) is None
    stack = AsyncExitStack()
    _open[organization] = (stack, await stack.enter_async_context(mail_server()))


async def send(database: Database, organization: UUID) -> None:
    """All of them at once; who has begun already says so."""
    deliver_by_smtp(_open[organization][1].url, SECRET)
    async with database.tenant(organization) as tx:
        for (campaign_id,) in await tx.rows("select id from campaign where organization_id = :organization"):
            await campaigns.start(tx, campaign_id)


async def observe(database: Database, organization: UUID) -> Any:
    """How the campaigns ended, what became of each customer's messages, and the mails that each got."""
    stack, server = _open.pop(organization)
    await stack.aclose()
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select c.name, c.email, coalesce(m.skip_reason, m.status) from message m "
            "join customer c on c.organization_id = :organization and c.id = m.customer_id "
            "where m.organization_id = :organization order by 1, 3"
        )
        statuses = await tx.rows("select status from campaign where organization_id = :organization")
    fates: defaultdict[str, list[str]] = defaultdict(list)
    for name, _, fate in rows:
        fates[name].append(fate)
    mails = {name: server.count[email] for name, email, _ in rows}
    return [row[0] for row in statuses], dict(fates), mails


def capped(observed: Any, undisturbed: Any) -> bool:
    """Of whom nobody knows whether they got a mail, it counts as one: nobody ever has one too many, or too few."""
    statuses, fates, mails = observed
    unsure = {name: told.count("UNCERTAIN") for name, told in fates.items()}
    return (
        statuses == undisturbed[0] == ["COMPLETED"] * CAMPAIGNS
        and undisturbed[1] == {name: ["FREQUENCY_CAPPED", "SENT"] for name in NAMES}
        and sorted(fates) == NAMES
        and all(len(told) == CAMPAIGNS and told.count("FREQUENCY_CAPPED") == 1 for told in fates.values())
        and all(told.count("SENT") + unsure[name] == LIMIT for name, told in fates.items())
        and all(LIMIT - unsure[name] <= number <= LIMIT for name, number in mails.items())
        and sum(unsure.values()) <= LANES
    )


SCENARIOS = [Scenario("frequency caps", send, observe, prepare, capped)]
