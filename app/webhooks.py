"""How this installation sends webhooks: its secrets, and the networks it may reach."""

import logging

from app.secret import known_secret
from app.settings import Settings
from db.vault import Vault
from workers.webhooks.outbound import Outbound, send_webhooks


def vault(settings: Settings) -> Vault | None:
    """Seals with the newest of the encryption keys; WAYFARE_SECRET seals without them, and opens what it sealed."""
    secret = known_secret(settings)
    keys = [key.encode() for key in settings.encryption_keys] + ([secret] if secret else [])
    return Vault(keys) if keys else None


def send(settings: Settings) -> None:
    """Says how this worker sends webhooks; without a secret it sends none."""
    from app.payloads import render  # the whole schema: only a worker needs it here

    found = vault(settings)
    if found is None:
        logging.warning("WAYFARE_SECRET is not set: webhooks wait.")
    else:
        send_webhooks(Outbound(found, render, settings.outbound_networks))
