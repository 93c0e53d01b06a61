"""Provider accounts as clients see them, and which kinds of providers there are."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import providers
from db.organizations import BRAND_BY_ID
from domain.consents import Channel
from domain.providers import KINDS, AccountState, Capabilities, ProviderKind, TestStatus
from domain.results.callbacks import TELLING, callback_url
from resolvers.ids import row_id
from resolvers.providers import SCOPE
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
    related,
    scoped,
)
from schema.node import Node, node
from schema.organization import Brand
from schema.scalars import JSON

described(
    ProviderKind,
    "Who carries messages.",
    {
        "SMTP": "Mail by a mail server of one's own.",
        "SENDGRID": "Mail by SendGrid.",
        "MAILGUN": "Mail by Mailgun.",
        "TWILIO": "Text messages by Twilio.",
        "SNS": "Text messages by Amazon SNS.",
        "FCM": "Push messages by Firebase Cloud Messaging.",
        "APNS": "Push messages by Apple.",
        "WEB_PUSH": "Push messages to browsers, by VAPID.",
        "GOOGLE_WALLET": "Loyalty objects in Google Wallet.",
        "APPLE_WALLET": "Passes in Apple Wallet.",
        "WEBHOOK": "Messages posted to a URL, signed.",
        "INBOX": "The development inbox, which sends nothing to anybody.",
    },
)
described(
    AccountState,
    "Whether an account is used.",
    {"ACTIVE": "It carries messages.", "DISABLED": "It is kept and not used."},
)
described(
    TestStatus,
    "What a provider said of an account's credentials.",
    {
        "OK": "They are good.",
        "INVALID_CREDENTIALS": "It does not know them, or they may not do this.",
        "RATE_LIMITED": "It was asked too often to say.",
        "UNREACHABLE": "It gave no answer, or one that says nothing of them.",
    },
    name="ProviderTestStatus",
)


@strawberry.type(description="What a kind of provider can do.")
class ProviderCapabilities:
    width: int = strawberry.field(description="Calls at a time.")
    idempotent: bool = strawberry.field(
        description="Whether a repeated call reaches nobody twice, so that the policy RETRY cannot double."
    )
    receipts: bool = strawberry.field(description="Whether it tells later what became of a message.")
    max_per_second: int | None = strawberry.field(
        description="The pace of accounts that are given none, in calls a second; null for as quick as it goes."
    )


@strawberry.type(description="Something a kind of provider is told.")
class ProviderParameter:
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(description="What it means.")
    required: bool = strawberry.field(description="Whether it must be given.")


@strawberry.type(description="A kind of provider: what it carries, what it can do, and what an account is told.")
class ProviderKindDescription:
    kind: ProviderKind = strawberry.field(description="The kind.")
    channels: list[Channel] = strawberry.field(description="What it carries.")
    capabilities: ProviderCapabilities = strawberry.field(description="What it can do.")
    settings: list[ProviderParameter] = strawberry.field(description="What it is told in the open.")
    secrets: list[ProviderParameter] = strawberry.field(description="What it is told and never shows.")


def _capabilities(able: Capabilities) -> ProviderCapabilities:
    return ProviderCapabilities(
        width=able.width,
        idempotent=able.idempotent,
        receipts=able.receipts,
        max_per_second=able.max_per_second,
    )


def _parameters(told: Any) -> list[ProviderParameter]:
    return [
        ProviderParameter(name=name.rstrip("?"), description=description, required=not name.endswith("?"))
        for name, description in told.items()
    ]


@node(
    by_id=providers.ACCOUNT_BY_ID,
    scope=SCOPE,
    description="An account with a provider, which carries a brand's messages, or all of those that have none.",
)
class ProviderAccount(Node):
    name: str = column("What it is called here, unique in the organization.")
    kind: ProviderKind = column("Whose it is.")
    channel: Channel = column("What it carries.")
    brand: Brand | None = related(
        BRAND_BY_ID,
        "Whose messages it carries; null for each brand that has no account of its own.",
        scope="customers:view",
        key="brand_id",
    )
    settings: JSON = column("What it is told in the open, an object.")
    secret_names: list[str] = column("Which secrets it has; what they are is never shown.")
    key_id: str | None = column("The encryption key that sealed them, by its name; null without secrets.")
    rate_per_second: int | None = column("Calls a second at most; null for the kind's own pace.")
    daily_quota: int | None = column("Calls a day (UTC) at most; null for no limit.")
    used_today: int = column("Calls of today, counted while there is a quota.")
    state: AccountState = column("Whether it is used.")
    test_status: TestStatus | None = column("What the last test said; null before one, and after a change.")
    test_detail: str | None = column("In the provider's words.")
    test_latency_ms: int | None = column("How long the answer took, in milliseconds.")
    tested_at: datetime | None = column("When it was tested.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")

    @strawberry.field(
        description="What its provider is to call about messages and answers (docs/results.md); null where it tells "
        "nothing, and without PUBLIC_URL."
    )
    def callback_url(self, root: strawberry.Parent[Any], info: Info) -> str | None:
        base = info.context.tools.public_url
        if base is None or ProviderKind(root.kind) not in TELLING:
            return None
        return callback_url(base, info.context.organization_id, root.id)

    @strawberry.field(description="What its provider can do.")
    def capabilities(self, root: strawberry.Parent[Any]) -> ProviderCapabilities:
        return _capabilities(KINDS[ProviderKind(root.kind)].capabilities)


class ProviderAccountOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    NAME = "NAME"


described(
    ProviderAccountOrderField,
    "What accounts can be ordered by.",
    {"CREATED_AT": "When it was made.", "NAME": "Its name, by Unicode code point."},
)


@strawberry.input(description="How to order accounts.")
class ProviderAccountOrder:
    field: ProviderAccountOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which accounts; all that is said must hold.")
class ProviderAccountWhereInput:
    channel: Channel | None = strawberry.field(default=None, description="That carry this.")
    state: AccountState | None = strawberry.field(default=None, description="In this state.")


@strawberry.type
class ProviderQueries:
    @strawberry.field(
        description=scoped("One account, or null when there is none that you may see.", SCOPE),
        graphql_type=ProviderAccount | None,
    )
    def provider_account(self, info: Info, id: Annotated[strawberry.ID, argument("Its global id.")]) -> Any:
        info.context.caller.require(SCOPE)
        return info.context.loaders.one(providers.ACCOUNT_BY_ID, row_id(id, "ProviderAccount"))

    @strawberry.field(
        description=scoped("The organization's accounts with providers, at most 50.", SCOPE),
        graphql_type=Connection[ProviderAccount],
    )
    def provider_accounts(
        self,
        info: Info,
        where: Annotated[ProviderAccountWhereInput | None, argument("Which; all without it.")] = None,
        order_by: Annotated[ProviderAccountOrder | None, argument("The order; oldest first without it.")] = None,
        search: Annotated[str | None, argument("Words that the name contains.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(SCOPE)
        wanted = where or ProviderAccountWhereInput()
        matching = providers.matching_accounts(wanted.channel, wanted.state, search)
        arguments = page_arguments(first, after, last, before, order_by, matching)
        return info.context.loaders.page(providers.ACCOUNTS, own_key(info), arguments)

    @strawberry.field(description=scoped("The kinds of providers, and what an account of each is told.", SCOPE))
    def provider_kinds(self, info: Info) -> list[ProviderKindDescription]:
        info.context.caller.require(SCOPE)
        return [
            ProviderKindDescription(
                kind=kind,
                channels=list(known.channels),
                capabilities=_capabilities(known.capabilities),
                settings=_parameters(known.settings),
                secrets=_parameters(known.secrets),
            )
            for kind, known in KINDS.items()
        ]
