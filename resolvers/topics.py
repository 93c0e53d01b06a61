"""Commands on consent topics."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db import topics
from db.database import Transaction
from db.organizations import find_brand
from db.topics import ConsentTopic
from domain.consents import Channel
from domain.ids import new_id
from domain.refusals import Refused
from domain.topics import DefaultRule, Topic
from resolvers.context import Context

SCOPE = "campaigns:edit"

Done = tuple[UUID | None, list[Refused]]


async def create(context: Context, brand_id: UUID, topic: Topic) -> Done:
    """Offers a topic; refuses INVALID, NOT_FOUND and KEY_TAKEN."""

    async def work(tx: Transaction) -> UUID:
        checked = _checked(topic)
        if await find_brand(tx, brand_id) is None:
            raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))
        made = await topics.create_topic(tx, new_id(), brand_id, checked)
        if made is None:
            raise Refused("KEY_TAKEN", "The brand has a topic of this key.", ("input", "key"))
        return made

    return await context.command(SCOPE, work)


async def update(context: Context, topic_id: UUID, given: Mapping[str, Any], expected_version: int | None) -> Done:
    """Changes what is given; refuses INVALID, NOT_FOUND and STALE."""

    async def work(tx: Transaction) -> UUID:
        found = await _found(tx, topic_id, expected_version)
        known = Topic(
            found.key,
            found.name,
            found.description,
            DefaultRule(found.default_rule),
            tuple(Channel(channel) for channel in found.channels),
            found.double_opt_in,
        )
        told = {name: getattr(known, name) for name in Topic.__slots__} | dict(given)
        await topics.change_topic(tx, topic_id, _checked(Topic(**told)))
        return topic_id

    return await context.command(SCOPE, work)


async def delete(context: Context, topic_id: UUID) -> Done:
    """Offers it no more; what was recorded keeps its meaning. Refuses NOT_FOUND, and IN_USE with campaigns' names."""

    async def work(tx: Transaction) -> UUID:
        found = await _found(tx, topic_id, None)
        users = await topics.campaigns_about(tx, found.brand_id, found.key)
        if users:
            raise Refused("IN_USE", f"Campaigns are about it: {', '.join(users)}.", ("input", "topicId"))
        await topics.archive_topic(tx, topic_id)
        return topic_id

    return await context.command(SCOPE, work)


async def _found(tx: Transaction, topic_id: UUID, expected_version: int | None) -> ConsentTopic:
    found = await topics.find_topic(tx, topic_id)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such topic.", ("input", "topicId"))
    if expected_version not in (None, found.version):
        raise Refused("STALE", f"It is at version {found.version} by now.", ("input", "expectedVersion"), found.version)
    return found


def _checked(topic: Topic) -> Topic:
    try:
        return topic.check()
    except Refused as refusal:
        raise refusal.under("input") from None
