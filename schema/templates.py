"""Templates of messages, and the vocabulary that templates and campaigns share."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import templates
from db.organizations import BRAND_BY_ID
from domain.consents import Channel
from domain.refusals import Refused
from domain.templates import Content, listed
from resolvers import templates as commands
from resolvers.ids import row_id
from schema.conditions import vocabulary  # noqa: F401  # registers Channel
from schema.connections import Connection
from schema.enums import OrderDirection, described
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    own_key,
    page_arguments,
    read,
    related,
    scoped,
)
from schema.node import Node, node
from schema.organization import Brand
from schema.payloads import Payload, UserError, user_errors

VIEW = "campaigns:view"
EDIT = "campaigns:edit"


class CampaignErrorCode(StrEnum):
    ALREADY_CONCLUDED = "ALREADY_CONCLUDED"
    ALREADY_SENDING = "ALREADY_SENDING"
    STALE = "STALE"
    EMPTY_AUDIENCE = "EMPTY_AUDIENCE"
    EMPTY_GROUP = "EMPTY_GROUP"
    INVALID = "INVALID"
    INVALID_CONDITION = "INVALID_CONDITION"
    NAME_TAKEN = "NAME_TAKEN"
    NOT_FOUND = "NOT_FOUND"
    SEGMENT_NOT_ACTIVE = "SEGMENT_NOT_ACTIVE"
    SENDER_MISSING = "SENDER_MISSING"
    TEMPLATE_ERROR = "TEMPLATE_ERROR"
    TOO_COMPLEX = "TOO_COMPLEX"
    TOO_MANY = "TOO_MANY"
    WRONG_CHANNEL = "WRONG_CHANNEL"
    WRONG_STATUS = "WRONG_STATUS"


described(
    CampaignErrorCode,
    "Why a command on campaigns or templates was refused.",
    {
        "ALREADY_CONCLUDED": "The experiment is decided already.",
        "ALREADY_SENDING": "It is being sent already.",
        "STALE": "It was changed since the version you expected.",
        "EMPTY_AUDIENCE": "No segment is included and no condition given.",
        "EMPTY_GROUP": "A group of conditions is empty; it would mean everybody.",
        "INVALID": "A value cannot be accepted.",
        "INVALID_CONDITION": "The condition cannot be read, or names what does not exist.",
        "NAME_TAKEN": "The brand has a template of this name.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "SEGMENT_NOT_ACTIVE": "A segment of the audience is not active.",
        "SENDER_MISSING": "The brand has no address to send from.",
        "TEMPLATE_ERROR": "The template cannot be rendered.",
        "TOO_COMPLEX": "The condition has too many levels, leaves or values.",
        "TOO_MANY": "The list is longer than one command takes.",
        "WRONG_CHANNEL": "The template is written for another channel.",
        "WRONG_STATUS": "The campaign's status does not allow it.",
    },
)


@strawberry.type(description="Why a command on campaigns or templates was refused.")
class CampaignUserError(UserError):
    code: CampaignErrorCode = strawberry.field(description="The kind of refusal.")


def errors(refusals: list[Refused]) -> list[CampaignUserError]:
    return user_errors(CampaignUserError, CampaignErrorCode, refusals)


@node(by_id=templates.TEMPLATE_BY_ID, scope=VIEW, description="What a message says, with its newest content.")
class Template(Node):
    name: str = column("Its name, unique in the brand.")
    channel: Channel = column("The channel it is written for.")
    subject: str = column("The subject, in Liquid.")
    html: str | None = column("The HTML part, in Liquid; values are escaped.")
    text: str | None = column("The text part, in Liquid.")
    current_version: int = column("The number of the newest content; campaigns that were sent keep theirs.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")
    brand: Brand | None = related(BRAND_BY_ID, "The brand it speaks for.", scope="customers:view", key="brand_id")


class TemplateOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    NAME = "NAME"


described(
    TemplateOrderField,
    "What templates can be ordered by.",
    {"CREATED_AT": "When it was made.", "NAME": "Its name, by Unicode code point."},
)


@strawberry.input(description="How to order templates.")
class TemplateOrder:
    field: TemplateOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.type
class TemplateQueries:
    @strawberry.field(description=scoped("The organization's templates.", VIEW), graphql_type=Connection[Template])
    def templates(
        self,
        info: Info,
        order_by: Annotated[TemplateOrder | None, argument("The order; oldest first without it.")] = None,
        brand_id: Annotated[strawberry.ID | None, argument("Only of this brand.")] = None,
        search: Annotated[str | None, argument("Words that the name contains.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        where = templates.matching(row_id(brand_id, "Brand") if brand_id else None, search)
        arguments = page_arguments(first, after, last, before, order_by, where)
        return info.context.loaders.page(templates.TEMPLATES, own_key(info), arguments)


_NAMES = f"Liquid with if, unless and case over {listed()}; each also in camelCase."


@strawberry.input(description=f"A template to make. {_NAMES}")
class TemplateCreateInput:
    brand_id: strawberry.ID = strawberry.field(description="The brand it speaks for.")
    name: str = strawberry.field(description="Its name, unique in the brand.")
    subject: str = strawberry.field(description="The subject, at most 500 characters of Liquid on one line.")
    html: str | None = strawberry.field(default=None, description="The HTML part; it or text is needed.")
    text: str | None = strawberry.field(default=None, description="The text part; it or html is needed.")


@strawberry.input(description=f"What to change of a template; what is left out stays. {_NAMES}")
class TemplateUpdateInput:
    template_id: strawberry.ID = strawberry.field(description="Which template.")
    name: str | None = strawberry.field(default=None, description="Its name, unique in the brand.")
    subject: str | None = strawberry.field(default=None, description="The subject.")
    html: str | None = strawberry.field(default=strawberry.UNSET, description="The HTML part; null removes it.")
    text: str | None = strawberry.field(default=strawberry.UNSET, description="The text part; null removes it.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.type(description="The template made.")
class TemplateCreatePayload(Payload):
    template: Template | None = strawberry.field(description="The template, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The template after the change.")
class TemplateUpdatePayload(Payload):
    template: Template | None = strawberry.field(description="The template, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class TemplateMutations:
    @strawberry.mutation(description=scoped("Makes a template.", EDIT))
    async def template_create(
        self, info: Info, input: Annotated[TemplateCreateInput, argument("The template.")]
    ) -> TemplateCreatePayload:
        content = Content(input.subject, input.html, input.text)
        brand_id = row_id(input.brand_id, "Brand")
        made, refusals = await commands.create(info.context, brand_id, input.name, content)
        return TemplateCreatePayload(template=read(info, templates.TEMPLATE_BY_ID, made), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Changes a template; other content becomes its next version.", EDIT))
    async def template_update(
        self, info: Info, input: Annotated[TemplateUpdateInput, argument("What to change.")]
    ) -> TemplateUpdatePayload:
        given = {"name": input.name, "subject": input.subject}
        bodies = {"html": input.html, "text": input.text}
        given |= {part: body for part, body in bodies.items() if body is not strawberry.UNSET}
        template_id = row_id(input.template_id, "Template")
        changed, refusals = await commands.update(info.context, template_id, given, input.expected_version)
        return TemplateUpdatePayload(
            template=read(info, templates.TEMPLATE_BY_ID, changed), user_errors=errors(refusals)
        )
