"""Two customers who turn out to be one: whose word counts where both say something."""

from collections.abc import Mapping
from typing import Any

from domain.consents import ConsentState
from domain.customers import PROFILE_FIELDS
from domain.refusals import Refused

# From the most willing to the least: a no stays a no, and who has not confirmed yet has not agreed.
_STRICTNESS = (ConsentState.SUBSCRIBED, ConsentState.PENDING, ConsentState.NEVER, ConsentState.UNSUBSCRIBED)

# The names that only one customer can have; what is lost of them is remembered as another name of the kept one.
NAMES = {"external_id": "EXTERNAL_ID", "email": "EMAIL"}


def is_stricter(state: ConsentState, other: ConsentState | None) -> bool:
    """Whether a state lets less through than another one; anything but a yes is stricter than nothing recorded."""
    return _STRICTNESS.index(state) > _STRICTNESS.index(other or ConsentState.SUBSCRIBED)


def merged_profile(kept: Mapping[str, Any], merged: Mapping[str, Any]) -> dict[str, Any]:
    """The kept one's profile with what it lacks filled from the other's; a customer since the earlier of both days."""
    profile = {name: merged[name] if kept[name] is None else kept[name] for name in PROFILE_FIELDS}
    attributes = {**merged["attributes"], **kept["attributes"]}
    return profile | {"attributes": attributes, "acquired_at": min(kept["acquired_at"], merged["acquired_at"])}


def lost_names(profile: Mapping[str, Any], merged: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(kind, value) of the merged one's names that the profile does not say."""
    return [(kind, merged[name]) for name, kind in NAMES.items() if merged[name] and merged[name] != profile[name]]


def require_version(customer: Mapping[str, Any] | None, expected: int | None, side: str, version_field: str) -> None:
    """Refuses NOT_FOUND, and STALE for another version than the one expected; `side` and `version_field` are inputs."""
    if customer is None:
        message = "There is no such customer, or they were merged into another one."
        raise Refused("NOT_FOUND", message, ("input", side))
    version = customer["version"]
    if expected not in (None, version):
        message = f"The customer is at version {version} by now: read it again."
        raise Refused("STALE", message, ("input", version_field), version)
