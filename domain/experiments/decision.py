"""What becomes of an experiment when its time has come, and by whom it may be decided."""

from dataclasses import dataclass

from domain.campaigns import CampaignStatus
from domain.experiments.design import Fallback, Mode
from domain.experiments.verdict import Outcome
from domain.refusals import Refused

# Who concludes when nobody does it by hand.
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Decision:
    """winner: what the rest gets; None: nobody won, and either a person has to say who does, or there is no rest."""

    winner: int | None
    waits: bool = False


def decide(outcome: Outcome, mode: Mode, fallback: Fallback, control: int) -> Decision:
    """Figures of arms that are not of the size they should be prove nothing, whatever they say."""
    if outcome.winner is not None and not outcome.sample_ratio_warning:
        return Decision(outcome.winner)
    if mode is Mode.SPLIT:
        return Decision(None)
    match fallback:
        case Fallback.BEST_ANYWAY:
            return Decision(control if outcome.best is None else outcome.best)
        case Fallback.KEEP_CONTROL:
            return Decision(control)
        case Fallback.MANUAL:
            return Decision(None, waits=True)


def require_concludable(status: CampaignStatus, *, is_fixed: bool, is_concluded: bool) -> None:
    """By hand, as soon as the audience is in the ledger; refuses WRONG_STATUS and ALREADY_CONCLUDED."""
    if is_concluded:
        raise Refused("ALREADY_CONCLUDED", "The experiment is decided already; the rest gets what won.")
    if not is_fixed or status not in (CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.COMPLETED):
        message = f"An experiment can be decided once its campaign is being sent; this one is {status}."
        raise Refused("WRONG_STATUS", message)
