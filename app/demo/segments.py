"""The demo's segments, one for each way of choosing customers, and one whose members people choose."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.demo.catalogue import OUTDOOR
from app.demo.ids import demo_id
from db.segments import Definition
from domain.conditions import parse
from domain.segments import SegmentType

FRIENDS = "friends-of-the-house"
NEWSLETTER = "newsletter-readers"
LAPSED = "lapsed-regulars"


def segment_id(key: str) -> UUID:
    return demo_id("segment", key)


def _number(field: str, **comparison: str) -> dict[str, Any]:
    return {"number": {"field": field, "is": comparison}}


def _date(field: str, **comparison: int) -> dict[str, Any]:
    return {"date": {"field": field, "is": comparison}}


_SUBSCRIBED = {"consent": {"channel": "EMAIL", "topic": "marketing", "state": "SUBSCRIBED"}}
_APPOINTMENTS = {"kind": "APPOINTMENT", "aggregate": "COUNT"}
_NO_SHOW = {"text": {"field": "status", "is": {"eq": "NO_SHOW"}}}

# Key, name, what for, condition.
_AUTOMATIC: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("high-value", "High value", "Worth 1,000 or more so far", _number("lifetimeValue", gte="1000")),
    (
        "best-tenth",
        "Best tenth",
        "The ten percent with the highest lifetime value",
        {"percentile": {"field": "lifetimeValue", "top": "10"}},
    ),
    ("new-customers", "New customers", "First order within two months", _date("firstOrderAt", withinDays=60)),
    (
        LAPSED,
        "Lapsed regulars",
        "Three orders or more, none of them within 90 days",
        {"all": [_number("orderCount", gte="3"), _date("lastOrderAt", olderThanDays=90)]},
    ),
    ("birthday-soon", "Birthday soon", "Birthday within four weeks", _date("dateOfBirth", anniversaryWithinDays=28)),
    (NEWSLETTER, "Newsletter readers", "Subscribed to marketing by e-mail", _SUBSCRIBED),
    (
        "missed-appointments",
        "Missed appointments",
        "Stayed away from an appointment within a year",
        {"fact": _APPOINTMENTS | {"withinDays": 365, "where": [_NO_SHOW], "is": {"gte": "1"}}},
    ),
    (
        "win-back",
        "Win back",
        "Lapsed regulars whom we may write to",
        {"all": [{"inSegment": str(segment_id(LAPSED))}, {"inSegment": str(segment_id(NEWSLETTER))}]},
    ),
)


def definitions(brands: Mapping[str, UUID]) -> list[Definition]:
    """In an order in which they can be made: what others are built on comes first."""
    automatic = [_automatic(*told) for told in _AUTOMATIC]
    campers = _automatic(
        "campers",
        f"Campers of {OUTDOOR.name}",
        "Bought a tent, a stove or a backpack there",
        {"set": {"field": "purchasedCategories", "is": {"anyOf": ["Tents", "Kitchen", "Backpacks"]}}},
        brands[OUTDOOR.slug],
    )
    name, wanted = "Friends of the house", "Asked in person whether they try new things first"
    friends = Definition(FRIENDS, name, SegmentType.MANUAL, None, wanted, id=segment_id(FRIENDS))
    return [*automatic, campers, friends]


def _automatic(
    key: str, name: str, description: str, condition: dict[str, Any], brand_id: UUID | None = None
) -> Definition:
    id_ = segment_id(key)
    return Definition(key, name, SegmentType.AUTOMATIC, parse(condition), description, brand_id, id=id_)
