"""Which entries of a timeline are asked for."""

from datetime import datetime

import strawberry

from domain.timeline import EntryKind
from schema.enums import described

described(
    EntryKind,
    "What kind of thing happened to a customer.",
    {
        "ORDER": "An order was placed.",
        "REFUND": "Money was given back.",
        "APPOINTMENT": "There was an appointment, or was to be one.",
        "CALL": "There was a call.",
        "VISIT": "There was a visit.",
        "TICKET": "There was a ticket of support.",
        "CLICK": "They followed a link of a message.",
        "INBOUND_MESSAGE": "They wrote a message.",
        "CUSTOM": "There was an event of the organization's own.",
        "STAGE_ENTERED": "They entered a stage of the lifecycle. Seen with `journeys:view`.",
        "SEGMENT_ENTERED": "They became a member of a segment. Seen with `segments:view`.",
        "SEGMENT_LEFT": "They stopped being a member of a segment. Seen with `segments:view`.",
        "MESSAGE": "A message to them was sent, or queued or skipped. Seen with `campaigns:view`.",
        "CONSENT_CHANGED": "What they want of a brand changed. Seen with `campaigns:view`.",
        "NOTE": "Somebody wrote a note about them.",
        "TAGGED": "A tag that they have was put on them.",
        "MERGED": "Another customer turned out to be them.",
    },
    name="TimelineEntryKind",
)


@strawberry.input(description="Which entries of a timeline; all that is said must hold.")
class TimelineWhereInput:
    kinds: list[EntryKind] | None = strawberry.field(default=None, description="Of one of these kinds.")
    since: datetime | None = strawberry.field(default=None, description="Then or later.")
    until: datetime | None = strawberry.field(default=None, description="Before then.")
