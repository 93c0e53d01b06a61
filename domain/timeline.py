"""The timeline of a customer: which kinds of entries there are, and the scope that seeing each of them takes."""

from collections.abc import Iterable, Set
from enum import StrEnum


class EntryKind(StrEnum):
    """What an entry is; of facts the kind of the fact."""

    ORDER = "ORDER"
    REFUND = "REFUND"
    APPOINTMENT = "APPOINTMENT"
    CALL = "CALL"
    VISIT = "VISIT"
    TICKET = "TICKET"
    CLICK = "CLICK"
    INBOUND_MESSAGE = "INBOUND_MESSAGE"
    CUSTOM = "CUSTOM"
    STAGE_ENTERED = "STAGE_ENTERED"
    SEGMENT_ENTERED = "SEGMENT_ENTERED"
    SEGMENT_LEFT = "SEGMENT_LEFT"
    MESSAGE = "MESSAGE"
    CONSENT_CHANGED = "CONSENT_CHANGED"
    NOTE = "NOTE"
    TAGGED = "TAGGED"
    MERGED = "MERGED"


SCOPE = "customers:view"
_SCOPES = {
    EntryKind.STAGE_ENTERED: "journeys:view",
    EntryKind.SEGMENT_ENTERED: "segments:view",
    EntryKind.SEGMENT_LEFT: "segments:view",
    EntryKind.MESSAGE: "campaigns:view",
    EntryKind.CONSENT_CHANGED: "campaigns:view",
}


def shown(scopes: Set[str], wanted: Iterable[EntryKind] | None = None) -> list[EntryKind] | None:
    """The kinds that somebody with these scopes sees of those wanted; None when that is every kind there is."""
    kinds = set(EntryKind if wanted is None else wanted)
    seen = [kind for kind in EntryKind if kind in kinds and _SCOPES.get(kind, SCOPE) in scopes]
    return None if len(seen) == len(EntryKind) else seen
