"""The pace of an account: shared over all workers by Redis while there is one, and each for itself while not."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import redis.asyncio
from redis import RedisError
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from domain.messages import Answer, Outcome
from domain.pacing import FAILURES, WINDOW, Breaker, Bucket
from workers.providers.provider import UnreachableError

# Longer nobody waits with a claim in the hand.
PATIENCE = 5.0
# For an answer of "too many" that does not say how long.
REST = timedelta(seconds=2)
# While Redis is away nobody tries.
PAUSE = 2.0

# Answers the seconds to wait; what it says after a minus is a rest that was asked for. As domain/pacing.py says it.
_TAKE = """
local rest = redis.call('PTTL', KEYS[2])
if rest > 0 then return '-' .. rest / 1000 end
local rate, count, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if rate == 0 then return '0' end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'balance', 'at')
local balance = math.min(rate, (tonumber(kept[1]) or rate) + (now - (tonumber(kept[2]) or now)) * rate)
local wait = math.max(0, (count - balance) / rate)
if wait <= patience then balance = balance - count end
redis.call('HSET', KEYS[1], 'balance', tostring(balance), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 120)
return tostring(wait)
"""


@dataclass(slots=True)
class _Kept:
    """What this process knows of an account."""

    breaker: Breaker = field(default_factory=Breaker)
    bucket: Bucket | None = None
    rest_until: float = 0.0


_kept: dict[UUID, _Kept] = {}
_away_until = 0.0


class Pace:
    """rate: calls a second, None for as quick as it goes; name: what people call the account."""

    def __init__(self, account_id: UUID, name: str, rate: int | None, redis_url: str | None) -> None:
        self._id, self._name, self._rate = account_id, name, rate
        self._kept = _kept.setdefault(account_id, _Kept())
        self._redis: Any = None
        if redis_url is not None:
            self._redis = redis.asyncio.Redis.from_url(
                redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=0.5, socket_connect_timeout=0.3
            )

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()

    @property
    def trying(self) -> bool:
        """Whether one call at a time is to show whether the provider answers again."""
        return self._kept.breaker.half_open

    def require_open(self) -> None:
        """Raises UnreachableError while the account is left alone because its calls failed."""
        if (wait := self._kept.breaker.wait(time.monotonic())) > 0:
            failed = f"{self._name} failed {FAILURES} of {WINDOW} calls and is left alone for a while"
            raise UnreachableError(f"{failed}.", timedelta(seconds=wait))

    async def admit(self, count: int) -> int:
        """Waits for the pace; raises UnreachableError when that is long."""
        self.require_open()
        count = 1 if self.trying else count if self._rate is None else min(count, self._rate)
        now = time.monotonic()
        self._kept.breaker.begin(now)
        try:
            await self._take(count, now)
        except BaseException:
            self._kept.breaker.withdraw()
            raise
        return count

    async def _take(self, count: int, now: float) -> None:
        wait = max(0.0, self._kept.rest_until - now)
        rests = wait > 0
        if not rests:
            shared = await self._shared(count)
            wait = self._own(count, now) if shared is None else abs(shared)
            rests = shared is not None and shared < 0
        if rests:
            raise UnreachableError(f"{self._name} asked for a rest of {wait:.0f} s.", timedelta(seconds=wait))
        if wait > PATIENCE:
            raise UnreachableError(f"{self._name} is kept to its pace.", timedelta(seconds=wait))
        await asyncio.sleep(wait)

    async def _shared(self, count: int) -> float | None:
        """Seconds to wait, below zero for a rest; None when Redis does not say."""
        global _away_until
        if self._redis is None or time.monotonic() < _away_until:
            return None
        keys = (f"{{wayfare}}:pace:{self._id}", f"{{wayfare}}:rest:{self._id}")
        try:
            return float(await self._redis.eval(_TAKE, 2, *keys, self._rate or 0, count, PATIENCE))
        except (RedisError, OSError):
            _away_until = time.monotonic() + PAUSE
            return None

    def _own(self, count: int, now: float) -> float:
        if self._rate is None:
            return 0.0
        if self._kept.bucket is None or self._kept.bucket.rate != self._rate:
            self._kept.bucket = Bucket(self._rate, self._rate, now)
        return self._kept.bucket.take(count, now, PATIENCE)

    async def tell(self, outcomes: Sequence[Outcome]) -> None:
        """What came of calls: failures are counted, and a provider that asks for rest gets it."""
        now = time.monotonic()
        for outcome in outcomes:
            self._kept.breaker.tell(failed=_failed(outcome), now=now)
        rest = max((_rest(outcome) for outcome in outcomes), default=timedelta(0))
        if rest > timedelta(0):
            await self._rest(rest.total_seconds(), now)

    async def _rest(self, seconds: float, now: float) -> None:
        self._kept.rest_until = max(self._kept.rest_until, now + seconds)
        if self._redis is None:
            return
        try:
            await self._redis.set(f"{{wayfare}}:rest:{self._id}", "1", px=int(seconds * 1000))
        except (RedisError, OSError):
            return


def _failed(outcome: Outcome) -> bool:
    """Whether it says something about the provider: what was deferred for one mailbox does not."""
    if outcome.answer is Answer.DEFERRED:
        return outcome.detail.startswith("5")
    return outcome.answer in (Answer.UNKNOWN, Answer.UNREACHABLE)


def _rest(outcome: Outcome) -> timedelta:
    if outcome.answer is not Answer.DEFERRED:
        return timedelta(0)
    return outcome.retry_after or (REST if outcome.detail.startswith("429") else timedelta(0))
