"""Sessions: how long what is handed out at a sign-in lasts, and what a signed token must say to be believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

ACCESS_LIFE = timedelta(minutes=10)
SESSION_LIFE = timedelta(days=30)
# More failures than this from one address or on one account in the period, and the password is not looked at.
MAX_FAILURES = 20
FAILURE_PERIOD = timedelta(minutes=15)
# Mails to who forgot a password: for one account in the period; from one address as many as failures.
MAX_RESETS = 5
RESET_PERIOD = timedelta(minutes=15)
# What is yours alone: the name of both parties in tokens that we sign for ourselves.
SELF = "wayfare"
# The longest that an access token of ours lasts, and one of an issuer that is believed at all.
LONGEST_LIFE = timedelta(minutes=15)
LONGEST_ISSUED_LIFE = timedelta(days=1)
# Between the clocks of an issuer and ours.
SKEW = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token of ours is about."""

    organization_id: UUID
    member_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an issuer says somebody is: `subject` includes the issuer; `email` only when it was verified."""

    subject: str
    email: str | None


def claims_of(access: Access, now: datetime) -> dict[str, Any]:
    """What we sign."""
    issued = int(now.timestamp())
    return {
        "iss": SELF,
        "aud": SELF,
        "sub": str(access.member_id),
        "org": str(access.organization_id),
        "sid": str(access.session_id),
        "iat": issued,
        "exp": issued + int(ACCESS_LIFE.total_seconds()),
    }


def read_access(claims: Mapping[str, Any], now: datetime) -> Access | None:
    """What a token signed by us is about; None unless every claim is what we would have written."""
    if claims.get("iss") != SELF or claims.get("aud") != SELF or not _is_current(claims, now, LONGEST_LIFE):
        return None
    try:
        return Access(*(_uuid(claims.get(name)) for name in ("org", "sub", "sid")))
    except ValueError:
        return None


def read_identity(claims: Mapping[str, Any], issuer: str, audience: str, now: datetime) -> Identity | None:
    """Whom a token signed by the issuer is about; None unless it is for us, of them, and current."""
    to, subject, email = claims.get("aud"), claims.get("sub"), claims.get("email")
    addressed = to == audience or (isinstance(to, list) and audience in to)
    if claims.get("iss") != issuer or not addressed or not _is_current(claims, now, LONGEST_ISSUED_LIFE):
        return None
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or "\0" in subject:
        return None
    verified = isinstance(email, str) and claims.get("email_verified") is True
    return Identity(f"{issuer} {subject}", email if verified else None)


def _is_current(claims: Mapping[str, Any], now: datetime, longest: timedelta) -> bool:
    """Numbers are numbers: a text that reads like one was not written by who signs."""
    begins, issued, ends = (claims.get(name) for name in ("nbf", "iat", "exp"))
    if not _is_number(issued) or not _is_number(ends) or not (begins is None or _is_number(begins)):
        return False
    at, soon = now.timestamp(), (now + SKEW).timestamp()
    lasts = ends - issued  # type: ignore[operator]  # both are numbers
    return max(issued, begins or 0) <= soon and at < ends and 0 < lasts <= longest.total_seconds()  # type: ignore[operator, type-var]  # as above


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53


def _uuid(value: object) -> UUID:
    if not isinstance(value, str):
        raise ValueError(value)  # every way of being wrong is the same here
    return UUID(value)
