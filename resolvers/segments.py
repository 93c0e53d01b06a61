"""Commands on segments."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from db import bulk, segments
from db.database import Transaction
from db.metrics import recompute_stale
from db.organizations import current_organization
from db.references import unknown_customers
from db.segments.refreshes import ASKED, last_asked, lock_requests, open_refresh
from db.statement import sql
from domain import values
from domain.brands import brand_of, require_all_brands
from domain.bulk import BulkKind
from domain.refusals import Refused
from domain.segments import (
    ChangeReason,
    OverrideMode,
    SegmentState,
    SegmentType,
    refresh_interval,
    require_assignable,
    require_overridable,
    require_refreshable,
    require_rested,
)
from domain.segments_given import read_definition
from resolvers.context import Context

MANAGE = "segments:manage"
REFRESH_JOB = "segments.refresh"
MAX_CUSTOMERS = 250
MAX_SEGMENTS = 250
Value = TypeVar("Value")
_KEY = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,98}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Made:
    """A segment that was written, and the refresh that brings its members up to date, if one is needed."""

    segment_id: UUID
    refresh_id: UUID | None = None


async def create(
    context: Context, given: Mapping[str, Any], definition: Mapping[str, object]
) -> tuple[Made | None, list[Refused]]:
    """Makes a segment; an active automatic one is refreshed by a worker right away.

    definition: what `read_definition` reads; nothing of it for a manual segment.
    """

    async def work(tx: Transaction) -> Made:
        name = values.line(given["name"], "name")
        made = segments.Definition(
            key=_key(given.get("key") or _key_of(name)),
            name=name,
            type=given["type"],
            condition=read_definition(definition, manual=given["type"] is SegmentType.MANUAL),
            description=_description(given.get("description")),
            brand_id=brand_of(context.caller.brand_ids, given.get("brand_id"), "brandId"),
            state=given["state"],
            auto_update=given["auto_update"],
        )
        segment_id = await segments.create_segment(tx, made, actor=context.caller.actor)
        due = made.type is SegmentType.AUTOMATIC and made.state is SegmentState.ACTIVE
        return Made(segment_id, await _request(tx, context, [segment_id], None) if due else None)

    return await _told(context, work)


async def update(
    context: Context,
    segment_id: UUID,
    given: Mapping[str, Any],
    definition: Mapping[str, object],
    expected_version: int | None,
) -> tuple[Made | None, list[Refused]]:
    """Changes what is given; another condition is another definition, whose members a worker computes right away."""

    async def work(tx: Transaction) -> Made:
        segment = await _find(tx, segment_id)
        if expected_version not in (None, segment.version):
            message = f"It is at version {segment.version} by now: read it again and repeat with that."
            raise Refused("STALE", message, ("expectedVersion",), segment.version)
        changes = dict(given)
        if "name" in changes:
            changes["name"] = values.line(changes["name"], "name")
        if "description" in changes:
            changes["description"] = _description(changes["description"])
        condition = read_definition(definition, manual=segment.type == SegmentType.MANUAL)
        if condition is not None:
            changes["condition"] = condition
        recompute = await segments.update_segment(tx, segment, changes, actor=context.caller.actor)
        due = recompute and segment.type == SegmentType.AUTOMATIC
        active = changes.get("state", segment.state) == SegmentState.ACTIVE
        return Made(segment_id, await _request(tx, context, [segment_id], None) if due and active else None)

    return await _told(context, work)


async def delete(context: Context, segment_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Deletes a segment; refuses NOT_FOUND and IN_USE."""

    async def work(tx: Transaction) -> UUID:
        await _find(tx, segment_id)
        await segments.delete_segment(tx, segment_id)
        return segment_id

    return await _told(context, work)


async def assign(
    context: Context, segment_id: UUID, customers: Sequence[UUID], *, put_in: bool
) -> tuple[segments.Change | None, list[Refused]]:
    """Puts customers into a manual segment or takes them out; repeating it has no effect.

    Refuses NOT_FOUND, RULE_BASED, NOT_ACTIVE and TOO_MANY.
    """

    async def work(tx: Transaction) -> segments.Change:
        if len(customers) > MAX_CUSTOMERS:
            raise Refused("TOO_MANY", f"At most {MAX_CUSTOMERS} customers at a time.", ("customerIds",))
        segment = await _find(tx, segment_id)
        require_assignable(segment.type, segment.state)
        await _require_customers(tx, customers)
        change = segments.assign if put_in else segments.unassign
        ids = sql("select unnest(:ids::uuid[])", ids=sorted(set(customers)))
        return await change(tx, segment, ids, actor=context.caller.actor, now=context.now)

    return await _told(context, work)


