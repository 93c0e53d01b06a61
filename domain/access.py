"""Who may do what: the closed list of scopes and the one place that asks for them."""

from dataclasses import dataclass
from uuid import UUID

from domain.refusals import Rejected

SCOPES = {
    "customers:view": "Read customers, their facts, metrics, tags and notes.",
    "customers:edit": "Write customers and their facts.",
    "segments:view": "Read segments and who is in them.",
    "segments:manage": "Create, change, refresh and delete segments, and assign customers by hand.",
    "journeys:view": "Read journeys, stages and scores.",
    "journeys:edit": "Move customers between stages and evaluate journeys.",
    "campaigns:view": "Read campaigns, templates and the message log.",
    "campaigns:edit": "Write campaigns, templates, consents and suppressions.",
    "campaigns:send": "Send, pause, resume and cancel campaigns.",
    "workflows:view": "Read workflows.",
    "workflows:edit": "Write, start and stop workflows.",
    "analytics:view": "Read analytics over many customers.",
    "privacy:export": "Export everything that is known about a person.",
    "privacy:erase": "Erase a person.",
    "settings:manage": "Change the organization, its brands and its API keys.",
    "members:manage": "Invite, change and remove members.",
    "ai:use": "Use the assistant.",
    "ai:manage": "Configure the assistant.",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller; `actor` names it in histories, e.g. `key:wf_ab12cd34`."""

    organization_id: UUID
    actor: str
    scopes: frozenset[str]
    brand_ids: frozenset[UUID] | None = None
    """The brands the caller is limited to; None means all, also those that are yet to come."""

    def require(self, scope: str) -> None:
        """Raises FORBIDDEN unless the caller holds `scope`."""
        if scope not in SCOPES:
            message = f"unknown scope {scope}"
            raise LookupError(message)
        if scope not in self.scopes:
            raise Rejected("FORBIDDEN", f"This needs the scope {scope}, which the key does not have.")
