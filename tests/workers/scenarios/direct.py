"""Messages to named customers by messageSend, which a client repeats with the same key when it got no answer."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from db.database import Database
from resolvers.context import Context
from schema.execute import execute
from tests.api import TOOLS, caller
from tests.campaigns import SECRET, Shop, open_shop
from tests.mail import MailServer, mail_server
from tests.schema.campaigns import gid
from tests.workers.faults import Scenario
from workers.delivery import deliver_by_smtp
from workers.providers.smtp import LANES

NAMES = [f"c{i:02}" for i in range(12)]
NOWHERE = NAMES[5]
SEND = """
mutation ($input: MessageSendInput!) {
  messageSend(input: $input) { messages { customer { name } } userErrors { code } }
}
"""

_open: dict[UUID, tuple[AsyncExitStack, MailServer, Shop, list[UUID]]] = {}


async def prepare(database: Database, organization: UUID) -> None:
    """One of the customers has no address."""
    shop = await open_shop(database, organization)
    customers = await shop.customers(NAMES)
    await shop.rows("update customer set email = null where name = :name", name=NOWHERE)
    stack = AsyncExitStack()
    _open[organization] = (stack, await stack.enter_async_context(mail_server()), shop, customers)


async def send(database: Database, organization: UUID) -> None:
    """The second time the answer is the one that was given first."""
    _, server, shop, customers = _open[organization]
    deliver_by_smtp(server.url, SECRET)
    context = Context(database, caller(organization), datetime.now(UTC), TOOLS)
    context.idempotency_key = "receipts of today"
    given = {
        "brandId": gid("Brand", shop.brand),
        "customerIds": [gid("Customer", one) for one in customers],
        "templateId": gid("Template", shop.template),
    }
    answered = orjson.loads(orjson.dumps(await execute(context, SEND, {"input": given})))
    made = answered["data"]["messageSend"]
    assert made["userErrors"] == []
    assert sorted(message["customer"]["name"] for message in made["messages"]) == NAMES


async def observe(database: Database, organization: UUID) -> Any:
    """The campaigns that the calls made, and each customer's fate in the ledger with the number of mails."""
    stack, server, _, _ = _open.pop(organization)
    await stack.aclose()
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select c.name, c.email, coalesce(m.skip_reason, m.status) from customer c "
            "left join message m on m.organization_id = :organization and m.customer_id = c.id "
            "where c.organization_id = :organization order by c.name"
        )
        campaigns = await tx.rows(
            "select kind, status, audience_size from campaign where organization_id = :organization"
        )
    return [tuple(row) for row in campaigns], [(name, fate, server.count[email]) for name, email, fate in rows]


def held(observed: Any, undisturbed: Any) -> bool:
    """One call was carried out, and each has one mail or is one of a few of whom nobody knows."""
    campaigns, told = observed
    unsure = {name for name, fate, mails in told if fate == "UNCERTAIN" and mails <= 1}
    expected = [(name, *(("NO_ADDRESS", 0) if name == NOWHERE else ("SENT", 1))) for name in NAMES]
    return (
        campaigns == undisturbed[0] == [("DIRECT", "COMPLETED", len(NAMES))]
        and undisturbed[1] == expected
        and [name for name, _, _ in told] == NAMES
        and all(one in expected for one in told if one[0] not in unsure)
        and NOWHERE not in unsure
        and len(unsure) <= LANES
    )


SCENARIOS = [Scenario("message send", send, observe, prepare, held)]
