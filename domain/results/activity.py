"""What of that which comes back of messages is an activity of the customer: the facts that follow from it."""

import re
from hashlib import sha256

from domain.facts import FactKind
from domain.results.returns import ReturnType

# Opening is none: mail programs open by themselves.
ACTIVITIES = {ReturnType.CLICKED: FactKind.CLICK, ReturnType.REPLIED: FactKind.INBOUND_MESSAGE}
# What may turn a click of a person into one of a machine, or back.
JUDGING = frozenset({ReturnType.CLICKED, ReturnType.REPLIED, ReturnType.DELIVERED})
# What a fact may be named by as it is; names of events may be longer, and have in them what somebody else wrote.
_PLAIN = re.compile(r"[!-~]{1,200}")


def fact_key(provider: str, event_id: str) -> str:
    """What names the fact of an event for good."""
    name = f"{provider}:{event_id}"
    return name if _PLAIN.fullmatch(name) else f"sha256:{sha256(name.encode()).hexdigest()}"
