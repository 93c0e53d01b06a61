"""Domain events: what is told to the outside, under which name, what it says and which scope it takes to hear it.

An event says which objects it is about and words of closed vocabularies, never names, addresses or free text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# Types of the nodes that an event's data may name, by the key that holds the id.
NODES = {
    "customerId": "Customer",
    "mergedId": "Customer",
    "eventId": "Event",
    "segmentId": "Segment",
    "fromStageId": "JourneyStage",
    "toStageId": "JourneyStage",
    "campaignId": "Campaign",
    "messageId": "Message",
    "brandId": "Brand",
    "bulkOperationId": "BulkOperation",
}


class EventType(StrEnum):
    CUSTOMER_CREATED = "CUSTOMER_CREATED"
    CUSTOMER_UPDATED = "CUSTOMER_UPDATED"
    CUSTOMER_DELETED = "CUSTOMER_DELETED"
    CUSTOMER_MERGED = "CUSTOMER_MERGED"
    CUSTOMER_TAGGED = "CUSTOMER_TAGGED"
    CUSTOMER_UNTAGGED = "CUSTOMER_UNTAGGED"
    FACT_RECORDED = "FACT_RECORDED"
    FACT_WITHDRAWN = "FACT_WITHDRAWN"
    SEGMENT_ENTERED = "SEGMENT_ENTERED"
    SEGMENT_LEFT = "SEGMENT_LEFT"
    JOURNEY_STAGE_CHANGED = "JOURNEY_STAGE_CHANGED"
    CAMPAIGN_STARTED = "CAMPAIGN_STARTED"
    CAMPAIGN_PAUSED = "CAMPAIGN_PAUSED"
    CAMPAIGN_RESUMED = "CAMPAIGN_RESUMED"
    CAMPAIGN_COMPLETED = "CAMPAIGN_COMPLETED"
    CAMPAIGN_CANCELLED = "CAMPAIGN_CANCELLED"
    CAMPAIGN_FAILED = "CAMPAIGN_FAILED"
    EXPERIMENT_CONCLUDED = "EXPERIMENT_CONCLUDED"
    EXPERIMENT_UNDECIDED = "EXPERIMENT_UNDECIDED"
    MESSAGE_SENT = "MESSAGE_SENT"
    MESSAGE_FAILED = "MESSAGE_FAILED"
    MESSAGE_UNCERTAIN = "MESSAGE_UNCERTAIN"
    MESSAGE_DELIVERED = "MESSAGE_DELIVERED"
    MESSAGE_OPENED = "MESSAGE_OPENED"
    MESSAGE_CLICKED = "MESSAGE_CLICKED"
    MESSAGE_BOUNCED = "MESSAGE_BOUNCED"
    MESSAGE_COMPLAINED = "MESSAGE_COMPLAINED"
    MESSAGE_UNSUBSCRIBED = "MESSAGE_UNSUBSCRIBED"
    MESSAGE_REPLIED = "MESSAGE_REPLIED"
    CONSENT_CHANGED = "CONSENT_CHANGED"
    BULK_OPERATION_COMPLETED = "BULK_OPERATION_COMPLETED"
    BULK_OPERATION_FAILED = "BULK_OPERATION_FAILED"
    BULK_OPERATION_CANCELLED = "BULK_OPERATION_CANCELLED"
    WEBHOOK_TEST = "WEBHOOK_TEST"


@dataclass(frozen=True, slots=True)
class Event:
    """topic: its name on the wire; scope: what hearing it takes; keys: of its data; nullable: which may be null."""

    topic: str
    scope: str
    keys: tuple[str, ...]
    description: str
    nullable: frozenset[str] = frozenset()


_CUSTOMER = ("customerId",)
_MEMBER = ("segmentId", "customerId")
_MESSAGE = ("messageId", "campaignId", "customerId", "status")
_CAMPAIGN = ("campaignId", "status")
_BULK = ("bulkOperationId", "kind", "state")
# A customer who is deleted stays counted in the ledger, without an id.
_FORGOTTEN = frozenset({"customerId"})

EVENTS: Mapping[EventType, Event] = {
    EventType.CUSTOMER_CREATED: Event("customer.created", "customers:view", _CUSTOMER, "A customer was made."),
    EventType.CUSTOMER_UPDATED: Event("customer.updated", "customers:view", _CUSTOMER, "A profile was changed."),
    EventType.CUSTOMER_DELETED: Event("customer.deleted", "customers:view", _CUSTOMER, "A customer was deleted."),
    EventType.CUSTOMER_MERGED: Event(
        "customer.merged", "customers:view", ("customerId", "mergedId"), "Another customer turned out to be this one."
    ),
    EventType.CUSTOMER_TAGGED: Event(
        "customer.tagged", "customers:view", ("customerId", "tag"), "A tag was put on a customer."
    ),
    EventType.CUSTOMER_UNTAGGED: Event(
        "customer.untagged", "customers:view", ("customerId", "tag"), "A tag was taken off a customer."
    ),
    EventType.FACT_RECORDED: Event(
        "fact.recorded",
        "customers:view",
        ("eventId", "customerId", "kind", "outcome"),
        "An order, an appointment or another fact was recorded or corrected.",
    ),
    EventType.FACT_WITHDRAWN: Event(
        "fact.withdrawn",
        "customers:view",
        ("eventId", "customerId", "kind"),
        "A fact that was recorded turned out not to have happened, such as a click that a program made.",
    ),
    EventType.SEGMENT_ENTERED: Event("segment.entered", "segments:view", _MEMBER, "A customer came into a segment."),
    EventType.SEGMENT_LEFT: Event("segment.left", "segments:view", _MEMBER, "A customer left a segment."),
    EventType.JOURNEY_STAGE_CHANGED: Event(
        "journey.stage_changed",
        "journeys:view",
        ("customerId", "fromStageId", "toStageId"),
        "A customer came to another stage, or to the first one.",
        frozenset({"fromStageId"}),
    ),
    EventType.CAMPAIGN_STARTED: Event("campaign.started", "campaigns:view", _CAMPAIGN, "A campaign began to send."),
    EventType.CAMPAIGN_PAUSED: Event("campaign.paused", "campaigns:view", _CAMPAIGN, "A campaign was paused."),
    EventType.CAMPAIGN_RESUMED: Event("campaign.resumed", "campaigns:view", _CAMPAIGN, "A campaign goes on."),
    EventType.CAMPAIGN_COMPLETED: Event("campaign.completed", "campaigns:view", _CAMPAIGN, "A campaign is through."),
    EventType.CAMPAIGN_CANCELLED: Event("campaign.cancelled", "campaigns:view", _CAMPAIGN, "A campaign was cancelled."),
    EventType.CAMPAIGN_FAILED: Event("campaign.failed", "campaigns:view", _CAMPAIGN, "A campaign was given up."),
    EventType.EXPERIMENT_CONCLUDED: Event(
        "experiment.concluded", "campaigns:view", ("campaignId",), "A campaign's experiment was decided."
    ),
    EventType.EXPERIMENT_UNDECIDED: Event(
        "experiment.undecided", "campaigns:view", ("campaignId",), "No variant won: a person has to decide; told daily."
    ),
    EventType.MESSAGE_SENT: Event(
        "message.sent", "campaigns:view", _MESSAGE, "The provider took a message.", _FORGOTTEN
    ),
    EventType.MESSAGE_FAILED: Event(
        "message.failed", "campaigns:view", _MESSAGE, "A message cannot be delivered.", _FORGOTTEN
    ),
    EventType.MESSAGE_UNCERTAIN: Event(
        "message.uncertain", "campaigns:view", _MESSAGE, "Nobody knows whether a message was taken.", _FORGOTTEN
    ),
    EventType.MESSAGE_DELIVERED: Event(
        "message.delivered", "campaigns:view", _MESSAGE, "A message came to its address.", _FORGOTTEN
    ),
    EventType.MESSAGE_OPENED: Event(
        "message.opened", "campaigns:view", _MESSAGE, "A person opened a message for the first time.", _FORGOTTEN
    ),
    EventType.MESSAGE_CLICKED: Event(
        "message.clicked", "campaigns:view", _MESSAGE, "A person followed a message's link the first time.", _FORGOTTEN
    ),
    EventType.MESSAGE_BOUNCED: Event(
        "message.bounced", "campaigns:view", _MESSAGE, "A message came back from its address.", _FORGOTTEN
    ),
    EventType.MESSAGE_COMPLAINED: Event(
        "message.complained", "campaigns:view", _MESSAGE, "A recipient called a message spam.", _FORGOTTEN
    ),
    EventType.MESSAGE_UNSUBSCRIBED: Event(
        "message.unsubscribed", "campaigns:view", _MESSAGE, "A recipient unsubscribed by a message.", _FORGOTTEN
    ),
    EventType.MESSAGE_REPLIED: Event(
        "message.replied", "campaigns:view", _MESSAGE, "A recipient answered a message.", _FORGOTTEN
    ),
    EventType.CONSENT_CHANGED: Event(
        "consent.changed",
        "customers:view",
        ("customerId", "brandId", "channel", "topic", "state"),
        "A customer's consent was given or withdrawn.",
    ),
    EventType.BULK_OPERATION_COMPLETED: Event(
        "bulk_operation.completed", "customers:view", _BULK, "A bulk operation is done."
    ),
    EventType.BULK_OPERATION_FAILED: Event(
        "bulk_operation.failed", "customers:view", _BULK, "A bulk operation could not go on."
    ),
    EventType.BULK_OPERATION_CANCELLED: Event(
        "bulk_operation.cancelled", "customers:view", _BULK, "A bulk operation was stopped on request."
    ),
    EventType.WEBHOOK_TEST: Event("webhook.test", "settings:manage", (), "Somebody tries a webhook out."),
}
