"""The bell: heard when Redis is there, silent and quick when it is not, never in anybody's way."""

import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from redis import RedisError

from domain.ids import new_id
from tests.redis import RedisServer
from workers import bell as bells
from workers.bell import Bell
from workers.broker import ringing_broker, waiting


@pytest.fixture
def bell(redis: RedisServer) -> Iterator[Bell]:
    made = Bell(redis.url)
    yield made
    made.close()


def ids(count: int) -> list[UUID]:
    return [new_id() for _ in range(count)]


def heard(redis: RedisServer) -> int:
    broker = ringing_broker(redis.url)
    try:
        return waiting(broker)
    finally:
        broker.client.close()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_bell_is_heard(redis: RedisServer, bell: Bell) -> None:
    bell(ids(3))
    assert within(2, lambda: heard(redis) == 3)
    assert bell.ring(ids(2)) == []
    assert heard(redis) == 5


def test_what_waits_is_rung_when_it_closes(redis: RedisServer) -> None:
    bell = Bell(redis.url)
    bell(ids(100))
    bell.close()
    assert heard(redis) == 100


@pytest.mark.parametrize("outage", ["kill", "freeze"])
def test_nobody_waits_for_a_redis_that_is_away(redis: RedisServer, bell: Bell, outage: str) -> None:
    getattr(redis, outage)()
    started = time.monotonic()
    for _ in range(20):
        bell(ids(5))
    assert time.monotonic() - started < 0.2
    assert within(5, lambda: bell.still)


def test_it_tries_three_times_and_then_keeps_still_for_a_while(
    redis: RedisServer, bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bells, "PAUSE", 0.5)
    redis.kill()
    wanted = ids(4)
    for still in (False, False, True):
        assert bell.ring(wanted) == wanted
        assert bell.still is still
    redis.start()
    assert bell.ring(wanted) == wanted
    assert within(2, lambda: not bell.still)
    assert bell.ring(wanted) == []
    assert heard(redis) == 4


def test_one_success_forgets_the_failures(redis: RedisServer, bell: Bell) -> None:
    for _ in range(2):
        redis.kill()
        assert len(bell.ring(ids(1))) == 1
        assert len(bell.ring(ids(1))) == 1
        redis.start()
        assert bell.ring(ids(1)) == []
    assert not bell.still


def test_a_frozen_redis_costs_the_ringing_thread_half_a_second(redis: RedisServer, bell: Bell) -> None:
    bell.ring(ids(1))
    redis.freeze()
    started = time.monotonic()
    assert len(bell.ring(ids(7))) == 7
    assert time.monotonic() - started < 1.4


def test_the_sweeper_does_not_ring_into_a_queue_that_is_long_already(
    redis: RedisServer, bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bells, "ENOUGH", 3)
    assert bell.ring_if_quiet(ids(3)) == []
    assert bell.ring_if_quiet(ids(3)) == []
    assert heard(redis) == 3


def test_bells_that_wait_are_bounded(redis: RedisServer, bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bells, "MOST", 10)
    redis.freeze()
    for _ in range(100):
        bell(ids(1))
    redis.thaw()
    assert within(5, lambda: heard(redis) > 0)
    time.sleep(0.1)
    assert heard(redis) <= 13


def test_a_broker_does_not_repeat_commands_by_itself(redis: RedisServer) -> None:
    broker = ringing_broker(redis.url)
    redis.freeze()
    started = time.monotonic()
    with pytest.raises(RedisError):
        waiting(broker)
    assert time.monotonic() - started < 2
    broker.client.close()
