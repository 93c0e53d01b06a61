"""Copies of campaigns: drafts that say the same, to the same audience or to those whom the first did not reach."""

from enum import StrEnum

from domain.campaigns import CampaignKind, CampaignStatus
from domain.refusals import Refused

ENDED = (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED, CampaignStatus.FAILED)


class Unreached(StrEnum):
    """Whom a campaign did not reach. UNCERTAIN is none of them: somebody may have got it."""

    FAILED = "FAILED"
    SOFT_BOUNCED = "SOFT_BOUNCED"
    NOT_OPENED = "NOT_OPENED"


def require_copyable(kind: CampaignKind) -> None:
    """Refuses WRONG_STATUS for what no person made."""
    if kind is not CampaignKind.BROADCAST:
        raise Refused("WRONG_STATUS", "Only a campaign that a person made can be copied.")


def require_resendable(kind: CampaignKind, status: CampaignStatus) -> None:
    """Refuses WRONG_STATUS: while it is being sent nobody knows yet whom it does not reach."""
    require_copyable(kind)
    if status not in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED):
        message = f"Only a campaign that is COMPLETED or CANCELLED can be sent once more; this one is {status}."
        raise Refused("WRONG_STATUS", message)


def require_archivable(kind: CampaignKind, status: CampaignStatus) -> None:
    """Refuses WRONG_STATUS for what is on its way: nobody would see it any more."""
    if kind is CampaignKind.TRIGGERED or status not in (CampaignStatus.DRAFT, *ENDED):
        message = f"Only a draft or a campaign that has ended can be put away; this one is {status}."
        raise Refused("WRONG_STATUS", message)
