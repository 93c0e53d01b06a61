"""The state table of campaigns, and what an audience must say."""

import pytest

from domain.campaigns import (
    CANCEL,
    COMPLETE,
    FAIL,
    PAUSE,
    RESUME,
    SEND,
    Audience,
    CampaignStatus,
    Move,
    description,
    refusal,
    require_draft,
)
from domain.ids import new_id
from domain.refusals import Refused

# The table of the design, edge by edge.
EDGES = {
    ("DRAFT", "RUNNING"): SEND,
    ("SCHEDULED", "RUNNING"): SEND,
    ("RUNNING", "PAUSED"): PAUSE,
    ("PAUSED", "RUNNING"): RESUME,
    ("SCHEDULED", "CANCELLED"): CANCEL,
    ("RUNNING", "CANCELLED"): CANCEL,
    ("PAUSED", "CANCELLED"): CANCEL,
    ("RUNNING", "COMPLETED"): COMPLETE,
    ("RUNNING", "FAILED"): FAIL,
}


def test_the_moves_are_the_table_and_nothing_more() -> None:
    made = {(source.value, move.target.value): move for move in set(EDGES.values()) for source in move.sources}
    assert made == EDGES


@pytest.mark.parametrize("status", ["RUNNING", "PAUSED"])
def test_a_second_send_is_told_that_it_is_one(status: str) -> None:
    assert refusal(SEND, CampaignStatus(status)).code == "ALREADY_SENDING"


@pytest.mark.parametrize(
    ("move", "status", "message"),
    [
        (SEND, "COMPLETED", "Only a campaign that is DRAFT or SCHEDULED can be sent; this one is COMPLETED."),
        (PAUSE, "DRAFT", "Only a campaign that is RUNNING can be paused; this one is DRAFT."),
        (CANCEL, "COMPLETED", "Only a campaign that is SCHEDULED or RUNNING or PAUSED can be cancelled"),
    ],
)
def test_a_wrong_status_is_named(move: Move, status: str, message: str) -> None:
    refused = refusal(move, CampaignStatus(status))
    assert (refused.code, refused.message[: len(message)]) == ("WRONG_STATUS", message)


@pytest.mark.parametrize("status", [status for status in CampaignStatus if status != "DRAFT"])
def test_only_drafts_are_changed(status: CampaignStatus) -> None:
    require_draft(CampaignStatus.DRAFT)
    with pytest.raises(Refused) as refused:
        require_draft(status)
    assert refused.value.code == "WRONG_STATUS"


def test_an_audience_names_somebody() -> None:
    brand = new_id()
    with pytest.raises(Refused) as refused:
        Audience(brand, ()).check()
    assert (refused.value.code, refused.value.field) == ("EMPTY_AUDIENCE", ("includeSegmentIds",))
    with pytest.raises(Refused) as refused:
        Audience(brand, (new_id(),), tuple(new_id() for _ in range(51))).check()
    assert (refused.value.code, refused.value.field) == ("TOO_MANY", ("excludeSegmentIds",))


@pytest.mark.parametrize("topic", ["", "News Letter", "x" * 51, "-a", "a\n"])
def test_a_topic_is_a_plain_word(topic: str) -> None:
    with pytest.raises(Refused) as refused:
        Audience(new_id(), (new_id(),), topic=topic).check()
    assert (refused.value.code, refused.value.field) == ("INVALID", ("topic",))


def test_the_path_of_a_segment_is_where_it_was_named() -> None:
    one, two = new_id(), new_id()
    audience = Audience(new_id(), (one,), (one, two))
    assert audience.field_of(one) == ("includeSegmentIds", "0")
    assert audience.field_of(two) == ("excludeSegmentIds", "1")


def test_a_blank_description_is_none() -> None:
    assert description(" \n ") is None
    assert description("a\nb") == "a\nb"
    with pytest.raises(Refused):
        description("a\x00")
