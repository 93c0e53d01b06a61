"""Commands on frequency rules."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db import frequency
from db.database import Transaction
from db.frequency import StoredRule
from db.organizations import find_brand
from domain.campaigns import topic
from domain.consents import Channel
from domain.frequency import MAX_RULES, FrequencyRule, WindowMode, WindowUnit
from domain.ids import new_id
from domain.refusals import Refused
from resolvers.context import Context

SCOPE = "settings:manage"

Done = tuple[UUID | None, list[Refused]]


async def create(context: Context, given: Mapping[str, Any]) -> Done:
    """Makes a rule of the fields of `FrequencyRule`; refuses INVALID, NOT_FOUND, NAME_TAKEN and TOO_MANY."""

    async def work(tx: Transaction) -> UUID:
        rule_id = new_id()
        refused = await frequency.create_rule(tx, rule_id, await _checked(tx, given))
        if refused == "TOO_MANY":
            raise Refused("TOO_MANY", f"There are {MAX_RULES} rules already; delete one first.", ("input",))
        return _taken() if refused else rule_id

    return await context.command(SCOPE, work, of_all_brands=True)


async def update(context: Context, rule_id: UUID, given: Mapping[str, Any], expected_version: int | None) -> Done:
    """Changes what is given; refuses as `create`, NOT_FOUND and STALE."""

    async def work(tx: Transaction) -> UUID:
        found = await _found(tx, rule_id)
        if expected_version not in (None, found.version):
            message = f"It is at version {found.version} by now."
            raise Refused("STALE", message, ("input", "expectedVersion"), found.version)
        changed = await frequency.change_rule(tx, rule_id, await _checked(tx, {**_told(found), **given}))
        return rule_id if changed else _taken()

    return await context.command(SCOPE, work, of_all_brands=True)


async def delete(context: Context, rule_id: UUID) -> Done:
    """Nothing is held up by it any more; refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        await _found(tx, rule_id)
        await frequency.delete_rule(tx, rule_id)
        return rule_id

    return await context.command(SCOPE, work, of_all_brands=True)


async def _found(tx: Transaction, rule_id: UUID) -> StoredRule:
    found = await frequency.find_rule(tx, rule_id)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such rule.", ("input", "ruleId"))
    return found


def _told(found: StoredRule) -> Mapping[str, Any]:
    return {
        "name": found.name,
        "limit": found.limit_count,
        "amount": found.window_amount,
        "unit": WindowUnit(found.window_unit),
        "mode": WindowMode(found.mode),
        "brand_id": found.brand_id,
        "channel": None if found.channel is None else Channel(found.channel),
        "topic": found.topic,
        "is_active": found.is_active,
    }


async def _checked(tx: Transaction, given: Mapping[str, Any]) -> FrequencyRule:
    try:
        rule = FrequencyRule(**given).check()
        if rule.topic is not None:
            topic(rule.topic, "topic")
    except Refused as refusal:
        raise refusal.under("input") from None
    if rule.brand_id is not None and await find_brand(tx, rule.brand_id) is None:
        raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))
    return rule


def _taken() -> UUID:
    raise Refused("NAME_TAKEN", "There is a rule of this name already.", ("input", "name"))
