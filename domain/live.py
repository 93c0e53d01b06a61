"""Live events: what a commit tells those who watch, as ids and small facts, and how it travels as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

# Of one event; a refresh of a million tells their number and the first of them.
MOST_CUSTOMERS = 250


class Change(StrEnum):
    """Which way a membership changed."""

    ENTERED = "ENTERED"
    LEFT = "LEFT"


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """A bulk operation went on or ended; how far it is, is read when the event is delivered."""

    operation_id: UUID


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """A campaign moved, or some of its messages did; how far it is, is read when the event is delivered."""

    campaign_id: UUID


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """Customers entered or left one segment at one moment: `count` of them, the first of whom are named."""

    segment_id: UUID
    change: Change
    count: int
    customer_ids: tuple[UUID, ...]
    at: datetime

    @classmethod
    def of(cls, segment_id: UUID, change: Change, customer_ids: Sequence[UUID], at: datetime) -> "MembershipChange":
        return cls(segment_id, change, len(customer_ids), tuple(customer_ids[:MOST_CUSTOMERS]), at)


@dataclass(frozen=True, slots=True)
class StageChange:
    """Customers moved from a stage (None: their journey began) to another at one moment."""

    from_stage_id: UUID | None
    to_stage_id: UUID
    count: int
    customer_ids: tuple[UUID, ...]
    at: datetime

    @classmethod
    def of(
        cls, from_stage_id: UUID | None, to_stage_id: UUID, customer_ids: Sequence[UUID], at: datetime
    ) -> "StageChange":
        return cls(from_stage_id, to_stage_id, len(customer_ids), tuple(customer_ids[:MOST_CUSTOMERS]), at)


@dataclass(frozen=True, slots=True)
class Interruption:
    """Events are not told at the moment."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Events were lost, and from here on they are told again: whoever watches has to read what is stored."""


Event: TypeAlias = BulkProgress | CampaignProgress | MembershipChange | StageChange
Notice: TypeAlias = Interruption | Gap
# They carry no facts, so that of two that follow each other quickly the second says all.
PROGRESS = (BulkProgress, CampaignProgress)

_KINDS: dict[str, type[Any]] = {
    "bulk": BulkProgress,
    "campaign": CampaignProgress,
    "membership": MembershipChange,
    "stage": StageChange,
    "gap": Gap,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(event: Event | Gap) -> bytes:
    """One event as JSON."""
    return json.dumps({"kind": _NAMES[type(event)], **asdict(event)}, default=str).encode()


def decode(message: bytes) -> Event | Gap:
    """The inverse; raises ValueError, KeyError or TypeError for what `encode` did not write."""
    given = json.loads(message)
    kind = _KINDS[given.pop("kind")]
    event: Event | Gap = kind(**{name: _read(name, value) for name, value in given.items()})
    return event


def _read(name: str, value: Any) -> Any:
    if name == "customer_ids":
        return tuple(UUID(item) for item in value)
    if name == "at":
        return datetime.fromisoformat(value)
    if name == "change":
        return Change(value)
    return UUID(value) if name.endswith("_id") and value is not None else value
