"""An experiment: some get a variant, nobody wins, the rest gets the control, and nobody gets two mails."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from db import campaigns
from db.database import Database
from domain.campaigns import CampaignStatus
from domain.experiments.design import Fallback
from tests.campaigns import SECRET, open_shop
from tests.experiments import TEST, experiment
from tests.mail import MailServer, mail_server
from tests.workers.faults import Scenario
from workers.delivery import deliver_by_smtp
from workers.providers.smtp import LANES

NAMES = [f"c{i:02}" for i in range(14)]

_open: dict[UUID, tuple[AsyncExitStack, MailServer]] = {}


async def prepare(database: Database, organization: UUID) -> None:
    shop = await open_shop(database, organization)
    design = replace(TEST, holdout_share=0.2, fallback=Fallback.KEEP_CONTROL)
    ids = {name: uuid5(NAMESPACE_URL, name) for name in NAMES}
    async with database.tenant(organization) as tx:
        # The same ids each time, because by them a customer is assigned.
        await tx.run(
            "insert into customer (organization_id, id, name, email) "
            "select :organization, id, name, name || '@x.example' "
            "from unnest(:ids::uuid[], :names::text[]) as t(id, name)",
            ids=list(ids.values()),
            names=list(ids),
        )
    await experiment(shop, [await shop.segment(ids.values())], design)
    stack = AsyncExitStack()
    _open[organization] = (stack, await stack.enter_async_context(mail_server()))


async def send(database: Database, organization: UUID) -> None:
    deliver_by_smtp(_open[organization][1].url, SECRET)
    async with database.tenant(organization) as tx:
        await campaigns.start(tx, await tx.value("select id from campaign where organization_id = :organization"))


async def observe(database: Database, organization: UUID) -> Any:
    """The campaign's status, the winner, and each customer's status, skip reason, variant and number of mails."""
    stack, server = _open.pop(organization)
    await stack.aclose()
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select c.name, c.email, m.status, m.skip_reason, m.variant from customer c "
            "left join message m on m.organization_id = :organization and m.customer_id = c.id "
            "where c.organization_id = :organization order by c.name"
        )
        status = await tx.value("select status from campaign where organization_id = :organization")
        winner = await tx.value("select winner from experiment where organization_id = :organization")
        open_ = await tx.value("select count(*) from job where organization_id = :organization and state <> 'done'")
    fates = {name: (status, reason, variant, server.count[email]) for name, email, status, reason, variant in rows}
    return (status, winner, open_), fates


def held(observed: Any, undisturbed: Any) -> bool:
    """As undisturbed, but for a few mails of which nobody knows whether they were sent: none came twice."""
    (end, fates), (undisturbed_end, undisturbed_fates) = observed, undisturbed
    unsure = {name for name, fate in fates.items() if fate[0] == "UNCERTAIN" and fate[3] <= 1}
    return (
        end == undisturbed_end == (CampaignStatus.COMPLETED, 1, 0)
        and {fate[:2] for fate in undisturbed_fates.values()} == {("SENT", None), ("SKIPPED", "HOLDOUT")}
        and all(fates[name] == fate for name, fate in undisturbed_fates.items() if name not in unsure)
        and len(unsure) <= LANES
    )


SCENARIOS = [Scenario("experiment", send, observe, prepare, held)]
