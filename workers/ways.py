"""The ways on which a campaign's messages can go at present: a provider for each of its channels."""

from contextlib import AsyncExitStack
from types import TracebackType

from db.campaigns import Campaign
from domain.consents import Channel
from workers.jobs import Run
from workers.providers.choosing import provider_for
from workers.providers.provider import Provider, UnreachableError


class Ways:
    """Opens a provider for each channel, for as long as the block runs.

    One that cannot be reached holds up its own channel only. Raises UnreachableError when there is no way at all.
    """

    def __init__(self, run: Run, campaign: Campaign) -> None:
        self._run, self._campaign = run, campaign
        self._stack = AsyncExitStack()
        self.providers: dict[Channel, Provider] = {}
        self.trouble: UnreachableError | None = None
        """Why a channel cannot be used."""

    async def __aenter__(self) -> "Ways":
        try:
            for channel in self._campaign.audience.channels:
                await self._open(channel)
        except BaseException:
            await self._stack.aclose()
            raise
        if not self.providers and self.trouble is not None:
            raise self.trouble
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _open(self, channel: Channel) -> None:
        try:
            provider = await provider_for(self._run, self._campaign.brand_id, channel)
            self.providers[channel] = await self._stack.enter_async_context(provider)
        except UnreachableError as error:
            self.trouble = self.trouble or error
