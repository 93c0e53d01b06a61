"""Messages that stages send: what one needs, kept among the stage's actions as the kind MESSAGE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.campaigns import Audience, CampaignClass, ChannelContent, ChannelStrategy, topic
from domain.journeys.actions import KEY, MAX_ACTIONS, MAX_DUE_DAYS, MESSAGE, Repeat
from domain.refusals import Refused


@dataclass(frozen=True, slots=True)
class StageMessage:
    """Sent so many days after the stage was entered, on the first of its channels that reaches the customer."""

    key: str
    brand_id: UUID
    contents: tuple[ChannelContent, ...]
    class_: CampaignClass = CampaignClass.MARKETING
    topic: str = "marketing"
    repeat: Repeat = Repeat.EACH_ENTRY
    cancel_on_leave: bool = True
    delay_days: int = 0

    @property
    def audience(self) -> Audience:
        """Nobody: customers are entered one by one."""
        channels = tuple(content.channel for content in self.contents)
        strategy = ChannelStrategy.FIRST_AVAILABLE
        return Audience(self.brand_id, (), (), channels[0], self.class_, self.topic, channels[1:], strategy)

    def action(self, campaign_id: UUID, since: str) -> dict[str, Any]:
        """As it is stored among the stage's actions."""
        return {
            "key": self.key,
            "kind": MESSAGE,
            "campaignId": str(campaign_id),
            "repeat": self.repeat.value,
            "cancelOnLeave": self.cancel_on_leave,
            "delayDays": self.delay_days,
            "since": since,
        }


def check(messages: Sequence[StageMessage]) -> None:
    """Refuses INVALID and TOO_MANY."""
    if len(messages) > MAX_ACTIONS:
        raise Refused("TOO_MANY", f"A stage sends at most {MAX_ACTIONS} messages.", ("messages",))
    if len({message.key for message in messages}) < len(messages):
        raise Refused("INVALID", "A message's key is unique in its stage.", ("messages",))
    for number, message in enumerate(messages):
        _check(message, ("messages", str(number)))


def _check(message: StageMessage, path: tuple[str, ...]) -> None:
    if not KEY.fullmatch(message.key):
        told = "A key has 1 to 50 lower-case letters, digits and inner hyphens or underscores."
        raise Refused("INVALID", told, (*path, "key"))
    if not 0 <= message.delay_days <= MAX_DUE_DAYS:
        raise Refused("INVALID", f"A message is sent after 0 to {MAX_DUE_DAYS} days.", (*path, "delayDays"))
    if not message.contents or len({c.channel for c in message.contents}) < len(message.contents):
        raise Refused("INVALID", "Say it once for each channel, and for one at least.", (*path, "contents"))
    topic(message.topic, *path, "topic")


def is_message(action: Mapping[str, Any]) -> bool:
    return bool(action["kind"] == MESSAGE)


def since_of(actions: Sequence[Mapping[str, Any]], key: str, now: datetime) -> str:
    """Since when a message is declared: whoever is inside already gets none."""
    return next((str(a["since"]) for a in actions if is_message(a) and a["key"] == key), now.isoformat())
