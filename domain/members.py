"""Members of an organization: the roles there are at first, what a password must be, who may manage whom."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from domain.access import SCOPES, Caller
from domain.refusals import Refused
from domain.values import text

OWNER = "owner"
# Worked by workers/members.py, which makes the token: it is never stored readable, not even in a job.
INVITE_JOB = "members.invite"
INVITATION_LIFE = timedelta(days=7)
RESET_JOB = "members.reset"
RESET_LIFE = timedelta(hours=1)
# NIST SP 800-63B asks for length and for nothing else; longer than a passphrase is only work for the hash.
MIN_PASSWORD, MAX_PASSWORD = 12, 200


class MemberState(StrEnum):
    INVITED = "INVITED"
    ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of scopes; None means every scope there is, also those that are yet to come."""

    key: str
    name: str
    description: str
    scopes: tuple[str, ...] | None


_READS = ("analytics:view", "campaigns:view", "customers:view", "journeys:view", "segments:view", "workflows:view")
_MARKETS = (
    *_READS,
    "ai:use",
    "campaigns:edit",
    "campaigns:send",
    "customers:edit",
    "journeys:edit",
    "segments:manage",
    "workflows:edit",
)
ROLES = (
    Role(OWNER, "Owner", "May do everything.", None),
    Role(
        "admin",
        "Administrator",
        "Runs the organization: everything but erasing people.",
        (*_MARKETS, "ai:manage", "members:manage", "privacy:export", "settings:manage"),
    ),
    Role("marketer", "Marketer", "Makes segments, journeys and campaigns, and sends them.", _MARKETS),
    Role("analyst", "Analyst", "Reads everything and defines segments.", (*_READS, "ai:use", "segments:manage")),
    Role(
        "support",
        "Support",
        "Looks after customers.",
        ("ai:use", "campaigns:view", "customers:edit", "customers:view", "journeys:view", "segments:view"),
    ),
    Role("viewer", "Viewer", "Reads and changes nothing.", _READS),
)


def scopes_of(stored: list[str] | None) -> frozenset[str]:
    """The scopes of a stored role; one that is not known any more gives nothing."""
    return frozenset(SCOPES) if stored is None else frozenset(stored) & SCOPES.keys()


def password(value: str, email: str, *field: str) -> str:
    """A password that may be set for this address; refuses INVALID."""
    if not MIN_PASSWORD <= len(value) <= MAX_PASSWORD:
        raise Refused("INVALID", f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.", field)
    text(value, *field, limit=MAX_PASSWORD)
    if len(set(value)) < 5 or email in value.lower():
        raise Refused("INVALID", "This password is too easy to guess.", field)
    return value


def require_manageable(caller: Caller, scopes: frozenset[str], brand_ids: frozenset[UUID] | None, *field: str) -> None:
    """Refuses BEYOND_YOURS: nobody gives, changes or takes away more than they hold themselves."""
    if missing := caller.lacking(scopes):
        message = f"This needs scopes that you do not have yourself: {', '.join(missing)}."
        raise Refused("BEYOND_YOURS", message, field)
    if not caller.reaches(brand_ids):
        raise Refused("BEYOND_YOURS", "You are limited to some brands, and this reaches beyond them.", field)
