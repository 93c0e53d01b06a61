"""Whom a condition matches, without saving it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.conditions.sampling import count_and_sample
from db.conditions.scope import Scope
from db.database import Transaction
from db.metrics import is_stale
from db.organizations import current_organization
from db.statement import Statement
from domain.conditions import Condition, parse
from domain.refusals import Refused, Rejected
from resolvers.context import Context

MAX_SAMPLE = 50


@dataclass(frozen=True, slots=True)
class Preview:
    """How many match, and the first of them by id."""

    condition: Condition
    count: int
    sample: list[UUID]


async def preview(
    context: Context, given: object, as_of: datetime | None, brand_id: UUID | None, sample: int
) -> Preview:
    """Evaluates a condition now or as of an instant; raises BAD_USER_INPUT with the refusal's code as reason."""
    if not 0 <= sample <= MAX_SAMPLE:
        raise Rejected("BAD_USER_INPUT", f"A sample has 0 to {MAX_SAMPLE} customers, not {sample}.")
    try:
        condition = parse(given)
    except Refused as refusal:
        raise Rejected.argument(refusal, "condition") from refusal

    async def work(tx: Transaction) -> Preview:
        scope = await current_scope(tx, context.now, as_of, brand_id)
        return Preview(condition, *await count_and_sample(tx, condition, scope, sample))

    return await context.read(work)


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
    if as_of is None and await is_stale(tx, now):
        as_of = now
    return Scope(organization, as_of, as_of or now, brand_id, candidates)
