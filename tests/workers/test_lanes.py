"""A wide provider's messages go in two groups at a time: no more of them in doubt, and none of them twice."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from uuid import UUID

import pytest

from domain.campaigns import PAUSE, RESUME
from domain.messages import Answer, Outcome
from domain.providers import Capabilities
from tests.campaigns import SECRET, Shop
from tests.jobs import wait
from tests.mail import MailServer
from tests.workers.sending import do, sent, status, work
from workers.delivery import Delivery, deliver
from workers.lanes import WIDE, batch_size
from workers.parcels import Parcel

NAMES = [f"c{number:03}" for number in range(220)]


class Wide:
    """Takes so many at a time; `before` is called before each answer."""

    name = "wide"
    capabilities = Capabilities(width=WIDE)
    account_id: UUID | None = None

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.taken: list[str] = []
        self.most_in_doubt = self.calls = self.most_calls = 0
        self.answer = Answer.ACCEPTED
        self.before: Callable[[], Awaitable[None]] | None = None

    async def __aenter__(self) -> "Wide":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def admit(self, count: int) -> int:
        return count

    async def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        self.calls += 1
        self.most_calls = max(self.most_calls, self.calls)
        [row] = await self._shop.rows("select count(*) as number from message where status = 'SENDING'")
        self.most_in_doubt = max(self.most_in_doubt, row["number"])
        self.taken += [parcel.address for parcel in parcels]
        if self.before:
            await self.before()
        await asyncio.sleep(0.05)
        self.calls -= 1
        return [Outcome(self.answer, "said") for _ in parcels]


@pytest.fixture
def wide(shop: Shop, server: MailServer) -> Wide:
    """The fixture `server` puts back how the process delivers."""
    made = Wide(shop)
    deliver(Delivery(lambda: made, SECRET, "shop@x.example"))
    return made


async def statuses(shop: Shop) -> dict[str, int]:
    rows = await shop.rows("select status, count(*) as number from message group by 1")
    return {row["status"]: row["number"] for row in rows}


async def test_two_groups_go_at_a_time_and_leave_no_more_in_doubt_than_one(shop: Shop, wide: Wide) -> None:
    campaign = await sent(shop, NAMES)
    await work(shop)
    assert sorted(wide.taken) == [f"{name}@x.example" for name in NAMES]
    assert wide.most_calls == 2
    assert wide.most_in_doubt <= WIDE
    assert await statuses(shop) == {"SENT": len(NAMES)}
    assert await status(shop, campaign) == "COMPLETED"


async def test_what_is_read_ahead_is_sent_once_and_forgotten_at_the_end(shop: Shop, wide: Wide) -> None:
    names, others = NAMES * 3, asyncio.all_tasks()
    campaign = await sent(shop, [f"{name}{number}" for number, name in enumerate(names)])
    await work(shop)
    assert len(wide.taken) == len(set(wide.taken)) == len(names)
    assert await status(shop, campaign) == "COMPLETED"
    assert asyncio.all_tasks() <= others


async def test_a_provider_that_goes_away_leaves_nothing_that_reads_ahead(shop: Shop, wide: Wide) -> None:
    others = asyncio.all_tasks()
    await sent(shop, [f"{name}{number}" for number, name in enumerate(NAMES * 3)])
    wide.answer = Answer.UNREACHABLE
    await work(shop)
    assert asyncio.all_tasks() <= others
    wide.answer = Answer.ACCEPTED
    wide.taken.clear()
    await wait(shop.database, shop.organization)
    await work(shop)
    assert len(wide.taken) == len(set(wide.taken)) == 3 * len(NAMES)


async def test_a_pause_ends_both_and_what_was_called_is_settled(shop: Shop, wide: Wide) -> None:
    campaign = await sent(shop, NAMES)

    async def pause() -> None:
        wide.before = None
        await do(shop, campaign, PAUSE)

    wide.before = pause
    await work(shop)
    called = len(wide.taken)
    assert called <= 2 * WIDE
    assert await statuses(shop) == {"SENT": called, "QUEUED": len(NAMES) - called}
    await do(shop, campaign, RESUME)
    await work(shop)
    assert sorted(wide.taken) == [f"{name}@x.example" for name in NAMES]


async def test_a_provider_that_is_away_ends_both_and_nothing_waits_for_a_lease(shop: Shop, wide: Wide) -> None:
    campaign = await sent(shop, NAMES)
    wide.answer = Answer.UNREACHABLE
    await work(shop)
    assert await statuses(shop) == {"QUEUED": len(NAMES)}
    assert (await shop.find(campaign)).error == "said"


async def test_refusals_of_both_are_counted_together(shop: Shop, wide: Wide) -> None:
    campaign = await sent(shop, NAMES)
    wide.answer = Answer.REJECTED
    await work(shop)
    assert await status(shop, campaign) == "PAUSED"
    assert (await statuses(shop))["FAILED"] <= 100


@pytest.mark.parametrize(
    ("widths", "lanes", "rate", "size"),
    [
        ([5], 1, 0.0, 25),
        ([5], 1, 4_000.0, 25),
        ([250], 2, 0.0, 250),
        ([250], 2, 4_000.0, 1_000),
        ([250], 2, 600.0, 600),
        ([250, 5], 2, 20.0, 250),
    ],
)
def test_a_batch_is_soon_over(widths: list[int], lanes: int, rate: float, size: int) -> None:
    """A hand looks between batches whether somebody else waits for it: where sending is slow, they are small."""
    assert batch_size(widths, lanes, rate) == size
