"""What came back of messages as people read it: the events of one, and the links of a campaign."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.relations import Relation, Sort


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """One thing that happened; is_machine: by what the visit said of itself. link_url: of a click that we saw."""

    type: str
    at: datetime
    received_at: datetime
    provider: str
    is_machine: bool
    link_url: str | None
    bounce_kind: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """A link of what a campaign said, and how many of its messages people followed it from."""

    id: UUID
    url: str
    clicked: int


EVENTS_OF_MESSAGE = Relation(
    "events_of_message",
    MessageEvent,
    """
    (select e.*, l.url as link_url
     from message_event e left join link l on l.organization_id = e.organization_id and l.id = e.link_id) t
    """,
    key="t.message_id",
    orders=(("AT", Sort("t.at", "timestamptz")),),
    tie=Sort("(t.provider || ' ' || t.event_id) collate \"C\"", "text"),
)
LINKS_OF_CAMPAIGN = Relation(
    "links_of_campaign",
    LinkFigures,
    """
    (select l.organization_id, m.campaign_id, l.id, l.url, count(distinct m.id) as clicked
     from message m
     join message_event e on e.organization_id = m.organization_id and e.message_id = m.id and e.type = 'CLICKED'
                         and not e.is_machine
     join link l on l.organization_id = e.organization_id and l.id = e.link_id
     where m.clicked_at is not null and not m.is_test
     group by 1, 2, 3, 4) t
    """,
    key="t.campaign_id",
    orders=(("URL", Sort('t.url collate "C"', "text")),),
)
