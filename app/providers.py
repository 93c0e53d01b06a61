"""How this installation uses accounts of providers: its keys, the networks it may reach, and its inbox, if any."""

from app.settings import Settings
from app.webhooks import vault
from workers.providers.outside import Outside


def outside(settings: Settings, redis_url: str | None) -> Outside | None:
    """None without a secret: nothing can be opened then."""
    found = vault(settings)
    if found is None:
        return None
    inbox = settings.state / "inbox" if settings.dev_key is not None else None
    return Outside(found, settings.outbound_networks, inbox, redis_url)
