"""The timeline of a customer: each thing that happened, and what it is about."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from db.timeline import Entry
from domain.timeline import EntryKind
from resolvers import timeline as reading
from schema.consents import ConsentChange
from schema.facts import Event
from schema.fields import Info, column
from schema.journeys import StageTransition
from schema.merges import CustomerMerge
from schema.messages import Message
from schema.notes import CustomerNote
from schema.segments import SegmentMembershipChange
from schema.tags import Tag

TimelineSubject = Annotated[
    Event | StageTransition | SegmentMembershipChange | Message | ConsentChange | CustomerNote | Tag | CustomerMerge,
    strawberry.union("TimelineSubject", description="What an entry of a timeline is about."),
]


@strawberry.type(description="Something that happened to a customer.")
class TimelineEntry:
    kind: EntryKind = column("What kind of thing; the type of the subject follows from it.")
    occurred_at: datetime = column("When; of a message when it was sent, or else when it was queued.")

    @strawberry.field(
        description="What it is about: of facts an Event. Null when it is gone since.",
        graphql_type=TimelineSubject | None,
    )
    def subject(self, root: strawberry.Parent[Entry], info: Info) -> Any:
        return reading.subject(info.context, root)
