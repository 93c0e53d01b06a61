"""Campaigns: sent over SMTP under HOLD and under RETRY, and cancelled in the middle."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from db import campaigns
from db.database import Database
from domain.campaigns import CANCEL, CampaignStatus
from domain.starts import Start
from tests.campaigns import SECRET, open_shop
from tests.jobs import due, wait
from tests.mail import MailServer, mail_server
from tests.workers.faults import Scenario
from workers.delivery import deliver_by_smtp
from workers.jobs import perform
from workers.providers.smtp import LANES

NAMES = [f"c{i:02}" for i in range(12)]

_open: dict[UUID, tuple[AsyncExitStack, MailServer]] = {}


async def prepare(policy: str, database: Database, organization: UUID) -> None:
    shop = await open_shop(database, organization)
    await shop.campaign([await shop.segment(await shop.customers(NAMES))], policy=policy)
    stack = AsyncExitStack()
    _open[organization] = (stack, await stack.enter_async_context(mail_server()))


async def send(database: Database, organization: UUID) -> None:
    """A call that says so when it comes a second time."""
    deliver_by_smtp(_open[organization][1].url, SECRET)
    async with database.tenant(organization) as tx:
        campaign = await _campaign(tx)
        if await campaigns.start(tx, campaign):
            await campaigns.begin_operation(tx, campaign, "test")


async def schedule(database: Database, organization: UUID) -> None:
    """Its time comes at once; a second call finds it scheduled, or begun."""
    deliver_by_smtp(_open[organization][1].url, SECRET)
    async with database.tenant(organization) as tx:
        await campaigns.schedule(tx, await _campaign(tx), Start(datetime.now(UTC)))


async def cancel(database: Database, organization: UUID) -> None:
    """Sent, then cancelled as soon as the audience is in the ledger and before anything is sent."""
    await send(database, organization)
    while await _audience_is_open(database, organization):
        for job_id in await due(database, organization):
            await perform(database, job_id)
        await wait(database, organization)
    async with database.tenant(organization) as tx:
        campaign = await _campaign(tx)
        await campaigns.move(tx, campaign, CANCEL)
        await campaigns.request_sending(tx, campaign)


async def _audience_is_open(database: Database, organization: UUID) -> bool:
    async with database.tenant(organization) as tx:
        found: bool = await tx.value("select audience_size is null from campaign where organization_id = :organization")
    return found


async def _campaign(tx: Any) -> UUID:
    found: UUID = await tx.value("select id from campaign where organization_id = :organization")
    return found


async def observe(database: Database, organization: UUID) -> Any:
    """The campaign's status and, for each customer, status, skip reason and number of mails on the server."""
    stack, server = _open.pop(organization)
    await stack.aclose()
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select c.name, c.email, m.status, m.skip_reason from customer c "
            "left join message m on m.organization_id = :organization and m.customer_id = c.id "
            "where c.organization_id = :organization order by c.name"
        )
        status = await tx.value("select status from campaign where organization_id = :organization")
        operation = await tx.row("select state, done from bulk_operation where organization_id = :organization")
    assert tuple(operation or ()) == (status, len(NAMES)), "the operation ends as the campaign does, with all of it"
    return status, [(name, status, reason, server.count[email]) for name, email, status, reason in rows]


def held(observed: Any, undisturbed: Any) -> bool:
    """At most once: each has one mail and the ledger says so, or is one of a few that are listed as uncertain."""
    told = [(status, mails) for _, status, _, mails in observed[1]]
    uncertain = [mails for status, mails in told if status == "UNCERTAIN"]
    sure = [one for one in told if one[0] != "UNCERTAIN"]
    return (
        observed[0] == undisturbed[0] == CampaignStatus.COMPLETED
        and len(observed[1]) == len(undisturbed[1])
        and all(one == ("SENT", 1) for one in sure)
        and all(mails <= 1 for mails in uncertain)
        and len(uncertain) <= LANES
    )


def retried(observed: Any, undisturbed: Any) -> bool:
    """At least once: nobody is left out, and only what was under way can have come twice."""
    told = [(status, mails) for _, status, _, mails in observed[1]]
    twice = [mails for _, mails in told if mails != 1]
    return (
        observed[0] == undisturbed[0] == CampaignStatus.COMPLETED
        and all(status == "SENT" and mails in (1, 2) for status, mails in told)
        and len(told) == len(undisturbed[1])
        and len(twice) <= LANES
    )


SCENARIOS = [
    Scenario("campaign held", send, observe, partial(prepare, "HOLD"), held),
    Scenario("campaign retried", send, observe, partial(prepare, "RETRY"), retried),
    Scenario("campaign scheduled", schedule, observe, partial(prepare, "HOLD"), held),
    Scenario("campaign cancelled", cancel, observe, partial(prepare, "HOLD")),
]
