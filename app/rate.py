"""Rate limits: a leaky bucket of points for each caller, kept in Redis and spent from blocks that a process has taken.

Most requests ask nobody: they spend from the block. The next block is fetched in the background before this one ends,
so Redis is only waited for by a caller's first request and by one who is about to run dry. Without Redis each process
has buckets of its own.
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.access import Caller
from domain.refusals import Rejected
from resolvers.metering import Allowance, Meter

# A block is this part of the bucket; what a process holds unspent is lost to others for as long.
BLOCKS = 20
# Callers a process remembers.
MANY = 10_000
# How long Redis may take, and how long it is left alone after it failed, in seconds.
PATIENCE = 0.25
PAUSE = 5.0
# Points come back in fractions, which Redis tells with fourteen digits.
_HAIR = 1e-3

# Refills the bucket by the time that has passed and takes up to ARGV[3] points, none when there are fewer than ARGV[4].
_TAKE = """
local limit, rate, want, need = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local known = redis.call('HMGET', KEYS[1], 'points', 'at')
local points = limit
if known[1] then points = math.min(limit, tonumber(known[1]) + math.max(0, now - tonumber(known[2])) * rate) end
local taken = 0
if points >= need then taken = math.min(want, points) end
points = points - taken
redis.call('HSET', KEYS[1], 'points', tostring(points), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(limit / rate * 1000) + 1000)
return {tostring(taken), tostring(points)}
"""
_log = logging.getLogger("wayfare.rate")


@dataclass(slots=True)
class _Bucket:
    """What a process knows of a caller: the points it may spend, and what was left in Redis at `at`."""

    name: str
    points: float = 0.0
    elsewhere: float = 0.0
    at: float = 0.0
    dry_until: float = 0.0
    alone: bool = False
    fetching: asyncio.Task[None] | None = field(default=None, repr=False)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


class Rates:
    """The buckets of one process: `limit` points at most, `restore` come back each second; no limit means no limits."""

    def __init__(self, redis_url: str | None, limit: int, restore: int, *, about: str = "") -> None:
        """about: of what, where these are not the only buckets of a caller."""
        self.limit, self.restore, self._about = limit, restore, about
        self._buckets: dict[object, _Bucket] = {}
        self.policy = f'"points";q={limit};w={math.ceil(limit / restore)}' if limit else ""
        self._away_until = 0.0
        self._client: Any = None
        if redis_url and limit:
            self._client = redis.Redis.from_url(
                redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
            )

    async def close(self) -> None:
        fetching = [bucket.fetching for bucket in self._buckets.values() if bucket.fetching]
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def meter(self, caller: Caller, address: str | None) -> Meter:
        """For one operation of a caller; strangers are told apart by where they come from."""
        if not self.limit:
            return Meter()
        who = (caller.organization_id, caller.actor) if caller.known else address
        bucket = self._buckets.get(who)
        if bucket is None:
            name = f"{caller.organization_id}:{caller.actor}" if caller.known else f"address:{address}"
            if len(self._buckets) >= MANY:
                self._buckets.clear()
            now = time.monotonic()
            bucket = self._buckets[who] = _Bucket(name, at=now)
            if self._client is None:
                bucket.alone, bucket.points = True, float(self.limit)
        return RateMeter(self, bucket)

    def remaining(self, bucket: _Bucket, now: float) -> float:
        restored = (now - bucket.at) * self.restore
        if bucket.alone:
            return min(self.limit, bucket.points + restored)
        return min(self.limit, bucket.points + min(self.limit, bucket.elsewhere + restored))

    async def spend(self, bucket: _Bucket, cost: int) -> None:
        """Takes the points; raises RATE_LIMITED with the seconds to wait."""
        now = time.monotonic()
        if bucket.alone:
            bucket.points, bucket.at = self.remaining(bucket, now), now
            if self._client is not None and now >= self._away_until:
                # Redis may be back: what this process has gathered alone is not spent beside what is there.
                bucket.alone, bucket.points = False, 0.0
        if bucket.points + _HAIR < cost and not bucket.alone and now >= bucket.dry_until:
            await self._fetch(bucket, cost)
        if bucket.points + _HAIR < cost:
            wait = math.ceil((cost - self.remaining(bucket, now)) / self.restore)
            raise Rejected("RATE_LIMITED", "Too much at once: wait and ask again.", {"retryAfter": max(1, wait)})
        bucket.points -= cost
        if not bucket.alone and bucket.fetching is None and bucket.points < self.limit / BLOCKS / 2:
            bucket.fetching = asyncio.create_task(self._refill(bucket))

    async def _refill(self, bucket: _Bucket) -> None:
        try:
            await self._fetch(bucket, 0)
        finally:
            bucket.fetching = None

    async def _fetch(self, bucket: _Bucket, cost: int) -> None:
        """Takes a block from Redis, enough for `cost` if there is so much; one by one."""
        async with bucket.turn:
            if not bucket.alone and (not cost or bucket.points + _HAIR < cost):
                await self._take(bucket, cost)

    async def _take(self, bucket: _Bucket, cost: int) -> None:
        need = max(0.0, cost - bucket.points)
        want = max(need, self.limit / BLOCKS)
        try:
            taken, left = await self._client.eval(
                _TAKE, 1, f"{{wayfare}}:rate:{self._about}{bucket.name}", self.limit, self.restore, want, need
            )
        except (RedisError, OSError) as error:
            self._lose(bucket, error)
            return
        bucket.points += float(taken)
        bucket.elsewhere, bucket.at = float(left), time.monotonic()
        if need and not float(taken):
            bucket.dry_until = bucket.at + min(1.0, (need - bucket.elsewhere) / self.restore)

    def _lose(self, bucket: _Bucket, error: Exception) -> None:
        now = time.monotonic()
        if now >= self._away_until:
            _log.warning("Redis is away (%s): rates are limited by each process alone", type(error).__name__)
        self._away_until = now + PAUSE
        known = bucket.elsewhere or bucket.points
        bucket.alone, bucket.points, bucket.at = True, self.remaining(bucket, now) if known else self.limit, now


class RateMeter(Meter):
    """Charges one operation to its caller's bucket."""

    __slots__ = ("_bucket", "actual", "exact", "rates")

    def __init__(self, rates: Rates, bucket: _Bucket) -> None:
        super().__init__()
        self.rates, self._bucket = rates, bucket
        self.actual = 0
        self.exact = False

    async def charge(self, cost: int, *, exact: bool = False) -> None:
        self.requested, self.actual, self.exact = cost, cost, exact
        await self.rates.spend(self._bucket, cost)

    @property
    def overdrawn(self) -> bool:  # type: ignore[override]  # computed here
        return self._bucket.points < 0

    async def settle_debt(self) -> None:
        await self.rates.spend(self._bucket, 0)

    def fine(self, points: int) -> None:
        self._bucket.points -= points

    def settle(self, objects: int) -> None:
        """Gives back what a query was charged beyond the objects of its answer."""
        if not self.exact and objects < self.actual:
            self._bucket.points += self.actual - objects
            self.actual = objects

    @property
    def remaining(self) -> int:
        return int(self.rates.remaining(self._bucket, time.monotonic()))

    @property
    def allowance(self) -> Allowance:
        return Allowance(self.rates.limit, self.remaining, self.rates.restore)


def told(body: bytes, meter: RateMeter) -> tuple[bytes, dict[str, str]]:
    """An answer with `extensions.cost`, and the headers that say the same to whoever does not read bodies.

    The actual cost is counted where the answer is text already: each object of it begins with a brace. Braces in
    texts count too, so it is at most what it says.
    """
    if not meter.requested:
        return body, {}
    meter.settle(max(1, body.count(b"{") - 2))
    rates, remaining = meter.rates, meter.remaining
    cost = b',"extensions":{"cost":{"requested":%d,"actual":%d,"limit":%d,"remaining":%d,"restoreRate":%d}}}' % (
        meter.requested,
        meter.actual,
        rates.limit,
        remaining,
        rates.restore,
    )
    full = math.ceil((rates.limit - remaining) / rates.restore)
    headers = {"RateLimit-Policy": rates.policy, "RateLimit": f'"points";r={remaining};t={full}'}
    return body[:-1] + cost, headers
