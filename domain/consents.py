"""Consent: what a customer lets a brand send on a channel about a topic."""

from enum import StrEnum

from domain.refusals import Refused


class Channel(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"
    WALLET = "WALLET"
    WEBHOOK = "WEBHOOK"


class ConsentState(StrEnum):
    """PENDING: asked to confirm (double opt-in), not yet confirmed. NEVER: nothing else was ever recorded.

    What it means that nothing is recorded is the topic's own rule (domain/topics.py); without a topic it allows.
    """

    SUBSCRIBED = "SUBSCRIBED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    PENDING = "PENDING"
    NEVER = "NEVER"


def recordable(state: ConsentState, *field: str) -> ConsentState:
    """A state that somebody can be in by their own doing; refuses INVALID for NEVER."""
    if state is ConsentState.NEVER:
        raise Refused("INVALID", "NEVER means that nothing was recorded; record UNSUBSCRIBED for a no.", field)
    return state
