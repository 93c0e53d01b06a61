"""Waiting for what other processes and threads do, no longer than needed."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def until(seconds: float, condition: Callable[[], Any]) -> float:
    """Waits until the condition (plain or asynchronous) holds and returns how long that took; fails after `seconds`."""
    started = time.monotonic()
    while True:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await holds
        if holds:
            return time.monotonic() - started
        assert time.monotonic() - started < seconds, "too late"
        await asyncio.sleep(0.01)
