"""Commands on the organization, its brands and its API keys."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from db import organizations
from db.database import Transaction
from db.jobs import Request, request_jobs
from db.journeys import EVALUATE_JOB
from db.organizations import find_brand
from db.scores import SCORE_JOB
from domain import customers, values
from domain import organizations as slugs
from domain.refusals import Refused
from resolvers.context import Context
from resolvers.segments import REFRESH_JOB

SCOPE = "settings:manage"
Text = TypeVar("Text")


@dataclass(frozen=True, slots=True)
class BrandValues:
    """What a brand command may set; None leaves it as it is."""

    name: str | None = None
    timezone: str | None = None
    sender_name: str | None = None
    sender_email: str | None = None

    def checked(self) -> "BrandValues":
        """The same values; refuses INVALID."""
        return BrandValues(
            _given(self.name, lambda value: values.line(value, "input", "name")),
            _given(self.timezone, lambda value: customers.timezone(value, "input", "timezone")),
            _given(self.sender_name, lambda value: values.line(value, "input", "senderName")),
            _given(self.sender_email, lambda value: customers.email(value, "input", "senderEmail")),
        )


async def update(
    context: Context, name: str | None, timezone: str | None, expected_version: int | None
) -> tuple[UUID | None, list[Refused]]:
    """Changes the organization; refuses INVALID and STALE. Another time zone has everybody evaluated again."""

    async def work(tx: Transaction) -> UUID:
        before = await organizations.current_organization(tx, lock=True)
        changed = await organizations.update_organization(
            tx,
            name=_given(name, lambda value: values.line(value, "input", "name")),
            timezone=_given(timezone, lambda value: customers.timezone(value, "input", "timezone")),
            expected_version=expected_version,
        )
        if changed and timezone not in (None, before.timezone):
            # Whatever counts days, which begin at other instants now.
            zone = "time zone"
            await request_jobs(tx, [Request(SCORE_JOB, zone), Request(EVALUATE_JOB, zone), Request(REFRESH_JOB, zone)])
        return changed or _stale(await organizations.organization_version(tx))

    return await context.command(SCOPE, work, of_all_brands=True)


async def create_brand(context: Context, slug: str, given: BrandValues) -> tuple[UUID | None, list[Refused]]:
    """Adds a brand; refuses INVALID and SLUG_TAKEN."""

    async def work(tx: Transaction) -> UUID:
        checked = given.checked()
        try:
            return await organizations.add_brand(
                tx,
                name=checked.name or "",
                slug=slugs.slug(slug, "input", "slug"),
                timezone=checked.timezone,
                sender_name=checked.sender_name,
                sender_email=checked.sender_email,
            )
        except Refused as refusal:
            raise refusal if refusal.field[:1] == ("input",) else refusal.under("input") from None

    return await context.command(SCOPE, work, of_all_brands=True)


async def update_brand(
    context: Context, brand_id: UUID, given: BrandValues, expected_version: int | None
) -> tuple[UUID | None, list[Refused]]:
    """Changes a brand; refuses INVALID, NOT_FOUND and STALE."""

    async def work(tx: Transaction) -> UUID:
        checked = given.checked()
        changed = await organizations.update_brand(
            tx,
            brand_id,
            name=checked.name,
            timezone=checked.timezone,
            sender_name=checked.sender_name,
            sender_email=checked.sender_email,
            expected_version=expected_version,
        )
        if changed:
            return changed
        found = await find_brand(tx, brand_id)
        if found is None:
            raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))
        return _stale(found.version)

    return await context.command(SCOPE, work)


def _given(value: Text | None, check: Callable[[Text], Text]) -> Text | None:
    return None if value is None else check(value)


def _stale(version: int) -> UUID:
    message = f"It is at version {version} by now: read it again and repeat with that."
    raise Refused("STALE", message, ("input", "expectedVersion"), version)
