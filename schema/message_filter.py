"""Which messages to list, and in which order."""

from enum import StrEnum
from typing import Annotated

import strawberry

from db import messages
from db.statement import Statement
from domain.consents import Channel
from domain.messages import MessageStatus, SkipReason
from resolvers.ids import row_id
from schema.conditions import vocabulary  # noqa: F401  # registers Channel
from schema.enums import OrderDirection, described
from schema.fields import argument

described(
    MessageStatus,
    "What became of a message so far.",
    {
        "QUEUED": "It waits to be sent.",
        "CLAIMED": "A worker of an earlier version has it and has not called.",
        "SENDING": "A worker may have called the provider.",
        "UNCERTAIN": "Nobody knows whether the provider took it; messageResolve settles it.",
        "SENT": "The provider took it.",
        "DELIVERED": "The provider says that it arrived.",
        "OPENED": "A person opened it.",
        "CLICKED": "A person followed a link in it.",
        "BOUNCED": "It was taken and came back.",
        "FAILED": "The provider refused it for good.",
        "SKIPPED": "It will not be sent; skipReason says why.",
    },
)
described(
    SkipReason,
    "Why a customer of an audience gets nothing.",
    {
        "NO_ADDRESS": "There is no address for the channel.",
        "UNSUBSCRIBED": "The customer unsubscribed from the topic.",
        "NOT_CONSENTED": "The customer was asked and has not agreed.",
        "SUPPRESSED": "The address is suppressed.",
        "DUPLICATE_ADDRESS": "Another customer of the audience has the same address.",
        "CAMPAIGN_CANCELLED": "The campaign was cancelled before it was sent.",
        "LEFT_STAGE": "The customer left the stage whose message it was.",
        "MERGED": "The customer turned out to be another one who has a message of the campaign.",
        "CUSTOMER_DELETED": "The customer was deleted before it was sent.",
        "RENDER_ERROR": "The template cannot be rendered for this customer.",
        "FREQUENCY_CAPPED": "A frequency rule lets no more messages to the customer through.",
        "QUIET_HOURS_EXPIRED": "It could not be sent outside the customer's quiet hours in time.",
        "HOLDOUT": "The customer is held out of the experiment, to compare with.",
        "PAST_LOCAL_TIME": "The time it is to be sent at was past in the customer's time zone.",
    },
)


@strawberry.input(description="Which messages; all that is said must hold.")
class MessageWhereInput:
    campaign_id: strawberry.ID | None = strawberry.field(default=None, description="Of this campaign.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="To this customer.")
    status: list[MessageStatus] | None = strawberry.field(default=None, description="In one of these.")
    skip_reason: list[SkipReason] | None = strawberry.field(default=None, description="Skipped for one of these.")
    channel: list[Channel] | None = strawberry.field(default=None, description="On one of these channels.")
    is_test: bool | None = strawberry.field(default=None, description="Whether somebody only tried it out.")


class MessageOrderField(StrEnum):
    QUEUED_AT = "QUEUED_AT"


described(MessageOrderField, "What messages can be ordered by.", {"QUEUED_AT": "When it came into the ledger."})


@strawberry.input(description="How to order messages.")
class MessageOrder:
    field: MessageOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


Where = Annotated[MessageWhereInput | None, argument("Which; all without it.")]
Order = Annotated[MessageOrder | None, argument("The order; newest first without it.")]


def matching(where: MessageWhereInput | None = None, search: str | None = None) -> Statement | None:
    """The messages that are asked for."""
    wanted = where or MessageWhereInput()
    return messages.matching(
        campaign_id=row_id(wanted.campaign_id, "Campaign") if wanted.campaign_id else None,
        customer_id=row_id(wanted.customer_id, "Customer") if wanted.customer_id else None,
        status=wanted.status,
        skip_reason=wanted.skip_reason,
        channel=wanted.channel,
        is_test=wanted.is_test,
        search=search,
    )
