"""First come, first served, and nobody waits longer than the patience."""

import asyncio

import pytest

from db.line import Line


def test_nobody_waits() -> None:
    line: Line[int] = Line(None, print)
    assert len(line) == 0
    assert not line.hand(1)


async def test_in_the_order_in_which_they_came() -> None:
    line: Line[int] = Line(10, print)
    waiting = [asyncio.create_task(line.wait()) for _ in range(5)]
    await asyncio.sleep(0)
    assert len(line) == 5
    assert all(line.hand(number) for number in range(5))
    assert await asyncio.gather(*waiting) == list(range(5))
    assert not line.hand(5)


async def test_it_holds_those_who_still_wait() -> None:
    line: Line[int] = Line(10, print)
    assert line.holds(0)
    waiting = [asyncio.create_task(line.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert (line.holds(3), line.holds(4)) == (True, False)
    waiting[1].cancel()
    await asyncio.wait([waiting[1]])
    assert (line.holds(2), line.holds(3)) == (True, False)
    assert line.hand(1)
    assert line.hand(3)
    assert [await waiting[0], await waiting[2]] == [1, 3]


async def test_one_after_the_other_loses_patience() -> None:
    line: Line[int] = Line(0.02, print)
    for _ in range(3):  # the timer is set again after everybody left
        first = asyncio.create_task(line.wait())
        await asyncio.sleep(0.01)
        second = asyncio.create_task(line.wait())
        with pytest.raises(TimeoutError):
            await first
        with pytest.raises(TimeoutError):
            await second
        assert len(line) == 0


async def test_what_comes_in_the_moment_of_leaving_is_given_back() -> None:
    back: list[int] = []
    line: Line[int] = Line(10, back.append)
    leaving, gone = asyncio.create_task(line.wait()), asyncio.create_task(line.wait())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    assert len(line) == 1
    assert line.hand(7)
    leaving.cancel()
    await asyncio.wait([leaving])
    assert leaving.cancelled()
    assert back == [7]
