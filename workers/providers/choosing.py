"""Which provider carries a campaign's messages on a channel."""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

from domain.consents import Channel
from workers.delivery import delivery
from workers.jobs import Run
from workers.providers.provider import Provider, UnreachableError


async def provider_for(
    run: Run,  # noqa: ARG001 - who asks decides once there are accounts
    brand_id: UUID,  # noqa: ARG001
    channel: Channel,
) -> AbstractAsyncContextManager[Provider]:
    """The brand's active account of the channel, else the organization's, else the installation's SMTP_URL for mail.

    Raises UnreachableError, which says what to do, when there is none.
    """
    if channel is Channel.EMAIL:
        return delivery().connect()
    raise UnreachableError(f"Nobody set up a provider for {channel}: make one by providerAccountCreate.")
