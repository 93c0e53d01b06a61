"""Each caller's points: charged up front, given back, shared between processes, and counted alone without Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.rate import RateMeter, Rates, told
from app.servers import Addresses
from db.database import Database
from domain.access import SCOPES, Caller
from domain.ids import new_id
from domain.refusals import Rejected
from resolvers.context import Context
from schema.execute import execute
from tests.api import TOOLS
from tests.redis import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis_of_ours() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def somebody() -> Caller:
    return Caller(new_id(), "key:test", frozenset())


def metered(rates: Rates, caller: Caller) -> RateMeter:
    meter = rates.meter(caller, None)
    assert isinstance(meter, RateMeter)
    return meter


async def spent(rates: Rates, caller: Caller, cost: int) -> int:
    """How often the caller may spend so much."""
    times, refusal = 0, None
    while refusal is None:
        try:
            await metered(rates, caller).charge(cost)
            times += 1
        except Rejected as error:
            refusal = error
    assert refusal.code == "RATE_LIMITED"
    assert int(str(refusal.details["retryAfter"])) >= 1
    return times


@pytest.fixture
async def rates(addresses: Addresses) -> AsyncIterator[Rates]:
    opened = Rates(addresses.redis_url, 1_000, 1)
    yield opened
    await opened.close()


async def test_a_caller_has_so_many_points_and_no_more(rates: Rates) -> None:
    one, other = somebody(), somebody()
    assert await spent(rates, one, 10) == 100
    assert await spent(rates, other, 500) == 2


async def test_processes_share_a_bucket(addresses: Addresses, rates: Rates) -> None:
    second = Rates(addresses.redis_url, 1_000, 1)
    caller = somebody()
    both = [await spent(rates, caller, 10), await spent(second, caller, 10)]
    await second.close()
    # A block that the other process holds is not there for this one.
    assert 95 <= sum(both) <= 100, both


async def test_points_come_back(addresses: Addresses) -> None:
    quick = Rates(addresses.redis_url, 100, 200)
    caller = somebody()
    assert await spent(quick, caller, 50) >= 2
    await asyncio.sleep(0.6)
    await metered(quick, caller).charge(90)
    await quick.close()


async def test_what_an_answer_did_not_hold_is_given_back(rates: Rates) -> None:
    caller = somebody()
    meter = metered(rates, caller)
    await meter.charge(900)
    body, headers = told(orjson.dumps({"data": {"a": {"b": [{}, {}, {}]}}}), meter)
    cost = orjson.loads(body)["extensions"]["cost"]
    assert cost == {"requested": 900, "actual": 4, "limit": 1_000, "remaining": 996, "restoreRate": 1}
    assert headers == {"RateLimit-Policy": '"points";q=1000;w=1000', "RateLimit": '"points";r=996;t=4'}
    await metered(rates, caller).charge(990)


async def test_a_mutation_costs_what_it_was_charged(rates: Rates) -> None:
    meter = metered(rates, somebody())
    await meter.charge(12, exact=True)
    assert orjson.loads(told(b'{"data":{"a":{}}}', meter)[0])["extensions"]["cost"]["actual"] == 12


async def test_most_requests_ask_nobody(rates: Rates, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    fetch = Rates._fetch

    async def count(*given: Any) -> None:
        nonlocal asked
        asked += 1
        await fetch(*given)

    monkeypatch.setattr(Rates, "_fetch", count)
    caller = somebody()
    for _ in range(500):
        await metered(rates, caller).charge(1)
        await asyncio.sleep(0)
    assert 10 <= asked <= 25


async def test_without_redis_each_process_counts_alone(redis_of_ours: RedisServer) -> None:
    rates = Rates(redis_of_ours.url, 1_000, 1)
    caller, stranger = somebody(), somebody()
    for _ in range(30):
        await metered(rates, caller).charge(10)
    redis_of_ours.freeze()
    before = time.monotonic()
    assert 65 <= await spent(rates, caller, 10) <= 70
    assert await spent(rates, stranger, 10) == 100
    assert time.monotonic() - before < 1, "a Redis that does not answer is waited for once"
    redis_of_ours.thaw()
    await rates.close()


def test_strangers_are_told_apart_by_their_address() -> None:
    from domain.access import NOBODY

    rates = Rates(None, 10, 1)
    assert metered(rates, NOBODY)._bucket.name == "address:None"
    assert rates.meter(NOBODY, "10.0.0.1") is not rates.meter(NOBODY, "10.0.0.2")


def test_no_limit_no_meter() -> None:
    assert not isinstance(Rates(None, 0, 1).meter(Caller(UUID(int=1), "x", frozenset()), None), RateMeter)


async def test_charging_takes_microseconds(rates: Rates) -> None:
    big = Rates(None, 10**9, 10**9)
    caller = somebody()
    body = b'{"data":{"customers":{"nodes":[' + b",".join([b'{"id":"x","name":"y"}'] * 50) + b"]}}}"
    before = time.process_time()
    for _ in range(10_000):
        meter = metered(big, caller)
        await meter.charge(52)
        told(body, meter)
    assert (time.process_time() - before) / 10_000 < 40e-6


async def test_what_is_refused_is_paid_for_before_anything_else_is_begun(rates: Rates) -> None:
    caller = somebody()
    assert not metered(rates, caller).overdrawn
    metered(rates, caller).fine(990)
    assert metered(rates, caller).overdrawn
    await metered(rates, caller).settle_debt()
    assert not metered(rates, caller).overdrawn
    metered(rates, caller).fine(500)
    with pytest.raises(Rejected) as rejected:
        await metered(rates, caller).settle_debt()
    assert rejected.value.code == "RATE_LIMITED"
    assert int(str(rejected.value.details["retryAfter"])) > 100
    with pytest.raises(Rejected):
        await metered(rates, caller).charge(1)


REFUSED = [
    "{ nope }",
    "{",
    "{ " + "a " * 2_500 + "}",
    "{ customers(first: 250) { nodes { segments { nodes { id } } } } }",
]


@pytest.mark.parametrize("query", REFUSED)
async def test_documents_that_are_refused_run_a_caller_dry(database: Database, organization: UUID, query: str) -> None:
    alone = Rates(None, 300, 1)
    caller = Caller(organization, "key:test", frozenset(SCOPES))
    codes = []
    for _ in range(60):
        meter = alone.meter(caller, None)
        context = Context(database, caller, datetime.now(UTC), TOOLS, meter=meter)
        [error] = (await execute(context, query))["errors"][:1]
        codes.append(error["extensions"]["code"])
    assert codes[0] != "RATE_LIMITED"
    assert codes[-1] == "RATE_LIMITED"
