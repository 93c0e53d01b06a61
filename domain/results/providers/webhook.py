"""Receivers of our own webhook channel: they say what became of a message by its id."""

from datetime import datetime

from domain.results.callbacks import MOST_EVENTS, Told, UnreadableError
from domain.results.providers.reading import instant, mapping, our_id, parsed
from domain.results.returns import BounceKind, Returned, ReturnType, harmless

NAME = "webhook"
_PREFIX = "message."


def read(body: bytes, identifier: str, now: datetime) -> Told:
    """`{"events": [{"type": "message.delivered", "messageId", "at"?, "bounceKind"?, "detail"?}]}`, or one of them.

    identifier: the callback's webhook-id, which names its events with their place. Raises UnreadableError.
    """
    given = mapping(parsed(body))
    listed = given.get("events", [given])
    if not isinstance(listed, list) or len(listed) > MOST_EVENTS:
        raise UnreadableError(f"not an array of at most {MOST_EVENTS} events")
    events = (_event(mapping(item), f"{identifier}:{place}", now) for place, item in enumerate(listed))
    return Told(tuple(event for event in events if event is not None))


def _event(given: dict[str, object], event_id: str, now: datetime) -> Returned | None:
    named = str(given.get("type") or "").removeprefix(_PREFIX).upper()
    message_id = our_id(str(given.get("messageId") or "").removeprefix("msg_"))
    if named not in ReturnType.__members__ or message_id is None:
        return None
    type_ = ReturnType[named]
    bounce = None
    if type_ is ReturnType.BOUNCED:
        bounce = BounceKind.HARD if str(given.get("bounceKind")).upper() == "HARD" else BounceKind.SOFT
    detail = harmless(str(given["detail"])) if given.get("detail") else None
    at = instant(given.get("at"), now) if given.get("at") else now
    return Returned(NAME, event_id, type_, at, message_id, bounce_kind=bounce, detail=detail)
