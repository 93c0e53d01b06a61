"""What a provider's HTTP answer means for a message."""

from collections.abc import Awaitable

from domain.messages import Answer, Outcome
from workers.providers.calls import NotSentError, Reply, UnansweredError

_SENDER = (401, 402, 403)
# The one that answered gave up waiting for the one that was to do it, who may have.
_DOUBTFUL = (408, 504)


def meaning(reply: Reply, identifier: str | None) -> Outcome:
    """identifier: what an accepting answer calls the message; without one nobody knows what was answered."""
    if reply.ok and identifier:
        return Outcome(Answer.ACCEPTED, identifier[:200])
    if reply.status < 400:
        return Outcome(Answer.UNKNOWN, f"an answer that is not understood: {reply.words}")
    if reply.status == 429:
        return Outcome(Answer.DEFERRED, reply.words, reply.retry_after)
    if reply.status in _SENDER:
        return Outcome(Answer.SENDER_REFUSED, reply.words)
    if reply.status in _DOUBTFUL:
        return Outcome(Answer.UNKNOWN, reply.words)
    if reply.status >= 500:
        return Outcome(Answer.DEFERRED, reply.words, reply.retry_after)
    return Outcome(Answer.REJECTED, reply.words)


async def certain(calling: Awaitable[Outcome]) -> Outcome:
    """The outcome of a call; what went wrong on the way is one too."""
    try:
        return await calling
    except NotSentError as error:
        return Outcome(Answer.UNREACHABLE, str(error))
    except UnansweredError as error:
        return Outcome(Answer.UNKNOWN, str(error))
