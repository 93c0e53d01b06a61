"""What a webhook is told of an event: what the schema answers to its selection, read with its scopes."""

from datetime import UTC, datetime

from db.webhooks import Due
from domain.access import Caller
from domain.events import EventType
from domain.webhooks import message_id
from resolvers.context import Context
from schema.selections import body
from workers.webhooks.outbound import Sending


async def render(sending: Sending, due: Due) -> bytes:
    """The payload of an event as the webhook wants it, read with the webhook's scopes."""
    caller = Caller(sending.organization_id, f"webhook:{sending.webhook.id}", frozenset(sending.webhook.scopes))
    context = Context(sending.database, caller, datetime.now(UTC))
    return await body(
        context, sending.webhook.selection, message_id(due.event_id), EventType(due.type), due.data, due.occurred_at
    )
