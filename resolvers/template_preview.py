"""A message as one customer would get it, of a template or of what shall become one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from db import templates
from db.database import Transaction
from db.known import known_customer
from db.organizations import current_organization, find_brand
from domain.consents import Channel
from domain.links import Purpose
from domain.previews import Concern, Shown, WarningCode, concerns
from domain.refusals import Refused, Rejected
from domain.templates import Content, Localized, check_shape, known, spelled
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class Draft:
    """What is not stored yet."""

    brand_id: UUID
    channel: Channel
    said: Localized


@dataclass(frozen=True, slots=True)
class Preview:
    """locale: of the translation that was chosen, None for the default; content: None if it cannot be rendered."""

    channel: Channel
    locale: str | None
    content: Content | None
    warnings: list[Concern]


async def preview(
    context: Context, template_id: UUID | None, draft: Draft | None, customer_id: UUID, locale: str | None
) -> Preview | None:
    """None when there is no such template or customer; raises BAD_USER_INPUT unless exactly one of both is given."""
    if (template_id is None) == (draft is None):
        raise Rejected("BAD_USER_INPUT", "Give either templateId or draft.")

    async def work(tx: Transaction) -> tuple[Draft, Mapping[str, Any], str | None] | None:
        asked = draft or await _stored(tx, template_id)
        customer = await known_customer(tx, customer_id)
        if asked is None or customer is None:
            return None
        values = await _values(context, tx, asked, customer)
        return None if values is None else (asked, values, locale or customer["locale"])

    found = await context.read(work)
    return None if found is None else _shown(context, *found)


def _shown(context: Context, asked: Draft, values: Mapping[str, Any], locale: str | None) -> Preview:
    chosen, content = asked.said.spoken(locale)
    public = context.tools.public_url is not None
    try:
        shown: Shown = context.tools.show_template(check_shape(content, asked.channel), values)
    except Refused as refusal:
        part = refusal.field[0] if refusal.field else None
        return Preview(asked.channel, chosen, None, [Concern(WarningCode.TEMPLATE_ERROR, refusal.message, part)])
    return Preview(asked.channel, chosen, shown.content, concerns(asked.channel, content, shown, public=public))


async def _stored(tx: Transaction, template_id: UUID | None) -> Draft | None:
    found = template_id and await templates.find_template(tx, template_id, lock=False)
    if not found:
        return None
    said = await templates.localized_of(tx, found.id, found.current_version)
    return Draft(found.brand_id, Channel(found.channel), said)


async def _values(
    context: Context, tx: Transaction, asked: Draft, customer: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """As for a letter; links of ours lead to a page that says that they are of nobody."""
    organization, brand = await current_organization(tx), await find_brand(tx, asked.brand_id)
    if brand is None:
        return None
    base = context.tools.public_url
    links = {purpose.value: f"{base}/{purpose}/preview" for purpose in Purpose} if base else {}
    return known(customer, ZoneInfo(organization.timezone)) | {
        "brand": spelled("brand", {"name": brand.name}),
        "organization": spelled("organization", {"name": organization.name, "currency": organization.currency}),
        "links": spelled("links", links),
    }
