"""How many may work, how many may wait and for how long."""

import asyncio
import time

import pytest

from app.pressure import Pressure
from domain.refusals import Rejected


async def _hold(pressure: Pressure, until: asyncio.Event) -> str:
    try:
        async with pressure:
            await until.wait()
    except Rejected as rejection:
        return rejection.code
    return "done"


async def test_places_then_a_queue_then_a_refusal_at_once() -> None:
    pressure, until = Pressure(places=2, queue=3, patience=10), asyncio.Event()
    held = [asyncio.ensure_future(_hold(pressure, until)) for _ in range(5)]
    await asyncio.sleep(0)
    assert pressure.waiting == 3
    before = time.perf_counter()
    assert await _hold(pressure, until) == "OVERLOADED"
    assert time.perf_counter() - before < 0.1
    until.set()
    assert await asyncio.gather(*held) == ["done"] * 5
    assert pressure.waiting == 0


async def test_who_waits_too_long_is_refused_and_leaves_no_trace() -> None:
    pressure, until = Pressure(places=1, queue=3, patience=0.02), asyncio.Event()
    first = asyncio.ensure_future(_hold(pressure, until))
    await asyncio.sleep(0)
    assert await asyncio.gather(*(_hold(pressure, until) for _ in range(3))) == ["OVERLOADED"] * 3
    assert pressure.waiting == 0
    until.set()
    assert await first == "done"
    assert await _hold(pressure, until) == "done"


async def test_cancelled_ones_give_their_place_on() -> None:
    pressure, until = Pressure(places=1, queue=9, patience=10), asyncio.Event()
    held = [asyncio.ensure_future(_hold(pressure, until)) for _ in range(6)]
    await asyncio.sleep(0)
    for task in held[0:6:2]:
        task.cancel()
    until.set()
    ended = await asyncio.gather(*held, return_exceptions=True)
    assert [one for one in ended if one == "done"] == ["done"] * 3
    assert await _hold(pressure, until) == "done"


@pytest.mark.parametrize("raised", [ValueError, asyncio.CancelledError])
async def test_a_failure_gives_the_place_back(raised: type[BaseException]) -> None:
    pressure = Pressure(places=1, queue=0, patience=0)
    for _ in range(2):
        with pytest.raises(raised):
            async with pressure:
                raise raised
