"""Topics: what a brand writes about, so that a customer can want one thing of it and not another."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain import campaigns, values
from domain.consents import Channel, ConsentState
from domain.refusals import Refused

MAX_DESCRIPTION = 500
# Where a link or an answer can prove that an address is its owner's.
CONFIRMABLE = (Channel.EMAIL, Channel.SMS)


class DefaultRule(StrEnum):
    """What it means that nothing was recorded."""

    OPT_IN_REQUIRED = "OPT_IN_REQUIRED"
    OPT_OUT = "OPT_OUT"

    @property
    def allows(self) -> bool:
        return self is DefaultRule.OPT_OUT


@dataclass(frozen=True, slots=True)
class Topic:
    """What a person says about a topic; `key` is what campaigns name."""

    key: str
    name: str
    description: str | None = None
    default_rule: DefaultRule = DefaultRule.OPT_IN_REQUIRED
    channels: Sequence[Channel] = (Channel.EMAIL,)
    double_opt_in: bool = False

    def check(self) -> "Topic":
        """As it is stored; refuses INVALID."""
        if not self.channels:
            raise Refused("INVALID", "A topic needs a channel at least.", ("channels",))
        if self.double_opt_in and self.default_rule.allows:
            message = "Whoever is written to without having said yes has nothing to confirm."
            raise Refused("INVALID", message, ("doubleOptIn",))
        description = self.description
        if description is not None:
            description = values.text(description, "description", limit=MAX_DESCRIPTION)
        return Topic(
            campaigns.topic(self.key, "key"),
            values.line(self.name, "name"),
            description,
            self.default_rule,
            tuple(channel for channel in Channel if channel in self.channels),
            self.double_opt_in,
        )


def to_record(state: ConsentState, now: ConsentState | None, channel: Channel, *, double_opt_in: bool) -> ConsentState:
    """What is recorded when somebody is said to want this: a yes waits until the owner of the address confirms it."""
    asks = double_opt_in and channel in CONFIRMABLE and now is not ConsentState.SUBSCRIBED
    return ConsentState.PENDING if asks and state is ConsentState.SUBSCRIBED else state
