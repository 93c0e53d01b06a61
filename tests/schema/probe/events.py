"""Subscriptions under the probe: every event that there could be of what is not the caller's, told to the caller."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from app.live import Hub
from db.database import Database
from domain.access import SCOPES
from domain.live import (
    BulkProgress,
    CampaignProgress,
    Change,
    Event,
    Interruption,
    MembershipChange,
    StageChange,
    encode,
)
from resolvers.context import Context
from resolvers.ids import split_id
from resolvers.watch import Watch
from schema.execute import begin
from tests.api import TOOLS, caller
from tests.schema.probe.probe import Probe
from workers import live as announcing

MOST = 50


class Everything:
    """The hub of an API process that hears all events of one organization whenever somebody begins to watch, be it of
    this organization or not; then whoever watches is told that it is interrupted."""

    def __init__(self, organization: UUID, events: list[Event]) -> None:
        self._organization, self._events = organization, events
        hub: Any = Hub(None)
        hub._pubsub = self
        self._hub = hub

    async def watch(self, organization_id: UUID, wanted: Callable[[Event], bool]) -> Watch:
        watch: Watch = await self._hub.watch(organization_id, wanted)
        for event in self._events:
            await self._hub._deliver(self, announcing.channel(self._organization), encode(event))
        watch.tell(Interruption())
        return watch

    async def subscribe(self, name: str) -> None:
        """As Redis, which says at once that it is heard."""
        self._hub._heard[name].set()

    async def unsubscribe(self, _name: str) -> None:
        return None


def foreign_events(probe: Probe) -> list[Event]:
    """Of each kind, with everything foreign, and with something of the caller's beside it."""
    now = datetime.now(UTC)

    def rows(name: str, by_type: dict[str, list[str]]) -> list[UUID]:
        return [split_id(id_)[1] for id_ in by_type.get(name, [])]

    strangers = tuple(rows("Customer", probe.foreign))
    events: list[Event] = [BulkProgress(id_) for id_ in rows("BulkOperation", probe.foreign)]
    events += [CampaignProgress(id_) for id_ in rows("Campaign", probe.foreign)]
    for id_ in [*rows("Segment", probe.foreign), *rows("Segment", probe.own)]:
        events.append(MembershipChange.of(id_, Change.ENTERED, strangers, now))
    for id_ in [*rows("JourneyStage", probe.foreign)[:1], *rows("JourneyStage", probe.own)[:1]]:
        events.append(StageChange.of(None, id_, strangers, now))
    return events


async def answers_to_events(database: Database, probe: Probe, document: str) -> list[Any]:
    """What a subscription answers until the interruption is told."""
    theirs = probe.organization if "brands" in probe.options else probe.stranger
    tools = replace(TOOLS, feed=Everything(theirs, foreign_events(probe)))
    asking = caller(probe.organization, frozenset(SCOPES), probe.options.get("brands"))

    def fresh() -> Context:
        return Context(database, asking, datetime.now(UTC), tools)

    stream = await begin(fresh(), document, fresh=fresh)
    if isinstance(stream, dict):
        return [stream]
    answers: list[Any] = []
    async with aclosing(stream):
        async for answer in stream:
            answers.append(orjson.loads(orjson.dumps(answer)))
            if "DELAYED" in orjson.dumps(answer).decode() or len(answers) >= MOST:
                break
    return answers
