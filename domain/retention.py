"""What to do about customers who are about to leave (requirements R2), and when each is recommended.

Recommended to whom the risk is above the organization's threshold, and to whoever stands in a retention stage:

    PERSONAL_CALL   HIGH     risk above `call_above` (0.8)
    SPECIAL_OFFER   MEDIUM   idle for more than `offer_days` (60) local days
    EMAIL_CAMPAIGN  LOW      always
"""

from enum import StrEnum


class RetentionAction(StrEnum):
    PERSONAL_CALL = "PERSONAL_CALL"
    SPECIAL_OFFER = "SPECIAL_OFFER"
    EMAIL_CAMPAIGN = "EMAIL_CAMPAIGN"


class ActionPriority(StrEnum):
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


DESCRIPTIONS = {
    RetentionAction.PERSONAL_CALL: "Schedule a personal check-in call",
    RetentionAction.SPECIAL_OFFER: "Send a special return offer",
    RetentionAction.EMAIL_CAMPAIGN: "Include in re-engagement email campaign",
}
PRIORITIES = {
    RetentionAction.PERSONAL_CALL: ActionPriority.HIGH,
    RetentionAction.SPECIAL_OFFER: ActionPriority.MEDIUM,
    RetentionAction.EMAIL_CAMPAIGN: ActionPriority.LOW,
}
