"""Mutations on templates."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from db import templates
from domain.consents import Channel
from domain.templates import Content, listed
from resolvers import templates as commands
from resolvers.ids import row_id
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload
from schema.scalars import JSON
from schema.templates import EDIT, CampaignUserError, Template, errors

_NAMES = f"Liquid with if, unless and case over {listed()}; each also in camelCase."
_SUBJECT = (
    "The subject of EMAIL, the title of PUSH, the header of WALLET: at most 500 characters of Liquid on one line."
)
_HTML = "The HTML part of a mail; its styles are moved into its elements when it is sent."
_TEXT = "The text of SMS, PUSH and WALLET; of a mail, the text part, which is made from the HTML part without it."
_PREHEADER = "What mail programs show beside the subject."
_DATA = "What an app, a pass or a receiver is told besides, by name; `url` opens at a tap. All of WEBHOOK is this."


@strawberry.input(description=f"The same content in another language. {_NAMES}")
class TemplateTranslationInput:
    locale: str = strawberry.field(description="The locale, e.g. de or de-AT.")
    subject: str | None = strawberry.field(default=None, description=_SUBJECT)
    html: str | None = strawberry.field(default=None, description=_HTML)
    text: str | None = strawberry.field(default=None, description=_TEXT)
    preheader: str | None = strawberry.field(default=None, description=_PREHEADER)
    data: JSON | None = strawberry.field(default=None, description=_DATA)


@strawberry.input(description=f"A template to make. {_NAMES}")
class TemplateCreateInput:
    brand_id: strawberry.ID = strawberry.field(description="The brand it speaks for.")
    name: str | None = strawberry.field(
        default=None, description="Its name, unique in the brand; without it as the starting point has it."
    )
    channel: Channel | None = strawberry.field(default=None, description="The channel; EMAIL without it.")
    from_: str | None = strawberry.field(
        name="from", default=None, description="A key of templateStartingPoints; what else is given replaces its parts."
    )
    subject: str | None = strawberry.field(default=None, description=_SUBJECT)
    html: str | None = strawberry.field(default=None, description=_HTML)
    text: str | None = strawberry.field(default=None, description=_TEXT)
    preheader: str | None = strawberry.field(default=None, description=_PREHEADER)
    data: JSON | None = strawberry.field(default=None, description=_DATA)
    translations: list[TemplateTranslationInput] | None = strawberry.field(
        default=None, description="The same in other languages, each as a whole."
    )


@strawberry.input(description=f"What to change of a template; what is left out stays. {_NAMES}")
class TemplateUpdateInput:
    template_id: strawberry.ID = strawberry.field(description="Which template.")
    name: str | None = strawberry.field(default=None, description="Its name, unique in the brand.")
    subject: str | None = strawberry.field(default=None, description=_SUBJECT)
    html: str | None = strawberry.field(default=strawberry.UNSET, description="The HTML part; null removes it.")
    text: str | None = strawberry.field(default=strawberry.UNSET, description="The text part; null removes it.")
    preheader: str | None = strawberry.field(default=strawberry.UNSET, description=f"{_PREHEADER} Null removes it.")
    data: JSON | None = strawberry.field(default=strawberry.UNSET, description=f"{_DATA} Null removes it.")
    translations: list[TemplateTranslationInput] | None = strawberry.field(
        default=None, description="Other languages, instead of all that there are."
    )
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="A template to delete.")
class TemplateDeleteInput:
    template_id: strawberry.ID = strawberry.field(description="Which template.")


@strawberry.input(description="A template to archive.")
class TemplateArchiveInput:
    template_id: strawberry.ID = strawberry.field(description="Which template.")
    archived: bool = strawberry.field(default=True, description="False shows it again.")


@strawberry.type(description="The template made.")
class TemplateCreatePayload(Payload):
    template: Template | None = strawberry.field(description="The template, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The template after the change.")
class TemplateUpdatePayload(Payload):
    template: Template | None = strawberry.field(description="The template, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The template that is gone.")
class TemplateDeletePayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Its id, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The template after the change.")
class TemplateArchivePayload(Payload):
    template: Template | None = strawberry.field(description="The template, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class TemplateMutations:
    @strawberry.mutation(description=scoped("Makes a template.", EDIT))
    async def template_create(
        self, info: Info, input: Annotated[TemplateCreateInput, argument("The template.")]
    ) -> TemplateCreatePayload:
        given = {"name": input.name, "channel": input.channel, **_parts(input)}
        made, refusals = await commands.create(
            info.context, row_id(input.brand_id, "Brand"), given, spoken(input.translations), starting_point=input.from_
        )
        return TemplateCreatePayload(template=read(info, templates.TEMPLATE_BY_ID, made), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Changes a template; other content becomes its next version.", EDIT))
    async def template_update(
        self, info: Info, input: Annotated[TemplateUpdateInput, argument("What to change.")]
    ) -> TemplateUpdatePayload:
        given = {"name": input.name, "subject": input.subject}
        bodies = {part: getattr(input, part) for part in ("html", "text", "preheader", "data")}
        given |= {part: body for part, body in bodies.items() if body is not strawberry.UNSET}
        changed, refusals = await commands.update(
            info.context,
            row_id(input.template_id, "Template"),
            given,
            input.expected_version,
            None if input.translations is None else spoken(input.translations),
        )
        return TemplateUpdatePayload(
            template=read(info, templates.TEMPLATE_BY_ID, changed), user_errors=errors(refusals)
        )

    @strawberry.mutation(description=scoped("Deletes a template that no campaign uses; IN_USE names those.", EDIT))
    async def template_delete(
        self, info: Info, input: Annotated[TemplateDeleteInput, argument("Which one.")]
    ) -> TemplateDeletePayload:
        deleted, refusals = await commands.delete(info.context, row_id(input.template_id, "Template"))
        return TemplateDeletePayload(deleted_id=input.template_id if deleted else None, user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Hides a template, or shows it again; what uses it goes on.", EDIT))
    async def template_archive(
        self, info: Info, input: Annotated[TemplateArchiveInput, argument("Which one.")]
    ) -> TemplateArchivePayload:
        changed, refusals = await commands.archive(
            info.context, row_id(input.template_id, "Template"), archived=input.archived
        )
        return TemplateArchivePayload(
            template=read(info, templates.TEMPLATE_BY_ID, changed), user_errors=errors(refusals)
        )


def content_of(given: Any) -> Content:
    """Of any input with the parts of a message."""
    return Content(**_parts(given))


def _parts(given: Any) -> dict[str, Any]:
    parts = {part: getattr(given, part) for part in commands.PARTS}
    return {part: value for part, value in parts.items() if value is not None}


def spoken(translations: Sequence[TemplateTranslationInput] | None) -> dict[str, Content]:
    """The contents by locale; one that is there twice is told apart, so that it can be refused."""
    found: dict[str, Content] = {}
    for given in translations or ():
        locale = given.locale if given.locale not in found else f"{given.locale} "
        found[locale] = content_of(given)
    return found
