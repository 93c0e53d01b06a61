"""Live events as they travel."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.live import (
    MOST_CUSTOMERS,
    BulkProgress,
    CampaignProgress,
    Change,
    Event,
    Gap,
    MembershipChange,
    StageChange,
    decode,
    encode,
)

ID = UUID(int=7)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "event",
    [
        BulkProgress(ID),
        CampaignProgress(ID),
        MembershipChange.of(ID, Change.LEFT, [UUID(int=1), UUID(int=2)], AT),
        StageChange.of(None, ID, [UUID(int=1)], AT),
        StageChange.of(UUID(int=3), ID, [], AT),
        Gap(),
    ],
)
def test_an_event_arrives_as_it_was_sent(event: Event | Gap) -> None:
    assert decode(encode(event)) == event


def test_of_many_customers_only_the_first_are_named() -> None:
    many = [UUID(int=number) for number in range(1_000)]
    event = MembershipChange.of(ID, Change.ENTERED, many, AT)
    assert (event.count, event.customer_ids) == (1_000, tuple(many[:MOST_CUSTOMERS]))
    assert len(encode(event)) < 16_000


@pytest.mark.parametrize(
    "message", [b"", b"{", b"{}", b'{"kind": "other"}', b'{"kind": "bulk"}', b'{"kind": "bulk", "x": 1}']
)
def test_anything_else_is_refused(message: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode(message)
