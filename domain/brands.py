"""What a limit to some brands means for what a caller makes: `limit` is None for callers of all brands."""

from uuid import UUID

from domain.refusals import Refused, Rejected


def brand_of(limit: frozenset[UUID] | None, named: UUID | None, *field: str) -> UUID | None:
    """The brand of something new: the one named, else the only one of the limit, else none (the organization's).

    Refuses INVALID when a caller of several brands names none; whether a named one exists is asked elsewhere.
    """
    if limit is None or named is not None:
        return named
    if len(limit) != 1:
        raise Refused("INVALID", "Say of which brand: you are limited to some.", field)
    return next(iter(limit))


def require_all_brands(limit: frozenset[UUID] | None) -> None:
    """Raises FORBIDDEN for limited callers: what they ask for concerns customers of every brand."""
    if limit is not None:
        raise Rejected("FORBIDDEN", "This concerns more than the brands that you are limited to.")
