"""Campaigns: what one needs, and the state table that every change of status goes through."""

import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain import values
from domain.conditions import Condition
from domain.consents import Channel
from domain.refusals import Refused

MAX_SEGMENTS = 50
MAX_DESCRIPTION = 2_000
_TOPIC = re.compile(r"[a-z0-9][a-z0-9_.-]{0,49}")


class CampaignStatus(StrEnum):
    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class CampaignClass(StrEnum):
    """MARKETING needs the recipient's consent; TRANSACTIONAL (a receipt, a reminder) does not."""

    MARKETING = "MARKETING"
    TRANSACTIONAL = "TRANSACTIONAL"


class CampaignKind(StrEnum):
    """BROADCAST: to an audience; DIRECT: to named customers; TRIGGERED: of a stage's action, entered one by one."""

    BROADCAST = "BROADCAST"
    DIRECT = "DIRECT"
    TRIGGERED = "TRIGGERED"


class ChannelStrategy(StrEnum):
    """On which of its channels a campaign reaches a customer."""

    FIRST_AVAILABLE = "FIRST_AVAILABLE"
    PREFERRED = "PREFERRED"
    ALL = "ALL"


@dataclass(frozen=True, slots=True)
class ChannelContent:
    """What is said on one channel."""

    channel: Channel
    template_id: UUID


@dataclass(frozen=True, slots=True)
class Move:
    """Edges of the state table that one command or one system event takes: from any of `sources` to `target`."""

    done: str
    sources: frozenset[CampaignStatus]
    target: CampaignStatus


SCHEDULE = Move("scheduled", frozenset({CampaignStatus.DRAFT}), CampaignStatus.SCHEDULED)
UNSCHEDULE = Move("unscheduled", frozenset({CampaignStatus.SCHEDULED}), CampaignStatus.DRAFT)
SEND = Move("sent", frozenset({CampaignStatus.DRAFT, CampaignStatus.SCHEDULED}), CampaignStatus.RUNNING)
# By the clock: not a draft that was taken back meanwhile.
START = Move("started", frozenset({CampaignStatus.SCHEDULED}), CampaignStatus.RUNNING)
PAUSE = Move("paused", frozenset({CampaignStatus.RUNNING}), CampaignStatus.PAUSED)
RESUME = Move("resumed", frozenset({CampaignStatus.PAUSED}), CampaignStatus.RUNNING)
CANCEL = Move(
    "cancelled",
    frozenset({CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.PAUSED}),
    CampaignStatus.CANCELLED,
)
COMPLETE = Move("completed", frozenset({CampaignStatus.RUNNING}), CampaignStatus.COMPLETED)
FAIL = Move("given up", frozenset({CampaignStatus.RUNNING}), CampaignStatus.FAILED)

# A message that an operator puts back into the queue is sent even though its campaign has completed.
SENDING = frozenset({CampaignStatus.RUNNING, CampaignStatus.COMPLETED})


def refusal(move: Move, status: CampaignStatus) -> Refused:
    """Why a campaign of this status cannot make the move: ALREADY_SENDING for a second send, else WRONG_STATUS."""
    if move is SEND and status in (CampaignStatus.RUNNING, CampaignStatus.PAUSED):
        return Refused("ALREADY_SENDING", "This campaign is being sent already; it cannot be sent twice.")
    allowed = " or ".join(source for source in CampaignStatus if source in move.sources)
    return Refused("WRONG_STATUS", f"Only a campaign that is {allowed} can be {move.done}; this one is {status}.")


def require_draft(status: CampaignStatus) -> None:
    """Content and audience are fixed once sending begins; refuses WRONG_STATUS."""
    if status is not CampaignStatus.DRAFT:
        raise Refused("WRONG_STATUS", f"Only a draft can be changed or deleted; this campaign is {status}.")


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a campaign speaks to: members of any included segment and whoever the condition matches, of no excluded
    segment, who belong to the brand.

    channel: the first of `channels`, which are tried in their order. topic: what a customer of the brand may
    unsubscribe from, e.g. `marketing`. customer_ids: instead of segments and condition, these and nobody else;
    listed_in: the campaign whose list of recipients they are, when there are many.
    """

    brand_id: UUID
    include_segment_ids: tuple[UUID, ...]
    exclude_segment_ids: tuple[UUID, ...] = ()
    channel: Channel = Channel.EMAIL
    class_: CampaignClass = CampaignClass.MARKETING
    topic: str = "marketing"
    more_channels: tuple[Channel, ...] = ()
    strategy: ChannelStrategy = ChannelStrategy.FIRST_AVAILABLE
    condition: Condition | None = None
    customer_ids: tuple[UUID, ...] | None = None
    listed_in: UUID | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        return (self.channel, *self.more_channels)

    def check(self) -> "Audience":
        """Refuses EMPTY_AUDIENCE, TOO_MANY and INVALID."""
        if not self.include_segment_ids and self.condition is None and self.listed_in is None:
            message = (
                "Include at least one segment, or give a condition: a campaign never means everybody by saying nothing."
            )
            raise Refused("EMPTY_AUDIENCE", message, ("includeSegmentIds",))
        for field, ids in self._lists():
            if len(ids) > MAX_SEGMENTS:
                raise Refused("TOO_MANY", f"At most {MAX_SEGMENTS} segments.", (field,))
        topic(self.topic, "topic")
        return self

    @property
    def segment_ids(self) -> frozenset[UUID]:
        return frozenset(self.include_segment_ids + self.exclude_segment_ids)

    def field_of(self, segment_id: UUID) -> tuple[str, ...]:
        """The path of the input that names this segment."""
        for field, ids in self._lists():
            if segment_id in ids:
                return (field, str(ids.index(segment_id)))
        raise LookupError(segment_id)

    def _lists(self) -> tuple[tuple[str, tuple[UUID, ...]], ...]:
        return ("includeSegmentIds", self.include_segment_ids), ("excludeSegmentIds", self.exclude_segment_ids)


def topic(value: str, *field: str) -> str:
    """The name of a consent topic; refuses INVALID."""
    if not _TOPIC.fullmatch(value):
        raise Refused("INVALID", "A topic is 1 to 50 of a-z, 0-9, dot, dash and underscore, e.g. marketing.", field)
    return value


def name(value: str) -> str:
    return values.line(value, "name")


def description(value: str | None) -> str | None:
    """Free text or nothing; refuses INVALID."""
    if value is None or not value.strip():
        return None
    return values.text(value, "description", limit=MAX_DESCRIPTION)
