"""The Redis side of the bell: one queue, one kind of message, and clients that lose patience soon.

Dramatiq is a doorbell here, never the ledger: no retries, no delays, no results. A message lost, doubled or late
changes nothing (docs/decisions/0005-jobs.md).
"""

from typing import Any
from uuid import UUID

import redis
from dramatiq import Message, Middleware
from dramatiq import worker as engine
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO, TimeLimit
from redis.backoff import NoBackoff
from redis.retry import Retry

QUEUE = "jobs"
ACTOR = "ring"
# Braces: in a Redis cluster all keys of one script must live on one node.
NAMESPACE = "{wayfare}"


def ringing_broker(redis_url: str) -> RedisBroker:
    """For who only rings: half a second at most, because somebody's answer may have to wait for it."""
    return _broker(redis_url, [], socket_timeout=0.5, socket_connect_timeout=0.3)


def working_broker(redis_url: str, *middleware: Middleware) -> RedisBroker:
    """For who answers: asynchronous actors on one event loop, then `middleware`; broker first, actors after it."""
    # Redis is back long before Dramatiq looks again: 3 s for its consumers, 5 s for a thread with something to ack.
    engine.CONSUMER_RESTART_DELAY_SECS = 1
    engine.POST_PROCESS_MESSAGE_RETRY_DELAY_SECS = 1
    return _broker(redis_url, [AsyncIO(), TimeLimit(), *middleware], socket_timeout=5, socket_connect_timeout=1)


def ring(broker: RedisBroker, job_id: UUID) -> None:
    """Puts one message into the queue; raises redis.RedisError."""
    broker.enqueue(Message(queue_name=QUEUE, actor_name=ACTOR, args=(str(job_id),), kwargs={}, options={}))


def waiting(broker: RedisBroker) -> int:
    """How many messages nobody has fetched yet."""
    length: int = broker.client.llen(f"{NAMESPACE}:{QUEUE}")
    return length


def _broker(redis_url: str, middleware: list[Middleware], **patience: Any) -> RedisBroker:
    # The client repeats commands by itself otherwise, ten times: a fetch whose answer was lost would fetch twice.
    client = redis.Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), **patience)
    return RedisBroker(client=client, middleware=middleware, namespace=NAMESPACE)  # type: ignore[no-untyped-call]  # unannotated in 2.2
