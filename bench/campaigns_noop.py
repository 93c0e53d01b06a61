"""A provider that takes everything at once, and `python -m bench.campaigns_noop`: a worker that sends by it."""

import sys
from collections.abc import Sequence
from types import TracebackType
from uuid import UUID

from bench.campaigns_world import SECRET
from domain.messages import Answer, Outcome
from domain.providers import Capabilities
from workers.delivery import Delivery, deliver
from workers.main import work
from workers.parcels import Parcel


class Noop:
    """What is left is what sending itself costs."""

    name = "noop"
    capabilities = Capabilities(width=250)
    account_id: UUID | None = None

    async def __aenter__(self) -> "Noop":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def admit(self, count: int) -> int:
        return count

    async def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        return [Outcome(Answer.ACCEPTED, "taken") for _ in parcels]


if __name__ == "__main__":
    deliver(Delivery(Noop, SECRET, "hello@bench.example"))
    work(database_url=sys.argv[1], redis_url=sys.argv[2])
