"""Wrong keys are counted by where they come from, as failed sign-ins are; whoever has a right one is never kept out."""

from app.rate import Rates
from domain.access import NOBODY
from domain.sessions import FAILURE_PERIOD, MAX_FAILURES

# In points, of which one comes back each second.
_LIMIT = int(FAILURE_PERIOD.total_seconds())
_COST = _LIMIT // MAX_FAILURES
PREFIX = "wf_"


class WrongKeys:
    """The buckets of one process: MAX_FAILURES at once, and as many in FAILURE_PERIOD, of each address."""

    def __init__(self, redis_url: str | None) -> None:
        self._rates = Rates(redis_url, _LIMIT, 1, about="wrong-key:")

    async def count(self, authorization: str, address: str) -> None:
        """Of a header that was refused; raises RATE_LIMITED with the seconds to wait.

        Access tokens are not counted: pages come with ended ones all the time, and must hear that they have ended.
        """
        if authorization.partition(" ")[2].strip().startswith(PREFIX):
            await self._rates.meter(NOBODY, address).charge(_COST)

    async def close(self) -> None:
        await self._rates.close()
