"""How this installation uses accounts of providers: its keys, the networks it may reach, and its inbox, if any."""

from collections.abc import Awaitable, Callable, Mapping

from app.settings import Settings
from app.webhooks import vault
from db.providers import Account, Tested
from domain.consents import Channel
from domain.providers import ProviderKind
from workers.providers.carrier import Known
from workers.providers.outside import Outside
from workers.providers.trying import tried


def outside(settings: Settings, redis_url: str | None) -> Outside | None:
    """None without a secret: nothing can be opened then."""
    found = vault(settings)
    if found is None:
        return None
    inbox = settings.state / "inbox" if settings.dev_key is not None else None
    return Outside(found, settings.outbound_networks, inbox, redis_url, settings.public_url)


def carried(settings: Settings) -> frozenset[Channel]:
    """The channels of which messages go without an account: mail by SMTP_URL, all others into the inbox if any."""
    found = outside(settings, None)
    inbox = frozenset(Channel) - {Channel.EMAIL} if found is not None and found.inbox is not None else frozenset()
    return inbox | {Channel.EMAIL} if settings.smtp_url else inbox


def trying(settings: Settings) -> Callable[[Account, Mapping[str, str]], Awaitable[Tested]] | None:
    """How accounts are tried out."""
    found = outside(settings, None)
    if found is None:
        return None
    return lambda account, secrets: tried(known(account, secrets), found)


def known(account: Account, secrets: Mapping[str, str]) -> Known:
    kind = ProviderKind(account.kind)
    return Known(account.id, account.version, kind, account.name, account.settings, secrets)
