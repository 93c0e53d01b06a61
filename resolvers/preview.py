"""Whom a condition matches, without saving it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.bulk import request_operation
from db.conditions import matching
from db.conditions.references import require_references
from db.conditions.sampling import OverBudgetError, count_and_sample
from db.conditions.scope import Scope
from db.database import Transaction
from db.metrics import is_stale
from db.organizations import current_organization
from db.segments.analytics import Share, composition
from db.segments.overrides import decided
from db.slices import AS_OF
from db.statement import Statement
from domain.bulk import SCOPES, BulkKind
from domain.conditions import Condition, to_json
from domain.refusals import Refused, Rejected
from domain.segments_given import read_definition
from resolvers.context import Context

MAX_SAMPLE = 50
# What takes longer is for a worker.
BUDGET = 1_000
JOB = "segments.preview"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to evaluate a condition for; segment_id: also people's decisions about this segment."""

    condition: Condition
    as_of: datetime | None = None
    brand_id: UUID | None = None
    segment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """How many match, and the first of them by id; complete: False when that took too long to say."""

    condition: Condition
    count: int
    sample: list[UUID]
    complete: bool = True


async def preview(context: Context, wanted: Wanted, sample: int) -> Preview:
    """Evaluates a condition now or as of an instant; raises BAD_USER_INPUT for the sample."""
    if not 0 <= sample <= MAX_SAMPLE:
        raise Rejected("BAD_USER_INPUT", f"A sample has 0 to {MAX_SAMPLE} customers, not {sample}.")

    async def work(tx: Transaction) -> Preview:
        matched = await _matched(context, tx, wanted)
        return Preview(wanted.condition, *await count_and_sample(tx, matched, sample, BUDGET))

    try:
        return await context.read(work)
    except OverBudgetError:
        return Preview(wanted.condition, 0, [], complete=False)


async def start_preview(
    context: Context, condition: Condition, as_of: datetime | None, brand_id: UUID | None
) -> tuple[UUID | None, list[Refused]]:
    """Has a worker count whom a condition matches; the bulk operation. Refuses what the condition names wrongly."""

    async def work(tx: Transaction) -> UUID:
        await require_references(tx, condition)
        args: dict[str, Any] = {"condition": to_json(condition)}
        if brand_id is not None:
            if not await tx.value(_IS_BRAND, id=brand_id):
                raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brand"))
            args["brandId"] = str(brand_id)
        if as_of is not None:
            args[AS_OF] = as_of.isoformat()
        return await request_operation(tx, BulkKind.PREVIEW, JOB, actor=context.caller.actor, args=args)

    return await context.command(SCOPES[BulkKind.PREVIEW], work, of_all_brands=True)


_IS_BRAND = "select exists (select from brand where organization_id = :organization and id = :id)"


async def compose(context: Context, wanted: Wanted) -> list[Share]:
    """Of what those who match consist."""

    async def work(tx: Transaction) -> list[Share]:
        return await composition(tx, await _matched(context, tx, wanted))

    return await context.read(work)


async def _matched(context: Context, tx: Transaction, wanted: Wanted) -> Statement:
    scope = await current_scope(tx, context.now, wanted.as_of, wanted.brand_id)
    matched = matching(wanted.condition, scope)
    return matched if wanted.segment_id is None else decided(matched, wanted.segment_id, tx.organization_id)


def read_condition(given: Mapping[str, object]) -> Condition:
    """A definition (see `read_definition`) among a query's arguments; raises BAD_USER_INPUT."""
    try:
        condition = read_definition(given)
    except Refused as refusal:
        raise Rejected.argument(refusal) from refusal
    if condition is None:
        raise Rejected("BAD_USER_INPUT", "Say which customers: give a condition.")
    return condition


async def current_scope(
    tx: Transaction,
    now: datetime,
    as_of: datetime | None = None,
    brand_id: UUID | None = None,
    candidates: Statement | None = None,
) -> Scope:
    """The scope of a reading now or as of an instant."""
    organization = await current_organization(tx)
    # A reading writes nothing: where time has made maintained metrics stale, it computes them from the facts instead.
    # The same where only some brands' facts may count: what is maintained counts all.
    if as_of is None and (tx.brands is not None or await is_stale(tx, now)):
        as_of = now
    return Scope(organization, as_of, as_of or now, brand_id, candidates)
