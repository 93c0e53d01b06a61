"""How this installation sends webhooks: its secrets, the networks it may reach, payloads that the schema answers."""

import logging
from datetime import UTC, datetime

from app.secret import known_secret
from app.settings import Settings
from db.webhooks import Due, Vault
from domain.access import Caller
from domain.events import EventType
from domain.webhooks import message_id
from resolvers.context import Context
from schema.selections import body
from workers.webhooks.outbound import Outbound, Sending, send_webhooks


def vault(settings: Settings) -> Vault | None:
    """Seals with the newest of the encryption keys; WAYFARE_SECRET seals without them, and opens what it sealed."""
    secret = known_secret(settings)
    keys = [key.encode() for key in settings.encryption_keys] + ([secret] if secret else [])
    return Vault(keys) if keys else None


def send(settings: Settings) -> None:
    """Says how this worker sends webhooks; without a secret it sends none."""
    found = vault(settings)
    if found is None:
        logging.warning("WAYFARE_SECRET is not set: webhooks wait.")
    else:
        send_webhooks(Outbound(found, render, settings.outbound_networks))


async def render(sending: Sending, due: Due) -> bytes:
    """The payload of an event as the webhook wants it, read with the webhook's scopes."""
    caller = Caller(sending.organization_id, f"webhook:{sending.webhook.id}", frozenset(sending.webhook.scopes))
    context = Context(sending.database, caller, datetime.now(UTC))
    return await body(
        context, sending.webhook.selection, message_id(due.event_id), EventType(due.type), due.data, due.occurred_at
    )
