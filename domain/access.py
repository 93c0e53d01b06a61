"""Who may do what: the closed list of scopes and the one place that asks for them."""

from collections.abc import Iterable
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
    member_id: UUID | None = None
    """Whose session this is; None for keys."""

    @property
    def known(self) -> bool:
        """Whether it was said who this is; who is signing in is not known yet."""
        return self.organization_id != NO_ORGANIZATION

    def require(self, scope: str) -> None:
        """Raises FORBIDDEN unless the caller holds `scope`; UNAUTHENTICATED when nobody knows who it is."""
        if scope not in SCOPES:
            message = f"unknown scope {scope}"
            raise LookupError(message)
        self.require_known()
        if scope not in self.scopes:
            raise Rejected("FORBIDDEN", f"This needs the scope {scope}, which you do not have.")

    def require_known(self) -> None:
        """Raises UNAUTHENTICATED for who is nobody yet."""
        if not self.known:
            raise unauthenticated()

    def lacking(self, scopes: Iterable[str]) -> list[str]:
        """Those of the scopes that the caller does not hold and so may not give to anybody, sorted."""
        return sorted(set(scopes) - self.scopes)

    def reaches(self, brand_ids: frozenset[UUID] | None) -> bool:
        """Whether all of these brands (None: every brand) are the caller's."""
        return self.brand_ids is None or (brand_ids is not None and brand_ids <= self.brand_ids)


def unauthenticated() -> Rejected:
    """The same words whatever is wrong with what was presented, or with nothing having been."""
    message = "Send a valid key or access token: Authorization: Bearer ... (`wayfare keys create`, or signIn)."
    return Rejected("UNAUTHENTICATED", message)


# No organization has it, so whoever carries it sees no row.
NO_ORGANIZATION = UUID(int=0)
NOBODY = Caller(NO_ORGANIZATION, "nobody", frozenset())
