"""The life of a campaign as a state machine: whatever people, workers and the clock do, by GraphQL, in any order."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from db.database import Database
from db.organizations import create_organization
from domain.ids import new_id
from tests.api import Api
from tests.campaigns import SECRET, Shop, open_shop
from tests.jobs import drain
from tests.mail import mail_server
from tests.schema.campaigns import READ, answer, draft, moving
from workers.delivery import deliver_by_smtp

# What each command may begin from, and where it leads; written down once more, not taken from domain/campaigns.py.
TABLE = {
    "Schedule": ({"DRAFT"}, "SCHEDULED"),
    "Unschedule": ({"SCHEDULED"}, "DRAFT"),
    "Send": ({"DRAFT", "SCHEDULED"}, "RUNNING"),
    "Pause": ({"RUNNING"}, "PAUSED"),
    "Resume": ({"PAUSED"}, "RUNNING"),
    "Cancel": ({"SCHEDULED", "RUNNING", "PAUSED"}, "CANCELLED"),
}
NAMES = ["a", "b", "c"]


class Life(RuleBasedStateMachine):
    """One campaign, and what the model knows of it."""

    api: Api
    database: Database
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """On the test's own loop: this machine lives in a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.run(self.stack.aclose())

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        organization = new_id()
        async with self.database.tenant(organization) as tx:
            await create_organization(tx, name="States", slug=f"states-{organization}")
        self.shop: Shop = await open_shop(self.database, organization)
        self.stack = AsyncExitStack()
        self.mail = await self.stack.enter_async_context(mail_server())
        deliver_by_smtp(self.mail.url, SECRET)
        self.organization = organization
        ids = await self.shop.customers(NAMES)
        self.campaign = (await draft(self.mine, self.shop, await self.shop.segment(ids)))["id"]
        self.status = "DRAFT"
        self.size: int | None = None

    async def mine(self, document: str, **said: Any) -> dict[str, Any]:
        """As somebody of this organization."""
        return await self.api(document, organization=self.organization, **said)

    @rule(name=st.sampled_from(list(TABLE)))
    def command(self, name: str) -> None:
        said: dict[str, Any] = {"campaignId": self.campaign}
        if name == "Schedule":
            said["at"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        payload = self.run(answer(self.mine, moving(name), **said))
        sources, target = TABLE[name]
        codes = [error["code"] for error in payload["userErrors"]]
        if self.status in sources:
            assert (codes, payload["campaign"]["status"]) == ([], target)
            self.status = target
        else:
            sending = name == "Send" and self.status in ("RUNNING", "PAUSED")
            assert codes == ["ALREADY_SENDING" if sending else "WRONG_STATUS"]

    @rule()
    def workers(self) -> None:
        self.run(drain(self.database, self.shop.organization))
        if self.status == "RUNNING":
            self.status = "COMPLETED"

    @rule()
    def the_clock(self) -> None:
        """The time of a scheduled campaign comes."""
        self.run(
            self.shop.rows(
                "update campaign set scheduled_at = clock_timestamp() - interval '1 s' "
                "where organization_id = :organization and scheduled_at is not null"
            )
        )
        self.run(self.shop.rows("update job set run_at = clock_timestamp() where kind = 'campaigns.start'"))
        if self.status == "SCHEDULED":
            self.status = "RUNNING"
        self.workers()

    @invariant()
    def everything_is_accounted_for(self) -> None:
        if not hasattr(self, "campaign"):
            return
        found = self.run(self.mine(READ, id=self.campaign))["data"]["campaign"]
        tally = found["tally"]
        assert found["status"] == self.status
        assert tally["audience"] == sum(tally[name] for name in ("pending", "sent", "failed", "uncertain", "skipped"))
        assert max(self.mail.count.values(), default=0) <= 1
        assert tally["sent"] == len(self.mail.mails)
        if self.status == "COMPLETED":
            assert (tally["sent"], tally["pending"]) == (len(NAMES), 0)
        if self.status in ("DRAFT", "SCHEDULED"):
            assert tally["audience"] == 0
        if self.size is not None:
            assert found["audienceSize"] == self.size
        self.size = found["audienceSize"]


async def test_whatever_happens_in_whatever_order_the_table_holds(api: Api, database: Database) -> None:
    class Here(Life):
        pass

    Here.api, Here.database, Here.loop = staticmethod(api), database, asyncio.get_running_loop()
    few = settings(
        max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    await asyncio.to_thread(run_state_machine_as_test, Here, settings=few)
