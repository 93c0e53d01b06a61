"""Consent: what a customer lets a brand send on a channel about a topic."""

from enum import StrEnum


class ConsentState(StrEnum):
    """Nothing stored means nothing was asked: then marketing is allowed, as the topic's default."""

    SUBSCRIBED = "SUBSCRIBED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    # Asked to confirm (double opt-in) and has not yet.
    PENDING = "PENDING"
    NEVER = "NEVER"
