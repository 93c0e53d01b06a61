"""What an answer decides: eight tries in a day, and who is left alone for how long."""

from datetime import timedelta

import pytest

from domain.events import EVENTS, NODES, EventType
from domain.refusals import Refused
from domain.webhooks import MAX_TRIES, PAUSES, DeliveryState, require_event_types, require_scopes, rest, verdict


def test_eight_tries_within_a_day() -> None:
    states = [verdict(500, tries).state for tries in range(1, MAX_TRIES + 1)]
    assert states == [DeliveryState.PENDING] * 7 + [DeliveryState.FAILED]
    assert timedelta(hours=20) < sum(PAUSES, timedelta()) * 1.1 < timedelta(hours=26)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    assert verdict(status, 8).state is DeliveryState.DELIVERED


@pytest.mark.parametrize("status", [None, 100, 301, 302, 400, 401, 404, 429, 500])
def test_everything_else_is_tried_again(status: int | None) -> None:
    assert verdict(status, 1).state is DeliveryState.PENDING


def test_410_ends_it_at_once() -> None:
    assert verdict(410, 1).state is DeliveryState.FAILED


def test_retry_after_is_honoured_up_to_an_hour_and_never_shortens() -> None:
    minute = timedelta(minutes=1)
    assert verdict(429, 1, minute).pause == minute
    assert verdict(503, 4, minute).pause == PAUSES[3]
    assert verdict(503, 1, timedelta(days=9)).pause == timedelta(hours=1)
    assert verdict(500, 1, minute).pause == PAUSES[0]
    assert verdict(429, 1, timedelta(seconds=-5)).pause == PAUSES[0]


def test_an_endpoint_that_fails_longer_rests_longer() -> None:
    assert rest(timedelta(0)) == timedelta(seconds=2)
    assert rest(timedelta(minutes=6)) == timedelta(minutes=1)
    assert rest(timedelta(days=1)) == timedelta(minutes=10)


def test_every_event_is_described_and_names_nodes_that_exist() -> None:
    assert set(EVENTS) == set(EventType)
    assert len({event.topic for event in EVENTS.values()}) == len(EVENTS)
    for type_, event in EVENTS.items():
        assert event.topic.replace(".", "_") == type_.lower()
        assert {key for key in event.keys if key.endswith("Id")} <= set(NODES)
        assert event.nullable <= set(event.keys)


def test_hearing_takes_the_scope_of_reading() -> None:
    types = [EventType.SEGMENT_ENTERED, EventType.CUSTOMER_CREATED]
    held = frozenset({"segments:view", "customers:view", "journeys:view"})
    assert require_scopes(types, None, held) == ["customers:view", "segments:view"]
    assert require_scopes(types, sorted(held), held) == sorted(held)
    for scopes, holding in ((None, frozenset({"segments:view"})), (["segments:view"], held), (["*"], held)):
        with pytest.raises(Refused):
            require_scopes(types, scopes, holding)


def test_types_are_named_once_and_never_the_test() -> None:
    twice = [EventType.SEGMENT_LEFT, EventType.SEGMENT_LEFT]
    assert require_event_types(twice) == [EventType.SEGMENT_LEFT]
    for types in ([], [EventType.WEBHOOK_TEST]):
        with pytest.raises(Refused):
            require_event_types(types)
