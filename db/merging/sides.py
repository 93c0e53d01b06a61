"""The two sides of a merge: who is kept, who is merged, who says so and when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sides:
    """What the statements of a merge have in common."""

    organization_id: UUID
    merged: UUID
    kept: UUID
    actor: str
    now: datetime

    @property
    def both(self) -> list[UUID]:
        return sorted([self.merged, self.kept])

    @property
    def ids(self) -> dict[str, UUID]:
        """As statements name them."""
        return {"kept": self.kept, "merged": self.merged}
