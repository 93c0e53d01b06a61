"""Templates of messages, and the vocabulary that templates and campaigns share."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import templates
from db.organizations import BRAND_BY_ID
from domain.consents import Channel
from domain.refusals import Refused
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
    connected,
    listed,
    own_key,
    page_arguments,
    related,
    scoped,
)
from schema.node import Node, node
from schema.organization import Brand
from schema.payloads import UserError, user_errors
from schema.scalars import JSON

VIEW = "campaigns:view"
EDIT = "campaigns:edit"


class CampaignErrorCode(StrEnum):
    ALREADY_CONCLUDED = "ALREADY_CONCLUDED"
    ALREADY_SENDING = "ALREADY_SENDING"
    STALE = "STALE"
    EMPTY_AUDIENCE = "EMPTY_AUDIENCE"
    EMPTY_GROUP = "EMPTY_GROUP"
    IN_USE = "IN_USE"
    INVALID = "INVALID"
    INVALID_CONDITION = "INVALID_CONDITION"
    NAME_TAKEN = "NAME_TAKEN"
    NOT_FOUND = "NOT_FOUND"
    PROVIDER_MISSING = "PROVIDER_MISSING"
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
        "IN_USE": "Campaigns use it; the message names them.",
        "INVALID": "A value cannot be accepted.",
        "INVALID_CONDITION": "The condition cannot be read, or names what does not exist.",
        "NAME_TAKEN": "The brand has a template of this name.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "PROVIDER_MISSING": "Nobody carries messages on a channel; the message says which one and what to do.",
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


@strawberry.type(description="What a template says in another language.")
class TemplateTranslation:
    locale: str = column("The locale, e.g. de or de-AT.")
    subject: str = column("The subject, title or header, in Liquid; empty for SMS and WEBHOOK.")
    html: str | None = column("The HTML part of a mail, in Liquid.")
    text: str | None = column("The text, in Liquid.")
    preheader: str | None = column("What mail programs show beside the subject, in Liquid.")
    data: JSON | None = column("What an app, a pass or a receiver is told besides; its texts are Liquid.")


@strawberry.type(description="A version of a template; it never changes.")
class TemplateVersion:
    number: int = column("Which one; 1 is the first.")
    subject: str = column("The subject, title or header, in Liquid; empty for SMS and WEBHOOK.")
    html: str | None = column("The HTML part of a mail, in Liquid.")
    text: str | None = column("The text, in Liquid.")
    preheader: str | None = column("What mail programs show beside the subject, in Liquid.")
    data: JSON | None = column("What an app, a pass or a receiver is told besides; its texts are Liquid.")
    actor: str = column("Who made it.")
    created_at: datetime = column("When it was made.")


@node(by_id=templates.TEMPLATE_BY_ID, scope=VIEW, description="What a message says, with its newest content.")
class Template(Node):
    name: str = column("Its name, unique in the brand.")
    channel: Channel = column("The channel it is written for.")
    subject: str = column("The subject, title or header, in Liquid; empty for SMS and WEBHOOK.")
    html: str | None = column("The HTML part of a mail, in Liquid; values are escaped.")
    text: str | None = column("The text, in Liquid; null: a mail's is made from its HTML part.")
    preheader: str | None = column("What mail programs show beside the subject, in Liquid.")
    data: JSON | None = column(
        "What an app, a pass or a receiver is told besides, by name; its texts are Liquid. `url` opens at a tap."
    )
    current_version: int = column("The number of the newest content; campaigns that were sent keep theirs.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")
    archived_at: datetime | None = column("When it was archived; null while it is offered.")
    brand: Brand | None = related(BRAND_BY_ID, "The brand it speaks for.", scope="customers:view", key="brand_id")
    translations: list[TemplateTranslation] = listed(
        templates.TRANSLATIONS_OF_TEMPLATE, "The newest content in other languages, by locale."
    )
    versions: Connection[TemplateVersion] = connected(templates.VERSIONS_OF_TEMPLATE, "All versions, newest first.")


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


@strawberry.input(description="Which templates; all that is said must hold.")
class TemplateWhereInput:
    brand_id: strawberry.ID | None = strawberry.field(default=None, description="Of this brand.")
    channel: list[Channel] | None = strawberry.field(default=None, description="For one of these channels.")
    archived: bool | None = strawberry.field(
        default=None, description="Archived, or not; whatever the argument archived says."
    )


@strawberry.type
class TemplateQueries:
    @strawberry.field(description=scoped("The organization's templates.", VIEW), graphql_type=Connection[Template])
    def templates(
        self,
        info: Info,
        where: Annotated[TemplateWhereInput | None, argument("Which; all that are offered without it.")] = None,
        order_by: Annotated[TemplateOrder | None, argument("The order; oldest first without it.")] = None,
        brand_id: Annotated[strawberry.ID | None, argument("Only of this brand.")] = None,
        channel: Annotated[Channel | None, argument("Only for this channel.")] = None,
        archived: Annotated[bool, argument("Those that are archived, instead of those that are offered.")] = False,
        search: Annotated[str | None, argument("Words that the name contains.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        wanted = where or TemplateWhereInput()
        matching = templates.matching(
            [row_id(one, "Brand") for one in (brand_id, wanted.brand_id) if one],
            [channels for channels in ([channel] if channel else None, wanted.channel) if channels is not None],
            search,
            archived=archived if wanted.archived is None else wanted.archived,
        )
        arguments = page_arguments(first, after, last, before, order_by, matching)
        return info.context.loaders.page(templates.TEMPLATES, own_key(info), arguments)
