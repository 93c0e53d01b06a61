"""What came back of a message as clients see it."""

from datetime import datetime

import strawberry

from domain.results.returns import BounceKind, ReturnType
from schema.enums import described
from schema.fields import column

described(
    ReturnType,
    "What happened to a message.",
    {
        "ACCEPTED": "The provider has begun with it.",
        "DEFERRED": "Its address said: later.",
        "DELIVERED": "It came to its address.",
        "OPENED": "It was opened.",
        "CLICKED": "A link of it was followed.",
        "BOUNCED": "It came back.",
        "COMPLAINED": "Its recipient called it spam.",
        "UNSUBSCRIBED": "Its recipient unsubscribed by it.",
        "REPLIED": "Its recipient answered it.",
    },
    name="MessageEventType",
)
described(
    BounceKind,
    "Why a message came back.",
    {"HARD": "Nobody will ever get anything there; the address is suppressed.", "SOFT": "Not this time."},
)


@strawberry.type(description="One thing that happened to a message. Nothing is kept of who did it.")
class MessageEvent:
    type: ReturnType = column("What.")
    at: datetime = column("When, by the clock of who told it.")
    received_at: datetime = column("When it was told.")
    provider: str = column("Who told it; wayfare for what we saw ourselves.")
    is_machine: bool = column("Whether the visit itself said that no person was looking.")
    link_url: str | None = column("Where the link leads that was followed.")
    bounce_kind: BounceKind | None = column("Of what came back, for how long.")
    detail: str | None = column("The other server's words, without addresses.")
