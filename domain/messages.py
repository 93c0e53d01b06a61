"""Messages: what a provider's answer means for the ledger, and what a person may decide about an uncertain one."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.refusals import Refused

# With the pauses below the last try is about a quarter of an hour after the first: grey lists let through by then.
MAX_ATTEMPTS = 6
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)


# So many refusals of recipients say something about whoever sends, if more than half were refused.
ERROR_BUDGET = 50


def is_spent(failed: int, accepted: int) -> bool:
    """Whether so many messages of a slice were refused for good that a person should look before more are."""
    return failed >= ERROR_BUDGET and failed > accepted


class MessageStatus(StrEnum):
    """SENDING: somebody may have talked to the provider. CLAIMED: as QUEUED; workers of earlier versions leave it.

    The highest rank that is known; BOUNCED wins over all of them.
    """

    QUEUED = "QUEUED"
    CLAIMED = "CLAIMED"
    SENDING = "SENDING"
    UNCERTAIN = "UNCERTAIN"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    BOUNCED = "BOUNCED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


# The provider took it, whatever came back later.
ACCEPTED = (
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.OPENED,
    MessageStatus.CLICKED,
    MessageStatus.BOUNCED,
)


class SkipReason(StrEnum):
    """Why a customer of the audience gets nothing; NOT_CONSENTED is consent asked for and not (yet) given."""

    NO_ADDRESS = "NO_ADDRESS"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    NOT_CONSENTED = "NOT_CONSENTED"
    SUPPRESSED = "SUPPRESSED"
    DUPLICATE_ADDRESS = "DUPLICATE_ADDRESS"
    CAMPAIGN_CANCELLED = "CAMPAIGN_CANCELLED"
    CUSTOMER_DELETED = "CUSTOMER_DELETED"
    RENDER_ERROR = "RENDER_ERROR"
    FREQUENCY_CAPPED = "FREQUENCY_CAPPED"
    QUIET_HOURS_EXPIRED = "QUIET_HOURS_EXPIRED"
    HOLDOUT = "HOLDOUT"
    PAST_LOCAL_TIME = "PAST_LOCAL_TIME"
    LEFT_STAGE = "LEFT_STAGE"
    MERGED = "MERGED"


class DeliveryPolicy(StrEnum):
    """What to do when nobody knows whether the provider took a message: HOLD = at most once, RETRY = at least once."""

    HOLD = "HOLD"
    RETRY = "RETRY"


class Answer(StrEnum):
    """How a call to a provider ended."""

    ACCEPTED = "ACCEPTED"
    # Refused for good, e.g. the mailbox does not exist.
    REJECTED = "REJECTED"
    # Refused for now, before anything was accepted.
    DEFERRED = "DEFERRED"
    # The connection broke or time ran out after the content was on its way.
    UNKNOWN = "UNKNOWN"
    # No conversation took place: this says nothing about the message.
    UNREACHABLE = "UNREACHABLE"
    # The provider will not take anything from this sender: a person has to look, not a thousand messages to fail.
    SENDER_REFUSED = "SENDER_REFUSED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and the provider's words, for the log that people read."""

    answer: Answer
    detail: str = ""
    # How long the provider asks to be left alone with this one.
    retry_after: timedelta = timedelta(0)
    # Why it was REJECTED: nobody has the address, and nobody else should write to it either.
    is_nobody: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the ledger keeps: the next status, whether the attempt counts, and the pause before another one."""

    status: MessageStatus
    counts: bool = True
    pause: timedelta = timedelta(0)


_TAKEN = Verdict(MessageStatus.SENT)


def verdict(outcome: Outcome, policy: DeliveryPolicy, attempts: int) -> Verdict:
    """The meaning of an answer to attempt number `attempts` (from 1)."""
    match outcome.answer:
        case Answer.ACCEPTED:
            return _TAKEN
        case Answer.REJECTED:
            return Verdict(MessageStatus.FAILED)
        case Answer.DEFERRED:
            return _again(attempts, at_last=MessageStatus.FAILED, at_least=outcome.retry_after)
        case Answer.UNKNOWN if policy is DeliveryPolicy.RETRY:
            return _again(attempts, at_last=MessageStatus.UNCERTAIN)
        case Answer.UNKNOWN:
            return Verdict(MessageStatus.UNCERTAIN)
        case Answer.UNREACHABLE | Answer.SENDER_REFUSED:
            return Verdict(MessageStatus.QUEUED, counts=False)


def _again(attempts: int, *, at_last: MessageStatus, at_least: timedelta = timedelta(0)) -> Verdict:
    if attempts >= MAX_ATTEMPTS:
        return Verdict(at_last)
    return Verdict(MessageStatus.QUEUED, pause=min(max(FIRST_PAUSE * 2**attempts, at_least), LONGEST_PAUSE))


class Resolution(StrEnum):
    """What a person knows about an uncertain message, or wants."""

    RETRY = "RETRY"
    MARK_SENT = "MARK_SENT"
    MARK_FAILED = "MARK_FAILED"


_RESOLVED = {
    Resolution.RETRY: MessageStatus.QUEUED,
    Resolution.MARK_SENT: MessageStatus.SENT,
    Resolution.MARK_FAILED: MessageStatus.FAILED,
}


def resolved(resolution: Resolution, status: MessageStatus) -> MessageStatus:
    """The status after a person's decision; refuses NOT_UNCERTAIN."""
    if status is not MessageStatus.UNCERTAIN:
        raise Refused("NOT_UNCERTAIN", f"Only an uncertain message can be resolved; this one is {status}.", ("id",))
    return _RESOLVED[resolution]