async def override(
    context: Context, segment_id: UUID, customers: Sequence[UUID], mode: OverrideMode | None
) -> tuple[segments.Change | None, list[Refused]]:
    """Includes or excludes customers whatever the condition says, or with None lets the condition say it again.

    Refuses NOT_FOUND, NOT_RULE_BASED, NOT_ACTIVE and TOO_MANY.
    """

    async def work(tx: Transaction) -> segments.Change:
        if len(customers) > MAX_CUSTOMERS:
            raise Refused("TOO_MANY", f"At most {MAX_CUSTOMERS} customers at a time.", ("customerIds",))
        # Before the row, as a refresh does.
        await segments.lock_masks(tx)
        await segments.lock_segments(tx, [segment_id])
        segment = await _find(tx, segment_id)
        require_overridable(segment.type, segment.state)
        await _require_customers(tx, customers)
        ids = sql("select unnest(:ids::uuid[])", ids=sorted(set(customers)))
        actor, now = context.caller.actor, context.now
        if mode is not None:
            return await segments.override(tx, segment, ids, mode, actor=actor, now=now)
        async with tx.unlimited():
            while await recompute_stale(tx, context.now):
                pass
            return await segments.release(tx, await current_organization(tx), segment, ids, actor=actor, now=now)

    return await _told(context, work)


async def refresh(
    context: Context, segment_ids: Sequence[UUID] | None, as_of: datetime | None
) -> tuple[UUID | None, list[Refused]]:
    """Has a worker compute the members of these segments, or of all that are updated automatically.

    A refresh of the same segments that waits or runs already is answered instead of beginning another. Refuses
    NOT_FOUND, NOT_RULE_BASED, NOT_ACTIVE, TOO_MANY and THROTTLED.
    """

    async def work(tx: Transaction) -> UUID:
        if segment_ids is None:
            require_all_brands(context.caller.brand_ids)
        elif len(segment_ids) > MAX_SEGMENTS:
            raise Refused("TOO_MANY", f"At most {MAX_SEGMENTS} segments at a time.", ("segmentIds",))
        for number, segment_id in enumerate(segment_ids or ()):
            segment = await segments.find_segment(tx, segment_id)
            if segment is None:
                raise Refused("NOT_FOUND", "There is no such segment.", ("segmentIds", str(number)))
            require_refreshable(segment.type, segment.state)
        if as_of is not None:
            return await _request(tx, context, segment_ids, as_of)
        await lock_requests(tx)
        if (running := await open_refresh(tx, segment_ids)) is not None:
            return running
        interval = refresh_interval((await current_organization(tx)).settings)
        require_rested(await last_asked(tx, segment_ids), interval, context.now)
        return await _request(tx, context, segment_ids, None, asked=True)

    return await _told(context, work)


async def recalculate(context: Context, customer_id: UUID) -> tuple[list[segments.Change] | None, list[Refused]]:
    """Evaluates every automatic segment for one customer, now; gives the segments they entered or left."""

    async def work(tx: Transaction) -> list[segments.Change]:
        await _require_customers(tx, [customer_id], ("customerId",))
        async with tx.unlimited():
            while await recompute_stale(tx, context.now):
                pass
            changes = await segments.refresh_segments(
                tx,
                await current_organization(tx),
                candidates=sql("select :id::uuid as customer_id", id=customer_id),
                now=context.now,
                reason=ChangeReason.LIVE,
                actor=context.caller.actor,
            )
        visible = await segments.known_segments(tx, [change.segment_id for change in changes])
        return [change for change in changes if change.segment_id in visible]

    return await _told(context, work)


async def _told(
    context: Context, work: Callable[[Transaction], Awaitable[Value]]
) -> tuple[Value | None, list[Refused]]:
    """Runs a command whose refusals have paths within its input."""
    value, refusals = await context.command(MANAGE, work)
    return value, [refusal.under("input") for refusal in refusals]


async def _request(
    tx: Transaction,
    context: Context,
    segment_ids: Sequence[UUID] | None,
    as_of: datetime | None,
    *,
    asked: bool = False,
) -> UUID:
    args = {
        "segmentIds": None if segment_ids is None else [str(segment_id) for segment_id in segment_ids],
        "asOf": as_of.isoformat() if as_of else None,
        ASKED: True if asked else None,
    }
    given = {name: value for name, value in args.items() if value is not None}
    return await bulk.request_operation(tx, BulkKind.REFRESH, REFRESH_JOB, actor=context.caller.actor, args=given)


async def _find(tx: Transaction, segment_id: UUID) -> segments.Segment:
    segment = await segments.find_segment(tx, segment_id, lock=True)
    if segment is None:
        raise Refused("NOT_FOUND", "There is no such segment.", ("segmentId",))
    return segment


async def _require_customers(
    tx: Transaction, customers: Sequence[UUID], path: tuple[str, ...] = ("customerIds",)
) -> None:
    missing = await unknown_customers(tx, customers)
    for number, customer in enumerate(customers):
        if customer in missing:
            place = path if path == ("customerId",) else (*path, str(number))
            raise Refused("NOT_FOUND", "There is no such customer.", place)


def _description(value: str | None) -> str | None:
    return None if value is None else values.text(value, "description", limit=2_000)


def _key(value: str) -> str:
    if not _KEY.fullmatch(value):
        message = "A key has 1 to 100 lower-case letters, digits and inner hyphens or underscores."
        raise Refused("INVALID", message, ("key",))
    return value


def _key_of(name: str) -> str:
    """A key made of a name: what is neither a letter nor a digit becomes a hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100] or "segment"
