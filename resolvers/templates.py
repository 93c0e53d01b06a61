"""Commands on templates."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from db import templates
from db.database import Transaction
from db.organizations import find_brand
from db.templates import Template
from domain import values
from domain.consents import Channel
from domain.ids import new_id
from domain.locales import check_locales
from domain.refusals import Refused
from domain.starting_points import STARTING_POINTS
from domain.templates import Content, Localized, check_shape
from resolvers.context import Context

SCOPE = "campaigns:edit"
PARTS = ("subject", "html", "text", "data", "preheader")

Made = tuple[UUID | None, list[Refused]]


async def create(
    context: Context,
    brand_id: UUID,
    given: Mapping[str, Any],
    translations: Mapping[str, Content] | None = None,
    *,
    starting_point: str | None = None,
) -> Made:
    """Makes a template with its first version, of what is given and otherwise as the starting point has it.

    Refuses INVALID, TEMPLATE_ERROR, NOT_FOUND and NAME_TAKEN.
    """

    async def work(tx: Transaction) -> UUID:
        template_id = new_id()
        name, channel, content = _begun(given, starting_point)
        line = values.line(name, "input", "name")
        said = _checked(context, channel, content, translations or {})
        if await find_brand(tx, brand_id) is None:
            raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))
        made = await templates.create_template(
            tx,
            template_id,
            brand_id=brand_id,
            name=line,
            channel=channel,
            content=said.default,
            translations=said.translations,
            actor=context.caller.actor,
        )
        return template_id if made else _taken()

    return await context.command(SCOPE, work)


def _begun(given: Mapping[str, Any], key: str | None) -> tuple[str, Channel, Content]:
    """Name, channel and content: of what is given, else of the starting point."""
    parts = {part: given[part] for part in PARTS if part in given}
    if key is None:
        return given.get("name") or "", given.get("channel") or Channel.EMAIL, Content(**parts)
    point = STARTING_POINTS.get(key)
    if point is None:
        raise Refused("NOT_FOUND", "There is no such starting point; see templateStartingPoints.", ("input", "from"))
    if given.get("channel") not in (None, point.channel):
        raise Refused("INVALID", f"This starting point is for {point.channel}.", ("input", "channel"))
    return given.get("name") or point.name, point.channel, replace(point.content, **parts)


async def update(
    context: Context,
    template_id: UUID,
    given: Mapping[str, Any],
    expected_version: int | None,
    translations: Mapping[str, Content] | None = None,
) -> Made:
    """Changes what is given of name and parts; other content is a new version, which drafts will send.

    translations: instead of all there were. Refuses as `create`, and STALE.
    """

    async def work(tx: Transaction) -> UUID:
        found = await _found(tx, template_id, expected_version)
        name = values.line(given.get("name") or found.name, "input", "name")
        kept = await templates.localized_of(tx, template_id, found.current_version)
        parts = {part: given[part] for part in PARTS if part in given and (part != "subject" or given[part])}
        content = replace(kept.default, **parts)
        said = _checked(
            context, Channel(found.channel), content, kept.translations if translations is None else translations
        )
        changed = await templates.change_template(tx, found, name=name, content=said, actor=context.caller.actor)
        return template_id if changed else _taken()

    return await context.command(SCOPE, work)


async def delete(context: Context, template_id: UUID) -> Made:
    """Deletes one that nobody uses, with all its versions; refuses NOT_FOUND, and IN_USE with the campaigns' names."""

    async def work(tx: Transaction) -> UUID:
        await _found(tx, template_id, None)
        users = await templates.users_of(tx, template_id)
        if users:
            named = ", ".join(users)
            message = f"Campaigns say what it says: {named}. Archive it instead, and they go on."
            raise Refused("IN_USE", message, ("input", "templateId"))
        await templates.delete_template(tx, template_id)
        return template_id

    return await context.command(SCOPE, work)


async def archive(context: Context, template_id: UUID, *, archived: bool) -> Made:
    """Hides a template from lists, or shows it again; what uses it goes on. Refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        await _found(tx, template_id, None)
        await templates.archive_template(tx, template_id, archived=archived)
        return template_id

    return await context.command(SCOPE, work)


async def _found(tx: Transaction, template_id: UUID, expected_version: int | None) -> Template:
    found = await templates.find_template(tx, template_id)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such template.", ("input", "templateId"))
    if expected_version not in (None, found.version):
        raise Refused("STALE", f"It is at version {found.version} by now.", ("input", "expectedVersion"), found.version)
    return found


def _checked(context: Context, channel: Channel, content: Content, translations: Mapping[str, Content]) -> Localized:
    """As it is stored; whatever is wrong is refused with the part, and with the translation it is in."""
    default = _checked_content(context, channel, content, "input")
    locales = check_locales(translations, "input", "translations")
    others = [
        _checked_content(context, channel, other, "input", "translations", str(index))
        for index, other in enumerate(translations.values())
    ]
    return Localized(default, dict(zip(locales, others, strict=True)))


def _checked_content(context: Context, channel: Channel, content: Content, *path: str) -> Content:
    try:
        shaped = check_shape(content, channel)
        context.tools.check_template(shaped, channel)
    except Refused as refusal:
        raise refusal.under(*path) from None
    return shaped


def _taken() -> UUID:
    raise Refused("NAME_TAKEN", "The brand has a template of this name already.", ("input", "name"))
