"""Commands on customers' profiles."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from db import profiles
from db.database import Transaction
from domain.customers import CustomerReference, profile_change
from domain.refusals import Refusals, Refused
from resolvers.context import Context
from resolvers.ids import row_id
from resolvers.paths import camel

MAX_BATCH = 250
SCOPE = "customers:edit"
Fields = Mapping[str, Any]


async def upsert(
    context: Context, batch: Sequence[Fields], path: tuple[str, ...] | None = None
) -> tuple[list[profiles.Upserted] | None, list[Refused]]:
    """Makes or changes customers, all or none; refuses with the path of each that is at fault.

    Each is named by `id`, else by `external_id`, else by `email`. path: where the list is; None when there is but one.
    """

    async def work(tx: Transaction) -> list[profiles.Upserted]:
        if len(batch) > MAX_BATCH:
            raise Refused("TOO_MANY", f"At most {MAX_BATCH} customers at a time, not {len(batch)}.", path or ("input",))
        refusals: list[Refused] = []
        changes = []
        for number, fields in enumerate(batch):
            try:
                changes.append(profile_change(_reference(fields), {k: v for k, v in fields.items() if k != "id"}))
            except Refused as refusal:
                refusals.append(_placed(refusal, path, number))
        if refusals:
            raise Refusals(refusals)
        upserted = await profiles.upsert_customers(tx, changes, context.now)
        refusals = [_placed(one.refusal, path, n) for n, one in enumerate(upserted) if one.refusal]
        if refusals:
            raise Refusals(refusals)
        return upserted

    return await context.command(SCOPE, work)


async def update(
    context: Context, customer_id: UUID, fields: Fields, expected_version: int | None
) -> tuple[UUID | None, list[Refused]]:
    """Changes what is given of one customer; refuses NOT_FOUND, STALE, INVALID and names that are taken."""

    async def work(tx: Transaction) -> UUID:
        try:
            change = profile_change(CustomerReference(id=customer_id), fields)
            await profiles.update_customer(
                tx, customer_id, change.fields, context.now, expected_version=expected_version
            )
        except Refused as refusal:
            named = ("customerId",) if refusal.field == ("id",) else refusal.field
            raise camel(Refused(refusal.code, refusal.message, named, refusal.version), "input") from None
        return customer_id

    return await context.command(SCOPE, work)


async def delete(context: Context, customer_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Deletes one customer with everything that belongs to them; refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        if not await profiles.delete_customer(tx, customer_id):
            raise Refused("NOT_FOUND", "There is no such customer.", ("input", "customerId"))
        return customer_id

    return await context.command(SCOPE, work, of_all_brands=True)


def _reference(fields: Fields) -> CustomerReference:
    if fields.get("id"):
        return CustomerReference(id=row_id(str(fields["id"]), "Customer"))
    if fields.get("external_id"):
        checked = profile_change(_ANYBODY, {"external_id": fields["external_id"]}).fields
        return CustomerReference(external_id=checked["external_id"])
    if fields.get("email"):
        return CustomerReference(email=profile_change(_ANYBODY, {"email": fields["email"]}).fields["email"])
    raise Refused("INVALID", "Name the customer by id, externalId or email.", ("external_id",))


_ANYBODY = CustomerReference(id=UUID(int=0))


def _placed(refusal: Refused, path: tuple[str, ...] | None, number: int) -> Refused:
    return camel(refusal, *(("input",) if path is None else (*path, str(number))))
