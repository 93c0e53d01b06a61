"""Starting points of templates, and previews for a customer."""

from typing import Annotated

import strawberry

from domain.consents import Channel
from domain.previews import WarningCode, counted
from domain.sms import Encoding
from domain.starting_points import STARTING_POINTS
from domain.templates import Localized
from resolvers import template_preview as asked
from resolvers.ids import row_id
from schema.enums import described
from schema.fields import Info, argument, column, scoped
from schema.scalars import JSON
from schema.template_changes import TemplateTranslationInput, content_of, spoken
from schema.templates import VIEW

described(
    WarningCode,
    "What a person should look at before a message is sent.",
    {
        "VALUE_MISSING": "The customer has no value for a name, so it is empty or what a default says.",
        "NO_UNSUBSCRIBE_LINK": "A mail in which nothing says how to unsubscribe.",
        "NO_PUBLIC_URL": "The installation has no public address, so links of ours are empty.",
        "TEXT_DERIVED": "The text part is made from the HTML part.",
        "SUBJECT_LONG": "The subject is longer than mail programs show.",
        "HTML_LONG": "The mail is longer than Gmail shows.",
        "SEGMENTS": "A text message that is billed as several.",
        "UNICODE": "A character because of which a text message has less room.",
        "TEMPLATE_ERROR": "It cannot be rendered for this customer, who would be skipped.",
    },
)
described(
    Encoding,
    "How the characters of a text message are sent.",
    {"GSM_7": "Seven bits each: 160 in a message.", "UCS_2": "Sixteen bits each: 70 in a message."},
)


@strawberry.type(description="What shops often say, to begin a template with.")
class TemplateStartingPoint:
    key: str = column("What templateCreate takes as from.")
    kind: str = column("What it is for: welcome, birthday, progress, reward, re-engagement, promotion and others.")
    name: str = column("What to call it in front of people.")
    description: str = column("What it says, and to whom.")
    channel: Channel = column("The channel.")
    subject: str = column("The subject, title or header, in Liquid; empty for SMS and WEBHOOK.")
    html: str | None = column("The HTML part, in Liquid.")
    text: str | None = column("The text, in Liquid.")
    preheader: str | None = column("What mail programs show beside the subject, in Liquid.")
    data: JSON | None = column("What an app, a pass or a receiver is told besides.")


@strawberry.type(description="Something to look at before a message is sent.")
class TemplateWarning:
    code: WarningCode = column("What it is.")
    message: str = column("The same for people.")
    part: str | None = column("The part it is about.")


@strawberry.type(description="What a text message is billed by.")
class SmsMeasure:
    encoding: Encoding = column("How its characters are sent.")
    units: int = column("How many units of the encoding it takes.")
    segments: int = column("How many messages it is sent as.")


@strawberry.type(description="A message as a customer would get it.")
class TemplatePreview:
    channel: Channel = column("The channel.")
    locale: str | None = column("Of the translation that fits the customer; null: the default.")
    subject: str | None = column("The subject, title or header; null if it cannot be rendered.")
    html: str | None = column("The HTML part as it is sent, with styles in its elements.")
    text: str | None = column("The text.")
    preheader: str | None = column("What mail programs show beside the subject.")
    data: JSON | None = column("What an app, a pass or a receiver is told besides.")
    sms: SmsMeasure | None = column("Of a text message.")
    warnings: list[TemplateWarning] = column("What to look at.")


@strawberry.input(description="What shall become a template.")
class TemplateDraftInput:
    brand_id: strawberry.ID = strawberry.field(description="The brand it speaks for.")
    channel: Channel = strawberry.field(default=Channel.EMAIL, description="The channel.")
    subject: str | None = strawberry.field(default=None, description="The subject, title or header.")
    html: str | None = strawberry.field(default=None, description="The HTML part.")
    text: str | None = strawberry.field(default=None, description="The text.")
    preheader: str | None = strawberry.field(default=None, description="What mail programs show beside the subject.")
    data: JSON | None = strawberry.field(default=None, description="What an app, a pass or a receiver is told.")
    translations: list[TemplateTranslationInput] | None = strawberry.field(
        default=None, description="The same in other languages."
    )


@strawberry.type
class TemplatePreviewQueries:
    @strawberry.field(description=scoped("What shops often say; templateCreate begins with one by from.", VIEW))
    def template_starting_points(
        self, info: Info, channel: Annotated[Channel | None, argument("Only for this channel.")] = None
    ) -> list[TemplateStartingPoint]:
        info.context.caller.require(VIEW)
        return [
            TemplateStartingPoint(
                key=point.key,
                kind=point.kind,
                name=point.name,
                description=point.description,
                channel=point.channel,
                subject=point.content.subject,
                html=point.content.html,
                text=point.content.text,
                preheader=point.content.preheader,
                data=point.content.data,  # type: ignore[arg-type]  # JSON is a scalar
            )
            for point in STARTING_POINTS.values()
            if channel in (None, point.channel)
        ]

    @strawberry.field(
        description=scoped(
            "A template, or what shall become one, as a customer would get it; null when either does not exist. Needs "
            "customers:view too.",
            VIEW,
        )
    )
    async def template_preview(
        self,
        info: Info,
        customer_id: Annotated[strawberry.ID, argument("Whose data fill it in.")],
        template_id: Annotated[strawberry.ID | None, argument("The template; or give a draft.")] = None,
        draft: Annotated[TemplateDraftInput | None, argument("What is not stored yet.")] = None,
        locale: Annotated[str | None, argument("As if the customer had this locale.")] = None,
    ) -> TemplatePreview | None:
        info.context.caller.require(VIEW)
        info.context.caller.require("customers:view")
        found = await asked.preview(
            info.context,
            row_id(template_id, "Template") if template_id else None,
            _draft(draft) if draft else None,
            row_id(customer_id, "Customer"),
            locale,
        )
        return None if found is None else _shown(found)


def _draft(given: TemplateDraftInput) -> asked.Draft:
    said = Localized(content_of(given), spoken(given.translations))
    return asked.Draft(row_id(given.brand_id, "Brand"), given.channel, said)


def _shown(found: asked.Preview) -> TemplatePreview:
    content = found.content
    told = counted(found.channel, content) if content else None
    return TemplatePreview(
        channel=found.channel,
        locale=found.locale,
        subject=content.subject if content else None,
        html=content.html if content else None,
        text=content.text if content else None,
        preheader=content.preheader if content else None,
        data=content.data if content else None,  # type: ignore[arg-type]  # JSON is a scalar
        sms=SmsMeasure(encoding=told.encoding, units=told.units, segments=told.segments) if told else None,
        warnings=[TemplateWarning(code=w.code, message=w.message, part=w.part) for w in found.warnings],
    )
