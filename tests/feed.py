"""Live events without Redis, for tests of what is told and not of how it travels."""

from collections.abc import Callable
from uuid import UUID

from domain.live import Event, Gap, Interruption
from resolvers.watch import Watch


class Here:
    """A feed without Redis: what this process commits is told at once."""

    def __init__(self) -> None:
        self.watches: dict[UUID, list[Watch]] = {}

    async def watch(self, organization_id: UUID, wanted: Callable[[Event], bool]) -> Watch:
        of_organization = self.watches.setdefault(organization_id, [])
        of_organization.append(Watch(wanted, of_organization.remove))
        return of_organization[-1]

    def announce(self, organization_id: UUID, events: list[Event]) -> None:
        self.notice(organization_id, *events)

    def notice(self, organization_id: UUID, *items: Event | Interruption | Gap) -> None:
        for item in items:
            for one in list(self.watches.get(organization_id, [])):
                one.tell(item)
