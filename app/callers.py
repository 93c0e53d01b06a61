"""Who asks, for every way in: the key or token of a request's headers, and an issuer's keys when one is trusted."""

from datetime import UTC, datetime

import httpx2
from starlette.datastructures import State

from app.requests import Operation
from app.secret import known_secret
from app.settings import Settings
from domain.access import NOBODY, Caller
from domain.refusals import Rejected
from resolvers.access import authenticate
from resolvers.issuer import Issuer
from resolvers.tokens import TokenKeys
from schema.public import is_public

JWKS_TIMEOUT = 5.0
MAX_JWKS = 1024 * 1024


async def caller_of(
    state: State, authorization: str | None, organization: str | None = None, *, address: str | None = None
) -> Caller:
    """The caller of a request or a connection by its two headers; raises UNAUTHENTICATED and FORBIDDEN.

    address: where it comes from; RATE_LIMITED for a wrong key when too many came from there, and for no right one.
    """
    now, recognised = datetime.now(UTC), state.recognised
    known: Caller | None = recognised.find(authorization, organization, now) if authorization else None
    if known is not None:
        return known
    try:
        caller = await authenticate(state.database, authorization, now, state.tools, organization)
    except Rejected as rejection:
        if authorization and address and rejection.code == "UNAUTHENTICATED":
            await state.wrong_keys.count(authorization, address)
        raise
    if authorization:
        recognised.note(authorization, organization, caller, now)
    return caller


def stranger(operation: Operation) -> Caller | None:
    """Nobody, for the operations that nobody may ask: signing in and the like."""
    return NOBODY if is_public(operation.document, operation.name) else None


def token_keys(settings: Settings) -> TokenKeys | None:
    """The keys that access tokens are signed with; None when there is no secret, and then nobody signs in."""
    if settings.token_secrets:
        return TokenKeys([secret.encode() for secret in settings.token_secrets])
    secret = known_secret(settings)
    return TokenKeys([secret]) if secret else None


def trusted_issuer(settings: Settings) -> Issuer | None:
    """The issuer whose tokens are believed, if there is one."""
    if not (settings.oidc_issuer and settings.oidc_audience and settings.oidc_jwks_url):
        return None
    url = settings.oidc_jwks_url

    async def fetch() -> bytes:
        """Nothing but an answer of 200 from that very address; raises OSError."""
        try:
            async with httpx2.AsyncClient(timeout=JWKS_TIMEOUT) as client, client.stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise OSError(f"the issuer's keys: {answer.status_code}")
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_JWKS:
                        raise OSError("the issuer's keys are too long")
                return bytes(body)
        except httpx2.HTTPError as error:
            raise OSError(f"the issuer's keys: {error}") from error

    return Issuer(settings.oidc_issuer, settings.oidc_audience, fetch)
