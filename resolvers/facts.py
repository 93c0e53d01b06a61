"""Commands that tell what happened."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from db.database import Transaction
from db.facts import Recorded, record_facts
from domain.brands import brand_of
from domain.customers import CustomerReference, email
from domain.facts import Fact
from domain.refusals import Refusals, Refused
from resolvers.context import Context
from resolvers.ids import row_id
from resolvers.paths import camel

MAX_BATCH = 1_000
SCOPE = "customers:edit"

# Makes the facts that one input tells: an order may tell refunds as well.
Told = Callable[[], Sequence[Fact]]


async def record(
    context: Context, told: Sequence[Told], path: tuple[str, ...], *, create_missing: bool
) -> tuple[list[Recorded] | None, list[Refused]]:
    """Records facts, all or none; gives what became of the first fact of each input, in their order.

    path: where the list is, or the one input when told has a single one and the path does not end in a list.
    """

    async def work(tx: Transaction) -> list[Recorded]:
        if len(told) > MAX_BATCH:
            raise Refused("TOO_MANY", f"At most {MAX_BATCH:,} at a time, not {len(told):,}.", path)
        facts = _made(told, path, context.caller.brand_ids)
        recorded = await record_facts(
            tx, [fact for made in facts for fact in made], context.now, create_missing=create_missing
        )
        answers = iter(recorded)
        grouped = [[next(answers) for _ in made] for made in facts]
        refusals = [
            _placed(one.refusal, path, number) for number, group in enumerate(grouped) for one in group if one.refusal
        ]
        if refusals:
            raise Refusals(refusals)
        return [group[0] for group in grouped]

    return await context.command(SCOPE, work)


def reference(
    id: str | None,
    external_id: str | None,
    address: str | None,  # the three ways of CustomerIdentifier
) -> CustomerReference:
    """The customer that an identifier names; refuses INVALID."""
    if id:
        return CustomerReference(id=row_id(id, "Customer"))
    if external_id:
        return CustomerReference(external_id=external_id.strip())
    if address:
        return CustomerReference(email=email(address, "customer", "email"))
    raise Refused("INVALID", "Name the customer by id, externalId or email.", ("customer",))


def _made(told: Sequence[Told], path: tuple[str, ...], limit: frozenset[UUID] | None) -> list[Sequence[Fact]]:
    facts: list[Sequence[Fact]] = []
    refusals = []
    for number, tell in enumerate(told):
        try:
            facts.append([replace(fact, brand_id=brand_of(limit, fact.brand_id, "brand")) for fact in tell()])
        except Refused as refusal:
            refusals.append(_placed(refusal, path, number))
    if refusals:
        raise Refusals(refusals)
    return facts


def _placed(refusal: Refused, path: tuple[str, ...], number: int) -> Refused:
    return camel(refusal, *path, *([str(number)] if len(path) > 1 else []))
