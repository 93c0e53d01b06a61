"""Which provider carries a campaign's messages on a channel."""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

from db import providers
from domain.consents import Channel
from domain.providers import ProviderKind
from workers.delivery import Delivery, delivery
from workers.jobs import Run
from workers.providers.account import Account, Line, opened
from workers.providers.carrier import Known
from workers.providers.devices import Devices
from workers.providers.outside import Outside
from workers.providers.provider import Provider, UnreachableError

_ON_DEVICES = (Channel.PUSH, Channel.WALLET)


async def provider_for(run: Run, brand_id: UUID, channel: Channel) -> AbstractAsyncContextManager[Provider]:
    """The brand's active account of the channel, else the organization's, else the installation's SMTP_URL for mail.

    In development the inbox takes what is left. Raises UnreachableError, which says what to do, when there is none.
    """
    here = delivery()
    async with run.database.tenant(run.organization_id) as tx:
        found = await providers.active_accounts(tx, brand_id, channel.value)
    if found and here.outside is None:
        raise UnreachableError("The workers have no WAYFARE_SECRET, so no account can be used.")
    if not found or here.outside is None:
        return _without_account(run, here, channel)
    lines = [await opened(run.database, run.organization_id, here.outside, account) for account in found]
    return _carried(run, lines, here.outside, channel)


def _without_account(run: Run, here: Delivery, channel: Channel) -> AbstractAsyncContextManager[Provider]:
    if channel is Channel.EMAIL:
        return here.connect()
    if here.outside is None or here.outside.inbox is None:
        raise UnreachableError(f"Nobody set up a provider for {channel}: make one by providerAccountCreate.")
    # Nobody's account, so nothing of it is counted anywhere.
    known = Known(run.organization_id, 0, ProviderKind.INBOX, "The inbox", {}, {})
    line = Line(run.database, run.organization_id, known, None, None)
    return _carried(run, [line], here.outside, channel)


def _carried(run: Run, lines: list[Line], outside: Outside, channel: Channel) -> AbstractAsyncContextManager[Provider]:
    if channel in _ON_DEVICES:
        return Devices(run.database, run.organization_id, lines, outside)
    return Account(lines[0], outside)
