"""Commands on templates."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db import templates
from db.campaigns import find_brand
from db.database import Transaction
from domain import values
from domain.consents import Channel
from domain.ids import new_id
from domain.refusals import Refused
from domain.templates import Content, check_shape
from resolvers.context import Context

SCOPE = "campaigns:edit"

Made = tuple[UUID | None, list[Refused]]


async def create(context: Context, brand_id: UUID, name: str, content: Content) -> Made:
    """Makes a template with its first version; refuses INVALID, TEMPLATE_ERROR, NOT_FOUND and NAME_TAKEN."""

    async def work(tx: Transaction) -> UUID:
        template_id = new_id()
        line = values.line(name, "input", "name")
        checked = _checked(context, content)
        if await find_brand(tx, brand_id) is None:
            raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))
        made = await templates.create_template(
            tx,
            template_id,
            brand_id=brand_id,
            name=line,
            channel=Channel.EMAIL,
            content=checked,
            actor=context.caller.actor,
        )
        return template_id if made else _taken()

    return await context.command(SCOPE, work)


async def update(context: Context, template_id: UUID, given: Mapping[str, Any], expected_version: int | None) -> Made:
    """Changes what is given of name, subject, html and text; other content is a new version, which drafts will send.

    Refuses as `create`, and STALE.
    """

    async def work(tx: Transaction) -> UUID:
        found = await templates.find_template(tx, template_id)
        if found is None:
            raise Refused("NOT_FOUND", "There is no such template.", ("input", "templateId"))
        if expected_version not in (None, found.version):
            raise Refused(
                "STALE", f"It is at version {found.version} by now.", ("input", "expectedVersion"), found.version
            )
        name = values.line(given.get("name") or found.name, "input", "name")
        content = Content(given.get("subject") or found.subject, *(given.get(p, getattr(found, p)) for p in _BODIES))
        checked = _checked(context, content)
        changed = await templates.change_template(tx, found, name=name, content=checked, actor=context.caller.actor)
        return template_id if changed else _taken()

    return await context.command(SCOPE, work)


_BODIES = ("html", "text")


def _checked(context: Context, content: Content) -> Content:
    try:
        shaped = check_shape(content)
        context.tools.check_template(shaped)
    except Refused as refusal:
        raise refusal.under("input") from None
    return shaped


def _taken() -> UUID:
    raise Refused("NAME_TAKEN", "The brand has a template of this name already.", ("input", "name"))
