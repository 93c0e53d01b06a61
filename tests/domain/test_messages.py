"""What a provider's answer does to a message."""

from datetime import timedelta

import pytest

from domain.messages import (
    MAX_ATTEMPTS,
    Answer,
    DeliveryPolicy,
    MessageStatus,
    Outcome,
    Resolution,
    Verdict,
    resolved,
    verdict,
)
from domain.refusals import Refused

HOLD, RETRY = DeliveryPolicy.HOLD, DeliveryPolicy.RETRY


def status(answer: Answer, policy: DeliveryPolicy, attempts: int = 1) -> str:
    return verdict(Outcome(answer), policy, attempts).status.value


@pytest.mark.parametrize("policy", list(DeliveryPolicy))
def test_what_is_known_does_not_depend_on_the_policy(policy: DeliveryPolicy) -> None:
    assert status(Answer.ACCEPTED, policy) == "SENT"
    assert status(Answer.REJECTED, policy) == "FAILED"
    assert status(Answer.DEFERRED, policy) == "QUEUED"
    assert status(Answer.DEFERRED, policy, MAX_ATTEMPTS) == "FAILED"


def test_what_is_unknown_is_held_or_tried_again_and_never_called_failed() -> None:
    assert status(Answer.UNKNOWN, HOLD) == "UNCERTAIN"
    assert status(Answer.UNKNOWN, RETRY) == "QUEUED"
    assert status(Answer.UNKNOWN, RETRY, MAX_ATTEMPTS) == "UNCERTAIN"


@pytest.mark.parametrize("answer", [Answer.UNREACHABLE, Answer.SENDER_REFUSED])
def test_what_is_not_about_the_message_does_not_count_against_it(answer: Answer) -> None:
    assert verdict(Outcome(answer), HOLD, MAX_ATTEMPTS + 5) == Verdict(MessageStatus.QUEUED, counts=False)


def test_pauses_double() -> None:
    pauses = [verdict(Outcome(Answer.DEFERRED), HOLD, n).pause for n in range(1, MAX_ATTEMPTS)]
    assert pauses == [timedelta(seconds=15 * 2**n) for n in range(1, MAX_ATTEMPTS)]


@pytest.mark.parametrize(
    ("resolution", "after"), [("RETRY", "QUEUED"), ("MARK_SENT", "SENT"), ("MARK_FAILED", "FAILED")]
)
def test_a_person_decides_about_uncertain_messages_only(resolution: str, after: str) -> None:
    assert resolved(Resolution(resolution), MessageStatus.UNCERTAIN).value == after
    for other in set(MessageStatus) - {MessageStatus.UNCERTAIN}:
        with pytest.raises(Refused) as refused:
            resolved(Resolution(resolution), other)
        assert refused.value.code == "NOT_UNCERTAIN"
